"""Labelled sets, read, scored and weighed: what a fit and its judgement start from."""

from __future__ import annotations

import csv
import gzip
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
from monitor.sentiment.features import feature_values
from monitor.sentiment.model_files import ModelFiles
from monitor.text import fold_text, for_scoring

Floats = NDArray[np.float64]

PRIOR = 0.25
"""The share of negative posts P(negative) assumes. Streams about brands lie between a tenth and a half."""

NEUTRAL_SHARE = 0.5
"""Of the posts that are not negative, how many are neutral, where a set has any."""

DOMAINS = {"smp_virus": "weibo", "covid7": "weibo", "weibo8mix": "weibo"}
"""Sets that come from one place; any other set is a domain of its own."""


INVENTED = "invented"
"""The name and the domain of the set of invented sentences."""

INVENTED_EACH = 2_000
"""Invented sentences of each label."""


INVENTED_SHARE = 0.5
"""What they weigh together, where a domain of one public set weighs 1."""


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
    unknown = {label for _, label in rows} - {"negative", "neutral", "positive"}
    if unknown:
        raise InputError(f"{path.name}: unknown label {min(unknown)!r}")
    random.Random(path.name.removesuffix(".csv.gz")).shuffle(rows)
    texts = [(text, for_scoring(text), label) for text, label in rows[:per_set]]
    return [row for row in texts if any("\u4e00" <= char <= "\u9fa5" for char in row[1])]


def read_set(path: Path, per_set: int, domains: dict[str, str]) -> LabelledSet:
    name = path.name.removesuffix(".csv.gz")
    return scored_set(name, domains.get(name, name), read_texts(path, per_set))


def invented_set() -> LabelledSet:
    made = [(text, for_scoring(text), label) for text, label in invented.sentences(INVENTED_EACH)]
    return scored_set(INVENTED, INVENTED, made)


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
    """What each set weighs; they sum to 1. A domain of n sets weighs sqrt(n) times one of a single set."""
    sizes = Counter(each.domain for each in sets)
    shares = np.array([INVENTED_SHARE if each.name == INVENTED else 1 / np.sqrt(sizes[each.domain]) for each in sets])
    weights: Floats = shares / shares.sum()
    return weights
