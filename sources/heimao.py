"""黑猫投诉 (Heimao), Sina's consumer complaints: what is complained of, and what became of it.

The lists are what the site's own pages load; Sina does not document them, and signs each request with a key that stands
in those pages.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from pydantic import AfterValidator, Field

from monitor.errors import NeedsCredentials, SourceError, shown
from monitor.model import Author, Cursor, Engagement, Page, Post, Query
from sources.answers import identity, number, read_object, table, text
from sources.dates import read_time
from sources.http import Http
from sources.links import host_of
from sources.lists import in_turns, reach
from sources.markup import html_to_text, joined, tidy
from sources.numbers import parse_count
from sources.settings import BaseUrl, Variable, secret, spelled

HOME = "https://tousu.sina.com.cn"
PLATFORM = "heimao"
PACE = 5.0
"""Seconds between two requests: the site bans addresses that ask much, and says no limit."""
STATES = {1: "accepted", 3: "unassigned", 4: "processing", 6: "replied", 7: "completed", 8: "closed"}
"""The site's 通过审核, 待分配, 处理中, 已回复, 已完成 and 已关闭: what follows ``complaint:`` in a post's kind.
Where the complainant has judged the end, ``:satisfied`` or ``:unsatisfied`` stands behind it."""
PAGE_SIZE = 10
Company = Annotated[
    str, AfterValidator(spelled("[0-9]{1,20}", "the number behind couid= in the address of a company's page, as text"))
]
_KEY = "$d6eb7ff91ee257475%"
_NONCE = string.digits + string.ascii_letters
_LOCATIONS_OF_LOGIN = ("login.sina.com.cn", "passport.weibo.com", "passport.sina.cn")


@dataclass(frozen=True)
class Heimao:
    """Complaints about ``companies``, newest first, each with its state as its kind: ``complaint:replied``.

    ``companies`` are numbers: the ``couid`` of https://tousu.sina.com.cn/company/view/?couid=…. ``latest`` reads the
    list of all companies' newest complaints. ``search`` asks for each watched term; the site wants a login for that:
    ``cookie_env`` names the environment variable with the Cookie header of yours. A complaint is read again, for its
    state, until it is ``follow_days`` old, as far as ``pages`` (of ten) of each list reach. ``url`` is for a
    mirror.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    companies: tuple[Company, ...] = ()
    latest: bool = False
    search: bool = False
    cookie_env: Variable = ""
    pages: Annotated[int, Field(ge=1, le=10)] = 3
    follow_days: Annotated[int, Field(ge=0, le=90)] = 14
    url: BaseUrl = HOME

    def __post_init__(self) -> None:
        if not (self.companies or self.latest or self.search):
            raise ValueError("companies: missing; or set latest or search")
        if self.search and not self.cookie_env:
            raise ValueError("cookie_env: missing; search needs a login")

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One page for each page of each list. A company that fails does not silence the others.

        The cursor only says whose turn it is: a list is read down to what was heard before, and farther for what may
        have changed.
        """
        lists = [("/api/company/received_complaints", {"type": "1", "couid": couid}) for couid in self.companies]
        if self.latest:
            lists.append(("/api/index/feed", {"type": "1"}))
        if self.search:
            lists += [("/api/index/s", {"keywords": term}) for term in query.terms]
        return in_turns({_stream(*one): self._read(*one, query) for one in lists}, query, cursor)

    def _read(self, path: str, asked: Mapping[str, str], query: Query) -> Iterator[Page]:
        since = reach(query)
        follow = min(since, query.now - timedelta(days=self.follow_days))
        stream = _stream(path, asked)
        for nth in range(1, self.pages + 1):
            found = self._ask(path, {**asked, "page_size": str(PAGE_SIZE), "page": str(nth)}, query.now)
            oldest = min((p.published_at for p in found.posts if p.published_at), default=query.now)
            yield Page(found.posts, exhausted=found.last or oldest < since, rejected=found.rejected, stream=stream)
            if found.last or oldest < follow:
                return

    def _ask(self, path: str, asked: Mapping[str, str], now: datetime) -> Parsed:
        host = host_of(self.url)
        nonce = "".join(secrets.choice(_NONCE) for _ in range(16))
        signed = sign(asked, str(int(now.timestamp() * 1000)), nonce)
        headers = {"Cookie": secret(self.cookie_env, "cookie_env", host)} if "keywords" in asked else {}
        answer = self.http.get(
            f"{self.url}{path}?{urlencode(signed)}", now=now, headers=headers, pace=PACE, expect=(302,)
        )
        if answer.status == 302:
            raise _redirected(host, answer.headers.get("location", ""), self.cookie_env if headers else "")
        return parse(answer.body, host=host)


def _stream(path: str, asked: Mapping[str, str]) -> str:
    return f"{path}:{asked.get('couid') or asked.get('keywords', '')}"


def sign(asked: Mapping[str, str], ts: str, rs: str) -> dict[str, str]:
    """The parameters with the site's signature: SHA-256 over all values, its key among them, in the order of text.

    ``ts`` is the time in Unix milliseconds, ``rs`` sixteen letters or digits that are different each time.
    """
    values = sorted([ts, rs, _KEY, *asked.values()])
    return {"ts": ts, "rs": rs, "signature": hashlib.sha256("".join(values).encode()).hexdigest(), **asked}


@dataclass(frozen=True, slots=True)
class Parsed:
    """Complaints, newest first; ``last``: there is no page behind this one."""

    posts: tuple[Post, ...]
    last: bool = False
    rejected: int = 0


def parse(body: bytes, *, host: str) -> Parsed:
    """The complaints of a list, as JSON or wrapped in a call (JSONP).

    Raises SourceError with the site's code when it says that it failed, and for anything that is no list.
    """
    result = table(read_object(_unwrapped(body), host), "result")
    code = table(result, "status").get("code")
    if code not in (0, "0") or isinstance(code, bool):
        raise SourceError(f"{host}: the list failed with code {shown(code, 20)}")
    data = table(result, "data")
    key = next((key for key in ("complaints", "lists") if key in data), None)
    items = data[key] if key else None
    if key is None or not isinstance(items, list | None):
        raise SourceError(f"{host}: JSON, but not a list of complaints")
    found = [_post(item) for item in items or ()]
    posts = [post for post in found if post is not None]
    posts.sort(key=lambda post: post.published_at or datetime.max.replace(tzinfo=UTC), reverse=True)
    return Parsed(tuple(posts), _is_last(table(data, "pager"), len(found)), len(found) - len(posts))


def _is_last(pager: Mapping[str, Any], items: int) -> bool:
    current, amount = parse_count(pager.get("current")), parse_count(pager.get("page_amount"))
    if items and current is not None and amount is not None:
        return current >= amount
    return items < PAGE_SIZE


def _post(item: object) -> Post | None:
    """One complaint: its title, what happened, against whom, over what, what is asked for, and how it was judged."""
    if not isinstance(item, dict):
        return None
    main = table(item, "main")
    native_id = number(main.get("sn")) or number(main.get("id"))
    seen = joined(html_to_text(text(main, "title")), html_to_text(text(main, "summary")))
    if not native_id or not seen:
        return None
    labelled = {
        "投诉对象": text(main, "cotitle"),
        "投诉问题": text(main, "issue"),
        "投诉要求": text(main, "appeal"),
        "投诉评价": text(table(main, "evaluate_u"), "evalContent"),
    }
    lines = [f"[{label}] {shown_text}" for label, words in labelled.items() if (shown_text := html_to_text(words))]
    return Post(
        platform=PLATFORM,
        native_id=native_id,
        text="\n".join([seen, *lines]),
        url=f"{HOME}/complaint/view/{native_id}/",
        kind=_kind(parse_count(main.get("status"))) + _judged(table(main, "evaluate_u")),
        author=_author(table(item, "author")),
        published_at=_time(identity(main.get("timestamp"))),
        engagement=Engagement(
            likes=parse_count(main.get("upvote_amount")),
            reposts=parse_count(main.get("share_amount")),
            comments=parse_count(main.get("comment_amount")),
        ),
    )


def _kind(status: int | None) -> str:
    """A state that the site added since is kept by its number."""
    return "complaint" if status is None else f"complaint:{STATES.get(status, status)}"


def _judged(evaluation: Mapping[str, Any]) -> str:
    """How content the complainant was with the end, by one to five stars; empty where he has not said or gave three."""
    stars = parse_count(evaluation.get("satisfaction"))
    if stars is None or not 1 <= stars <= 5 or stars == 3:
        return ""
    return ":satisfied" if stars > 3 else ":unsatisfied"


def _author(author: Mapping[str, Any]) -> Author | None:
    """Who complains; nobody where they chose to be 匿名. Names are masked and shared, so only a number tells apart."""
    name = tidy(text(author, "title"))
    profile = re.search(r"/u/([0-9]{1,20})/?$", text(author, "wb_profile"))
    who = profile[1] if profile else identity(author.get("uid"))
    return Author(who, name=name) if who and name != "匿名" else None


def _time(seconds: str) -> datetime | None:
    try:
        return read_time(seconds, UTC) if re.fullmatch(r"[0-9]{9,10}", seconds) else None
    except ValueError:
        return None


def _unwrapped(body: bytes) -> bytes:
    found = re.match(rb"\s*(?:try\s*\{\s*)?[\w$.]{1,100}\(", body)
    end = body.rfind(b")", 0, body.rfind(b"catch") if found and b"try" in found[0] and b"catch" in body else len(body))
    return body[found.end() : end] if found and end > found.end() else body


def _redirected(host: str, location: str, cookie_env: str) -> SourceError:
    try:
        there = (urlsplit(location).hostname or "").lower()
    except ValueError:
        there = ""
    if there not in _LOCATIONS_OF_LOGIN:
        return SourceError(f"{host}: redirects elsewhere; not followed")
    if cookie_env:
        return NeedsCredentials(f"{host}: asks for a login; the cookie in {cookie_env} is refused or out of date")
    return NeedsCredentials(f"{host}: asks for a login")
