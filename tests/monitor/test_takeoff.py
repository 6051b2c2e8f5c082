"""When a post takes off: speeds between looks against what the brand's posts reach, robust to what platforms show."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import takeoff
from monitor.model import Finding, Severity, bin_start
from monitor.takeoff import Level, Look, Seen, Settings, Usual
from tests.standin import DAY, HOUR, MINUTE, NOW

PLAIN = Settings()
LEVEL = Level(500, 30.0, 0.5)


def seen(*looks: tuple[float, int | None, int | None, int | None], followers: int | None = None) -> Seen:
    """A post of ``NOW``; each look: minutes after it, likes, reposts, comments."""
    return Seen(1, 7, "forum", NOW, followers, tuple(Look(NOW + m * MINUTE, *counts) for m, *counts in looks))  # type: ignore[arg-type]


def usual(level: Level = LEVEL, *, learning: bool = False, followers: int | None = 200) -> Usual:
    return Usual(lambda measure, age: (level, learning), 100.0, followers)


def tell(post: Seen, what: Usual | None = None, told: Severity | None = None, since: datetime = NOW) -> Finding | None:
    return takeoff.find(post, what or usual(), since, NOW + 2 * DAY, told, PLAIN)


def test_what_a_finding_says() -> None:
    found = tell(seen((10, 20, 0, 0), (60, 4000, 200, 500), followers=250))
    assert found is not None
    assert (found.kind, found.subject, found.origin, found.onset) == ("takeoff", 1, "live", NOW)
    assert found.at == bin_start(NOW + HOUR)
    gained = (4000 + 5 * 200 + 3 * 500) - 20
    assert (found.observed, found.expected) == (gained, round(30 * 10**0.5, 2))
    assert found.evidence == {
        "kind": "takeoff", "post": 1, "story": 7, "measure": "weighted", "per_hour": round(gained / (50 / 60), 1),
        "usual_per_hour": 94.9, "ratio": round(gained / (50 / 60) / (30 * 10**0.5), 1), "count": 6500,
        "age_minutes": 60, "followers": 250, "usual_followers": 200, "platform": "forum", "looks": 2, "learning": False,
    }  # fmt: skip


def test_two_looks_that_gain_speed_or_one_that_is_huge() -> None:
    fast = 400.0  # by chance once or twice in ten months
    assert 0.05 < LEVEL.share(fast) * 100 < 0.2
    gaining = seen((15, 20, None, None), (75, 20 + int(fast), None, None))
    assert tell(gaining) is not None
    assert tell(seen((60, int(fast), None, None))) is None, "one look alone"
    slowing = seen((15, 80, None, None), (75, 80 + int(fast), None, None))
    assert tell(slowing) is None, "usual posts are fastest at first"
    assert tell(seen((60, 9000, None, None))) is not None, "huge"


@pytest.mark.parametrize("every", [5, 15, 30])
def test_a_post_that_doubles_every_hour_is_told_however_often_it_is_looked_at(every: int) -> None:
    doubling = seen(*((m, int(6 * 2 ** (m / 60)), None, None) for m in range(every, 8 * 60, every)))
    found = tell(doubling)
    assert found is not None
    assert found.observed >= 40, "with enough gained since the look before"
    steady = seen(*((m, int(1.2 * m), None, None) for m in range(every, 8 * 60, every)))
    assert tell(steady) is None


def test_a_burst_of_the_last_minutes_is_held_against_all_that_was_before() -> None:
    faded = seen((10, 300, None, None), (30, 320, None, None), (120, 330, None, None), (180, 500, None, None))
    assert tell(faded) is None, "it was faster when it was new"


def test_an_author_of_great_reach_needs_no_second_look() -> None:
    once = (60, 700, None, None)
    assert tell(seen(once, followers=2_000_000)) is not None
    assert tell(seen(once, followers=5_000)) is None
    assert tell(seen(once, followers=2_000_000), usual(followers=1_000_000)) is None
    assert tell(seen(once, followers=2_000_000), usual(followers=None)) is None


@pytest.mark.parametrize("looks", [(), ((30, None, None, None),), ((30, 0, 0, 0), (60, 0, 0, 0)), ((0, 3, 0, 1),)])
def test_nothing_shown_or_nothing_gained_is_nothing(looks: tuple[tuple[int, None, None, None], ...]) -> None:
    assert tell(seen(*looks)) is None


def test_counts_that_fall_are_corrections_and_no_growth_when_they_come_back() -> None:
    post = seen((15, 9000, None, None), (30, 100, None, None), (45, 9000, None, None), (60, 9050, None, None))
    gained = [s.gained for s in takeoff.speeds(post, PLAIN)]
    assert gained == [9000, 0, 0, 50]


def test_a_count_that_a_platform_begins_to_show_is_no_growth() -> None:
    post = seen((15, 10, None, None), (30, 12, 5000, None), (45, None, 5001, 800), (60, 13, None, 802))
    assert [s.gained for s in takeoff.speeds(post, PLAIN)] == [10, 2, 5, 1 + 6]


def test_speed_is_measured_over_a_quarter_of_an_hour_at_least() -> None:
    (speed,) = takeoff.speeds(seen((1, 60, None, None)), PLAIN)
    assert speed.per_hour == 240
    (early,) = takeoff.speeds(seen((-5, 60, None, None)), PLAIN)  # the platform's clock is ahead
    assert (early.per_hour, early.age) == (240, timedelta())


def test_a_post_of_yesterday_takes_off_no_more() -> None:
    assert tell(seen((15, 20, None, None), (24 * 60, 90_000, None, None))) is None


def test_only_looks_of_the_stretch_tell_and_only_once() -> None:
    post = seen((15, 20, None, None), (75, 9000, None, None), (90, 9100, None, None))
    assert tell(post, since=NOW + 80 * MINUTE) is None
    assert tell(post, told=Severity.WARNING) is None


def test_critical_is_ten_times_the_rare_at_two_looks() -> None:
    post = seen((15, 2000, None, None), (30, 4000, None, None))
    warned = tell(post)
    assert warned is not None
    assert warned.severity is Severity.WARNING, "at its first look"
    worse = tell(post, told=Severity.WARNING)
    assert worse is not None
    assert (worse.severity, worse.evidence["looks"]) == (Severity.CRITICAL, 2)


def test_a_brand_of_little_data_is_learning_and_needs_much() -> None:
    nothing = takeoff.prior("likes", PLAIN)
    found = tell(seen((15, 20, None, None), (60, 90_000, None, None)), usual(nothing, learning=True))
    assert found is not None
    assert found.evidence["learning"] is True
    assert tell(seen((15, 20, None, None), (60, 300, None, None)), usual(nothing, learning=True)) is None


def test_the_level_is_the_tail_that_was_drawn() -> None:
    speeds = 20 * np.random.default_rng(3).random(20_000) ** -0.6
    level = takeoff.fit(speeds, PLAIN)
    assert level.high == pytest.approx(np.quantile(speeds, 0.9), rel=0.03)
    assert level.tail == pytest.approx(0.6, rel=0.05)
    assert level.rare == pytest.approx(np.quantile(speeds, 0.99), rel=0.1)
    assert level.share(level.rare) == pytest.approx(0.01, rel=0.05)


def test_brands_are_pooled_by_their_posts() -> None:
    level = takeoff.pooled([Level(90, 10.0, 0.5), Level(30, 1000.0, 0.9)])
    assert level.posts == 120
    assert log(level.high) == pytest.approx(0.75 * log(10) + 0.25 * log(1000))
    assert level.tail == pytest.approx(0.6)


counts = st.none() | st.integers(0, 10**9)


@given(st.lists(st.tuples(st.integers(-10, 3000), counts, counts, counts), max_size=12))
def test_any_looks_give_speeds_that_are_no_less_than_nothing(rows: list[tuple[int, int, int, int]]) -> None:
    post = seen(*sorted(rows, key=lambda r: r[0]))
    speeds = takeoff.speeds(post, PLAIN)
    assert all(s.per_hour >= 0 and s.gained >= 0 and s.age >= timedelta() for s in speeds)
    if speeds and all(None not in r for r in rows):
        assert all(s.gained <= s.count for s in speeds)
        apart = all(b.at - a.at >= 15 * MINUTE for a, b in pairwise(speeds))
        assert not apart or sum(s.gained for s in speeds) == pytest.approx(speeds[-1].count)
    tell(post)
