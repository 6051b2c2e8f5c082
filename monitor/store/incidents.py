"""Findings (table ``spikes``), incidents and their events, and the detector's memory between two watches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from monitor.incidents import Standing
from monitor.model import Finding, IncidentLine, Severity, from_utc_text, utc_text

_STANDING = """SELECT id, origin, state, severity, onset, last_bin, mailed FROM incidents"""


def load_state(
    db: Database, brand: int, origin: str, settings: str, before: datetime
) -> tuple[datetime, str] | None:  # fmt: skip
    """The newest remembered (bin, state) of a detector with these settings. Later bins: a clock had run ahead."""
    row = db.execute(
        """SELECT bin, state FROM detector_states WHERE brand = ? AND origin = ? AND settings = ? AND bin < ?
           ORDER BY bin DESC LIMIT 1""",
        [brand, origin, settings, utc_text(before)],
    ).fetchone()
    return (from_utc_text(row[0]), row[1]) if row else None


def keep_state(db: Database, brand: int, origin: str, settings: str, at: datetime, state: str, keep: datetime) -> None:
    """Remember the state after a bin; of older ones only the last before ``keep`` stays, to step again from."""
    db.execute(
        "INSERT INTO detector_states VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, "
        "settings = excluded.settings",
        [brand, origin, utc_text(at), settings, state],
    )
    db.execute(
        """DELETE FROM detector_states WHERE brand = ? AND origin = ? AND bin < ? AND bin <> (
               SELECT max(bin) FROM detector_states WHERE brand = ? AND origin = ? AND bin < ?)""",
        [brand, origin, utc_text(at), brand, origin, utc_text(keep)],
    )
    db.execute("DELETE FROM detector_states WHERE brand = ? AND origin = ? AND bin > ?", [brand, origin, utc_text(at)])


@dataclass(frozen=True, slots=True)
class Hold:
    """Bins in [learn_from, held_to) were counted anew by another model after they had been considered."""

    learn_from: datetime
    held_to: datetime


def holds(db: Database, brand: int) -> list[Hold]:
    """Those of every switch there was, in their order."""
    rows = db.execute("SELECT learn_from, held_to FROM holds WHERE brand = ? ORDER BY held_to", [brand])
    return [Hold(from_utc_text(start), from_utc_text(end)) for start, end in rows.fetchall()]


def watched(db: Database, brand: int, until: datetime) -> None:
    """Note that every bin before ``until`` was considered."""
    db.execute(
        """INSERT INTO watches (brand, until) VALUES (?, ?)
           ON CONFLICT DO UPDATE SET until = excluded.until WHERE until < excluded.until""",
        [brand, utc_text(until)],
    )


def said_before(db: Database, brand: int, origin: str, at: datetime) -> tuple[datetime, Severity, bool] | None:
    """The last alert of a series before a bin, and whether an incident stood open there; None if there was none."""
    row = db.execute(
        """SELECT bin, severity FROM spikes WHERE brand = ? AND origin = ? AND kind = 'spike' AND bin < ?
           ORDER BY bin DESC LIMIT 1""",
        [brand, origin, utc_text(at)],
    ).fetchone()
    standing = standing_at(db, brand, at)
    return (from_utc_text(row[0]), Severity(row[1]), standing is not None and standing.onset < at) if row else None


def add_spike(db: Database, brand: int, finding: Finding, now: datetime) -> int | None:
    """Store a finding once; its id, or None if this bin's was stored before: it never changes."""
    cursor = db.execute(
        """INSERT INTO spikes (brand, bin, origin, kind, subject, severity, measured_at, evidence)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
        [brand, utc_text(finding.at), finding.origin, finding.kind.value, finding.subject, finding.severity.value,
         utc_text(now), json.dumps(finding.evidence, ensure_ascii=False)],
    )  # fmt: skip
    return cursor.lastrowid if cursor.rowcount == 1 else None


def standing_at(db: Database, brand: int, at: datetime) -> Standing | None:
    """The incident in whose course this bin lies: one not resolved yet, or resolved only after the bin.

    The day before its onset belongs to it: posts that surface late move a spike to before the first one.
    """
    row = db.execute(
        _STANDING
        + """ WHERE brand = ? AND onset <= ? AND (state <> 'resolved' OR resolved_at > ?)
                        ORDER BY first_bin DESC LIMIT 1""",
        [brand, utc_text(at + timedelta(days=1)), utc_text(at)],
    ).fetchone()
    return _standing(row) if row else None


def open_ones(db: Database, brand: int) -> list[Standing]:
    rows = db.execute(_STANDING + " WHERE brand = ? AND state <> 'resolved' ORDER BY id", [brand])
    return [_standing(row) for row in rows.fetchall()]


def _standing(row: tuple[Any, ...]) -> Standing:
    identity, origin, state, severity, onset, last_bin, mailed = row
    return Standing(
        identity, origin, state, Severity(severity), from_utc_text(onset), from_utc_text(last_bin), bool(mailed)
    )


def open_incident(db: Database, brand: int, finding: Finding, now: datetime) -> int:
    at = utc_text(finding.at)
    identity = db.execute(
        """INSERT INTO incidents (brand, origin, kind, state, severity, onset, first_bin, last_bin, opened_at, observed,
               expected, subject_size) VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?)""",
        [brand, finding.origin, finding.kind.value, finding.severity.value, utc_text(finding.onset), at, at,
         utc_text(now), finding.observed, finding.expected, finding.observed],
    ).lastrowid  # fmt: skip
    assert identity is not None  # an INSERT that did not raise has a rowid
    return identity


def update_incident(db: Database, incident: int, origin: str, severity: Severity, finding: Finding) -> None:
    onset, at = utc_text(finding.onset), utc_text(finding.at)
    db.execute(
        """UPDATE incidents SET origin = ?, severity = ?, onset = min(onset, ?), first_bin = min(first_bin, ?),
               last_bin = max(last_bin, ?), observed = ?, expected = ? WHERE id = ?""",
        [origin, severity.value, onset, at, at, finding.observed, finding.expected, incident],
    )


def update_size(db: Database, incident: int, observed: int, expected: float) -> None:
    db.execute("UPDATE incidents SET observed = ?, expected = ? WHERE id = ?", [observed, expected, incident])


def resolve_incident(db: Database, incident: int, at: datetime) -> None:
    db.execute("UPDATE incidents SET state = 'resolved', resolved_at = ? WHERE id = ?", [utc_text(at), incident])


def set_mailed(db: Database, incident: int) -> None:
    db.execute("UPDATE incidents SET mailed = 1 WHERE id = ?", [incident])


def add_event(
    db: Database, incident: int, now: datetime, event: str, reason: str = "", spike: int | None = None
) -> int:
    """Every change of an incident is a row with its reason; returns how many events the incident now has."""
    if spike is not None:
        db.execute("UPDATE spikes SET incident = ? WHERE id = ?", [incident, spike])
    db.execute(
        """INSERT INTO incident_events (incident, at, event, reason, evidence)
           VALUES (?, ?, ?, ?, (SELECT evidence FROM spikes WHERE id = ?))""",
        [incident, utc_text(now), event, reason, spike],
    )
    count: int = db.execute("SELECT count(*) FROM incident_events WHERE incident = ?", [incident]).fetchone()[0]
    return count


def subject_size(db: Database, incident: int) -> int:
    """The size that the subject of the incident's whole thread names: what was observed when it opened."""
    size: int = db.execute("SELECT subject_size FROM incidents WHERE id = ?", [incident]).fetchone()[0]
    return size


def line(db: Database, incident: int) -> IncidentLine:
    return _lines(db, "i.id = ?", [incident])[0]


def lines_between(db: Database, brand: int, start: datetime, end: datetime) -> list[IncidentLine]:
    """Incidents of a brand whose course touches [start, end), in the order of their onset."""
    return _lines(
        db,
        "i.brand = ? AND i.onset < ? AND (i.resolved_at IS NULL OR i.resolved_at >= ?)",
        [brand, utc_text(end), utc_text(start)],
    )


def _lines(db: Database, where: str, values: list[object]) -> list[IncidentLine]:
    rows = db.execute(
        f"""SELECT i.id, b.name, i.state, i.severity, i.origin, i.onset, i.opened_at, i.resolved_at, i.owner,
                   i.observed, i.expected
            FROM incidents i JOIN brands b ON b.id = i.brand WHERE {where} ORDER BY i.onset, i.id""",
        values,
    ).fetchall()
    return [
        IncidentLine(
            r[0], r[1], r[2], Severity(r[3]), r[4], from_utc_text(r[5]), from_utc_text(r[6]),
            from_utc_text(r[7]) if r[7] else None, r[8], r[9], r[10],
        )
        for r in rows
    ]  # fmt: skip
