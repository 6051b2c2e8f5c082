"""Since when: of all stretches up to now the one that chance explains least begins where a person would say it began.

K's last zero is no such moment: where one voice a day is usual K takes days to fall, and a stray voice of last night
would be the beginning of this morning's storm.
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

from monitor.spikes.cusum import TINY
from monitor.spikes.recent import Totals


class Stretch(NamedTuple):
    """From a bin until now. ``start``: in seconds of the Unix epoch. ``before``: the running totals up to there.
    ``told``: an alert was raised in it, so it stays the same matter until it is calm."""

    start: float
    before: Totals
    told: bool = False


def surprise(observed: float, expected: float) -> float:
    """Nats for the rate that a stretch had against the expected one, if it had more: the statistic of a scan for
    clusters (Kulldorff 1997, *A spatial scan statistic*), Poisson. It asks for no size of the storm beforehand."""
    if observed <= expected:
        return 0.0
    return observed * log(observed / max(expected, TINY)) - (observed - expected)
