"""Whose comments to read, and when again: often under a young post, ever more rarely as it ages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.errors import SourceError
from monitor.model import Page, from_utc_text, utc_text
from sources.lists import REFUSALS
from sources.politeness import NoTurn

_MOST = 300
"""Threads that are followed at once; the youngest stay."""
_SOONEST = timedelta(minutes=10)
_NO_ACCIDENT = 3


@dataclass(frozen=True, slots=True)
class Thread:
    """A post whose comments are read. ``handle`` is what its platform lists the comments by, ``read`` when last."""

    id: str
    handle: str
    published: datetime
    read: datetime | None = None

    @property
    def stream(self) -> str:
        return f"comments {self.id}"

    @property
    def due_at(self) -> datetime:
        """At once at first; then when as much time has passed since the last reading as the post was old at it."""
        if self.read is None:
            return self.published
        return self.read + max(self.read - self.published, _SOONEST)


class Threads:
    """The followed threads of one source. ``kept`` is what ``kept()`` gave after the last run; other shapes are empty.

    A post is followed from when a search first shows it until it is ``days`` old.
    """

    def __init__(self, kept: object, now: datetime, days: int) -> None:
        self._now = now
        self._oldest = now - timedelta(days=days)
        self._threads = {t.id: t for t in map(_restored, kept if isinstance(kept, list) else ()) if t}

    def see(self, native_id: str, handle: str, published: datetime | None, comments: int | None) -> None:
        """A search shows this post with so many comments; without any there is nothing to read yet."""
        published = min(published or self._now, self._now)
        if native_id not in self._threads and published > self._oldest:
            self._threads[native_id] = Thread(native_id, handle, published, self._now if comments == 0 else None)

    def due(self, limit: int) -> list[Thread]:
        """The threads to read now, the one that has waited longest for its age first."""
        waiting = [t for t in self._alive() if t.due_at <= self._now]
        return sorted(waiting, key=self._urgency, reverse=True)[:limit]

    def _urgency(self, thread: Thread) -> float:
        """Time unread as a share of the post's age: 1 for one that was never read."""
        if thread.read is None:
            return 1.0
        return (self._now - thread.read) / max(self._now - thread.published, _SOONEST)

    def was_read(self, thread: Thread) -> None:
        self._threads[thread.id] = replace(thread, read=self._now)

    def drop(self, thread: Thread) -> None:
        """Follow it no longer: its comments are closed. It is not taken up again while it is remembered as read."""
        self._threads[thread.id] = replace(thread, read=self._now, handle="")

    def samples(
        self, limit: int, comments: Callable[[Thread], Iterator[Page]], unread: Callable[[Thread], Page]
    ) -> Iterator[Page]:
        """The pages of the comments that are due; some may be gone by now, with the post that they were under.

        How much is read of each is the user's setting, so its end counts as the list's: a thread too busy to be read
        whole must not pass for a gap in the search, and have nothing judged while it is busiest.

        ``unread`` gives the page that says that one could not be read, perhaps for good: it waits its turn like any
        other. A refusal ends the run. That none of three or more can be read is no accident: then the first error is
        raised. What the run has no time for stays due; NoTurn says that it had none at all.
        """
        asked, failures, begun = 0, list[SourceError](), False
        for thread in self.due(limit):
            asked += 1
            try:
                for page in comments(thread):
                    begun = True
                    yield replace(page, exhausted=True)
            except REFUSALS:
                raise
            except NoTurn:
                if asked > 1 or begun:
                    return
                raise
            except SourceError as error:
                failures.append(error)
                self.was_read(thread)
                yield unread(thread)
        if len(failures) == asked >= _NO_ACCIDENT:
            raise failures[0]

    def _alive(self) -> Iterable[Thread]:
        return (t for t in self._threads.values() if t.published > self._oldest and t.handle)

    def kept(self) -> list[list[str]]:
        """JSON-able: id, handle, published and read of each thread."""
        young = sorted(self._threads.values(), key=lambda t: t.published, reverse=True)[:_MOST]
        return [
            [t.id, t.handle, utc_text(t.published), utc_text(t.read) if t.read else ""]
            for t in young
            if t.published > self._oldest
        ]


def _restored(row: object) -> Thread | None:
    if not (isinstance(row, list) and len(row) == 4 and all(isinstance(cell, str) for cell in row)):
        return None
    native_id, handle, published, read = row
    try:
        return Thread(native_id, handle, from_utc_text(published), from_utc_text(read) if read else None)
    except ValueError:
        return None
