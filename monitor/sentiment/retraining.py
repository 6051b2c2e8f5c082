"""How a base model is moved by labels: a ridge toward the base, its strength chosen by cross-validation.

A ``Shift`` adds to the base's logit z: constant + (slope - 1) z + what the features and runs of characters are now
worth more or less. Its parameters are the maximum of the weighed likelihood under normal priors around "nothing
changed" (MAP): so the base's knowledge stays without its texts, and only runs that the labels hold are moved. The
offsets of ``weighing.py`` stand beside it during the fit.

Labels chosen who knows how do not tell whether the base is too sure (``weighing.py``): for them constant and slope
stay, and a recalibration is no candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from monitor.sentiment.calibration import FARTHEST
from monitor.sentiment.judging import log_losses
from monitor.sentiment.labelled import Floats
from monitor.sentiment.weighing import CALLED, Bools, Ints, Weighed, folds

RECALIBRATION = 0.0
"""The strength that moves the constant and the slope only."""

REFITS = (0.25, 1.0, 4.0, 16.0)
"""Strengths of refits: what the prior variance of the weights of runs is multiplied by."""

CONSTANT_DEVIATION, SLOPE_DEVIATION = 1.0, 0.5
VALUE_DEVIATION, RUN_DEVIATION = 0.25, 0.8
"""Standard deviations of the priors: of the constant in logits, of the logarithm of the slope (so no labels turn the
base upside down), of the others in logits per unit. The last is what the ridge of ``monitor.sentiment.fit`` comes to on
the 40,000 texts it is used on, 1 / sqrt(40,000 * ridge). Features speak in every text, also where no label does, so
they are held closer than that, whatever the strength."""

FOLDS, INNER_FOLDS = 5, 4

KEPT = (1.0, 0.75, 0.5, 0.25, 0.0)
"""What may be left of the base's differences within a band: see ``doubting``."""

DESCENT = {"maxiter": 80, "ftol": 1e-6, "maxcor": 5}
"""For L-BFGS: it ends when a step gains less than a millionth; the held-out log loss then stands to the third digit."""


@dataclass(frozen=True, slots=True)
class Posts:
    """Labelled posts as the fit sees them. ``base``: the base's logits. ``runs``: posts by those buckets that are in
    enough of them. ``weighed``: what each stands for. ``cells``: what folds spread evenly. ``groups``: copies share
    one. ``level``: whether the labels can tell the base's constant and slope.
    """

    base: Floats
    values: Floats
    runs: Any
    truth: Bools
    weighed: Weighed
    cells: Ints
    groups: Ints
    level: bool

    def part(self, chosen: Bools) -> Posts:
        each = self.weighed
        weighed = Weighed(each.rows[chosen], each.offset[chosen], each.learned[chosen])
        return Posts(self.base[chosen], self.values[chosen], self.runs[chosen], self.truth[chosen], weighed,
                     self.cells[chosen], self.groups[chosen], self.level)  # fmt: skip

    @property
    def strengths(self) -> tuple[float, ...]:
        """Those that may be chosen."""
        return (RECALIBRATION, *REFITS) if self.level else REFITS


@dataclass(frozen=True, slots=True)
class Shift:
    constant: float
    slope: float
    values: Floats
    runs: Floats

    def logits(self, posts: Posts) -> Floats:
        found = self.constant + self.slope * posts.base + posts.values @ self.values + posts.runs @ self.runs
        kept: Floats = np.clip(found, -FARTHEST, FARTHEST)
        return kept


def fit_shift(posts: Posts, strength: float) -> Shift:
    """The MAP estimate; with the strength ``RECALIBRATION`` of constant and slope alone."""
    count, width = posts.values.shape[1], posts.runs.shape[1]
    if strength == RECALIBRATION:
        narrow = replace(posts, values=posts.values[:, :0], runs=posts.runs[:, :0], level=True)
        constant, slope = _descend(narrow, 1.0)
        return Shift(float(constant), float(np.exp(slope)), np.zeros(count), np.zeros(width))
    found = _descend(posts, strength)
    return Shift(float(found[0]), float(np.exp(found[1])), found[2 : 2 + count], found[2 + count :])


