"""A new model from labels that people gave: made, judged against the base, and refused if it is not better.

Three kinds: a *recalibration* moves the base's constant and slope; a *refit* moves the weights of features and of runs
of characters too (``retraining.py``); *alone* fits from the labels only, as ``monitor.sentiment.fit`` does with one
domain. Inner cross-validation chooses between the first two where the labels are a random sample; other labels cannot
tell constant and slope, and a refit leaves both alone. "before" and "after" are figures of posts that no part of the
making has seen (outer cross-validation, copies in one fold). What each label weighs, and why a share of negatives or of
mistakes among the labels teaches nothing: ``weighing.py``. P(negative) goes on to assume the base's prior, and the cuts
stay (of a model made alone: those of ``monitor.sentiment.fit``).

Pure: values in, values out. The same input gives the same bytes on one machine.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from monitor.errors import InputError
from monitor.sentiment import calibration, fit, ngrams
from monitor.sentiment.calibration import FARTHEST, Calibration
from monitor.sentiment.judging import Row, log_losses, macro_f1, row
from monitor.sentiment.labelled import NEUTRAL_SHARE, Floats, LabelledSet, scored_set
from monitor.sentiment.people import Distinct, Labelled, distinct
from monitor.sentiment.retraining import (
    FOLDS,
    RECALIBRATION,
    Posts,
    Shift,
    cross_validated,
    doubting,
    fit_shift,
    paired_gain,
)
from monitor.sentiment.weighing import (
    CALLED,
    CONFIRMED,
    Bools,
    as_chosen,
    as_sample,
    effective_number,
    folds,
)

LEAST, LEAST_EACH = 40, 8
"""Labels that can be learned from, and of them negative and not negative, below which nothing is tried."""

LEAST_ALONE, LEAST_ALONE_EACH = 400, 80
"""The same for a model from labels alone: negative and positive."""

LEAST_EFFECTIVE = 30.0
"""Random posts that the weighed labels must be worth."""

MOST_WRONG = 0.4
"""Share of its labels that a model may be wrong about in what is called a random sample. On domains that a fit has not
seen it is .18 to .35; among labels given to mistakes it is soon more than half."""

ENOUGH = 3
"""Texts that a bucket must be in to be moved."""

Files = tuple[bytes, bytes]
"""The bytes of ``calibration.json`` and of ``ngrams.npz``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. ``files`` are there to install only if ``better``; ``reason`` is one line, either way.

    ``kind``: ``recalibration``, ``refit``, ``alone``, or "" where nothing was tried. ``rows``: the table, before and
    after on the labels weighed (what decides) and as they came; none where nothing was tried. ``gain``: by how much
    the weighed log loss falls, in nats a post, and ``error``, its standard error. ``labels``: how many of each label
    took part; ``left_out``: why others did not, and how many.
    """

    better: bool
    reason: str
    labels: Mapping[str, int]
    left_out: Mapping[str, int]
    kind: str = ""
    gain: float = 0.0
    error: float = 0.0
    rows: tuple[Row, ...] = ()
    files: Files | None = None


@dataclass(frozen=True, slots=True)
class _Given:
    """The labels scored, and the base they are held against. ``called``: what the base calls negative."""

    base: Files
    calibration: Calibration
    table: NDArray[np.int8]
    texts: Distinct
    scored: LabelledSet
    sample: bool
    seed: int
    groups: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", np.array(self.texts.groups, dtype=np.int64))

    def posts(self, target: str) -> Posts:
        """The labels as a fit of ``target`` against the rest takes them."""
        side = 0 if target == "negative" else 1
        weights = np.array((self.calibration.negative_weights, self.calibration.positive_weights)[side])
        sums = self.scored.runs @ self.table[:, side].astype(np.float64)
        base = np.clip(weights[0] + self.scored.values @ weights[1:-1] + weights[-1] * sums, -FARTHEST, FARTHEST)
        truth = np.array([label == target for label in self.scored.labels], dtype=bool)
        prior = self.calibration.prior if side == 0 else (1 - self.calibration.prior) * NEUTRAL_SHARE
        called = expit(base) >= (self.calibration.negative, self.calibration.positive)[side]
        weighed = as_sample(truth, prior) if self.sample else as_chosen(expit(base), called, truth, prior)
        runs = self.scored.runs[:, self.buckets()].astype(np.float64)
        cells = np.where(called, CALLED, 0) + truth
        return Posts(base, self.scored.values, runs, truth, weighed, cells, self.groups, self.sample)

    def buckets(self) -> NDArray[np.int64]:
        """Those that enough of the texts have to be moved."""
        return np.flatnonzero(np.bincount(self.scored.runs.indices, minlength=1 << ngrams.BITS) >= ENOUGH)


def train(
    labelled: Sequence[Labelled], base: Files, *, alone: bool = False, sample: bool = False, seed: int = 0
) -> Outcome:
    """A model from ``base`` and labels, oldest first (of one text the last counts), or from the labels ``alone``.

    ``sample``: the labels are a random sample of the stream, so that the share of mistakes among them counts.
    ``base`` is the shipped model: one that was itself trained from labels is refused, for they would count twice.
    Too few labels, of one side only, or only corrections: refused with the reason; no text raises. ``InputError`` if
    ``base`` cannot be read.
    """
    read = calibration.read(base[0])
    weights = ngrams.read(base[1])
    if hashlib.sha256(base[1]).hexdigest() != read.ngrams:
        raise InputError("ngrams.npz: not the weights that calibration.json was fitted with")
    texts = distinct(labelled)
    counts = Counter(label for _, _, label in texts.texts)
    refused = Outcome(False, "", dict(sorted(counts.items())), texts.left_out)
    if reason := _too_few(counts, json.loads(base[0]), alone=alone):
        return replace(refused, reason=reason)
    given = _Given(base, read, weights.table, texts, scored_set("labels", "labels", texts.texts), sample, seed)
    posts = given.posts("negative")
    if reason := _unfit(posts, sample=sample):
        return replace(refused, reason=reason)
    return _from_labels_alone(given, posts, refused) if alone else _from_base(given, posts, refused)


def _too_few(counts: Mapping[str, int], base: Mapping[str, Any], *, alone: bool) -> str:
    if "kind" in base and not alone:
        return "the base was itself trained from labels: train from the shipped model"
    total, negative = sum(counts.values()), counts.get("negative", 0)
    if alone:
        positive = counts.get("positive", 0)
        if total < LEAST_ALONE or min(negative, positive) < LEAST_ALONE_EACH:
            return (f"{total} labels, {negative} negative and {positive} positive: a model from labels "
                    f"alone needs {LEAST_ALONE}, {LEAST_ALONE_EACH} of each of these two: a run of characters counts "
                    f"only from {fit.MIN_TEXTS} texts on")  # fmt: skip
    if total < LEAST:
        return f"{total} labels to learn from; at least {LEAST} different posts are needed"
    if min(negative, total - negative) < LEAST_EACH:
        return f"{negative} of {total} labels are negative; at least {LEAST_EACH} must be, and {LEAST_EACH} must not"
    return ""


def _unfit(posts: Posts, *, sample: bool) -> str:
    """Why these labels cannot be weighed, or ""."""
    wrong = (posts.cells >= CALLED) != posts.truth
    if not wrong.any():
        return "the model is right about every label: there is nothing to learn"
    if sample and wrong.mean() > MOST_WRONG:
        return (f"the model is wrong about {wrong.mean():.0%} of the labels, so they are hardly a random sample: leave "
                "that out")  # fmt: skip
    if not (posts.weighed.rows[wrong] > 0).any():
        return (f"{wrong.sum()} of {len(wrong)} labels correct the model: confirm at least {CONFIRMED} posts that it "
                "calls the same and gets right, or what a change would spoil cannot be seen")  # fmt: skip
    worth = effective_number(posts.weighed.rows)
    if worth < LEAST_EFFECTIVE:
        return (f"{len(wrong)} labels, {wrong.sum()} of them corrections, are worth {int(worth)} posts of a stream, "
                f"not {LEAST_EFFECTIVE:.0f}: confirm more posts that the model gets right")  # fmt: skip
    return ""


def _from_base(given: _Given, posts: Posts, refused: Outcome) -> Outcome:
    strength, logits = cross_validated(posts, given.seed)
    kind = "recalibration" if strength == RECALIBRATION else "refit"
    outcome = _compared(given, posts, logits, given.calibration.negative, replace(refused, kind=kind))
    if outcome.better and not _more_than_doubt(posts, logits):
        return replace(outcome, better=False, reason="refused: a base that is only made less sure does as well: the "
                       "labels do not say which words matter")  # fmt: skip
    if not outcome.better:
        return outcome
    shifts = {"negative": fit_shift(posts, strength)}
    if kind == "refit" and (other := _positive_shift(given)) is not None:
        shifts["positive"] = other
    return replace(outcome, files=_moved(given, shifts, outcome))


def _more_than_doubt(posts: Posts, logits: Floats) -> bool:
    gain, error = _gain(posts, doubting(posts), logits)
    return posts.level or gain > error


def _gain(posts: Posts, before: Floats, after: Floats) -> tuple[float, float]:
    """Of these logits' weighed log loss, and its standard error."""
    losses = [log_losses(expit(logits), posts.truth) for logits in (before, after)]
    return paired_gain(losses[0], losses[1], posts.weighed.rows, posts.groups)


