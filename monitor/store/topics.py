"""Tellings of the last days: which story a new one tells in other words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from sqlite_utils import Database

from monitor.model import from_utc_text
from monitor.store.likeness import MOST_HOLDERS, Likenesses, Window
from monitor.stories import Keys
from monitor.stories.copies import cores
from monitor.stories.topics import KEPT, LEAST_LIKENESS, LEAST_SHARED, likeness, terms, weigh

if TYPE_CHECKING:
    from monitor.store.groups import Ties

TOPICS = Window("topic", timedelta(days=3), 20_000)
"""A day longer than tellings may lie apart, for posts arrive late."""

CLOSE = timedelta(days=2)
"""Event time within which two tellings may be of one happening."""

COMPARED = 8
"""Tellings that a new one is compared with, those with most of its terms first."""

MOST_TELLINGS = 8
"""Tellings of a story that others are compared with: the first ones, so that a story cannot wander off."""


_NEVER = ((0, (0, 0)), 0)


class Tellings:
    """``posts``: those that nothing else tied to others."""

    def __init__(self, db: Database, ties: Ties, posts: Mapping[int, Keys], now: datetime) -> None:
        self._db, self._ties = db, ties
        self._known = Likenesses(db, TOPICS, now)
        self._told = {
            post: told for post, keys in posts.items() if keys.tells and (told := terms(_longest(keys.cores)))
        }
        self._others: dict[int, tuple[datetime, Mapping[int, float]]] = {}
        self._read_terms: dict[int, tuple[datetime, Mapping[int, float]]] = {}
        self._told_of: dict[int, tuple[tuple[int, tuple[int, int]], int]] = {}
        self._tellings = 0
        ties.load_members(self._known.load(term for told in self._told.values() for term in told))
        self._stories = self._known.size()

    def story(self, post: int) -> int | None:
        """The story that this post tells in other words, if any."""
        told, self._tellings = self._told.get(post), 0
        if not told:
            return None
        others = self._candidates(told)
        self._know(others)
        weighed = self._weigh(told) if others else {}
        best, story = LEAST_LIKENESS, None
        for other in others:
            at, theirs = self._read(other)
            close = abs(self._terms(post)[0] - at) <= CLOSE
            found = likeness(weighed, theirs) if close else 0.0
            if found >= best:
                best, story = found, self._ties.story_of_post(other)
        if story is not None:
            self._tellings = sum(self._ties.story_of_post(other) == story for other in others)
        return story

    def _candidates(self, told: Mapping[int, float]) -> list[int]:
        held = self._known.held(told)
        shared = Counter(chain.from_iterable(holders for holders in held if len(holders) < MOST_HOLDERS))
        return [post for post, number in shared.most_common(COMPARED) if number >= LEAST_SHARED]

    def _know(self, others: Sequence[int]) -> None:
        """Who else has the terms of these: else what a term weighs would depend on what came in the same batch."""
        asked = (term for other in others if other not in self._others for term in self._terms(other)[1])
        self._ties.load_members(self._known.load(asked))

    def _weigh(self, told: Mapping[int, float]) -> dict[int, float]:
        return weigh(told, {term: self._held(term) for term in told}, self._stories)

    def _held(self, term: int) -> int:
        """Stories that tell of a term; one that fills its places is told of by every eighth at least."""
        holders = self._known.holders(term)
        if len(holders) >= MOST_HOLDERS:
            return max(MOST_HOLDERS, self._stories // 8)
        if not holders:
            return 0
        as_of = (len(holders), self._ties.merges)  # a post's story is another only where stories became one
        if self._told_of.get(term, _NEVER)[0] != as_of:
            self._told_of[term] = as_of, len(set(map(self._ties.story_of_post, holders)))
        return self._told_of[term][1]

    def _read(self, post: int) -> tuple[datetime, Mapping[int, float]]:
        if post not in self._others:
            at, told = self._terms(post)
            self._others[post] = at, self._weigh(told)
        return self._others[post]

    def _terms(self, post: int) -> tuple[datetime, Mapping[int, float]]:
        if post not in self._read_terms:
            at, text = self._db.execute("SELECT counted_at, text FROM posts WHERE id = ?", [post]).fetchone()
            self._read_terms[post] = from_utc_text(at), self._told.get(post) or terms(_longest(cores(text)))
        return self._read_terms[post]

    def add(self, post: int) -> None:
        """To be found by those after it, unless its story was told often enough."""
        told = self._told.get(post)
        if told and self._tellings < MOST_TELLINGS:
            self._known.add(post, list(told)[:KEPT])

    def write(self) -> None:
        self._known.write()


def _longest(found: tuple[str, ...]) -> str:
    return max(found, key=len, default="")
