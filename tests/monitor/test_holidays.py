"""Which days are holidays, and of which kind."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from monitor.holidays import DRAGON_BOAT, MID_AUTUMN, NEW_YEAR, Kind, holidays, kinds, qingming

SYNODIC = 29.530588


@pytest.mark.parametrize(
    ("day", "names"),
    [
        (date(2026, 2, 15), []),
        (date(2026, 2, 16), ["春節"]),
        (date(2026, 2, 23), ["春節"]),
        (date(2026, 2, 24), []),
        (date(2026, 4, 5), ["清明"]),
        (date(2026, 6, 19), ["端午"]),
        (date(2025, 10, 6), ["中秋", "國慶"]),
        (date(2026, 10, 10), ["雙十"]),
        (date(2026, 11, 1), ["雙11"]),
        (date(2026, 11, 11), ["雙11"]),
        (date(2026, 11, 12), []),
        (date(2026, 6, 18), ["618", "端午"]),
        (date(2026, 12, 31), ["跨年"]),
        (date(1999, 5, 3), ["勞動節"]),
        (date(2099, 10, 1), ["國慶"]),
    ],
)
def test_the_names_of_a_day(day: date, names: list[str]) -> None:
    assert sorted(h.name for h in holidays(day)) == sorted(names)


def test_kinds_say_what_may_be_usual() -> None:
    assert kinds(date(2026, 2, 17)) == {Kind.QUIET}
    assert kinds(date(2026, 11, 11)) == {Kind.RUSH}
    assert kinds(date(2026, 6, 18)) == {Kind.QUIET, Kind.RUSH}
    assert kinds(date(2026, 3, 3)) == frozenset()


def test_lunar_dates_follow_the_moon() -> None:
    """New years are whole months apart; both other feasts lie whole months and four or fourteen days after one."""
    years = range(2015, 2051)
    for table in (NEW_YEAR, DRAGON_BOAT, MID_AUTUMN):
        assert list(table) == list(years)
    for year in years:
        first = NEW_YEAR[year]
        assert date(year, 1, 21) <= first <= date(year, 2, 20)
        for feast, after in ((DRAGON_BOAT[year], 4), (MID_AUTUMN[year], 14), (NEW_YEAR.get(year + 1, first), 0)):
            months = ((feast - first).days - after) / SYNODIC
            assert abs(months - round(months)) * SYNODIC < 2  # months differ from their mean
            assert round(months) in ({0} if feast == first else {4, 5, 7, 8, 12, 13})


def test_qingming_is_in_the_first_week_of_april() -> None:
    days = {year: qingming(year) for year in range(2001, 2100)}
    assert {day.day for day in days.values()} <= {4, 5}
    assert (days[2015], days[2024], days[2026]) == (date(2015, 4, 5), date(2024, 4, 4), date(2026, 4, 5))
    assert all(timedelta(365) <= days[y + 1] - days[y] <= timedelta(366) for y in range(2001, 2099))
