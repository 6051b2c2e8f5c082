"""The invented platforms: how soon each shows what was written, and when it cannot be asked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from monitor.errors import Blocked, RateLimited, SourceError
from monitor.model import Cursor, Page, Post, Query


@dataclass(frozen=True, slots=True)
class Place:
    """``delay``: minutes until a post is shown, least and most. ``straggle``: the share that surfaces only after one to
    three days. ``weight``: of a brand's posts. ``replies``: the share of posts that answer another one. ``papers``: it
    has articles, not people. ``depth``: posts that it shows at most; None: it is read back to what is known. ``every``:
    minutes between two questions."""

    name: str
    prefix: str
    delay: tuple[int, int]
    weight: float
    simplified: float
    straggle: float = 0.0
    replies: float = 0.0
    papers: bool = False
    depth: int | None = None
    every: int = 15


MICROBLOG, FORUM, VIDEOS, PAPER, ARCHIVE = "浮萍", "茶水間", "看吧", "島讀", "舊聞簿"
PLACES = {
    place.name: place
    for place in (
        Place(MICROBLOG, "w", (0, 3), 4.0, 0.6, replies=0.1),
        Place(FORUM, "t", (5, 30), 4.0, 0.1, straggle=0.01, replies=0.35),
        Place(VIDEOS, "v", (40, 85), 2.5, 0.5, straggle=0.04, replies=0.4),
        Place(PAPER, "n", (0, 20), 0.8, 0.2, papers=True, depth=80),
        Place(ARCHIVE, "a", (40 * 60, 56 * 60), 0.7, 0.3, every=360),
    )
}
LIVELY = (MICROBLOG, FORUM, VIDEOS)
"""Where people talk, and where what they say is shown in time to page."""

KNOWN = 3
"""Posts of the last answer that a list shows again, as lists do."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A platform refuses from ``start`` to ``end``; ``kind``: blocked, limited or down."""

    place: str
    start: datetime
    end: datetime
    kind: str


def outages(rng: np.random.Generator, start: datetime, days: int) -> list[Outage]:
    """About one in twelve days on each platform, from one hour to fourteen."""
    found = []
    for name in PLACES:
        for _ in range(rng.poisson(days / 12)):
            begin = start + timedelta(minutes=int(rng.integers(24 * 60, days * 24 * 60)))
            length = timedelta(minutes=int(rng.integers(60, 14 * 60)))
            found.append(Outage(name, begin, begin + length, str(rng.choice(["blocked", "limited", "down"]))))
    return sorted(found, key=lambda o: o.start)


class List:
    """A platform as a source: what is shown by now and was not at the last time, the newest first."""

    def __init__(self, place: Place, shown: Sequence[tuple[datetime, Post]], outages: Sequence[Outage]) -> None:
        """``shown``: in the order in which the platform shows them."""
        self.name, self.place, self._outages = place.name, place, outages
        self._times, self._posts = [at for at, _ in shown], [post for _, post in shown]

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        self._refuse(query.now)
        last = bisect_right(self._times, query.now)
        first = max(0, int(cursor.get("shown", 0)) - KNOWN)
        if self.place.depth is not None:
            first = max(first, last - self.place.depth)
        for end in range(last, first, -200):
            part = tuple(reversed(self._posts[max(first, end - 200) : end]))
            yield Page(part, cursor={"shown": last})
        if first == last:
            yield Page((), cursor={"shown": last})

    def _refuse(self, now: datetime) -> None:
        fault = next((o for o in self._outages if o.start <= now < o.end), None)
        if fault is None:
            return
        if fault.kind == "limited":
            raise RateLimited(f"{self.name}: HTTP 429", timedelta(minutes=30))
        if fault.kind == "blocked":
            raise Blocked(f"{self.name}: HTTP 403")
        raise SourceError(f"{self.name}: HTTP 503")
