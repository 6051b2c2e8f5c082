from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sources.dates import EARLIEST, LATEST, next_in_sequence, read_time
from sources.numbers import parse_count

TAIPEI = ZoneInfo("Asia/Taipei")


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-11-20T21:08:00+08:00", "2026-11-20T13:08:00"),
        ("2026-11-20T21:08:00.123+0800", "2026-11-20T13:08:00.123"),
        ("2026-11-20T13:08:00Z", "2026-11-20T13:08:00"),
        ("2026-11-20 21:08", "2026-11-20T13:08:00"),
        ("2026-11-20", "2026-11-19T16:00:00"),
        ("2026/11/20 14:03:22", "2026-11-20T06:03:22"),
        ("2026/11/20 下午 03:20", "2026-11-20T07:20:00"),
        ("2026/11/20 下午 12:20", "2026-11-20T04:20:00"),
        ("2026/11/20 上午 12:20:05", "2026-11-19T16:20:05"),
        ("2026/11/20 下午 15:20", "2026-11-20T07:20:00"),
        ("2026/11/20 3:20:00 PM", "2026-11-20T07:20:00"),
        ("2026/11/20 下午 3:20:00 [GMT+8]", None),
        ("2026/11/20 3:20 PM GMT+8", "2026-11-20T07:20:00"),
        ("2026年11月20日21:00", "2026-11-20T13:00:00"),
        ("2026年11月20日 星期五 21时05分", "2026-11-20T13:05:00"),
        ("2026/11/20（五）21：05", "2026-11-20T13:05:00"),
        ("2026.1.2 3:04", "2026-01-01T19:04:00"),
        ("1795177200", "2026-11-20T12:20:00"),
        ("1795177200123", "2026-11-20T12:20:00.123"),
        ("20261120", "2026-11-19T16:00:00"),
        ("20261120210800", "2026-11-20T13:08:00"),
        ("Fri Nov 20 21:00:00 +0800 2026", "2026-11-20T13:00:00"),
        ("Fri, 20 Nov 2026 13:15:00 GMT", "2026-11-20T13:15:00"),
        ("20/11/2026 21:00", "2026-11-20T13:00:00"),
        ("11/20/2026 9:00 PM", "2026-11-20T13:00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59"),
    ],
)
def test_written_times(written: str, utc: str | None) -> None:
    if utc is None:
        with pytest.raises(ValueError, match="not a time"):
            read_time(written, TAIPEI)
    else:
        assert read_time(written, TAIPEI) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("11/20 21:30", "no year"),
        ("昨天 21:30", "no year"),
        ("", "no year"),
        ("3 days ago", "no year"),
        ("Fri, 20 Nov 26 21:00:00 GMT", "no year"),
        ("03/04/2026", "day or month first"),
        ("2026-02-30", "day"),
        ("2026-11-20 25:00", "hour"),
        ("0001-01-01", "cannot be"),
        ("9999-12-31T23:59:59-10:00", "cannot be"),
        ("1970-01-01T00:00:00Z", "cannot be"),
        ("2026-11-20T21:00:00+99:00", "offset"),
        ("123456", "neither Unix seconds"),
        ("9" * 50, "neither Unix seconds"),
        ("2026 in general", "not a time"),
    ],
)
def test_what_is_no_time_says_why(written: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_time(written, TAIPEI)


@given(
    st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None)),
    st.sampled_from(["%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"]),
)
def test_local_times_are_read_as_their_zone_has_them(moment: datetime, form: str) -> None:
    expected = moment.replace(tzinfo=TAIPEI, microsecond=moment.microsecond if "%f" in form else 0)
    assume(EARLIEST <= expected < LATEST)
    assert read_time(moment.strftime(form), TAIPEI) == expected


@given(
    st.datetimes(
        EARLIEST.replace(tzinfo=None) - timedelta(days=500), LATEST.replace(tzinfo=None) + timedelta(days=500)
    ),
    st.sampled_from(["", "Z", "+08:00", "-05:30", "+24:00"]),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_iso_times_are_read_as_the_same_ones_written_with_slashes(moment: datetime, zone: str, to: str) -> None:
    written = moment.isoformat(timespec=to) + zone
    assert _read(written) == _read(written.replace("-", "/", 2))


def _read(written: str) -> datetime | str:
    try:
        return read_time(written, TAIPEI)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("written", "after", "utc"),
    [
        ((11, 20, 20, 31), "2026-11-20T20:20:00", "2026-11-20T12:31:00"),
        ((1, 1, 0, 5), "2026-12-31T23:59:50", "2026-12-31T16:05:00"),
        ((12, 31, 23, 59), "2026-12-31T23:59:50", "2026-12-31T15:59:00"),
        ((12, 31, 23, 59), "2027-01-01T00:00:10", "2026-12-31T15:59:00"),
        ((11, 19, 20, 0), "2026-11-20T20:20:00", "2027-11-19T12:00:00"),
        ((2, 29, 8, 0), "2026-11-20T20:20:00", "2028-02-29T00:00:00"),
    ],
)
def test_a_time_without_a_year_follows_the_one_before(written: tuple[int, int, int, int], after: str, utc: str) -> None:
    before = datetime.fromisoformat(after).replace(tzinfo=TAIPEI)
    found = next_in_sequence(*written, TAIPEI, after=before, until=before + timedelta(days=1000))
    assert found == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize("written", [(2, 30, 1, 1), (13, 1, 0, 0), (11, 20, 24, 0), (11, 19, 0, 0), (6, 1, 0, 0)])
def test_a_time_that_cannot_follow_is_an_error(written: tuple[int, int, int, int]) -> None:
    after = datetime(2026, 11, 20, 12, 20, tzinfo=UTC)
    with pytest.raises(ValueError, match="no such time"):
        next_in_sequence(*written, TAIPEI, after=after, until=after + timedelta(days=2))


NEARLY_A_TIME = st.from_regex(r"[0-9]{1,14}[-/年: .]{0,2}[0-9]{0,4}[-/月: ]?[0-9]{0,3}.{0,12}", fullmatch=True)


@given(st.text(max_size=40) | NEARLY_A_TIME)
def test_any_text_is_a_time_or_a_value_error(written: str) -> None:
    try:
        moment = read_time(written, TAIPEI)
    except ValueError:
        return
    assert 1990 <= moment.year < 2200


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("12", 12),
        (12, 12),
        (12.0, 12),
        ("1,204", 1204),
        ("１，２０４", 1204),
        ("1.3万", 13_000),
        ("1.3萬", 13_000),
        ("12.4K", 12_400),
        ("3w", 30_000),
        ("2.5亿", 250_000_000),
        ("100万+", 1_000_000),
        ("--", None),
        ("", None),
        ("many", None),
        (None, None),
        (True, None),
        (-1, None),
        ("-1", None),
        (float("nan"), None),
        (float("inf"), None),
        ("9" * 400, None),
        (10**30, None),
        (10**400, None),
        ([1], None),
    ],
)
def test_counts(written: object, count: int | None) -> None:
    assert parse_count(written) == count
