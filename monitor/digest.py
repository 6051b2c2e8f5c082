"""The morning digest's reasoning: what may be said of a brand-day, from its counts alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from monitor.model import HEARD_ENOUGH, Change, IncidentLine, StoryLine, ThemeLine, Totals

LEARNING_DAYS = 3.0
"""Heard days behind the baseline below which nothing is called usual or unusual."""

NOISE_LEVEL = 0.01
"""Two-sided p below which a change is more than noise. A digest makes eight comparisons: at .05 one of them would cry
wolf about every third morning, at .01 less than once in twelve."""

THEME_LEVEL = 0.001
"""The same for one theme of complaint: a digest compares more than a dozen."""

TOP_STORIES = 5


@dataclass(frozen=True, slots=True)
class Scatter:
    """How much more a brand's days differ than Poisson counts would: factors on the variance, at least 1."""

    mentions: float = 1.0
    negative_posts: float = 1.0
    negative_voices: float = 1.0
    negative_share: float = 1.0


POISSON = Scatter()


def scatter(days: Sequence[Totals]) -> Scatter:
    """The usual scatter of a brand, from consecutive earlier days, oldest first.

    For two quasi-Poisson counts a, b of one rate, (a-b)^2/(a+b) is about the factor times chi-square with one degree
    of freedom, and so is the 2x2 statistic of two shares. The factor is the median over pairs of days divided by
    .455, the median of that chi-square: one incident among the days does not move it. Pairs with fewer than 20 posts
    say too little; with fewer than six pairs the factor is 1, the plain exact test.
    """
    pairs = [(a, b) for a, b in pairwise(days) if min(a.heard, b.heard) >= HEARD_ENOUGH]
    counts = {m: _factor([_count_statistic(getattr(a, m), getattr(b, m)) for a, b in pairs]) for m in _COUNTS}
    return Scatter(**counts, negative_share=_factor([_share_statistic(a, b) for a, b in pairs]))


def verdict(
    today: Totals,
    yesterday: Totals | None,
    last_week: Totals | None,
    incidents: Sequence[IncidentLine],
    days_of_data: float,
    heard: float,
    usual_scatter: Scatter = POISSON,
) -> str:
    """The key of the digest's first sentence; see ``model.Digest`` for the six keys.

    An incident is said whatever else was missed, and so is a count that exceeds the usual although part of the day
    was not heard: a lower bound above the usual is above the usual. After that, what was not heard and what is not
    yet learned forbid any statement about calm.
    """
    if incidents:
        return "incident"
    learning = days_of_data < LEARNING_DAYS
    if not learning and _raised(today, yesterday, last_week, usual_scatter.negative_voices):
        return "raised"
    if heard < HEARD_ENOUGH:
        return "unknown"
    if learning:
        return "learning"
    return "calm" if today.mentions else "empty"


def beyond_noise(now: Totals, before: Totals, usual_scatter: Scatter = POISSON) -> bool:
    """Whether the number of negative voices changed by more than two equally negative days would differ.

    False where either day was heard too little to be compared.
    """
    return bool(_count_differs("negative_voices", now, before, usual_scatter))


def voices_differ(
    now: int, before: int, heard_now: float, heard_before: float, usual_scatter: Scatter = POISSON,
    level: float = NOISE_LEVEL,
) -> bool | None:  # fmt: skip
    """The same for a part of the voices, such as those of one theme; None where too little was heard to compare."""
    if min(heard_now, heard_before) < HEARD_ENOUGH:
        return None
    return _poisson_p(now, before, heard_now, heard_before, usual_scatter.negative_voices) < level


def change(now: Totals, before: Totals | None, usual_scatter: Scatter = POISSON) -> tuple[Change, ...]:
    """The digest's four numbers of ``before``, each with whether ``now`` differs from it by more than noise.

    Without an earlier day the numbers are None. Where either day was heard too little, the numbers stand and the
    judgement is None.
    """
    if before is None:
        return tuple(Change(measure, None, None) for measure in (*_COUNTS, "negative_share"))
    counts = [Change(m, getattr(before, m), _count_differs(m, now, before, usual_scatter)) for m in _COUNTS]
    share = Change("negative_share", before.negative_share, _share_differs(now, before, usual_scatter.negative_share))
    return (*counts, share)


def rank_themes(themes: Iterable[ThemeLine]) -> tuple[ThemeLine, ...]:
    """Most voices first, then most posts."""
    return tuple(sorted(themes, key=lambda theme: (-theme.voices, -theme.posts, theme.theme)))


