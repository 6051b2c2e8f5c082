"""Alerting: the mail of one event of an incident, owed in the transaction of the event itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from monitor.config import Brand
from monitor.model import AlertFacts
from monitor.store import coverage, facts, service
from monitor.store import incidents as stored
from monitor.store.outbox import Letter, message_ids, owe
from monitor.work.app import App
from monitor.work.quoting import quotes


def owe_alert(
    app: App, db: Database, brand: Brand, brand_id: int, incident: int, event: str, number: int,
    evidence: Mapping[str, Any], now: datetime, *, also_to: Sequence[str] = (),
) -> None:  # fmt: skip
    """``number``: how many events the incident has with this one; it makes the message's id."""
    recipients = (*app.config.alerts_to(brand), *also_to)
    if not recipients or app.config.smtp is None:
        return
    from reports.render import alert_mail

    rendered = alert_mail(alert_facts(app, db, brand_id, incident, event, evidence, now), app.config.language)
    stored.set_mailed(db, incident)
    letter = Letter(
        message_id(db, app, f"incident-{incident}-{number}"), "alert", rendered.subject, rendered.text, rendered.html,
        recipients, tuple(message_ids(db, incident)), brand_id, incident,
    )  # fmt: skip
    owe(db, letter, now)


def message_id(db: Database, app: App, what: str) -> str:
    """Fixed by what the message tells and by this database: a repeat after a crash is recognisable as one."""
    assert app.config.smtp is not None  # nothing is owed without it
    domain = app.config.smtp.sender.rpartition("@")[2].strip(" >") or "localhost"
    return f"<qianli.{service.identity(db)}.{what}@{domain}>"


def alert_facts(
    app: App, db: Database, brand: int, incident: int, event: str, evidence: Mapping[str, Any], now: datetime
) -> AlertFacts:
    """What an alert says: the arithmetic of the bin that caused it; posts, spread and coverage since the onset."""
    line = stored.line(db, incident)
    start, end = line.onset, now
    spread = facts.spread(db, brand, start, end)
    names = [c.name for c in app.collectors]
    return AlertFacts(
        incident=line, event=event, at=now, zone=app.config.timezone.key, evidence=evidence,
        subject_size=stored.subject_size(db, incident), quotes=tuple(quotes(db, brand, start, end, 3)),
        voices=spread["voices"], authors=spread["authors"] or None, stories=spread["stories"], copies=spread["copies"],
        excess_by_platform=tuple(facts.excess_by_platform(db, brand, start, end).items()),
        coverage=tuple(coverage.of_sources(db, brand, names, max(start, now - timedelta(hours=24)), now)),
        commands=(f"qianli digest --brand {shlex.quote(line.brand)} --day {_today(app, now)}", "qianli status"),
    )  # fmt: skip


def _today(app: App, now: datetime) -> str:
    return now.astimezone(app.config.timezone).date().isoformat()
