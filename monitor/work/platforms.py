"""Platforms watched one by one: a storm on one of several drowns in what is said on all of them.

Each platform that carries a good part of a brand's posts has a detector of its own, over its live voices. It speaks
only where it is surer than the brand's own detector has to be, for more of them look on; what it finds is handed on
like a spike of the brand. Which platforms they are follows from the counts of four weeks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlite_utils import Database

from monitor.incidents import LIVE
from monitor.model import BIN
from monitor.spikes import Bin, Detector, Measurement, Settings, fingerprint
from monitor.store import counts, coverage, writing
from monitor.store import incidents as stored
from monitor.work.trails import Course, Trail, Trails, pick_up, put_down, worth_remembering

LEAST, MOST = 0.1, 0.9
"""A platform with less of the brand's posts says too little by itself, one with more is the brand."""

AT_MOST = 5
"""The largest of them, where there are more."""

FROM = timedelta(days=28)
"""What the share is taken of."""

Z_THRESHOLD, FEWEST = 4.2, 6
"""In place of ``Settings.z_threshold`` and ``fewest``. Chosen on counts made of the posts of ``tests/bench/posts``
(seeds 11 to 14): 3.8 told .27 false a brand-month more than no platforms, 4.4 .04."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one platform's detector said of one bin. ``going``: what it alerted of is not over."""

    platform: str
    said: Measurement
    going: bool


@dataclass(frozen=True, slots=True)
class Memory:
    platform: str
    key: str
    at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Platforms:
    """What the platforms' detectors said, by bin, and what is to be remembered of them."""

    heard: Mapping[datetime, Sequence[Heard]]
    memories: Sequence[Memory]

    walked: Sequence[tuple[str, Course, Trail[Bin, Heard, str]]]

    def keep(self, trails: Trails, db: Database, brand: int) -> None:
        for memory in self.memories:
            with writing(db):
                stored.keep_state(db, brand, _origin(memory.platform), memory.key, memory.at, memory.state)
        for platform, course, trail in self.walked:
            put_down(trails, (brand, platform), course, trail)


def settings(of_brand: Settings) -> Settings:
    return replace(of_brand, z_threshold=Z_THRESHOLD, fewest=FEWEST)


def judge(trails: Trails, db: Database, brand: int, of_brand: Settings, course: Course) -> Platforms:
    """Step the detectors of a brand's platforms over its bins up to the end; what they say from its start on."""
    heard: dict[datetime, list[Heard]] = {}
    memories: list[Memory] = []
    walked = []
    key = fingerprint(settings(of_brand))
    for platform in _large(db, brand, course.end):
        own, trail = _trail(trails, db, brand, platform, settings(of_brand), course)
        walked.append((platform, own, trail))
        for at, bin in _bins(db, brand, platform, own.start, own.end):
            said = trail.step(at, bin, own.settled)
            if at >= course.start:
                heard.setdefault(at, []).append(said)
                if worth_remembering(at, course.settled):
                    memories.append(Memory(platform, key, at, trail.after(at)))
    return Platforms(heard, memories, walked)


def _large(db: Database, brand: int, end: datetime) -> list[str]:
    many = counts.by_platform(db, brand, end - FROM, end)
    total = sum(many.values())
    able = [(n, name) for name, n in many.items() if LEAST * total <= n <= MOST * total]
    return [name for _, name in sorted(able, reverse=True)[:AT_MOST]]


def _origin(platform: str) -> str:
    return f"{LIVE}:{platform}"


def _trail(
    trails: Trails, db: Database, brand: int, platform: str, of_platform: Settings, course: Course
) -> tuple[Course, Trail[Bin, Heard, str]]:  # fmt: skip
    """From where this platform goes on, which may be long before the brand does."""
    known = stored.load_state(db, brand, _origin(platform), fingerprint(of_platform), course.start)
    since = known[0] + BIN if known else coverage.first_heard(db) or course.start
    holds = [hold for hold in stored.holds(db, brand) if hold.recounted and hold.held_to >= since]
    made = partial(_Alone, platform, of_platform, recounted=holds)
    own = replace(course, start=since, holds=holds)
    return own, pick_up(trails, (brand, platform), own, known[1] if known else None, made)


def _bins(
    db: Database, brand: int, platform: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, Bin]]:  # fmt: skip
    found = counts.series(db, brand, start, end, platform)
    heard = coverage.heard_on(db, brand, platform, start, end)
    at = start
    while at < end:
        c = found.get(at) or counts.BinCount(at, 0, 0, 0)
        yield at, Bin(at, c.live_voices, c.other, learned=c.voices, heard=heard.get(at, 0.0))
        at += BIN


class _Alone:
    """One platform's detector, as it was remembered."""

    def __init__(
        self, platform: str, of_platform: Settings, state: str | None, *, recounted: Sequence[stored.Hold]
    ) -> None:  # fmt: skip
        self._platform, self._settings, self._recounted = platform, of_platform, recounted
        self._detector = Detector(of_platform) if state is None else Detector.load(of_platform, state)

    def step(self, given: Bin, /) -> Heard:
        self._change_over(given.start)
        return Heard(self._platform, self._detector.step(given), self._detector.going)

    def dump(self) -> str:
        return self._detector.dump()

    def _change_over(self, at: datetime) -> None:
        """As for the brand itself: learn from another model's counts alone, and forget which of them were said."""
        if any(hold.learn_from == at for hold in self._recounted):
            self._detector = Detector(self._settings)
        if any(hold.held_to == at for hold in self._recounted):
            self._detector.go_on(None, None, None)
