"""Failing: what the boundary of the jobs caught is logged with its traceback and an id, stored as a failure, and owes
one ops mail."""

from __future__ import annotations

import hashlib
import logging
import secrets
import traceback
from datetime import datetime

from sqlite_utils import Database

from monitor.model import OpsFacts
from monitor.store import outbox, service, writing
from monitor.work import alerting
from monitor.work.app import App

log = logging.getLogger("qianli")


def fail(app: App, db: Database, stage: str, item: str, error: Exception, now: datetime) -> None:
    """Log, store and report what the boundary caught: never with a post's text, always with the traceback."""
    if not app.keep_going:
        raise error
    app.failed += 1
    trace_id = secrets.token_hex(4)
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s of %s failed: %s, trace %s\n%s", stage, item, type(error).__name__, trace_id, where)
    with writing(db):
        service.add_failure(db, stage, item, type(error).__name__, app.version, trace_id, now)
        _owe_ops_mail(app, db, OpsFacts(
            stage, item, type(error).__name__, app.version, trace_id, now, app.config.timezone.key
        ))  # fmt: skip


def _owe_ops_mail(app: App, db: Database, facts: OpsFacts) -> None:
    """One mail for one kind of failure a day: its Message-ID says which, so owing it again owes nothing."""
    if not app.config.alerts.ops_to or app.config.smtp is None:
        return
    from reports.render import ops_mail

    rendered = ops_mail(facts, app.config.language)
    item = facts.item if facts.stage in ("collect", "recheck", "answers") else ""
    kind = hashlib.sha256(f"{facts.stage} {item} {facts.error} {facts.version} {facts.at.date()}".encode()).hexdigest()
    letter = outbox.Letter(
        alerting.message_id(db, app, f"ops-{kind[:16]}"), "ops", rendered.subject, rendered.text, rendered.html,
        app.config.alerts.ops_to,
    )  # fmt: skip
    outbox.owe(db, letter, facts.at)
