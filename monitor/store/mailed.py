"""What the mails of an incident have said, and whom an incident nobody takes goes to next, and when."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.incidents import Told
from monitor.model import Kind, from_utc_text, utc_text
from monitor.store import moment


def told(db: Database, incident: int, shares: Mapping[str, float]) -> Told | None:
    """What was told since the incident began, beside what is so now; None if nothing was."""
    row = db.execute(
        "SELECT mailed_at, mailed_size, mailed_platforms, observed, kind FROM incidents WHERE id = ?", [incident]
    ).fetchone()
    if row is None or row[0] is None:
        return None
    return Told(from_utc_text(row[0]), row[1], frozenset(json.loads(row[2])), row[3], shares, Kind(row[4]))


def tell(db: Database, incident: int, platforms: Collection[str], now: datetime) -> None:
    """A mail is owed that names the size of now, and these platforms as those that bring much."""
    row = db.execute("SELECT mailed_platforms FROM incidents WHERE id = ?", [incident]).fetchone()
    known = sorted({*json.loads(row[0]), *platforms})
    db.execute(
        "UPDATE incidents SET mailed_at = ?, mailed_size = observed, mailed_platforms = ? WHERE id = ?",
        [utc_text(now), json.dumps(known, ensure_ascii=False), incident],
    )


def onset(db: Database, incident: int) -> datetime:
    return from_utc_text(db.execute("SELECT onset FROM incidents WHERE id = ?", [incident]).fetchone()[0])


def call_next(db: Database, incident: int, at: datetime) -> None:
    """Have it escalate then, unless somebody has taken it, it was escalated, or it is to be sooner."""
    db.execute(
        """UPDATE incidents SET escalate_at = ?
           WHERE id = ? AND state = 'open' AND taken_at IS NULL AND escalated_at IS NULL AND escalate_at IS NULL""",
        [utc_text(at), incident],
    )


def call_nobody(db: Database, incident: int) -> None:
    db.execute("UPDATE incidents SET escalate_at = NULL WHERE id = ?", [incident])


def to_escalate(db: Database, brand: int, now: datetime) -> list[int]:
    """Incidents whose time to escalate has come, perhaps while the service was down."""
    rows = db.execute(
        "SELECT id FROM incidents WHERE brand = ? AND state = 'open' AND escalate_at <= ? ORDER BY id",
        [brand, utc_text(now)],
    )
    return [incident for (incident,) in rows.fetchall()]


@dataclass(frozen=True, slots=True)
class Hands:
    """Whose an incident is: taken by somebody, escalated, or neither; and when it is to be escalated."""

    taken: bool
    escalated: bool
    escalate_at: datetime | None


def hands(db: Database, incident: int) -> Hands:
    row = db.execute(
        "SELECT taken_at IS NOT NULL, escalated_at IS NOT NULL, escalate_at FROM incidents WHERE id = ?", [incident]
    ).fetchone()
    return Hands(bool(row[0]), bool(row[1]), moment(row[2]))
