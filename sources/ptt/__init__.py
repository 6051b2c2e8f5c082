"""PTT, Taiwan's largest forum: a search in each board, and the articles found with their pushes as comments.

Its web pages are open and their server's code is public, but nobody documents them as an interface.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from pydantic import Field

from monitor.errors import Blocked, RateLimited, SourceError
from monitor.model import Cursor, Gone, Page, Post, Query
from sources.http import Answer, Http
from sources.links import host_of
from sources.lists import REFUSALS, in_turns, reach
from sources.politeness import NoTurn
from sources.ptt.pages import HOME, Listing, Row, is_not_found, parse, parse_list, row_of
from sources.settings import BaseUrl, Board

__all__ = ["Ptt", "parse", "parse_list"]

_REMEMBERED = 300
"""Articles of a board that a cursor knows; a board's list shows twenty on a page."""
_ALL_FAIL = 3
"""This many articles, and none that could be read, mean that PTT fails and not an article."""
_TRIED_AGAIN = timedelta(days=1)
_FULL = ("爆", "XX")
"""Marks at which the count of pushes stops to tell whether there are more."""
PACE = 2.0
"""Seconds between two requests: PTT says no limit, and answers "Server Too Busy" to those who ask too much."""


@dataclass(frozen=True)
class Ptt:
    """Articles of ``boards`` whose title holds a watched term, newest first, with their pushes.

    ``search = false`` reads whatever is new in the boards instead: it finds a brand that only the text names, for many
    more requests. ``over18`` says to PTT that you are an adult, which some boards ask for. At most ``pages`` pages of
    each list and ``articles`` articles are asked for in one run; what is left over comes first in the next one. An
    article is read again when its count of pushes moved, until it is ``follow_days`` old. ``url`` is for a mirror.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    boards: Annotated[tuple[Board, ...], Field(min_length=1)]
    search: bool = True
    over18: bool = False
    pages: Annotated[int, Field(ge=1, le=20)] = 3
    articles: Annotated[int, Field(ge=1, le=200)] = 20
    follow_days: Annotated[int, Field(ge=0, le=30)] = 3
    url: BaseUrl = HOME

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One page for each page of each list. A board that fails does not silence the others."""
        run = _Run(self, query, cursor)
        boards = sorted(self.boards, key=lambda board: board not in run.owed)  # those with articles left over go first
        terms = query.terms if self.search else ("",)
        lists = {f"{board}:{term}": run.read_list(board, term) for board in boards for term in terms}
        return in_turns(lists, query, cursor, aside=run.follow(), at_once=(RateLimited, Blocked))

    def recheck(self, posts: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        """Each article is asked once for itself and its pushes; a push that vanished from it is not told as gone."""
        failure: SourceError | None = None
        wanted: dict[Row, dict[str, Post]] = {}
        for post in posts:
            if row := row_of(post.root or post.native_id):
                wanted.setdefault(row, {})[post.native_id] = post
        for row, asked in wanted.items():
            try:
                found = self.article(row, now)
            except REFUSALS:
                raise
            except SourceError as error:
                failure = failure or error
                continue
            if found is None:
                yield from (Gone(post.platform, post.native_id) for post in asked.values())
            else:
                yield from (post for post in found.posts if post.native_id in asked)
        if failure:
            raise failure

    def article(self, row: Row, now: datetime) -> Page | None:
        """An article with its pushes, None if PTT says that it does not exist."""
        answer = self._ask(row.path, now)
        host = host_of(self.url)
        if answer.status == 404:
            if is_not_found(answer.body, host):
                return None
            raise SourceError(f"{host}: HTTP 404")
        parsed = parse(answer.body, row, host=host, fetched_at=now)
        return Page(parsed.posts, rejected=parsed.rejected)

    def listing(self, path: str, board: str, now: datetime) -> Listing:
        answer = self._ask(path, now)
        host = host_of(self.url)
        if answer.status == 404:
            raise SourceError(f"{host}: HTTP 404: no list of board {board}")
        return parse_list(answer.body, host=host, board=board)

    def _ask(self, path: str, now: datetime) -> Answer:
        headers = {"Cookie": "over18=1"} if self.over18 else {}
        return self.http.get(self.url + path, now=now, headers=headers, page=True, pace=PACE, expect=(404,))


class _Run:
    """One run: what was read before and in it, and how many articles may still be asked for.

    ``owed`` says, for boards with articles that were too many for one run or failed, back to when (Unix seconds) they
    have to be read. ``seen`` is the mark that each article had when it was read. ``moved`` are the articles known
    before in which something may have been said since, by list; they wait until all that is new was read.
    """

    def __init__(self, source: Ptt, query: Query, cursor: Cursor) -> None:
        self.source, self.query, self.left = source, query, source.articles
        self.young = query.now - timedelta(days=source.follow_days)
        known = {board: _table(cursor.get(board)) for board in source.boards}
        self.owed = {b: owed for b, k in known.items() if (owed := _unix(k.get("owed")))}
        self.still_owed: dict[str, int] = {}
        self.seen = {b: {str(f): str(m) for f, m in _table(k.get("seen")).items()} for b, k in known.items()}
        self.read: set[str] = set()
        self.moved: dict[str, list[tuple[str, Row]]] = {}
        self.failures: list[SourceError] = []
        self.succeeded = False

    def read_list(self, board: str, term: str) -> Iterator[Page]:
        """What is new in one list, down to where the last run began. At least its newest article is read, however
        many were read before: a list that gives nothing would pass for one in which nothing is new.
        """
        path = f"/bbs/{board}/" + (f"search?{urlencode({'page': 1, 'q': term})}" if term else "index.html")
        new, since, stream = reach(self.query), self._since(board), f"{board}:{term}"
        self.left = max(self.left, 1)
        for _ in range(self.source.pages):
            listing = self.source.listing(path, board, self.query.now)
            rows = [row for row in listing.rows if row.path not in self.read]
            fresh = [r for r in rows if r.file not in self.seen[board] and r.published_at >= since]
            self.moved.setdefault(stream, []).extend((board, r) for r in rows if self._has_moved(board, r))
            try:
                posts, failed, rejected = self._articles(board, fresh[: self.left])
            except NoTurn:
                self._owe(board, since)
                raise
            left_over = [row for row in fresh if row.path not in self.read]
            if left_over:
                self._owe(board, since)
            rejected += listing.rejected + len(failed)
            oldest = min((row.published_at for row in listing.rows), default=since)
            missed = any(row.published_at >= new for row in (*left_over, *failed))
            whole = not missed and (not listing.older or oldest < new)
            if posts or rejected or whole:  # an empty page would say that nothing is new
                yield Page(posts, self._cursor(), exhausted=whole, rejected=rejected, stream=stream)
            if left_over or not listing.older or oldest < min(since, self.young):
                return
            path = listing.older

    def follow(self) -> Iterator[Page]:
        """The articles that moved, with what was said in them since. Streams of their own, for what they hold again
        says nothing of how far back a list was read. Raises SourceError if no article of the whole run could be read.
        """
        for stream, rows in self.moved.items():
            for board, row in rows:
                if self.left > 0 and row.path not in self.read:
                    try:
                        posts, failed, rejected = self._articles(board, [row])
                    except NoTurn:
                        return  # its mark is as before, so it has moved in the next run too
                    rejected += len(failed)
                    yield Page(posts, self._cursor(), exhausted=True, rejected=rejected, stream=f"{stream}:again")
        if len(self.failures) >= _ALL_FAIL and not self.succeeded:
            raise self.failures[0]

    def _owe(self, board: str, since: datetime) -> None:
        self.still_owed[board] = min(self.still_owed.get(board, 2**32), int(since.timestamp()))

    def _since(self, board: str) -> datetime:
        since = reach(self.query)
        return min(since, datetime.fromtimestamp(self.owed[board], UTC)) if board in self.owed else since

    def _has_moved(self, board: str, row: Row) -> bool:
        mark = self.seen[board].get(row.file)
        return mark is not None and row.published_at >= self.young and (mark != row.mark or row.mark in _FULL)

    def _articles(self, board: str, rows: Sequence[Row]) -> tuple[tuple[Post, ...], list[Row], int]:
        """The posts of these articles, the articles that failed, and how many pushes could not be read.

        One that fails is tried again in each run of a day, and the run goes on: it must not blind the source for good.
        Once there is no time left for another, the rest are left over. Raises NoTurn if there was none for the first.
        """
        posts: list[Post] = []
        failed: list[Row] = []
        rejected = 0
        for row in rows:
            self.left -= 1
            try:
                page = self.source.article(row, self.query.now)
            except REFUSALS:
                raise
            except NoTurn:
                if not posts:
                    raise
                self.left = 0
                break
            except SourceError as error:
                self.read.add(row.path)
                self.failures.append(error)
                failed.append(row)
                if row.published_at > self.query.now - _TRIED_AGAIN:
                    self._owe(board, row.published_at)
                continue
            self.read.add(row.path)
            self.succeeded = True
            self.seen[board][row.file] = row.mark
            if page is not None:
                posts += page.posts
                rejected += page.rejected
        return tuple(posts), failed, rejected

    def _cursor(self) -> dict[str, object]:
        return {board: self._kept(board) for board in self.source.boards}

    def _kept(self, board: str) -> dict[str, object]:
        """The articles that the next run may meet again. One dated ahead of now counts as of now: it may be kept, and
        pushes no other out.
        """
        rows = (row_of(f"/bbs/{board}/{file}.html") for file in self.seen[board])
        ages = {row.file: min(row.published_at, self.query.now) for row in rows if row}
        newest = sorted(ages, key=lambda file: ages[file], reverse=True)[:_REMEMBERED]
        oldest = min(self._since(board), self.young)
        seen = {file: self.seen[board][file][:8] for file in newest if ages[file] >= oldest}
        return {"seen": seen, **({"owed": self.still_owed[board]} if board in self.still_owed else {})}


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _unix(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**32 else 0
