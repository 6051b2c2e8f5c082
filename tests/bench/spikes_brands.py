"""Invented brands to judge the spike detector by: 15-minute counts, with the truth about what happened in them.

Every number is drawn for each brand, from wider ranges than any one brand has, so that a detector tuned to one kind of
brand shows it: two peaks a day, a weekend, volume and negative share that wander for hours and for days, counts
noisier than Poisson's, promotions of hours or days, and four kinds of storm. Used by ``spikes_tradeoff`` and
``spikes_holidays``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
from numpy.typing import NDArray

from monitor.spikes import Bin

QUARTER = timedelta(minutes=15)
DAY = 96
AFTER = 48
"""Bins after the end of a storm in which an alert is late and not false."""
START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday with no holiday in the eight weeks after it but Qingming and Labour Day, which change nothing here."""

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Storm:
    kind: str
    first: int
    end: int
    extra: Counts


@dataclass(frozen=True)
class Brand:
    """``promo``: bins of a promotion. ``rate``: posts an hour. The counts are of bins from ``start`` on."""

    rate: float
    negative: Counts
    other: Counts
    storms: list[Storm]
    promo: NDArray[np.bool_]
    start: datetime = START

    def bins(self) -> list[Bin]:
        pairs = zip(self.negative.tolist(), self.other.tolist(), strict=True)
        return [Bin(self.start + i * QUARTER, y, w) for i, (y, w) in enumerate(pairs)]


def wander(rng: np.random.Generator, bins: int, sd: float, hours: float) -> Floats:
    """A stationary walk that forgets half in ``hours``."""
    keep = 0.5 ** (1 / (4 * hours))
    steps = rng.normal(0, sd * np.sqrt(1 - keep * keep), bins)
    out, at = np.empty(bins), rng.normal(0, sd)
    for i, step in enumerate(steps.tolist()):
        at = keep * at + step
        out[i] = at
    return out


