"""Posts, not only counts, through the whole pipeline: ``python -m tests.bench.posts [--seed N ...] [--texts DIR]``

What is simulated
    Brands of 2, 20 and 200 posts an hour on five platforms that show posts at once, within minutes, an hour late and
    two days late, and cannot be asked now and then (some posts surface later still). Season, noise, drift, promos,
    holidays by date (Lunar New Year, 雙11), old jokes that are passed on, and incidents: viral, slow, mid and small; as
    posts, as a thread, as reposts with a comment, as one text passed on; on one platform or several. Texts are invented
    (``phrases.toml``) in both scripts; with ``--texts DIR`` most are drawn from labelled CSV files instead.

What is run
    The real app on a SQLite file: collect, match, score, group, count, watch, a round every 15 simulated minutes. Once
    with the shipped scorer, and once more where a person has labelled each post with the truth.

What is printed
    A table and one JSON object for each way. An alert, a mail that was owed, counts for an incident from its first post
    to 12 hours after its end; found means before the end; every other alert is false.

By default eight brands of 2 and 20 posts an hour and two of 200, half of them over Lunar New Year and half over 雙11,
each over 42 days: 500,000 posts, 14 brand-months, some half an hour of CPU for each way (``--small``: a quarter of it).
As a brand of 200 posts an hour costs as much as ten others, there are few of them: ``found_mean_of_sizes`` counts each
size alike, as a simulator of counts with as many brands of each does. ``texts`` only measures
the scorer on the invented texts, ``cases`` plays the two named cases (``cases.py``).

Two thirds of the time is the watch, which steps every detector some thirty bins a round for the posts that come late, a
quarter the grouping. To learn what a change of detection does, play once with ``--keep DIR --unwatched``, then
``--again DIR/*``: some twenty seconds of CPU for each world (``again.py``).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.posts.again import again
from tests.bench.posts.judge import Judged, scorer
from tests.bench.posts.runs import PLANS, SHIPPED, TRUE, one_way
from tests.bench.posts.world import make


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("run", "texts", "cases"), default="run")
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--texts", type=Path, metavar="DIR", help="labelled CSV files to draw most texts from")
    parser.add_argument("--quick", action="store_true", help="two brands over three weeks")
    parser.add_argument("--large", action="store_true", help="only the brands of 200 posts an hour")
    parser.add_argument("--small", action="store_true", help="only the others")
    parser.add_argument("--every", type=int, default=15, metavar="MIN", help="simulated minutes between rounds")
    parser.add_argument("--only", choices=(SHIPPED.split()[0], TRUE.split()[0]), help="only one of the two ways")
    parser.add_argument("--one", action="store_true", help="both ways in one process, one after the other")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep each world's database and its incidents there")
    parser.add_argument("--list", action="store_true", help="name what was missed and what was false")
    parser.add_argument("--unwatched", action="store_true", help="with --keep: only collect and score, for --again")
    parser.add_argument("--again", type=Path, nargs="+", metavar="DIR", help="detect anew in databases that were kept")
    parser.add_argument(
        "--thresholds", type=float, nargs="+", metavar="Z", help="with --again: instead of the shipped one"
    )
    args = parser.parse_args(words)
    if args.what == "texts":
        return _texts()
    if args.what == "cases":
        return _cases()
    begun = time.monotonic()
    if args.again:
        ways = {f"Z {z:g}": again(args.again, z) for z in args.thresholds or ()} or {"again": again(args.again)}
        return _told(ways, args, begun)
    ways = [way for way in (SHIPPED, TRUE) if args.only in (None, way.split()[0])]
    if args.one or len(ways) == 1:
        judged = [one_way(way, args) for way in ways]
    else:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            judged = pool.starmap(one_way, [(way, args) for way in ways])
    return _told(dict(zip(ways, judged, strict=True)), args, begun)


def _told(judged: Mapping[str, Judged], args: argparse.Namespace, begun: float) -> int:
    for way, of in judged.items():
        print(
            json.dumps({"labels": way, "seeds": args.seed, "round_min": args.every, **of.figures()}, ensure_ascii=False)
        )
        if args.list:
            print("\n".join([*(f"  missed {m}" for m in of.missed), *(f"  false {w}" for w in of.wrong)]))
    print(table({way: of.figures() for way, of in judged.items()}))
    print(f"{time.monotonic() - begun:.0f} s")
    return 0


_GROUPS = (
    "by_kind", "by_size", "by_form", "by_reach", "false_by_size", "false_where", "mails_per_incident", "scorer",
)  # fmt: skip


def table(ways: dict[str, dict[str, Any]]) -> str:
    """The figures of all ways beside each other."""
    lines = [f"{'':34}" + "".join(f"{way:>18}" for way in ways)]

    def row(name: str, values: Sequence[object]) -> None:
        lines.append(f"{name:34}" + "".join(f"{v!s:>18}" for v in values))

    for name in (
        "found",
        "found_mean_of_sizes",
        "false_per_brand_month",
        "median_delay_min",
        "median_posts_until_alert",
    ):
        row(name, [f[name] for f in ways.values()])
    for group in _GROUPS:
        for key in dict.fromkeys(key for f in ways.values() for key in f[group] or {}):
            row(f"{group} {key}", [(f[group] or {}).get(key, 0) for f in ways.values()])
    return "\n".join(lines)


def _texts() -> int:
    """The scorer on the posts of one world, without the pipeline."""
    from monitor.sentiment import Scorer

    world = make(1, PLANS[0].first, PLANS[0].days, PLANS[0].rates)
    labels = [s.label.value for s in Scorer().score_many([m.post.text for m in world.posts])]
    for cause in dict.fromkeys(m.cause.split()[0] for m in world.posts):
        of = Counter((m.label, x) for m, x in zip(world.posts, labels, strict=True) if m.cause.startswith(cause))
        print(json.dumps({"cause": cause, "posts": of.total(), **scorer(of)}))
    return 0


def _cases() -> int:
    from tests.bench.posts.cases import CASES

    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps({"case": name, **case(Path(folder)).told()}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
