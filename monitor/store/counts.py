"""Counts: a cache of 15-minute bins, made again from the rows wherever a stage marked them dirty.

A negative mention *opens a voice* unless an earlier one of the same copy group did, or the same author was heard in
the same thread within the hour before. Earlier means earlier in event time, then by id. The CROSS JOINs are SQLite's
way to fix the order of a join: from the few posts to their mentions, not through all earlier mentions; the CASE keeps
it from looking for what comes before a mention that opens nothing anyway.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.model import BIN, bin_start, from_utc_text, utc_text
from monitor.schema import BIN_OF

_MARK = f"""
    INSERT INTO dirty_bins SELECT m.brand, p.platform, {BIN_OF.format("p.counted_at")}
    FROM json_each(:posts) c CROSS JOIN mentions m ON m.post = c.value JOIN posts p ON p.id = m.post WHERE true
    ON CONFLICT DO NOTHING"""

_MARK_COPIES = f"""
    INSERT INTO dirty_bins
    WITH changed AS MATERIALIZED (SELECT value AS post FROM json_each(:posts)),
    touched AS (
        SELECT m.copies, m.brand, min(m.counted_at) AS earliest FROM changed c CROSS JOIN mentions m ON m.post = c.post
        WHERE m.copies IS NOT NULL GROUP BY m.copies, m.brand),
    others AS (
        SELECT t.brand, t.earliest, (
            SELECT n.post FROM mentions n WHERE n.copies = t.copies AND n.brand = t.brand AND n.label = 'negative'
            AND n.post NOT IN (SELECT post FROM changed) ORDER BY n.counted_at, n.post LIMIT 1) AS post
        FROM touched t)
    SELECT o.brand, p.platform, {BIN_OF.format("p.counted_at")}
    FROM others o CROSS JOIN posts p ON p.id = o.post WHERE p.counted_at >= o.earliest
    ON CONFLICT DO NOTHING"""

_MARK_FIRST = f"""
    INSERT INTO dirty_bins SELECT n.brand, p.platform, {BIN_OF.format("p.counted_at")}
    FROM mentions n JOIN posts p ON p.id = n.post
    WHERE n.copies = :group AND n.label = 'negative' AND NOT EXISTS (
        SELECT 1 FROM mentions e WHERE e.copies = :group AND e.brand = n.brand AND e.label = 'negative'
        AND (e.counted_at, e.post) < (n.counted_at, n.post))
    ON CONFLICT DO NOTHING"""

_MARK_SAME_AUTHOR = f"""
    INSERT INTO dirty_bins SELECT m.brand, o.platform, {BIN_OF.format("o.counted_at")}
    FROM json_each(:posts) c CROSS JOIN posts p ON p.id = c.value
    CROSS JOIN posts o ON o.author_key = p.author_key
        AND o.counted_at >= p.counted_at
        AND o.counted_at <= strftime('%Y-%m-%dT%H:%M:%SZ', p.counted_at, '+1 hour')
        AND o.platform = p.platform
        AND iif(o.root = '', o.native_id, o.root) = iif(p.root = '', p.native_id, p.root)
    CROSS JOIN mentions m ON m.post = o.id AND m.label = 'negative'
    WHERE p.author_key IS NOT NULL
    ON CONFLICT DO NOTHING"""

_RECOUNT = """
    WITH said AS (
        SELECT p.id, m.label, m.model, m.copies, m.opens_voice AS opened,
            p.counted_at, p.live, p.author_key, p.platform, p.root, p.native_id
        FROM mentions m JOIN posts p ON p.id = m.post
        WHERE m.brand = :brand AND m.counted_at >= :start AND m.counted_at < :end AND p.platform = :platform),
    judged AS (
        SELECT said.*, CASE WHEN said.label = 'negative' THEN
            NOT EXISTS (
                SELECT 1 FROM mentions n
                WHERE n.copies = said.copies AND n.brand = :brand AND n.label = 'negative'
                AND (n.counted_at, n.post) < (said.counted_at, said.id))
            AND NOT EXISTS (
                SELECT 1 FROM posts o CROSS JOIN mentions n ON n.post = o.id
                WHERE o.author_key = said.author_key AND n.brand = :brand AND n.label = 'negative'
                AND o.counted_at >= strftime('%Y-%m-%dT%H:%M:%SZ', said.counted_at, '-1 hour')
                AND (o.counted_at, o.id) < (said.counted_at, said.id)
                AND o.platform = said.platform
                AND iif(o.root = '', o.native_id, o.root) = iif(said.root = '', said.native_id, said.root))
            ELSE 0 END AS opens
        FROM said)
    SELECT id, label, live, opens, model, opened
    FROM judged"""

Row = tuple[int, str | None, int, int, str | None, int]
"""One mention of a bin: post, label, live, opens a voice, the model whose score it has, whether it was stored so."""

Numbers = tuple[int, int, int, int, int, str]
"""mentions, negative posts, negative voices, live voices, other, model: the columns of ``counts``."""


@dataclass(frozen=True, slots=True)
class BinCount:
    """One brand's bin over all platforms. ``live_voices`` are the negative voices whose first post came in live."""

    start: datetime
    voices: int
    live_voices: int
    other: int


