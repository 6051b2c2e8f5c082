"""How often the right brand is blamed in posts that name two, by the whole post's score and by the mentions'.

    python -m tests.bench.blame DIR [--made N]

DIR holds ``sentiment/*.csv.gz`` (``text,label``), ``posts/*.jsonl.gz`` (``text``) and ``essays/*.txt``. Brands are
those of ``labels/brands.csv``; ``labels/blame.csv`` says by a person's reading of each found post, known by its hash,
whether it blames, praises or does neither to each of its two brands (the lower one of a comparison is blamed). The
rules of ``monitor.portions`` were written after reading mistakes in the posts whose hash begins with an even digit
("read"); "kept back" are the others. "made": a real negative text about one brand joined to a real neutral or positive
one about another, names put in.

"one": posts that blame exactly one; of them "right": that one is called negative and the other is not (by the whole
post's score never: both have the same), "both" and "none" are called so, "wrong": only the other; "first": the blamed
one has the higher P(negative). Precision and recall are over all mentions of all posts. "alone": only one of the two
brands is watched. The weights that ship saw most of these posts in their training, whole and with their labels. No text
is printed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.matching import Matcher, Rule
from monitor.model import Label, Score
from monitor.portions import portions
from monitor.sentiment import Scorer
from monitor.sentiment.mentions import Named, score_mentions
from monitor.text import identity, sentences

LABELS = Path(__file__).parent / "labels"
BLAMED = "blamed"


@dataclass(frozen=True)
class Pair:
    """A post, the rules of its two brands (numbered 1 and 2), and what it does to each."""

    text: str
    rules: tuple[Rule, Rule]
    blame: tuple[str, str]
    group: str


def read_brands() -> dict[str, dict[str, Rule]]:
    """Group -> name -> rule."""
    groups: dict[str, dict[str, Rule]] = {}
    with (LABELS / "brands.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            exclude = tuple(filter(None, row["exclude"].split("/")))
            group = groups.setdefault(row["group"], {})
            group[row["brand"]] = Rule(len(group) + 1, tuple(row["terms"].split("/")), (), exclude)
    return groups


def labelled_rows(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((folder / "sentiment").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            yield from ((row["text"], row["label"]) for row in csv.DictReader(stream))


def read_texts(folder: Path) -> Iterator[str]:
    yield from (text for text, _ in labelled_rows(folder))
    for path in sorted((folder / "posts").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            yield from (json.loads(line)["text"] for line in stream)


def numbered(first: Rule, second: Rule) -> tuple[Rule, Rule]:
    return Rule(1, first.terms, (), first.exclude), Rule(2, second.terms, (), second.exclude)


def real_pairs(folder: Path) -> tuple[list[Pair], int]:
    """The labelled posts, and how many posts name exactly two brands of a group (copies once), labelled or not."""
    groups = read_brands()
    known: dict[tuple[str, str, str], tuple[str, str]] = {}
    with (LABELS / "blame.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            known[row["hash"], row["brand_a"], row["brand_b"]] = (row["blame_a"], row["blame_b"])
    matchers = {name: Matcher(list(group.values())) for name, group in groups.items()}
    pairs, found, seen = [], 0, set()
    for text in read_texts(folder):
        if (copy := identity(text)) in seen:
            continue
        seen.add(copy)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        for name, matcher in matchers.items():
            brands = list(groups[name])
            hits = matcher.find(text)
            if len(hits) != 2:
                continue
            found += 1
            first, second = (brands[hit.brand - 1] for hit in hits)
            if (key, first, second) in known:
                rules = numbered(groups[name][first], groups[name][second])
                group = "read" if int(key[0], 16) % 2 == 0 else "kept back"
                pairs.append(Pair(text, rules, known[key, first, second], group))
    return pairs, found


def made_pairs(folder: Path, count: int) -> list[Pair]:
    """Half of them with the blamed brand first, half with a line break between."""
    dice = random.Random("blame")
    groups = read_brands()
    every = Matcher([Rule(n, rule.terms) for n, rule in enumerate(r for g in groups.values() for r in g.values())])
    pools: dict[bool, list[str]] = {True: [], False: []}
    for text, label in labelled_rows(folder):
        if 10 <= len(text) <= 80 and "\n" not in text and not every.find_all(text):
            pools[label == "negative"].append(text)
    chosen = [list(group.items()) for group in groups.values() if len(group) > 1]
    made = []
    for place in range(count):
        (bad, bad_rule), (other, other_rule) = dice.sample(dice.choice(chosen), 2)
        sides = [(bad, bad_rule, BLAMED, dice.choice(pools[True])), (other, other_rule, "-", dice.choice(pools[False]))]
        sides = sides[:: 1 if place % 2 else -1]
        text = ("\n" if place % 4 < 2 else "。").join(f"{name}{words}" for name, _, _, words in sides)
        made.append(Pair(text, numbered(sides[0][1], sides[1][1]), (sides[0][2], sides[1][2]), "made"))
    return [pair for pair in made if len(Matcher(pair.rules).find(pair.text)) == 2]


Scores = tuple[Score, Score]


def by_whole(wholes: Sequence[Score]) -> list[Scores]:
    return [(whole, whole) for whole in wholes]


def by_mention(scorer: Scorer, pairs: Sequence[Pair], wholes: Sequence[Score]) -> list[Scores]:
    spans = [Matcher(pair.rules).find_all(pair.text) for pair in pairs]
    asked = [Named(pair.text, whole, each) for pair, whole, each in zip(pairs, wholes, spans, strict=True)]
    return [(found[1].score, found[2].score) for found in score_mentions(scorer, asked)]


def alone(scorer: Scorer, pairs: Sequence[Pair], wholes: Sequence[Score]) -> list[Scores]:
    sides = []
    for place in (0, 1):
        spans = [Matcher([pair.rules[place]]).find_all(pair.text) for pair in pairs]
        asked = [Named(pair.text, whole, each) for pair, whole, each in zip(pairs, wholes, spans, strict=True)]
        sides.append([found[place + 1].score for found in score_mentions(scorer, asked)])
    return list(zip(*sides, strict=True))


def show(name: str, pairs: Sequence[Pair], scores: Sequence[Scores]) -> None:
    one = {"right": 0, "both": 0, "none": 0, "wrong": 0, "first": 0.0}
    hits = called = blamed = ones = 0
    for pair, (left, right) in zip(pairs, scores, strict=True):
        calls = [score.label is Label.NEGATIVE for score in (left, right)]
        truth = [side == BLAMED for side in pair.blame]
        hits += sum(c and t for c, t in zip(calls, truth, strict=True))
        called, blamed = called + sum(calls), blamed + sum(truth)
        if truth[0] == truth[1]:
            continue
        ones += 1
        told = "none" if not any(calls) else "both" if all(calls) else "right" if calls == truth else "wrong"
        one[told] += 1
        p, q = (score.p_negative or 0 for score in ((left, right) if truth[0] else (right, left)))
        one["first"] += (p > q) + (p == q) / 2
    shares = "".join(f"{value / max(ones, 1):9.3f}" for value in one.values())
    print(f"{name:24s}{len(pairs):6d}{ones:6d}{shares}{hits / max(called, 1):11.3f}{hits / max(blamed, 1):8.3f}")


def error(pairs: Sequence[Pair], scores: Sequence[Scores]) -> float:
    """Expected calibration error of the mentions' P(negative) over ten bins, at the share of blame these posts have."""
    bins: dict[int, list[float]] = {}
    for pair, both in zip(pairs, scores, strict=True):
        for score, side in zip(both, pair.blame, strict=True):
            if score.p_negative is not None:
                bins.setdefault(min(int(score.p_negative * 10), 9), []).append(score.p_negative - (side == BLAMED))
    return sum(abs(sum(gaps)) for gaps in bins.values()) / sum(map(len, bins.values()))


