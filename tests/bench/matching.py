"""Matching 200 brands of 50 terms, as a ratio to the Aho-Corasick library alone on text that is folded already.

    python -m tests.bench.matching [--posts 5000]

``Matcher.find_many`` folds, finds, looks at word borders and excludes, and keeps each brand's term and its place in the
original; the library gives numbers and places in folded text. Each line is one kind of text: posts or articles; as
they come, or each with a brand's term. All sides run in turn in one process, CPU time, median of nine rounds.
``library_in_portions`` is the library on as many texts at a time as the matcher takes together, where it is faster.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence

from ahocorasick_rs import AhoCorasick

from monitor.demo.world import SEED, world
from monitor.folding import portions
from monitor.matching import Matcher, Rule
from monitor.text import fold_text

BRANDS, TERMS, ROUNDS = 200, 50, 9
POSTS_OF_AN_ARTICLE = 70
TAILS = ("……", "❤️", "３６０㎡", "👍🏽", "https://example.com/a?b=1", "①②")
"""What invented posts lack and people write; most have characters that fold to none or several. Every fifth post gets
one, every hundredth a combining mark: of real comments 1.8 and .2 in a hundred have such characters."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5000)
    items = world(SEED)[: parser.parse_args().posts]
    posts = [item.text + tail(number) for number, item in enumerate(items)]
    words = invented_words(posts)
    matcher = Matcher([Rule(b + 1, tuple(words[b * TERMS : (b + 1) * TERMS])) for b in range(BRANDS)])
    library = AhoCorasick(sorted({fold_text(word) for word in words}), store_patterns=False)
    articles = ["\n".join(posts[at : at + POSTS_OF_AN_ARTICLE]) for at in range(0, len(posts), POSTS_OF_AN_ARTICLE)]
    for kind, texts in {"posts": posts, "articles": articles}.items():
        compare(f"{kind} as they come", texts, matcher, library)
        named = [text + "，" + word for text, word in zip(texts, words[::7], strict=False)] or texts
        compare(f"{kind} with a term each", named, matcher, library)


def tail(number: int) -> str:
    if number % 100 == 0:
        return "Cafe\u0301"
    return "" if number % 5 else TAILS[number // 5 % len(TAILS)]


def invented_words(posts: Sequence[str]) -> list[str]:
    """As many different words as there are terms, of two to four of the posts' own Han characters."""
    characters = sorted({c for text in posts for c in text if "\u4e00" <= c <= "\u9fff"})
    draw = random.Random(SEED)
    words: dict[str, None] = {}
    while len(words) < BRANDS * TERMS:
        words["".join(draw.choices(characters, k=draw.randint(2, 4)))] = None
    return list(words)


def compare(kind: str, texts: Sequence[str], matcher: Matcher, library: AhoCorasick) -> None:
    folded = [fold_text(text) for text in texts]
    together = ["\n".join(portion) for _, portion in portions(folded)]
    ours, one_by_one, alone, in_portions = seconds(
        lambda: matcher.find_many(texts),
        lambda: [matcher.find(text) for text in texts],
        lambda: [library.find_matches_as_indexes(text, overlapping=True) for text in folded],
        lambda: [library.find_matches_as_indexes(text, overlapping=True) for text in together],
    )
    print(json.dumps({
        "texts": kind, "number": len(texts), "characters_each": round(statistics.mean(map(len, texts))),
        "with_a_hit": sum(map(bool, matcher.find_many(texts))), "brands": BRANDS, "terms": BRANDS * TERMS,
        "texts_per_second": round(len(texts) / ours), "library_alone_texts_per_second": round(len(texts) / alone),
        "ratio_of_speed": round(alone / ours, 3), "one_by_one": round(alone / one_by_one, 3),
        "library_in_portions": round(in_portions / ours, 3),
    }))  # fmt: skip


def seconds(*works: Callable[[], object]) -> list[float]:
    """The median of each, in turn, so that what else the machine does falls on all."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, its in zip(works, spent, strict=True):
            start = time.process_time()
            work()
            its.append(time.process_time() - start)
    return [statistics.median(its) for its in spent]


if __name__ == "__main__":
    main()
