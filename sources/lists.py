"""Reading several lists side by side in one run, each from its newest entry back to what was heard before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from monitor.errors import Blocked, NeedsCredentials, RateLimited, SourceError
from monitor.model import Cursor, Page, Post, Query, Round, from_utc_text, utc_text
from sources.politeness import NoTurn

FIRST_REACH = timedelta(days=7)
"""How far back a first run reads: a search may lead years back, and what is that old pages nobody."""
OVERLAP = timedelta(hours=1)
"""How far behind the last hearing a run reads again: platforms show some posts minutes late."""
REFUSALS = (RateLimited, NeedsCredentials, Blocked)
_REMEMBERED = 8
"""Ids that are kept of each list: enough to meet two again though some are deleted meanwhile."""


_ROUND = "lists of this round"
"""Where a cursor keeps which lists were read in a round that is not over."""


def in_turns(
    lists: Mapping[str, Iterator[Page]],
    query: Query,
    cursor: Cursor,
    *,
    aside: Iterator[Page] | None = None,
    at_once: tuple[type[SourceError], ...] = REFUSALS,
) -> Iterator[Page]:
    """The pages of all lists. One that fails does not silence the others; the first error is raised at the end.

    An error of a type in ``at_once`` ends the run: the other lists would be refused by the same host. A list for whose
    next page the run has no time left ends there, and is not whole. Lists that were not begun for want of time come
    first in the next run, and the others only once each has been read (``Page.round``); a run that could begin none
    fails. ``aside`` is read when the lists were, and before them where it had no time in the last run of a round; that
    there is none is no failure.
    """
    return _Turns(lists, query.now, cursor, aside, at_once).pages()


class _Turns:
    """One run over several lists. ``_began`` and ``_read``: of a round that an earlier run left ``_open``, or a new.

    ``_cursor``: the last page's, to which the round's state is added.
    """

    def __init__(
        self,
        lists: Mapping[str, Iterator[Page]],
        now: datetime,
        cursor: Cursor,
        aside: Iterator[Page] | None,
        at_once: tuple[type[SourceError], ...],
    ) -> None:
        self._lists, self._aside, self._at_once = lists, aside, at_once
        self._cursor: Cursor = {key: value for key, value in cursor.items() if key != _ROUND}
        self._began, self._read, self._aside_first = _open_round(cursor.get(_ROUND), lists, now)
        self._open, self._any, self._aside_waits = bool(self._read), False, False
        self._failure: SourceError | None = None
        self._no_turn: NoTurn | None = None

    def pages(self) -> Iterator[Page]:
        if self._open:
            yield Page((), self._cursor, round=Round(self._began))
        for page in self._of_lists():
            self._cursor, self._any = page.cursor, True
            yield page
        left = len(self._read) < len(self._lists)
        failure = self._failure or (self._no_turn if left and not self._any else None)
        if failure:
            raise failure
        if left:
            kept = {"began": utc_text(self._began), "read": list(self._read), "aside": self._aside_waits}
            yield Page((), {**self._cursor, _ROUND: kept}, round=Round(self._began))
        elif self._open:
            yield Page((), self._cursor, round=Round(self._began, ended=True))

    def _of_lists(self) -> Iterator[Page]:
        if self._aside_first:
            yield from self._read_aside()
        for key, pages in self._lists.items():
            if key not in self._read:
                yield from self._read_list(key, pages)
        if not self._aside_first:
            yield from self._read_aside()

    def _read_list(self, key: str, pages: Iterator[Page]) -> Iterator[Page]:
        begun = False
        try:
            for page in pages:
                begun = True
                yield page
        except self._at_once:
            raise
        except NoTurn as error:
            if not begun:
                self._no_turn = self._no_turn or error
                return
        except SourceError as error:
            self._failure = self._failure or error
        self._read[key] = None

    def _read_aside(self) -> Iterator[Page]:
        try:
            yield from self._aside or ()
        except self._at_once:
            raise
        except NoTurn:
            self._aside_waits = True
        except SourceError as error:
            self._failure = self._failure or error


def _open_round(kept: object, lists: Iterable[str], now: datetime) -> tuple[datetime, dict[str, None], bool]:
    """When the round began, the lists already read in it, and whether what stands aside comes first."""
    if isinstance(kept, Mapping) and isinstance(kept.get("read"), list) and isinstance(kept.get("began"), str):
        try:
            began = from_utc_text(kept["began"])
        except ValueError:
            return now, {}, False
        read = {key: None for key in lists if key in kept["read"]}
        if began <= now and read and len(read) < len(list(lists)):
            return began, read, bool(kept.get("aside"))
    return now, {}, False


def reach(query: Query) -> datetime:
    """The moment back to which this run has to read, in UTC."""
    return query.since - OVERLAP if query.since else query.now - FIRST_REACH


class Newest:
    """How far each list was read. ``kept`` is what ``kept()`` gave after the last run, ``since`` the query's; ``lists``
    are those there are now: of others nothing is kept any longer.

    Claimed times are only compared with ``since``, and never remembered: a post dated 2099 cannot end a list early.
    """

    def __init__(self, kept: object, since: datetime | None, lists: Iterable[str] = ()) -> None:
        before = kept if isinstance(kept, Mapping) else {}
        self._before = {
            key: frozenset(i for i in ids if isinstance(i, str)) for key, ids in before.items() if isinstance(ids, list)
        }
        self._since = since
        self._now: dict[str, list[str]] = {}
        self._waiting = {key: list(before[key]) for key in lists if key in self._before}

    def had(self, stream: str) -> bool:
        """Whether the list held anything when it was read last."""
        return bool(self._before.get(stream))

    def read(self, stream: str, posts: Sequence[Post]) -> bool:
        """Note one page of a list. True if it reaches back: its last post, or two, were seen or are older.

        One alone may be pinned above the newest.
        """
        ids = self._now.setdefault(stream, [])
        ids.extend(post.native_id for post in posts[: _REMEMBERED - len(ids)])
        known = [self._is_known(stream, post) for post in posts]
        return sum(known) > 1 or known[-1:] == [True]

    def _is_known(self, stream: str, post: Post) -> bool:
        old = self._since is not None and post.published_at is not None and post.published_at <= self._since
        return old or post.native_id in self._before.get(stream, ())

    def kept(self) -> dict[str, list[str]]:
        """The newest ids of each list read in this run, and of those that wait for the next. JSON-able."""
        return {**self._waiting, **{key: list(ids) for key, ids in self._now.items()}}


def ends_behind(posts: Sequence[Post], moment: datetime | None) -> bool:
    """Whether a page that runs from new to old ends at ``moment`` or before."""
    last = posts[-1].published_at if posts else None
    return moment is not None and last is not None and last <= moment
