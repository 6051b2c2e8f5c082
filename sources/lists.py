"""Reading several lists side by side in one run, each from its newest entry back to what was heard before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from monitor.errors import Blocked, NeedsCredentials, RateLimited, SourceError
from monitor.model import Page, Post, Query
from sources.politeness import NoTurn

FIRST_REACH = timedelta(days=7)
"""How far back a first run reads: a search may lead years back, and what is that old pages nobody."""
OVERLAP = timedelta(hours=1)
"""How far behind the last hearing a run reads again: platforms show some posts minutes late."""
REFUSALS = (RateLimited, NeedsCredentials, Blocked)
_REMEMBERED = 8
"""Ids that are kept of each list: enough to meet two again though some are deleted meanwhile."""


def side_by_side(lists: Iterable[Iterator[Page]], at_once: tuple[type[SourceError], ...] = REFUSALS) -> Iterator[Page]:
    """The pages of all lists. One that fails does not silence the others; the first error is raised at the end.

    An error of a type in ``at_once`` ends the run: the other lists would be refused by the same host. A list for whose
    next page the run has no time left ends there, and is not whole; one that was not begun for want of time failed.
    """
    failure: SourceError | None = None
    for pages in lists:
        begun = False
        try:
            for page in pages:
                begun = True
                yield page
        except at_once:
            raise
        except NoTurn as error:
            failure = failure or (None if begun else error)
        except SourceError as error:
            failure = failure or error
    if failure:
        raise failure


def reach(query: Query) -> datetime:
    """The moment back to which this run has to read, in UTC."""
    return query.since - OVERLAP if query.since else query.now - FIRST_REACH


class Newest:
    """How far each list was read. ``kept`` is what ``kept()`` gave after the last run, ``since`` the query's.

    Claimed times are only compared with ``since``, and never remembered: a post dated 2099 cannot end a list early.
    """

    def __init__(self, kept: object, since: datetime | None) -> None:
        before = kept if isinstance(kept, Mapping) else {}
        self._before = {
            key: frozenset(i for i in ids if isinstance(i, str)) for key, ids in before.items() if isinstance(ids, list)
        }
        self._since = since
        self._now: dict[str, list[str]] = {}

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
        """The newest ids of each list read in this run, JSON-able."""
        return {key: list(ids) for key, ids in self._now.items()}


def ends_behind(posts: Sequence[Post], moment: datetime | None) -> bool:
    """Whether a page that runs from new to old ends at ``moment`` or before."""
    last = posts[-1].published_at if posts else None
    return moment is not None and last is not None and last <= moment
