"""How many posts that take off are told, how many others, and how long before the spike detector would have.

    python -m tests.bench.takeoff [--seeds 3] [--first 100] [--days 30]

Brands of 2, 20 and 60 posts an hour whose posts' reach has a Pareto tail (exponent 1.2 to 1.8, each of another scale),
follows a daily curve and decays; in three days one post starts a cascade: every reaction brings others, doubling in 20
to 70 minutes until some thousand have reacted, and one in a hundred of them writes a negative post of their own. Looks
come as the service makes them: some of the first two hours' fetches, then 15 min, 1 h, 4 h, and at those of
``rechecking.BETWEEN`` where a post is negative or grows fast (``--looks few``: not then; ``quarters``: every quarter of
an hour, as where a list shows its posts again and again). Labels are wrong as often as the model's. Levels are fitted
on one month, and another month is judged. The naive rule: the count is above the mean + 3 sd of the month before at
that age. Prints one JSON object a rule: the share found of all cascades (``shown``: those called negative that had
brought 200 reactions by the last look), false warnings a brand-month, and the median of hours before a spike
would have been told.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from monitor import takeoff
from monitor.spikes import Bin, Detector
from monitor.spikes import Settings as SpikeSettings
from monitor.takeoff import Level, Look, Seen, Settings, Usual
from monitor.work.rechecking import BETWEEN, FAST

START = datetime(2026, 1, 5, tzinfo=UTC)
RATES = (2.0, 20.0, 60.0)
QUARTER = timedelta(minutes=15)
SHOWN = 200.0
"""Reactions that a cascade must have brought by the last look for anybody to have seen it."""


@dataclass(frozen=True)
class Made:
    """One post of the simulation. ``begins``: the age at which its cascade begins, None of an ordinary post."""

    post: Seen
    negative: bool
    begins: float | None
    reach: tuple[float, float]


@dataclass(frozen=True)
class World:
    posts: list[Made]
    rate: float


def _activity(hours: np.ndarray) -> np.ndarray:
    """Reactions possible up to an hour: the integral of a daily curve that peaks in the evening."""
    return hours + 0.7 * 24 / (2 * np.pi) * np.sin(2 * np.pi * (hours - 20) / 24)


def _ages(rng: np.random.Generator, n: int, looks: str) -> tuple[np.ndarray, np.ndarray]:
    """When each of ``n`` posts is looked at, in hours, ascending; and which of these looks only some posts get."""
    columns = [
        rng.uniform(0.02, 0.3, (n, 1)), rng.uniform(0.25, 2.0, (n, 4)), rng.uniform(0.3, 0.5, (n, 1)),
        rng.uniform(1.05, 1.3, (n, 1)), rng.uniform(4.05, 4.3, (n, 1)),
    ]  # fmt: skip
    usual = sum(column.shape[1] for column in columns)
    if looks == "quarters":
        columns = [rng.uniform(0.02, 0.25, (n, 1)) + np.arange(0, 24, 0.25)]
        usual = columns[0].shape[1]
    elif looks == "service":
        between = np.array([mark / timedelta(hours=1) for mark in BETWEEN])
        columns.append(between + rng.uniform(0.05, 0.3, (n, len(BETWEEN))))
    ages = np.concatenate(columns, axis=1)
    order = np.argsort(ages, axis=1)
    return np.take_along_axis(ages, order, axis=1), order >= usual


def _seen(born: datetime, ages: np.ndarray, counts: np.ndarray, some: np.ndarray, negative: bool) -> tuple[Look, ...]:
    """The looks that found another count than the one before; at ``some`` only if it is negative or grew fast."""
    looks: list[Look] = []
    last = -1
    for age, count, only_some in zip(ages, counts, some, strict=True):
        if count != last and (not only_some or negative or _fast(looks)):
            at = born + timedelta(hours=float(age))
            looks.append(Look(at, int(0.8 * count), int(0.02 * count), int(0.04 * count)))
            last = count
    return tuple(looks)


def _fast(looks: list[Look]) -> bool:
    if len(looks) < 2:
        return False
    before, after = (sum(w * getattr(look, name) for name, w in takeoff.WEIGHTS.items()) for look in looks[-2:])
    over = max(QUARTER, looks[-1].at - looks[-2].at) / timedelta(hours=1)
    return bool((after - before) / over >= FAST)


def world(seed: int, rate: float, days: int, looks: str = "service", cascades: float = 3.0) -> World:
    rng = np.random.default_rng([seed, int(rate)])
    habits = np.random.default_rng([seed // 2, int(rate), 7])  # of the brand: those of the month before, too
    alpha, scale = habits.uniform(1.2, 1.8), np.exp(habits.normal(np.log(4), 0.8))
    n = rng.poisson(rate * 24 * days)
    at = np.sort(rng.random(n)) * days * 24
    negative = np.where(rng.random(n) < 0.15, rng.random(n) < 0.85, rng.random(n) < 0.04)
    total = np.minimum(scale * rng.random(n) ** (-1 / alpha), 1e6)
    tau = np.exp(rng.normal(np.log(4), 0.7, n))
    ages, some = _ages(rng, n, looks)
    active = _activity(at[:, None] + ages) - _activity(at)[:, None]
    counts = rng.poisson(total[:, None] * (1 - np.exp(-((np.maximum(active, 0) / tau[:, None]) ** 0.6))))
    viral = {int(i) for i in rng.choice(n, rng.poisson(days / cascades), replace=False)}
    made = []
    for i in range(n):
        begins, size = None, (0.0, 1.0)
        if i in viral:
            begins = rng.uniform(0, 2)
            size = (max(3000.0, scale * np.exp(rng.normal(np.log(3000), 0.8))), rng.uniform(0.33, 1.2))
            counts[i] += rng.poisson(cascade(ages[i], begins, size))
            negative[i] = rng.random() < 0.9
        born = START + timedelta(hours=float(at[i]))
        seen = _seen(born, ages[i], np.maximum.accumulate(counts[i]), some[i], bool(negative[i]))
        made.append(Made(Seen(i, i, "forum", born, None, seen), bool(negative[i]), begins, size))
    return World(made, rate)


def cascade(ages: np.ndarray, begins: float, size: tuple[float, float]) -> np.ndarray:
    """Reactions to a post in a supercritical cascade: logistic, from five on, up to ``size[0]``."""
    most, doubling = size
    grown = most / (1 + (most / 5 - 1) * np.exp(-np.log(2) / doubling * np.maximum(ages - begins, 0)))
    return np.where(ages > begins, grown, 0.0)


def _last(made: Made) -> float:
    """What its cascade had brought by the last look at a post."""
    age = (made.post.looks[-1].at - made.post.published) / timedelta(hours=1)
    return float(cascade(np.array([age]), made.begins or 0.0, made.reach)[0])


def usual(before: World, settings: Settings, days: int) -> Usual:
    samples: dict[tuple[str, int], list[float]] = {}
    for made in before.posts:
        for age, speed in takeoff.fastest(made.post, settings).items():
            samples.setdefault((takeoff.measure(made.post), age), []).append(speed)
    levels = {key: takeoff.fit(values, settings) for key, values in samples.items()}

    def known(what: str, age: int) -> tuple[Level, bool]:
        for younger in range(age, -1, -1):
            level = levels.get((what, younger))
            if level is not None and level.posts >= settings.fewest:
                return level, False
        return takeoff.prior(what, settings), True

    return Usual(known, sum(m.negative for m in before.posts) * 30 / days, None)


Rule = Callable[[Seen], datetime | None]


def ours(before: World, settings: Settings, days: int) -> Rule:
    level = usual(before, settings, days)
    last = START + timedelta(days=400)

    def rule(post: Seen) -> datetime | None:
        found = takeoff.find(post, level, START, last, None, settings)
        return None if found is None else found.at + QUARTER

    return rule


def naive(before: World, settings: Settings) -> Rule:
    counts: dict[int, list[float]] = {}
    for made in before.posts:
        for speed in takeoff.speeds(made.post, settings):
            counts.setdefault(takeoff.age(speed.age, settings), []).append(speed.count)
    limits = {age: np.mean(c) + 3 * np.std(c) for age, c in counts.items()}

    def rule(post: Seen) -> datetime | None:
        for speed in takeoff.speeds(post, settings):
            if speed.count > limits.get(takeoff.age(speed.age, settings), np.inf):
                return speed.at
        return None

    return rule


def spike_at(made: Made, after: World, rng: np.random.Generator, days: int) -> datetime:
    """When the spike detector would have told: the brand's usual voices and one in a hundred who reacted."""
    assert made.begins is not None
    detector = Detector(SpikeSettings(width=QUARTER, zone=ZoneInfo("UTC")))
    bins = 14 * 96
    hours = np.arange(bins + 192) / 4
    rate = after.rate / 4 * (1 + 0.7 * np.cos(2 * np.pi * (hours - 20) / 24))
    voices, other = rng.poisson(0.15 * rate), rng.poisson(0.85 * rate)
    grown = cascade(np.arange(193) / 4, made.begins, made.reach)
    voices[bins:] += rng.poisson(0.01 * np.diff(grown))
    for i in range(bins + 192):
        at = made.post.published + (i - bins) * QUARTER
        told = detector.step(Bin(at, int(voices[i]), int(other[i])))
        if told.alert is not None and i >= bins:
            return at + QUARTER
    return made.post.published + timedelta(hours=48)


