"""Invented brands for the tests: counts with a daily curve, a weekend and, where asked for, a storm."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from monitor.model import utc_text
from monitor.spikes import Bin, Detector, Measurement, Settings

START = datetime(2026, 1, 5, 0, 7, 13, tzinfo=UTC)
"""A Monday, not aligned to any clock."""
QUARTER = timedelta(minutes=15)
TAIPEI = ZoneInfo("Asia/Taipei")


def settings(width: timedelta = QUARTER, *, raw: bool = False, zone: str = "Asia/Taipei", **more: object) -> Settings:
    return Settings(width=width, zone=ZoneInfo(zone), raw=raw, **more)  # type: ignore[arg-type]


def minutes(
    days: float, *, per_hour: float = 20.0, seed: int = 1, storms: Iterable[tuple[float, float, float]] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """-> negative and other posts of each minute. ``storms``: (day it begins, hours, negative posts an hour)."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(days * 1440))
    curve = 1 + 0.7 * np.cos(2 * np.pi * (t / 60 - 13) / 24)
    weekend = np.where(t // 1440 % 7 >= 5, 0.7, 1.0)
    rate = per_hour / 60 * curve * weekend * np.repeat(rng.gamma(12, 1 / 12, len(t) // 60 + 1), 60)[: len(t)]
    negative, other = rng.poisson(rate * 0.12), rng.poisson(rate * 0.88)
    for day, hours, more in storms:
        first = round(day * 1440)
        negative[first : first + round(hours * 60)] += rng.poisson(more / 60, round(hours * 60))
    return negative, other


def bins(width: timedelta, negative: np.ndarray, other: np.ndarray, start: datetime = START) -> list[Bin]:
    step = round(width / timedelta(minutes=1))
    whole = len(negative) // step * step
    counts = negative[:whole].reshape(-1, step).sum(1), other[:whole].reshape(-1, step).sum(1)
    pairs = zip(*(part.tolist() for part in counts), strict=True)
    return [Bin(start + i * width, y, w) for i, (y, w) in enumerate(pairs)]


def table(rows: Iterable[Bin], *, other: bool = True) -> list[str]:
    head = "time,count,other\n" if other else "time,count\n"
    return [head] + [f"{utc_text(b.start)},{b.count}" + (f",{b.other}\n" if other else "\n") for b in rows]


def run(rows: Iterable[Bin], with_settings: Settings) -> list[Measurement]:
    detector = Detector(with_settings)
    return [detector.step(row) for row in rows]
