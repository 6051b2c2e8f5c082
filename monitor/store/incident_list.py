"""Incidents as the command line shows them: what happens to each next, and the whole story of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from monitor.model import IncidentLine
from monitor.store import incidents, moment


@dataclass(frozen=True, slots=True)
class Shown:
    """One incident, and what the clock holds for it: when it is escalated, until when it is silent."""

    line: IncidentLine
    escalate_at: datetime | None
    silenced_until: datetime | None
    mails: int


def list_them(db: Database, brand: int | None, *, ended: bool) -> list[Shown]:
    """Standing ones, or all, of a brand or of all; the newest last."""
    where = "(? IS NULL OR i.brand = ?) AND (? OR i.state <> 'resolved')"
    return [_shown(db, line) for line in incidents.lines(db, where, [brand, brand, ended])]


def find(db: Database, incident: int) -> Shown | None:
    found = incidents.lines(db, "i.id = ?", [incident])
    return _shown(db, found[0]) if found else None


def _shown(db: Database, line: IncidentLine) -> Shown:
    row = db.execute(
        "SELECT escalate_at, silenced_until, mails_owed FROM v_incidents WHERE incident = ?", [line.incident_id]
    ).fetchone()
    escalate_at, silenced_until, mails = row
    return Shown(line, moment(escalate_at), moment(silenced_until), mails)


def events(db: Database, incident: int) -> list[dict[str, Any]]:
    """Its events, each with when, what, why and by whom; the oldest first."""
    return list(
        db.query('SELECT at, event, reason, "by" FROM incident_events WHERE incident = ? ORDER BY id', [incident])
    )


def mails(db: Database, incident: int) -> list[dict[str, Any]]:
    """Its mails to each recipient, and what became of them."""
    return list(
        db.query(
            """SELECT o.owed_at, o.subject, d.recipient, d.state, d.done_at, d.reply FROM outbox o
               JOIN deliveries d ON d.outbox = o.id WHERE o.incident = ? ORDER BY o.id, d.recipient""",
            [incident],
        )
    )


def replies(db: Database, incident: int) -> list[dict[str, Any]]:
    """Answers to its mails."""
    return list(db.query('SELECT at, "by", action, outcome FROM replies WHERE incident = ? ORDER BY at', [incident]))
