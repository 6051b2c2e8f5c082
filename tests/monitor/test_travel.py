"""The travel index's arithmetic: what it says of drawn brands, and when it says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import travel
from monitor.model import Lack, Measure, StoryTravel, Travel, TravelVerdict
from monitor.travel import scores
from tests.bench.travel import SETUPS, brand, tally

START = datetime(2026, 1, 5, tzinfo=UTC)
DAY = date(2026, 2, 3)


def story(number: int, negative: bool, copies: int = 0, **more: object) -> StoryTravel:
    at = START + timedelta(hours=7 * number % (27 * 24))
    return replace(StoryTravel(number, negative, at, "forum", 100, f"a{number}", copies, 0), **more)  # type: ignore[arg-type]


def index(stories: list[StoryTravel], seed: int = 1) -> Travel:
    return travel.index("澄嵐", DAY, 28, stories, seed=seed)


def drawn(seed: int, ratio: float, negatives: int = 120, positives: int = 120) -> list[StoryTravel]:
    """Counts around heavy-tailed intensities that differ by a factor, in a mixed order."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(negatives + positives):
        negative = number % (negatives + positives) * 7919 % (negatives + positives) < negatives
        copies = int(rng.poisson((rng.pareto(1.3) + 0.3) * (ratio if negative else 1)))
        made.append(story(number, negative, copies))
    return made


@pytest.mark.parametrize("ratio", [1.5, 3.0])
def test_a_true_factor_lies_in_the_interval_and_1_does_not(ratio: float) -> None:
    """Of 20 intervals of 95 %, 19 hold the truth; fewer than 16 do by chance once in 400."""
    found = [index(drawn(seed, ratio, 300, 300)) for seed in range(20)]
    assert sum((f.low or 0) <= ratio <= (f.high or 0) for f in found) >= 16
    assert sum(f.verdict is TravelVerdict.FARTHER for f in found) >= (20 if ratio == 3 else 14)
    assert all((f.low or 0) < (f.ratio or 0) < (f.high or 0) for f in found)
    assert np.median([f.ratio or 0 for f in found]) == pytest.approx(ratio, rel=0.15)


def test_the_proverb_can_be_found_wrong() -> None:
    found = index(drawn(4, 1 / 3, 400, 400))
    assert found.verdict is TravelVerdict.LESS_FAR
    assert found.ratio == pytest.approx(1 / 3, rel=0.4)


def test_good_and_bad_in_each_others_place_give_the_inverse() -> None:
    made = drawn(5, 2)
    one, other = index(made), index([replace(s, negative=not s.negative) for s in made])
    assert one.ratio is not None
    assert other.ratio is not None
    assert one.ratio * other.ratio == pytest.approx(1, rel=1e-6)
    assert one.low == pytest.approx(1 / (other.high or 0), rel=1e-6)


def test_the_order_of_the_stories_says_nothing() -> None:
    made = drawn(6, 1.5)
    assert index(made) == index(made[::-1])


@pytest.mark.parametrize("number", [0, 4, 13])
def test_where_sign_says_nothing_the_interval_holds_1(number: int) -> None:
    """A slice of ``python -m tests.bench.travel``: 95 % of 40 runs are 38; fewer than 33 come by chance once in 500."""
    assert tally(SETUPS[number], 1.0, range(40)).holds >= 33


def test_followers_and_platforms_that_differ_between_the_signs_prove_nothing() -> None:
    """Of many stories, so that an uncontrolled difference could not hide: plainly compared, the factor is above 2."""
    setup = replace(next(s for s in SETUPS if s.name == "followers"), negatives=600, positives=600)
    made = [s for s, _ in brand(np.random.default_rng(3), setup, 1.0)]
    plain = index([replace(s, followers=None, platform="one") for s in made])
    assert plain.verdict is TravelVerdict.FARTHER
    assert plain.ratio is not None
    assert plain.ratio > 2
    found = index(made)
    assert found.verdict is TravelVerdict.NO_DIFFERENCE


