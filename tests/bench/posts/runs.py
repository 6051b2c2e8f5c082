"""What is run: worlds of three sizes, both ways."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from monitor.model import utc_text
from tests.bench.posts.again import keep_truth
from tests.bench.posts.happenings import Incident
from tests.bench.posts.judge import Judged
from tests.bench.posts.play import Played, play
from tests.bench.posts.rates import BIN
from tests.bench.posts.texts import Texts
from tests.bench.posts.world import World, make

SHIPPED, TRUE = "shipped scorer", "true labels"


@dataclass(frozen=True)
class Plan:
    """One world: its first day, its length, and its brands' posts an hour."""

    first: date
    days: int
    rates: tuple[float, ...]


PLANS = (
    Plan(date(2026, 1, 19), 42, (2.0, 2.0, 20.0, 20.0)),
    Plan(date(2026, 10, 12), 42, (2.0, 2.0, 20.0, 20.0)),
    Plan(date(2026, 1, 19), 42, (200.0,)),
    Plan(date(2026, 10, 12), 42, (200.0,)),
)
QUICK = (Plan(date(2026, 10, 26), 21, (2.0, 20.0)),)


def plans(args: argparse.Namespace) -> list[Plan]:
    if args.quick:
        return list(QUICK)
    large = [plan for plan in PLANS if max(plan.rates) >= 100]
    return large if args.large else [p for p in PLANS if p not in large] if args.small else list(PLANS)


def one_way(way: str, args: argparse.Namespace) -> Judged:
    texts, judged = Texts.read(args.texts) if args.texts else None, Judged()
    for seed in args.seed:
        for plan in plans(args):
            world = make(seed, plan.first, plan.days, plan.rates, texts)
            name = f"{way.split()[0]}-{seed}-{plan.first}-{max(plan.rates):g}"
            keep = args.keep / name if args.keep else None
            judged.add(
                world,
                through(
                    world, keep, labelled=way == TRUE, every=timedelta(minutes=args.every), watched=not args.unwatched
                ),
            )
    return judged


def through(
    world: World, keep: Path | None = None, *, labelled: bool, every: timedelta = BIN, watched: bool = True
) -> Played:
    """Play a world in a folder of its own, which is removed, or in ``keep``, where the truth is then written beside."""
    if keep is not None:
        keep.mkdir(parents=True)
        keep_truth(world, keep)
        (keep / "incidents.jsonl").write_text("".join(map(_line, world.incidents)), "utf-8")
    folder = keep or Path(tempfile.mkdtemp(prefix="qianli-posts-"))
    try:
        return play(
            folder, [b.name for b in world.brands], [(m.shown_at, m.post) for m in world.posts], world.start, world.end,
            outages=world.outages, truth={(m.post.platform, m.post.native_id): m.label for m in world.posts},
            labelled=labelled, every=every, watched=watched,
        )  # fmt: skip
    finally:
        if keep is None:
            shutil.rmtree(folder)


def _line(incident: Incident) -> str:
    return json.dumps({
        "brand": incident.brand, "rate": incident.rate, "kind": incident.kind, "form": incident.form,
        "places": incident.places, "first": utc_text(incident.first), "end": utc_text(incident.end),
        "posts": len(incident.times),
    }, ensure_ascii=False) + "\n"  # fmt: skip
