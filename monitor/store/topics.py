"""Tellings of the last days: which story a new one tells in other words."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from sqlite_utils import Database

from monitor.model import from_utc_text
from monitor.store.likeness import MOST_HOLDERS, Likenesses, Window
from monitor.stories import Keys
from monitor.stories.copies import cores
from monitor.stories.topics import (
    ASKED,
    KEPT,
    MERGING,
    TOGETHER_COST,
    bits_now,
    evidence,
    needed,
    pieces,
    rarest,
    same_frame,
    terms,
)

if TYPE_CHECKING:
    from monitor.store.groups import Ties

TOPICS = Window("topic", timedelta(days=3), 20_000)
"""A day longer than tellings may lie apart, for posts arrive late."""

CLOSE = timedelta(days=2)
"""Event time within which two tellings may be of one happening."""

COMPARED = 12
"""Tellings that a new one is compared with, those with most of its terms first."""

MOST_TELLINGS = 8
"""Tellings of a story that others are compared with: the first ones, so that a story cannot wander off."""

_NEVER = ((0, (0, 0)), 0)


@dataclass(frozen=True, slots=True)
class Telling:
    at: datetime
    core: str
    brands: frozenset[int]


@dataclass
class Shared:
    """What a post shares with the tellings of one story."""

    pieces: dict[str, float] = field(default_factory=dict)
    excess: float = float("-inf")
    """By how much the evidence of the best telling is more than needed."""
    cores: list[str] = field(default_factory=list)


class Tellings:
    """``posts``: those that nothing else tied to others."""

    def __init__(self, db: Database, ties: Ties, posts: Mapping[int, Keys], now: datetime) -> None:
        self._db, self._ties = db, ties
        self._known = Likenesses(db, TOPICS, now)
        found = {post: _longest(keys.cores) for post, keys in posts.items() if keys.tells and keys.cores}
        self._marks = {post: rarest(told, ASKED) for post, core in found.items() if (told := terms(core))}
        self._read: dict[int, Telling] = {}
        self._told_of: dict[int, tuple[tuple[int, tuple[int, int]], int]] = {}
        self._tellings = 0
        ties.load_members(self._known.load(chain.from_iterable(told.values() for told in self._marks.values())))
        self._stories = self._known.size()

    def stories(self, post: int) -> list[int]:
        """The stories that this post tells in other words, the likest first: mostly one, or none."""
        marks, self._tellings = self._marks.get(post), 0
        if not marks:
            return []
        others = self._candidates(marks)
        if not others:
            return []
        self._load([post, *others])
        found = self._compare(self._read[post], marks, others)
        told = self._judge(self._read[post].core, found)
        if told:
            self._tellings = sum(self._ties.story_of_post(other) == told[0] for other in others)
        return told

    def _candidates(self, marks: Mapping[str, int]) -> list[int]:
        held = self._known.held(marks.values())
        shared = Counter(chain.from_iterable(holders for _, holders in held if len(holders) < MOST_HOLDERS))
        # Groups are numbered by event time, posts as they came.
        found = [(-number, self._ties.group(post) or 0, post) for post, number in shared.items() if number > 1]
        return [post for _, _, post in sorted(found)[:COMPARED]]

    def _compare(self, new: Telling, marks: Mapping[str, int], others: Sequence[int]) -> dict[int, Shared]:
        """Story -> what is shared with it."""
        told = terms(new.core)
        weighed: dict[str, float] = {}

        def weigh(term: str) -> float:
            if term not in weighed:
                held = self._held(marks[term]) if term in marks else 0
                weighed[term] = bits_now(told[term], max(0, held - 1), self._stories)
            return weighed[term]

        found: defaultdict[int, Shared] = defaultdict(Shared)
        for other in others:
            old = self._read[other]
            if abs(new.at - old.at) > CLOSE or (new.brands and old.brands and new.brands.isdisjoint(old.brands)):
                continue
            story = self._ties.story_of_post(other)
            if story is None:
                continue
            shared, least = pieces(new.core, old.core, weigh), needed(len(told), len(terms(old.core)))
            one = found[story]
            one.pieces |= shared
            one.excess = max(one.excess, evidence(shared) - least)
            one.cores.append(old.core)
        return found

    def _judge(self, core: str, found: Mapping[int, Shared]) -> list[int]:
        """The stories of which enough is shared; a second one only if that is in part the same."""
        told = len(terms(core))
        excesses: list[tuple[float, int]] = []
        for story, shared in found.items():
            least = needed(told, max(len(terms(other)) for other in shared.cores))
            excess = max(shared.excess, evidence(shared.pieces) - least - TOGETHER_COST)
            if excess >= 0 and not any(same_frame(core, other) for other in shared.cores):
                excesses.append((-excess, story))
        if not excesses:
            return []
        (_, first), *more = sorted(excesses)
        pieces_of = found[first].pieces.keys()
        return [first, *(s for minus, s in more if -minus >= MERGING and pieces_of & found[s].pieces.keys())]

    def _held(self, mark: int) -> int:
        """Stories that tell of a term; one that fills its places is told of by every eighth at least."""
        holders = self._known.holders(mark)
        if len(holders) >= MOST_HOLDERS:
            return max(MOST_HOLDERS, self._stories // 8)
        if not holders:
            return 0
        as_of = (len(holders), self._ties.merges)  # a post's story is another only where stories became one
        if self._told_of.get(mark, _NEVER)[0] != as_of:
            self._told_of[mark] = as_of, len(set(map(self._ties.story_of_post, holders)))
        return self._told_of[mark][1]

    def _load(self, posts: Sequence[int]) -> None:
        rows = self._db.execute(
            """SELECT p.id, p.counted_at, p.text, (SELECT group_concat(brand) FROM mentions m WHERE m.post = p.id)
               FROM posts p WHERE p.id IN (SELECT value FROM json_each(?))""",
            [json.dumps([post for post in posts if post not in self._read])],
        )
        for post, at, text, brands in rows.fetchall():
            named = frozenset(map(int, brands.split(","))) if brands else frozenset()
            self._read[post] = Telling(from_utc_text(at), _longest(cores(text)), named)

    def add(self, post: int) -> None:
        """To be found by those after it, unless its story was told often enough."""
        told = self._marks.get(post)
        if told and self._tellings < MOST_TELLINGS:
            self._known.add(post, list(told.values())[:KEPT])

    def write(self) -> None:
        self._known.write()


def _longest(found: tuple[str, ...]) -> str:
    return max(found, key=len, default="")
