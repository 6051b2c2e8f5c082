"""Is the fast number SnowNLP's, bit for bit? ``python tests/bench/sentiment_identity.py DIR... [--each N]``.

Every corpus is scored as it is, as ``for_scoring`` leaves it and turned to Traditional (s2twp), a third each. Exit
code 1 and the first texts' hashes if any number differs. Several minutes: SnowNLP reads them all too.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from opencc import OpenCC
from sentiment_texts import corpora
from snownlp import SnowNLP

from monitor.sentiment.engine import open_engine
from monitor.sentiment.model_files import ModelFiles
from monitor.text import for_scoring


def variants(texts: list[str]) -> list[str]:
    to_traditional = OpenCC("s2twp").convert
    makers = (str, for_scoring, to_traditional)
    made = [makers[place % 3](text) for place, text in enumerate(texts)]
    return [text for text in made if text]


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the fast scorer with SnowNLP, bit for bit.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--each", type=int, default=4000, help="texts of each corpus (default 4000)")
    chosen = parser.parse_args()
    engine = open_engine(ModelFiles.installed())
    total = 0
    wrong: list[str] = []
    for name, texts in corpora(chosen.folders, chosen.each):
        made = variants(texts)
        numbers = [number for number, _ in engine.score_many(made)]
        differ = [text for text, number in zip(made, numbers, strict=True) if SnowNLP(text).sentiments != number]
        total, wrong = total + len(made), wrong + differ
        print(f"{name:32s}{len(made):7d} texts {len(differ):5d} differ", flush=True)
    print(f"{total} texts, {len(wrong)} differ", *(hashlib.sha256(text.encode()).hexdigest() for text in wrong[:5]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
