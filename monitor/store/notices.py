"""Which sources people were told to be blind, and whether they were told of the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.model import from_utc_text, utc_text


@dataclass(frozen=True, slots=True)
class Notice:
    """One blind stretch that was told: of which source, since when it heard nothing, when it was told."""

    id: int
    source: str
    since: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """A source that does not hear: since when, and what its last run said."""

    since: datetime
    cause: str
    reason: str


def standing(db: Database, source: str) -> Notice | None:
    """The notice of a source whose end was not told yet."""
    row = db.execute(
        "SELECT id, source, since, told_at FROM notices WHERE source = ? AND over_at IS NULL", [source]
    ).fetchone()
    return Notice(row[0], row[1], from_utc_text(row[2]), from_utc_text(row[3])) if row else None


def trouble(db: Database, source: str, heard_to: datetime | None) -> Trouble | None:
    """None unless the last finished run ended badly. Blind since the end of what it heard, else since it was first
    asked."""
    last = db.execute(
        """SELECT state, detail FROM source_runs WHERE source = ? AND state NOT IN ('running', 'interrupted')
           ORDER BY id DESC LIMIT 1""",
        [source],
    ).fetchone()
    if last is None or last[0] == "ok":
        return None
    first = db.execute("SELECT min(started_at) FROM source_runs WHERE source = ?", [source]).fetchone()[0]
    return Trouble(heard_to or from_utc_text(first), last[0], last[1])


def tell(db: Database, source: str, since: datetime, now: datetime) -> Notice:
    identity = db.execute(
        "INSERT INTO notices (source, since, told_at) VALUES (?, ?, ?)", [source, utc_text(since), utc_text(now)]
    ).lastrowid
    assert identity is not None  # an INSERT that did not raise has a rowid
    return Notice(identity, source, since, now)


def end(db: Database, notice: Notice, now: datetime) -> None:
    db.execute("UPDATE notices SET over_at = ? WHERE id = ?", [utc_text(now), notice.id])
