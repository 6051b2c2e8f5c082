"""The arithmetic, each part against a plain reference or a library."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, strategies
from scipy import stats
from scipy.special import gammaln

from monitor.spikes import Span
from monitor.spikes.baseline import Factors, winsorised
from monitor.spikes.cusum import log_likelihood_ratio, risen
from monitor.spikes.detector import Detector
from monitor.spikes.farrington import PARTS, Fortnight, excess
from monitor.spikes.measurement import quantile, upper_tail, wilson
from monitor.spikes.windows import Spread, busyness, deviation, expected_given_volume

from .made import QUARTER, START, bins, minutes, settings

counts = strategies.integers(0, 3000)
means = strategies.floats(0.01, 2000)
spreads = strategies.floats(0.005, 3)


def nb(mean: float, spread: float) -> stats.rv_discrete:
    return stats.nbinom(1 / spread, 1 / (1 + spread * mean))


@given(count=counts, mean=means, spread=spreads)
def test_the_tail_is_scipys(count: int, mean: float, spread: float) -> None:
    assert upper_tail(count, mean, spread) == pytest.approx(nb(mean, spread).sf(count - 1), rel=1e-8, abs=1e-300)


@given(count=counts, mean=means)
def test_without_spread_the_tail_is_poissons(count: int, mean: float) -> None:
    assert upper_tail(count, mean, 0) == pytest.approx(stats.poisson(mean).sf(count - 1), rel=1e-8, abs=1e-300)


@given(mean=means, spread=spreads, share=strategies.sampled_from([0.025, 0.5, 0.975]))
def test_quantiles_are_scipys(mean: float, spread: float, share: float) -> None:
    ours, theirs = quantile(share, mean, spread), int(nb(mean, spread).ppf(share))
    assert abs(ours - theirs) <= (abs(nb(mean, spread).cdf(min(ours, theirs)) - share) < 1e-9)


@given(data=strategies.data(), of=strategies.integers(1, 10**6))
def test_the_wilson_interval_is_scipys(data: strategies.DataObject, of: int) -> None:
    hits = data.draw(strategies.integers(0, of))
    low, high = stats.binomtest(hits, of).proportion_ci(method="wilson")
    assert wilson(hits, of) == pytest.approx((low, high), abs=1e-9)


def test_no_posts_say_nothing_about_the_share() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@given(count=strategies.integers(0, 500), mean=strategies.floats(0.01, 300), spread=spreads)
def test_k_gains_the_log_likelihood_ratio(count: int, mean: float, spread: float) -> None:
    """Against the ratio of the two probability functions, written out with gamma functions."""

    def log_pmf(mu: float) -> float:
        r = 1 / spread
        p = r / (r + mu)
        return float(gammaln(count + r) - gammaln(r) - gammaln(count + 1) + r * math.log(p) + count * math.log1p(-p))

    expected = log_pmf(3 * mean) - log_pmf(mean)
    assert log_likelihood_ratio(count, mean, spread, 3.0) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(gains=strategies.lists(strategies.floats(-2, 3), max_size=60))
def test_k_is_the_recursion_of_page(gains: list[float]) -> None:
    """Page's CUSUM as the largest sum of the last gains, where the cap does not bite."""
    k = 0.0
    for i, gain in enumerate(gains):
        k = risen(k, gain, 1e9)
        tails = [sum(gains[j : i + 1]) for j in range(i + 1)]
        assert k == pytest.approx(max(0.0, *tails), abs=1e-9)


def test_k_is_capped_and_falls_from_the_cap() -> None:
    k = 0.0
    for _ in range(10):
        k = risen(k, 3.0, 8.0)
    assert k == 8.0
    assert risen(k, -1.5, 8.0) == 6.5


def test_the_detectors_k_is_the_slow_reference() -> None:
    """K of every bin again, with scipy's probabilities, from what the detector expected of the bin."""
    rows = bins(QUARTER, *minutes(8, per_hour=60, storms=[(6, 6, 30)]))
    detector, k = Detector(settings(raw=True)), 0.0
    largest = 0.0
    for row in rows:
        spread = detector._spreads[1].value + detector._base.uncertainty(raw=True)
        found = detector.step(row)
        r, mu = 1 / spread, detector._track.recent.last(1).own
        gain = stats.nbinom(r, r / (r + 3 * mu)).logpmf(row.count) - stats.nbinom(r, r / (r + mu)).logpmf(row.count)
        k = min(30.0, max(0.0, k + float(gain)))
        assert found.k == pytest.approx(k, abs=1e-6)
        largest = max(largest, k)
    assert largest > 10


