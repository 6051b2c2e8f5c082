"""What each source heard: its runs, cursors and due times, and from them the share of a brand's volume heard."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlite_utils import Database

from monitor.model import BIN, HEARD_ENOUGH, Cursor, Gap, SourceCoverage, bin_start, from_utc_text, utc_text
from monitor.store import moment

SHARES_FROM = timedelta(days=28)
SHARES_EVERY = timedelta(hours=6)
NEWEST = 1000
"""Mentions that say which sources bring a platform."""
UNTIL_NEXT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class SourceState:
    """Where a source stands: its cursor, when it is next due, how often in a row it was refused, heard until when."""

    cursor: Cursor
    due_at: datetime
    refusals: int
    heard_to: datetime | None


def state(db: Database, source: str) -> SourceState:
    row = db.execute("SELECT cursor, due_at, refusals FROM cursors WHERE source = ?", [source]).fetchone()
    heard_to = db.execute('SELECT max("to") FROM heard WHERE source = ?', [source]).fetchone()[0]
    end = moment(heard_to)
    if row is None:
        return SourceState({}, datetime.min.replace(tzinfo=UTC), 0, end)
    return SourceState(json.loads(row[0]), from_utc_text(row[1]), row[2], end)


def start_run(db: Database, source: str, now: datetime) -> int:
    """A row for a run that begins; runs of this source that a crash left open are closed. A crash of ours is no
    reason for what a source did not say."""
    db.execute(
        """UPDATE source_runs SET state = 'interrupted', finished_at = ?
           WHERE source = ? AND state = 'running'""",
        [utc_text(now), source],
    )
    identity = db.execute(
        "INSERT INTO source_runs (source, started_at, state) VALUES (?, ?, 'running')", [source, utc_text(now)]
    ).lastrowid
    assert identity is not None  # an INSERT that did not raise has a rowid
    return identity


def forget_run(db: Database, run: int) -> None:
    """One for which nobody was asked."""
    db.execute("DELETE FROM source_runs WHERE id = ?", [run])


def add_page(db: Database, run: int, seen: int, added: int, rejected: int) -> None:
    db.execute(
        """UPDATE source_runs SET pages = pages + 1, seen = seen + ?, added = added + ?, rejected = rejected + ?
           WHERE id = ?""",
        [seen, added, rejected, run],
    )


def finish_run(
    db: Database, run: int, now: datetime, outcome: str, detail: str = "", gap: tuple[datetime, datetime] | None = None
) -> None:
    start, end = (utc_text(gap[0]), utc_text(gap[1])) if gap else (None, None)
    db.execute(
        "UPDATE source_runs SET state = ?, detail = ?, finished_at = ?, gap_from = ?, gap_to = ? WHERE id = ?",
        [outcome, detail, utc_text(now), start, end, run],
    )


def note_reach(db: Database, run: int, reach: datetime) -> None:
    """Since when a run heard all of the lists that had their turn in it."""
    db.execute("UPDATE source_runs SET reach = ? WHERE id = ?", [utc_text(reach), run])


def least_reach(db: Database, source: str, began: datetime) -> datetime:
    """Since when all lists were heard that had their turn since ``began``: the latest of what their runs noted."""
    row = db.execute(
        "SELECT max(reach) FROM source_runs WHERE source = ? AND started_at >= ?", [source, utc_text(began)]
    ).fetchone()
    return from_utc_text(row[0])


def last_good_run(db: Database, source: str, before: datetime) -> datetime | None:
    row = db.execute(
        "SELECT max(started_at) FROM source_runs WHERE source = ? AND state = 'ok' AND started_at < ?",
        [source, utc_text(before)],
    ).fetchone()
    return moment(row[0])


def keep_cursor(db: Database, source: str, cursor: Cursor, due_at: datetime, refusals: int = 0) -> None:
    """In the transaction of the posts it stands for, or a crash between the two loses posts for good."""
    db.execute(
        """INSERT INTO cursors VALUES (?, ?, ?, ?) ON CONFLICT(source) DO UPDATE
           SET cursor = excluded.cursor, due_at = excluded.due_at, refusals = excluded.refusals""",
        [source, json.dumps(cursor, ensure_ascii=False, sort_keys=True), utc_text(due_at), refusals],
    )


def add_heard(
    db: Database, source: str, start: datetime, now: datetime, live_within: timedelta, end: datetime | None = None
) -> None:
    """The source has now heard [start, end), up to now if no end is given; what is older than ``live_within`` was heard
    late.

    Detectors that remember that time as not heard forget it.
    """
    end = end or now
    border = min(max(start, now - live_within), end)
    if start < border:
        _extend(db, source, start, border, late=True)
        db.execute("DELETE FROM detector_states WHERE bin >= ?", [utc_text(bin_start(start))])
    if border < end or start == end:
        _extend(db, source, border, end, late=False)


def add_heard_back(db: Database, source: str, start: datetime, now: datetime, live_within: timedelta) -> None:
    """The source was asked to reach back, and has heard [start, now): what it had not heard before is now history where
    it lies before its first stretch, and heard late behind it."""
    known = [(a, b) for name, a, b in _stretches(db, start, now) if name == source]
    first = db.execute('SELECT min("from") FROM heard WHERE source = ?', [source]).fetchone()[0]
    at = start
    for a, b in [*known, (now, now)]:
        if at < a and (first is None or utc_text(at) < first):
            add_heard_history(db, source, at, a)
        elif at < a:
            border = min(max(at, now - live_within), a)
            if at < border:
                _extend(db, source, at, border, late=True)
            if border < a:
                _extend(db, source, border, a, late=False)
        at = max(at, b)
    forget_shares(db)


def cut_future(db: Database, source: str, now: datetime) -> None:
    """Take back what a clock that ran ahead noted: heard is only what was by the last good run before ``now``."""
    if not db.execute('SELECT 1 FROM heard WHERE source = ? AND "to" > ?', [source, utc_text(now)]).fetchone():
        return
    last = db.execute(
        "SELECT max(finished_at) FROM source_runs WHERE source = ? AND state = 'ok' AND finished_at <= ?",
        [source, utc_text(now)],
    ).fetchone()[0]
    db.execute('DELETE FROM heard WHERE source = ? AND "from" >= ?', [source, last or ""])
    db.execute('UPDATE heard SET "to" = ? WHERE source = ? AND "to" > ?', [last, source, last or ""])


def add_heard_history(db: Database, source: str, start: datetime, end: datetime) -> None:
    """An import or backfill is heard from its first to its last row; its arrival is assumed, so it is not late."""
    _extend(db, source, start, end, late=False)


def _extend(db: Database, source: str, start: datetime, end: datetime, *, late: bool) -> None:
    """Merge [start, end) with the stretches it touches, so that the table holds one row a stretch."""
    touching = [source, late, utc_text(end), utc_text(start)]
    where = 'source = ? AND late = ? AND "from" <= ? AND "to" >= ?'
    first, last = db.execute(f'SELECT min("from"), max("to") FROM heard WHERE {where}', touching).fetchone()
    db.execute(f"DELETE FROM heard WHERE {where}", touching)
    db.execute(
        'INSERT INTO heard (source, "from", "to", late) VALUES (?, ?, ?, ?)',
        [source, min(first or utc_text(start), utc_text(start)), max(last or utc_text(end), utc_text(end)), late],
    )


def refresh_shares(db: Database, brand: int, sources: Sequence[str], now: datetime) -> None:
    """Measure again, at most every six hours, which share of a brand's last 28 days each configured source brought."""
    row = db.execute("SELECT max(at) FROM shares WHERE brand = ?", [brand]).fetchone()
    if row[0] and from_utc_text(row[0]) > now - SHARES_EVERY:
        return
    counted = _posts_of_sources(db, brand, now - SHARES_FROM, now) if sources else {}
    total = sum(counted.get(s, 0) for s in sources)
    db.execute("DELETE FROM shares WHERE brand = ?", [brand])
    db.execute(
        """INSERT INTO shares SELECT ?, h.source, 1.0, ? FROM (SELECT DISTINCT source FROM heard) h
           WHERE h.source LIKE 'import:%' AND EXISTS (SELECT 1 FROM mentions WHERE brand = ?) AND EXISTS (
               SELECT 1 FROM sightings s JOIN mentions m ON m.post = s.post
               WHERE s.source = h.source AND m.brand = ?)""",
        [brand, utc_text(now), brand, brand],
    )
    db.conn.executemany(
        "INSERT INTO shares VALUES (?, ?, ?, ?)",
        [(brand, s, counted.get(s, 0) / total if total else 1 / len(sources), utc_text(now)) for s in sources],
    )


