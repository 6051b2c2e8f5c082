"""Two named cases after quiet days: two thousand replies by different people, one text pasted two thousand times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from monitor.demo.dice import Dice
from tests.bench.posts.places import FORUM, MICROBLOG, PLACES, Place
from tests.bench.posts.play import Alert, play
from tests.bench.posts.world import Made, Maker, World, make
from tests.bench.posts.writer import NEGATIVE, Writer

FIRST, DAYS, RATE = date(2026, 3, 9), 9, 4.0
QUIET = timedelta(days=8)
"""Ordinary days before the case begins."""

MANY = 2_000
LASTS = timedelta(hours=6)


@dataclass(frozen=True)
class Case:
    """What a case raised: alerts from its beginning on, and what was counted of its posts."""

    name: str
    began: datetime
    alerts: tuple[Alert, ...]
    early: int
    posts: int
    voices: int

    @property
    def kinds(self) -> Counter[str]:
        """Of the measurements behind the alerts: spike, burst and so on."""
        return Counter(kind for alert in self.alerts for kind in alert.kinds)

    def told(self) -> dict[str, Any]:
        first = self.alerts[0].at if self.alerts else None
        return {
            "posts": self.posts, "negative_voices": self.voices, "alerts": len(self.alerts), "kinds": dict(self.kinds),
            "first_after_min": (first - self.began) / timedelta(minutes=1) if first else None,
            "alerts_before": self.early,
        }  # fmt: skip


def thread(folder: Path, many: int = MANY, every: timedelta = timedelta(minutes=15)) -> Case:
    """One complaint under which ``many`` people reply within six hours: they are voices, and must raise an incident."""

    def happen(maker: Maker, at: datetime) -> None:
        brand, place = maker.world.brands[0], PLACES[FORUM]
        root = maker.say(brand, place, at, NEGATIVE, "case", maker.writer.post(maker.speaker(brand, place), NEGATIVE))
        for moment in _moments(maker, at, many):
            text = maker.writer.reply(maker.speaker(brand, place), NEGATIVE)
            maker.say(brand, place, moment, NEGATIVE, "case", text, to=root)

    return _played(folder, "thread", happen, every)


def pasted(folder: Path, many: int = MANY, every: timedelta = timedelta(minutes=15)) -> Case:
    """One text that ``many`` people paste within six hours: one voice, which may raise a story burst and no spike."""

    def happen(maker: Maker, at: datetime) -> None:
        brand, place = maker.world.brands[0], PLACES[MICROBLOG]
        first = maker.say(brand, place, at, NEGATIVE, "case", maker.writer.appeal(maker.speaker(brand, place)))
        for moment in _moments(maker, at, many):
            _paste(maker, place, first, moment)

    return _played(folder, "pasted", happen, every)


CASES: dict[str, Callable[[Path], Case]] = {"thread": thread, "pasted": pasted}


def _paste(maker: Maker, place: Place, first: Made, at: datetime) -> None:
    maker.say(maker.world.brands[0], place, at, NEGATIVE, "case", first.post.text)


def _moments(maker: Maker, at: datetime, many: int) -> list[datetime]:
    seconds = maker.rng.gamma(2.0, LASTS.total_seconds() / 8, many)
    return [at + timedelta(seconds=min(float(s), LASTS.total_seconds()) + 60) for s in sorted(seconds)]


def _played(folder: Path, name: str, happen: Callable[[Maker, datetime], None], every: timedelta) -> Case:
    """A calm world, the case in it from a noon on, and what the pipeline made of it with the shipped scorer."""
    world = _calm()
    began = world.start + QUIET + timedelta(hours=12)
    maker = Maker(world, np.random.default_rng(5), Dice(5), Writer(Dice(6)))
    maker.numbers = dict.fromkeys(PLACES, 500_000)
    happen(maker, began)
    world.posts.sort(key=lambda made: (made.shown_at, made.post.platform, made.post.native_id))
    shown = [(made.shown_at, made.post) for made in world.posts]
    # A round an hour is enough while nothing happens; then as often as the service would.
    found = play(folder, [b.name for b in world.brands], shown, world.start, began + LASTS + timedelta(hours=2),
                 every=every, truth={}, coarse_until=began)  # fmt: skip
    case = {(m.post.platform, m.post.native_id) for m in world.posts if m.cause == "case"}
    return Case(
        name, began, tuple(a for a in found.alerts if a.at >= began), sum(a.at < began for a in found.alerts),
        len(case), len(found.opened & case),
    )  # fmt: skip


def _calm() -> World:
    """Ordinary days only: the incidents and jokes of ``make`` are taken out again."""
    world = make(3, FIRST, DAYS, [RATE])
    world.posts = [made for made in world.posts if made.cause == "ordinary"]
    world.incidents, world.jokes, world.outages = [], [], []
    return world
