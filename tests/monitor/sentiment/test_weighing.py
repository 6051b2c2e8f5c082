"""What labels stand for: the model's own stream, however they were chosen; and folds."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from monitor.sentiment.weighing import CONFIRMED, as_chosen, as_sample, effective_number, folds

CUT = 0.41
PRIOR = 0.25


def stream(count: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P, called and truth of posts on which P is right, a quarter of them negative."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.5, 1.5, count)
    return p, p >= CUT, rng.random(count) < p


def chosen(odds: float, count: int = 40_000, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of such a stream, mistakes kept whole and the rest as one in ``odds``."""
    p, called, truth = stream(count, seed)
    kept = (called != truth) | (np.random.default_rng(seed + 1).random(count) < 1 / odds)
    return p[kept], called[kept], truth[kept]


@pytest.mark.parametrize("odds", [1, 5, 50])
def test_the_weighed_labels_are_the_stream_whatever_was_chosen(odds: float) -> None:
    p, called, truth = chosen(odds)
    rows = as_chosen(p, called, truth, PRIOR).rows
    assert rows.sum() == pytest.approx(1)
    whole_p, whole_called, whole_truth = stream(40_000)
    assert rows[truth].sum() == pytest.approx(PRIOR, abs=1e-9)
    assert rows[called].sum() == pytest.approx(whole_called.mean(), abs=0.02)
    assert rows[called & truth].sum() == pytest.approx((whole_called & whole_truth).mean(), abs=0.02)
    assert rows @ p == pytest.approx(whole_p.mean(), abs=0.02)


def test_a_band_of_mistakes_alone_weighs_nothing() -> None:
    p = np.array([0.9] * 20 + [0.1] * 40)
    called = p >= CUT
    truth = np.array([False] * 20 + [True] * 10 + [False] * 30)
    rows = as_chosen(p, called, truth, PRIOR).rows
    assert rows[:20].sum() == 0
    assert rows[20:30].sum() == pytest.approx(0.1)
    few = np.array([True] * (CONFIRMED - 1) + [False] * (21 - CONFIRMED) + [True] * 10 + [False] * 30)
    assert as_chosen(p, called, few, PRIOR).rows[:20].sum() == 0
    enough = np.array([True] * CONFIRMED + [False] * (20 - CONFIRMED) + [True] * 10 + [False] * 30)
    assert as_chosen(p, called, enough, PRIOR).rows[:20].sum() > 0


def test_corrections_alone_weigh_nothing_at_all() -> None:
    p, called, truth = chosen(1e12)
    assert not as_chosen(p, called, truth, PRIOR).rows.any()


def test_a_band_of_confirmations_alone_stays() -> None:
    p, truth = np.array([0.9] * 3 + [0.1] * 30), np.array([True] * 3 + [False] * 20 + [True] * 10)
    assert as_chosen(p, p >= CUT, truth, PRIOR).rows[:3].min() > 0


def test_one_band_alone_is_all() -> None:
    p, truth = np.full(30, 0.2), np.array([True] * 10 + [False] * 20)
    rows = as_chosen(p, p >= CUT, truth, PRIOR).rows
    assert rows[:10].sum() == pytest.approx(0.2)
    assert rows.sum() == pytest.approx(1)


def test_a_sample_weighs_by_its_truth_alone() -> None:
    found = as_sample(np.array([True] * 30 + [False] * 10), PRIOR)
    rows = found.rows
    assert rows[:30].sum() == pytest.approx(PRIOR)
    assert rows[30:].sum() == pytest.approx(1 - PRIOR)
    assert found.offset == pytest.approx(np.log(3) + np.log(3))
    assert found.learned.all()


@pytest.mark.parametrize("odds", [1, 5, 50])
def test_the_offset_takes_the_blame_for_what_was_chosen(odds: float) -> None:
    """With it the model's P is right about the labels in each band, however many mistakes are among them."""
    p, called, truth = chosen(odds)
    found = as_chosen(p, called, truth, PRIOR)
    for band in (called, ~called):
        seen = expit(logit(p[band]) + found.offset[band])
        assert seen.mean() == pytest.approx(truth[band].mean(), abs=0.05)


def test_bands_without_contrast_teach_nothing() -> None:
    p = np.array([0.9] * 20 + [0.1] * 40)
    right, wrong = p >= CUT, p < CUT
    mixed = np.array([True] * 20 + [True] * 10 + [False] * 30)
    assert as_chosen(p, p >= CUT, mixed, PRIOR).learned.tolist() == [False] * 20 + [True] * 40
    assert not as_chosen(p, p >= CUT, right, PRIOR).learned.any()
    assert not as_chosen(p, p >= CUT, wrong, PRIOR).learned.any()


def test_effective_number() -> None:
    assert effective_number(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_number(np.array([1.0, 1e-9, 1e-9])) == pytest.approx(1)
    assert effective_number(np.zeros(3)) == 0


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1), st.integers(0, 9))
def test_groups_are_never_split(posts: list[tuple[int, int]], seed: int) -> None:
    groups, cells = zip(*posts, strict=True)
    held = folds(groups, cells, 5, seed)
    assert all(len({fold for fold, g in zip(held, groups, strict=True) if g == group}) == 1 for group in groups)
    assert held.tolist() == folds(groups, cells, 5, seed).tolist()


def test_each_cell_is_spread_evenly() -> None:
    cells = [0] * 50 + [1] * 11 + [3] * 5
    held = folds(range(len(cells)), cells, 5, 0)
    for cell, most in ((0, 10), (1, 3), (3, 1)):
        spread = Counter(held[np.array(cells) == cell].tolist())
        assert len(spread) == 5
        assert max(spread.values()) == most
    assert held.tolist() != folds(range(len(cells)), cells, 5, 1).tolist()
