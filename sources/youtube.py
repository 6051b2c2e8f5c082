"""YouTube: the search and comments of its Data API v3, which Google documents and gives a free key for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field

from monitor.errors import NeedsCredentials
from monitor.model import Cursor, Gone, Page, Post, Query, utc_text
from sources.http import Http
from sources.links import host_of
from sources.lists import Newest, ends_behind, in_turns
from sources.settings import BaseUrl, Count, Pages, Variable, secret
from sources.threads import Thread, Threads
from sources.youtubeformat import PLATFORM, Listed, parse_comments, parse_search, parse_statistics, raise_unless_told

OVERLAP = timedelta(days=1)
"""How far behind the last run a search begins: videos are found only some time after they are published."""
_EXPECTED = frozenset({400, 401, 403, 404, 429})
"""Their bodies say which of many reasons it was."""
_BATCH = 50
"""Ids that videos.list takes at once."""
_LONGEST_QUERY = 400


@dataclass(frozen=True)
class YouTube:
    """Public videos that YouTube's search finds, newest first, and their comments.

    ``key_env`` names the environment variable that holds your API key. Searches are dear: a key has 100 a day, so
    ``together`` terms are asked for in one, joined by YouTube's "or". ``terms`` are searched for instead of every
    brand's. ``pages`` of a search, and ``comment_pages`` of one video's comments (100 each), are read in one run at
    most. ``comments`` is under how many videos of the last ``comment_days`` days comments are read in one run, often
    while a video is young. ``region`` (``TW``) and ``language`` (``zh-Hant``) are what YouTube shall lean to. ``url``
    is where the interface is.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    key_env: Variable
    terms: tuple[str, ...] = ()
    together: Annotated[int, Field(ge=1, le=20)] = 10
    pages: Pages = 1
    comments: Count = 10
    comment_pages: Pages = 2
    comment_days: Count = 7
    region: Annotated[str, Field(pattern="^([A-Z]{2})?$")] = ""
    language: Annotated[str, Field(pattern="^([A-Za-z-]{2,12})?$")] = ""
    url: BaseUrl = "https://www.googleapis.com/youtube/v3"

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One list for each group of terms, then one a video whose comments are due."""
        run = _Run(self, query, cursor)
        return in_turns(run.lists(), query, cursor, aside=run.comments())

    def recheck(self, posts: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        """Videos with their counts as they are now; Gone where YouTube says that there is no such video.

        A video that is merely not shown (it may have become private) is passed over, and so are comments.
        """
        videos = [post for post in posts if post.platform == PLATFORM and not post.page]
        for start in range(0, len(videos), _BATCH):
            batch = videos[start : start + _BATCH]
            asked = {"part": "statistics", "id": ",".join(post.native_id for post in batch), "maxResults": str(_BATCH)}
            counts = parse_statistics(self.ask("videos", asked, now), host=self._host, now=now)
            for post in batch:
                if post.native_id in counts:
                    yield replace(post, engagement=counts[post.native_id])
                elif self.comments_of(post.native_id, "", now).closed == "videoNotFound":
                    yield Gone(PLATFORM, post.native_id)

    @property
    def _host(self) -> str:
        return host_of(self.url)

    def comments_of(self, video: str, token: str, now: datetime) -> Listed:
        """One page of a video's comments, newest first; ``token`` is the page's, empty for the first."""
        asked = {
            "part": "snippet,replies", "videoId": video, "order": "time", "maxResults": "100",
            "textFormat": "plainText", **({"pageToken": token} if token else {}),
        }  # fmt: skip
        return parse_comments(self.ask("commentThreads", asked, now), host=self._host, now=now, video=video)

    def ask(self, method: str, parameters: Mapping[str, str], now: datetime) -> bytes:
        """The body of an answer, or of an error that says in it why.

        The key goes in a header, where no log, cache or error message of a server on the way shows it.
        """
        key = secret(self.key_env, "key_env", self._host)
        if not key:
            raise NeedsCredentials(f"{self._host}: it wants a key: set key_env")
        address = f"{self.url}/{method}?{urlencode(parameters)}"
        answer = self.http.get(address, now=now, headers={"X-Goog-Api-Key": key}, expect=_EXPECTED)
        if answer.status in _EXPECTED:
            raise_unless_told(answer.status, answer.body, self._host)
        return answer.body


class _Run:
    """One run of a YouTube source: what it remembers, and which lists it reads."""

    def __init__(self, source: YouTube, query: Query, cursor: Cursor) -> None:
        self._source = source
        self._query = query
        self._host = host_of(source.url)
        self._searches = list(grouped(source.terms or query.terms, source.together))
        self._newest = Newest(cursor.get("newest"), query.since, self._searches)
        self._threads = Threads(cursor.get("threads"), query.now, source.comment_days)

    def lists(self) -> dict[str, Iterator[Page]]:
        return {words: self._search(words) for words in self._searches}

    def comments(self) -> Iterator[Page]:
        return self._threads.samples(self._source.comments, self._comments, self._unread)

    def _unread(self, thread: Thread) -> Page:
        return replace(self._page(Listed((), rejected=1), stream=thread.stream), exhausted=False)

    def _search(self, words: str) -> Iterator[Page]:
        since, token = self._query.since, ""
        for _ in range(self._source.pages):
            found = self._videos(words, token)
            back = self._newest.read(words, found.posts)
            for post in found.posts:
                self._threads.see(post.native_id, post.native_id, post.published_at, None)
            yield self._page(found, stream=words)
            if not found.next or (back and (since is None or ends_behind(found.posts, since - OVERLAP))):
                return
            token = found.next

    def _videos(self, words: str, token: str) -> Listed:
        source, since = self._source, self._query.since
        asked = {
            "part": "snippet", "q": words, "type": "video", "order": "date", "maxResults": "50",
            "publishedAfter": utc_text(since - OVERLAP) if since else "", "regionCode": source.region,
            "relevanceLanguage": source.language, "pageToken": token,
        }  # fmt: skip
        body = source.ask("search", {name: value for name, value in asked.items() if value}, self._query.now)
        return parse_search(body, host=self._host, now=self._query.now)

    def _comments(self, thread: Thread) -> Iterator[Page]:
        stream, token = thread.stream, ""
        for _ in range(self._source.comment_pages):
            found = self._source.comments_of(thread.id, token, self._query.now)
            if found.closed:
                self._threads.drop(thread)
            else:
                self._threads.was_read(thread)
            yield self._page(found, stream=stream)
            if not found.next or ends_behind(found.posts, thread.read):
                return
            token = found.next

    def _page(self, found: Listed, *, stream: str) -> Page:
        cursor: dict[str, Any] = {"newest": self._newest.kept(), "threads": self._threads.kept()}
        return Page(found.posts, cursor, exhausted=not found.next, rejected=found.rejected, stream=stream)


def grouped(terms: Sequence[str], together: int) -> Iterator[str]:
    """The terms as searches of at most ``together`` each, joined by YouTube's "or"; phrases are put in quotes."""
    group: list[str] = []
    for term in dict.fromkeys(terms):
        bare = " ".join(term.replace('"', " ").split())
        word = f'"{bare}"' if not bare.isalnum() else bare
        if group and (len(group) == together or len("|".join([*group, word])) > _LONGEST_QUERY):
            yield "|".join(group)
            group = []
        if bare:
            group.append(word)
    if group:
        yield "|".join(group)
