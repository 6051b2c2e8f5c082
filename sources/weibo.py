"""Weibo: the real-time search of m.weibo.cn, long texts and comments. None of it is documented by Weibo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from monitor.errors import Blocked, NeedsCredentials, SourceError
from monitor.model import Cursor, Page, Post, Query
from sources.http import Answer, Http
from sources.links import host_of
from sources.lists import REFUSALS, Newest, in_turns
from sources.settings import BaseUrl, Count, Pages, UserAgent, Variable, secret
from sources.threads import Thread, Threads
from sources.weiboformat import PLATFORM, Comments, Found, LongText, parse_comments, parse_long_text, parse_search

_EXPECTED = frozenset({302, 418, 432})
"""A visitor's login page, a refused address, and "show a cookie"."""
PACE = 10.0
"""Seconds between two requests: Weibo says no limit; public crawlers that last wait 3 to 10."""
_LONG_TEXTS_KEPT = 300
_MANY = 3


@dataclass(frozen=True)
class Weibo:
    """Public posts that Weibo's real-time search finds for each term, and their comments.

    ``cookie_env`` names the environment variable that holds the Cookie header of your own login (``SUB=...``); Weibo
    has refused everyone else since 2025. ``terms`` are searched for instead of every brand's. ``pages`` of a search,
    and ``comment_pages`` of one post's comments, are read in one run at most. ``long_texts`` is how many cut texts are
    fetched whole in one run. ``comments`` is under how many posts of the last ``comment_days`` days comments are read
    in one run, often while a post is young. ``user_agent`` is said instead of Qianli's own. ``url`` is where the
    interface is.

    Comments come in Weibo's own order of interest: what is read of many is a sample of the most seen ones.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    cookie_env: Variable = ""
    terms: tuple[str, ...] = ()
    pages: Pages = 2
    long_texts: Count = 2
    comments: Count = 2
    comment_pages: Pages = 1
    comment_days: Count = 3
    user_agent: UserAgent = ""
    url: BaseUrl = "https://m.weibo.cn"

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One list a term, then one a post whose comments are due. Raises NeedsCredentials without a valid cookie."""
        terms = self.terms or query.terms
        run = _Run(self, query.now, cursor, query.since, terms)
        return in_turns({term: run.search(term) for term in terms}, query, cursor, aside=run.comments())

    def recheck(self, posts: Sequence[Post], now: datetime) -> Iterator[Post]:
        """Posts with their whole text and counts as they are now; comments cannot be asked for by id.

        A post that Weibo does not show is passed over: no answer of this interface says for sure that it is gone.
        """
        run: _Run | None = None
        for post in posts:
            if post.platform != PLATFORM or post.page:
                continue
            run = run or _Run(self, now, {}, None, ())
            whole = run.long_text(post.native_id)
            if whole is not None:
                yield replace(post, text=whole.text or post.text, engagement=whole.engagement)


