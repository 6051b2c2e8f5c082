"""What each labelled post stands for, and folds that keep copies together.

Labels from people are no sample of the stream. They are given where something was wrong or mattered, so both the
share of negatives among them and the share of the model's mistakes are the choice of whoever labelled. A fit that took
them as they come would learn that choice. If only mistakes were labelled, it would learn to turn the model upside down.
What labels of unknown choice do tell is the contrast *inside* a band of the model: among posts that it judged alike,
which words stand in those that people call negative.

So posts are told apart by their cell (did the model call it negative; is it negative), and each cell is taken for a
fair choice of its posts. The model's own claim says how much of the stream a cell is: in each band the negatives have
the share q that is the model's mean P over the band, so weighed; the band that was called negative has the share
(prior - q0) / (q1 - q0) of all, which makes both bands add up to the prior. From this follow two numbers of a post:

- its *weight*, for judging: its cell's share of the stream, divided by the cell's labels. The weighed labels are a
  stream as the model describes it, of which people only said which post is which.
- its *offset*, for learning: log of the odds of negatives among the band's labels, over q / (1 - q). Added to the logit
  during the fit (each label counting 1) and left out after, it takes the blame for what was chosen, as in case-control
  studies (Scott and Wild 1986; King and Zeng 2001, "prior correction"), and wastes no label as weights would.

Neither lets the share of negatives or of mistakes among the labels move a constant. The price: where the model is wrong
about how often it is right in a band, such labels do not tell it so; nor do they tell that it is too sure.

A band whose labels are (but for fewer than ``CONFIRMED`` posts) all mistakes has no such contrast: it weighs nothing
and teaches nothing. One whose labels all say that the model is right teaches nothing but is weighed: it can only hold a
change back.

Who labelled a random sample of the stream (``sample=True``) does know how often the model is right in each band. Then
the negatives weigh the prior together, the others the rest, as in ``monitor.sentiment.fit``, whatever the bands. What
either way does to posts not labelled, ``tests/bench/sentiment_training.py`` shows.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from monitor.sentiment.labelled import Floats

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

CONFIRMED = 5
"""Posts of a band that the model got right, at least, if its mistakes are to be learned from."""

CALLED = 2
"""The number of a post's cell: this if the model called it, plus 1 if it is."""

LEAST_CALLED, MOST_CALLED = 0.05, 0.95
"""Bounds on the share of posts that a model is taken to call negative."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A number for each post. ``rows``: its weight, together 1 (or all 0). ``offset``: see above. ``learned``: whether
    it takes part in a fit."""

    rows: Floats
    offset: Floats
    learned: Bools


def as_chosen(p: Floats, called: Bools, truth: Bools, prior: float) -> Weighed:
    """Labels chosen who knows how. ``p``: the model's P; ``called``: what it puts into the band; ``truth``: what people
    say."""
    found = Weighed(np.zeros(len(p)), np.zeros(len(p)), np.zeros(len(p), dtype=bool))
    high = _band_share(p, called, truth, prior)
    for band, share in ((called, high), (~called, 1 - high)):
        wrong = band & (truth != called)
        right = band & ~wrong
        if not right.any() or (wrong.any() and right.sum() < CONFIRMED):
            continue
        claimed = _claimed(p, band, truth)
        negative, other = int((band & truth).sum()), int((band & ~truth).sum())
        found.rows[band & truth] = share * claimed / max(1, negative)
        found.rows[band & ~truth] = share * (1 - claimed) / max(1, other)
        if wrong.any():
            found.offset[band] = np.log(negative / other) - logit(claimed)
            found.learned[band] = True
    found.rows[:] /= max(found.rows.sum(), 1e-12)
    return found


def as_sample(truth: Bools, prior: float) -> Weighed:
    """A random sample but for the share of negatives: these weigh ``prior`` together, the others the rest."""
    negative = int(truth.sum())
    other = len(truth) - negative
    rows = np.where(truth, prior / max(1, negative), (1 - prior) / max(1, other))
    offset = np.log(max(1, negative) / max(1, other)) - logit(prior)
    return Weighed(rows, np.full(len(truth), offset), np.ones(len(truth), dtype=bool))


def _claimed(p: Floats, band: Bools, truth: Bools) -> float:
    """The share q of negatives that the model claims in a band: its mean P there, once the cells weigh q and 1 - q."""
    sides = [p[band & side] for side in (truth, ~truth)]
    if not sides[0].size or not sides[1].size:
        return float(p[band].mean())
    negative, other = float(sides[0].mean()), float(sides[1].mean())
    return other / (1 - negative + other)


def _band_share(p: Floats, called: Bools, truth: Bools, prior: float) -> float:
    """The share of the stream that the model claims to call negative."""
    if called.all() or not called.any():
        return float(called.any())
    high, low = _claimed(p, called, truth), _claimed(p, ~called, truth)
    return min(max((prior - low) / max(high - low, 1e-9), LEAST_CALLED), MOST_CALLED)


def effective_number(rows: Floats) -> float:
    """How many posts of equal weight say as much (Kish): (sum w)^2 / sum w^2."""
    return float(rows.sum() ** 2 / max((rows**2).sum(), 1e-300))


def folds(groups: Sequence[int], cells: Sequence[int], count: int, seed: int) -> Ints:
    """A fold, 0 .. ``count`` - 1, for each post. Posts of one group share one; each cell is spread evenly."""
    members: dict[int, Counter[int]] = {}
    for group, cell in zip(groups, cells, strict=True):
        members.setdefault(group, Counter())[cell] += 1
    order = sorted(members)
    random.Random(seed).shuffle(order)
    order.sort(key=lambda group: -members[group].total())
    held: list[Counter[int]] = [Counter() for _ in range(count)]
    chosen = {}
    for group in order:
        mine = members[group]
        fold = min(range(count), key=lambda f: (sum(held[f][cell] * n for cell, n in mine.items()), held[f].total(), f))
        held[fold] += mine
        chosen[group] = fold
    return np.array([chosen[group] for group in groups], dtype=np.int64)
