"""Send: hand owed mail to the server, one receipt a recipient; after a crash between the two, again with its id."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlite_utils import Database

from monitor.errors import MailError, ServerUnreachable
from monitor.model import from_utc_text
from monitor.store import outbox, writing
from monitor.store.outbox import Delivery
from monitor.work.app import App

if TYPE_CHECKING:
    from reports.mail import Smtp, SmtpSettings

log = logging.getLogger("qianli")

LATE = timedelta(minutes=15)
"""An alert that was refused before and is older than this says so: its "now" is the past."""


def connection(settings: SmtpSettings) -> Smtp:
    """One talk with the server for all that is owed; opened by the first message."""
    from reports.mail import Smtp

    return Smtp(settings)


def fold(db: Database, now: datetime) -> None:
    """Let the newest alert of an incident stand for those before it that could not be delivered."""
    with writing(db, durable=True):
        if folded := outbox.fold(db, now):
            log.info("%d alerts that could not be delivered are told by newer ones of their incidents", folded)


def hand_over(app: App, db: Database, server: Smtp, delivery: Delivery, now: datetime) -> bool:
    """Send one message to one recipient and keep what the server said; whether it took it.

    Raises ServerUnreachable when there is no server to talk to: then nothing else can be sent either.
    """
    try:
        reply = server.send(_message(app, delivery, now), delivery.recipient)
    except ServerUnreachable:
        raise
    except MailError as error:
        with writing(db, durable=True):
            outbox.failed(db, delivery, str(error), now, permanent=error.permanent)
        return False
    with writing(db, durable=True):
        outbox.sent(db, delivery, reply, now)
    return True


def put_off(db: Database, left: Sequence[Delivery], error: Exception, now: datetime) -> None:
    """Messages that nothing is wrong with, as far as is known: they stay owed and are tried together when next due."""
    reply = str(error) if isinstance(error, MailError) else type(error).__name__
    with writing(db, durable=True):
        for delivery in left:
            outbox.failed(db, delivery, reply, now, permanent=False)


def _message(app: App, delivery: Delivery, now: datetime) -> bytes:
    from reports.mail import compose
    from reports.render import Rendered, told_late

    rendered, owed = Rendered(delivery.subject, delivery.text, delivery.html), from_utc_text(delivery.owed_at)
    if delivery.replaces or (delivery.kind == "alert" and delivery.attempts and now - owed > LATE):
        since = from_utc_text(delivery.since) if delivery.replaces else owed
        config = app.config
        rendered = told_late(rendered, delivery.replaces, since, now, config.timezone.key, config.language)
    assert app.config.smtp is not None  # there is a server to hand it to
    return compose(
        sender=app.config.smtp.sender, recipient=delivery.recipient, message_id=delivery.message_id,
        references=delivery.refers_to, rendered=rendered, date=owed, reply_to=delivery.reply_to,
        replied=delivery.kind == "answer",
    )  # fmt: skip
