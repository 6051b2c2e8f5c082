"""The voices of stories: how many one has, when it spoke, which are new. An id that was merged means what it became."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.model import Finding, Kind, from_utc_text, utc_text

NEWEST_READ = 5000
"""Negative posts since a moment, the newest, that are asked for their story."""

NEW_AT_MOST = 5
"""New stories that are told of, the loudest: whichever breaks a silence is among them."""

_MENTIONS = """FROM groups g CROSS JOIN group_members gm ON gm."group" = g.id
    CROSS JOIN mentions m ON m.post = gm.post AND m.brand = :brand
    WHERE g.story = coalesce((SELECT merged_into FROM stories WHERE id = :story), :story)"""


@dataclass(frozen=True, slots=True)
class NewStory:
    """A story that is new since a moment: its negative voices since then, those of all stories; when it began."""

    story: int
    voices: int
    all_voices: int
    first: datetime


def of_finding(db: Database, finding: Finding) -> int | None:
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


def voices(
    db: Database, brand: int, story: int, *, start: datetime | None = None, end: datetime | None = None
) -> int:  # fmt: skip
    """A story's negative voices in [start, end); None: without that bound."""
    row = db.execute(
        f"""SELECT coalesce(sum(m.opens_voice), 0) {_MENTIONS}
            AND (:start IS NULL OR m.counted_at >= :start) AND (:end IS NULL OR m.counted_at < :end)""",
        {"brand": brand, "story": story, "start": start and utc_text(start), "end": end and utc_text(end)},
    ).fetchone()
    return int(row[0])


def was_heard(db: Database, brand: int, story: int, start: datetime, end: datetime) -> bool:
    """Whether a story had a mention of the brand in [start, end)."""
    row = db.execute(
        f"SELECT 1 {_MENTIONS} AND m.counted_at >= :start AND m.counted_at < :end LIMIT 1",
        {"brand": brand, "story": story, "start": utc_text(start), "end": utc_text(end)},
    ).fetchone()
    return row is not None


def is_negative(db: Database, brand: int, story: int) -> bool:
    """Whether anything in a story speaks ill of the brand."""
    row = db.execute(
        f"SELECT 1 {_MENTIONS} AND m.label = 'negative' LIMIT 1", {"brand": brand, "story": story}
    ).fetchone()
    return row is not None


def new_since(db: Database, brand: int, known_from: datetime, since: datetime) -> list[NewStory]:
    """The stories heard since ``since`` of which nothing negative was heard in [known_from, since), loudest first."""
    rows = db.execute(
        """WITH newest AS (
               SELECT post, counted_at, opens_voice FROM mentions
               WHERE brand = :brand AND label = 'negative' AND counted_at >= :since
               ORDER BY counted_at DESC LIMIT :read),
           told AS (
               SELECT g.story, sum(n.opens_voice) AS voices, min(n.counted_at) AS first
               FROM newest n JOIN group_members m ON m.post = n.post JOIN groups g ON g.id = m."group" GROUP BY 1)
           SELECT t.story, t.voices, (SELECT sum(opens_voice) FROM newest), t.first FROM told t
           WHERE t.voices > 0 AND NOT EXISTS (
               SELECT 1 FROM groups g CROSS JOIN group_members m ON m."group" = g.id
               CROSS JOIN mentions b ON b.post = m.post AND b.brand = :brand
               WHERE g.story = t.story AND b.label = 'negative' AND b.counted_at >= :known AND b.counted_at < :since)
           ORDER BY t.voices DESC, t.story LIMIT :most""",
        {"brand": brand, "known": utc_text(known_from), "since": utc_text(since), "read": NEWEST_READ,
         "most": NEW_AT_MOST},
    ).fetchall()  # fmt: skip
    return [NewStory(story, voices, of, from_utc_text(first)) for story, voices, of, first in rows]
