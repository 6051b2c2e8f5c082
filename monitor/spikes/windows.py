"""Z: how far the count of a sliding window lies above what today's volume explains, and how much counts scatter."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

SPREAD_PRIOR = 0.15
"""Relative variance assumed at first, in the weight of ``SPREAD_BLOCKS`` fully informative hours (measured)."""
SPREAD_BLOCKS = 2.0
SPREAD_LEAST = 0.005
POWER = 2 / 3
"""Makes Poisson counts nearly normal (Anscombe 1953)."""


def expected_given_volume(
    observed: float, own: float, other: float, usual_other: float, *, shrink: float, floor: float, echo: float
) -> float:
    """Own expectation x how much busier than usual it is: the posterior mean of a Gamma-distributed volume.

    What an excess of negative voices brings along itself (``echo`` posts each) is no busy day.
    """
    other = max(0.0, other - echo * max(0.0, observed - own))
    return own * max(floor, (shrink + other) / (shrink + usual_other))


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
