"""What the detector found at one bin, and its arithmetic as evidence for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from monitor.model import Severity, utc_text

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share (the same as scipy's ``binomtest(...).proportion_ci("wilson")``)."""
    if of == 0:
        return 0.0, 1.0
    share, q = hits / of, Z95 * Z95 / of
    middle, half = share + q / 2, Z95 * sqrt(share * (1 - share) / of + q / (4 * of))
    return max(0.0, (middle - half) / (1 + q)), min(1.0, (middle + half) / (1 + q))


def upper_tail(count: int, mean: float, spread: float) -> float:
    """P(Y >= count) of a negative binomial with variance mean + spread * mean**2; Poisson where spread is 0.

    The regularised incomplete beta function, as in ``scipy.stats.nbinom.sf(count - 1, 1 / spread, ...)``;
    ``scipy.special`` alone starts ten times faster than ``scipy.stats``.
    """
    from scipy.special import betainc, gammainc

    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if spread <= 0:
        return float(gammainc(count, mean))
    return float(betainc(count, 1 / spread, spread * mean / (1 + spread * mean)))


def quantile(share: float, mean: float, spread: float) -> int:
    """The smallest count that at least ``share`` of the negative binomial does not exceed."""
    high = 1
    while 1 - upper_tail(high + 1, mean, spread) < share:
        high *= 2
    low = -1
    while high - low > 1:
        middle = (low + high) // 2
        if 1 - upper_tail(middle + 1, mean, spread) >= share:
            high = middle
        else:
            low = middle
    return high


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time up to the end of the bin. Expectations are for what was heard of it.

    ``own``: by the brand's own pattern; ``expected``: given today's volume; ``spread``: relative variance of counts.
    """

    observed: int
    own: float
    expected: float
    spread: float

    @property
    def ratio(self) -> float | None:
        return self.observed / self.expected if self.expected > 0 else None

    @property
    def p(self) -> float:
        """How likely so many or more are, if nothing is the matter."""
        return upper_tail(self.observed, self.expected, self.spread)

    @property
    def interval(self) -> tuple[int, int]:
        """What 95 of 100 such stretches hold, if nothing is the matter."""
        return quantile(0.025, self.expected, self.spread), quantile(0.975, self.expected, self.spread)

    def evidence(self) -> dict[str, object]:
        low, high = self.interval
        return {
            "observed": self.observed,
            "own": _digits(self.own),
            "expected": _digits(self.expected),
            "low": low,
            "high": high,
            "ratio": None if self.ratio is None else _digits(self.ratio),
            "p": _digits(self.p),
        }


@dataclass(frozen=True, slots=True)
class Measurement:
    """One bin, judged. ``time``: its start.

    ``alert``: set where one is raised, and again where it grows more severe. ``notice``: K alone is over its
    threshold. ``k``: nats. ``z``: standard deviations of the strongest window, ``z_hours`` its length; None in a bin
    not judged or for raw volumes. ``f``: standard deviations above the same hours of the fortnight; None where it
    was not asked (K below its threshold) or cannot tell. ``known``: enough was heard; where not, everything is empty,
    or reckoned from the least there was if K alone is over its threshold even so. ``learning``: cold start. ``calm``: K
    has long been low. ``onset``: since when
    more is said than chance explains. ``days_of_data``: heard days behind the baseline. ``negative`` and
    ``other``: posts of the last six hours; ``usual_share``: the usual share of negative ones. ``firing``: what the
    tests say of this bin, whether it is raised or was said before.
    """

    time: datetime
    alert: Severity | None
    notice: bool
    known: bool
    learning: bool
    calm: bool
    k: float
    z: float | None
    z_hours: float | None
    f: float | None
    f_expected: float | None
    hour: Span
    six_hours: Span
    since_onset: Span | None
    onset: datetime | None
    days_of_data: float
    negative: int
    other: int
    usual_share: float | None
    firing: Severity | None = None

    def evidence(self) -> dict[str, object]:
        """Everything as JSON-able values; intervals and probabilities are reckoned here and not before."""
        return {
            "time": utc_text(self.time),
            "alert": self.alert.value if self.alert else None,
            "notice": self.notice,
            "known": self.known,
            "learning": self.learning,
            "calm": self.calm,
            "k": _digits(self.k),
            "z": None if self.z is None else _digits(self.z),
            "z_hours": self.z_hours,
            "f": None if self.f is None else _digits(self.f),
            "f_expected": None if self.f_expected is None else _digits(self.f_expected),
            "hour": self.hour.evidence(),
            "six_hours": self.six_hours.evidence(),
            "since_onset": self.since_onset.evidence() if self.since_onset else None,
            "onset": utc_text(self.onset) if self.onset else None,
            "days_of_data": round(self.days_of_data, 2),
            "share": self._share(),
        }

    def _share(self) -> dict[str, object] | None:
        if self.usual_share is None:
            return None
        all_posts = self.negative + self.other
        low, high = wilson(self.negative, all_posts)
        share = self.negative / all_posts if all_posts else None
        return {
            "negative": None if share is None else _digits(share),
            "low": _digits(low),
            "high": _digits(high),
            "usual": _digits(self.usual_share),
        }


def _digits(value: float) -> float:
    """Four significant digits: what a person reads."""
    return float(f"{value:.4g}")
