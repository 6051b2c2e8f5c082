"""Judge ``qianli stories`` on families that it was never tuned to: retold real texts, and three kinds that only look
like copies.

    python -m tests.bench.families DIR [--seeds 11 12 13] [--half open|kept|all] [--texts 60] [--misses FILE]

DIR holds ``sentiment/*.csv.gz`` (column ``text``) and ``posts/*.jsonl.gz``. The texts, brands and people of
``tests/bench/held`` are invented, and were frozen before the product was measured or read. Everything runs through
the command line, as a user would. ``--half`` takes every second cluster: misses were read in ``open`` ones only,
never in ``kept``.

What is true, by rule:

- *retold*: a real text and five retellings (:mod:`tests.bench.held.retelling`) are copies of one another. Pairs of
  different real texts are not judged: nobody knows. Texts have 16 to 600 letters, 10 of them different.
- *template*: fillings with another brand are not copies, even where the brand is all that differs (*brand only*);
  each filling and its two retellings, in which the brand can still be read, are copies.
- *news*: the accounts of three outlets are not copies but one story; other events are other stories. Each account and
  its two retellings are copies. Accounts that share a run of 12 folded characters are a matter of judgement: there
  are none.
- *praise*: people who put stock phrases together are no copies. Left out, either way: equal texts once marks are
  taken off, and pairs one of whose phrases contain the other's or that share more than .6 of them. One person's own
  words and their three retellings are copies. Chants under 12 folded characters are never copies; repeated longer
  ones are only reported.
- replies with the root's own text are no copies of it; explicit reposts without a word of their own are.

Precision is right pairs / (right + wrong) of those put in one group; as it hangs on how many true copies a family
holds, the share of posts that got into a wrong group is given beside it. Shuffled: of the pairs in one group before
or after a shuffle of the rows, the share in one group both times, the mean of three.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from monitor.text import fold_text
from tests.bench.held.news import EVENTS
from tests.bench.held.praise import BANKS, CHANTS, JOINERS, TAILS
from tests.bench.held.retelling import converter, retold
from tests.bench.held.templates import BRANDS, PEOPLE, PLACES, PRODUCTS, TEMPLATES

START = datetime(2026, 9, 1, tzinfo=UTC)
RETELLINGS = 5
_NO_LETTERS = re.compile(r"\[[^\]]{1,12}\]|@\S+")
"""Platform emoji ("[doge]") and names, which are no letters of the text."""


@dataclass(frozen=True)
class Judged:
    """A post and what is true of it: ``truth`` names its copies, ``cluster`` the look-alikes, ``phrases`` its stock."""

    id: str
    text: str
    at: datetime
    truth: str
    cluster: str
    ways: tuple[str, ...] = ()
    phrases: frozenset[str] = frozenset()
    variant: str = ""
    kind: str = "post"
    parent: str | None = None
    thread: str | None = None

    def row(self) -> dict[str, object]:
        row: dict[str, object] = {
            "id": self.id,
            "text": self.text,
            "published_at": self.at.isoformat(),
            "source": "weibo",
        }
        row |= {"author": f"u{self.id}", "kind": self.kind}
        return row | {key: value for key in ("parent", "thread") if (value := getattr(self, key)) is not None}


Pair = tuple[Judged, Judged]


def letters(text: str) -> str:
    return "".join(char for char in fold_text(text) if char.isalnum())


# ------------------------------------------------------------------------------------------------ the families


def real_texts(folder: Path, per_source: int, rng: random.Random) -> list[tuple[str, str]]:
    """(source, text): so many of each file, fit to be retold."""
    found: list[tuple[str, str]] = []
    for path in sorted([*folder.glob("sentiment/*.csv.gz"), *folder.glob("posts/*.jsonl.gz")]):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines) if path.name.endswith(".csv.gz") else map(json.loads, lines)
            fit = {letters(text): text for row in rows if _fit(text := (row["text"] or "").strip())}
        name = path.name.split(".")[0]
        found += [(name, text) for text in rng.sample(sorted(fit.values()), min(per_source, len(fit)))]
    return found


def _fit(text: str) -> bool:
    """Long and varied enough; and no answer, whose head is no part of what is passed on."""
    if text.startswith(("回复", "回覆")):
        return False
    bare = letters(_NO_LETTERS.sub("", text))
    return 16 <= len(bare) <= 600 and len(set(bare)) >= 10


def with_copies(post: Judged, copies: int, rng: random.Random, keeps: str = "") -> list[Judged]:
    """The post and retellings in which the word that tells it from its look-alikes can still be read."""
    posts = [post]
    for number in range(copies):
        text, ways = retold(post.text, rng)
        while letters(keeps) not in letters(text):
            text, ways = retold(post.text, rng)
        later = post.at + timedelta(minutes=rng.expovariate(1 / 600))
        posts.append(
            Judged(f"{post.id}-{number}", text, later, post.truth, post.cluster, ways, post.phrases, post.variant)
        )
    return posts


def retold_texts(folder: Path, per_source: int, rng: random.Random) -> list[Judged]:
    posts = []
    for number, (source, text) in enumerate(real_texts(folder, per_source, rng)):
        post = Judged(f"r{number}", text, _some_time(rng), f"r{number}", source)
        posts += with_copies(post, RETELLINGS, rng)
    return posts


def _some_time(rng: random.Random, days: float = 20) -> datetime:
    return START + timedelta(days=rng.uniform(0, days))


def templates(half: Callable[[int], bool], rng: random.Random) -> list[Judged]:
    """Five fillings each: the first two differ in nothing but the brand."""
    posts = []
    for number, template in enumerate(TEMPLATES):
        if not half(number):
            continue
        brands, details = rng.sample(BRANDS, 5), _details(rng)
        for filling, brand in enumerate(brands):
            details = details if filling == 1 else _details(rng)
            text = converter("s2t" if template[0] == "t" else "t2s").convert(template[1:].format(b=brand, **details))
            name, variant = f"t{number}.{filling}", "brand only" if filling < 2 else ""
            posts += with_copies(
                Judged(name, text, _some_time(rng), name, f"t{number}", variant=variant), 2, rng, brand
            )
    return posts


def _details(rng: random.Random) -> dict[str, str]:
    picked = {"c": rng.choice(PLACES), "p": rng.choice(PRODUCTS), "w": rng.choice(PEOPLE)}
    return picked | {"n": str(rng.randint(2, 60)), "m": str(rng.randint(2, 60))}


def news(half: Callable[[int], bool], rng: random.Random) -> list[Judged]:
    """Events at a rate of three a day; the accounts of one within a day."""
    posts = []
    for number, accounts in enumerate(EVENTS):
        if not half(number):
            continue
        day = _some_time(rng)
        for outlet, text in enumerate(accounts):
            name, at = f"n{number}.{outlet}", day + timedelta(hours=rng.uniform(0, 24))
            posts += with_copies(Judged(name, text, at, name, f"n{number}"), 2, rng)
    return posts


def praise(half: Callable[[int], bool], rng: random.Random) -> list[Judged]:
    """Ten people a bank, each with stock phrases in an order of their own; and one with words of their own, retold."""
    posts = []
    for number, (*phrases, own) in enumerate(BANKS):
        if not half(number):
            continue
        for person in range(10):
            name, picked = f"p{number}.{person}", rng.sample(phrases, rng.randint(2, 6))
            text = rng.choice(JOINERS).join(picked) + rng.choice(TAILS)
            posts.append(Judged(name, text, _some_time(rng), name, f"p{number}", phrases=frozenset(picked)))
        posts += with_copies(Judged(f"p{number}.own", own, _some_time(rng), f"p{number}.own", f"p{number}"), 3, rng)
    return posts


def chants(rng: random.Random) -> list[Judged]:
    names = [f"c{chant}.{person}" for chant in range(len(CHANTS)) for person in range(30)]
    posts = []
    for name in names:
        chant = CHANTS[int(name[1:].split(".")[0])]
        text = rng.choice(("！", "", " ", "!!", "，")).join([chant] * rng.randint(1, 5)) + rng.choice(TAILS)
        variant = "short" if len(letters(text)) < 12 else "long"
        posts.append(Judged(name, text, _some_time(rng, 2), name, "chant", variant=variant))
    return posts


def threads(texts: Sequence[str], rng: random.Random) -> list[Judged]:
    """Each text with a reply that repeats it and an explicit repost without a word of its own."""
    posts = []
    for number, text in enumerate(texts):
        root, at = f"x{number}", _some_time(rng)
        posts.append(Judged(root, text, at, root, root, thread=root))
        posts.append(Judged(f"{root}-c", text, at, f"{root}-c", root, kind="comment", parent=root, thread=root))
        posts.append(
            Judged(f"{root}-r", rng.choice(("转发微博", "轉發微博")), at, root, root, kind="repost", parent=root)
        )
    return posts


# ------------------------------------------------------------------------------------------------ the product's answer


def grouped(posts: Sequence[Judged], folder: Path) -> tuple[dict[str, str], dict[str, str], float]:
    """Group and story of each post by the command, and its seconds."""
    file = folder / "posts.jsonl"
    file.write_text("".join(json.dumps(post.row(), ensure_ascii=False) + "\n" for post in posts), encoding="utf-8")
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "stories", str(file)], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - began
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if [row["id"] for row in rows] != [post.id for post in posts]:
        raise SystemExit("the answer's rows are not the question's")
    return {row["id"]: str(row["group"]) for row in rows}, {row["id"]: str(row["story"]) for row in rows}, seconds


def together(posts: Iterable[Judged], groups: dict[str, str]) -> Iterable[Pair]:
    members: defaultdict[str, list[Judged]] = defaultdict(list)
    for post in posts:
        if groups[post.id] not in ("None", ""):
            members[groups[post.id]].append(post)
    for one in members.values():
        yield from combinations(one, 2)


def true_pairs(posts: Iterable[Judged]) -> list[Pair]:
    return list(together(posts := list(posts), {post.id: post.truth for post in posts}))


def left_out(one: Judged, other: Judged) -> bool:
    """What the rule for stock praise leaves out."""
    if letters(one.text) == letters(other.text):
        return True
    if not (one.phrases and other.phrases):
        return False
    both, either = one.phrases & other.phrases, one.phrases | other.phrases
    return both in (one.phrases, other.phrases) or len(both) / len(either) > 0.6


def precision(posts: Sequence[Judged], groups: dict[str, str]) -> tuple[dict[str, object], list[Pair]]:
    pairs = list(together(posts, groups))
    right = sum(one.truth == other.truth for one, other in pairs)
    wrong = [pair for pair in pairs if pair[0].truth != pair[1].truth and not left_out(*pair)]
    touched = {post.id for pair in wrong for post in pair}
    truth = len(true_pairs(posts))
    figures: dict[str, object] = {"precision": _share(right, right + len(wrong)), "wrong": len(wrong), "right": right}
    return figures | {"recall": _share(right, truth), "posts_in_wrong_groups": _share(len(touched), len(posts))}, wrong


def shuffled(
    posts: Sequence[Judged], groups: dict[str, str], folder: Path, rng: random.Random, times: int = 3
) -> float:
    before, shares = {_ids(pair) for pair in together(posts, groups)}, []
    for _ in range(times):
        other, _stories, _seconds = grouped(mixed := rng.sample(posts, len(posts)), folder)
        after = {_ids(pair) for pair in together(mixed, other)}
        shares.append(len(before & after) / max(1, len(before | after)))
    return round(sum(shares) / times, 4)


def _ids(pair: Pair) -> frozenset[str]:
    return frozenset((pair[0].id, pair[1].id))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


# ------------------------------------------------------------------------------------------------ one seed


def judge(
    folder: Path, seed: int, half: str, per_source: int, scratch: Path
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The figures of one seed, and the misses that may be read."""

    def takes(number: int) -> bool:
        return half == "all" or number % 2 == (half == "kept")

    figures: dict[str, object] = {"seed": seed, "half": half}
    misses: list[dict[str, object]] = []
    texts = retold_texts(folder, per_source, rng := random.Random(seed))
    groups, _, seconds = grouped(texts, scratch)
    _, _, start = grouped(texts[:1], scratch)
    figures["retold"] = _recall(texts, groups, misses) | {"posts_a_second": round(len(texts) / (seconds - start))}
    figures["shuffled"] = shuffled(texts, groups, scratch, rng)
    for name, family in (("template", templates), ("news", news), ("praise", praise)):
        posts = family(takes, random.Random(f"{seed}{name}"))
        groups, stories, _ = grouped(posts, scratch)
        result, wrong = precision(posts, groups)
        if name == "template":
            result["wrong_brand_only"] = sum(one.variant == other.variant != "" for one, other in wrong)
        figures[name] = result | _stories(posts, stories)
        misses += [_miss(name, pair) for pair in wrong]
    figures["chants"] = _chants(chants(random.Random(seed)), scratch)
    figures["threads"] = _threads([post.text for post in texts[:: len(texts) // 40]], scratch, rng)
    return figures, misses


def _recall(posts: Sequence[Judged], groups: dict[str, str], misses: list[dict[str, object]]) -> dict[str, object]:
    found, whole, source, of_source = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for one, other in true_pairs(posts):
        same = groups[one.id] == groups[other.id]
        of_source[one.cluster] += 1
        source[one.cluster] += same
        for way in {*one.ways, *other.ways}:
            whole[way] += 1
            found[way] += same
        if not same and not (one.ways and other.ways):
            misses.append(_miss("retold", (one, other)))
    right, truth = source.total(), of_source.total()
    by_source = {name: _share(source[name], of_source[name]) for name in sorted(of_source)}
    by_way = {
        name: _share(found[name], whole[name]) for name in sorted(whole, key=lambda name: found[name] / whole[name])
    }
    return {"recall": _share(right, truth), "pairs": truth, "by_source": by_source, "by_way": by_way}


def _stories(posts: Sequence[Judged], stories: dict[str, str]) -> dict[str, object]:
    """Pairs of look-alikes of different truth in one story, and pairs of different clusters in one story (wrong)."""
    alike = [pair for pair in true_pairs_of_clusters(posts) if pair[0].truth != pair[1].truth]
    tied = sum(stories[one.id] == stories[other.id] for one, other in alike)
    foreign = sum(one.cluster != other.cluster for one, other in together(posts, stories))
    return {"cluster_pairs_in_one_story": _share(tied, len(alike)), "pairs_of_other_clusters_in_one_story": foreign}


def true_pairs_of_clusters(posts: Sequence[Judged]) -> list[Pair]:
    return list(together(posts, {post.id: post.cluster for post in posts}))


def _chants(posts: Sequence[Judged], scratch: Path) -> dict[str, object]:
    groups, _, _ = grouped(posts, scratch)
    pairs = list(together(posts, groups))
    short = sum("short" in (one.variant, other.variant) for one, other in pairs)
    return {"short_pairs_in_one_group": short, "long_pairs_in_one_group": len(pairs) - short}


def _threads(texts: Sequence[str], scratch: Path, rng: random.Random) -> dict[str, object]:
    groups, _, _ = grouped(posts := threads(texts, rng), scratch)
    replies = sum(groups[post.id] == groups[post.parent] for post in posts if post.parent and post.kind == "comment")
    reposts = [groups[post.id] == groups[post.parent] for post in posts if post.parent and post.kind == "repost"]
    return {"replies_called_copies": replies, "explicit_reposts_found": _share(sum(reposts), len(reposts))}


def _miss(family: str, pair: Pair) -> dict[str, object]:
    return {
        "family": family,
        "ways": [post.ways for post in pair],
        "texts": [post.text for post in pair],
        "ids": [post.id for post in pair],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--half", choices=("open", "kept", "all"), default="all")
    parser.add_argument("--texts", type=int, default=60)
    parser.add_argument("--misses", type=Path)
    options = parser.parse_args()
    misses: list[dict[str, object]] = []
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as scratch:
            figures, found = judge(options.folder, seed, options.half, options.texts, Path(scratch))
        print(json.dumps(figures, ensure_ascii=False), flush=True)
        misses += found
    if options.misses:
        options.misses.write_text(
            "".join(json.dumps(miss, ensure_ascii=False) + "\n" for miss in misses), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