def rank_stories(lines: Sequence[StoryLine]) -> tuple[StoryLine, ...]:
    """At most five, loudest first: by negative voices and copies together, then voices, then reach; equals as given."""

    def loudness(line: StoryLine) -> tuple[int, int, int, int]:
        quote = line.quote
        answers = sum(n or 0 for n in (quote.likes, quote.reposts, quote.comments))
        return (-line.voices - line.copies, -line.voices, -answers, -(quote.followers or 0))

    return tuple(sorted(lines, key=loudness)[:TOP_STORIES])


def local_day(day: date, zone: str) -> tuple[datetime, datetime]:
    """Start (included) and end (excluded) of a local day in UTC: 23, 24 or 25 hours, rarely a half hour off these.

    Where a clock change removes midnight the day starts at the change; where it repeats midnight, at the first one.
    """
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


_COUNTS = ("mentions", "negative_posts", "negative_voices")
_CHI_SQUARE_MEDIAN = 0.4549
_ENOUGH_POSTS = 20
_ENOUGH_PAIRS = 6


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _raised(today: Totals, yesterday: Totals | None, last_week: Totals | None, factor: float) -> bool:
    """More negative voices than usual, and a larger share of what was said: a promo brings more of everything.

    Usual is the same weekday last week, which shares the week's rhythm with today; the day before stands in only where
    last week was not heard. What of today was not heard counts as none.
    """
    usual = next((t for t in (last_week, yesterday) if t is not None and t.heard >= HEARD_ENOUGH), None)
    if usual is None or today.negative_voices <= usual.negative_voices:
        return False
    if (today.negative_share or 0.0) <= (usual.negative_share or 0.0):
        return False
    return _poisson_p(today.negative_voices, usual.negative_voices, 1.0, usual.heard, factor) < NOISE_LEVEL


def _count_differs(measure: str, now: Totals, before: Totals, usual_scatter: Scatter) -> bool | None:
    if min(now.heard, before.heard) < HEARD_ENOUGH:
        return None
    factor: float = getattr(usual_scatter, measure)
    return _poisson_p(getattr(now, measure), getattr(before, measure), now.heard, before.heard, factor) < NOISE_LEVEL


def _share_differs(now: Totals, before: Totals, factor: float) -> bool | None:
    """Fisher's exact test on negative and other judged posts of two days, both divided by the scatter's factor."""
    from scipy.stats import fisher_exact

    if min(now.heard, before.heard) < HEARD_ENOUGH or now.negative_share is None or before.negative_share is None:
        return None
    table = [[round(n / factor) for n in _judged(totals)] for totals in (now, before)]
    return float(fisher_exact(table).pvalue) < NOISE_LEVEL


def _judged(totals: Totals) -> tuple[int, int]:
    """Negative and other posts among those that could be judged."""
    judged = totals.mentions - totals.unscored_posts - totals.pending_posts
    return totals.negative_posts, judged - totals.negative_posts


def _poisson_p(now: int, before: int, heard_now: float, heard_before: float, factor: float) -> float:
    """Two-sided p of the exact conditional test that two Poisson counts have one rate per heard volume.

    Given their sum n, the first is Binomial(n, heard_now / (heard_now + heard_before)) under the null
    (Przyborowski and Wilenski 1940); the smaller tail is doubled, so the level holds at any count, however small.
    For days that scatter more, both counts are divided by the factor and the binomial tails are read from the
    incomplete beta function, which equals them at whole numbers and joins them in between.
    """
    from scipy.special import betainc

    a, b, share = now / factor, before / factor, heard_now / (heard_now + heard_before)
    at_least = betainc(a, b + 1, share) if a else 1.0
    at_most = betainc(b, a + 1, 1 - share) if b else 1.0
    return min(1.0, 2 * float(min(at_least, at_most)))


def _count_statistic(a: int, b: int) -> float | None:
    return (a - b) ** 2 / (a + b) if a + b >= _ENOUGH_POSTS else None


def _share_statistic(a: Totals, b: Totals) -> float | None:
    """Chi-square of the 2x2 table of two days' negative and other judged posts."""
    (a1, a0), (b1, b0) = _judged(a), _judged(b)
    margins = (a1 + a0) * (b1 + b0) * (a1 + b1) * (a0 + b0)
    if not margins or min(a1 + b1, a0 + b0) < _ENOUGH_POSTS:
        return None
    return (a1 * b0 - a0 * b1) ** 2 * (a1 + a0 + b1 + b0) / margins


def _factor(statistics: Sequence[float | None]) -> float:
    known = [s for s in statistics if s is not None]
    return max(1.0, median(known) / _CHI_SQUARE_MEDIAN) if len(known) >= _ENOUGH_PAIRS else 1.0
