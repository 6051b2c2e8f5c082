"""Silences: of one incident or of a whole brand; and what is news while one holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.model import Finding, Kind, from_utc_text, utc_text

STORIES_READ = 5000
"""Of the negative posts since a silence began, how many of the newest are asked for their story."""


@dataclass(frozen=True, slots=True)
class Silence:
    """``incident`` is None where it holds for all of the brand's. ``until`` it ends by itself."""

    id: int
    brand: int
    incident: int | None
    since: datetime
    until: datetime
    by: str


_SILENCE = 'SELECT id, brand, incident, since, until, "by" FROM silences'


def going(db: Database, brand: int, incident: int | None = None) -> list[Silence]:
    """The silences that hold for a brand's incident, or for the brand itself, the one that lasts longest first."""
    rows = db.execute(
        f"{_SILENCE} WHERE brand = ? AND ended = 0 AND (incident IS NULL OR incident IS ?) ORDER BY until DESC, id",
        [brand, incident],
    )
    return [_silence(row) for row in rows.fetchall()]


def all_of(db: Database, brand: int) -> list[Silence]:
    """Those of the brand and of all its incidents."""
    rows = db.execute(f"{_SILENCE} WHERE brand = ? AND ended = 0 ORDER BY id", [brand])
    return [_silence(row) for row in rows.fetchall()]


def over(db: Database, brand: int, now: datetime) -> list[Silence]:
    """Those whose time is over and whose end was not yet acted on."""
    rows = db.execute(f"{_SILENCE} WHERE brand = ? AND ended = 0 AND until <= ? ORDER BY id", [brand, utc_text(now)])
    return [_silence(row) for row in rows.fetchall()]


def _silence(row: tuple[int, int, int | None, str, str, str]) -> Silence:
    return Silence(row[0], row[1], row[2], from_utc_text(row[3]), from_utc_text(row[4]), row[5])


def begin(db: Database, brand: int, incident: int | None, until: datetime, by: str, now: datetime) -> None:
    """A new silence in place of one of the same that ends earlier; its beginning stays, for what is news counts from
    there."""
    row = db.execute(
        "SELECT min(since) FROM silences WHERE brand = ? AND incident IS ? AND ended = 0", [brand, incident]
    ).fetchone()
    db.execute("UPDATE silences SET ended = 1 WHERE brand = ? AND incident IS ? AND ended = 0", [brand, incident])
    db.execute(
        'INSERT INTO silences (brand, incident, since, until, "by") VALUES (?, ?, ?, ?, ?)',
        [brand, incident, row[0] or utc_text(now), utc_text(until), by],
    )


def end(db: Database, silence: Silence, lifted_at: datetime | None = None) -> None:
    db.execute(
        "UPDATE silences SET ended = 1, lifted_at = ? WHERE id = ?",
        [utc_text(lifted_at) if lifted_at else None, silence.id],
    )


def story_of(db: Database, finding: Finding) -> int | None:
    """The story that a story-burst or an early warning is of; a spike is of none in particular."""
    if finding.kind is Kind.BURST:
        row = db.execute("SELECT coalesce(merged_into, id) FROM stories WHERE id = ?", [finding.subject]).fetchone()
    elif finding.kind is Kind.TAKEOFF:
        row = db.execute(
            """SELECT coalesce(s.merged_into, s.id) FROM group_members m JOIN groups g ON g.id = m."group"
               JOIN stories s ON s.id = g.story WHERE m.post = ?""",
            [finding.subject],
        ).fetchone()
    else:
        return None
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class Heard:
    """A story since a silence began: its negative voices, and those of all stories; when it began."""

    story: int
    voices: int
    all_voices: int
    first: datetime


def new_stories(db: Database, brand: int, known_from: datetime, since: datetime) -> list[Heard]:
    """The stories heard since ``since`` of which nothing negative was heard in [known_from, since), loudest first."""
    rows = db.execute(
        """WITH newest AS (
               SELECT post, counted_at, opens_voice FROM mentions
               WHERE brand = :brand AND label = 'negative' AND counted_at >= :since
               ORDER BY counted_at DESC LIMIT :limit),
           told AS (
               SELECT g.story, sum(n.opens_voice) AS voices, min(n.counted_at) AS first
               FROM newest n JOIN group_members m ON m.post = n.post JOIN groups g ON g.id = m."group" GROUP BY 1)
           SELECT t.story, t.voices, (SELECT sum(opens_voice) FROM newest), t.first FROM told t
           WHERE t.voices > 0 AND NOT EXISTS (
               SELECT 1 FROM groups g CROSS JOIN group_members m ON m."group" = g.id
               CROSS JOIN mentions b ON b.post = m.post AND b.brand = :brand
               WHERE g.story = t.story AND b.label = 'negative' AND b.counted_at >= :known AND b.counted_at < :since)
           ORDER BY t.voices DESC, t.story LIMIT 5""",
        {"brand": brand, "known": utc_text(known_from), "since": utc_text(since), "limit": STORIES_READ},
    ).fetchall()
    return [Heard(story, voices, of, from_utc_text(first)) for story, voices, of, first in rows]


def story_voices(db: Database, brand: int, story: int, start: datetime) -> int:
    """The negative voices of one story from ``start`` on."""
    row = db.execute(
        """SELECT coalesce(sum(m.opens_voice), 0) FROM groups g JOIN group_members gm ON gm."group" = g.id
           JOIN mentions m ON m.post = gm.post AND m.brand = :brand
           WHERE g.story = (SELECT coalesce(merged_into, id) FROM stories WHERE id = :story)
           AND m.label = 'negative' AND m.counted_at >= :start""",
        {"brand": brand, "story": story, "start": utc_text(start)},
    ).fetchone()
    return int(row[0])


def was_heard(db: Database, brand: int, story: int, start: datetime, end: datetime) -> bool:
    """Whether a story had a mention of the brand in [start, end)."""
    row = db.execute(
        """SELECT 1 FROM groups g CROSS JOIN group_members gm ON gm."group" = g.id
           CROSS JOIN mentions m ON m.post = gm.post AND m.brand = ?
           WHERE g.story = ? AND m.counted_at >= ? AND m.counted_at < ? LIMIT 1""",
        [brand, story, utc_text(start), utc_text(end)],
    ).fetchone()
    return row is not None