def mark(db: Database, posts: Sequence[int]) -> None:
    """Mark every bin whose counts a change of these posts may change: their own, and those of others that open a voice
    or no longer do.

    Of a group's other copies only the first negative one may: all others have it before them, whatever these posts
    are. Nor may it where all of these posts are later. Of the author's others, the negative ones of the next hour.
    """
    changed = {"posts": json.dumps(list(posts))}
    for statement in (_MARK, _MARK_COPIES, _MARK_SAME_AUTHOR):
        db.execute(statement, changed)


def mark_joining(db: Database, groups: Iterable[int]) -> None:
    """Mark the bins that may change when groups become one: of each, that of the first negative copy, for what had it
    before it will have it still."""
    db.conn.executemany(_MARK_FIRST, [{"group": g} for g in sorted(set(groups))])


def mark_from(db: Database, start: datetime) -> None:
    """Mark every counted bin from ``start`` on."""
    db.execute(
        "INSERT INTO dirty_bins SELECT brand, platform, bin FROM counts WHERE bin >= ? ON CONFLICT DO NOTHING",
        [utc_text(bin_start(start))],
    )


def recount(db: Database, limit: int = 500) -> int:
    """Make up to ``limit`` dirty bins again, in the caller's transaction; how many were made."""
    bins = db.execute("SELECT brand, platform, bin FROM dirty_bins ORDER BY bin LIMIT ?", [limit]).fetchall()
    changed = []
    for brand, platform, start in bins:
        rows = _rows(db, brand, platform, start)
        db.conn.executemany(
            "UPDATE mentions SET opens_voice = ? WHERE post = ? AND brand = ?",
            [(opens, post, brand) for post, _, _, opens, _, opened in rows if opens != opened],
        )
        if _write(db, brand, platform, start, _totals(rows)):
            changed.append((brand, platform, start))
    db.conn.executemany("DELETE FROM dirty_bins WHERE brand = ? AND platform = ? AND bin = ?", bins)
    _forget_states(db, changed)
    _mark_copies_changed(db, changed)
    return len(bins)


def dirty(db: Database) -> int:
    """How many bins wait to be counted again."""
    left: int = db.execute("SELECT count(*) FROM dirty_bins").fetchone()[0]
    return left


def closed_until(db: Database, now: datetime) -> datetime:
    """The start of the first bin that may not be judged yet: the one that lasts, or one that waiting work may change.

    A bin with posts still to be scored has fewer voices than were heard: it would read as calm. Signals count nothing.
    """
    row = db.execute(
        """SELECT min(at) FROM (
               SELECT min(p.counted_at) AS at FROM queue q JOIN posts p ON p.id = q.post
               WHERE q.stage IN ('match', 'score', 'group') UNION ALL SELECT min(bin) FROM dirty_bins)"""
    ).fetchone()
    return min(bin_start(now), bin_start(from_utc_text(row[0]))) if row[0] else bin_start(now)


def voices_since(db: Database, brand: int, start: datetime) -> int:
    """All negative voices counted from ``start`` on."""
    row = db.execute(
        "SELECT coalesce(sum(negative_voices), 0) FROM counts WHERE brand = ? AND bin >= ?", [brand, utc_text(start)]
    ).fetchone()
    return int(row[0])


