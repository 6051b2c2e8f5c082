"""What is usual for a brand: volume = level x hour of the day x weekend, and the negative share of it.

Everything is a Gamma posterior in exponentially forgotten sums. What a bin tells about the level is limited by its
overdispersion, so a bin weighs 1 / (1 + spread x expected per hour), and single bins are winsorised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

VOLUME_SPREAD = 0.3
"""Relative variance of hourly volumes assumed when weighing bins (AR noise of sd 0.3 and Gamma noise; measured)."""
HOUR_PRIOR, WEEKEND_PRIOR = 3.0, 10.0
"""Pseudo-posts that pull the hour factors and the weekend factors towards 1."""
SHARE_PRIOR = 0.15
"""Negative share before anything is known; it weighs as much as two posts."""
LEAST_UNIT = 1e-6
TOO_FEW_OTHERS = 0.25
"""With fewer non-negative posts than this per negative voice, volume says nothing about the day."""


def winsorised(count: float, expected: float, spread: float) -> float:
    """``count``, but at most three standard deviations and one post above the expectation."""
    return min(count, expected + 3 * sqrt(expected + spread * expected * expected) + 1)


@dataclass(slots=True)
class Ratio:
    """A rate in forgotten sums: (prior + observed) / (prior / usual + exposure)."""

    over: float
    under: float
    prior_over: float
    prior_under: float

    @classmethod
    def prior(cls, over: float, under: float) -> Ratio:
        return cls(over, under, over, under)

    @property
    def value(self) -> float:
        return self.over / self.under

    def forget(self, keep: float) -> None:
        self.over = self.prior_over + (self.over - self.prior_over) * keep
        self.under = self.prior_under + (self.under - self.prior_under) * keep


@dataclass(slots=True)
class Factors:
    """Factors round 1, each (prior + observed) / (prior + expected), forgotten together.

    The sums are kept in units of ``unit``, which shrinks instead of all of them.
    """

    prior: float
    observed: list[float]
    expected: list[float]
    unit: float = 1.0

    @classmethod
    def ones(cls, number: int, prior: float) -> Factors:
        return cls(prior, [0.0] * number, [0.0] * number)

    def value(self, index: int) -> float:
        unit = self.unit
        return (self.prior + unit * self.observed[index]) / (self.prior + unit * self.expected[index])

    def learn(self, index: int, observed: float, expected: float, keep: float) -> None:
        self.unit *= keep
        if self.unit < LEAST_UNIT:
            self.observed = [self.unit * value for value in self.observed]
            self.expected = [self.unit * value for value in self.expected]
            self.unit = 1.0
        self.observed[index] += observed / self.unit
        self.expected[index] += expected / self.unit


@dataclass(slots=True)
class Baseline:
    """Rates per hour. ``negative`` and ``others``: at an average hour. ``share``: negative voices per other post."""

    negative: Ratio = field(default_factory=lambda: Ratio.prior(1.0, 1.0))
    others: Ratio = field(default_factory=lambda: Ratio.prior(1.5, 0.25))
    share: Ratio = field(default_factory=lambda: Ratio.prior(2 * SHARE_PRIOR / (1 - SHARE_PRIOR), 2.0))
    hours: Factors = field(default_factory=lambda: Factors.ones(24, HOUR_PRIOR))
    weekend: Factors = field(default_factory=lambda: Factors.ones(2, WEEKEND_PRIOR))

    def usual(self, hour: int, weekend: bool, *, raw: bool) -> tuple[float, float]:
        """(negative voices, other posts) expected per hour at this local hour; other is 0 where it says nothing."""
        season = self.hours.value(hour) * self.weekend.value(weekend)
        others, negative = self.others.value, self.negative.value
        if raw or others < TOO_FEW_OTHERS * negative:
            return negative * season, 0.0
        return self.share.value * others * season, others * season

    def uncertainty(self, *, raw: bool) -> float:
        """Relative variance of the expectation itself."""
        return 1 / (self.negative.over if raw else self.share.over + 1)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One block of heard bins to learn from. ``hours``: heard time. ``expected``: given the day's volume.

    ``usual`` and ``usual_other``: expected of the block. ``busy``: other posts an hour. ``spread``: of the count.
    ``first``: of the first day, when there is no expectation yet that could tell an outlier. ``odd_day``: of a holiday
    that changed how much is said.
    """

    hour: int
    weekend: bool
    hours: float
    learned: float
    other: float
    usual: float
    usual_other: float
    expected: float
    busy: float
    spread: float
    incident: bool
    first: bool
    odd_day: bool = False


def learn(base: Baseline, lesson: Lesson, keep: tuple[float, float, float], *, raw: bool) -> None:
    """Take in one block. ``keep``: what the heard time leaves of level, shape and share. An incident teaches only
    what it says of the other posts, an odd day only what it says of the share."""
    base.share.forget(keep[2])
    if not lesson.odd_day:
        base.negative.forget(keep[0])
        base.others.forget(keep[0])
    season = base.hours.value(lesson.hour) * base.weekend.value(lesson.weekend)
    own = season * lesson.hours
    count, other = lesson.learned, 0.0 if raw else lesson.other
    if not lesson.first:
        count = winsorised(count, lesson.expected, lesson.spread)
        other = winsorised(other, lesson.usual_other, VOLUME_SPREAD)
    per_hour = 1 / lesson.hours
    if not lesson.incident:
        busy = 1 / (1 + VOLUME_SPREAD * max(lesson.busy, lesson.usual_other * per_hour) / 3)
        base.share.over += busy * count
        base.share.under += busy * lesson.other
    if lesson.odd_day:
        return
    if not lesson.incident:
        weight = 1 / (1 + lesson.spread * lesson.usual * per_hour)
        base.negative.over += weight * count
        base.negative.under += weight * own
    weight = 1 / (1 + VOLUME_SPREAD * lesson.usual_other * per_hour)
    base.others.over += weight * other
    base.others.under += weight * own
    _learn_shape(base, lesson, count, other, keep[1])


def _learn_shape(base: Baseline, lesson: Lesson, count: float, other: float, keep: float) -> None:
    seen = other + (0 if lesson.incident else count)
    expected = lesson.usual_other + (0 if lesson.incident else lesson.usual)
    weight = 1 / (1 + VOLUME_SPREAD * expected / lesson.hours)
    for factors, index in ((base.hours, lesson.hour), (base.weekend, int(lesson.weekend))):
        factors.learn(index, weight * seen, weight * expected / factors.value(index), keep)