def test_stories_without_followers_are_left_out_where_the_platform_shows_them() -> None:
    made = drawn(7, 1)
    hidden = [replace(s, story=s.story + 1000, followers=None) for s in made[:40]]
    other = [replace(s, story=s.story + 2000, followers=None, platform="board") for s in made[:60]]
    found = index([*made, *hidden, *other])
    assert found.negatives + found.positives == len(made) + len(other)


def test_one_author_of_many_stories_counts_little_more_than_one() -> None:
    """Thirty stories of one author that all go far widen the interval; of thirty authors they do not."""
    made = drawn(8, 1, 150, 150)
    loud = [story(1000 + n, True, 40, followers=100) for n in range(30)]
    one = index([*made, *(replace(s, author="a fan") for s in loud)])
    many = index([*made, *loud])
    assert many.verdict is TravelVerdict.FARTHER
    assert one.low is not None
    assert many.low is not None
    assert one.low < many.low


@pytest.mark.parametrize(
    ("change", "lack"),
    [
        (lambda made: [s for s in made if not s.negative or s.story < 30], Lack.STORIES),
        (lambda made: [replace(s, first_seen=START + timedelta(hours=s.story % 96)) for s in made], Lack.DAYS),
        (lambda made: [replace(s, copies=0) for s in made], Lack.TRAVEL),
        (lambda made: [replace(s, platform="bad" if s.negative else "good") for s in made], Lack.ALIKE),
    ],
)
def test_too_little_data_is_said(change: Callable[[list[StoryTravel]], list[StoryTravel]], lack: Lack) -> None:
    found = index(change(drawn(9, 3)))
    assert (found.verdict, found.lack) == (TravelVerdict.TOO_LITTLE, lack)
    assert found.ratio is found.low is found.high is None


def test_without_a_story_nothing_is_said() -> None:
    found = index([])
    assert (found.negatives, found.positives, found.lack) == (0, 0, Lack.STORIES)


def test_where_good_news_never_travels_there_is_no_upper_bound() -> None:
    found = index([replace(s, copies=s.copies if s.negative else 0) for s in drawn(10, 3)])
    assert found.verdict is TravelVerdict.FARTHER
    assert found.high is None
    assert found.low is not None
    assert found.low > 3


def test_no_difference_says_how_many_stories_would_have_shown_a_doubling() -> None:
    few, many = index(drawn(11, 1, 40, 40)), index(drawn(11, 1, 700, 700))
    assert few.verdict is many.verdict is TravelVerdict.NO_DIFFERENCE
    assert few.needed is not None
    assert few.needed > 80
    assert many.needed is None


def test_each_measure_has_its_own_factor_and_unknown_is_not_zero() -> None:
    made = [
        replace(s, comments=3 * s.copies if s.story % 2 else None, doubling=(2.0 if s.negative else 6.0) + s.story % 3)
        for s in drawn(12, 2.5, 300, 300)
    ]
    measures = {m.measure: m for m in index(made).measures}
    assert list(measures) == list(Measure)
    comments = measures[Measure.COMMENTS]
    assert comments.negatives + comments.positives == 300
    assert comments.ratio == pytest.approx(2.5, rel=0.4)
    assert (measures[Measure.REPOSTS].negatives, measures[Measure.REPOSTS].ratio) == (0, None)
    speed = measures[Measure.SPEED]
    assert (speed.negative_mean, speed.positive_mean) == (pytest.approx(3, abs=0.2), pytest.approx(7, abs=0.2))
    assert speed.ratio == pytest.approx((6 * 7 * 8 / (2 * 3 * 4)) ** (1 / 3), rel=0.1)  # of geometric means


@given(st.integers(0, 40), st.floats(0.01, 1))
def test_thinning_is_what_the_binomial_distribution_says(count: int, chance: float) -> None:
    exact = sum(comb(count, n) * chance**n * (1 - chance) ** (count - n) * log(1 + n) for n in range(count + 1))
    assert scores.thinned(np.array([count]), np.array([chance]))[0, 0] == pytest.approx(exact, abs=1e-9)


def test_large_counts_are_thinned_like_the_last_exact_ones() -> None:
    counts = np.array([scores.EXACT, scores.EXACT + 1])
    near = scores.thinned(counts, np.array([0.05, 0.3, 1.0]))
    assert near[0] == pytest.approx(near[1], abs=0.01)
