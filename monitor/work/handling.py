"""Handling: what a finding or a calm means for the incidents people handle, each with the alert it owes.

Every change is one transaction: the finding, the incident, the event with its reason, and the owed alert.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor import incidents as rules
from monitor.config import Brand
from monitor.incidents import HISTORY, LIVE, Standing
from monitor.model import BIN, Finding, Severity
from monitor.store import incidents as stored
from monitor.store import writing
from monitor.work import alerting
from monitor.work.app import App

PAGES_WITHIN = timedelta(hours=24)
"""A live finding made later than this, after a long standstill, is history: it shows and wakes nobody."""


def take_in(app: App, db: Database, brand: Brand, brand_id: int, finding: Finding, now: datetime) -> None:
    """Store a finding once; it opens an incident, makes one worse, or belongs to one that people know of."""
    with writing(db, durable=True):
        number = stored.add_spike(db, brand_id, finding, now)
        if number is None:
            return  # considered before: a finding never changes, whatever came later
        if finding.origin == LIVE and now - finding.at > PAGES_WITHIN:
            finding = replace(finding, origin=HISTORY)
        standing = stored.standing_at(db, brand_id, finding.at)
        decision = rules.on_finding(standing, finding, Severity(app.config.alerts.minimum))
        if standing is None:
            incident = stored.open_incident(db, brand_id, finding, now)
        else:
            incident = standing.id
            stored.update_incident(db, incident, decision.origin, decision.severity, finding)
        event = stored.add_event(db, incident, now, decision.event, decision.reason, number)
        if decision.mail:
            alerting.owe_alert(app, db, brand, brand_id, incident, decision.event, event, finding.evidence, now)


def calm(
    app: App, db: Database, brand: Brand, brand_id: int, measured: Mapping[str, Finding], now: datetime
) -> None:  # fmt: skip
    """Both series are calm at a bin: that ends what stood open before it. ``measured``: the bin's, by origin."""
    for standing in stored.open_ones(db, brand_id):
        seen = measured[standing.origin]
        if rules.resolves(standing, seen.at, calm=True):
            with writing(db, durable=True):
                _resolve(app, db, brand, brand_id, standing, seen, now)


def _resolve(
    app: App, db: Database, brand: Brand, brand_id: int, standing: Standing, seen: Finding, now: datetime
) -> None:
    """An incident ends with the bin that is calm, whenever that is seen: a spike after it is another matter."""
    stored.resolve_incident(db, standing.id, seen.at + BIN)
    event = stored.add_event(db, standing.id, now, "resolved", "calm for six hours")
    if standing.mailed:
        alerting.owe_alert(app, db, brand, brand_id, standing.id, "resolved", event, seen.evidence, now)
