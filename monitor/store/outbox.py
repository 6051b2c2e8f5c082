"""Mail that is owed: written in the transaction of what it tells, sent by a job of its own, kept with each receipt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.model import utc_text

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for some recipients. ``message_id`` is made from what it tells, so owing it twice owes it once."""

    message_id: str
    kind: str
    subject: str
    text: str
    html: str
    recipients: tuple[str, ...]
    refers_to: tuple[str, ...] = ()
    brand: int | None = None
    incident: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one recipient, owed."""

    outbox: int
    recipient: str
    attempts: int
    message_id: str
    subject: str
    text: str
    html: str
    refers_to: tuple[str, ...]
    owed_at: str


def owe(db: Database, letter: Letter, now: datetime) -> bool:
    """Put a letter into the outbox inside the caller's transaction; False if it already was there."""
    cursor = db.execute(
        """INSERT INTO outbox (message_id, kind, brand, incident, refers_to, subject, text, html, owed_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(message_id) DO NOTHING""",
        [letter.message_id, letter.kind, letter.brand, letter.incident, json.dumps(letter.refers_to), letter.subject,
         letter.text, letter.html, utc_text(now)],
    )  # fmt: skip
    if cursor.rowcount != 1:
        return False
    db.conn.executemany(
        "INSERT INTO deliveries (outbox, recipient, next_at) VALUES (?, ?, ?)",
        [(cursor.lastrowid, r, utc_text(now)) for r in dict.fromkeys(letter.recipients)],
    )
    return True


def due(db: Database, now: datetime) -> list[Delivery]:
    rows = db.execute(
        """SELECT d.outbox, d.recipient, d.attempts, o.message_id, o.subject, o.text, o.html, o.refers_to, o.owed_at
           FROM deliveries d JOIN outbox o ON o.id = d.outbox
           WHERE d.state = 'owed' AND d.next_at <= ? ORDER BY o.kind = 'digest', d.outbox, d.recipient""",
        [utc_text(now)],
    ).fetchall()
    return [Delivery(*(*r[:7], tuple(json.loads(r[7])), r[8])) for r in rows]


def sent(db: Database, delivery: Delivery, reply: str, now: datetime) -> None:
    db.execute(
        """UPDATE deliveries SET state = 'sent', attempts = attempts + 1, reply = ?, done_at = ?
           WHERE outbox = ? AND recipient = ?""",
        [reply, utc_text(now), delivery.outbox, delivery.recipient],
    )


def failed(db: Database, delivery: Delivery, reply: str, now: datetime, *, permanent: bool) -> None:
    """A passing error is tried again after 1, 2, 4 … 60 minutes; a permanent one is final."""
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(delivery.attempts, 10))
    db.execute(
        """UPDATE deliveries SET state = ?, attempts = attempts + 1, reply = ?, next_at = ?, done_at = ?
           WHERE outbox = ? AND recipient = ?""",
        ["failed" if permanent else "owed", reply, utc_text(now + wait), utc_text(now) if permanent else None,
         delivery.outbox, delivery.recipient],
    )  # fmt: skip


def message_ids(db: Database, incident: int) -> list[str]:
    """The thread of an incident so far, oldest first."""
    rows = db.execute("SELECT message_id FROM outbox WHERE incident = ? ORDER BY id", [incident])
    return [message_id for (message_id,) in rows]


def last_trouble(db: Database) -> str:
    """What the server last said of a message that is still owed or was refused; empty if all went well."""
    row = db.execute(
        """SELECT recipient || ': ' || reply FROM deliveries WHERE state <> 'sent' AND attempts > 0
           ORDER BY outbox DESC LIMIT 1"""
    ).fetchone()
    return row[0] if row else ""


def summary(db: Database) -> dict[str, int]:
    """Deliveries by state."""
    found = dict(db.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
    return {state: found.get(state, 0) for state in ("owed", "sent", "failed")}
