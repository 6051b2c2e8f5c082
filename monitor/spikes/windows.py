"""Z: how far the count of a sliding window lies above what today's volume explains, and how much counts scatter."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

SPREAD_PRIOR = 0.15
"""Relative variance assumed at first, in the weight of ``SPREAD_BLOCKS`` fully informative hours (measured)."""
SPREAD_BLOCKS = 2.0
SPREAD_LEAST = 0.005
LEAST = 1e-9
POWER = 2 / 3
"""Makes Poisson counts nearly normal (Anscombe 1953)."""


MOST_ECHO = 0.5
"""At most this share of the posts is taken for an echo, where most posts are negative."""
FLAT_SHRINK = 0.5
"""Posts: the prior of a busy day, which believes any volume (Jeffreys)."""
BUSY_ECHO = 0.5
"""Of the echo, what is taken off a busy day: nothing would hide storms, all of it would tell promotions (s)."""
BUSY_SPREAD = 0.15
"""Relative variance of the volume of a day that is not busy (measured)."""


def expected_given_volume(
    observed: float, own: float, other: float, usual_other: float, *, shrink: float, floor: float, echo: float
) -> float:
    """Own expectation x how much busier than usual it is, at least ``floor``: the posterior mean of a Gamma volume
    that knows ``shrink`` posts before.

    What negative voices above this very expectation bring along (``echo`` posts each) is no busy day: with E for it,
    E / own = (shrink + other - echo * (observed - E)) / (shrink + usual_other), solved for E.
    """
    usual = shrink + usual_other
    echo = min(echo, MOST_ECHO * usual / max(own, LEAST))
    return own * max(floor, max(0.0, shrink + other - echo * observed) / (usual - echo * own))


def busyness(observed: float, own: float, other: float, usual_other: float, echo: float) -> float:
    """Standard deviations of the volume above the usual, without the echo of an excess; at least 0."""
    other = max(0.0, other - echo * max(0.0, observed - own))
    return max(0.0, deviation(other, max(usual_other, LEAST), BUSY_SPREAD))


def deviation(observed: float, expected: float, spread: float) -> float:
    """Standard deviations of ``observed`` above ``expected``; variance = mu + spread * mu**2, skewness removed."""
    scaled: float = (observed / expected) ** POWER
    return (scaled - 1) / (POWER * sqrt(1 / expected + spread))


@dataclass(slots=True)
class Spread:
    """Relative variance beyond Poisson of one window's counts, by weighted moments in forgotten sums."""

    over: float = SPREAD_PRIOR * SPREAD_BLOCKS
    under: float = SPREAD_BLOCKS

    @property
    def value(self) -> float:
        return self.over / self.under

    def learn(self, counted: float, expected: float, share: float, keep: float) -> None:
        """``share``: of the window that is new, in hours per hour: windows overlap. Large expectations tell more."""
        counted = min(counted, expected + 3 * sqrt(expected + self.value * expected * expected) + 1)
        weight = SPREAD_PRIOR * expected
        weight = (weight / (1 + weight)) ** 2 * share
        error = (counted - expected) ** 2 - expected
        over, under = SPREAD_PRIOR * SPREAD_BLOCKS, SPREAD_BLOCKS
        self.under = under + (self.under - under) * keep + weight
        self.over = over + (self.over - over) * keep + weight * error / (expected * expected)
        self.over = max(self.over, SPREAD_LEAST * self.under)
