"""Any JSON interface, by a mapping in the config: vendors of Xiaohongshu, Douyin, Dcard and others."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from monitor.errors import SourceError
from monitor.model import Cursor, Page, Post, Query
from sources import placeholders
from sources.http import Answer, Http
from sources.jsonmapping import Expression, Fields, Parsed, Shape, parse
from sources.links import host_of
from sources.lists import FIRST_REACH, in_turns
from sources.settings import WebAddress, ZoneName

_MARKS = 20
"""Known posts remembered for each list."""
_MOST_PAGES = 100
_SECRET_HEADER = re.compile(r"authori[sz]ation|cookie|token|secret|key|passw", re.IGNORECASE)
_NOT_OURS = frozenset({"host", "content-length", "content-type", "user-agent", "accept-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class _Step:
    """Where in a list the next request stands. ``asked``: the cursors used; ``seen``: marks of the posts that came."""

    page: int
    cursor: str = ""
    offset: int = 0
    asked: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class JsonApi:
    """An interface that answers with JSON, asked once for each term, page by page.

    In ``url``, ``headers``, ``params`` and ``body`` stand ``{keyword}`` (a term), ``{page}``, ``{cursor}``,
    ``{offset}`` (items that came before), ``{since_iso}``, ``{since_local}`` (in ``timezone``), ``{since_ts}`` and
    ``{since_ms}``, the same with ``until``, and ``${NAME}`` for an environment variable. ``body`` is sent as JSON, with
    ``form = true`` as a form, by ``method = "POST"``.

    The rest are JMESPath expressions on the answer: ``items`` the list, ``ok`` true where it is no error,
    ``error_message`` what it says if it is, ``needs_credentials``, ``rate_limited`` and ``blocked`` true where it is an
    error of that kind; ``next_cursor``, ``has_more`` and ``total_pages`` what follows; and in ``fields``, on an item,
    those of ``Fields``.

    ``pages`` bounds the requests for a term in one run, ``first_page`` is the number of the first. ``overlap_hours`` is
    how far before the last run ``{since_...}`` reaches, because vendors find posts late. ``timezone`` is that of times
    without an offset. ``markup`` names the fields (``title``, ``text``) that hold HTML. ``platform`` is the namespace
    of ids where ``fields.platform`` gives none, by default the host of ``url``. ``brand``: every post is a mention of
    it. ``never_empty``: a list that held posts before cannot be empty, so an empty one is a failure.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    url: WebAddress
    items: Expression
    fields: Fields
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str | int | float | bool] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    form: bool = False
    ok: Expression = ""
    error_message: Expression = ""
    needs_credentials: Expression = ""
    rate_limited: Expression = ""
    blocked: Expression = ""
    next_cursor: Expression = ""
    has_more: Expression = ""
    total_pages: Expression = ""
    first_page: int = 1
    pages: int = 5
    overlap_hours: float = 6.0
    timezone: ZoneName = "Asia/Shanghai"
    markup: tuple[Literal["title", "text"], ...] = ()
    platform: str = ""
    brand: str = ""
    never_empty: bool = False

    def __post_init__(self) -> None:
        used = self._placeholders()
        if not self.items:
            raise ValueError("items: missing")
        if not 1 <= self.pages <= _MOST_PAGES:
            raise ValueError(f"pages: must be 1 to {_MOST_PAGES}")
        if not 0 <= self.overlap_hours <= 24 * 30:
            raise ValueError("overlap_hours: must be 0 to 720")
        if bool(self.next_cursor) != ("cursor" in used):
            raise ValueError("next_cursor and {cursor} need each other")
        if self.body and self.method == "GET":
            raise ValueError('body: needs method = "POST"')
        for header, value in self.headers.items():
            if header.lower() in _NOT_OURS:
                raise ValueError(f"headers.{header}: is set by Qianli itself")
            if _SECRET_HEADER.search(header) and "${" not in value:
                raise ValueError(f"headers.{header}: write ${{NAME}} and keep the secret in that environment variable")

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """A stream for each term. A term that fails does not silence the others; its error is raised at the end.

        A refusal ends the run at once: the other terms would be refused by the same host.
        """
        secrets = placeholders.secrets(self._templates(), host_of(self.url))
        terms = query.terms if {"keyword", "query"} & self._placeholders() else ("",)
        kept = {key: cursor[key] for key in map(_key, terms) if isinstance(cursor.get(key), list)}
        yield from in_turns({_key(term): self._list(term, query, kept, secrets) for term in terms}, query, cursor)

    def _list(self, term: str, query: Query, kept: dict[str, Any], secrets: Mapping[str, str]) -> Iterator[Page]:
        """The pages of one term's list: until it ends, reaches back to what is known, repeats, or for ``pages``.

        ``kept`` is brought up to date on the way.
        """
        key = _key(term)
        remembered = [mark for mark in kept.get(key, ()) if isinstance(mark, str)]
        known = frozenset(remembered)
        step = _Step(self.first_page)
        for number in range(self.pages):
            parsed = self._ask(term, query, step, secrets)
            marks = [_mark(post) for post in parsed.posts]
            if not number:
                self._check_empty(parsed, known)
                kept[key] = list(dict.fromkeys([*marks, *remembered]))[:_MARKS]
            whole = self._is_whole(parsed, step) or self._reaches_back(parsed.posts, query)
            repeats = bool(marks) and step.seen.issuperset(marks)
            yield Page(parsed.posts, dict(kept), exhausted=whole, rejected=parsed.rejected, stream=key)
            if whole or repeats or self._meets(marks, known) or not self._can_go_on(parsed, step):
                return
            step = _Step(
                step.page + 1,
                parsed.next_cursor,
                step.offset + len(parsed.posts) + parsed.rejected,
                step.asked | {parsed.next_cursor},
                step.seen.union(marks),
            )

    def _ask(self, term: str, query: Query, step: _Step, secrets: Mapping[str, str]) -> Parsed:
        values = self._values(term, query, step, secrets)
        answer = self._send(values, query.now)
        shape = replace(self._shape(), secret=[*secrets.values(), *([term] if len(term) > 1 else [])])
        return parse(answer.body, shape, url=answer.url, content_type=answer.content_type, fetched_at=query.now)

    def _send(self, values: placeholders.Values, now: datetime) -> Answer:
        url = placeholders.fill(self.url, values, lambda text: quote(text, safe=""))
        params = placeholders.fill_all(self.params, values)
        if params:
            written = {name: str(v).lower() if isinstance(v, bool) else str(v) for name, v in params.items()}
            url += ("&" if urlsplit(url).query else "?") + urlencode(written, quote_via=quote)
        headers = {name: placeholders.fill(text, values) for name, text in self.headers.items()}
        headers.setdefault("Accept", "application/json")
        if self.method == "GET":
            return self.http.get(url, now=now, headers=headers)
        body = placeholders.fill_all(self.body, values)
        sent, kind = json.dumps(body, ensure_ascii=False), "application/json"
        if self.form:
            sent, kind = urlencode(body, doseq=True), "application/x-www-form-urlencoded"
        return self.http.post(url, sent.encode(), kind, now=now, headers=headers)

    def _values(self, term: str, query: Query, step: _Step, secrets: Mapping[str, str]) -> placeholders.Values:
        since = self._since(query) or query.now - FIRST_REACH
        return {
            "keyword": term,
            "query": term,
            "page": step.page,
            "cursor": step.cursor,
            "offset": step.offset,
            **placeholders.moments(since, query.now, ZoneInfo(self.timezone)),
            **{f"${name}": value for name, value in secrets.items()},
        }

    def _since(self, query: Query) -> datetime | None:
        """How far back a run has to reach; never ahead of it, should a clock have been wrong."""
        return min(query.since, query.now) - timedelta(hours=self.overlap_hours) if query.since else None

    def _is_whole(self, parsed: Parsed, step: _Step) -> bool:
        """Whether the answer says that nothing follows. A single answer without paging never does."""
        if parsed.more is not None:
            return not parsed.more
        if parsed.pages is not None:
            return step.page - self.first_page + 1 >= parsed.pages
        if self.next_cursor:
            return not parsed.next_cursor
        return bool({"page", "offset"} & self._placeholders()) and not parsed.posts and not parsed.rejected

    def _reaches_back(self, posts: Sequence[Post], query: Query) -> bool:
        """Whether the end of a page lies before what was heard; its start may hold old posts that are pinned.

        A request that itself says since when is read to its end: what the interface found late stands below.
        """
        since = self._since(query)
        last = posts[-1].published_at if posts else None
        return not self._says_since() and since is not None and last is not None and last < since

    def _meets(self, marks: Sequence[str], known: frozenset[str]) -> bool:
        """Whether a page holds the last run's posts; one alone, unless it is the last, may be pinned."""
        met = [mark in known for mark in marks]
        return not self._says_since() and (sum(met) > 1 or met[-1:] == [True])

    def _says_since(self) -> bool:
        return any(name.startswith("since") for name in self._placeholders())

    def _can_go_on(self, parsed: Parsed, step: _Step) -> bool:
        if self.next_cursor:
            return bool(parsed.next_cursor) and parsed.next_cursor not in step.asked
        return bool({"page", "offset"} & self._placeholders())

    def _check_empty(self, parsed: Parsed, known: frozenset[str]) -> None:
        if self.never_empty and known and not parsed.posts and not parsed.rejected:
            raise SourceError(f"{host_of(self.url)}: an empty list, which held posts before")

    def _shape(self) -> Shape:
        return Shape(
            items=self.items,
            fields=self.fields,
            platform=self.platform or host_of(self.url),
            zone=ZoneInfo(self.timezone),
            ok=self.ok,
            error_message=self.error_message,
            needs_credentials=self.needs_credentials,
            rate_limited=self.rate_limited,
            blocked=self.blocked,
            next_cursor=self.next_cursor,
            has_more=self.has_more,
            total_pages=self.total_pages,
            markup=self.markup,
            brand=self.brand,
        )

    def _templates(self) -> dict[str, object]:
        return {"url": self.url, "headers": self.headers, "params": self.params, "body": self.body}

    def _placeholders(self) -> set[str]:
        found: set[str] = set()
        for key, template in self._templates().items():
            try:
                found |= placeholders.names(template)
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error
        return found


def _key(term: str) -> str:
    """A term's list in the cursor, which is stored and shown."""
    return hashlib.sha256(term.encode()).hexdigest()[:16]


def _mark(post: Post) -> str:
    return hashlib.sha256(f"{post.platform}\n{post.native_id}".encode()).hexdigest()[:12]
