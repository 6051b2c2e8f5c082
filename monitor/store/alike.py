"""Near-copies of a batch among the texts of the last weeks, and among itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from sqlite_utils import Database

from monitor.store.likeness import Likenesses, Window
from monitor.stories import Keys
from monitor.stories.copies import KEPT, alike, closely, cores, marks

if TYPE_CHECKING:
    from monitor.store.groups import Ties

COPIES = Window("copy", timedelta(days=14), 100_000)
"""A text is passed on within days, and one that was not for a fortnight begins anew. Its very words are known for as
long as the database is: only what was changed on the way is not. 100,000 texts take 60 MB."""

COMMON = 5
"""Groups from which on a mark that they share is a phrase of many, and tells of no copy."""

COMPARED = 12
"""Texts that a new one is compared with, those with most of its marks first."""


class NearCopies:
    """``again``: posts that were grouped before, so that their own words are known from themselves."""

    def __init__(
        self, db: Database, ties: Ties, posts: Mapping[int, Keys], again: Collection[int], now: datetime
    ) -> None:  # fmt: skip
        self._db, self._ties, self._posts, self._again = db, ties, posts, frozenset(again)
        self._known = Likenesses(db, COPIES, now)
        self._marks = {core: marks(core) for post, keys in posts.items() for core in self._unknown(post, keys)}
        self._phrases: set[int] = set()
        self._as_of = ties.merges
        self._cores: dict[int, tuple[str, ...]] = {}
        ties.load_members(self._known.load(chain.from_iterable(self._marks.values())))
        self._known.sort(lambda post: ties.group(post) or 0)  # groups are numbered by event time

    def _unknown(self, post: int, keys: Keys) -> Sequence[str]:
        """The cores that no other post has had word for word."""
        if post in self._again:
            return keys.cores
        return [c for c, key in zip(keys.cores, keys.group[1:], strict=False) if not self._ties.knows(key)]

    def groups(self, post: int, keys: Keys) -> set[int]:
        """The groups that hold a near-copy of this post: that of the nearest, and of others that are like that one or
        that stand in this post word for word.

        What else lies between two groups ties neither to the other, or one misjudged pair would make one of hundreds.
        """
        found: set[int] = set()
        nearest: tuple[str, ...] = ()
        self._new = self._unknown(post, keys)
        for core in self._new:
            for holder in self._likest(self._marks[core]):
                group = self._ties.group(holder)
                if group is None or group in found or not self._began_alike(core, group, holder):
                    continue
                if not nearest or self._alike(nearest, holder) or self._holds(core, holder):
                    found.add(group)
                    nearest = nearest or self._cores_of(holder)
                    self._known.found(holder)
        return found

    def _likest(self, marks: Sequence[int]) -> list[int]:
        """The posts that have most of these marks, without those that are a phrase of many."""
        if self._as_of != self._ties.merges:
            self._as_of = self._ties.merges
            self._phrases.clear()
        found: list[int] = []
        for mark, holders in self._known.held(marks):
            if len(holders) < COMMON or not self._is_phrase(mark, holders):
                found += holders
        least = min(2, len(marks) - 1)
        votes = [(-shared, at, post) for at, (post, shared) in enumerate(Counter(found).items()) if shared >= least]
        return [post for _, _, post in sorted(votes)[:COMPARED]]

    def _is_phrase(self, mark: int, holders: Sequence[int]) -> bool:
        """Once it is, it stays one until groups become one, for its holders only grow."""
        if mark not in self._phrases and len(set(map(self._ties.group, holders))) >= COMMON:
            self._phrases.add(mark)
        return mark in self._phrases

    def _began_alike(self, core: str, group: int, holder: int) -> bool:
        """Judged by the text that the group began with, or one that is all but it: copies of copies must not lead from
        one text to another."""
        first = self._ties.first(group)
        begun = (self._cores_of(first) if first is not None else ()) or self._cores_of(holder)
        if any(alike(core, other) for other in begun):
            return True
        others = [mine for mine in self._cores_of(holder) if mine not in begun]
        return any(alike(core, mine) and any(closely(mine, other) for other in begun) for mine in others)

    def _alike(self, found: Sequence[str], holder: int) -> bool:
        return any(alike(core, other) for core in found for other in self._cores_of(holder))

    def _holds(self, core: str, holder: int) -> bool:
        return any(other in core for other in self._cores_of(holder))

    def _cores_of(self, holder: int) -> tuple[str, ...]:
        if holder in self._posts:
            return self._posts[holder].cores
        if holder not in self._cores:
            row = self._db.execute("SELECT text FROM posts WHERE id = ?", [holder]).fetchone()
            self._cores[holder] = cores(row[0]) if row else ()
        return self._cores[holder]

    def add(self, post: int) -> None:
        """To be found by those after it, unless it says nothing new."""
        self._known.add(post, dict.fromkeys(chain.from_iterable([self._marks[core][:KEPT] for core in self._new])))

    def write(self) -> None:
        self._known.write()
