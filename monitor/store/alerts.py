"""What an alert says of its incident besides its line: how it began, who holds it, what was found and what happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from monitor.incidents import folded
from monitor.model import EventLine, Kind, from_utc_text
from monitor.store import moment, silences


@dataclass(frozen=True, slots=True)
class Situation:
    """``silenced_until``: the end of the silence that holds, if one does. ``found``: the evidence of its findings,
    oldest first. ``measured``: what its events were told by, findings or growth."""

    kind: Kind
    story: int | None
    escalate_at: datetime | None
    silenced_until: datetime | None
    found: tuple[Mapping[str, Any], ...]
    measured: tuple[Mapping[str, Any], ...]
    events: tuple[EventLine, ...]


def situation(db: Database, incident: int) -> Situation:
    kind, story, escalate_at, brand = db.execute(
        "SELECT kind, story, escalate_at, brand FROM incidents WHERE id = ?", [incident]
    ).fetchone()
    found = db.execute("SELECT evidence FROM spikes WHERE incident = ? ORDER BY bin, id", [incident]).fetchall()
    measured = db.execute(
        "SELECT evidence FROM incident_events WHERE incident = ? AND evidence <> '' ORDER BY id", [incident]
    ).fetchall()
    until = max((silence.until for silence in silences.going(db, brand, incident)), default=None)
    return Situation(
        Kind(kind), story, moment(escalate_at), until,
        tuple(json.loads(evidence) for (evidence,) in found), tuple(json.loads(evidence) for (evidence,) in measured),
        folded(events(db, incident)),
    )  # fmt: skip


NEWS = ("opened", "reopened", "raised", "grown", "spread", "escalated", "unsilenced")
"""The events that a mail may tell beside its own."""


def news(db: Database, incident: int, told: int, number: int, since: datetime) -> tuple[str, ...]:
    """What happened to an incident from ``since`` on, after the first ``told`` of its events and before this one."""
    rows = db.execute(
        "SELECT event, at FROM incident_events WHERE incident = ? ORDER BY id LIMIT ? OFFSET ?",
        [incident, max(0, number - 1 - told), told],
    )
    return tuple(dict.fromkeys(event for event, at in rows.fetchall() if event in NEWS and from_utc_text(at) > since))


def events(db: Database, incident: int) -> list[EventLine]:
    """All that happened to an incident, the oldest first."""
    rows = db.execute(
        """SELECT at, event, "by", reason, coalesce(evidence ->> '$.since_onset.observed',
                  evidence ->> '$.hour.observed', evidence ->> '$.copies', evidence ->> '$.count')
           FROM incident_events WHERE incident = ? ORDER BY id""",
        [incident],
    )
    return [EventLine(from_utc_text(at), event, by, reason, size) for at, event, by, reason, size in rows.fetchall()]


def pages_due(db: Database) -> list[tuple[int, int]]:
    """(incident, its events) of each of which more happened than its page tells."""
    return [(i, n) for i, n in db.execute(
        """SELECT i.id, count(*) FROM incidents i JOIN incident_events e ON e.incident = i.id
           GROUP BY i.id HAVING count(*) > i.paged ORDER BY i.id"""
    ).fetchall()]  # fmt: skip


def set_paged(db: Database, incident: int, events: int) -> None:
    db.execute("UPDATE incidents SET paged = ? WHERE id = ?", [events, incident])


def told_last(db: Database, incident: int) -> tuple[int, str]:
    """The brand of an incident, and its last event as mails call it."""
    brand, event, reason = db.execute(
        """SELECT i.brand, e.event, e.reason FROM incidents i JOIN incident_events e ON e.incident = i.id
           WHERE i.id = ? ORDER BY e.id DESC LIMIT 1""",
        [incident],
    ).fetchone()
    return int(brand), "not_us" if (event, reason) == ("resolved", "not us") else str(event)