def _posts_of_sources(db: Database, brand: int, start: datetime, end: datetime) -> dict[str, int]:
    rows = db.execute(
        """SELECT s.source, count(*) FROM mentions m JOIN sightings s ON s.post = m.post
           WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at <= ? GROUP BY s.source""",
        [brand, utc_text(start), utc_text(end)],
    )
    return dict(rows.fetchall())


def heard_share(db: Database, brand: int, start: datetime, end: datetime) -> dict[datetime, float]:
    """For each bin of [start, end): the share (0..1) of the brand's usual volume whose sources heard the bin whole.

    Before the first run of any source, a bin is heard if an import that speaks of the brand covers it: whoever made
    the export says that it is the record of that time. Afterwards an import proves nothing about what sources missed.
    Only bins that were heard at all are in the answer.
    """
    return _heard(
        db, dict(db.execute("SELECT source, share FROM shares WHERE brand = ?", [brand]).fetchall()), start, end
    )


def heard_on(db: Database, brand: int, platform: str, start: datetime, end: datetime) -> dict[datetime, float]:
    """The same for the brand's posts on one platform, going by which sources brought the newest of them; an import, or
    a platform of which nothing lately came, was heard where the brand was."""
    brought = dict(
        db.execute(
            """SELECT s.source, count(*) FROM (
                   SELECT post FROM mentions WHERE brand = ? AND counted_at < ? ORDER BY counted_at DESC LIMIT ?) m
               CROSS JOIN posts p ON p.id = m.post AND p.platform = ? CROSS JOIN sightings s ON s.post = m.post
               WHERE s.source NOT LIKE 'import:%' GROUP BY s.source""",
            [brand, utc_text(end), NEWEST, platform],
        ).fetchall()
    )
    total = sum(brought.values())
    if not total:
        return heard_share(db, brand, start, end)
    return _heard(db, {source: n / total for source, n in brought.items()}, start, end)


