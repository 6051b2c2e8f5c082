"""What a week's roll-up says beside what digests do: how incidents and alerts fared, and what was complained of."""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from monitor.model import AlertRecord, IncidentLine, WeekIncident, utc_text
from monitor.store import moment


def incident(db: Database, line: IncidentLine) -> WeekIncident:
    """An incident, with how long people took. What nobody was told of, nobody had to acknowledge."""
    first_mail, taken = db.execute(
        """SELECT (SELECT min(owed_at) FROM outbox WHERE incident = :id AND kind = 'alert'),
                  (SELECT min(at) FROM incident_events WHERE incident = :id AND event = 'acknowledged')""",
        {"id": line.incident_id},
    ).fetchone()
    told, took = moment(first_mail), moment(taken)
    return WeekIncident(
        line, took - told if told and took else None, line.resolved_at - line.opened_at if line.resolved_at else None
    )


def alerts(db: Database, brand: int, start: datetime, end: datetime) -> AlertRecord:
    """The alerts of [start, end) that reached somebody, and what people said of the incidents they told of."""
    row = db.execute(
        """SELECT count(*), count(DISTINCT o.incident), count(DISTINCT iif(i.ending = 'not us', o.incident, NULL))
           FROM outbox o JOIN incidents i ON i.id = o.incident
           WHERE o.kind = 'alert' AND o.brand = ? AND o.owed_at >= ? AND o.owed_at < ?
           AND EXISTS (SELECT 1 FROM deliveries d WHERE d.outbox = o.id AND d.state = 'sent')""",
        [brand, utc_text(start), utc_text(end)],
    ).fetchone()
    return AlertRecord(*row)
