"""The travel index: how many times farther a brand's negative stories travel than its positive ones. Pure.

Good news stays home, bad news travels a thousand li: this must be able to find that it is not so. Reach has a tail so
heavy that means say little, most stories go nowhere, and bad and good news come from different platforms, authors and
hours. So, in four steps:

1. A factor *t* is what the counts of negative stories have to be thinned by to look like those of positive ones (of t
   < 1: the other way round). Each of x copies is kept with chance 1/t, and what is compared is the mean of log(1 + x),
   which no single story decides. For counts whose intensities differ by a factor this is exact, zeros included.
2. *All else equal*: both the sign and the outcome are freed of platform, followers (bands of all and of each platform,
   and a slope in each), hour and week by least squares, and the rests are compared (Frisch and Waugh 1933, Lovell
   1963). With bands alone this weighs each like Mantel and Haenszel (1959) do. None of it knows the outcome by sign.
3. The interval holds every t that a wild cluster bootstrap does not reject at 5 % (restricted, in its score form, with
   signs drawn by lot: Cameron, Gelbach and Miller 2008, doi:10.1162/rest.90.3.414; Kline and Santos 2012,
   doi:10.1515/2156-6674.1006). What is drawn are days, for one happening makes several stories of one day.
4. The measures add up, each weighed by how much it tells of a common factor against its own noise.

``tests/bench/travel.py`` draws brands whose negative stories travel just as far, and counts how often the interval
holds 1. Numbers: (s) chosen on that bench, (j) judgement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import ceil, inf, isfinite, log

import numpy as np
from numpy.typing import NDArray

from monitor.model import (
    TRAVEL_FEWEST,
    TRAVEL_WINDOW,
    Lack,
    Measure,
    StoryTravel,
    Travel,
    TravelMeasure,
    TravelVerdict,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Settings:
    fewest: int = TRAVEL_FEWEST
    """Stories of either sign (j)."""
    fewest_days: float = 5.0
    """Days on which they began, as many as weigh like equal ones (Hill 1973, doi:10.2307/1934352): 1 / sum of squared
    shares (j)."""
    largest_day: float = 1 / 12
    """The share of all stories beyond which a day is divided (j)."""
    fewest_travelled: int = 12
    """Stories of either sign together that went anywhere, by one measure (s)."""
    fewest_alike: float = 5.0
    """Pairs' worth of comparable stories: the sum of squares of what is left of the sign, twice which is a pair (j)."""
    of_a_measure: int = 15
    """Stories of either sign of which a single measure is known (j)."""
    band: int = 20
    """Stories in a band of followers, about; twice as many in one of a single platform (s)."""
    shows_followers: float = 0.2
    """A platform shows followers if those of this share of its stories' authors are known (j)."""
    draws: int = 1999
    """Odd by one of a round number, as tests by lot want it (Davison and Hinkley 1997, section 4.2.5)."""
    widest: float = 64.0
    """The largest factor that is looked for."""
    steps: int = 41
    """Factors tried between 1 / widest and widest; between two of them the interval's ends are interpolated."""
    most: int = 10_000
    """Stories taken at most, evenly: more tell nothing new."""
    level: float = 0.05


SETTINGS = Settings()


COUNTED = (Measure.COPIES, Measure.REPOSTS, Measure.COMMENTS)
"""What the one ratio is made of. Platforms are told beside it, for there are only so many: three times the copies do
not reach three times the platforms. So is speed: how fast is another question than how far."""

EXACT = 256
"""Counts up to this are thinned exactly, larger ones by a Taylor series of the second order."""

MOST_BANDS = 24
"""Bands of followers, however many stories there are: with a slope in each platform, finer ones change nothing."""

POWER = (1.96 + 0.84) ** 2
"""For a two-sided 5 % test that shows a difference in four of five cases (normal quantiles)."""

