"""Copy groups and stories on reposts of real texts: ``python -m tests.bench.stories DIR [--seed N] [--texts N]``.

DIR holds labelled sets ``*.csv.gz`` (column ``text``), at any depth; no text of it is kept. Printed are JSON lines:
recall of pairs by set and by kind of change, precision on three families that look like copies, how equal the groups
are when the same posts arrive in another order, stories of invented news, and speed: of the stage beside datasketch,
which does only the proposing, and of the command. Both halves of a family were seen by who tuned, and all remarks of
its retellings are short: these are figures of tuning. The held-out ones are those of ``tests.bench.families``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from monitor.model import Post
from monitor.store import groups, open_store, posts, writing
from monitor.stories import copies
from monitor.stories.topics import terms
from monitor.text import bare, fold_text
from monitor.work.grouping import group_posts
from tests.bench.reposts import EDITS, news, pairs, praise, repost, templates

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
LEAST = 20
"""Folded letters of a text that is passed on: a part of a shorter one is soon shorter than the twelve of a copy."""

REPOSTS = 3

RUNS = 3
"""Of what is timed."""

Truth = Hashable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--texts", type=int, default=400, help="of each set")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    everything: list[tuple[Truth, str, tuple[str, ...]]] = []
    for file in sorted(options.folder.rglob("*.csv.gz")):
        told = passed_on(texts_of(file, options.texts, draw), file.stem, draw)
        measure_recall(file.name.partition(".")[0], told)
        everything += told
    draw.shuffle(everything)
    first = measure_recall("all, shuffled together", everything)
    measure_order(everything, first, draw)
    for half in (0, 1):
        measure_families(half, draw)
        measure_stories(half)
    measure_speed([text for _, text, _ in everything])


def texts_of(file: Path, number: int, draw: random.Random) -> list[str]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
        texts = dict.fromkeys(row["text"] for row in csv.DictReader(stream))
    long = [text for text in texts if len(bare(fold_text(text))) >= LEAST and len(text) <= 1000]
    return draw.sample(long, min(number, len(long)))


def passed_on(texts: Sequence[str], name: str, draw: random.Random) -> list[tuple[Truth, str, tuple[str, ...]]]:
    """(which text, as it is told, by which changes): each once as it is and some times passed on, in any order."""
    found: list[tuple[Truth, str, tuple[str, ...]]] = []
    for number, text in enumerate(texts):
        found.append(((name, number), text, ()))
        found += [((name, number), *repost(text, draw)) for _ in range(REPOSTS)]
    draw.shuffle(found)
    return found


def as_posts(texts: Iterable[str]) -> list[Post]:
    return [Post("weibo", str(n), text, published_at=NOW + timedelta(seconds=n)) for n, text in enumerate(texts)]


def grouped(texts: Iterable[str]) -> tuple[list[int], list[int]]:
    """Copy group and story of each text."""
    found = list(group_posts(as_posts(texts), NOW + timedelta(days=1)))
    return [group for group, _ in found], [story for _, story in found]


def shared_pairs(*labels: Sequence[Hashable]) -> int:
    return pairs(list(Counter(zip(*labels, strict=True)).values()))


def measure_recall(name: str, told: Sequence[tuple[Truth, str, tuple[str, ...]]]) -> list[int]:
    truth = [which for which, _, _ in told]
    found, _ = grouped(text for _, text, _ in told)
    both = shared_pairs(truth, found)
    most = {which: group for (which, group), _ in reversed(Counter(zip(truth, found, strict=True)).most_common())}
    kept: dict[str, list[bool]] = defaultdict(list)
    for (which, _, changes), group in zip(told, found, strict=True):
        for change in changes:
            kept[change].append(group == most[which])
    print(json.dumps({
        "reposts of": name, "posts": len(told), "recall": round(both / shared_pairs(truth), 4),
        "precision": round(both / max(1, shared_pairs(found)), 4),
        "kept by change": {e: round(sum(kept[e]) / len(kept[e]), 3) for e in EDITS if kept[e]},
    }), flush=True)  # fmt: skip
    return found


def measure_order(
    told: Sequence[tuple[Truth, str, tuple[str, ...]]], first: Sequence[int], draw: random.Random
) -> None:
    order = list(range(len(told)))
    draw.shuffle(order)
    shuffled, _ = grouped(told[at][1] for at in order)
    second = dict(zip(order, shuffled, strict=True))
    again = [second[at] for at in range(len(told))]
    both = shared_pairs(first, again)
    either = shared_pairs(first) + shared_pairs(again) - both
    print(json.dumps({"shuffled arrival": len(told), "pairs equal": round(both / either, 4)}), flush=True)


def measure_families(half: int, draw: random.Random) -> None:
    """Of the pairs put into one group, how many are copies. Each text but praise is also passed on."""
    for name, items in {
        "one template, another brand": templates(half),
        "one event, another outlet": list(enumerate(text for _, text in news(half))),
        "stock phrases and short praise": [(text, text) for text in praise(half)],
    }.items():  # fmt: skip
        told: list[tuple[Truth, str]] = list(items)
        if not name.startswith("stock"):
            told += [(which, changed(text, draw)) for which, text in items for _ in range(2)]
        draw.shuffle(told)
        truth = [which for which, _ in told]
        found, _ = grouped(text for _, text in told)
        both = shared_pairs(truth, found)
        wrong = shared_pairs(found) - both
        print(json.dumps({
            "family": name, "half": half, "posts": len(told), "copies": shared_pairs(truth), "wrong pairs": wrong,
            "precision": round(both / (both + wrong), 4) if both else None, "of all pairs": pairs([len(told)]),
            "recall": round(both / shared_pairs(truth), 4) if shared_pairs(truth) else None,
        }), flush=True)  # fmt: skip


def changed(text: str, draw: random.Random) -> str:
    """Passed on without what could take the brand out of it."""
    for name in draw.sample(["script", "emoji", "hashtags", "quote", "caption", "link", "marks", "tail"], 2):
        text = EDITS[name](text, draw)
    return text


def measure_stories(half: int) -> None:
    told = news(half)
    random.Random(half).shuffle(told)
    texts, stories = grouped(text for _, text in told)
    truth = [event for event, _ in told]
    both = shared_pairs(truth, stories)
    print(json.dumps({
        "stories of news, half": half, "tellings": len(told), "events": len(set(truth)), "groups": len(set(texts)),
        "stories": len(set(stories)), "recall": round(both / shared_pairs(truth), 3),
        "precision": round(both / max(1, shared_pairs(stories)), 3),
    }), flush=True)  # fmt: skip


def measure_speed(texts: Sequence[str]) -> None:
    """Seconds of CPU, the best of some runs, for what else the machine does slows each one down by chance."""
    ours = len(texts) / min(_seconds_of_stage(texts) for _ in range(RUNS))
    some = texts[: max(500, len(texts) // 5)]
    theirs = len(some) / min(_seconds_of_datasketch(some) for _ in range(RUNS))
    command = min(_seconds_of_command(texts) for _ in range(RUNS))
    start = min(_seconds_of_command(texts[:2]) for _ in range(RUNS))
    print(json.dumps({
        "posts": len(texts), "posts a second, judged, tied to stories and stored": round(ours),
        "datasketch MinHash LSH, proposing in memory": round(theirs), "times": round(ours / theirs, 2),
        "posts a second through the command": round(len(texts) / command),
        "without its start": round(len(texts) / (command - start)), "seconds of its start": round(start, 2),
    }), flush=True)  # fmt: skip


def _seconds_of_stage(texts: Sequence[str]) -> float:
    """The stage alone, on texts that it has not seen: posts are stored, and their groups, stories, marks and terms
    are."""
    for cached in (copies.cores, copies.weight, terms):
        cached.cache_clear()
    with tempfile.TemporaryDirectory() as folder, closing(open_store(Path(folder) / "bench.db").conn) as connection:
        db = Database(connection)
        with writing(db):
            posts.add(db, as_posts(texts), posts.Arrival("bench", NOW, timedelta(hours=2)), lambda _, author: author)
            stored = posts.take(db, "match", len(texts))
        start = time.process_time()
        for at in range(0, len(stored), posts.BATCH):
            with writing(db):
                groups.assign(db, {post.id: posts.keys_of(post) for post in stored[at : at + posts.BATCH]}, NOW)
        return time.process_time() - start


def _seconds_of_datasketch(texts: Sequence[str]) -> float:
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped]

    start = time.process_time()
    index = MinHashLSH(threshold=0.5, num_perm=64)
    for number, text in enumerate(texts):
        core = bare(fold_text(text))
        signature = MinHash(num_perm=64)
        signature.update_batch([core[at : at + 3].encode() for at in range(max(1, len(core) - 2))])
        index.query(signature)
        index.insert(number, signature)
    return time.process_time() - start


def _seconds_of_command(texts: Sequence[str]) -> float:
    """``qianli stories`` of a file, from the start of the process to its end: reading and writing are in it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "posts.jsonl"
        rows = [{"id": p.native_id, "text": p.text, "published_at": str(p.published_at)} for p in as_posts(texts)]
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "monitor", "stories", str(file)], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
