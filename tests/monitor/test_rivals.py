"""What rivals do better, and wishes that they fulfil."""

from __future__ import annotations

import random

import pytest

from monitor.rivals import Days, better, fulfilled
from monitor.stories.topics import pairs
from monitor.text import fold_text

DAYS = 28


def of(rng: random.Random, mentions: int, share: float, storm: int = 0) -> Days:
    told = [sum(rng.random() < share for _ in range(mentions)) for _ in range(DAYS)]
    told[rng.randrange(DAYS)] += storm
    return Days([mentions] * DAYS, {"refund": told})


class TestBetter:
    def test_a_clear_difference_is_told_with_both_shares(self) -> None:
        rng = random.Random(1)
        [(theme, theirs, ours)] = better(of(rng, 40, 0.15), of(rng, 40, 0.03), 10)
        assert theme == "refund"
        assert ours == pytest.approx(0.15, abs=0.03)
        assert theirs == pytest.approx(0.03, abs=0.02)

    def test_the_same_share_is_told_about_as_rarely_as_the_level_says(self) -> None:
        rng = random.Random(2)
        told = sum(bool(better(of(rng, 30, 0.08), of(rng, 30, 0.08), 1)) for _ in range(600))
        assert told <= 600 * 0.045  # one of the two sides of five in a hundred is 15 of 600; three sigma above

    def test_one_day_of_storm_is_no_habit(self) -> None:
        rng = random.Random(3)
        assert not better(of(rng, 40, 0.02, storm=90), of(rng, 40, 0.02), 1)

    def test_a_rival_of_whom_nobody_complains_may_be_better_but_needs_enough_mentions(self) -> None:
        ours = of(random.Random(4), 40, 0.12)
        assert better(ours, Days([10] * DAYS, {}), 10)
        assert not better(ours, Days([1] * DAYS, {}), 10)

    def test_few_complaints_of_ours_say_nothing(self) -> None:
        ours = Days([10] * DAYS, {"refund": [1, 1, 1, 1] + [0] * 24})
        assert not better(ours, Days([100] * DAYS, {}), 1)

    def test_a_brand_without_mentions_is_no_error(self) -> None:
        assert not better(Days([0] * DAYS, {"refund": [0] * DAYS}), Days([100] * DAYS, {}), 1)


class TestFulfilled:
    praises = tuple(fold_text(t) for t in ("霽川的服務很親切", "霽川的充電座隨時有空位，太方便了", "霽川好吃"))

    def test_the_praise_that_names_what_is_wished_for(self) -> None:
        found = fulfilled(pairs(fold_text("希望澄嵐門口能多幾個充電座")), self.praises, ["澄岚", "霁川"])
        assert found is not None
        number, word = found
        assert number == 1
        assert word in ("充电", "电座")

    def test_common_words_and_names_of_brands_fulfil_nothing(self) -> None:
        assert fulfilled(pairs(fold_text("希望霽川也來這裡開店")), self.praises, ["澄岚", "霁川"]) is None
        assert fulfilled(pairs(fold_text("要是能便宜一點就好了")), self.praises, ["澄岚", "霁川"]) is None
