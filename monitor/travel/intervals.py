"""The factors that the stories do not contradict: measures together, and a wild bootstrap over days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from monitor.model import StoryTravel
from monitor.travel.scores import Scores, numbered
from monitor.travel.settings import Floats, Ints, Settings, factors

Interval = tuple[float, float, float]
"""ratio, low, high; 0 and inf where the data set no bound."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which day and which author each story is of, and signs drawn for each day."""

    days: Ints
    authors: Ints
    signs: Floats


def clustered(stories: Sequence[StoryTravel], settings: Settings, rng: np.random.Generator) -> Clusters:
    """Days, and parts of a day in their order where one holds so much that nothing could be drawn by lot without it."""
    days = np.zeros(len(stories), dtype=np.int64)
    number, size, day = -1, 0, None
    for at in sorted(range(len(stories)), key=lambda i: (stories[i].first_seen, stories[i].story)):
        today = stories[at].first_seen.toordinal()
        if today != day or size >= len(stories) * settings.largest_day:
            number, size, day = number + 1, 0, today
        days[at], size = number, size + 1
    authors = numbered([s.author or f"{s.story}" for s in stories])
    return Clusters(days, authors, rng.choice((-1.0, 1.0), (settings.draws, number + 1)))


def together(measures: Sequence[Scores], clusters: Clusters) -> Scores:
    """One score of several measures, each weighed by what it gains with a factor over its variance."""
    stories, at = len(clusters.days), measures[0].of.shape[1] // 2
    total = np.zeros((stories, measures[0].of.shape[1]))
    shrunk = weight = 0.0
    for one in measures:
        gain = abs(one.of[:, at + 1].sum() - one.of[:, at - 1].sum())
        noise = float((_sums(one.of[:, at : at + 1], clusters.days[one.rows]) ** 2).sum()) * one.shrunk
        if noise > 0:
            total[one.rows] += gain / noise * one.of
            shrunk, weight = shrunk + gain**2 / noise, weight + gain**2 / noise / one.shrunk
    return Scores(
        total, np.arange(stories), shrunk / weight if weight else 1.0, max(one.alike for one in measures)
    )  # fmt: skip


def _sums(of: Floats, clusters: Ints) -> Floats:
    """Scores summed by cluster."""
    sums = np.zeros((int(clusters.max(initial=-1)) + 1, of.shape[1]))
    np.add.at(sums, clusters, of)
    return sums


def interval(scores: Scores, clusters: Clusters, settings: Settings) -> Interval | None:
    """The factor at which the scores sum to nothing, and those that the bootstrap does not reject."""
    days = _sums(scores.of, clusters.days[scores.rows])
    authors = _sums(scores.of, clusters.authors[scores.rows])
    drawn = (days**2).sum(axis=0)
    # Two-way clusters (Cameron, Gelbach and Miller 2011, doi:10.1198/jbes.2010.07136): one author's stories of
    # several days are alike, too.
    more = np.maximum(0.0, (authors**2).sum(axis=0) - (scores.of**2).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = scores.of.sum(axis=0) / np.sqrt(scores.shrunk * (drawn + more))
        lots = np.abs(clusters.signs[:, : len(days)] @ days) / np.sqrt(drawn)
    if not np.isfinite(t).all():
        return None
    limit = np.quantile(lots, 1 - settings.level, axis=0, method="higher")
    at = np.log(factors(settings))
    ratio = _crossing(at, t)
    low, high = _reach(at, limit - t, ratio, -1), _reach(at, limit + t, ratio, 1)
    return float(np.exp(ratio)), float(np.exp(low)), float(np.exp(high))


def _crossing(at: Floats, falling: Floats) -> float:
    """Where a falling line passes 0; an end of it where it does not."""
    below = np.flatnonzero(falling <= 0)
    if not len(below):
        return float(at[-1])
    i = int(below[0])
    if i == 0:
        return float(at[0])
    return float(np.interp(0.0, [falling[i], falling[i - 1]], [at[i], at[i - 1]]))


def _reach(at: Floats, allowed: Floats, start: float, step: int) -> float:
    """How far from ``start`` one may go in a direction until ``allowed`` falls below 0; without end: infinitely."""
    order = range(len(at)) if step > 0 else range(len(at) - 1, -1, -1)
    before, value = start, float(np.interp(start, at, allowed))
    for i in order:
        if (at[i] - start) * step <= 0:
            continue
        if allowed[i] < 0:
            share = value / (value - allowed[i]) if value > 0 else 0.0
            return float(before + share * (at[i] - before))
        before, value = float(at[i]), float(allowed[i])
    return step * inf
