"""The archive of digests and weekly roll-ups: which revisions there are, and what each said when it was made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlite_utils import Database

from monitor.model import (
    ArchivedDay,
    ArchivedWeek,
    Digest,
    FeedEntry,
    Replaced,
    Week,
    from_utc_text,
    utc_text,
)
from monitor.store import writing


def replaced(db: Database, brand: int, day: date) -> Replaced | None:
    """The newest digest of a day, as it said; None before there is one."""
    row = db.execute(
        """SELECT revision, made_at, verdict, mentions, negative_posts, negative_voices, heard, corrections
           FROM digests WHERE brand = ? AND day = ? ORDER BY revision DESC LIMIT 1""",
        [brand, day.isoformat()],
    ).fetchone()
    return Replaced(row[0], from_utc_text(row[1]), *row[2:]) if row else None


def add_digest(
    db: Database, brand: int, digest: Digest, *, owed: bool, file: str, hours: Sequence[int], summary: str
) -> None:
    today = digest.today
    db.execute(
        """INSERT INTO digests (brand, day, revision, made_at, late, owed, file, verdict, mentions, negative_posts,
               negative_voices, heard, incidents, corrections, hours, summary)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [brand, digest.day.isoformat(), digest.revision, utc_text(digest.made_at), digest.late, owed, file,
         digest.verdict, today.mentions, today.negative_posts, today.negative_voices, today.heard,
         len(digest.incidents), digest.corrections, json.dumps(hours), summary],
    )  # fmt: skip


def last_week(db: Database, brand: int, day: date) -> tuple[int, datetime] | None:
    """Revision and time of the newest roll-up that ends with a day."""
    row = db.execute(
        "SELECT revision, made_at FROM weeks WHERE brand = ? AND day = ? ORDER BY revision DESC LIMIT 1",
        [brand, day.isoformat()],
    ).fetchone()
    return (row[0], from_utc_text(row[1])) if row else None


