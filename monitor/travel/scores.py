"""What each story says of every factor tried: how far it went, thinned, and freed of all else that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
from numpy.typing import NDArray

from monitor.model import Measure, StoryTravel
from monitor.travel.settings import Floats, Ints, Settings, factors

EXACT = 256
"""Counts up to this are thinned exactly, larger ones by a Taylor series of the second order."""

MOST_BANDS = 24
"""Bands of followers, however many stories there are: with a slope in each platform, finer ones change nothing."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What each story says for every factor tried: ``of`` (stories x factors), which sum to 0 at the ratio.

    ``days`` and ``authors`` number the clusters of each story; ``shrunk``: by how much least squares has made the
    scores too small; ``alike``: sum of squares of what is left of the sign.
    """

    of: Floats
    rows: Ints
    shrunk: float
    alike: float


def outcome(story: StoryTravel, measure: Measure) -> float | None:
    """What a story counts by one measure; None where it is not known. Of speed: the hours of a doubling."""
    match measure:
        case Measure.COPIES:
            return story.copies
        case Measure.REPOSTS:
            return story.reposts
        case Measure.COMMENTS:
            return story.comments
        case Measure.PLATFORMS:
            return story.platforms
        case Measure.SPEED:
            return story.doubling


def scored(stories: Sequence[StoryTravel], measure: Measure, settings: Settings) -> Scores | None:
    """None where no story, of either sign, went anywhere by this measure, or too few are known."""
    values = [outcome(s, measure) for s in stories]
    rows = np.array([i for i, v in enumerate(values) if v is not None], dtype=np.int64)
    known = [stories[i] for i in rows]
    negative = np.array([s.negative for s in known], dtype=bool)
    if min(negative.sum(), (~negative).sum()) < settings.of_a_measure:
        return None
    x = np.array([values[i] for i in rows], dtype=np.float64)
    if np.count_nonzero(x) < settings.fewest_travelled:
        return None
    basis = _basis(known, settings)
    sign = negative - basis @ (basis.T @ negative)
    told = _told(x, negative, measure, settings)
    rest = told - basis @ (basis.T @ told)
    free = len(rows) - basis.shape[1] - 1
    return Scores(sign[:, None] * rest, rows, len(rows) / max(1, free), float(sign @ sign))


def _told(x: Floats, negative: NDArray[np.bool_], measure: Measure, settings: Settings) -> Floats:
    """log(1 + count), thinned by each factor on the side that it makes larger; of speed the log of its inverse."""
    tried = factors(settings)
    if measure is Measure.SPEED:
        faster: Floats = -np.log(x)[:, None] - np.outer(negative, np.log(tried))
        return faster
    counts, at = np.unique(x.astype(np.int64), return_inverse=True)
    down = thinned(counts, np.minimum(1.0, 1 / tried))
    up = thinned(counts, np.minimum(1.0, tried))
    found: Floats = np.where(negative[:, None], down[at], up[at])
    return found


def thinned(counts: Ints, chances: Floats) -> Floats:
    """The mean of log(1 + n) over the n of each count that are kept, each with a chance: counts x chances."""
    exact = _exact(tuple(float(c) for c in chances))
    kept: Floats = counts[:, None] * chances
    large = np.log1p(kept) - kept * (1 - chances) / (2 * (1 + kept) ** 2)
    found: Floats = np.where(counts[:, None] <= EXACT, exact[np.minimum(counts, EXACT)], large)
    return found


@lru_cache(maxsize=8)
def _exact(chances: tuple[float, ...]) -> Floats:
    """``thinned`` of the counts 0 to EXACT, by the binomial distribution of each from that of the one before."""
    chance = np.array(chances)[:, None]
    share = np.zeros((len(chance), EXACT + 1))
    share[:, 0] = 1.0
    values, found = np.log1p(np.arange(EXACT + 1)), np.zeros((EXACT + 1, len(chance)))
    for n in range(1, EXACT + 1):
        share[:, 1:] = share[:, 1:] * (1 - chance) + share[:, :-1] * chance
        share[:, :1] *= 1 - chance
        found[n] = share @ values
    return found


def _basis(stories: Sequence[StoryTravel], settings: Settings) -> Floats:
    """An orthonormal basis of all that a story's platform, author's followers, hour and week may explain."""
    columns: list[Floats] = []
    platforms = numbered([s.platform for s in stories])
    reach = np.array([np.nan if s.followers is None else log(1 + max(0, s.followers)) for s in stories])
    known = ~np.isnan(reach)
    if known.any():
        columns += _bands(known, reach, settings.band)
    for platform in range(int(platforms.max(initial=-1)) + 1):
        here = platforms == platform
        columns.append((here & ~known).astype(np.float64))
        if (here & known).any():
            columns += _bands(here & known, reach, 2 * settings.band)
            columns.append(np.where(here & known, reach - reach[here & known].mean(), 0.0))
    columns = [c for c in columns if c.any()]
    hours = np.array([s.first_seen.timestamp() / 3600 for s in stories])
    turn = 2 * np.pi * (hours % 24) / 24
    for wave in (turn, 2 * turn):
        columns += [np.sin(wave), np.cos(wave)]
    age = (hours - hours.min(initial=0)) / 24
    columns += [age - age.mean()]
    if len(stories) >= 40 * (1 + age.max(initial=0) // 7):
        weeks = (age // 7).astype(np.int64)
        columns += [(weeks == week).astype(np.float64) for week in range(1, int(weeks.max(initial=0)) + 1)]
    matrix = np.column_stack(columns)
    matrix /= np.maximum(1e-12, np.linalg.norm(matrix, axis=0))
    size, turned = np.linalg.eigh(matrix.T @ matrix)
    own = size > 1e-9 * size[-1]  # the rest says again what others say: a band that is a whole platform
    return np.asarray(matrix @ (turned[:, own] / np.sqrt(size[own])), dtype=np.float64)


def _bands(of: NDArray[np.bool_], reach: Floats, size: int) -> list[Floats]:
    """A column each of bands of followers that hold about ``size`` of these stories."""
    bands = int(np.clip(of.sum() // size, 1, MOST_BANDS))
    band = np.searchsorted(np.quantile(reach[of], np.linspace(0, 1, bands + 1)[1:-1]), reach)
    return [np.asarray(of & (band == b), dtype=np.float64) for b in range(bands)]


def numbered(values: Sequence[object]) -> Ints:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(v, len(numbers)) for v in values], dtype=np.int64)
