"""Which storms of copies are told, at how many false alarms: the curve of the story-burst's one number.

    python -m tests.bench.bursts [--seeds 8] [--first 100] [--days 90]

Brands of 2, 20 and 200 posts an hour, whose posts are copied with a Pareto tail (exponent 1.4 to 2.2) and lognormal
delays (median two hours). Besides these, each brand has promos (one in 10 days), old jokes (one in 20, four of five
known from weeks before) and incidents that are only copied (one in 20 days: at least 40 copies, three times the largest
usual story of a fortnight in the median, over 2 to 12 hours). One text in 25 that is not negative is called so, 15 % of
negative ones are not (10 % of incidents), four of ten jokes are called negative. Whatever is told and is no incident is
false, a real complaint of the tail too. Prints one JSON object a rule: the published one, and ours.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.bursts import Day, Settings, threshold, usual

RATES = (2.0, 20.0, 200.0)
WINDOW = 12
DAY = 96
WARM_UP = 7


@dataclass(frozen=True)
class Story:
    """``kind``: usual, promo, joke or incident. ``label`` as the model gives it; ``bins`` of each copy, ascending."""

    kind: str
    label: str
    old: bool
    bins: np.ndarray
    ends: np.ndarray
    copies: np.ndarray


def story(kind: str, label: str, old: bool, at: np.ndarray, last: int) -> Story | None:
    bins = np.sort(at[at < last].astype(int))
    if len(bins) < 2:
        return None
    ends = np.unique(bins)
    copies = np.searchsorted(bins, ends, "right") - np.searchsorted(bins, ends - WINDOW + 1, "left") - 1
    return Story(kind, label, old, bins, ends, copies)


def brand(seed: int, rate: float, days: int) -> list[Story]:
    rng = np.random.default_rng([seed, int(rate)])
    rate *= np.exp(rng.normal(0, 0.4))
    alpha, last = rng.uniform(1.4, 2.2), days * DAY
    largest = 0.7 * (rate * 24 * 0.2 * 14) ** (1 / alpha)
    made: list[Story | None] = []
    sizes = np.floor(0.7 * rng.random(rng.poisson(rate * 24 * 0.2 * days)) ** (-1 / alpha)).astype(int)
    for size in sizes[sizes >= 2]:
        at = rng.random() * last + np.exp(rng.normal(np.log(4 * np.exp(rng.normal(np.log(2), 0.5))), 1, size))
        negative = rng.random() < 0.15
        label = "negative" if rng.random() < (0.85 if negative else 0.04) else "neutral"
        made.append(story("usual", label, False, at, last))
    for kind, every, called in (("promo", 10, 0.04), ("joke", 20, 0.4)):
        for _ in range(rng.poisson(days / every)):
            size = int(max(15, largest * np.exp(rng.normal(np.log(2), 0.7))))
            at = rng.random() * last + np.exp(rng.normal(np.log(8), 0.8, size))
            other = "positive" if rng.random() < (0.8 if kind == "promo" else 0.4) else "neutral"
            label = "negative" if rng.random() < called else other
            made.append(story(kind, label, kind == "joke" and rng.random() < 0.8, at, last))
    for _ in range(rng.poisson(days / 20)):
        size = int(max(40, largest * np.exp(rng.normal(np.log(3), 0.7))))
        at = rng.random() * last + np.clip(rng.normal(0.5, 0.2, size), 0, None) * rng.uniform(2, 12) * 4
        made.append(story("incident", "negative" if rng.random() < 0.9 else "neutral", False, at, last))
    return [s for s in made if s is not None]


Limit = Callable[[Sequence[Day], Sequence[Day]], float]
"""The threshold from the days before, newest first: those of stories not positive, and those of all."""


def ours(settings: Settings) -> Limit:
    return lambda cleaned, _: threshold(usual(cleaned, settings), settings)


def published(_: Sequence[Day], every: Sequence[Day]) -> float:
    return max(12.0 if len(every) >= WARM_UP else 30.0, 1.25 * max((d.peak for d in every[:14]), default=0))


def peaks(stories: Sequence[Story], days: int) -> list[Day]:
    most = np.zeros(days, int)
    for s in stories:
        np.maximum.at(most, s.ends // DAY, s.copies)
    return [Day(int(n), True) for n in most]


def judge(stories: Sequence[Story], limit: Limit, days: int, *, all_labels: bool) -> dict[str, tuple[int, int]]:
    """By kind: how many were told, of how many; the first days are warm-up for nobody's benefit."""
    every, cleaned = peaks(stories, days), peaks([s for s in stories if s.label != "positive"], days)
    limits = np.array([limit(cleaned[:d][::-1], every[:d][::-1]) for d in range(days)])
    found: dict[str, tuple[int, int]] = {}
    for s in stories:
        told, of = found.get(s.kind, (0, 0))
        wakes = all_labels or (s.label == "negative" and not s.old)
        told += wakes and bool(np.any(s.copies >= limits[s.ends // DAY]))
        found[s.kind] = told, of + 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first", type=int, default=100, help="0 to 7 chose the number")
    parser.add_argument("--days", type=int, default=90)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    worlds = {
        (rate, seed): brand(seed, rate, options.days) for rate in RATES for seed in seeds
    }  # fmt: skip
    rules: dict[str, tuple[Limit, bool]] = {
        "published: 1.25 x the largest, any label": (published, True),
        "published, of negative ones": (published, False),
        **{
            f"{times:g} x the usual largest": (ours(replace(Settings(), times=times)), False)
            for times in (3, 4, 5, 6, 8, 10, 12, 16)
        },
    }
    for name, (limit, all_labels) in rules.items():
        total: dict[str, list[int]] = {}
        by_rate = dict.fromkeys(RATES, 0)
        for (rate, _), stories in worlds.items():
            for kind, (told, of) in judge(stories, limit, options.days, all_labels=all_labels).items():
                both = total.setdefault(kind, [0, 0])
                both[0] += told
                both[1] += of
                by_rate[rate] += told if kind != "incident" else 0
        months = options.seeds * options.days / 30
        print(json.dumps({
            "rule": name, "found": round(total["incident"][0] / total["incident"][1], 2), "of": total["incident"][1],
            "false_a_month": round(sum(by_rate.values()) / months / len(RATES), 2),
            **{kind: round(total[kind][0] / months / len(RATES), 2) for kind in ("usual", "promo", "joke")},
            "by_rate": {rate: round(n / months, 2) for rate, n in by_rate.items()},
        }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
