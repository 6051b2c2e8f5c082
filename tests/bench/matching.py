"""Matching 200 brands of 50 terms, as a ratio to the Aho-Corasick library alone on text that is folded already.

    python -m tests.bench.matching [--posts 5000]

Terms and posts are invented; both sides run one after the other in one process, median of five rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

from ahocorasick_rs import AhoCorasick

from monitor.demo.world import SEED, world
from monitor.matching import Matcher, Rule
from monitor.text import fold_text

BRANDS, TERMS, ROUNDS = 200, 50, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5000)
    texts = [item.text for item in world(SEED)][: parser.parse_args().posts]
    characters = sorted({c for text in texts for c in text if "\u4e00" <= c <= "\u9fff"})
    words = [
        "".join(characters[(b * 131 + t * 17 + k * 53) % len(characters)] for k in range(2 + t % 3))
        for b in range(BRANDS)
        for t in range(TERMS)
    ]
    rules = [Rule(b + 1, tuple(words[b * TERMS : (b + 1) * TERMS])) for b in range(BRANDS)]
    matcher, folded = Matcher(rules), [fold_text(t) for t in texts]
    library = AhoCorasick(sorted({fold_text(w) for w in words}), store_patterns=False)
    ours = seconds(lambda: [matcher.find(t) for t in texts])
    alone = seconds(lambda: [library.find_matches_as_indexes(t, overlapping=True) for t in folded])
    print(json.dumps({
        "posts": len(texts), "brands": BRANDS, "terms": len(words), "posts_per_second": round(len(texts) / ours),
        "library_alone_posts_per_second": round(len(texts) / alone), "ratio_of_speed": round(alone / ours, 3),
    }))  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


if __name__ == "__main__":
    main()
