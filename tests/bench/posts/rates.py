"""How much is said when: a brand's volume and negative share, its promos and holidays, and an incident's course.

The shapes are those of the simulator of counts that the detector was first measured on: an hour-of-week season, AR(1)
and Gamma noise, a negative share of 10-20 % that drifts, promos that raise all volume by 3-8 and the share not at all.
Added: holidays by their date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

ZONE = ZoneInfo("Asia/Taipei")
BIN = timedelta(minutes=15)
HOUR, DAY = 4, 96
"""In bins."""

KINDS = ("viral", "slow", "mid", "small")
LASTS = {"viral": 24, "mid": 12, "slow": 48, "small": 6}
"""Hours from an incident's beginning to its end."""

COPIES = 0.35
"""Posts that only pass on what another one said, for each one that says it."""

HOLIDAYS = {
    date(2026, 2, 14): (0.7, 2), date(2026, 2, 16): (0.35, 3), date(2026, 2, 19): (0.5, 4),
    date(2026, 2, 23): (1.4, 1),
    date(2026, 4, 3): (0.65, 3), date(2026, 6, 18): (3.0, 1), date(2026, 9, 25): (0.6, 3),
    date(2026, 10, 1): (0.55, 3),
    date(2026, 10, 9): (0.7, 3), date(2026, 11, 10): (2.0, 1), date(2026, 11, 11): (4.5, 1),
    date(2026, 11, 12): (1.6, 2), date(2026, 12, 12): (2.5, 1),
}  # fmt: skip
"""First local day -> how the volume of all posts is multiplied, for how many days. Lunar New Year (eve: 16 February),
the spring, autumn and October holidays empty the streets; 618, 雙11 and 雙12 are rushes to buy."""


@dataclass(frozen=True)
class Course:
    """One brand, bin by bin: expected posts, the negative share among them, and which bins are promo or holiday."""

    volume: np.ndarray
    share: np.ndarray
    usual_share: float
    promo: np.ndarray
    holiday: np.ndarray


def course(rng: np.random.Generator, rate: float, start: date, days: int) -> Course:
    """``rate``: posts an hour, on average; the first bin is local midnight of ``start``."""
    n = days * DAY
    t = np.arange(n)
    weekend = np.array([(start + timedelta(days=i)).weekday() >= 5 for i in range(days)]).repeat(DAY)
    peak = rng.uniform(11, 20)
    angle = 2 * np.pi * ((t / HOUR) % 24 - peak) / 24
    shape = np.exp(0.9 * np.cos(angle) + 0.35 * np.cos(2 * angle))
    volume = rate / HOUR * shape / shape.mean() * np.where(weekend, rng.uniform(0.5, 1.1), 1.0)
    volume = volume * np.exp(ar1(rng, n, 0.3, 6) - 0.045) * rng.gamma(8, 1 / 8, n)
    usual = float(rng.uniform(0.1, 0.2))
    drift = np.cumsum(rng.normal(0, 0.1 / np.sqrt(DAY), n)) + ar1(rng, n, 0.25, 6)
    share = 1 / (1 + np.exp(-(np.log(usual / (1 - usual)) + drift)))
    promo = np.zeros(n, bool)
    for _ in range(max(1, rng.poisson(2 * days / 30))):
        a = int(rng.integers(0, n - 15 * HOUR))
        b = a + int(rng.integers(4 * HOUR, 14 * HOUR))
        volume[a:b] *= rng.uniform(3, 8)
        share[a:b] *= rng.uniform(0.7, 1.0)
        promo[a:b] = True
    holiday = _keep_holidays(rng, volume, start, days)
    return Course(volume, share, usual, promo, holiday)


def _keep_holidays(rng: np.random.Generator, volume: np.ndarray, start: date, days: int) -> np.ndarray:
    """A brand follows the calendar more or less: the factor to a power of .7 to 1.2."""
    kept = np.zeros(len(volume), bool)
    power = rng.uniform(0.7, 1.2)
    for first, (factor, length) in HOLIDAYS.items():
        a = (first - start).days
        for day in range(max(0, a), min(days, a + length)):
            volume[day * DAY : (day + 1) * DAY] *= factor**power
            kept[day * DAY : (day + 1) * DAY] = True
    return kept


def ar1(rng: np.random.Generator, n: int, sd: float, hours: float) -> np.ndarray:
    """Noise of this standard deviation that is forgotten by half in ``hours``."""
    phi = 0.5 ** (1 / (hours * HOUR))
    noise = rng.normal(size=n) * sd * np.sqrt(1 - phi**2)
    out = np.zeros(n)
    for i in range(1, n):
        out[i] = phi * out[i - 1] + noise[i]
    return out


def incident(kind: str, base: float) -> np.ndarray:
    """Expected extra negative posts an hour, bin by bin; ``base``: the brand's usual ones."""
    x = np.arange(LASTS[kind] * HOUR) / HOUR
    if kind == "viral":
        return max(12 * base, 10) * np.minimum(x / 1.5, 1) * 0.5 ** (x / 6)
    if kind == "mid":
        return max(5 * base, 4) * np.minimum(x, 1) * 0.5 ** (x / 4)
    if kind == "slow":
        return max(2.5 * base, 1.0) * np.minimum(x / 24, 1)
    return np.full(len(x), max(2 * base, 2.0))


def first_moment(start: date) -> datetime:
    """Local midnight, in UTC."""
    return datetime(start.year, start.month, start.day, tzinfo=ZONE).astimezone(UTC)