Interval = tuple[float, float, float]
"""ratio, low, high; 0 and inf where the data set no bound."""


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


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which day and which author each story is of, and signs drawn for each day."""

    days: Ints
    authors: Ints
    signs: Floats


def index(
    brand: str, day: date, days: int, stories: Sequence[StoryTravel], settings: Settings = SETTINGS, seed: int = 0
) -> Travel:
    """The travel index of stories that began in one period and were each seen for ``TRAVEL_WINDOW``.

    ``day`` and ``days`` name the period. ``seed`` draws the bootstrap's signs: the same stories have the same interval.
    """
    taken = _taken(stories, settings)
    negatives = sum(s.negative for s in taken)
    clusters = _clusters(taken, settings, np.random.default_rng(seed))
    scores = {m: _scores(taken, m, settings) for m in Measure}
    usable = [s for m in COUNTED if (s := scores[m]) is not None]
    lack = _lack(taken, usable, settings)
    found = None if lack else _interval(_together(usable, clusters), clusters, settings)
    size = (negatives, len(taken) - negatives)
    verdict = _verdict(found)
    return Travel(
        brand, day, days, round(TRAVEL_WINDOW / timedelta(hours=1)), *size, *_known(found), verdict,
        lack or (Lack.TRAVEL if found is None else None),
        _needed(found, len(taken)) if verdict is TravelVerdict.NO_DIFFERENCE else None,
        tuple(_measure(taken, m, scores[m], clusters, settings) for m in Measure),
    )  # fmt: skip


def _taken(stories: Sequence[StoryTravel], settings: Settings) -> list[StoryTravel]:
    """The stories that can be compared. Where a platform shows followers, those of which none are known are left out:
    nothing says whom to hold them against. A platform that shows them of nobody is compared as it is."""
    every: Counter[str] = Counter(s.platform for s in stories)
    known: Counter[str] = Counter(s.platform for s in stories if s.followers is not None)
    shows = {p for p, n in every.items() if known[p] >= settings.shows_followers * n}
    ordered = sorted(
        (s for s in stories if s.followers is not None or s.platform not in shows), key=lambda s: s.story
    )  # fmt: skip
    return ordered[:: max(1, -(-len(ordered) // settings.most))]


def _clusters(stories: Sequence[StoryTravel], settings: Settings, rng: np.random.Generator) -> Clusters:
    """Days, and parts of a day in their order where one holds so much that nothing could be drawn by lot without it."""
    days = np.zeros(len(stories), dtype=np.int64)
    number, size, day = -1, 0, None
    for at in sorted(range(len(stories)), key=lambda i: (stories[i].first_seen, stories[i].story)):
        today = stories[at].first_seen.toordinal()
        if today != day or size >= len(stories) * settings.largest_day:
            number, size, day = number + 1, 0, today
        days[at], size = number, size + 1
    authors = _numbered([s.author or f"{s.story}" for s in stories])
    return Clusters(days, authors, rng.choice((-1.0, 1.0), (settings.draws, number + 1)))


def _numbered(values: Sequence[object]) -> Ints:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(v, len(numbers)) for v in values], dtype=np.int64)


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


def _scores(stories: Sequence[StoryTravel], measure: Measure, settings: Settings) -> Scores | None:
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


def factors(settings: Settings) -> Floats:
    """The factors tried, in ascending order; 1 is one of them."""
    return np.geomspace(1 / settings.widest, settings.widest, settings.steps)


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
    platforms = _numbered([s.platform for s in stories])
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


def _lack(stories: Sequence[StoryTravel], usable: Sequence[Scores], settings: Settings) -> Lack | None:
    """What there is too little of. Nothing here knows how far stories of one sign went."""
    negatives = sum(s.negative for s in stories)
    if min(negatives, len(stories) - negatives) < settings.fewest:
        return Lack.STORIES
    if _even_days(stories) < settings.fewest_days:
        return Lack.DAYS
    if not usable:
        return Lack.TRAVEL
    if max(s.alike for s in usable) < settings.fewest_alike:
        return Lack.ALIKE
    return None


def _even_days(stories: Sequence[StoryTravel]) -> float:
    shares = [n / len(stories) for n in Counter(s.first_seen.toordinal() for s in stories).values()]
    return 1 / sum(share**2 for share in shares) if shares else 0.0


def _together(measures: Sequence[Scores], clusters: Clusters) -> Scores:
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


def _interval(scores: Scores, clusters: Clusters, settings: Settings) -> Interval | None:
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


def _verdict(found: Interval | None) -> TravelVerdict:
    if found is None:
        return TravelVerdict.TOO_LITTLE
    _, low, high = found
    if low > 1:
        return TravelVerdict.FARTHER
    return TravelVerdict.LESS_FAR if high < 1 else TravelVerdict.NO_DIFFERENCE


def _known(found: Interval | None) -> tuple[float | None, float | None, float | None]:
    if found is None:
        return None, None, None
    ratio, low, high = found
    return ratio, low, high if isfinite(high) else None


def _needed(found: Interval | None, stories: int) -> int | None:
    """Stories by which a factor of two would be shown in four of five cases; None if these are as many."""
    if found is None:
        return None
    _, low, high = (log(x) if x > 0 else -inf for x in found)
    if not isfinite(high - low):
        return None
    error = (high - low) / (2 * 1.96)
    times = POWER * (error / log(2)) ** 2
    return ceil(stories * times) if times > 1 else None


def _measure(
    stories: Sequence[StoryTravel], measure: Measure, scores: Scores | None, clusters: Clusters, settings: Settings
) -> TravelMeasure:
    known = [(s.negative, v) for s in stories if (v := outcome(s, measure)) is not None]
    sides = [[v for negative, v in known if negative is side] for side in (True, False)]
    bad, good = (sum(side) / len(side) if side else None for side in sides)
    enough = (
        scores is not None
        and scores.alike >= settings.fewest_alike
        and _even_days([stories[i] for i in scores.rows]) >= settings.fewest_days
    )
    found = _interval(scores, clusters, settings) if enough and scores is not None else None
    return TravelMeasure(measure, len(sides[0]), len(sides[1]), bad, good, *_known(found))
