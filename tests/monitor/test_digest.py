from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact

from monitor.digest import (
    NOISE_LEVEL,
    POISSON,
    Scatter,
    beyond_noise,
    change,
    local_day,
    rank_stories,
    scatter,
    verdict,
)
from monitor.model import Change, IncidentLine, Quote, Severity, StoryLine, Totals

NOW = datetime(2026, 11, 20, tzinfo=UTC)
INCIDENT = IncidentLine(1, "澄嵐", "open", Severity.WARNING, "live", NOW, NOW, None, "", 14, 1.6)


def voices(n: int, heard: float = 1.0, mentions: int = 400) -> Totals:
    return Totals(mentions=mentions, negative_posts=n, negative_voices=n, heard=heard)


def said(today: Totals, yesterday: Totals | None, last_week: Totals | None, days: float = 20.0) -> str:
    return verdict(today, yesterday, last_week, (), days, today.heard)


class TestVerdict:
    def test_an_incident_is_said_even_on_a_blind_learning_day(self) -> None:
        assert verdict(voices(0, heard=0.1), None, None, [INCIDENT], 0.5, 0.1) == "incident"

    def test_blind_is_never_calm_nor_empty(self) -> None:
        for today in (voices(3, heard=0.79), Totals(heard=0.0)):
            assert said(today, voices(3), voices(3)) == "unknown"

    def test_what_was_heard_of_a_blind_day_can_already_be_too_much(self) -> None:
        assert said(voices(40, heard=0.4), voices(5), voices(5)) == "raised"

    def test_learning_until_three_days_were_heard(self) -> None:
        assert said(voices(90), voices(5), None, days=2.99) == "learning"
        assert said(voices(90), voices(5), None, days=3.0) == "raised"

    def test_a_blind_day_while_learning_is_unknown(self) -> None:
        assert said(voices(2, heard=0.3), None, None, days=1.0) == "unknown"

    def test_empty_is_heard_and_nobody_spoke(self) -> None:
        assert said(Totals(), voices(4), voices(4)) == "empty"

    def test_calm(self) -> None:
        assert said(voices(6), voices(4), voices(5)) == "calm"

    def test_a_promo_brings_more_of_everything_and_is_not_raised(self) -> None:
        usual = Totals(mentions=100, negative_posts=19, negative_voices=15)
        promo = Totals(mentions=500, negative_posts=74, negative_voices=60)
        assert said(promo, usual, usual) == "calm"
        worse = Totals(mentions=500, negative_posts=150, negative_voices=60)
        assert said(worse, usual, usual) == "raised"

    def test_the_same_weekday_is_what_is_usual(self) -> None:
        """A Monday is compared with a Monday, not with the quiet Sunday before it."""
        assert said(voices(60), voices(20), voices(58)) == "calm"

    def test_the_day_before_stands_in_for_a_week_ago_that_was_not_heard(self) -> None:
        assert said(voices(60), voices(20), voices(58, heard=0.5)) == "raised"
        assert said(voices(60), voices(20), None) == "raised"

    def test_without_any_earlier_day_nothing_is_raised(self) -> None:
        assert said(voices(60), None, None) == "calm"

    def test_fewer_negative_voices_are_never_raised(self) -> None:
        assert said(voices(2), voices(60), voices(60)) == "calm"

    def test_a_brand_whose_days_differ_widely_needs_a_greater_rise(self) -> None:
        args = voices(400), voices(300), voices(300), (), 20.0, 1.0
        assert verdict(*args) == "raised"
        assert verdict(*args, Scatter(negative_voices=8.0)) == "calm"


class TestBeyondNoise:
    @pytest.mark.parametrize(("now", "before", "expected"), [(0, 0, False), (5, 0, False), (8, 0, True), (0, 8, True)])
    def test_small_counts(self, now: int, before: int, expected: bool) -> None:
        """8 against 0 has an exact two-sided p of 2 / 2^8 = .0078; 5 against 0 one of .0625."""
        assert beyond_noise(voices(now), voices(before)) is expected

    def test_equals_the_exact_binomial_test(self) -> None:
        for now, before in product(range(0, 30, 3), repeat=2):
            exact = binomtest(now, now + before).pvalue if now + before else 1.0  # symmetric: doubling is the same
            assert beyond_noise(voices(now), voices(before)) is bool(exact < NOISE_LEVEL)

    @given(st.integers(0, 500), st.integers(0, 500))
    def test_symmetric(self, a: int, b: int) -> None:
        assert beyond_noise(voices(a), voices(b)) == beyond_noise(voices(b), voices(a))

    def test_rarely_wrong_when_nothing_changed(self) -> None:
        """Two Poisson days of one rate are called different at most once in a hundred times, whatever the rate."""
        from scipy.stats import poisson

        for rate in (0.5, 2.0, 10.0, 40.0):
            counts = range(int(poisson.ppf(1 - 1e-6, rate)) + 1)
            wrong = sum(
                float(poisson.pmf(a, rate) * poisson.pmf(b, rate))
                for a, b in product(counts, repeat=2)
                if beyond_noise(voices(a), voices(b))
            )
            assert wrong <= NOISE_LEVEL

    def test_counts_are_compared_for_the_volume_heard(self) -> None:
        assert beyond_noise(voices(130), voices(100)) is False
        assert beyond_noise(voices(130, heard=0.8), voices(100)) is True

    def test_nothing_is_said_of_a_day_that_was_not_heard(self) -> None:
        assert beyond_noise(voices(100), voices(1, heard=0.5)) is False


