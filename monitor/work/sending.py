"""Send: hand owed mail to the server, one receipt a recipient; after a crash between the two, again with its id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlite_utils import Database

from monitor.errors import MailError, ServerUnreachable
from monitor.model import from_utc_text
from monitor.store import outbox, writing
from monitor.store.outbox import Delivery

if TYPE_CHECKING:
    from reports.mail import Smtp, SmtpSettings


def connection(settings: SmtpSettings) -> Smtp:
    """One talk with the server for all that is owed; opened by the first message."""
    from reports.mail import Smtp

    return Smtp(settings)


def hand_over(settings: SmtpSettings, db: Database, server: Smtp, delivery: Delivery, now: datetime) -> bool:
    """Send one message to one recipient and keep what the server said; whether it took it.

    Raises ServerUnreachable when there is no server to talk to: then nothing else can be sent either.
    """
    try:
        reply = server.send(_message(delivery, settings.sender), delivery.recipient)
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


def _message(delivery: Delivery, sender: str) -> bytes:
    from reports.mail import compose
    from reports.render import Rendered

    return compose(
        sender=sender, recipient=delivery.recipient, message_id=delivery.message_id, references=delivery.refers_to,
        rendered=Rendered(delivery.subject, delivery.text, delivery.html), date=from_utc_text(delivery.owed_at),
    )  # fmt: skip