def plain_farrington(count: int, references: list[float], weights: list[float]) -> tuple[float, float]:
    """The formula that ``farrington`` names, in plain Python: -> (F, mean)."""
    w = list(weights)
    for last in (False, False, True):
        mean = max(sum(a * b for a, b in zip(w, references, strict=True)) / sum(w), 0.05)
        squares = sum(a * (b - mean) ** 2 for a, b in zip(w, references, strict=True))
        phi = max(1.0, squares / mean / max(1.0, sum(w) - 1))
        if last:
            break
        for i, x in enumerate(references):
            residual = 1.5 * (x ** (2 / 3) * mean ** (-1 / 6) - mean**0.5) / phi**0.5
            w[i] = weights[i] * ((2.58 / residual) ** 2 if residual > 2.58 else 1.0)
    tau = phi * (1 + 1 / sum(w))
    return ((count / mean) ** (2 / 3) - 1) / (2 / 3 * (tau / mean) ** 0.5), mean


@given(
    count=strategies.integers(3, 3000),
    references=strategies.lists(strategies.integers(0, 500), min_size=9, max_size=70),
    half_life=strategies.floats(1, 100),
)
def test_f_is_the_plain_formula(count: int, references: list[int], half_life: float) -> None:
    weights = [0.5 ** (i / half_life) for i in range(len(references))]
    found = excess(count, 1.0, np.array(references, float), np.array(weights))
    f, mean = plain_farrington(count, [float(x) for x in references], weights)
    assert (found.f, found.expected) == (pytest.approx(f, rel=1e-9, abs=1e-9), pytest.approx(mean, rel=1e-9))


def test_the_mean_of_f_is_that_of_a_quasi_poisson_regression() -> None:
    """Without outliers: the fitted mean and X2 dispersion of an intercept-only Poisson GLM, by Newton's method."""
    references = np.random.default_rng(2).poisson(40, 70).astype(float)
    beta = 0.0
    for _ in range(100):
        beta += float((references - math.exp(beta)).sum() / (70 * math.exp(beta)))
    mean = math.exp(beta)
    phi = max(1.0, float(((references - mean) ** 2 / mean).sum()) / 69)
    found = excess(60, 1.0, references, np.ones(70))
    assert found.expected == pytest.approx(mean, rel=1e-9)
    assert found.f == pytest.approx(((60 / mean) ** (2 / 3) - 1) / (2 / 3 * (phi * (1 + 1 / 70) / mean) ** 0.5))


def test_an_old_storm_among_the_references_weighs_less() -> None:
    usual = np.random.default_rng(2).poisson(20, 70).astype(float)
    storm = usual.copy()
    storm[:2] = 300
    found = excess(80, 1.0, storm, np.ones(70))
    assert found.expected - usual.mean() < 0.35 * (storm.mean() - usual.mean())
    naive = (80 - storm.mean()) / storm.std()
    assert found.f > 1.5 > naive + 0.1


@pytest.mark.parametrize("minute", [15, 60])
def test_the_detectors_f_uses_the_same_hours_of_the_days_before(minute: int) -> None:
    """References gathered again by their times, with a day and some single bins unknown."""
    width = timedelta(minutes=minute)
    rows = bins(width, *minutes(13, per_hour=60, storms=[(12.5, 6, 60)]))
    per_day = timedelta(days=1) // width
    rows = [row for i, row in enumerate(rows) if not 5 * per_day <= i < 6 * per_day and i % 37]
    detector = Detector(settings(width, raw=True, zone="UTC"))
    known, asked = {}, 0
    for row in rows:
        known[row.start] = row.count
        found = detector.step(row)
        if found.f is None or found.time < START + timedelta(days=10):
            continue
        asked += 1
        window = timedelta(hours=3) // width
        ends = sorted(
            {
                (day, round((timedelta(days=day) + step * timedelta(minutes=30)) / width))
                for day in range(1, 15)
                for step in (-2, -1, 0, 1, 2)
            }
        )
        references, weights = [], []
        for day, lag in ends:
            times = [row.start - (lag + i) * width for i in range(window)]
            heard = [known[time] for time in times if time in known]
            if len(heard) >= 0.75 * window:
                references.append(sum(heard) * window / len(heard))
                weights.append(0.5 ** (day / 4))
        now = [known[row.start - i * width] for i in range(window) if row.start - i * width in known]
        scaled = len(now) / window
        f, mean = plain_farrington(sum(now), references, weights)
        assert found.f_expected == pytest.approx(mean * scaled, rel=1e-9)
        if scaled == 1:
            assert found.f == pytest.approx(f, rel=1e-9)
    assert asked > 5


def test_f_is_silent_with_few_references_or_posts() -> None:
    memory = Fortnight(settings())
    for _ in range(100):
        memory.add(5, 1.0, 0)
    assert memory.judge(60, 1.0) is None
    for _ in range(96 * 2):
        memory.add(5, 1.0, 0)
    assert memory.judge(60, 1.0) is not None
    assert memory.judge(2, 1.0) is None


