"""Replies to alerts: which were read, what they did, and how many did nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.model import from_utc_text, utc_text
from monitor.store import fact, moment, set_fact

DONE = "done"
FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=15)
"""Between visits to a mailbox that cannot be read; doubled each time, as for an alert that waits."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail by somebody of the list in reply to one mail of an incident. ``action``: all that it asked for, empty if
    that was not understood."""

    message_id: str
    incident: int
    mail: int
    action: str
    by: str


@dataclass(frozen=True, slots=True)
class Alert:
    """The mail that was answered, as it was sent, with the ids of the posts that it quoted."""

    message_id: str
    subject: str
    posts: tuple[int, ...]


def answered(db: Database, incident: int, mail: int) -> Alert | None:
    """The mail of this number of an incident; None if there is none."""
    row = db.execute(
        "SELECT message_id, subject, posts FROM outbox WHERE incident = ? AND number = ?", [incident, mail]
    ).fetchone()
    return Alert(row[0], row[1], tuple(json.loads(row[2]))) if row else None


def known(db: Database, message_id: str) -> bool:
    return db.execute("SELECT 1 FROM replies WHERE message_id = ?", [message_id]).fetchone() is not None


def done_before(db: Database, reply: Reply) -> bool:
    """Whether the same was asked for and done in reply to the same mail, whoever asked."""
    return db.execute(
        "SELECT 1 FROM replies WHERE incident = ? AND mail = ? AND action = ? AND outcome = ?",
        [reply.incident, reply.mail, reply.action, DONE],
    ).fetchone() is not None  # fmt: skip


def keep(db: Database, reply: Reply, outcome: str, now: datetime) -> None:
    """IntegrityError if it would be done a second time: then nothing of its transaction is kept."""
    db.execute(
        'INSERT INTO replies (message_id, at, outcome, incident, mail, action, "by") VALUES (?, ?, ?, ?, ?, ?, ?)',
        [reply.message_id, utc_text(now), outcome, reply.incident, reply.mail, reply.action, reply.by],
    )


def count_ignored(db: Database, reason: str) -> None:
    """One message more that did nothing; that it was one is all that is kept of it."""
    counted = json.loads(fact(db, "replies_ignored") or "{}")
    set_fact(db, "replies_ignored", json.dumps({**counted, reason: counted.get(reason, 0) + 1}))


def outcomes(db: Database) -> dict[str, int]:
    """How many messages were read, by what became of them."""
    acted = dict(db.execute("SELECT outcome, count(*) FROM replies GROUP BY outcome ORDER BY 1").fetchall())
    for reason, n in sorted(json.loads(fact(db, "replies_ignored") or "{}").items()):
        acted[reason] = acted.get(reason, 0) + n
    return acted


@dataclass(frozen=True, slots=True)
class Place:
    """How far a folder was read. ``validity``: while a server gives the same, the same uids mean the same messages."""

    folder: str
    validity: int
    uid: int


def place(db: Database) -> Place | None:
    found = fact(db, "mailbox_place")
    return Place(**json.loads(found)) if found else None


def set_place(db: Database, reached: Place) -> None:
    words = {"folder": reached.folder, "validity": reached.validity, "uid": reached.uid}
    set_fact(db, "mailbox_place", json.dumps(words, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Turn:
    """When the mailbox is read next, how often in a row it could not be, and what was said then."""

    due_at: datetime
    refusals: int = 0
    said: str = ""
    since: datetime | None = None


def turn(db: Database) -> Turn | None:
    found = fact(db, "mailbox_turn")
    if not found:
        return None
    words = json.loads(found)
    return Turn(from_utc_text(words["due_at"]), words["refusals"], words["said"], moment(words["since"]))


def end_turn(db: Database, every: timedelta, now: datetime, trouble: str | None) -> Turn:
    """Due again after ``every``; after trouble in 1, 2, 4 … 15 minutes, but not sooner than that."""
    before = turn(db)
    if trouble is None:
        after = Turn(now + every)
    else:
        refusals = (before.refusals if before else 0) + 1
        rest = max(every, min(LONGEST_REST, FIRST_REST * 2 ** min(refusals - 1, 10)))
        after = Turn(now + rest, refusals, trouble, (before.since if before else None) or now)
    set_fact(db, "mailbox_turn", json.dumps({
        "due_at": utc_text(after.due_at), "refusals": after.refusals, "said": after.said,
        "since": utc_text(after.since) if after.since else "",
    }, ensure_ascii=False))  # fmt: skip
    return after
