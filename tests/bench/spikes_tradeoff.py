"""What the one main threshold of the detector trades: storms found and delay against false alarms.

    python -m tests.bench.spikes_tradeoff [--brands 8] [--days 56] [--seed 500] [--thresholds 3.0 3.2 3.4 3.6 3.8]

Brands of 3, 12, 60 and 300 posts an hour from ``spikes_brands``; every threshold sees the same ones. One JSON object
per threshold: storms found (all, by kind, by posts an hour), false alarms a brand and 30 days, those on promotions,
median minutes and posts until told, most alerts of one storm. The shipped threshold is marked.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from zoneinfo import ZoneInfo

from monitor.spikes import Settings, detect

from .spikes_brands import QUARTER, Brand, Verdict, invented, judged

RATES = (3.0, 12.0, 60.0, 300.0)


def told(brand: Brand, settings: Settings) -> list[int]:
    """The bins of the alerts."""
    return [round((found.time - brand.start) / QUARTER) for found in detect(brand.bins(), settings)]


def verdict(brands: list[Brand], settings: Settings) -> Verdict:
    return judged((brand, told(brand, settings)) for brand in brands)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brands", type=int, default=8, help="of each size")
    parser.add_argument("--days", type=int, default=56)
    parser.add_argument("--seed", type=int, default=500)
    parser.add_argument("--thresholds", type=float, nargs="+", default=[3.0, 3.2, 3.4, 3.6, 3.8])
    args = parser.parse_args()
    brands = [invented(args.seed + i, rate, args.days) for i in range(args.brands) for rate in RATES]
    shipped = Settings(width=QUARTER, zone=ZoneInfo("UTC"))
    for threshold in args.thresholds:
        found = asdict(verdict(brands, replace(shipped, z_threshold=threshold)))
        print(json.dumps({"z": threshold, "shipped": threshold == shipped.z_threshold, **found}), flush=True)


if __name__ == "__main__":
    main()