@given(skips=strategies.lists(strategies.integers(0, 3000), min_size=1, max_size=8))
def test_the_memory_of_a_fortnight_survives_gaps_and_a_restart(skips: list[int]) -> None:
    memory, again = Fortnight(settings()), Fortnight(settings())
    total = 0
    for i, skip in enumerate(skips):
        memory.add(i + 3, 0.9, skip)
        total += 1 + skip
        again.restore(memory.state())
        assert again.state() == memory.state()
        assert sum(memory.state()["heard"]) <= total * PARTS


volumes = {
    "own": strategies.floats(0.01, 300),
    "other": strategies.integers(0, 3000),
    "usual": strategies.floats(0.01, 3000),
    "echo": strategies.floats(0, 0.9),
}
STEER = {"shrink": 4.0, "floor": 0.9}


@given(**volumes)
def test_as_many_voices_as_the_volume_explains_are_no_excess(own: float, other: int, usual: float, echo: float) -> None:
    """The expectation is its own solution: with just so many voices nothing is taken for an echo."""
    plain = own * (4 + other) / (4 + usual)
    found = expected_given_volume(plain, own, other, usual, **STEER, echo=echo)
    assert found == pytest.approx(max(0.9 * own, plain), rel=1e-6)


@given(**volumes, observed=strategies.integers(0, 3000), more=strategies.integers(1, 500))
def test_more_voices_never_raise_what_is_expected_of_them(
    own: float, other: int, usual: float, echo: float, observed: int, more: int
) -> None:
    before = expected_given_volume(observed, own, other, usual, **STEER, echo=echo)
    after = expected_given_volume(observed + more, own, other, usual, **STEER, echo=echo)
    assert 0.9 * own * (1 - 1e-9) <= after <= before * (1 + 1e-9)


def test_posts_that_a_storm_brings_along_are_no_busy_day() -> None:
    own, usual, storm = 2.0, 20.0, 12.0
    found = expected_given_volume(own + storm, own, usual + 0.75 * storm, usual, **STEER, echo=0.75)
    assert found == pytest.approx(own)


def test_the_echo_of_a_storm_is_not_busy_and_a_promotion_is() -> None:
    assert busyness(14, 2.0, 20 + 9, 20.0, 0.75) == 0
    assert busyness(10, 2.0, 100, 20.0, 0.75) > 3
    assert busyness(0, 2.0, 3, 20.0, 0.75) == 0


def test_z_is_nearly_the_normal_score_of_a_poisson_count() -> None:
    for mean, count in ((0.5, 4), (5, 14), (50, 75)):
        exact = stats.norm.isf(stats.poisson(mean).sf(count - 1))
        assert deviation(count, mean, 0.0) == pytest.approx(exact, rel=0.12)


def test_the_spread_learned_is_that_of_the_counts() -> None:
    rng = np.random.default_rng(8)
    for true in (0.05, 0.4):
        spread = Spread()
        values = []
        for i in range(6000):
            spread.learn(float(rng.negative_binomial(1 / true, 1 / (1 + true * 30))), 30.0, 1.0, 0.999)
            if i > 3000:
                values.append(spread.value)
        assert np.mean(values) == pytest.approx(true, rel=0.15)


def test_forgetting_together_is_forgetting_each() -> None:
    factors = Factors.ones(3, 2.0)
    plain = [[0.0, 0.0] for _ in range(3)]
    rng = np.random.default_rng(1)
    for step in range(3000):
        index, observed, expected = step % 3, float(rng.poisson(4)), 2.0 + step % 3
        factors.learn(index, observed, expected, 0.99)
        plain = [[a * 0.99, b * 0.99] for a, b in plain]
        plain[index][0] += observed
        plain[index][1] += expected
        for i, (a, b) in enumerate(plain):
            assert factors.value(i) == pytest.approx((2 + a) / (2 + b), rel=1e-9)


def test_an_outlier_teaches_three_standard_deviations_and_one_post() -> None:
    assert winsorised(7, 10, 0.1) == 7
    assert winsorised(10**6, 10, 0.1) == pytest.approx(10 + 3 * math.sqrt(10 + 10) + 1)


def test_evidence_is_reckoned_from_the_span() -> None:
    span = Span(observed=30, own=6.0, expected=8.0, spread=0.2)
    told = span.evidence()
    assert told["ratio"] == 3.75
    assert (told["low"], told["high"]) == tuple(int(nb(8.0, 0.2).ppf(q)) for q in (0.025, 0.975))
    assert told["p"] == pytest.approx(nb(8.0, 0.2).sf(29), rel=1e-3)
    assert Span(0, 0.0, 0.0, 0.0).evidence()["ratio"] is None
