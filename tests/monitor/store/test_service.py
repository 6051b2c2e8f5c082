"""The calendar in zones with odd offsets and changing clocks; the lease; failures after an upgrade."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database

from monitor.errors import StoreError
from monitor.model import Post, utc_text
from monitor.store import brand_ids, posts, service, writing

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def cover(db: Database, zone: str, first: datetime, last: datetime) -> None:
    brand_ids(db, {"b": "own"})
    with writing(db):
        for at in (first, last):
            db.execute("INSERT OR IGNORE INTO counts VALUES (1, 'p', ?, 1, 0, 0, 0, 1, '')", [utc_text(at)])
        service.cover_calendar(db, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Taipei", "2026-03-08", 24),
        ("America/Los_Angeles", "2026-03-07", 24),
        ("America/Los_Angeles", "2026-03-08", 23),
        ("America/Los_Angeles", "2026-11-01", 25),
        ("Asia/Kathmandu", "2026-03-08", 24),
    ],
)
def test_a_local_day_has_its_own_length(db: Database, zone: str, day: str, hours: int) -> None:
    cover(db, zone, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC))
    (bins,) = db.execute("SELECT count(*) FROM calendar WHERE local_day = ?", [day]).fetchone()
    assert bins == hours * 4


def test_the_two_hours_of_one_name_are_told_apart_by_their_offset(db: Database) -> None:
    cover(db, "America/Los_Angeles", datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))
    rows = db.execute(
        "SELECT utc_offset, count(*) FROM calendar WHERE local_day = '2026-11-01' AND hour = 1 GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert rows == [(-480, 4), (-420, 4)]


def test_kathmandu_hours_begin_at_a_quarter(db: Database) -> None:
    cover(db, "Asia/Kathmandu", NOW, NOW)
    (bin_,) = db.execute("SELECT min(bin) FROM calendar WHERE local_day = '2026-11-20' AND hour = 8").fetchone()
    assert bin_ == "2026-11-20T02:15:00Z"


def test_weekday_and_hour_are_local(db: Database) -> None:
    cover(db, "Asia/Taipei", NOW, NOW)
    row = db.execute("SELECT local_day, hour, weekday FROM calendar WHERE bin = '2026-11-20T16:15:00Z'").fetchone()
    assert row == ("2026-11-21", 0, 5)


def test_the_calendar_names_holidays_and_fills_them_in_where_an_older_version_made_it(db: Database) -> None:
    cover(db, "Asia/Taipei", datetime(2026, 2, 10, tzinfo=UTC), datetime(2026, 2, 26, tzinfo=UTC))

    def named() -> list[tuple[str, str]]:
        rows = db.execute("SELECT DISTINCT holiday, local_day FROM calendar WHERE holiday <> '' ORDER BY local_day")
        return [(name, day) for name, day in rows.fetchall()]

    assert {name for name, _ in named()} == {"春節"}
    assert [day for _, day in named()] == ["2026-02-16", *(f"2026-02-{day}" for day in range(17, 24))]
    with writing(db):
        db.execute("UPDATE calendar SET holiday = ''")
        db.execute("DELETE FROM facts WHERE name = 'holidays'")
        service.cover_calendar(db, ZoneInfo("Asia/Taipei"))
    assert len(named()) == 8


def test_the_calendar_grows_without_holes_and_another_zone_makes_it_anew(db: Database) -> None:
    cover(db, "Asia/Taipei", NOW, NOW)
    cover(db, "Asia/Taipei", NOW - timedelta(days=40), NOW + timedelta(days=40))
    low, high, bins = db.execute("SELECT min(bin), max(bin), count(*) FROM calendar").fetchone()
    span = datetime.fromisoformat(high) - datetime.fromisoformat(low)
    assert bins == span / timedelta(minutes=15) + 1
    cover(db, "Asia/Kathmandu", NOW, NOW)
    assert db.execute("SELECT DISTINCT utc_offset FROM calendar").fetchall() == [(345,)]
    assert db.execute("SELECT count(*) FROM counts WHERE bin NOT IN (SELECT bin FROM calendar)").fetchone() == (0,)


def test_a_lease_is_refused_while_its_holder_lives_and_taken_over_when_it_died(db: Database) -> None:
    with writing(db):
        mine = service.take_lease(db, "run", NOW)
        db.execute("UPDATE lease SET holder = ?", [mine.replace(str(os.getpid()), str(os.getppid()))])
    with pytest.raises(StoreError, match="another qianli"), writing(db):
        service.take_lease(db, "run", NOW)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with writing(db):
        db.execute("UPDATE lease SET holder = ?", [mine.replace(str(os.getpid()), str(dead.pid))])
        assert service.take_lease(db, "run", NOW) == mine
        service.release_lease(db, "run", mine)
    assert db.execute("SELECT * FROM lease").fetchall() == []


def test_a_failed_item_is_tried_again_a_few_times_and_by_another_version(db: Database) -> None:
    with writing(db):
        posts.add(db, [Post("p", "1", "x")], posts.Arrival("s", NOW, timedelta(hours=2)), lambda p, a: a)
        posts.done(db, "match", posts.take(db, "match", 9))
        service.add_failure(db, "score", "1", "KeyError", "1.0", "abcd", NOW)
        tries, now = 1, NOW
        while tries < 9 and now < NOW + timedelta(days=2):
            now += timedelta(minutes=5)
            service.retry_failed(db, "1.0", posts.STAGES, now)
            if posts.waiting(db)["score"]:
                posts.done(db, "score", posts.take(db, "score", 9))
                service.add_failure(db, "score", "1", "KeyError", "1.0", "abcd", now)
                tries += 1
        assert tries == 5
        service.retry_failed(db, "1.1", posts.STAGES, now)
        assert posts.waiting(db)["score"] == 1
        service.clear_failures(db, "score", [1])
    assert service.failures(db) == []
