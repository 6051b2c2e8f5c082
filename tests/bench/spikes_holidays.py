"""The detector over holidays: a week of Lunar New Year with few posts, and eleven days of 雙11 with many.

    python -m tests.bench.spikes_holidays [--brands 6] [--seed 700]

Each brand of ``spikes_brands`` lives six weeks with the holiday in the middle: a dip to .2 to .4 of the posts from the
eve to the seventh, a rush of 5 to 10 times for the eleven days (the odds of a complaint 1.4 times from the fourth on,
when parcels arrive), or the same days as any others. Storms: one before, one within, one after. Each case is judged
with the calendar and, for comparison, with one that knows no holiday. One JSON object a case.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from unittest import mock
from zoneinfo import ZoneInfo

import numpy as np

from monitor.holidays import Kind
from monitor.spikes import Settings

from .spikes_brands import DAY, KINDS, QUARTER, Brand, Floats, invented
from .spikes_tradeoff import RATES, verdict

DAYS = 42
NEW_YEAR, SALES = datetime(2026, 1, 27, tzinfo=UTC), datetime(2026, 10, 12, tzinfo=UTC)
"""Starts that put 2026-02-16 and 2026-11-01 on day 20."""


def factors(case: str, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    volume, complaints = np.ones(DAYS * DAY), np.ones(DAYS * DAY)
    if case == "dip":
        volume[20 * DAY : 28 * DAY] = rng.uniform(0.2, 0.4)
    if case == "rush":
        volume[20 * DAY : 31 * DAY] = np.linspace(1, 1.6, 11 * DAY) * rng.uniform(5, 7)
        complaints[23 * DAY : 34 * DAY] = 1.4
    return volume, complaints


def brands(case: str, count: int, seed: int) -> list[Brand]:
    start, made = SALES if case == "rush" else NEW_YEAR, []
    for number in range(count):
        for rate in RATES:
            rng = np.random.default_rng([seed + number, 9])
            first = int(rng.integers(4))
            storms = [(KINDS[(first + i) % 4], float(day + rng.uniform(0, 1.5))) for i, day in enumerate((13, 23, 35))]
            volume, complaints = factors(case, seed + number)
            made.append(
                invented(seed + number, rate, DAYS, volume=volume, complaints=complaints, storms_at=storms, start=start)
            )
    return made


def no_holiday(_: date) -> frozenset[Kind]:
    return frozenset()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brands", type=int, default=6, help="of each size")
    parser.add_argument("--seed", type=int, default=700)
    args = parser.parse_args()
    settings = Settings(width=QUARTER, zone=ZoneInfo("UTC"))
    for case in ("dip", "rush", "holiday that changes nothing"):
        some = brands(case, args.brands, args.seed)
        with mock.patch("monitor.spikes.track.kinds", no_holiday):
            without = verdict(some, settings)
        print(json.dumps({"case": case, "calendar": False, **asdict(without)}), flush=True)
        print(json.dumps({"case": case, "calendar": True, **asdict(verdict(some, settings))}), flush=True)


if __name__ == "__main__":
    main()