def show_essays(scorer: Scorer, folder: Path) -> None:
    rules = [rule for group in read_brands().values() for rule in group.values()]
    rules = [Rule(number, rule.terms, (), rule.exclude) for number, rule in enumerate(rules)]
    for path in sorted((folder / "essays").glob("*.txt")):
        text = path.read_text("utf-8", errors="replace")
        spans = Matcher(rules).find_all(text)
        whole = scorer.score(text)
        found = score_mentions(scorer, [Named(text, whole, spans)])[0]
        kept = portions(text, spans)
        print(f"{path.name}: {len(text)} characters, {len(sentences(text))} sentences, P {whole.p_negative or 0:.2f}")
        for brand, mention in found.items():
            own = sum(portion.end - portion.start for portion in kept[brand])
            print(f"  {rules[brand].terms[0]}: {len(spans[brand])} names, {len(kept[brand])} portions of {own} "
                  f"characters, P {mention.score.p_negative or 0:.2f}, {mention.score.label}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Which brand is blamed in posts that name two.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--made", type=int, default=200, help="joined posts (default 200)")
    chosen = parser.parse_args()
    scorer = Scorer()
    real, found = real_pairs(chosen.folder)
    print(f"{found} posts name two brands of a list; {len(real)} of them are labelled, the others are homonyms")
    print(f"{'':24s}{'posts':>6s}{'one':>6s}{'right':>9s}{'both':>9s}{'none':>9s}{'wrong':>9s}{'first':>9s}"
          f"{'precision':>11s}{'recall':>8s}")  # fmt: skip
    made = made_pairs(chosen.folder, chosen.made)
    for group in ("read", "kept back", "made"):
        pairs = [pair for pair in [*real, *made] if pair.group == group]
        wholes = scorer.score_many([pair.text for pair in pairs])
        mentions = by_mention(scorer, pairs, wholes)
        show(f"{group}: whole post", pairs, by_whole(wholes))
        show(f"{group}: mention", pairs, mentions)
        show(f"{group}: mention, alone", pairs, alone(scorer, pairs, wholes))
        print(f"{group}: calibration error {error(pairs, mentions):.3f}, whole {error(pairs, by_whole(wholes)):.3f}")
    show_essays(scorer, chosen.folder)


if __name__ == "__main__":
    main()