def _positive_shift(given: _Given) -> Shift | None:
    """What tells positive from neutral is moved too where that lowers its own log loss."""
    posts = given.posts("positive")
    if min(posts.truth.sum(), (~posts.truth).sum()) < LEAST_EACH or _unfit(posts, sample=given.sample):
        return None
    strength, logits = cross_validated(posts, given.seed)
    gain, error = _gain(posts, posts.base, logits)
    return fit_shift(posts, strength) if gain > error and _more_than_doubt(posts, logits) else None


def _from_labels_alone(given: _Given, posts: Posts, refused: Outcome) -> Outcome:
    """Judged like the others, by fits that left a fold out."""
    held = folds(given.texts.groups, posts.cells.tolist(), FOLDS, given.seed)
    logits = np.zeros(len(held))
    for fold in range(FOLDS):
        model = fit.fit_linear([_part(given.scored, held != fold)], "negative")
        logits[held == fold] = model.logits(_part(given.scored, held == fold))
    outcome = _compared(given, posts, logits, fit.BANDS["negative"], replace(refused, kind="alone"))
    if not outcome.better:
        return outcome
    fields, weights = fit.fit([given.scored])
    return replace(outcome, files=(_described(json.loads(fields), "", outcome), weights))


def _part(each: LabelledSet, chosen: Bools) -> LabelledSet:
    labels = tuple(label for label, kept in zip(each.labels, chosen, strict=True) if kept)
    return replace(
        each, values=each.values[chosen], runs=each.runs[chosen], snownlp=each.snownlp[chosen], labels=labels
    )