def season(rng: np.random.Generator, bins: int) -> Floats:
    hours = np.arange(bins) / 4
    noon, evening, weight = rng.uniform(9, 14), rng.uniform(18, 23), rng.uniform(0.3, 1.5)

    def peak(at: float, width: float) -> Floats:
        away = (hours - at + 12) % 24 - 12
        return np.asarray(np.exp(-0.5 * (away / width) ** 2))

    day = rng.uniform(0.1, 0.4) + peak(noon, 3) + weight * peak(evening, rng.uniform(1.5, 3))
    weekend = np.where(np.arange(bins) // DAY % 7 >= 5, rng.uniform(0.4, 1.6), 1.0)
    return np.asarray(day / day.mean() * weekend)


def storm(rng: np.random.Generator, kind: str, usual: float) -> Floats:
    """Expected further negative posts of each bin. ``usual``: negative posts an hour."""
    if kind == "burst":
        hours = np.arange(4 * 18) / 4
        return np.asarray(max(8, rng.uniform(6, 15) * usual) * (hours + 0.25) * np.exp(1 - hours / 1.5) / 4)
    if kind == "wave":
        hours = np.arange(4 * 14) / 4
        return np.asarray(max(4, rng.uniform(3, 6) * usual) * np.sin(np.pi * np.minimum(hours / 14, 1)) / 4)
    if kind == "creep":
        hours = np.arange(4 * 60) / 4
        return np.asarray(max(1.2, rng.uniform(1.5, 3) * usual) * np.minimum(hours / 36, 1) / 4)
    return np.full(4 * 8, max(1.8, rng.uniform(1.5, 2.5) * usual) / 4)  # murmur


KINDS = ("burst", "creep", "wave", "murmur")


def invented(
    seed: int, rate: float, days: int = 56, every: tuple[float, float] = (8, 20), volume: Floats | None = None,
    complaints: Floats | None = None, storms_at: Sequence[tuple[str, float]] | None = None, start: datetime = START,
) -> Brand:  # fmt: skip
    """One brand. ``volume`` and ``complaints``: factors of all posts and of the odds of a negative one, bin by bin;
    ``storms_at``: (kind, day) instead of storms drawn every so many days."""
    rng, bins = np.random.default_rng([seed, round(rate)]), days * DAY
    mean = rate / 4 * season(rng, bins)
    mean *= np.exp(wander(rng, bins, rng.uniform(0.15, 0.45), rng.uniform(2, 12)))
    usual = rng.uniform(0.05, 0.3)
    odds = usual / (1 - usual) * np.exp(
        wander(rng, bins, rng.uniform(0.1, 0.3), rng.uniform(3, 12)) + wander(rng, bins, 0.2, 24 * 7)
    )  # fmt: skip
    promo = np.zeros(bins, bool)
    for _ in range(rng.poisson(days / 15)):
        first = int(rng.integers(0, bins - DAY))
        last = first + int(rng.integers(8, 2 * DAY))
        mean[first:last] *= rng.uniform(2, 10)
        odds[first:last] *= rng.uniform(0.6, 1.1)
        promo[first:last] = True
    mean = mean if volume is None else mean * volume
    odds = odds if complaints is None else odds * complaints
    noisy = mean * rng.gamma(k := rng.uniform(4, 20), 1 / k, bins)
    negative, other = rng.poisson(noisy * odds / (1 + odds)), rng.poisson(noisy / (1 + odds))
    found = []
    for kind, first in storms_at_bins(rng, bins, every, storms_at):
        extra = rng.poisson(storm(rng, kind, rate * usual))
        if not extra.any():
            continue
        end = first + len(extra)
        negative[first:end] += extra
        other[first:end] += rng.poisson(extra * rng.uniform(0.3, 1.2))
        skip = int(np.flatnonzero(extra)[0])
        found.append(Storm(kind, first + skip, end, np.cumsum(extra[skip:])))
    return Brand(rate, negative, other, found, promo, start)


def storms_at_bins(
    rng: np.random.Generator, bins: int, every: tuple[float, float], storms_at: Sequence[tuple[str, float]] | None
) -> list[tuple[str, int]]:
    if storms_at is not None:
        return [(kind, round(day * DAY)) for kind, day in storms_at]
    found, at, number = [], int(rng.uniform(4, 12) * DAY), int(rng.integers(4))
    while at < bins - 4 * DAY:
        found.append((KINDS[number % 4], at))
        number, at = number + 1, at + int(rng.uniform(*every) * DAY)
    return found


@dataclass(frozen=True)
class Verdict:
    """``false`` and ``promo``: false alarms a brand and 30 days, all and on promotions; ``delay``: median minutes and
    ``posts`` of a storm until told; ``most``: alerts of one storm."""

    storms: int
    found: float
    false: float
    promo: float
    delay: float
    posts: float
    most: int
    by_kind: dict[str, float]
    by_rate: dict[float, float]


def judged(told: Iterable[tuple[Brand, Sequence[int]]]) -> Verdict:
    """``told``: each brand with the bins of its alerts."""
    hits: list[tuple[str, float, bool]] = []
    delays, posts, most, false, promo, days = [], [], 0, 0, 0, 0.0
    for brand, alerts in told:
        days += len(brand.negative) / DAY
        excused: set[int] = set()
        for one in brand.storms:
            inside = [i for i in alerts if one.first <= i <= one.end + AFTER]
            excused.update(inside)
            seen = bool(inside) and inside[0] < one.end
            hits.append((one.kind, brand.rate, seen))
            if seen:
                delays.append((inside[0] - one.first) * 15)
                posts.append(int(one.extra[inside[0] - one.first]))
                most = max(most, len(inside))
        wrong = [i for i in alerts if i not in excused]
        false, promo = false + len(wrong), promo + sum(bool(brand.promo[i]) for i in wrong)

    def share(rows: list[tuple[str, float, bool]]) -> float:
        return round(sum(seen for *_, seen in rows) / max(1, len(rows)), 3)

    return Verdict(
        len(hits), share(hits), round(false * 30 / days, 2), round(promo * 30 / days, 3),
        median(delays) if delays else float("nan"), median(posts) if posts else float("nan"), most,
        {kind: share([h for h in hits if h[0] == kind]) for kind in sorted({h[0] for h in hits})},
        {rate: share([h for h in hits if h[1] == rate]) for rate in sorted({h[1] for h in hits})},
    )  # fmt: skip
