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
holds 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil, inf, isfinite, log

import numpy as np

from monitor.model import (
    TRAVEL_WINDOW,
    Lack,
    Measure,
    StoryTravel,
    Travel,
    TravelMeasure,
    TravelVerdict,
)
from monitor.travel.intervals import Clusters, Interval, clustered, interval, together
from monitor.travel.scores import Scores, outcome, scored
from monitor.travel.settings import SETTINGS, Settings

__all__ = ["SETTINGS", "Settings", "index"]

COUNTED = (Measure.COPIES, Measure.REPOSTS, Measure.COMMENTS)
"""What the one ratio is made of. Platforms are told beside it, for there are only so many: three times the copies do
not reach three times the platforms. So is speed: how fast is another question than how far."""

POWER = (1.96 + 0.84) ** 2
"""For a two-sided 5 % test that shows a difference in four of five cases (normal quantiles)."""


def index(
    brand: str, day: date, days: int, stories: Sequence[StoryTravel], settings: Settings = SETTINGS, seed: int = 0
) -> Travel:
    """The travel index of stories that began in one period and were each seen for ``TRAVEL_WINDOW``.

    ``day`` and ``days`` name the period. ``seed`` draws the bootstrap's signs: the same stories have the same interval.
    """
    taken = _taken(stories, settings)
    negatives = sum(s.negative for s in taken)
    clusters = clustered(taken, settings, np.random.default_rng(seed))
    scores = {m: scored(taken, m, settings) for m in Measure}
    usable = [s for m in COUNTED if (s := scores[m]) is not None]
    lack = _lack(taken, usable, settings)
    found = None if lack else interval(together(usable, clusters), clusters, settings)
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
    found = interval(scores, clusters, settings) if enough and scores is not None else None
    return TravelMeasure(measure, len(sides[0]), len(sides[1]), bad, good, *_known(found))