def _heard(db: Database, shares: Mapping[str, float], start: datetime, end: datetime) -> dict[datetime, float]:
    live_from = first_run(db) or datetime.max.replace(tzinfo=UTC)
    found: dict[datetime, float] = {}
    for source, since, until in _stretches(db, start, end):
        last = min(end, until, live_from) if source.startswith("import:") else min(end, until)
        at = max(start, _ceil(since))
        while at + BIN <= last:
            # Rounded, or seven tenths and one tenth would be less than ``HEARD_ENOUGH``.
            found[at] = min(1.0, round(found.get(at, 0.0) + shares.get(source, 0.0), 9))
            at += BIN
    return found


def first_heard(db: Database) -> datetime | None:
    """The first bin in which anything was heard. A post may claim an older time; that is no start of a pattern."""
    row = db.execute('SELECT min("from") FROM heard').fetchone()
    return bin_start(from_utc_text(row[0])) if row[0] else None


def forget_shares(db: Database) -> None:
    """Have the shares measured anew at the next watch: another source, an import, has come."""
    db.execute("DELETE FROM shares")


def first_run(db: Database) -> datetime | None:
    """When a source was first asked."""
    row = db.execute("SELECT min(started_at) FROM source_runs").fetchone()
    return moment(row[0])


def next_run(db: Database, start: datetime) -> datetime | None:
    """When a source was first asked from ``start`` on. Each source is sought by itself, along the index: there is a row
    for every time that any was asked."""
    row = db.execute(
        """WITH RECURSIVE known (source) AS (
               SELECT min(source) FROM source_runs
               UNION ALL SELECT (SELECT min(r.source) FROM source_runs r WHERE r.source > known.source) FROM known
               WHERE known.source IS NOT NULL)
           SELECT min((SELECT min(r.started_at) FROM source_runs r WHERE r.source = known.source AND r.started_at >= ?))
           FROM known""",
        [utc_text(start)],
    ).fetchone()
    return moment(row[0])


