"""Where the soak of months takes place: an invented world of posts, its platforms' outages, and the config."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from monitor.model import Post
from monitor.work.app import Collector
from tests.bench.posts.places import Outage
from tests.bench.posts.play import lists
from tests.bench.posts.world import World, make
from tests.soak.worlds import SMTP

EVERY = timedelta(minutes=30)
DRAINED = timedelta(hours=14)
"""After the last fault: time for the last mail to leave and the last digest to be made."""


@dataclass(frozen=True)
class Setting:
    """What the victim needs to know: posts as they are shown, and when platforms refuse."""

    brands: tuple[str, ...]
    shown: tuple[tuple[datetime, Post], ...]
    outages: tuple[Outage, ...]

    def collectors(self) -> tuple[Collector, ...]:
        found = lists(self.shown, self.outages)
        return tuple(Collector(name, max(30, source.place.every) * 60, source) for name, source in found.items())


def world(seed: int, days: int, rates: tuple[float, ...], first: date = date(2026, 9, 7)) -> World:
    return make(seed, first, days, rates)


def setting(of: World) -> Setting:
    return Setting(
        tuple(b.name for b in of.brands), tuple((m.shown_at, m.post) for m in of.posts), tuple(of.outages)
    )  # fmt: skip


def rounds(of: World, every: timedelta = EVERY) -> list[datetime]:
    found, at = [], of.start
    while at <= of.end + DRAINED:
        found.append(at)
        at += every
    return found


def prepare(of: World, folder: Path, port: int) -> Path:
    """Write config and posts into an empty folder; the posts' file."""
    folder.mkdir(parents=True, exist_ok=True)
    brands = "".join(f'[[brands]]\nname = "{b.name}"\nterms = ["{b.name}"]\n\n' for b in of.brands)
    (folder / "config.toml").write_text(_CONFIG.format(brands=brands, port=port), "utf-8")
    file = folder / "posts.pickle"
    file.write_bytes(pickle.dumps(setting(of)))
    return file


_CONFIG = f"""\
timezone = "Asia/Taipei"

{{brands}}
{SMTP}
[alerts]
to = ["oncall@example.test", "deputy@example.test"]
ops_to = ["ops@example.test"]

[digest]
to = ["pr@example.test"]
"""
