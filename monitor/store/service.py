"""What the service itself remembers: failures, the lease of the one scheduler, the calendar, the digests made."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from monitor.errors import StoreError
from monitor.holidays import holidays
from monitor.model import BIN, bin_start, from_utc_text, utc_text
from monitor.store import fact, set_fact

LEASE = timedelta(minutes=10)
DAY = timedelta(days=1)
FIRST_RETRY = timedelta(minutes=10)
TRIES = 5
FAR = timedelta(days=400)
HOLIDAYS = "1"
"""Which list of holidays the calendar was made with; another number makes it anew."""


def identity(db: Database) -> str:
    """This database's own name, made with it: it keeps Message-IDs of two installations apart."""
    return fact(db, "uid") or ""


def copy_in_memory(db: Database) -> Database:
    """The whole database, in memory: what is done to it is gone when it is closed."""
    copy = Database(memory=True)
    db.conn.backup(copy.conn)
    return copy


def add_failure(db: Database, stage: str, item: str, error: str, version: str, trace_id: str, now: datetime) -> None:
    db.execute(
        """INSERT INTO failures (stage, item, error, version, trace_id, at) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET error = excluded.error, version = excluded.version, trace_id = excluded.trace_id,
               at = excluded.at, times = times + 1""",
        [stage, item, error, version, trace_id, utc_text(now)],
    )


def clear_failure(db: Database, stage: str, item: str) -> None:
    """What failed before works again; written only where there is something to clear."""
    if db.execute("SELECT 1 FROM failures WHERE stage = ? AND item = ?", [stage, item]).fetchone():
        db.execute("DELETE FROM failures WHERE stage = ? AND item = ?", [stage, item])


def failures(db: Database) -> list[dict[str, object]]:
    return list(db.query("SELECT * FROM failures ORDER BY at DESC, stage, item"))


def clear_failures(db: Database, stage: str, ids: Iterable[int]) -> None:
    """Posts that a stage has now done; read first, because hardly ever is there anything to clear."""
    if db.execute("SELECT 1 FROM failures WHERE stage = ?", [stage]).fetchone():
        db.conn.executemany("DELETE FROM failures WHERE stage = ? AND item = ?", [(stage, str(i)) for i in ids])


def retry_failed(db: Database, version: str, stages: Iterable[str], now: datetime) -> None:
    """Queue posts again that a stage set aside: after 10, 20, 40 and 80 minutes, and by each new version."""
    for stage in stages:
        rows = db.execute(
            "SELECT item, version, at, times FROM failures WHERE stage = ? AND item <> 'stage'", [stage]
        ).fetchall()
        again = [
            (stage, int(item))
            for item, made_by, at, times in rows
            if made_by != version or (times < TRIES and now >= from_utc_text(at) + FIRST_RETRY * 2 ** (times - 1))
        ]
        db.conn.executemany("INSERT INTO queue VALUES (?, ?, random()) ON CONFLICT DO NOTHING", again)
        db.conn.executemany(
            "UPDATE failures SET version = ?, at = ? WHERE stage = ? AND item = ?",
            [(version, utc_text(now), stage, str(item)) for stage, item in again],
        )


def take_lease(db: Database, name: str, now: datetime) -> str:
    """Become the one that works on this database, inside the caller's transaction; StoreError if another one is.

    A lease whose process on this machine no longer lives is taken over at once: after a crash nobody should wait.
    """
    me = f"{socket.gethostname()}:{os.getpid()}"
    row = db.execute("SELECT holder, until FROM lease WHERE name = ?", [name]).fetchone()
    if row and row[0] != me and from_utc_text(row[1]) > now and _alive(row[0]):
        raise StoreError(f"another qianli ({row[0]}) works on this database; stop it, or wait until {row[1]}")
    db.execute(
        "INSERT INTO lease VALUES (?, ?, ?) ON CONFLICT(name) DO UPDATE SET holder = excluded.holder, "
        "until = excluded.until",
        [name, me, utc_text(now + LEASE)],
    )
    return me


