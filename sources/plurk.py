"""Plurk, short posts, mostly from Taiwan: the search of its own pages, which asks for no login.

Plurk documents another search, with OAuth; this one it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field

from monitor.errors import SourceError, shown
from monitor.model import Author, Cursor, Engagement, Page, Post, Query
from sources.answers import number, read_object, table, text
from sources.dates import read_time
from sources.http import Http
from sources.links import host_of
from sources.lists import in_turns, reach
from sources.markup import LONGEST, html_to_text, tidy
from sources.numbers import parse_count
from sources.settings import BaseUrl

HOME = "https://www.plurk.com"
PLATFORM = "plurk"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Plurk:
    """Plurks that hold a watched term, newest first.

    The search is bounded by months, not by pages: it is asked for this month, and for each one before in which the
    time since the last run lies, ``pages`` months at most. ``url`` is for a mirror.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    pages: Annotated[int, Field(ge=1, le=60)] = 3
    url: BaseUrl = HOME

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One page for each term and month. A term that fails does not silence the others.

        The cursor only says whose turn it is: what was heard before says which months have to be asked for.
        """
        return in_turns({term: self._read(term, query) for term in query.terms}, query, cursor)

    def _read(self, term: str, query: Query) -> Iterator[Page]:
        spans = months(reach(query), query.now)
        whole = True
        for nth, (start, end) in enumerate(spans[: self.pages], 1):
            found = self._ask(term, start, end, query.now)
            whole = whole and not found.more
            exhausted = whole and nth == len(spans)
            if found.posts or found.rejected or exhausted:  # an empty page would say that nothing is new
                yield Page(found.posts, exhausted=exhausted, rejected=found.rejected, stream=term)

    def _ask(self, term: str, start: str, end: str, now: datetime) -> Parsed:
        asked = urlencode({"query": term, "start_date": start, "end_date": end})
        answer = self.http.post(f"{self.url}/Search/search2?{asked}", b"", "application/x-www-form-urlencoded", now=now)
        return parse(answer.body, host=host_of(self.url))


def months(since: datetime, now: datetime) -> list[tuple[str, str]]:
    """Start and end of each question, newest first, as ``2026/11``.

    A day more on either side: it is not said in whose zone Plurk's months begin.
    """
    last, first = (now + _A_DAY).date(), (since - _A_DAY).date()
    spans, month = [], now.date().replace(day=1)
    while True:
        spans.append((_written(month), _written(last)))
        if month <= first.replace(day=1):
            return spans
        month = last = (month - _A_DAY).replace(day=1)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Plurks, newest first; ``more``: the search found others that it does not give."""

    posts: tuple[Post, ...]
    more: bool = False
    rejected: int = 0


def parse(body: bytes, *, host: str) -> Parsed:
    """The plurks of a search. Raises SourceError when Plurk says that it failed, and for anything else that came."""
    found = read_object(body, host)
    if found.get("error"):
        raise SourceError(f"{host}: the search failed{_code(found['error'])}")
    items = found.get("plurks")
    if not isinstance(items, list):
        raise SourceError(f"{host}: JSON, but not a list of plurks")
    people = table(found, "users")
    read = [_post(item, people) for item in items]
    posts = [post for post in read if post is not None]
    posts.sort(key=lambda post: post.published_at or datetime.max.replace(tzinfo=UTC), reverse=True)
    return Parsed(tuple(posts), bool(found.get("has_more")), len(read) - len(posts))


def address(plurk: int) -> str:
    """A plurk's page: its id with the digits 0-9 and a-z."""
    digits = ""
    while plurk:
        plurk, digit = divmod(plurk, 36)
        digits = _DIGITS[digit] + digits
    return f"{HOME}/p/{digits or '0'}"


def _post(item: object, people: Mapping[str, Any]) -> Post | None:
    """A plurk as its author typed it: there an emoticon is ``(angry)``, where the page has only a picture."""
    if not isinstance(item, dict):
        return None
    native_id = number(item.get("plurk_id"))
    seen = tidy(text(item, "content_raw")[:LONGEST]) or html_to_text(text(item, "content"))
    if not 0 < len(native_id) <= 20 or not seen:
        return None
    return Post(
        platform=PLATFORM,
        native_id=native_id,
        text=seen,
        url=address(int(native_id)),
        author=None if item.get("anonymous") else _author(item, people),
        published_at=_time(text(item, "posted")),
        engagement=Engagement(
            likes=parse_count(item.get("favorite_count")),
            reposts=parse_count(item.get("replurkers_count")),
            comments=parse_count(item.get("response_count")),
        ),
    )


def _author(item: Mapping[str, Any], people: Mapping[str, Any]) -> Author | None:
    """Whoever wrote a plurk; the account behind every anonymous one is nobody."""
    who = number(item.get("owner_id")) or number(item.get("user_id"))
    person = table(people, who)
    name = tidy(text(person, "display_name")) or tidy(text(person, "nick_name"))
    return Author(who, name=name) if who else None


def _time(written: str) -> datetime | None:
    try:
        return read_time(written, UTC)
    except ValueError:
        return None


def _code(error: object) -> str:
    """The platform's word for what went wrong, if it is no more than a word or two."""
    short = isinstance(error, str | int) and re.fullmatch(r"[\w -]{1,40}", str(error)[:50], re.ASCII)
    return f": {shown(str(error))}" if short else ""


def _written(day: date) -> str:
    return f"{day:%Y/%m}"
