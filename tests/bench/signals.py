"""How often a signal is one, how many are found, and what finding them costs.

    python -m tests.bench.signals DIR [draw OUT | recall OUT | counts | speed]

DIR holds ``sentiment/*.csv.gz`` (``text,label``) and ``posts/*.jsonl.gz`` (``text``). The lexicon was written after
reading hits in the texts whose hash begins with an even byte; everything here is of the others, "kept back". Texts
that are the same count once. A kind is a theme of complaint, or another kind of signal as a whole.

``draw`` writes at random up to ``--most`` hits of each kind, one a text, shuffled, for two people to label apart from
each other; ``recall`` writes 600 texts drawn at random. Labels are kept in ``labels/signals.csv`` (1: the span is such
a signal, by each of two passes) and ``labels/signals_recall.csv`` (the kinds that a reader found in each text), by the
text's hash; no text is kept. Without a command: precision of each kind with Wilson's 95 % interval, over the hits of
which both passes agree or, where only one is there, by that one; Cohen's kappa of the passes; recall over the 600.
A labelled hit that the lexicon no longer finds is counted apart. The hits of ``signals.csv`` were drawn with the seeds
20261123 to 20261128 from what was found on 2026-11-22: a kind below .85 was mended and drawn anew, ``--without`` what
had been read where that left 60. ``speed``: CPU beside SnowNLP's on the same texts.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from monitor.model import Feeling, Signal
from monitor.signals import find

LABELS = Path(__file__).parent / "labels"
SETS = ("waimai", "shopping", "weibo8mix", "ptt_board")
ENOUGH = 60
SEED = 20261122

Hit = tuple[str, Signal]
"""A text and one of its signals."""


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """(the set's name, a text kept back), each text once."""
    seen: set[str] = set()
    for name, text in _all_texts(folder):
        if text not in seen and hashlib.sha256(text.encode()).digest()[0] % 2:
            seen.add(text)
            yield name, text


def _all_texts(folder: Path) -> Iterator[tuple[str, str]]:
    for name in SETS:
        with gzip.open(folder / "sentiment" / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as stream:
            yield from ((name, row["text"]) for row in csv.DictReader(stream))
    for path in sorted((folder / "posts").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            yield from (("posts", json.loads(line)["text"]) for line in stream)


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def kind_of(signal: Signal) -> str:
    return signal.theme if signal.kind is Feeling.COMPLAINT else signal.kind.value


def draw(folder: Path, most: int, seed: int, without: frozenset[tuple[str, str]] = frozenset()) -> list[Hit]:
    """Up to ``most`` hits of each kind at random, one a text, in a random order; none of ``without`` (hash, kind)."""
    dice = random.Random(seed)
    by_kind: dict[str, list[Hit]] = defaultdict(list)
    for _, text in texts(folder):
        of_text: dict[str, list[Signal]] = defaultdict(list)
        for signal in find(text):
            of_text[kind_of(signal)].append(signal)
        for kind, signals in of_text.items():
            if (text_hash(text), kind) not in without:
                by_kind[kind].append((text, dice.choice(signals)))
    drawn = [hit for hits in by_kind.values() for hit in dice.sample(hits, min(most, len(hits)))]
    dice.shuffle(drawn)
    return drawn


def write_draw(hits: Sequence[Hit], out: Path) -> None:
    with out.open("w", encoding="utf-8") as stream:
        for text, s in hits:
            row = {"id": f"{text_hash(text)}:{kind_of(s)}:{s.start}", "kind": kind_of(s), "theme": s.theme,
                   "span": text[s.start : s.end], "text": text[max(0, s.start - 150) : s.end + 150]}  # fmt: skip
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def drawn_before(files: Sequence[Path]) -> frozenset[tuple[str, str]]:
    """What earlier draws have shown: a rule mended after reading a hit is not to be judged by it."""
    ids = (json.loads(line)["id"].split(":") for file in files for line in file.read_text("utf-8").splitlines())
    return frozenset((digest, kind) for digest, kind, _ in ids)


def write_recall(folder: Path, out: Path, seed: int) -> None:
    kept = [text for _, text in texts(folder)]
    with out.open("w", encoding="utf-8") as stream:
        for text in random.Random(seed).sample(kept, 600):
            stream.write(json.dumps({"id": text_hash(text), "text": text}, ensure_ascii=False) + "\n")


def counts(folder: Path) -> None:
    """Texts with a hit, by kind and set."""
    found: Counter[tuple[str, str]] = Counter()
    of_set: Counter[str] = Counter()
    for name, text in texts(folder):
        of_set[name] += 1
        found.update({(kind_of(s), name) for s in find(text)})
    names = [*SETS, "posts"]
    print(f"{'texts kept back':16}" + "".join(f"{name} {of_set[name]:<8}" for name in names))
    for kind in sorted({kind for kind, _ in found}):
        print(f"{kind:16}" + "".join(f"{found[kind, name]:>11}" for name in names))


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share, room = right / n, z * z / n
    middle = (share + room / 2) / (1 + room)
    half = z * math.sqrt(share * (1 - share) / n + room / (4 * n)) / (1 + room)
    return middle - half, middle + half


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa of two passes; 1 where both always say the same one thing."""
    n = len(pairs)
    same = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[label] * second[label] for label in first) / n / n
    return 1.0 if chance == 1 else (same - chance) / (1 - chance)


def report(folder: Path) -> None:
    kept = {text_hash(text): text for _, text in texts(folder)}
    by_kind: dict[str, list[dict[str, str]]] = defaultdict(list)
    gone: Counter[str] = Counter()
    with (LABELS / "signals.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            signals = find(kept[row["hash"]]) if row["hash"] in kept else ()
            here = any(kind_of(s) == row["kind"] and s.start <= int(row["start"]) < s.end for s in signals)
            gone[row["kind"]] += not here
            if here:
                by_kind[row["kind"]].append(row)
    print(f"{'kind':16}{'hits':>5}{'pass a':>8}{'pass b':>8}{'both':>7}  interval     kappa  no longer found")
    for kind, rows in sorted(by_kind.items()):
        _print_kind(kind, rows, gone[kind])
    if (LABELS / "signals_recall.csv").exists():
        _print_recall(kept)


def _print_kind(kind: str, rows: Sequence[dict[str, str]], gone: int) -> None:
    share = {p: _share([row[p] for row in rows]) for p in ("pass_a", "pass_b")}
    both = [row for row in rows if not row["pass_b"] or row["pass_a"] == row["pass_b"]]
    right = sum(row["pass_a"] == "1" for row in both)
    low, high = wilson(right, len(both))
    pairs = [(row["pass_a"], row["pass_b"]) for row in rows if row["pass_b"]]
    agreed = f"{kappa(pairs):.2f}" if pairs else "-"
    few = "" if len(rows) >= ENOUGH else "  fewer than 60: not proven"
    print(f"{kind:16}{len(rows):>5}{share['pass_a']:>8}{share['pass_b']:>8}{right / len(both):>7.2f}"
          f"  {low:.2f}-{high:.2f}  {agreed:>7}  {gone}{few}")  # fmt: skip


def _share(labels: Sequence[str]) -> str:
    given = [label for label in labels if label]
    return f"{sum(label == '1' for label in given) / len(given):.2f}" if given else "-"


def _print_recall(kept: dict[str, str]) -> None:
    there: Counter[str] = Counter()
    found: Counter[str] = Counter()
    with (LABELS / "signals_recall.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            told = set(filter(None, row["kinds"].split("/")))
            there.update(told)
            if told:
                found.update(told & {kind_of(s) for s in find(kept[row["hash"]])})
    print("recall by kind: " + ", ".join(f"{kind} {found[kind]}/{n}" for kind, n in sorted(there.items())))
    print(f"recall of all: {found.total()}/{there.total()} = {found.total() / there.total():.2f}")


def speed(folder: Path, rows: int = 2000) -> None:
    """CPU of ``find`` beside SnowNLP's score, on the same texts."""
    from snownlp import SnowNLP

    from monitor.text import for_scoring

    drawn = random.Random(SEED).sample([text for _, text in texts(folder)], rows)
    for text in drawn:
        find(text)
    cleaned = [c for c in map(for_scoring, drawn) if c]
    _ = SnowNLP(cleaned[0]).sentiments
    start = time.process_time()
    for text in drawn:
        find(text)
    ours = time.process_time() - start
    start = time.process_time()
    for text in cleaned[: rows // 10]:
        _ = SnowNLP(text).sentiments
    theirs = (time.process_time() - start) * 10
    print(f"find: {rows / ours:,.0f} posts/s; SnowNLP: {rows / theirs:,.0f} posts/s; ratio {theirs / ours:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("what", nargs="?", default="report", choices=["report", "draw", "recall", "counts", "speed"])
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--most", type=int, default=ENOUGH)
    parser.add_argument("--without", nargs="*", type=Path, default=[], help="files of earlier draws")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    if asked.what in ("draw", "recall") and asked.out is None:
        parser.error(f"{asked.what} needs a file to write to")
    if asked.what == "draw":
        write_draw(draw(asked.folder, asked.most, asked.seed, drawn_before(asked.without)), asked.out)
    elif asked.what == "recall":
        write_recall(asked.folder, asked.out, asked.seed)
    else:
        {"report": report, "counts": counts, "speed": speed}[asked.what](asked.folder)


if __name__ == "__main__":
    main()
