"""The mailbox: read what people replied to alerts, do what they ask for, once, and tell them.

Only this module and ``imap`` know of the mailbox; the jobs call it where the config has one. The act, the reply's row,
the confirmation and how far the folder was read are one transaction: a crash neither loses a reply nor doubles it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parseaddr

from sqlite_utils import Database

from monitor.answering import Gate, Ignored, Opened, Reason, read_body, read_header
from monitor.answering.bodies import LONGEST_READ
from monitor.answering.commands import Command
from monitor.answering.headers import LONGEST_HEADER
from monitor.errors import MailError, UsageError
from monitor.store import replies, together, writing
from monitor.store.replies import DONE, Place, Reply, Turn
from monitor.work import confirming, imap, wishes
from monitor.work.app import App, secret
from monitor.work.imap import Folder, ImapSettings
from monitor.work.wishes import Granted

ALREADY, REFUSED = "already", "refused"

LOOKS_BACK = timedelta(days=7)
"""How old a reply may be when a folder is read for the first time, or anew since its server numbered it anew."""

MOST_A_ROUND = 500
"""Messages of one visit; what is left is read in the next."""

LONGEST_VISIT = timedelta(minutes=2)
"""What is not read by then is read in the next visit; a server that never comes to an end is one that is down."""

PATIENCE = 3
"""Visits in vain, one after another, before an operator is told: servers are restarted now and then."""


def due(app: App, db: Database, now: datetime) -> bool:
    turn = replies.turn(db)
    return app.config.mailbox is not None and (turn is None or turn.due_at <= now)


def settings(app: App, longest: timedelta = LONGEST_VISIT) -> ImapSettings | None:
    """How to reach it; None without one. ConfigError, one line, if the password is not set. ``longest``: of a visit."""
    table = app.config.mailbox
    if table is None:
        return None
    return ImapSettings(
        host=table.host, port=table.port, security=table.security, user=table.user,
        password=secret(app.config, "mailbox.password_env", table.password_env), folder=table.folder,
        timeout=min(table.timeout, longest).total_seconds(), deadline=longest.total_seconds(),
        allow_plaintext=table.allow_plaintext, cafile=str(app.config.path(table.ca_file)) if table.ca_file else "",
    )  # fmt: skip


@contextmanager
def opened(app: App, longest: timedelta = LONGEST_VISIT) -> Iterator[Folder]:
    """The folder; ServerUnreachable or ConfigError if it cannot be read now. ``longest``: as of ``settings``."""
    reach = settings(app, longest)
    assert reach is not None  # nothing is due without it
    with imap.opened(reach) as folder:
        yield folder


def unread(app: App, db: Database, folder: Folder, now: datetime) -> Iterator[int]:
    """The uids of messages not read yet, lowest first. Where the folder is new to us, only those of the last week."""
    here, reached = _name(app), replies.place(db)
    if reached is None or (reached.folder, reached.validity) != (here, folder.validity):
        found = folder.since((now - LOOKS_BACK).date())
        reached = Place(here, folder.validity, min(found, default=folder.next_uid or 1) - 1)
        with writing(db):
            replies.set_place(db, reached)
    for done, uid in enumerate(folder.after(reached.uid), 1):
        if done > MOST_A_ROUND or app.stop.is_set():
            return
        yield uid


def take_in(app: App, db: Database, folder: Folder, uid: int, now: datetime) -> None:
    """Judge one message and do what it asks for, if it may. ServerUnreachable: it was not read, and is read again."""
    letter = _read_header(app, folder, uid)
    wish = _read_text(folder, uid) if isinstance(letter, Opened) else None
    if isinstance(letter, Opened) and wish is not None and not replies.known(db, letter.message_id):
        _answer(app, db, folder, uid, letter, wish, now)
        return
    with writing(db):
        if isinstance(letter, Ignored):
            replies.count_ignored(db, letter.reason)
        elif wish is not None:
            replies.count_ignored(db, Reason.REPEATED)
        _move_on(app, db, folder, uid)


def set_aside(app: App, db: Database, folder: Folder, uid: int) -> None:
    """A message that could not be dealt with must not keep those behind it waiting."""
    with writing(db):
        replies.count_ignored(db, "failed")
        _move_on(app, db, folder, uid)


def rest(app: App, db: Database, error: Exception | None, now: datetime) -> Turn:
    """When to come again. An error that is ours is no less a reason to wait."""
    assert app.config.mailbox is not None  # nothing is due without it
    said = None if error is None else str(error) if isinstance(error, MailError) else type(error).__name__
    with writing(db):
        return replies.end_turn(db, app.config.mailbox.every, now, said)


def look(app: App) -> str:
    """Log in and open the folder, read nothing; what was found, in one line. Errors as of ``opened``."""
    with opened(app):
        pass
    assert app.config.mailbox is not None
    return f"logged in, folder {app.config.mailbox.folder} can be read"


def _read_header(app: App, folder: Folder, uid: int) -> Opened | Ignored | None:
    """None: the message is gone."""
    message = folder.header(uid, LONGEST_HEADER)
    return read_header(message.start, _gate(app)) if message else None


def _read_text(folder: Folder, uid: int) -> Command | Ignored | None:
    """Only of a message whose sender and token are right: all other text in the folder is nobody's business here."""
    message = folder.beginning(uid, LONGEST_READ)
    return read_body(message.start, whole=len(message.start) < LONGEST_READ) if message else None


def _answer(
    app: App, db: Database, folder: Folder, uid: int, letter: Opened, wish: Command | Ignored, now: datetime
) -> None:
    """All that one reply changes, in one transaction; what it may not do is told instead."""
    command = None if isinstance(wish, Ignored) else wish
    reply = Reply(letter.message_id, letter.incident, letter.mail, command.action if command else "", letter.by)

    def close(outcome: str, granted: Granted) -> None:
        replies.keep(db, reply, outcome, now)
        confirming.owe_confirmation(app, db, reply, command, outcome, granted, now)
        _move_on(app, db, folder, uid)

    try:
        with together(db, durable=True):
            if isinstance(wish, Ignored):
                close(wish.reason, Granted())
            elif replies.done_before(db, reply):
                close(ALREADY, Granted())
            else:
                granted = wishes.grant(app, db, wish, letter.incident, letter.mail, letter.by, now)
                close(DONE if granted.changed else ALREADY, granted)
    except UsageError as refusal:
        with writing(db, durable=True):
            close(REFUSED, Granted(reason=str(refusal)))


def _move_on(app: App, db: Database, folder: Folder, uid: int) -> None:
    replies.set_place(db, Place(_name(app), folder.validity, uid))


def _name(app: App) -> str:
    """Which folder the uids are of: another one may number its messages alike."""
    table = app.config.mailbox
    assert table is not None  # as above
    return f"{table.user}@{table.host}:{table.port}/{table.folder}"


def _gate(app: App) -> Gate:
    table, alerts = app.config.mailbox, app.config.alerts
    assert table is not None  # nothing is due without it
    listed = [*table.people, *alerts.to, *alerts.escalate_to]
    listed += [address for brand in app.config.brands for address in brand.alerts_to]
    return Gate(app.answer_key, bare(table.address), frozenset(map(bare, listed)))


def bare(address: str) -> str:
    """A mail address without the name before it."""
    return parseaddr(address)[1]
