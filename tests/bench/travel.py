"""How often the travel index's interval holds the truth, on brands whose negative stories travel a known factor.

    python -m tests.bench.travel [--runs 1000] [--first 0] [--only NAME] [--ratios 1 1.5 2 3]

Each brand-period is drawn anew. A story's intensity is a platform's times (followers / 1000) ** .5 times an hour's
times its event's times a heavy tail of its own; copies, reposts, comments and platforms are Poisson (platforms:
saturating) around it, most of them 0. Sign and spread are independent, all else equal, and negative intensities are the
ratio's multiple. What is different between the signs is what the setup's name says. Prints a JSON object a setup and
ratio: the share of runs whose 95 % interval holds the ratio, of runs whose interval lies wholly above or below 1, the
median ratio, the median of high / low, of runs that were judged at all, and for the null how often a naive rule holds
1: a bootstrap of the ratio of mean reposts, uncontrolled, at the last look.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from sqlite_utils import Database

from monitor import travel
from monitor.model import StoryTravel, utc_text

START = datetime(2026, 1, 5, tzinfo=UTC)
PLATFORMS = ("weibo", "ptt", "bilibili", "plurk")
BASE = np.array([0.5, 0.15, 1.0, 0.05])


@dataclass(frozen=True)
class Setup:
    """A brand-period. ``tail``: the Pareto exponent of a story's own factor; 0: lognormal, sigma 1.5."""

    name: str
    negatives: int = 120
    positives: int = 160
    days: int = 28
    tail: float = 1.3
    negative_platforms: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25)
    positive_platforms: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25)
    negative_reach: float = 3.0
    positive_reach: float = 3.0
    negative_hour: float = 12.0
    positive_hour: float = 12.0
    events: float = 0.0
    event_spread: float = 1.0
    negative_looked: float = 0.25
    positive_looked: float = 0.25
    negative_later: float = 0.2
    positive_later: float = 0.2
    confused: float = 0.0
    quiet: float = 1.0
    unknown: float = 0.3
    authors: float = 0.0


SETUPS = (
    Setup("heavy tail"),
    Setup("heavier tail", tail=1.05),
    Setup("lognormal", tail=0),
    Setup("mostly nothing", quiet=0.15),
    Setup("platforms", negative_platforms=(0.6, 0.25, 0.1, 0.05), positive_platforms=(0.1, 0.1, 0.5, 0.3)),
    Setup("followers", negative_reach=3.7, positive_reach=2.7),
    Setup("followers, many stories", 900, 1200, 90, negative_reach=3.7, positive_reach=2.7),
    Setup("hours", negative_hour=18, positive_hour=12),
    Setup("looked at more often", negative_looked=0.5, negative_later=0.36, positive_later=0),
    Setup("classifier errors", confused=0.25),
    Setup("few", 40, 50),
    Setup("unequal", 40, 400),
    Setup("many", 1500, 2000, 90),
    Setup("events", events=0.5),
    Setup("events, 90 days", 300, 400, 90, events=0.5),
    Setup("authors", authors=0.5),
    Setup("all of it", 250, 300, 90, 1.2, (0.6, 0.25, 0.1, 0.05), (0.1, 0.1, 0.5, 0.3), 3.5, 2.8, 20, 12, 0.4,
          negative_looked=0.5, negative_later=0.36, positive_later=0, confused=0.15),
)  # fmt: skip