def release_lease(db: Database, name: str, holder: str) -> None:
    db.execute("DELETE FROM lease WHERE name = ? AND holder = ?", [name, holder])


def _alive(holder: str) -> bool:
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname():
        return True  # cannot be known from here
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def cover_calendar(db: Database, zone: ZoneInfo) -> None:
    """Have the calendar cover every counted bin and a week more, in this zone; another zone makes it anew.

    It has no holes in the last 400 days; of older time it holds what was counted, for one post may claim any year.

    ``weekday`` is 0 for Monday. ``utc_offset`` is in minutes: it tells apart the two hours of one name that a day of
    25 hours has. ``holiday`` names those of the day, with spaces between several; '' where there is none.
    """
    low, high = db.execute(
        """SELECT min(low), max(high) FROM (
               SELECT (SELECT min(bin) FROM counts c WHERE c.brand = b.id) AS low,
                   (SELECT max(bin) FROM counts c WHERE c.brand = b.id) AS high FROM brands b)"""
    ).fetchone()
    if low is None:
        return
    if fact(db, "zone") != zone.key or fact(db, "holidays") != HOLIDAYS:
        db.execute("DELETE FROM calendar")
        set_fact(db, "zone", zone.key)
        set_fact(db, "holidays", HOLIDAYS)
    start, end = max(from_utc_text(low), from_utc_text(high) - FAR) - DAY, from_utc_text(high) + DAY
    has_low, has_high = db.execute(
        "SELECT (SELECT min(bin) FROM calendar WHERE bin >= ?), (SELECT max(bin) FROM calendar WHERE bin >= ?)",
        [utc_text(start)] * 2,
    ).fetchone()
    if has_low is None:
        _add_bins(db, zone, start, end + 7 * DAY)
    else:
        if start + DAY < from_utc_text(has_low):
            _add_bins(db, zone, start, from_utc_text(has_low))
        if end > from_utc_text(has_high):
            _add_bins(db, zone, from_utc_text(has_high) + BIN, end + 7 * DAY)
    for (old,) in db.execute(
        """SELECT DISTINCT c.bin FROM brands b CROSS JOIN counts c ON c.brand = b.id AND c.bin < ?
           WHERE NOT EXISTS (SELECT 1 FROM calendar d WHERE d.bin = c.bin)""",
        [utc_text(start)],
    ).fetchall():
        _add_bins(db, zone, from_utc_text(old), from_utc_text(old) + BIN)


def _add_bins(db: Database, zone: ZoneInfo, start: datetime, end: datetime) -> None:
    rows, at = [], bin_start(start)
    while at < end:
        local = at.astimezone(zone)
        offset = local.utcoffset() or timedelta()
        minutes = int(offset.total_seconds() // 60)
        day = local.date()
        names = " ".join(holiday.name for holiday in holidays(day))
        rows.append((utc_text(at), day.isoformat(), local.hour, local.weekday(), minutes, names))
        at += BIN
    db.conn.executemany(
        """INSERT INTO calendar (bin, local_day, hour, weekday, utc_offset, holiday) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT DO NOTHING""",
        rows,
    )


def keep_han_fold(db: Database, mapping: Mapping[str, str]) -> None:
    """The map of the Traditional -> Simplified fold as a table, for whoever searches with plain SQL."""
    if db.execute("SELECT count(*) FROM han_fold").fetchone()[0] == len(mapping):
        return
    db.execute("DELETE FROM han_fold")
    db.conn.executemany("INSERT INTO han_fold VALUES (?, ?)", list(mapping.items()))


def digests_owed(db: Database, brand: int) -> set[date]:
    """The days whose digest was made after they were over: those are not owed any more."""
    rows = db.execute("SELECT DISTINCT day FROM digests WHERE brand = ? AND owed", [brand])
    return {date.fromisoformat(day) for (day,) in rows}
