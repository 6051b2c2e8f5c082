"""Incidents that people have doubted: posts were taken out of their counts, so that they must be judged anew."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.model import Kind, utc_text

NOT_US, CORRECTED = "not us", "corrected"
"""Why an incident is judged anew: people said that a post is about something else, or that it is not negative."""

REACH = timedelta(days=1)
"""How far before its onset a post may lie that an incident stands on."""


def doubt(db: Database, brand: int, first: datetime, why: str) -> list[int]:
    """Mark the standing incidents of a brand that a post of ``first`` may have counted for; their ids. What people said
    is not theirs outweighs what they only called less bad."""
    rows = db.execute(
        "SELECT id FROM incidents WHERE brand = ? AND state <> 'resolved' AND onset <= ? ORDER BY id",
        [brand, utc_text(first + REACH)],
    ).fetchall()
    found = [incident for (incident,) in rows]
    db.conn.executemany(
        "UPDATE incidents SET doubted = ? WHERE id = ? AND doubted <> 'not us'", [(why, i) for i in found]
    )
    return found


def settle(db: Database, incident: int) -> None:
    db.execute("UPDATE incidents SET doubted = '' WHERE id = ?", [incident])


def stands_on(db: Database, brand: int, kind: Kind, subject: int) -> bool:
    """Whether what a story-burst or an early warning was of still speaks ill of the brand."""
    if kind is Kind.TAKEOFF:
        row = db.execute(
            "SELECT 1 FROM mentions WHERE post = ? AND brand = ? AND label IS NOT 'positive'", [subject, brand]
        ).fetchone()
    else:
        row = db.execute(
            """SELECT 1 FROM groups g CROSS JOIN group_members gm ON gm."group" = g.id
               CROSS JOIN mentions m ON m.post = gm.post AND m.brand = ?
               WHERE g.story = (SELECT coalesce(merged_into, id) FROM stories WHERE id = ?)
               AND m.label = 'negative' LIMIT 1""",
            [brand, subject],
        ).fetchone()
    return row is not None


def voices_since(db: Database, brand: int, start: datetime) -> int:
    """All negative voices counted from ``start`` on."""
    row = db.execute(
        "SELECT coalesce(sum(negative_voices), 0) FROM counts WHERE brand = ? AND bin >= ?", [brand, utc_text(start)]
    ).fetchone()
    return int(row[0])


def cap_size(db: Database, incident: int, most: int) -> None:
    """An incident is no larger than what is left of it."""
    db.execute("UPDATE incidents SET observed = ? WHERE id = ? AND observed > ?", [most, incident, most])