def add_week(db: Database, brand: int, week: Week, *, owed: bool, file: str, summary: str) -> None:
    totals = week.totals
    db.execute(
        """INSERT INTO weeks (brand, day, revision, made_at, late, owed, file, verdict, mentions, negative_posts,
               negative_voices, heard, summary) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [brand, week.day.isoformat(), week.revision, utc_text(week.made_at), week.late, owed, file, week.verdict,
         totals.mentions, totals.negative_posts, totals.negative_voices, totals.heard, summary],
    )  # fmt: skip


def weeks_owed(db: Database, brand: int) -> set[date]:
    """The last days of the weeks whose roll-up was made after they were over: those are not owed any more."""
    rows = db.execute("SELECT DISTINCT day FROM weeks WHERE brand = ? AND owed", [brand])
    return {date.fromisoformat(day) for (day,) in rows}


def known_file(db: Database, file: str) -> bool:
    """Whether a page belongs to a digest or week that is stored."""
    row = db.execute(
        "SELECT 1 FROM digests WHERE file = ? UNION ALL SELECT 1 FROM weeks WHERE file = ? LIMIT 1", [file, file]
    ).fetchone()
    return row is not None


def days(db: Database, brand: int, first: date, last: date) -> tuple[ArchivedDay, ...]:
    """The newest digest of each day from ``first`` to ``last``, oldest first."""
    rows = db.execute(
        """SELECT day, revision, made_at, verdict, file, late, mentions, negative_voices, heard, incidents, hours
           FROM digests WHERE brand = ? AND day BETWEEN ? AND ? ORDER BY day, revision""",
        [brand, first.isoformat(), last.isoformat()],
    ).fetchall()
    found: dict[str, ArchivedDay] = {}
    for at, revision, made_at, verdict, file, late, mentions, voices, heard, incidents, hours in rows:
        before = found.get(at)
        found[at] = ArchivedDay(
            date.fromisoformat(at), revision, from_utc_text(made_at), verdict, _name(file), bool(late), mentions,
            voices, heard, incidents, tuple(json.loads(hours or "[]")), _older(before),
        )  # fmt: skip
    return tuple(found.values())


def weeks(db: Database, brand: int, first: date, last: date) -> tuple[ArchivedWeek, ...]:
    """The newest roll-up of each week that ends from ``first`` to ``last``, oldest first."""
    rows = db.execute(
        """SELECT day, revision, verdict, file, negative_voices, mentions FROM weeks
           WHERE brand = ? AND day BETWEEN ? AND ? ORDER BY day, revision""",
        [brand, first.isoformat(), last.isoformat()],
    ).fetchall()
    found: dict[str, ArchivedWeek] = {}
    for at, revision, verdict, file, voices, mentions in rows:
        older = _older(found.get(at))
        found[at] = ArchivedWeek(date.fromisoformat(at), revision, verdict, _name(file), voices, mentions, older)
    return tuple(found.values())


def _older(before: ArchivedDay | ArchivedWeek | None) -> tuple[tuple[int, str], ...]:
    """The revisions before one, oldest first, given the one before it."""
    return (*before.older, (before.revision, before.file)) if before else ()


def feed_entries(db: Database, brand: int, limit: int) -> tuple[FeedEntry, ...]:
    """The pages that were made last, newest first."""
    rows = db.execute(
        """SELECT 0, day, revision, made_at, verdict, summary, file FROM digests WHERE brand = :brand
           UNION ALL SELECT 1, day, revision, made_at, verdict, summary, file FROM weeks WHERE brand = :brand
           ORDER BY made_at DESC, day DESC, revision DESC LIMIT :limit""",
        {"brand": brand, "limit": limit},
    ).fetchall()
    return tuple(_entry(brand, row) for row in rows)


def years_touched(db: Database, brand: int, newest: int) -> set[int]:
    """The years of the ``newest`` pages, and of those made in the same second."""
    entries = feed_entries(db, brand, newest)
    if not entries:
        return set()
    since = utc_text(entries[-1].made_at)
    rows = db.execute(
        """SELECT substr(day, 1, 4) FROM digests WHERE brand = :brand AND made_at >= :since
           UNION SELECT substr(day, 1, 4) FROM weeks WHERE brand = :brand AND made_at >= :since""",
        {"brand": brand, "since": since},
    )
    return {int(year) for (year,) in rows.fetchall()}


def _entry(brand: int, row: tuple[Any, ...]) -> FeedEntry:
    week, day, revision, made_at, verdict, summary, file = row
    name = f"{'week' if week else 'digest'}-{brand}-{day}-{revision}"
    return FeedEntry(
        name, date.fromisoformat(day), bool(week), revision, from_utc_text(made_at), verdict, summary, _name(file)
    )


def span(db: Database, brand: int) -> tuple[date, date] | None:
    """The first and the last day that has a page."""
    first, last = db.execute(
        """SELECT min(first), max(last) FROM (
               SELECT min(day) AS first, max(day) AS last FROM digests WHERE brand = :brand
               UNION ALL SELECT min(day), max(day) FROM weeks WHERE brand = :brand)""",
        {"brand": brand},
    ).fetchone()
    return (date.fromisoformat(first), date.fromisoformat(last)) if first else None


def pages(db: Database, brand: int) -> tuple[int, int]:
    """How many pages a brand's archive has, and of how many its index tells."""
    row = db.execute(
        """SELECT (SELECT count(*) FROM digests WHERE brand = :brand)
                  + (SELECT count(*) FROM weeks WHERE brand = :brand),
                  coalesce((SELECT pages FROM archives WHERE brand = :brand), 0)""",
        {"brand": brand},
    ).fetchone()
    return row[0], row[1]


def set_pages(db: Database, brand: int, count: int) -> None:
    with writing(db):
        db.execute(
            "INSERT INTO archives VALUES (?, ?) ON CONFLICT (brand) DO UPDATE SET pages = excluded.pages",
            [brand, count],
        )


def voices_by_hour(db: Database, brand: int, start: datetime, end: datetime) -> tuple[int, ...]:
    """Negative voices of [start, end) by hours from ``start`` on, from the counts."""
    hours = [0] * -(-int((end - start).total_seconds()) // 3600)
    rows = db.execute(
        "SELECT bin, sum(negative_voices) FROM counts WHERE brand = ? AND bin >= ? AND bin < ? GROUP BY bin",
        [brand, utc_text(start), utc_text(end)],
    )
    for at, voices in rows.fetchall():
        hours[int((from_utc_text(at) - start) / timedelta(hours=1))] += voices
    return tuple(hours)


def _name(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]