def days_heard(db: Database, brand: int, now: datetime) -> float:
    """Days of event time that were heard before ``now``, counted back at most 120 days."""
    first = first_heard(db)
    if first is None:
        return 0.0
    start = max(first, bin_start(now - timedelta(days=120)))
    known = sum(share >= HEARD_ENOUGH for share in heard_share(db, brand, start, bin_start(now)).values())
    return known * (BIN / timedelta(days=1))


def _ceil(moment: datetime) -> datetime:
    width = int(BIN.total_seconds())
    return datetime.fromtimestamp(-(-int(moment.timestamp()) // width) * width, UTC)


def _stretches(db: Database, start: datetime, end: datetime) -> list[tuple[str, datetime, datetime]]:
    """Heard stretches that touch [start, end), on time and late ones of a source joined where they meet."""
    rows = db.execute(
        'SELECT source, "from", "to" FROM heard WHERE "from" < ? AND "to" > ? ORDER BY source, "from"',
        [utc_text(end), utc_text(start)],
    )
    joined: list[tuple[str, datetime, datetime]] = []
    for source, since, until in rows:
        a, b = from_utc_text(since), from_utc_text(until)
        if joined and joined[-1][0] == source and joined[-1][2] >= a:
            joined[-1] = (source, joined[-1][1], max(joined[-1][2], b))
        else:
            joined.append((source, a, b))
    return joined


def of_sources(
    db: Database, brand: int, sources: Sequence[str], start: datetime, end: datetime
) -> list[SourceCoverage]:
    """What each source heard of [start, end), with its gaps and their reasons; ``end`` should not lie ahead of now."""
    stretches = _stretches(db, start, end)
    posts = dict(
        db.execute(
            """SELECT s.source, count(*) FROM mentions m JOIN sightings s ON s.post = m.post
               WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ? GROUP BY s.source""",
            [brand, utc_text(start), utc_text(end)],
        ).fetchall()
    )
    imports = sorted({s for s, _, _ in stretches if s.startswith("import:") and posts.get(s)})
    found = [
        _coverage(db, s, posts.get(s, 0), [(a, b) for name, a, b in stretches if name == s], start, end)
        for s in (*sources, *imports)
    ]
    # Beside sources an import is a supplement: what it does not cover is no gap of hearing.
    return [replace(c, gaps=()) if sources and c.source in imports else c for c in found]


def _coverage(
    db: Database, source: str, posts: int, heard: Sequence[tuple[datetime, datetime]], start: datetime, end: datetime
) -> SourceCoverage:
    gaps, at, total = [], start, timedelta()
    for a, b in [*heard, (end, end)]:
        # Between the last answer and now there are always some minutes; they are no gap before the next is overdue.
        if a - at > (UNTIL_NEXT if (a, b) == (end, end) else timedelta(minutes=1)):
            gaps.append(_gap(db, source, at, min(a, end)))
        total += max(timedelta(), min(b, end) - max(a, start))
        at = max(at, b)
    return SourceCoverage(source, posts, total / (end - start) if end > start else 1.0, tuple(gaps))


def _gap(db: Database, source: str, start: datetime, end: datetime) -> Gap:
    """A gap in which a run gave nothing at all is blind, also where a later one began again without reaching back."""
    span = [source, utc_text(start), utc_text(end)]
    short = db.execute(
        "SELECT 1 FROM source_runs WHERE source = ? AND gap_to > ? AND gap_from < ?",
        span,
    ).fetchone()
    bad = """FROM source_runs WHERE source = ? AND started_at >= ? AND started_at <= ?
             AND state NOT IN ('ok', 'running', 'interrupted')"""
    silent = db.execute(f"SELECT 1 {bad} AND pages = 0", span).fetchone()
    row = db.execute(f"SELECT state, detail {bad} ORDER BY started_at DESC LIMIT 1", span).fetchone()
    cause, reason = row or ("", "")
    return Gap(start, end, "partial" if short and not silent else "blind", reason, cause)
