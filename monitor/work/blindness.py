"""Sources that have not heard for longer than their limit: the operator is told once, and again when it is over.

It is the operator's affair: the people on call are told of what was heard, and digests of what was not.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from monitor.model import BlindFacts
from monitor.store import coverage, notices, writing
from monitor.store.notices import Notice
from monitor.store.outbox import Letter, owe
from monitor.work.alerting import message_id
from monitor.work.app import App, Collector


def tell(app: App, db: Database, now: datetime) -> None:
    """Owe a mail for each source that has been blind too long, and one for each that hears again."""
    for collector in app.collectors:
        heard_to = coverage.state(db, collector.name).heard_to
        told = notices.standing(db, collector.name)
        trouble = notices.trouble(db, collector.name, heard_to)
        if told is not None:
            if trouble is None and heard_to is not None and heard_to > told.told_at:
                _over(app, db, told, heard_to, now)
        elif trouble is not None and now - trouble.since >= collector.blind_after:
            _blind(app, db, collector, trouble, now)


def _blind(app: App, db: Database, collector: Collector, trouble: notices.Trouble, now: datetime) -> None:
    with writing(db, durable=True):
        notice = notices.tell(db, collector.name, trouble.since, now)
        _owe(app, db, notice, trouble.cause, trouble.reason, None, now)


def _over(app: App, db: Database, notice: Notice, heard_to: datetime, now: datetime) -> None:
    with writing(db, durable=True):
        notices.end(db, notice, now)
        _owe(app, db, notice, "", "", heard_to, now)


def _owe(app: App, db: Database, notice: Notice, cause: str, reason: str, over: datetime | None, now: datetime) -> None:
    """Both mails of one stretch have one subject, and the second answers the first."""
    if not app.config.alerts.ops_to or app.config.smtp is None:
        return
    from reports.render import blind_mail

    facts = BlindFacts(notice.source, notice.since, now, app.config.timezone.key, cause, reason, over)
    rendered = blind_mail(facts, app.config.language)
    first = message_id(db, app, f"blind-{notice.id}")
    own = first if over is None else message_id(db, app, f"blind-{notice.id}-over")
    owe(db, Letter(
        own, "ops", rendered.subject, rendered.text, rendered.html, app.config.alerts.ops_to,
        () if over is None else (first,),
    ), now)  # fmt: skip
