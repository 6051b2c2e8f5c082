"""Incidents that people have doubted: posts were taken out of their counts, so that they must be judged anew."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.model import Kind, utc_text
from monitor.store import story_voices

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
    if kind is Kind.BURST:
        return story_voices.is_negative(db, brand, subject)
    row = db.execute(
        "SELECT 1 FROM mentions WHERE post = ? AND brand = ? AND label IS NOT 'positive'", [subject, brand]
    ).fetchone()
    return row is not None


def cap_size(db: Database, incident: int, most: int) -> None:
    """An incident is no larger than what is left of it."""
    db.execute("UPDATE incidents SET observed = ? WHERE id = ? AND observed > ?", [most, incident, most])