class TestChange:
    def test_the_four_numbers_of_the_day_before(self) -> None:
        now = Totals(mentions=300, negative_posts=60, negative_voices=40, unscored_posts=10)
        before = Totals(mentions=290, negative_posts=14, negative_voices=9, unscored_posts=10)
        assert change(now, before) == (
            Change("mentions", 290, False),
            Change("negative_posts", 14, True),
            Change("negative_voices", 9, True),
            Change("negative_share", 14 / 280, True),
        )

    def test_no_earlier_day(self) -> None:
        assert {(c.before, c.beyond_noise) for c in change(voices(3), None)} == {(None, None)}

    def test_a_day_not_heard_keeps_its_numbers_without_judgement(self) -> None:
        changes = change(voices(3), voices(30, heard=0.5))
        assert [c.before for c in changes] == [400, 30, 30, 30 / 400]
        assert {c.beyond_noise for c in changes} == {None}

    def test_a_share_of_nothing_is_not_compared(self) -> None:
        assert change(Totals(mentions=5, unscored_posts=5), voices(3))[-1] == Change("negative_share", 3 / 400, None)

    @given(st.integers(0, 60), st.integers(0, 60))
    def test_shares_by_fishers_test(self, a: int, b: int) -> None:
        expected = float(fisher_exact([[a, 60 - a], [b, 60 - b]]).pvalue) < NOISE_LEVEL
        assert change(voices(a, mentions=60), voices(b, mentions=60))[-1].beyond_noise is expected


class TestScatter:
    def test_few_or_small_days_are_taken_as_poisson(self) -> None:
        assert scatter([]) == POISSON
        assert scatter([voices(n) for n in (2, 0, 1, 3, 0, 2, 1, 1)]).negative_voices == 1.0

    def test_days_that_jump_scatter_more(self) -> None:
        found = scatter([voices(n) for n in (100, 160) * 7])
        assert found.negative_voices == pytest.approx(60**2 / 260 / 0.4549)
        assert found.mentions == 1.0
        assert found.negative_share > 1.0

    def test_one_incident_does_not_move_it(self) -> None:
        quiet = [voices(n) for n in (100, 104, 97, 108, 99, 103, 101, 98, 106, 100)]
        stormy = [*quiet[:5], voices(900), *quiet[5:]]
        assert scatter(stormy).negative_voices == pytest.approx(scatter(quiet).negative_voices, abs=0.5)

    def test_days_not_heard_are_left_out(self) -> None:
        days = [voices(n, heard=0.3 if i % 2 else 1.0) for i, n in enumerate((100, 160) * 7)]
        assert scatter(days) == POISSON


def story(story_id: int, voices: int, copies: int = 0, likes: int | None = None, seen: int = 0) -> StoryLine:
    quote = Quote(story_id, "等太久", "ptt", NOW, likes=likes)
    return StoryLine(story_id, quote, voices, voices, copies, ("ptt",), NOW + timedelta(minutes=seen))


class TestRankStories:
    def test_voices_and_copies_together_then_reach(self) -> None:
        lines = [story(1, 3), story(2, 9), story(3, 3, copies=200), story(4, 3, likes=50)]
        assert [s.story_id for s in rank_stories(lines)] == [3, 2, 4, 1]

    def test_equal_ones_stay_as_given(self) -> None:
        assert [s.story_id for s in rank_stories([story(2, 3), story(1, 3), story(3, 4)])] == [3, 2, 1]

    def test_five_at_most(self) -> None:
        assert [s.story_id for s in rank_stories([story(i, i) for i in range(9)])] == [8, 7, 6, 5, 4]

    def test_followers_break_a_tie_of_reach(self) -> None:
        known = replace(story(2, 3), quote=replace(story(2, 3).quote, followers=9000))
        assert rank_stories([story(1, 3), known])[0] == known


class TestLocalDay:
    @pytest.mark.parametrize(
        ("zone", "day", "start", "hours"),
        [
            ("Asia/Taipei", date(2026, 11, 20), "2026-11-19T16:00", 24),
            ("America/Los_Angeles", date(2026, 3, 8), "2026-03-08T08:00", 23),
            ("America/Los_Angeles", date(2026, 11, 1), "2026-11-01T07:00", 25),
            ("Asia/Kathmandu", date(2026, 11, 20), "2026-11-19T18:15", 24),
            ("America/Santiago", date(2026, 9, 6), "2026-09-06T04:00", 23),  # midnight itself is skipped
            ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00", 25),  # midnight comes twice
        ],
    )
    def test_bounds(self, zone: str, day: date, start: str, hours: int) -> None:
        first, last = local_day(day, zone)
        assert first == datetime.fromisoformat(start).replace(tzinfo=UTC)
        assert last - first == timedelta(hours=hours)
        assert first.tzinfo is UTC
        assert last.tzinfo is UTC

    @given(st.dates(date(2000, 1, 1), date(2037, 1, 1)), st.sampled_from(["America/Los_Angeles", "Asia/Kathmandu"]))
    def test_days_follow_without_gap(self, day: date, zone: str) -> None:
        assert local_day(day, zone)[1] == local_day(day + timedelta(days=1), zone)[0]
