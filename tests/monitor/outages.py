"""A day of made-up sources that die and recover, and what was injected of it: nothing here looks at the database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from monitor.errors import Blocked, RateLimited, SourceError
from monitor.model import BIN, Cursor, Page, Post, Query, bin_start
from tests.standin import DAY, HOUR, MINUTE, post

LIVE = timedelta(hours=2)
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Fault:
    """``kind``: blocked, limited, down, breaks off (after its first page) or hangs; ``end``: of its injection."""

    kind: str
    start: datetime
    end: datetime


@dataclass
class Asked:
    """One time the source was asked: whether it gave everything it gives, how far that reached, whether it gave any."""

    at: datetime
    good: bool = False
    reach: datetime | None = None
    pages: int = 0


@dataclass
class Board:
    """Lists of ``size`` posts, the newest first; a ``deep`` one is read down to what was heard before.

    ``posts``: of each of its lists; ``given``: the ids of those that it gave.
    """

    name: str
    posts: dict[str, list[Post]]
    faults: list[Fault] = field(default_factory=list)
    size: int = 20
    deep: bool = False
    asked: list[Asked] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    free: threading.Event = field(default_factory=threading.Event)

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        asked = Asked(query.now)
        self.asked.append(asked)
        fault = next((f for f in self.faults if f.start <= query.now < f.end), None)
        if fault is not None and fault.kind != "breaks off":
            self._refuse(fault, query.now)
        reaches = []
        for stream, posts in self.posts.items():
            shown = [p for p in reversed(posts) if p.published_at and p.published_at < query.now]
            oldest = None
            for first in range(0, len(shown), self.size):
                part = shown[first : first + self.size]
                self.given |= {p.native_id for p in part}
                asked.pages += 1
                oldest = part[-1].published_at
                yield Page(tuple(part), stream=stream)
                if fault is not None:
                    raise SourceError(f"{self.name}.example: broke off")
                if not self.deep or (oldest and oldest <= (query.since or query.now - 12 * HOUR)):
                    break
            assert oldest is not None  # every list began days before
            reaches.append(oldest)
        asked.good, asked.reach = True, max(reaches)

    def _refuse(self, fault: Fault, now: datetime) -> None:
        if fault.kind == "limited":
            raise RateLimited(f"{self.name}.example: HTTP 429", fault.end - now)
        if fault.kind == "blocked":
            raise Blocked(f"{self.name}.example: HTTP 403")
        if fault.kind == "hangs":
            self.free.clear()
            self.free.wait()
        raise SourceError(f"{self.name}.example: HTTP 503")


def busy_day(
    rng: np.random.Generator, name: str, start: datetime, end: datetime, per_hour: float, brands: dict[str, float],
    flood: Span | None = None, streams: int = 1, **more: object,
) -> Board:  # fmt: skip
    """``brands``: the share of the posts that speak of each; the rest speak of none. ``flood``: forty times as many."""
    lists: dict[str, list[Post]] = {}
    for stream in range(streams):
        seconds = set(
            rng.integers(0, int((end - start).total_seconds()), rng.poisson(per_hour * ((end - start) / HOUR)))
        )
        if flood:
            first, last = ((t - start).total_seconds() for t in flood)
            seconds |= set(rng.integers(int(first), int(last), rng.poisson(40 * per_hour * (last - first) / 3600)))
        words = rng.choice([*brands, "天氣"], len(seconds), p=[*brands.values(), 1 - sum(brands.values())])
        lists[f"list {stream}"] = [
            post(
                f"{name}-{stream}-{i}", f"{word}還行，{name} {stream} 第 {i} 則", start + timedelta(seconds=int(second))
            )
            for i, (second, word) in enumerate(zip(sorted(seconds), words, strict=True))
        ]
    return Board(name, lists, **more)  # type: ignore[arg-type]


def heard(board: Board, lost: set[datetime], first_every: timedelta) -> list[tuple[datetime, datetime, str]]:
    """What it gave, by the times at which it was asked: stretches that are ``heard`` or ``heard late``, in order.

    A moment is heard at the first answer that reaches it, late if that is more than ``LIVE`` after it. ``lost``: when
    the program crashed before it had kept the answer.
    """
    known: list[tuple[datetime, datetime, str]] = []
    until: datetime | None = None
    for asked in board.asked:
        if not asked.good or asked.at in lost or asked.reach is None:
            continue
        if until is None:  # believed for a while, as is documented, however short its list
            since = max(min(asked.reach, asked.at - first_every), asked.at - 7 * DAY)
        else:
            since = max(until, asked.reach)
        border = max(since, asked.at - LIVE)
        known += [(a, b, state) for a, b, state in
                  ((since, border, "heard late"), (border, asked.at, "heard")) if a < b]  # fmt: skip
        until = asked.at
    return known


def coverage(
    board: Board, lost: set[datetime], first_every: timedelta, newest: datetime
) -> list[tuple[datetime, datetime, str]]:
    """What ``v_coverage`` has to say of it: heard stretches, the gaps between, and the silence that still lasts."""
    known = heard(board, lost, first_every)
    bad = [a for a in board.asked if not a.good and a.at not in lost]
    gaps = []
    for (_, end, _), (start, _, _) in pairwise(known):
        if end < start:
            silent = any(end <= a.at <= start and not a.pages for a in bad)
            gaps.append((end, start, "blind" if silent else "partial"))
    last = known[-1][1] if known else board.asked[0].at if board.asked else newest
    if any(a.at > last or not known for a in bad):
        gaps.append((last, newest, "blind"))
    return sorted([*known, *gaps])


def by_hour(stretches: list[tuple[datetime, datetime, str]], start: datetime, hours: int) -> list[dict[str, float]]:
    """Of each hour the seconds in each state."""
    table: list[dict[str, float]] = []
    for i in range(hours):
        first, last = start + i * HOUR, start + (i + 1) * HOUR
        row: dict[str, float] = {}
        for a, b, state in stretches:
            inside = (min(b, last) - max(a, first)).total_seconds()
            if inside > 0:
                row[state] = row.get(state, 0.0) + inside
        table.append(row)
    return table


def whole_bins(stretches: list[tuple[datetime, datetime, str]], start: datetime, end: datetime) -> set[datetime]:
    """The bins of [start, end) of which every minute and second was heard, in time or late."""
    joined: list[Span] = []
    for a, b, _ in stretches:
        if joined and joined[-1][1] == a:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    found, at = set(), bin_start(start)
    while at < end:
        if any(a <= at and at + BIN <= b for a, b in joined):
            found.add(at)
        at += BIN
    return found


def injected(rng: np.random.Generator, kinds: list[str], start: datetime) -> list[Fault]:
    """Each kind once, in a random order, within a day."""
    faults, at = [], start + int(rng.integers(60, 180)) * MINUTE
    for kind in rng.permutation(kinds):
        end = at + int(rng.integers(20, 300)) * MINUTE
        faults.append(Fault(str(kind), at, end))
        at = end + int(rng.integers(30, 240)) * MINUTE
    return faults
