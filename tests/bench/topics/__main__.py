"""How many tellings of one event stand in one story: ``python -m tests.bench.topics DIR [--seeds 21 22] [--curve]``.

The events are those of ``events.py``, which the tie was tuned on, and the tuned ones of ``tests.bench.reposts``; DIR
holds labelled sets ``*.csv.gz`` (column ``text``) of real posts to stand among, of which none is kept. Figures of
texts that nobody tuned to are those of ``tests.bench.families`` (``news``, ``template``, ``praise``).

- *alone*: the events over twenty days, the tellings of one within a day.
- *among posts*: the same among 1,900 real posts and 600 filled templates that name the same brands.
- *crowded*: those and the tuned ones of ``tests.bench.reposts`` all within two days.
- *one brand*: for each brand its events in three days, among 150 real posts each of which begins with its name.

Recall and precision are of pairs; wrong is a pair of two events, or of a telling and another post. What of the other
posts stands in one story is not judged, but how many of them stand with another is told. ``--curve`` goes through the
evidence that is asked for.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.model import Post
from monitor.stories import topics
from monitor.work.grouping import group_posts
from tests.bench import reposts
from tests.bench.topics.events import EVENTS

START = datetime(2026, 9, 1, tzinfo=UTC)
LEAST = 14
"""Characters of a real post."""


@dataclass(frozen=True)
class Told:
    """A text and the event it tells of; "" where it tells of none."""

    at: datetime
    text: str
    event: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[21, 22])
    parser.add_argument("--curve", action="store_true")
    options = parser.parse_args()
    shipped = topics.LEAST_EVIDENCE
    for least in [shipped + step for step in (-6, -4, -2, -1, 0, 1, 2, 4)] if options.curve else [shipped]:
        topics.LEAST_EVIDENCE = least
        for seed in options.seeds:
            found = {name: measure(worlds) for name, worlds in all_worlds(options.folder, seed).items()}
            print(json.dumps({"evidence": least, "seed": seed, **found}), flush=True)


def all_worlds(folder: Path, seed: int) -> dict[str, list[list[Told]]]:
    rng = random.Random(seed)
    events = {f"e{n}": tellings for n, (_, tellings) in enumerate(EVENTS)}
    tuned = {f"t{half}.{n}": told for half in (0, 1) for n, told in enumerate(reposts.EVENTS[half])}
    real = [text for name in ("weibo8mix", "ptt_board", "shopping") for text in texts_of(folder, name, 800, rng)]
    others = rng.sample(real, 1_900) + [template.format(b=brand) for brand, template in named(rng, 600)]
    return {
        "alone": [spread(events, 20, rng)],
        "among posts": [spread(events, 20, rng) + [Told(some_time(20, rng), text) for text in others]],
        "crowded": [spread(events | tuned, 2, rng)],
        "one brand": list(brand_by_brand(events, real, rng)),
    }


def texts_of(folder: Path, name: str, number: int, rng: random.Random) -> list[str]:
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        texts = dict.fromkeys(row["text"] for row in csv.DictReader(stream))
    return rng.sample([text for text in texts if len(text) >= LEAST], number)


def named(rng: random.Random, number: int) -> Iterator[tuple[str, str]]:
    brands = sorted({brand for brand, _ in EVENTS})
    for _ in range(number):
        yield rng.choice(brands), rng.choice([template for half in reposts.TEMPLATES for template in half])


def some_time(days: float, rng: random.Random) -> datetime:
    return START + timedelta(days=rng.uniform(0, days))


def spread(events: dict[str, Sequence[str]], days: float, rng: random.Random) -> list[Told]:
    found = []
    for event, tellings in events.items():
        day = some_time(days, rng)
        found += [Told(day + timedelta(hours=rng.uniform(0, 24)), text, event) for text in tellings]
    return found


def brand_by_brand(events: dict[str, Sequence[str]], real: Sequence[str], rng: random.Random) -> Iterator[list[Told]]:
    of_brand = defaultdict(dict)
    for (event, tellings), (brand, _) in zip(events.items(), EVENTS, strict=True):
        of_brand[brand][event] = tellings
    for brand, told in of_brand.items():
        others = [Told(some_time(3, rng), f"{brand}，{text}") for text in rng.sample(real, 150)]
        yield spread(told, 3, rng) + others


def measure(worlds: Iterable[Sequence[Told]]) -> dict[str, object]:
    right = wrong = true = tied = others = 0
    for told in worlds:
        told = sorted(told, key=lambda one: one.at)
        events = Counter(one.event for one in told if one.event)
        true += reposts.pairs(list(events.values()))
        others += len(told) - events.total()
        for members in stories(told).values():
            inside = Counter(one.event for one in members if one.event)
            other = len(members) - inside.total()
            right += (same := reposts.pairs(list(inside.values())))
            wrong += reposts.pairs([inside.total()]) - same + inside.total() * other
            tied += other if len(members) > 1 else 0
    return {
        "recall": round(right / true, 3), "precision": round(right / max(1, right + wrong), 3), "wrong": wrong,
        "other posts tied": f"{tied} of {others}",
    }  # fmt: skip


def stories(told: Sequence[Told]) -> dict[int, list[Told]]:
    posts = [Post("weibo", str(n), one.text, published_at=one.at) for n, one in enumerate(told)]
    found = defaultdict(list)
    for one, (_, story) in zip(told, group_posts(posts, START + timedelta(days=25)), strict=True):
        found[story].append(one)
    return found


if __name__ == "__main__":
    main()
