"""Alerting: the mail of one event of an incident, owed in the transaction of the event itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from monitor.config import Brand
from monitor.store import alerts, service
from monitor.store import incidents as stored
from monitor.store.outbox import STALE, Letter, join, message_ids, owe, waiting
from monitor.work.app import App
from monitor.work.describing import alert_facts


def owe_alert(
    app: App, db: Database, brand: Brand, brand_id: int, incident: int, event: str, number: int,
    evidence: Mapping[str, Any], now: datetime, also_to: Sequence[str] = (),
) -> None:  # fmt: skip
    """One mail an incident and cycle: what is owed and not sent yet becomes this one, which tells it as well.

    ``number``: how many events the incident has with this one; it makes the message's id. ``evidence``: the finding
    that the mail tells; empty where a person acted: then the incident's last. ``also_to``: besides the brand's."""
    recipients = tuple(dict.fromkeys((*app.config.alerts_to(brand), *also_to)))
    if not recipients or app.config.smtp is None:
        return
    from reports.render import alert_mail

    reply_to = app.reply_address(incident, number)
    older, told = waiting(db, incident, now)
    facts = alert_facts(app, db, brand_id, incident, event, evidence, now, reply_to)
    facts = replace(facts, also=alerts.news(db, incident, told, number, now - STALE))
    rendered = alert_mail(facts, app.config.language)
    stored.set_mailed(db, incident)
    letter = Letter(
        message_id(db, app, f"incident-{incident}-{number}"), "alert", rendered.subject, rendered.text, rendered.html,
        recipients, tuple(message_ids(db, incident)), brand_id, incident, reply_to, event, number,
        tuple(quote.post_id for quote in facts.quotes),
    )  # fmt: skip
    if owe(db, letter, now):
        join(db, older, letter.message_id, now)


def message_id(db: Database, app: App, what: str) -> str:
    """Fixed by what the message tells and by this database: a repeat after a crash is recognisable as one."""
    assert app.config.smtp is not None  # nothing is owed without it
    domain = app.config.smtp.sender.rpartition("@")[2].strip(" >") or "localhost"
    return f"<qianli.{service.identity(db)}.{what}@{domain}>"
