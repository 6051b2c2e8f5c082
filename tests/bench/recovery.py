"""How often a text that is taken to say so does say that a complaint was made good.

    python -m tests.bench.recovery DIR

DIR holds ``sentiment/*.csv.gz`` (``text,label``) and ``posts/*.jsonl.gz`` (``text``, ``thread``, ``author``,
``published_at``). ``labels/recovery.csv`` says by a text's hash whether its author tells that something which went
wrong for him as a customer was made good (one reader; no text is kept). ``drawn``: ``read``, hits of texts whose hash
begins with an even byte, by which the lexicon was mended; ``kept``, hits of the others, of the lexicon before and after
that, the faults of which were mended then; ``later``, hits that came by that; ``candidate``, texts of shops' customers
that speak of a refund, an exchange or a solution beside one who might have given it, and were no hit.

Prints what is found in each set; of the labelled hits how many are right, in reviews of shops and elsewhere; of those
that a reader called made good how many are found; and the threads: authors who complain and write again in the same
thread, and which of their later words are taken for a recovery.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from monitor.complaints import says_recovered
from monitor.model import Feeling
from monitor.signals import find
from tests.bench.signals import text_hash, wilson

LABELS = Path(__file__).parent / "labels" / "recovery.csv"
SHOPS = ("shopping", "waimai")
COMPLAINS = (Feeling.COMPLAINT, Feeling.LEAVING, Feeling.TELLING)


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """(set, text), each text once."""
    seen: set[str] = set()
    for path in sorted((folder / "sentiment").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["text"] not in seen:
                    seen.add(row["text"])
                    yield path.name.partition(".")[0], row["text"]
    for post in posts(folder):
        if post["text"] not in seen:
            seen.add(post["text"])
            yield "posts", post["text"]


def posts(folder: Path) -> Iterator[dict[str, str]]:
    for path in sorted((folder / "posts").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            yield from map(json.loads, stream)


def held(folder: Path) -> None:
    with LABELS.open(encoding="utf-8", newline="") as stream:
        labels = {row["hash"]: (row["made_good"] == "1", row["drawn"]) for row in csv.DictReader(stream)}
    found: Counter[str] = Counter()
    right: dict[str, list[bool]] = defaultdict(list)
    good: dict[str, list[bool]] = defaultdict(list)
    for name, text in texts(folder):
        hit = says_recovered(text)
        found[name] += hit
        made_good, drawn = labels.get(text_hash(text), (None, ""))
        where = "reviews of shops" if name in SHOPS else "elsewhere"
        if hit:
            right[where if made_good is not None else "not labelled"].append(bool(made_good))
        if made_good:
            good["candidates" if drawn == "candidate" else "hits of any version"].append(hit)
    print("hits: " + ", ".join(f"{name} {n}" for name, n in found.items()))
    for where, said in sorted(right.items()):
        low, high = wilson(sum(said), len(said))
        share = "" if where == "not labelled" else f", {sum(said)} right ({low:.2f} to {high:.2f})"
        print(f"{where}: {len(said)} hits{share}")
    for where, hits in sorted(good.items()):
        print(f"made good, of {where}: {sum(hits)} of {len(hits)} found")


def threads(folder: Path) -> None:
    of: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for post in posts(folder):
        of[post["thread"], post["author"]].append(post)
    again = [sorted(said, key=lambda p: p["published_at"]) for said in of.values() if len(said) > 1]
    later = [said[n + 1 :] for said in again if (n := _complains_at(said)) is not None]
    spoke = [says_recovered(post["text"]) for said in later for post in said]
    of_any = [says_recovered(post["text"]) for said in again for post in said[1:]]
    print(f"authors who write again in a thread: {len(again)}, {len(of_any)} later posts, {sum(of_any)} recoveries")
    print(f"of these had complained: {len(later)}, {len(spoke)} later posts, {sum(spoke)} recoveries")


def _complains_at(said: list[dict[str, str]]) -> int | None:
    return next((n for n, post in enumerate(said) if any(s.kind in COMPLAINS for s in find(post["text"]))), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    folder = parser.parse_args().folder
    held(folder)
    threads(folder)


if __name__ == "__main__":
    main()