def _descend(posts: Posts, strength: float) -> Floats:
    """Constant, logarithm of the slope, weights of the values and of the runs. Sought in units of their priors."""
    posts = posts.part(posts.weighed.learned)
    first = 2 + posts.values.shape[1]
    deviations = np.full(first + posts.runs.shape[1], RUN_DEVIATION * strength**0.5)
    deviations[2:first] = VALUE_DEVIATION
    deviations[:2] = (CONSTANT_DEVIATION, SLOPE_DEVIATION) if posts.level else (0.0, 0.0)
    turned = posts.runs.T.tocsr()
    truth, offset = posts.truth.astype(float), posts.weighed.offset

    def cost(scaled: Floats) -> tuple[float, Floats]:
        moved = scaled * deviations
        sloped = posts.base * np.exp(moved[1])
        logits = offset + sloped + moved[0] + posts.values @ moved[2:first] + posts.runs @ moved[first:]
        gap = expit(logits) - truth
        slope = np.concatenate([[gap.sum(), gap @ sloped], gap @ posts.values, turned @ gap]) * deviations + scaled
        loss = (np.logaddexp(0, logits) - truth * logits).sum() + 0.5 * (scaled @ scaled)
        return float(loss), slope

    found = minimize(cost, np.zeros(len(deviations)), jac=True, method="L-BFGS-B", options=DESCENT)
    best: Floats = found.x * deviations
    return best


def choose_strength(posts: Posts, seed: int) -> float:
    """The strength with the least log loss, offsets added, on labels not fitted on; the weaker of equals."""
    if len(posts.strengths) == 1:
        return posts.strengths[0]
    held = folds(posts.groups.tolist(), posts.cells.tolist(), INNER_FOLDS, seed)
    learned = posts.weighed.learned
    losses = []
    for strength in posts.strengths:
        logits = logits_outside(posts, held, [strength] * INNER_FOLDS) + posts.weighed.offset
        losses.append(float(log_losses(expit(logits), posts.truth)[learned].sum()))
    return posts.strengths[int(np.argmin(losses))]


def logits_outside(posts: Posts, held: Ints, strengths: Sequence[float]) -> Floats:
    """Logits of each post by a shift that was fitted without its fold."""
    found = posts.base.copy()
    for fold, strength in enumerate(strengths):
        inside = held != fold
        if (inside & posts.weighed.learned).any() and not inside.all():
            found[~inside] = fit_shift(posts.part(inside), strength).logits(posts.part(~inside))
    return found


def cross_validated(posts: Posts, seed: int) -> tuple[float, Floats]:
    """The strength chosen on all labels; and the logits of each post by what the whole procedure, choice included,
    makes of the other folds."""
    held = folds(posts.groups.tolist(), posts.cells.tolist(), FOLDS, seed)
    strengths = [choose_strength(posts.part(held != fold), seed + 1) for fold in range(FOLDS)]
    return choose_strength(posts, seed + 1), logits_outside(posts, held, strengths)


def doubting(posts: Posts) -> Floats:
    """The base's logits, drawn toward their mean within each band as far as suits these labels best.

    Labels that have nothing to do with the words make any model better that only learns to doubt: this one as much as
    any, so a refit must beat it. Where the labels bear the base out, it is the base.
    """
    rows, called = posts.weighed.rows, posts.cells >= CALLED
    middle = posts.base.copy()
    for band in (called, ~called):
        if rows[band].any():
            middle[band] = logit(np.clip(rows[band] @ expit(posts.base[band]) / rows[band].sum(), 1e-5, 1 - 1e-5))
    tried = [middle + kept * (posts.base - middle) for kept in KEPT]
    found: Floats = min(tried, key=lambda logits: float(rows @ log_losses(expit(logits), posts.truth)))
    return found


def paired_gain(before: Floats, after: Floats, rows: Floats, groups: Ints) -> tuple[float, float]:
    """By how much the weighed mean loss falls, and the standard error of that, groups of copies being independent."""
    rows = rows / rows.sum()
    falls = before - after
    gain = float(rows @ falls)
    parts = np.bincount(groups, weights=rows * (falls - gain))
    count = len(np.unique(groups[rows > 0]))
    return gain, float(np.sqrt((parts**2).sum() * count / max(1, count - 1)))