def _rows(db: Database, brand: int, platform: str, start: str) -> list[Row]:
    end = utc_text(from_utc_text(start) + BIN)
    return db.execute(_RECOUNT, {"brand": brand, "platform": platform, "start": start, "end": end}).fetchall()


def _totals(rows: Sequence[Row]) -> Numbers:
    return (
        len(rows),
        sum(label == "negative" for _, label, *_ in rows),
        sum(opens for _, _, _, opens, *_ in rows),
        sum(opens and live for _, _, live, opens, *_ in rows),
        sum(label is not None and label != "negative" for _, label, *_ in rows),
        ",".join(sorted({model for *_, model, _ in rows if model is not None})),
    )


def _write(db: Database, brand: int, platform: str, start: str, row: Numbers) -> bool:
    """Store one bin; whether that changed a number. A bin is dirty more often than it changes."""
    key = [brand, platform, start]
    before = db.execute(
        """SELECT mentions, negative_posts, negative_voices, live_voices, other, model FROM counts
           WHERE brand = ? AND platform = ? AND bin = ?""",
        key,
    ).fetchone()
    if before == (row if row[0] else None):
        return False
    db.execute("DELETE FROM counts WHERE brand = ? AND platform = ? AND bin = ?", key)
    if row[0]:
        db.execute(
            """INSERT INTO counts (brand, platform, bin, mentions, negative_posts, negative_voices, live_voices, other,
                   model) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [*key, *row],
        )
    return before is None or before[:-1] != row[:-1]


def by_platform(db: Database, brand: int, start: datetime, end: datetime) -> dict[str, int]:
    """How many mentions of a brand each platform brought in [start, end)."""
    rows = db.execute(
        "SELECT platform, sum(mentions) FROM counts WHERE brand = ? AND bin >= ? AND bin < ? GROUP BY platform",
        [brand, utc_text(start), utc_text(end)],
    )
    return dict(rows.fetchall())


def _forget_states(db: Database, bins: Sequence[tuple[int, str, str]]) -> None:
    """What the detector remembers from a changed bin on is no longer true."""
    first: dict[int, str] = {}
    for brand, _, start in bins:
        first[brand] = min(start, first.get(brand, start))
    db.conn.executemany("DELETE FROM detector_states WHERE brand = ? AND bin >= ?", list(first.items()))


def _mark_copies_changed(db: Database, bins: Sequence[tuple[int, str, str]]) -> None:
    """Where a count changed, so may have the copies of a story (``store.bursts``)."""
    db.conn.executemany(
        """INSERT INTO burst_bins SELECT id, ? FROM brands WHERE id = ? AND role = 'own' ON CONFLICT DO NOTHING""",
        sorted({(start, brand) for brand, _, start in bins}),
    )


def recount_all(db: Database) -> list[tuple[object, ...]]:
    """Every bin counted from the rows alone: what ``counts``, a cache of them, must read."""
    bins = db.execute(
        f"""SELECT DISTINCT m.brand, p.platform, {BIN_OF.format("p.counted_at")}
            FROM mentions m JOIN posts p ON p.id = m.post ORDER BY 1, 3, 2"""
    ).fetchall()
    return [(brand, platform, start, *_totals(_rows(db, brand, platform, start))) for brand, platform, start in bins]


def stored(db: Database) -> list[tuple[object, ...]]:
    """The counts as stored, in the order of ``recount_all``."""
    return db.execute(
        """SELECT brand, platform, bin, mentions, negative_posts, negative_voices, live_voices, other, model
           FROM counts ORDER BY brand, bin, platform"""
    ).fetchall()


def series(
    db: Database, brand: int, start: datetime, end: datetime, platform: str | None = None
) -> dict[datetime, BinCount]:
    """The bins of one brand in [start, end) that hold anything, over all platforms or on one."""
    rows = db.execute(
        """SELECT bin, sum(negative_voices), sum(live_voices), sum(other) FROM counts
           WHERE brand = :brand AND bin >= :start AND bin < :end AND (:platform IS NULL OR platform = :platform)
           GROUP BY bin""",
        {"brand": brand, "start": utc_text(start), "end": utc_text(end), "platform": platform},
    )
    return {(at := from_utc_text(b)): BinCount(at, voices, live, other) for b, voices, live, other in rows}
