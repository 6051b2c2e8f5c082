"""Send: hand owed mail to the server, one receipt a recipient; after a crash between the two, again with its id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database

from monitor.errors import MailError, ServerUnreachable
from monitor.model import from_utc_text
from monitor.store import outbox, writing
from monitor.store.outbox import Delivery
from monitor.work.app import App


def send(app: App, db: Database, owed: Sequence[Delivery], now: datetime) -> int:
    """Send what is owed over one connection; how many messages the server took.

    A server that cannot be reached ends the round: what is left stays owed and is tried together when next due.
    """
    from reports.mail import Smtp

    settings = app.smtp
    if settings is None or not owed:
        return 0
    taken = 0
    with Smtp(settings) as server:
        for at, delivery in enumerate(owed):
            if app.stop.is_set():
                break
            try:
                reply = server.send(_message(delivery, settings.sender), delivery.recipient)
            except ServerUnreachable as error:
                with writing(db, durable=True):
                    for left in owed[at:]:
                        outbox.failed(db, left, str(error), now, permanent=False)
                break
            except MailError as error:
                with writing(db, durable=True):
                    outbox.failed(db, delivery, str(error), now, permanent=error.permanent)
                continue
            with writing(db, durable=True):
                outbox.sent(db, delivery, reply, now)
            taken += 1
    return taken


def _message(delivery: Delivery, sender: str) -> bytes:
    from reports.mail import compose
    from reports.render import Rendered

    return compose(
        sender=sender, recipient=delivery.recipient, message_id=delivery.message_id, references=delivery.refers_to,
        rendered=Rendered(delivery.subject, delivery.text, delivery.html), date=from_utc_text(delivery.owed_at),
    )  # fmt: skip