def brand(rng: np.random.Generator, setup: Setup, ratio: float) -> list[tuple[StoryTravel, int]]:
    """The stories as the store would read them, each with the reposts seen at its last look, whenever that was."""
    count = setup.negatives + setup.positives
    true = np.arange(count) < setup.negatives
    sign = np.where(rng.random(count) < setup.confused, ~true, true)
    platform = np.where(
        true, rng.choice(4, count, p=setup.negative_platforms), rng.choice(4, count, p=setup.positive_platforms)
    )
    reach = rng.normal(np.where(true, setup.negative_reach, setup.positive_reach), 0.8)
    followers = np.round(10**reach).astype(int)
    own = rng.normal(0, 1.5, count) if not setup.tail else rng.pareto(setup.tail, count) + 0.2
    own = np.exp(own) if not setup.tail else own
    at, happening = _times(rng, setup, true)
    author, habit = _authors(rng, setup, true)
    hour = 1 + 0.8 * np.cos(2 * np.pi * ((at % 24) - 13) / 24)
    intensity = setup.quiet * BASE[platform] * np.sqrt(followers / 1000) * hour * happening * habit * own
    intensity *= np.where(true, ratio, 1.0)
    unknown = rng.random(count) < setup.unknown
    looked = rng.random(count) < np.where(sign, setup.negative_looked, setup.positive_looked)
    day = 1 - np.exp(-1.0)  # of what comes in all, by the age of 24 hours
    reposts = rng.poisson(day * np.minimum(1e6, intensity))
    last = reposts + rng.poisson(
        np.where(sign, setup.negative_later, setup.positive_later) * np.minimum(1e6, intensity)
    )
    comments = rng.poisson(2 * day * np.minimum(1e6, intensity))
    copies = rng.poisson(0.5 * np.minimum(1e5, intensity))
    platforms = rng.binomial(3, 1 - np.exp(-0.05 * intensity))
    doubling = np.exp(rng.normal(1, 1, count))
    return [
        (StoryTravel(
            i, bool(sign[i]), START + timedelta(hours=float(at[i])), PLATFORMS[platform[i]],
            None if unknown[i] else int(followers[i]), f"a{author[i]}", int(copies[i]), int(platforms[i]),
            int(reposts[i]) if looked[i] else None, int(comments[i]) if looked[i] else None,
            float(doubling[i]) if copies[i] >= 3 else None,
        ), int(last[i]))
        for i in range(count)
    ]  # fmt: skip


