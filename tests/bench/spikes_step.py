"""Steps per second of the spike detector, as a ratio to the naive rule: above the mean + 3 sd of the last 14 days.

    python -m tests.bench.spikes_step [--bins 4000]

The naive rule reads 14 days of bins anew at each step, as a query over a table would. Both see the same invented
brand in 15-minute bins, one after the other in the same process; the figures are of the time after 14 days, the
median of five parts. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from monitor.spikes import Bin, Detector, Settings

QUARTER = timedelta(minutes=15)
FORTNIGHT = 14 * 96
PARTS = 5


def invented(bins: int, per_hour: float) -> list[Bin]:
    rng = np.random.default_rng(20)
    hours = np.arange(bins) / 4
    rate = per_hour / 4 * (1 + 0.7 * np.cos(2 * np.pi * hours / 24)) * rng.gamma(8, 1 / 8, bins)
    negative, other = rng.poisson(0.15 * rate).tolist(), rng.poisson(0.85 * rate).tolist()
    start = datetime(2026, 1, 5, tzinfo=UTC)
    return [Bin(start + i * QUARTER, y, w) for i, (y, w) in enumerate(zip(negative, other, strict=True))]


def naive(rows: list[Bin]) -> Callable[[int], bool]:
    def step(i: int) -> bool:
        counts = [row.count for row in rows[i - FORTNIGHT : i]]
        return rows[i].count > statistics.fmean(counts) + 3 * statistics.pstdev(counts)

    return step


def microseconds(step: Callable[[int], object], first: int, last: int) -> float:
    """Per step, the median of the parts."""
    edges = np.linspace(first, last, PARTS + 1).astype(int).tolist()
    times = []
    for a, b in pairwise(edges):
        begun = time.perf_counter()
        for i in range(a, b):
            step(i)
        times.append((time.perf_counter() - begun) / (b - a) * 1e6)
    return statistics.median(times)


def measure(bins: int, per_hour: float, *, raw: bool) -> dict[str, float]:
    rows = invented(bins + FORTNIGHT, per_hour)
    detector = Detector(Settings(width=QUARTER, zone=ZoneInfo("Asia/Taipei"), raw=raw))
    for row in rows[:FORTNIGHT]:
        detector.step(row)
    ours = microseconds(lambda i: detector.step(rows[i]), FORTNIGHT, len(rows))
    theirs = microseconds(naive(rows), FORTNIGHT, FORTNIGHT + max(PARTS, bins // 10))
    return {"us_per_step": round(ours, 1), "us_naive": round(theirs, 1), "times_as_fast": round(theirs / ours, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bins", type=int, default=4000)
    bins = parser.parse_args().bins
    cases = {
        "posts_20_per_hour": (20.0, False),
        "posts_200_per_hour": (200.0, False),
        "raw_600_per_hour": (600.0, True),
    }
    print(json.dumps({name: measure(bins, rate, raw=raw) for name, (rate, raw) in cases.items()}))


if __name__ == "__main__":
    main()
