"""Shifts: what labels move, what they leave, and how a gain is told from chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import expit

from monitor.sentiment.retraining import (
    RECALIBRATION,
    Posts,
    choose_strength,
    cross_validated,
    doubting,
    fit_shift,
    paired_gain,
)
from monitor.sentiment.weighing import Weighed

COUNT = 1500


def made(*, constant: float = 0.0, slope: float = 1.0, of_run: float = 0.0, seed: int = 5) -> Posts:
    """Posts whose truth follows the base's logit shifted so; the first of three runs is what weighs."""
    rng = np.random.default_rng(seed)
    base = rng.normal(-1, 1.5, COUNT)
    runs = (rng.random((COUNT, 3)) < 0.4).astype(float)
    truth = rng.random(COUNT) < expit(constant + slope * base + of_run * runs[:, 0])
    values = np.zeros((COUNT, 2))
    cells = 2 * (base > 0) + truth
    weighed = Weighed(np.full(COUNT, 1 / COUNT), np.zeros(COUNT), np.ones(COUNT, dtype=bool))
    return Posts(base, values, csr_array(runs), truth, weighed, cells, np.arange(COUNT), level=True)


def test_labels_that_the_base_explains_move_little() -> None:
    shift = fit_shift(made(), 1.0)
    assert abs(shift.constant) < 0.3
    assert shift.slope == pytest.approx(1, abs=0.2)
    assert np.abs(shift.runs).max() < 0.4


def test_a_recalibration_finds_constant_and_slope_and_moves_no_run() -> None:
    shift = fit_shift(made(constant=1.0, slope=0.6, of_run=3.0), RECALIBRATION)
    assert not shift.runs.any()
    shift = fit_shift(made(constant=1.0, slope=0.6), RECALIBRATION)
    assert shift.constant == pytest.approx(1.0, abs=0.3)
    assert shift.slope == pytest.approx(0.6, abs=0.1)


def test_a_refit_finds_the_run_and_a_weaker_one_goes_less_far() -> None:
    posts = made(of_run=3.0)
    strong, weak = fit_shift(posts, 1.0), fit_shift(posts, 0.01)
    assert strong.runs[0] > 1.5 > abs(strong.runs[1:]).max() + 1
    assert 0 < weak.runs[0] < strong.runs[0]
    assert strong.values.tolist() == [0, 0]


def test_the_slope_of_labels_turned_round_stays_above_nothing() -> None:
    posts = made()
    turned = replace(posts, truth=posts.base < -1)
    assert 0 < fit_shift(turned, RECALIBRATION).slope < 0.3


def test_chosen_labels_move_neither_constant_nor_slope() -> None:
    shift = fit_shift(replace(made(constant=1.0, slope=0.6, of_run=3.0), level=False), 1.0)
    assert (shift.constant, shift.slope) == (0, 1)
    assert shift.runs[0] > 1


def test_offsets_and_posts_that_teach_nothing() -> None:
    posts = made(of_run=3.0)
    offset = np.full(COUNT, 2.0)
    truth = np.random.default_rng(1).random(COUNT) < expit(posts.base + 3 * posts.runs.toarray()[:, 0] + offset)
    chosen = replace(posts, truth=truth, weighed=replace(posts.weighed, offset=offset))
    assert fit_shift(chosen, 1.0).runs[0] == pytest.approx(fit_shift(posts, 1.0).runs[0], abs=0.7)
    assert abs(fit_shift(chosen, 1.0).constant) < 0.3
    without = replace(posts, weighed=replace(posts.weighed, learned=posts.runs.toarray()[:, 0] == 0))
    assert abs(fit_shift(without, 1.0).runs[0]) < 1e-6


def test_doubt_is_the_base_where_the_labels_bear_it_out_and_flat_where_not() -> None:
    posts = made()
    assert doubting(posts) == pytest.approx(posts.base)
    coin = replace(posts, truth=np.random.default_rng(1).random(COUNT) < expit(np.where(posts.base > 0, 1, -1)))
    flat = doubting(replace(coin, cells=2 * (posts.base > 0) + coin.truth))
    assert all(np.ptp(flat[band]) < np.ptp(posts.base[band]) / 2 for band in (posts.base > 0, posts.base <= 0))


def test_the_least_that_does_is_chosen() -> None:
    assert choose_strength(made(constant=1.5), 0) == RECALIBRATION
    assert choose_strength(made(of_run=4.0), 0) > RECALIBRATION


def test_each_post_is_judged_by_a_shift_that_has_not_seen_it() -> None:
    """Truth by coin: what is learned of it is worth nothing, so the loss on unseen posts cannot fall."""
    rng = np.random.default_rng(2)
    runs = csr_array(np.eye(COUNT)[np.arange(COUNT) // 2] * 5)  # each run in two posts, copies of each other
    posts = replace(made(), base=np.zeros(COUNT), runs=runs, truth=rng.random(COUNT) < 0.5)
    copies = np.arange(COUNT) // 2
    posts = replace(posts, truth=posts.truth[copies * 2], groups=copies)
    _, apart = cross_validated(posts, 0)
    _, together = cross_validated(replace(posts, groups=np.arange(COUNT)), 0)

    def right(logits: np.ndarray) -> float:
        return float(((logits > 0) == posts.truth).mean())

    assert right(together) > 0.7  # copies on both sides: they tell each other's label
    assert right(apart) < 0.6


def test_gain_and_its_error() -> None:
    before, after = np.array([1.0, 1.0, 1.0, 1.0]), np.array([0.5, 0.7, 0.5, 0.7])
    gain, error = paired_gain(before, after, np.ones(4), np.arange(4))
    assert gain == pytest.approx(0.4)
    assert error == pytest.approx(0.1 * np.sqrt(1 / 3))
    _, copied = paired_gain(before, after, np.ones(4), np.array([0, 1, 0, 1]))
    assert copied == pytest.approx(0.1 * np.sqrt(2) / np.sqrt(2))
