"""Makes ``data/common_pairs.txt``: the pairs of Han characters common in Chinese posts, by how common they are.

``python -m monitor.build_common_pairs DIR`` reads every ``NAME.csv.gz`` (columns ``text,label``) in DIR. Written are
pairs and bits, log2 of one over the share of posts that hold them; no text.
"""

from __future__ import annotations

import csv
import gzip
import math
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from monitor.text import fold_text

LEAST = 24
"""Posts that a pair must stand in; rarer ones are all as rare as can be told."""

_HAN = re.compile("[\u3400-\u9fff]+")


def main(folder: Path, target: Path) -> None:
    held: Counter[str] = Counter()
    posts = 0
    for file in sorted(folder.glob("*.csv.gz")):
        with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                runs = _HAN.findall(fold_text(row["text"])[:300])
                held.update({run[at : at + 2] for run in runs for at in range(len(run) - 1)})
                posts += 1
    by_bits: dict[int, list[str]] = defaultdict(list)
    for pair, number in held.items():
        if number >= LEAST:
            by_bits[round(math.log2(posts / number))].append(pair)
    lines = [f"{bits} {''.join(sorted(pairs))}" for bits, pairs in sorted(by_bits.items())]
    head = "# Bits, and the pairs of folded characters that weigh them: made by monitor/build_common_pairs.py\n"
    target.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).with_name("data") / "common_pairs.txt")
