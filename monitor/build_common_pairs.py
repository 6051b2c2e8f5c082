"""Makes ``data/common_pairs.txt``: the pairs of Han characters common in Chinese posts, by how common they are; and
``data/headline_pairs.txt``: those that are commoner in headlines.

``python -m monitor.build_common_pairs DIR --headlines NAME`` reads every ``*.csv.gz`` (columns ``text,label``) in DIR;
``NAME.csv.gz`` has the headlines. Written are pairs and bits, log2 of one over the share of posts that hold them; no
text.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from monitor.text import fold_text

LEAST = 24
"""Posts that a pair must stand in; rarer ones are all as rare as can be told."""

LEAST_HEADLINES = 3

_HAN = re.compile("[\u3400-\u9fff]+")
_DATA = Path(__file__).with_name("data")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--headlines", required=True)
    options = parser.parse_args()
    files = {file.name.removesuffix(".csv.gz"): file for file in sorted(options.folder.glob("*.csv.gz"))}
    counted = {name: _count(file) for name, file in files.items()}
    held: Counter[str] = sum((held for held, _ in counted.values()), Counter())
    posts = sum(number for _, number in counted.values())
    bits = {pair: round(math.log2(posts / number)) for pair, number in held.items() if number >= LEAST}
    _write("common_pairs.txt", bits)
    held, posts = counted[options.headlines]
    headlines = {pair: round(math.log2(posts / n)) for pair, n in held.items() if n >= LEAST_HEADLINES}
    any_other = max(bits.values()) + 1
    _write("headline_pairs.txt", {pair: b for pair, b in headlines.items() if b < bits.get(pair, any_other)})


def _count(file: Path) -> tuple[Counter[str], int]:
    held: Counter[str] = Counter()
    posts = 0
    with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            runs = _HAN.findall(fold_text(row["text"])[:300])
            held.update({run[at : at + 2] for run in runs for at in range(len(run) - 1)})
            posts += 1
    return held, posts


def _write(name: str, bits: Mapping[str, int]) -> None:
    by_bits: defaultdict[int, list[str]] = defaultdict(list)
    for pair, weight in bits.items():
        by_bits[weight].append(pair)
    lines = [f"{weight} {''.join(sorted(pairs))}" for weight, pairs in sorted(by_bits.items())]
    head = "# Bits, and the pairs of folded characters that weigh them: made by monitor/build_common_pairs.py\n"
    (_DATA / name).write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
