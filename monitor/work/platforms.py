"""Platforms watched one by one: a storm on one of several drowns in what is said on all of them.

Each platform that carries a good part of a brand's posts has a detector of its own, over its live voices. It speaks
only where it is surer than the brand's own detector has to be, for more of them look on; what it finds is handed on
like a spike of the brand. Which platforms they are follows from the counts of four weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.incidents import LIVE
from monitor.model import BIN
from monitor.spikes import Bin, Detector, Measurement, Settings, fingerprint
from monitor.store import counts, coverage, writing
from monitor.store import incidents as stored

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

    def keep(self, db: Database, brand: int) -> None:
        for memory in self.memories:
            with writing(db):
                stored.keep_state(db, brand, _origin(memory.platform), memory.key, memory.at, memory.state)


def settings(of_brand: Settings) -> Settings:
    return replace(of_brand, z_threshold=Z_THRESHOLD, fewest=FEWEST)


def judge(
    db: Database, brand: int, of_brand: Settings, start: datetime, end: datetime,
    holds: Sequence[stored.Hold], remember: Callable[[datetime], bool],
) -> Platforms:  # fmt: skip
    """Step the detectors of a brand's platforms over its bins up to ``end``; what they say from ``start`` on."""
    heard: dict[datetime, list[Heard]] = {}
    memories: list[Memory] = []
    for platform in _large(db, brand, end):
        made = _Stepper(db, brand, platform, settings(of_brand), holds)
        for at, said in made.run(start, end):
            heard.setdefault(at, []).append(said)
            if remember(at):
                memories.append(Memory(platform, made.key, at, made.detector.dump()))
    return Platforms(heard, memories)


def _large(db: Database, brand: int, end: datetime) -> list[str]:
    many = counts.by_platform(db, brand, end - FROM, end)
    total = sum(many.values())
    able = [(n, name) for name, n in many.items() if LEAST * total <= n <= MOST * total]
    return [name for _, name in sorted(able, reverse=True)[:AT_MOST]]


def _origin(platform: str) -> str:
    return f"{LIVE}:{platform}"


class _Stepper:
    """One platform's detector, as it was remembered."""

    def __init__(
        self, db: Database, brand: int, platform: str, of_platform: Settings, holds: Sequence[stored.Hold]
    ) -> None:  # fmt: skip
        self._db, self._brand, self.platform = db, brand, platform
        self._settings, self._recounted = of_platform, [hold for hold in holds if hold.recounted]
        self.key = fingerprint(of_platform)
        self.detector = Detector(of_platform)

    def run(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, Heard]]:
        """What it says from ``start`` on, bin by bin: at each, ``detector`` is as it is after that one."""
        known = stored.load_state(self._db, self._brand, _origin(self.platform), self.key, start)
        at = known[0] + BIN if known else coverage.first_heard(self._db) or start
        if known:
            self.detector = Detector.load(self._settings, known[1])
        found = counts.series(self._db, self._brand, at, end, self.platform)
        heard = coverage.heard_on(self._db, self._brand, self.platform, at, end)
        while at < end:
            self._change_over(at)
            c = found.get(at) or counts.BinCount(at, 0, 0, 0)
            measured = self.detector.step(Bin(at, c.live_voices, c.other, learned=c.voices, heard=heard.get(at, 0.0)))
            if at >= start:
                yield at, Heard(self.platform, measured, self.detector.going)
            at += BIN

    def _change_over(self, at: datetime) -> None:
        """As for the brand itself: learn from another model's counts alone, and forget which of them were said."""
        if any(hold.learn_from == at for hold in self._recounted):
            self.detector = Detector(self._settings)
        if any(hold.held_to == at for hold in self._recounted):
            self.detector.go_on(None, None, None)
