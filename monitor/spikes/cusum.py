"""K: the cumulated evidence that the rate is raised, as a negative-binomial CUSUM."""

from __future__ import annotations

from math import log

TINY = 1e-9


def log_likelihood_ratio(count: float, expected: float, spread: float, raised: float) -> float:
    """Nats in favour of the rate ``raised * expected`` against ``expected``; variance = mu + spread * mu**2.

    Hoehle and Paul 2008, *Count data regression charts for the monitoring of surveillance time series*.
    """
    expected = max(expected, TINY)
    low, high = 1 + spread * expected, 1 + spread * raised * expected
    return count * log(raised * low / high) - log(high / low) / spread


def risen(k: float, gain: float, cap: float) -> float:
    """K after one more block that speaks for a raised rate by ``gain`` nats."""
    return min(cap, max(0.0, k + gain))
