"""Bilibili: the video search and comments. None of it is documented by Bilibili."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from monitor.errors import Blocked
from monitor.model import Cursor, Page, Post, Query, from_utc_text, utc_text
from sources import wbi
from sources.bilibiliformat import REFUSED_FOR, BadSignature, Replies, Videos, parse_nav, parse_replies, parse_search
from sources.http import Http
from sources.links import host_of
from sources.lists import Newest, ends_behind, in_turns
from sources.settings import BaseUrl, Count, Pages, UserAgent, Variable, secret
from sources.threads import Thread, Threads

OVERLAP = timedelta(days=1)
"""How far behind the last run a search begins: videos are found only some time after they are published."""
PACE = 5.0
"""Seconds between two requests: Bilibili says no limit, and refuses addresses that ask fast for half an hour."""
_KEYS_LAST = timedelta(hours=12)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Bilibili:
    """Public videos that Bilibili's search finds for each term, newest first, and their comments.

    No login is needed. ``cookie_env`` may name an environment variable that holds the Cookie header of your own; no
    visitor's identity is ever asked for, and without one Bilibili may refuse. ``terms`` are searched for instead of
    every brand's. ``pages`` of a search, and ``comment_pages`` of one video's comments, are read in one run at most.
    ``comments`` is under how many videos of the last ``comment_days`` days comments are read in one run, often while a
    video is young. ``user_agent`` is said instead of Qianli's own. ``url`` is where the interface is.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    cookie_env: Variable = ""
    terms: tuple[str, ...] = ()
    pages: Pages = 2
    comments: Count = 5
    comment_pages: Pages = 2
    comment_days: Count = 7
    user_agent: UserAgent = ""
    url: BaseUrl = "https://api.bilibili.com"

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One list a term, then one a video whose comments are due."""
        run = _Run(self, query, cursor)
        return in_turns(run.lists(), query, cursor, aside=run.comments())


class _Run:
    """One run of a Bilibili source: what it remembers, the day's keys, and how it asks."""

    def __init__(self, source: Bilibili, query: Query, cursor: Cursor) -> None:
        self._source = source
        self._query = query
        self._host = host_of(source.url)
        self._terms = source.terms or query.terms
        self._newest = Newest(cursor.get("newest"), query.since, self._terms)
        self._threads = Threads(cursor.get("threads"), query.now, source.comment_days)
        self._mixin, self._mixin_at = _remembered_key(cursor.get("key"), query.now)
        self._mixin_is_fresh = False

    def lists(self) -> dict[str, Iterator[Page]]:
        return {term: self._search(term) for term in self._terms}

    def comments(self) -> Iterator[Page]:
        return self._threads.samples(self._source.comments, self._comments, self._unread)

    def _unread(self, thread: Thread) -> Page:
        return self._page((), rejected=1, stream=thread.stream)

    def _search(self, term: str) -> Iterator[Page]:
        for number in range(1, self._source.pages + 1):
            found = self._videos(term, number)
            back = self._newest.read(term, found.posts)
            for post in found.posts:
                handle = found.numbers[post.native_id]
                if handle:
                    self._threads.see(post.native_id, handle, post.published_at, post.engagement.comments)
            yield self._page(found.posts, exhausted=found.last, rejected=found.rejected, stream=term)
            since = self._query.since
            if found.last or (back and (since is None or ends_behind(found.posts, since - OVERLAP))):
                return

    def _videos(self, term: str, number: int) -> Videos:
        asked = {"search_type": "video", "keyword": term, "page": str(number), "page_size": "20", "order": "pubdate"}
        if self._query.since:
            asked["pubtime_begin_s"] = str(int((self._query.since - OVERLAP).timestamp()))
            asked["pubtime_end_s"] = str(int(self._query.now.timestamp()))
        return self._signed(
            "/x/web-interface/wbi/search/type",
            asked,
            "https://search.bilibili.com/",
            partial(parse_search, host=self._host),
        )

    def _comments(self, thread: Thread) -> Iterator[Page]:
        stream, after = thread.stream, "0"
        for number in range(self._source.comment_pages):
            found = self._replies(thread, after)
            if found.closed:
                self._threads.drop(thread)
                yield self._page((), stream=stream)
                return
            self._threads.was_read(thread)
            if found.pinned and number == 0:
                yield self._page(found.pinned, stream="pinned")
            yield self._page(found.posts, rejected=found.rejected, stream=stream)
            if found.next is None or ends_behind(found.posts, thread.read):
                return
            after = found.next

    def _replies(self, thread: Thread, after: str) -> Replies:
        asked = {"oid": thread.handle, "type": "1", "mode": "2", "next": after, "ps": "20"}
        parse = partial(parse_replies, host=self._host, video=thread.id)
        return self._signed("/x/v2/reply/wbi/main", asked, f"https://www.bilibili.com/video/{thread.id}", parse)

    def _signed(self, path: str, parameters: Mapping[str, str], referer: str, parse: Callable[[bytes], _T]) -> _T:
        """What a signed request brings. Keys of an earlier run that are refused are asked for anew, once a run."""
        if self._mixin:
            try:
                return parse(self._ask(f"{path}?{self._query_of(parameters)}", referer))
            except BadSignature as error:
                if self._mixin_is_fresh:
                    raise Blocked(f"{error}, though its keys are fresh", REFUSED_FOR) from error
        self._renew_key()
        return self._signed(path, parameters, referer, parse)

    def _query_of(self, parameters: Mapping[str, str]) -> str:
        return wbi.signed(parameters, self._mixin, int(self._query.now.timestamp()))

    def _renew_key(self) -> None:
        keys = parse_nav(self._ask("/x/web-interface/nav", "https://www.bilibili.com/"), host=self._host)
        self._mixin, self._mixin_at, self._mixin_is_fresh = wbi.mixin(*keys), self._query.now, True

    def _ask(self, path: str, referer: str) -> bytes:
        headers = {"Referer": referer}
        if self._source.user_agent:
            headers["User-Agent"] = self._source.user_agent
        cookie = secret(self._source.cookie_env, "cookie_env", self._host)
        if cookie:
            headers["Cookie"] = cookie
        answer = self._source.http.get(
            self._source.url + path, now=self._query.now, headers=headers, pace=PACE, expect={412}
        )
        if answer.status == 412:
            said = f"{self._host}: HTTP 412, refused" + ("" if cookie else "; a cookie of your own may help")
            raise Blocked(said, REFUSED_FOR)
        return answer.body

    def _page(self, posts: tuple[Post, ...], *, exhausted: bool = False, rejected: int = 0, stream: str = "") -> Page:
        cursor: dict[str, Any] = {
            "newest": self._newest.kept(),
            "threads": self._threads.kept(),
            "key": [self._mixin, utc_text(self._mixin_at)],
        }
        return Page(posts, cursor, exhausted=exhausted, rejected=rejected, stream=stream)


def _remembered_key(kept: object, now: datetime) -> tuple[str, datetime]:
    """The mixin key of an earlier run, and since when; ``""`` if there is none or it is old."""
    if isinstance(kept, list) and len(kept) == 2 and all(isinstance(part, str) for part in kept):
        try:
            since = from_utc_text(kept[1])
        except ValueError:
            return "", now
        if len(kept[0]) == 32 and timedelta(0) <= now - since < _KEYS_LAST:
            return kept[0], since
    return "", now.astimezone(UTC)
