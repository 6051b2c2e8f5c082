"""Silences: of one incident or of a whole brand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.model import from_utc_text, utc_text


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
