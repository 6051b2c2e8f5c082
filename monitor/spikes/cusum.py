"""K: the cumulated evidence that the rate is raised, as a negative-binomial CUSUM with a memory of its onset."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

TINY = 1e-9


def log_likelihood_ratio(count: float, expected: float, spread: float, raised: float) -> float:
    """Nats in favour of the rate ``raised * expected`` against ``expected``; variance = mu + spread * mu**2.

    Hoehle and Paul 2008, *Count data regression charts for the monitoring of surveillance time series*.
    """
    expected = max(expected, TINY)
    low, high = 1 + spread * expected, 1 + spread * raised * expected
    return count * log(raised * low / high) - log(high / low) / spread


@dataclass(frozen=True, slots=True)
class Chain:
    """K after one block, and what was counted since its onset (the last block at which K was 0).

    ``onset``: start of that time in seconds of the Unix epoch; None while K is 0.
    """

    k: float = 0.0
    onset: float | None = None
    observed: int = 0
    own: float = 0.0
    expected: float = 0.0

    def after(self, gain: float, cap: float, start: float, block: tuple[int, float, float]) -> Chain:
        """The next block's chain. ``block``: observed, own expectation, expectation given the day's volume."""
        k = min(cap, max(0.0, self.k + gain))
        if k == 0.0:
            return QUIET
        observed, own, expected = block
        if self.onset is None:
            return Chain(k, start, observed, own, expected)
        return Chain(k, self.onset, self.observed + observed, self.own + own, self.expected + expected)


QUIET = Chain()