def _compared(given: _Given, posts: Posts, logits: Floats, cut: float, outcome: Outcome) -> Outcome:
    """Better only if the weighed log loss falls by more than its standard error and macro-F1 does not fall."""
    before, after = expit(posts.base), expit(np.clip(logits, -FARTHEST, FARTHEST))
    gain, error = _gain(posts, posts.base, logits)
    calls = {"before": before >= given.calibration.negative, "after": after >= cut}
    f1 = {name: macro_f1(called, posts.truth, posts.weighed.rows) for name, called in calls.items()}
    reason = _verdict(gain, error, f1)
    left_out = sum(outcome.left_out.values())
    rows = tuple(
        row(name, model, given.scored.labels, p, calls[model], weights, left_out)
        for name, weights in (("weighed", posts.weighed.rows), ("as labelled", None))
        for model, p in (("before", before), ("after", after))
    )
    better = gain > error and f1["after"] >= f1["before"]
    return replace(outcome, better=better, reason=reason, gain=gain, error=error, rows=rows)


def _verdict(gain: float, error: float, f1: Mapping[str, float]) -> str:
    change = f"{'falls' if gain > 0 else 'rises'} by {abs(gain):.4f} (standard error {error:.4f})"
    if gain <= error:
        return f"refused: the log loss {change}, which is no improvement beyond chance"
    if f1["after"] < f1["before"]:
        return f"refused: the log loss {change}, but macro-F1 falls from {f1['before']:.3f} to {f1['after']:.3f}"
    return f"better: the log loss {change}; macro-F1 goes from {f1['before']:.3f} to {f1['after']:.3f}"


# ---------------------------------------------------------------------------------------------------------------
# The files


def _moved(given: _Given, shifts: Mapping[str, Shift], outcome: Outcome) -> Files:
    fields = json.loads(given.base[0])
    table = given.table.copy()
    for side, target in enumerate(("negative", "positive")):
        if shift := shifts.get(target):
            *values, unit = fields[f"{target}_weights"]
            moved = shift.slope * np.array(values) + [shift.constant, *shift.values]
            unit, table[:, side] = _rounded(given, side, unit, shift)
            fields[f"{target}_weights"] = [*(round(float(w), fit.DIGITS) for w in moved), unit]
    weights = ngrams.written(table)
    fields["ngrams"] = hashlib.sha256(weights).hexdigest()
    return _described(fields, hashlib.sha256(given.base[0]).hexdigest(), outcome), weights


def _rounded(given: _Given, side: int, unit: float, shift: Shift) -> tuple[float, NDArray[np.int8]]:
    """The weights of all runs as whole numbers of a unit chosen anew, so that none that was moved far is cut."""
    if not shift.runs.any():
        return float(f"{unit * shift.slope:.{fit.DIGITS}g}"), given.table[:, side]
    table = given.table[:, side].astype(np.float64) * (unit * shift.slope)
    table[given.buckets()] += shift.runs
    return fit.whole_numbers(table)


def _described(fields: dict[str, Any], base: str, outcome: Outcome) -> bytes:
    """``calibration.json`` with what it came from: the kind, the base's SHA-256, the labels, what was gained."""
    fields |= {"kind": outcome.kind, "base": base, "labels": outcome.labels, "left_out": outcome.left_out}
    fields |= {"gain": round(outcome.gain, fit.DIGITS), "gain_error": round(outcome.error, fit.DIGITS)}
    return (json.dumps(fields, indent=1) + "\n").encode()