def _times(rng: np.random.Generator, setup: Setup, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """When each story began, hours from the start, and the factor that its event gives it: an event brings several
    stories of one sign within hours, all of which go far or none."""
    hours = np.where(true, setup.negative_hour, setup.positive_hour)
    at = rng.integers(0, setup.days, len(true)) * 24 + (rng.normal(hours, 3)) % 24
    factor = np.ones(len(true))
    for side in (True, False):
        mine = np.flatnonzero(true == side)
        share = mine[rng.random(len(mine)) < setup.events]
        for some in np.array_split(share, max(1, len(share) // 6)):
            if len(some):
                at[some] = rng.uniform(0, setup.days * 24 - 8) + rng.uniform(0, 8, len(some))
                factor[some] = np.exp(rng.normal(0, setup.event_spread))
    return at, factor


def _authors(rng: np.random.Generator, setup: Setup, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Who wrote each: some write six on different days, and whatever they write goes far, or nothing does."""
    author, factor = np.arange(len(true)), np.ones(len(true))
    for side in (True, False):
        mine = np.flatnonzero(true == side)
        share = mine[rng.random(len(mine)) < setup.authors]
        for some in np.array_split(share, max(1, len(share) // 6)):
            if len(some):
                author[some] = some[0]
                factor[some] = np.exp(rng.normal(0, 1))
    return author, factor


def store(db: Database, brand_id: int, setup: Setup, ratio: float, seed: int, start: datetime) -> None:
    """The same stories as rows of a database, as collecting and looking again would have left them: one of four drawn
    for a look at the age that counts, every negative one looked at then and later besides."""
    rng = np.random.default_rng(seed)
    made = brand(rng, replace(setup, negative_looked=1.0, positive_looked=1.0), ratio)
    post = 0
    for number, (story, last) in enumerate(made, 1):
        seen = start + (story.first_seen - START)
        db.execute("INSERT INTO stories (id) VALUES (?)", [number])
        db.execute("INSERT INTO groups (id, story) VALUES (?, ?)", [number, number])
        first = post + 1
        for copy in range(min(story.copies, 200) + 1):
            post += 1
            at = utc_text(seen + timedelta(hours=40) * (copy / (story.copies + 1)))
            platform = f"other{copy}" if 0 < copy <= story.platforms else story.platform
            db.execute(
                """INSERT INTO posts (id, platform, native_id, url, kind, text, author_key, followers, counted_at,
                       arrived_at, assumed, live, parent, root, page) VALUES (?, ?, ?, '', 'post', '', ?, ?, ?, ?, 0, 1,
                       '', '', '')""",
                [post, platform, str(post), f"{story.author}-{copy}", story.followers, at, at],
            )
            db.execute(
                "INSERT INTO mentions (post, brand, via, term, counted_at, label) VALUES (?, ?, 'term', '', ?, ?)",
                [post, brand_id, at, "negative" if story.negative else "positive"],
            )
            db.execute("INSERT INTO group_members VALUES (?, ?)", [post, number])
        drawn = number % 4 == 0
        look = seen + timedelta(hours=24, minutes=10)
        if drawn or story.negative:
            db.execute(
                "INSERT INTO engagement VALUES (?, ?, NULL, ?, ?)",
                [first, utc_text(look), story.reposts, story.comments],
            )
        if drawn:
            db.execute("INSERT INTO travel_looks VALUES (?, ?)", [first, utc_text(look)])
        if story.negative and last != story.reposts:
            later = utc_text(seen + timedelta(days=5))
            db.execute("INSERT INTO engagement VALUES (?, ?, NULL, ?, ?)", [first, later, last, story.comments])


@dataclass
class Tally:
    judged: int = 0
    holds: int = 0
    above: int = 0
    below: int = 0
    ratios: list[float] | None = None
    widths: list[float] | None = None
    naive: int = 0


def tally(setup: Setup, ratio: float, seeds: Sequence[int], *, naive: bool = False) -> Tally:
    found = Tally(ratios=[], widths=[])
    assert found.ratios is not None
    assert found.widths is not None
    for seed in seeds:
        rng = np.random.default_rng([seed, sum(map(ord, setup.name)), round(100 * ratio)])
        made = list(brand(rng, setup, ratio))
        index = travel.index("x", date(2026, 4, 5), setup.days, [s for s, _ in made], seed=seed)
        if naive:
            found.naive += _naive_holds(rng, made)
        if index.ratio is None or index.low is None:
            continue
        high = np.inf if index.high is None else index.high
        found.judged += 1
        found.holds += index.low <= ratio <= high
        found.above += index.low > 1
        found.below += high < 1
        found.ratios.append(index.ratio)
        found.widths.append(high / index.low if index.low else np.inf)
    return found


def _naive_holds(rng: np.random.Generator, made: Sequence[tuple[StoryTravel, int]]) -> bool:
    sides = [np.array([seen for s, seen in made if s.negative is side]) for side in (True, False)]
    means = [rng.choice(side, (199, len(side))).mean(axis=1) for side in sides]
    low, high = np.quantile(means[0] / np.maximum(1e-9, means[1]), (0.025, 0.975))
    return bool(low <= 1 <= high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--ratios", type=float, nargs="+", default=[1.0])
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.runs)
    for setup in SETUPS:
        if options.only not in setup.name:
            continue
        for ratio in options.ratios:
            # Confused signs mix what is compared: the truth to hold is known for the null alone.
            found = tally(replace(setup, confused=setup.confused if ratio == 1 else 0.0), ratio, seeds,
                          naive=ratio == 1)  # fmt: skip
            n = max(1, found.judged)
            print(json.dumps({
                "setup": setup.name, "ratio": ratio, "holds": round(found.holds / n, 4),
                "farther": round(found.above / n, 3), "less far": round(found.below / n, 3),
                "median": round(float(np.median(found.ratios or [np.nan])), 2),
                "high/low": round(float(np.median(found.widths or [np.nan])), 2),
                "judged": round(found.judged / len(seeds), 3),
                **({"naive holds": round(found.naive / len(seeds), 3)} if ratio == 1 else {}),
            }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
