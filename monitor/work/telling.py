"""Telling: which event of an incident is mailed to whom, and what that mail is remembered to have said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from monitor.config import Brand
from monitor.incidents import KNOWN_SHARE, much_from
from monitor.store import facts, mailed
from monitor.store.outbox import OVER
from monitor.work import alerting
from monitor.work.app import App

TO_ALL = frozenset({"escalated", "acknowledged", *OVER})
"""What those hear, too, whom an incident was escalated to, even when somebody has taken it since."""


def tell(
    app: App, db: Database, brand: Brand, brand_id: int, incident: int, event: str, number: int,
    evidence: Mapping[str, Any], now: datetime,
) -> None:  # fmt: skip
    """Owe the mail of an event, in the caller's transaction; the clock that escalates starts with the first one."""
    hands = mailed.hands(db, incident)
    above = hands.escalated and (event in TO_ALL or not hands.taken)
    also_to = app.config.alerts.escalate_to if above else ()
    alerting.owe_alert(app, db, brand, brand_id, incident, event, number, evidence, now, also_to=also_to)
    if not mails(app, brand):
        return
    mailed.tell(db, incident, much_from(shares(db, brand_id, incident, now), KNOWN_SHARE), now)
    if app.config.alerts.escalate_to and event not in OVER:
        mailed.call_next(db, incident, now + app.config.alerts.escalate_after)


def mails(app: App, brand: Brand) -> bool:
    return bool(app.config.alerts_to(brand)) and app.config.smtp is not None


def shares(db: Database, brand_id: int, incident: int, now: datetime) -> dict[str, float]:
    """Which platform brings how much of the excess since the incident began."""
    return facts.excess_by_platform(db, brand_id, mailed.onset(db, incident), now)