class _Run:
    """One run of a Weibo source: what it remembers, and how it asks."""

    def __init__(
        self, source: Weibo, now: datetime, cursor: Cursor, since: datetime | None, terms: Sequence[str]
    ) -> None:  # fmt: skip
        self._source = source
        self._now = now
        self._host = host_of(source.url)
        before = cursor.get("newest")
        self._before: Mapping[str, Any] = before if isinstance(before, Mapping) else {}
        self._newest = Newest(before, since, terms)
        self._threads = Threads(cursor.get("threads"), now, source.comment_days)
        whole = cursor.get("whole")
        self._whole = [i for i in whole if isinstance(i, str)] if isinstance(whole, list) else []
        self._texts: dict[str, LongText] = {}
        self._texts_left = source.long_texts

    def comments(self) -> Iterator[Page]:
        return self._threads.samples(self._source.comments, self._comments, self._unread)

    def _unread(self, thread: Thread) -> Page:
        return self._page((), rejected=1, stream=thread.stream)

    def search(self, term: str) -> Iterator[Page]:
        for number in range(1, self._source.pages + 1):
            found = self._found(term, number)
            if found.end and number == 1 and self._had_many(term):
                raise Blocked(f"{self._host}: finds nothing where it found posts before; perhaps it wants a captcha")
            back = self._newest.read(term, found.posts)
            for post in (*found.posts, *found.reposted):
                self._threads.see(post.native_id, post.native_id, post.published_at, post.engagement.comments)
            posts, refusal = self._with_whole_texts(found.posts, found.long)
            # A long post seen again is not given again, so that the run cannot be seen to overlap by it.
            known = back and len(posts) < len(found.posts)
            yield self._page(posts, exhausted=found.end or known, rejected=found.rejected, stream=term)
            if found.reposted and refusal is None:
                originals, refusal = self._with_whole_texts(found.reposted, found.long)
                yield self._page(originals, exhausted=True, stream="reposted")
            if refusal:
                raise refusal
            if found.end or back:
                return

    def _had_many(self, term: str) -> bool:
        """Whether the last run found more posts for a term than can all have been deleted since."""
        before = self._before.get(term)
        return isinstance(before, list) and len(before) >= _MANY

    def _found(self, term: str, number: int) -> Found:
        inside = f"100103type=61&q={term.replace('&', ' ')}&t=0"
        path = f"/api/container/getIndex?containerid={quote(inside, safe='')}&page_type=searchall&page={number}"
        referer = f"{self._source.url}/p/searchall?containerid={quote(inside.replace('=61&', '=1&', 1), safe='')}"
        return parse_search(self._ask(path, referer).body, host=self._host, now=self._now)

    def _comments(self, thread: Thread) -> Iterator[Page]:
        after = {"max_id_type": "0"}
        for _ in range(self._source.comment_pages):
            found = self._comment_page(thread, after)
            self._threads.was_read(thread)
            yield self._page(found.posts, rejected=found.rejected, stream=thread.stream)
            if found.next is None:
                return
            after = {"max_id": found.next[0], "max_id_type": found.next[1]}

    def _comment_page(self, thread: Thread, after: Mapping[str, str]) -> Comments:
        path = "/comments/hotflow?" + urlencode({"id": thread.handle, "mid": thread.handle, **after})
        body = self._ask(path, f"{self._source.url}/detail/{thread.handle}").body
        return parse_comments(body, host=self._host, now=self._now, post=thread.id)

    def _with_whole_texts(
        self, posts: Sequence[Post], long: frozenset[str]
    ) -> tuple[tuple[Post, ...], SourceError | None]:
        """Cut texts made whole, and a refusal met meanwhile.

        A post whose whole text an earlier run gave is left out: its cut text would pass for an edit.
        """
        given: list[Post] = []
        refusal: SourceError | None = None
        for post in posts:
            if post.native_id in self._whole:
                continue
            if post.native_id in long and refusal is None:
                try:
                    post = self._made_whole(post)
                except REFUSALS as error:
                    refusal = error
            given.append(post)
        return tuple(given), refusal

    def _made_whole(self, post: Post) -> Post:
        """A post with its whole text; still cut where that cannot be had, or enough were fetched in this run."""
        whole = self._texts.get(post.native_id)
        if whole is None and self._texts_left > 0:
            self._texts_left -= 1
            try:
                whole = self.long_text(post.native_id)
            except REFUSALS:
                raise
            except SourceError:
                return post
        if whole is None or not whole.text:
            return post
        self._texts[post.native_id] = whole
        return replace(post, text=whole.text, engagement=whole.engagement or post.engagement)

    def long_text(self, native_id: str) -> LongText | None:
        """The whole text of a post and its counts; None if Weibo does not show it."""
        body = self._ask("/statuses/extend?" + urlencode({"id": native_id}), self._source.url + "/").body
        return parse_long_text(body, host=self._host)

    def _ask(self, path: str, referer: str) -> Answer:
        headers = {"Referer": referer, "MWeibo-Pwa": "1", "X-Requested-With": "XMLHttpRequest"}
        if self._source.user_agent:
            headers["User-Agent"] = self._source.user_agent
        cookie = secret(self._source.cookie_env, "cookie_env", self._host)
        if cookie:
            headers["Cookie"] = cookie
        answer = self._source.http.get(
            self._source.url + path, now=self._now, headers=headers, pace=PACE, expect=_EXPECTED
        )
        if answer.status == 418:
            raise Blocked(f"{self._host}: HTTP 418, this address is refused")
        if answer.status == 432:
            raise NeedsCredentials(f"{self._host}: HTTP 432, {_wanted(cookie)}")
        if answer.status == 302:
            there = host_of(answer.headers.get("location", ""))
            if "passport" in there.split("."):
                raise NeedsCredentials(f"{self._host}: HTTP 302 to a login page, {_wanted(cookie)}")
            raise SourceError(f"{self._host}: HTTP 302; not followed, for the request may hold credentials")
        return answer

    def _page(self, posts: tuple[Post, ...], *, exhausted: bool = False, rejected: int = 0, stream: str = "") -> Page:
        cursor: dict[str, Any] = {
            "newest": self._newest.kept(),
            "threads": self._threads.kept(),
            "whole": [*self._whole, *self._texts][-_LONG_TEXTS_KEPT:],
        }
        return Page(posts, cursor, exhausted=exhausted, rejected=rejected, stream=stream)


def _wanted(cookie: str) -> str:
    return "the cookie is no longer accepted" if cookie else "it wants a cookie: set cookie_env"
