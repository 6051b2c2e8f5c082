"""Attending: what the clock means for incidents. Nobody has taken one in time; a silence is over.

A job of its own, so that no failing stage delays it. What is owed is in the database: a time that passed while the
service was down is acted on at its next start, once.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from monitor import incidents as rules
from monitor.config import Brand
from monitor.incidents import LIVE
from monitor.model import Severity, State
from monitor.store import incidents as stored
from monitor.store import mailed, silences, writing
from monitor.store.silences import Silence
from monitor.work import handling
from monitor.work.app import App
from monitor.work.telling import tell


def attend(app: App, db: Database, brand: Brand, brand_id: int, now: datetime) -> None:
    """Each thing that is due, as a transaction of its own."""
    for silence in silences.over(db, brand_id, now):
        with writing(db, durable=True):
            end_silence(app, db, brand, brand_id, silence, now)
    for incident in mailed.to_escalate(db, brand_id, now):
        with writing(db, durable=True):
            _escalate(app, db, brand, brand_id, incident, now)


def escalates(app: App, db: Database, now: datetime) -> bool:
    """Whether somebody else is about to be called: what people answered should be read before."""
    called = bool(app.config.alerts.escalate_to)
    return called and any(mailed.to_escalate(db, brand_id, now) for _, brand_id in app.own_brands)


def _escalate(app: App, db: Database, brand: Brand, brand_id: int, incident: int, now: datetime) -> None:
    standing, hands = stored.one(db, incident), mailed.hands(db, incident)
    if standing is None or not rules.escalates(standing.state, hands.escalate_at, now):
        return  # somebody took it just now
    if not app.config.alerts.escalate_to:
        mailed.call_nobody(db, incident)
        return
    evidence = stored.last_evidence(db, incident)
    grown = handling.growth_of(app, db, brand_id, standing, now, waits=False)
    if grown:  # one mail says both
        handling.note_growth(db, incident, grown, evidence, now)
    stored.escalate(db, incident, now)
    minutes = int(app.config.alerts.escalate_after.total_seconds() // 60)
    event = stored.add_event(db, incident, now, "escalated", f"nobody acknowledged it in {minutes} minutes")
    tell(app, db, brand, brand_id, incident, "escalated", event, evidence, now)


def end_silence(
    app: App, db: Database, brand: Brand, brand_id: int, silence: Silence, now: datetime, by: str = ""
) -> list[int]:  # fmt: skip
    """End a silence in the caller's transaction, by its time or by a person; the incidents that are silent no more."""
    silences.end(db, silence, now if by else None)
    woken = []
    for standing in stored.open_ones(db, silence.brand):
        if standing.state is not State.SILENCED or silence.incident not in (None, standing.id):
            continue
        if silences.going(db, brand_id, standing.id):
            continue  # another one still holds
        _wake(app, db, brand, brand_id, standing.id, now, by)
        woken.append(standing.id)
    return woken


def _wake(app: App, db: Database, brand: Brand, brand_id: int, incident: int, now: datetime, by: str) -> None:
    """It is again what it was. One mail, if it has grown meanwhile or nobody was ever told of it."""
    hands, standing, told = mailed.hands(db, incident), stored.one(db, incident), mailed.told(db, incident, {})
    stored.set_state(db, incident, rules.awake(hands.taken, hands.escalated))
    event = stored.add_event(db, incident, now, "unsilenced", "lifted" if by else "its time is over", by=by)
    assert standing is not None  # it was read in this transaction
    loud = standing.origin == LIVE and standing.severity.rank >= Severity(app.config.alerts.minimum).rank
    mailed.call_nobody(db, incident)  # who silenced it has seen it; a mail from here on starts the clock anew
    if loud and (told is None or rules.has_grown(told)):
        tell(app, db, brand, brand_id, incident, "unsilenced", event, stored.last_evidence(db, incident), now)
