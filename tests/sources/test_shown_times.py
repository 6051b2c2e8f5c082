from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.shown_times import read_shown_time

TAIPEI = ZoneInfo("Asia/Taipei")
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # 11:00 in Taipei


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("刚刚", "2026-11-21T03:00:00"),
        ("剛剛", "2026-11-21T03:00:00"),
        ("30秒前", "2026-11-21T02:59:30"),
        ("3分钟前", "2026-11-21T02:57:00"),
        ("3 分鐘前", "2026-11-21T02:57:00"),
        ("约3小时前", "2026-11-21T00:00:00"),
        ("半小时前", "2026-11-21T02:30:00"),
        ("2個小時前", "2026-11-21T01:00:00"),
        ("两天前", "2026-11-19T03:00:00"),
        ("１天前", "2026-11-20T03:00:00"),
        ("1周前", "2026-11-14T03:00:00"),
        ("3个月前", "2026-08-23T03:00:00"),
        ("2年以前", "2024-11-21T03:00:00"),
        ("今天 08:05", "2026-11-21T00:05:00"),
        ("今天", "2026-11-20T16:00:00"),
        ("昨天 21:08", "2026-11-20T13:08:00"),
        ("昨天21:08", "2026-11-20T13:08:00"),
        ("前天 下午 3:20", "2026-11-19T07:20:00"),
        ("11-20 21:08", "2026-11-20T13:08:00"),
        ("11/20 21:08:09", "2026-11-20T13:08:09"),
        ("11月20日 21:08", "2026-11-20T13:08:00"),
        ("11月20日21:08", "2026-11-20T13:08:00"),
        ("11月20日", "2026-11-19T16:00:00"),
        ("12-31 23:50", "2025-12-31T15:50:00"),
        ("02-29 08:00", "2024-02-29T00:00:00"),
        ("09:30", "2026-11-21T01:30:00"),
        ("下午 3:20", "2026-11-20T07:20:00"),
        ("23:30", "2026-11-20T15:30:00"),
        ("2026-11-20 21:08:00", "2026-11-20T13:08:00"),
        ("2026-11-20T21:08:00+09:00", "2026-11-20T12:08:00"),
        ("1795177200000", "2026-11-20T12:20:00"),
    ],
)
def test_times_as_shown(written: str, utc: str) -> None:
    assert read_shown_time(written, TAIPEI, NOW) == at(utc)


@pytest.mark.parametrize(
    ("now", "written", "utc"),
    [
        ("2027-01-01T01:00:00", "昨天 23:50", "2026-12-31T15:50:00"),
        ("2027-01-01T01:00:00", "12-31 23:50", "2026-12-31T15:50:00"),
        ("2026-12-31T16:30:00", "01-01 00:10", "2026-12-31T16:10:00"),  # already New Year in Taipei
        ("2026-12-31T15:00:00", "01-01 00:10", "2026-12-31T16:10:00"),  # the platform's clock is ahead of ours
        ("2026-12-31T16:30:00", "23:50", "2026-12-31T15:50:00"),
        ("2028-02-29T05:00:00", "02-29 12:30", "2028-02-29T04:30:00"),
    ],
)
def test_across_new_year(now: str, written: str, utc: str) -> None:
    assert read_shown_time(written, TAIPEI, at(now)) == at(utc)


def test_a_named_day_is_the_readers_and_not_utcs() -> None:
    late = at("2026-11-20T20:00:00")  # 04:00 of the 21st in Taipei
    assert read_shown_time("昨天 21:08", TAIPEI, late) == at("2026-11-20T13:08:00")
    assert read_shown_time("昨天 21:08", ZoneInfo("UTC"), late) == at("2026-11-19T21:08:00")


def test_a_local_hour_that_comes_twice_or_never() -> None:
    """New York's clocks went back on 1 November 2026 and forward on 8 March."""
    new_york = ZoneInfo("America/New_York")
    assert read_shown_time("11-01 01:30", new_york, at("2026-11-05T00:00:00")) == at("2026-11-01T05:30:00")
    assert read_shown_time("03-08 02:30", new_york, at("2026-03-09T00:00:00")) == at("2026-03-08T07:30:00")
    assert read_shown_time("24小时前", new_york, at("2026-11-01T18:00:00")) == at("2026-10-31T18:00:00")


@pytest.mark.parametrize(
    "written",
    ["", "x", "以前", "前", "3前", "3世纪前", "昨天 25:00", "昨天 x", "13-45 21:08", "13-20", "999999年前", "1-1-1-1",
     "02-30 08:00", "25:61", "昨天" * 60, "９９９９９９９天前"],
)  # fmt: skip
def test_what_cannot_be_read(written: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_shown_time(written, TAIPEI, NOW)


def moments(first: int, last: int) -> st.SearchStrategy[datetime]:
    """Times of the years from ``first`` to ``last``."""
    start = datetime(first, 1, 1, tzinfo=UTC)
    return st.timedeltas(timedelta(0), datetime(last, 12, 31, tzinfo=UTC) - start).map(lambda age: start + age)


@given(st.text(max_size=90), moments(1995, 2150))
def test_any_text_is_a_time_or_a_value_error(written: str, now: datetime) -> None:
    try:
        moment = read_shown_time(written, TAIPEI, now)
    except ValueError:
        return
    assert moment.utcoffset() == timedelta(0)


@given(
    moments(2001, 2090),
    st.timedeltas(timedelta(0), timedelta(days=363)),
)
def test_a_day_without_a_year_comes_back(now: datetime, age: timedelta) -> None:
    """Any moment that a page shows without its year is found again, to the minute, but for the day or so before a whole
    year: the same day of the next year may then have begun somewhere.
    """
    posted = (now - age).astimezone(TAIPEI).replace(second=0, microsecond=0)
    if (posted.month, posted.day) == (2, 29):
        return
    assert read_shown_time(posted.strftime("%m-%d %H:%M"), TAIPEI, now) == posted
