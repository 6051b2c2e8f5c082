"""Confirming: tell whoever answered an alert what became of it, once, in the transaction of the reply itself.

Only a reply from somebody of the list with a good token is confirmed, and no machine's is: so no two machines can
write to each other, and one reply brings one mail, however often it comes.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from sqlite_utils import Database

from monitor.model import AnswerFacts
from monitor.store import incidents as stored
from monitor.store import outbox, replies
from monitor.store.replies import Reply
from monitor.work import alerting
from monitor.work.app import App

if TYPE_CHECKING:
    from monitor.answering import Command
    from monitor.work.wishes import Granted


def owe_confirmation(
    app: App, db: Database, reply: Reply, wish: Command | None, outcome: str, granted: Granted, now: datetime
) -> None:
    """To the one who wrote, at the address that the config knows. The same words in reply to the same mail are
    confirmed once an outcome."""
    if app.config.smtp is None:
        return
    from reports.render import answer_mail

    alert = replies.answered(db, reply.incident, reply.mail)
    rendered = answer_mail(_facts(app, db, reply, wish, outcome, granted, alert.subject if alert else "", now),
                           app.config.language)  # fmt: skip
    what = f"{reply.incident} {reply.mail} {reply.action} {reply.by.casefold()} {outcome}"
    letter = outbox.Letter(
        alerting.message_id(db, app, f"answer-{hashlib.sha256(what.encode()).hexdigest()[:16]}"), "answer",
        rendered.subject, rendered.text, rendered.html, (reply.by,),
        (*([alert.message_id] if alert else []), reply.message_id),
        reply_to=app.reply_address(reply.incident, reply.mail),
    )  # fmt: skip
    outbox.owe(db, letter, now)


def _facts(
    app: App, db: Database, reply: Reply, wish: Command | None, outcome: str, granted: Granted, subject: str,
    now: datetime,
) -> AnswerFacts:  # fmt: skip
    known = stored.exists(db, reply.incident)
    return AnswerFacts(
        number=reply.incident, incident=stored.line(db, reply.incident) if known else None, subject=subject,
        outcome=outcome, verb=str(wish.verb) if wish else "", at=now, zone=app.config.timezone.key,
        until=granted.until, posts=granted.posts, reason=granted.reason,
    )  # fmt: skip