def measure(
    rules: dict[str, Callable[[World], Rule]], seeds: range, days: int, looks: str
) -> dict[str, dict[str, object]]:
    worlds = [
        (world(2 * seed, rate, days, looks), world(2 * seed + 1, rate, days, looks)) for seed in seeds for rate in RATES
    ]
    rng = np.random.default_rng(1)
    spikes = {id(m): spike_at(m, after, rng, days) for _, after in worlds for m in after.posts if m.begins is not None}
    found = {}
    for name, make in rules.items():
        false = dict.fromkeys(RATES, 0)
        told, real, shown, lead = 0, 0, 0, []
        for before, after in worlds:
            rule = make(before)
            for made in after.posts:
                real += made.begins is not None
                shown += made.begins is not None and made.negative and _last(made) >= SHOWN
                at = rule(made.post) if made.negative else None
                if at is not None and made.begins is None:
                    false[after.rate] += 1
                elif at is not None:
                    told += 1
                    lead.append((spikes[id(made)] - at) / timedelta(hours=1))
        months = len(seeds) * days / 30
        found[name] = {
            "found": round(told / max(1, real), 2), "of": real, "shown": shown,
            "false_a_month": round(sum(false.values()) / months / len(RATES), 3),
            "false_by_rate": {rate: round(n / months, 2) for rate, n in false.items()},
            "hours_before_spike": round(float(np.median(lead)), 1) if lead else None,
        }  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=100, help="0 to 2 chose the numbers")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--looks", choices=("service", "few", "quarters"), default="service")
    options = parser.parse_args()
    plain, days = Settings(), options.days
    rules: dict[str, Callable[[World], Rule]] = {
        "naive: mean + 3 sd": lambda before: naive(before, plain),
        "as shipped": lambda before: ours(before, plain, days),
    }
    for gaining, often in ((1.5, 1.0), (1.5, 5.0), (1.5, 100.0), (0.0, 20.0)):
        some = replace(plain, gaining=gaining, often=often)
        rules[f"gaining {gaining:g}, often {often:g}"] = lambda before, s=some: ours(before, s, days)  # type: ignore[misc]
    for name, result in measure(
        rules, range(options.first, options.first + options.seeds), days, options.looks
    ).items():
        print(json.dumps({"rule": name, **result}))


if __name__ == "__main__":
    main()
