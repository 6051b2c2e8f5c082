"""What the travel index takes for enough, and how finely it looks. (s): chosen on ``tests/bench/travel.py``, (j):
judgement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.model import TRAVEL_FEWEST

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


def factors(settings: Settings) -> Floats:
    """The factors tried, in ascending order; 1 is one of them."""
    return np.geomspace(1 / settings.widest, settings.widest, settings.steps)
