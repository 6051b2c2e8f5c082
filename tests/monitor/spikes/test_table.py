"""Tables of counts: what is read, and what a wrong row is called."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.errors import InputError
from monitor.spikes import Bin, detect_lines, read_counts

from .made import QUARTER, TAIPEI, bins, minutes, table

HEAD = "time,count,other\n"
GOOD = [f"2026-01-05T00:{minute:02}:00Z,1,2\n" for minute in (0, 5, 10, 15)]


def read(lines: list[str], zone: str = "UTC") -> tuple[timedelta, list[Bin]]:
    width, found = read_counts(lines, name="counts.csv", zone=ZoneInfo(zone))
    return width, list(found)


def test_columns_in_any_order_more_columns_a_mark_blank_lines_and_pandas_numbers() -> None:
    lines = ["\ufeffCount, note ,time\n", "\n", '3.0,"a, b",2026-01-05T08:00:00+08:00\n', "4,,2026-01-05 00:05:00Z\n"]
    start = datetime(2026, 1, 5, tzinfo=UTC)
    assert read(lines) == (timedelta(minutes=5), [Bin(start, 3, 0), Bin(start + timedelta(minutes=5), 4, 0)])


def test_the_width_is_the_most_common_difference() -> None:
    start = datetime(2026, 1, 5, 21, 42, 53, tzinfo=UTC)
    minute = [0, 5, 10, 25, 30, 35, 50]
    lines = [HEAD] + [f"{(start + timedelta(minutes=m)).isoformat()},1,1\n" for m in minute]
    assert read(lines)[0] == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2026-01-05T00:30:00Z,-1,2", "row 6: count is not a whole number from 0 to"),
        ("2026-01-05T00:30:00Z,1,nan", "row 6: other is not a whole number from 0 to"),
        ("2026-01-05T00:30:00Z,1e300,2", "row 6: count is not a whole number from 0 to"),
        ("2026-01-05T00:30:00Z,inf,2", "row 6: count is not a whole number from 0 to"),
        ("2026-01-05T00:30:00Z,2.5,2", "row 6: count is not a whole number from 0 to"),
        ("2026-01-05T00:30:00Z,many,2", "row 6: count is not a number: 'many'"),
        ("2026-01-05T00:30:00Z,,2", "row 6: count is not a number: ''"),
        ("2026-01-05T00:30:00Z,1", "row 6: the column 'other' is missing"),
        ("yesterday,1,2", "row 6: time is not ISO 8601: 'yesterday'"),
        ("0001-01-01T00:00:00+10:00,1,2", "row 6: time is out of range"),
        ("2026-01-05T00:15:00Z,1,2", "row 6: 2026-01-05T00:15:00Z is the same bin as row 5"),
        ("2026-01-05T00:16:00Z,1,2", "row 6: 2026-01-05T00:16:00Z is the same bin as row 5"),
        ("2026-01-05T00:00:00Z,1,2", "row 6: 2026-01-05T00:00:00Z is earlier than row 5"),
    ],
)
def test_a_bad_row_is_named_in_one_line(row: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read([HEAD, *GOOD, row + "\n"])
    assert str(caught.value).startswith(f"counts.csv: {message}")
    assert "\n" not in str(caught.value)


def test_a_bad_row_far_down_comes_after_the_alerts_before_it() -> None:
    lines = table(bins(QUARTER, *minutes(9, storms=[(6, 8, 40)])))
    lines[800] = "2026-01-13T08:00:00Z,x,1\n"
    found = detect_lines(lines, name="counts.csv", zone=TAIPEI)
    assert json.loads(next(found))["alert"] == "warning"
    with pytest.raises(InputError, match=r"counts\.csv: row 801: count is not a number"):
        list(found)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "the file is empty"),
        (["\n"], "row 1: no column 'time'"),
        (["time,other\n"], "row 1: no column 'count'"),
        (["2026-01-05T00:00:00Z,1\n"], "row 1: no column 'time'"),
        ([HEAD, "a" * 200_000 + ",1,2\n"], "row 2: "),
    ],
)
def test_a_file_that_is_no_table(lines: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(lines)
    assert str(caught.value).startswith("counts.csv: ")
    assert message in str(caught.value)


def test_bytes_that_are_not_utf8(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "counts.csv"
    path.write_bytes(b"time,count\n2026-01-05T00:00:00Z,1\n" + "澄嵐".encode("big5") + b",1\n")
    with path.open(encoding="utf-8") as lines, pytest.raises(InputError, match="not UTF-8"):
        list(read_counts(lines, name="counts.csv", zone=TAIPEI)[1])


@pytest.mark.parametrize("lines", [[HEAD], [HEAD, GOOD[0]], [HEAD, *GOOD]])
def test_a_file_with_hardly_any_rows_has_no_alerts(lines: list[str]) -> None:
    assert list(detect_lines(lines, name="counts.csv", zone=TAIPEI)) == []


def local_rows(zone: str, first: datetime, hours: int) -> list[str]:
    """Hourly rows with the local clock's time and no offset, as a person's export has them."""
    tz = ZoneInfo(zone)
    start = first.replace(tzinfo=tz).astimezone(UTC)
    times = [(start + timedelta(hours=i)).astimezone(tz).replace(tzinfo=None) for i in range(hours)]
    return ["time,count\n"] + [f"{time.isoformat(sep=' ')},1\n" for time in times]


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("America/Los_Angeles", datetime(2026, 10, 31)),  # noqa: DTZ001
        ("America/Los_Angeles", datetime(2026, 3, 7)),  # noqa: DTZ001
        ("Asia/Kathmandu", datetime(2026, 3, 7)),  # noqa: DTZ001
        ("Asia/Taipei", datetime(2026, 3, 7)),  # noqa: DTZ001
    ],
)
def test_local_times_are_read_through_a_change_of_clocks(zone: str, first: datetime) -> None:
    width, found = read(local_rows(zone, first, 60), zone)
    assert width == timedelta(hours=1)
    start = first.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert [row.start for row in found] == [start + timedelta(hours=i) for i in range(60)]


def test_a_local_time_that_the_clocks_skipped_is_an_error() -> None:
    with pytest.raises(InputError, match="row 2: 2026-03-08T02:30:00 does not exist in America/Los_Angeles"):
        read(["time,count\n", "2026-03-08T02:30:00,1\n"], "America/Los_Angeles")


def test_missing_rows_are_unknown_time() -> None:
    """Eight silent hours in the file are no quiet hours: the level learned is that of the rows."""
    rows = bins(QUARTER, *minutes(8))
    lines = table(rows)
    storm = table(bins(QUARTER, *minutes(8, storms=[(7.5, 6, 60)])))
    gaps = [line for i, line in enumerate(storm) if i == 0 or i % 96 >= 32]
    found = [json.loads(line) for line in detect_lines(gaps, name="counts.csv", zone=TAIPEI)]
    whole = [json.loads(line) for line in detect_lines(storm, name="counts.csv", zone=TAIPEI)]
    assert list(detect_lines(lines, name="counts.csv", zone=TAIPEI)) == []
    assert {f["alert"] for f in found} == {w["alert"] for w in whole}
    assert found[0]["time"][:10] == whole[0]["time"][:10] == "2026-01-12"
    assert found[0]["days_of_data"] == pytest.approx(whole[0]["days_of_data"] * 2 / 3, rel=0.05)
    assert found[0]["hour"]["own"] == pytest.approx(whole[0]["hour"]["own"], rel=0.4)
