"""Fits the calibration: ``python -m monitor.sentiment.fit DIR [--per-set N] [--out FILE]``.

DIR holds labelled sets as ``NAME.csv.gz`` with the columns ``text,label`` (negative, neutral, positive). Two logistic
models with a small ridge, by Newton's method, on the features of ``features.py``. Every set weighs the same however
long it is; within a set the negatives weigh ``PRIOR`` together, and neutral and positive posts share the rest evenly
(a set without neutrals leaves it all to the positive). So P(negative) speaks of a stream with that share of negatives.
The same files give the same digits.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.errors import InputError, UsageError
from monitor.sentiment.engine import open_engine
from monitor.sentiment.features import NAMES, feature_values
from monitor.sentiment.model_files import ModelFiles
from monitor.text import for_scoring

NUMBER = 1
"""The calibration's own number; raise it with each one that ships."""

PRIOR = 0.25
"""The share of negative posts P(negative) assumes. Streams about brands lie between a tenth and a half."""

NEUTRAL_SHARE = 0.5
"""Of the posts that are not negative, how many are neutral, where a set has any."""

BANDS = {"negative": 0.4, "unsure": 0.28, "positive": 0.5}
"""The cuts; ``tests/bench/sentiment_domains.py`` prints what each means on sets the fit has not seen."""

_RIDGE = 1e-3
_DIGITS = 6
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """One labelled set after scoring: a row of features, SnowNLP's number and a label for each scored text."""

    name: str
    values: Floats
    snownlp: Floats
    labels: tuple[str, ...]


def read_set(path: Path, per_set: int) -> LabelledSet:
    """A seeded choice of at most ``per_set`` rows of a ``text,label`` file, scored; texts without Chinese left out."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(stream)]
    name = path.name.removesuffix(".csv.gz")
    unknown = {label for _, label in rows} - {"negative", "neutral", "positive"}
    if unknown:
        raise InputError(f"{path.name}: unknown label {min(unknown)!r}")
    random.Random(name).shuffle(rows)
    fed = [(text, for_scoring(text), label) for text, label in rows[:per_set]]
    fed = [row for row in fed if any("\u4e00" <= char <= "\u9fa5" for char in row[1])]
    scores = open_engine(ModelFiles.installed()).score_many([row[1] for row in fed])
    values = [
        feature_values(text, f, snownlp, words) for (text, f, _), (snownlp, words) in zip(fed, scores, strict=True)
    ]
    return LabelledSet(name, np.array(values), np.array([s for s, _ in scores]), tuple(row[2] for row in fed))


def read_sets(folder: Path, per_set: int) -> list[LabelledSet]:
    paths = sorted(folder.glob("*.csv.gz"))
    if not paths:
        raise UsageError(f"{folder}: no *.csv.gz with labelled texts")
    return [read_set(path, per_set) for path in paths]


def row_weights(labels: Sequence[str]) -> Floats:
    """What each row of one set weighs; they sum to 1."""
    share = {"negative": PRIOR, "neutral": (1 - PRIOR) * NEUTRAL_SHARE, "positive": (1 - PRIOR) * (1 - NEUTRAL_SHARE)}
    counts = Counter(labels)
    if "neutral" not in counts:
        share["positive"] = 1 - PRIOR
    return np.array([share[label] / counts[label] for label in labels])


def fit_logistic(sets: Sequence[LabelledSet], target: str) -> tuple[float, ...]:
    """Weights (constant first) of P(label is ``target``). Newton's method; stops when no weight moves by 1e-10."""
    values = np.concatenate([np.column_stack([np.ones(len(s.labels)), s.values]) for s in sets])
    truth = np.array([label == target for s in sets for label in s.labels], dtype=float)
    rows = np.concatenate([row_weights(s.labels) for s in sets]) / len(sets)
    ridge = np.diag([0.0] + [_RIDGE] * len(NAMES))
    weights = np.zeros(len(NAMES) + 1)
    for _ in range(100):
        guess = 1 / (1 + np.exp(-values @ weights))
        slope = values.T @ (rows * (guess - truth)) + ridge @ weights
        bend = (values * (rows * guess * (1 - guess))[:, None]).T @ values + ridge
        step = np.linalg.solve(bend, slope)
        weights -= step
        if np.abs(step).max() < 1e-10:
            return tuple(round(float(weight), _DIGITS) for weight in weights)
    raise ArithmeticError("the logistic fit did not settle")


def fit(sets: Sequence[LabelledSet]) -> dict[str, object]:
    """The content of ``calibration.json``. Positive is told from neutral only by sets that have neutrals, if any do."""
    with_neutrals = [s for s in sets if "neutral" in s.labels] or sets
    return {
        "number": NUMBER,
        "prior": PRIOR,
        "features": list(NAMES),
        "negative_weights": fit_logistic(sets, "negative"),
        "positive_weights": fit_logistic(with_neutrals, "positive"),
        "bands": BANDS,
        "fitted_on": {s.name: dict(sorted(Counter(s.labels).items())) for s in sets},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the calibration of SnowNLP's score from labelled sets.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--per-set", type=int, default=5000, help="rows taken of each set at most (default 5000)")
    default = Path(__file__).parents[1] / "data" / "calibration.json"
    parser.add_argument("--out", type=Path, default=default, help="where to write (default: the shipped file)")
    chosen = parser.parse_args()
    written = json.dumps(fit(read_sets(chosen.folder, chosen.per_set)), indent=1) + "\n"
    chosen.out.write_text(written, encoding="utf-8")
    print(f"{chosen.out}: sha256 {hashlib.sha256(written.encode()).hexdigest()}")


if __name__ == "__main__":
    main()
