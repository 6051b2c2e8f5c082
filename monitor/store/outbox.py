"""Mail that is owed: written in the transaction of what it tells, sent by a job of its own, kept with each receipt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlite_utils import Database

from monitor.model import utc_text

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_OF_ALERTS = timedelta(minutes=15)
"""A server that comes back after hours must not keep the on-call person waiting for another hour."""

STALE = timedelta(minutes=5)
"""A mail owed for longer, or refused once, met an obstacle: what came after it is news, and it no longer is."""

OVER = ("resolved", "not_us")
"""The events that end an incident, as mails call them."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for some recipients. ``message_id`` is made from what it tells, so owing it twice owes it once.

    Of an alert: ``event`` is what happened, ``number`` how many events the incident had with it, ``posts`` the ids of
    those it quotes.
    """

    message_id: str
    kind: str
    subject: str
    text: str
    html: str
    recipients: tuple[str, ...]
    refers_to: tuple[str, ...] = ()
    brand: int | None = None
    incident: int | None = None
    reply_to: str = ""
    event: str = ""
    number: int | None = None
    posts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one recipient, owed. It stands for ``replaces`` earlier ones, the first of them owed ``since``."""

    outbox: int
    recipient: str
    attempts: int
    message_id: str
    subject: str
    text: str
    html: str
    refers_to: tuple[str, ...]
    owed_at: str
    kind: str = ""
    reply_to: str = ""
    replaces: int = 0
    since: str = ""


def owe(db: Database, letter: Letter, now: datetime) -> bool:
    """Put a letter into the outbox inside the caller's transaction; False if it already was there.

    Nor is an incident's end told again while nothing was told since: nobody is ever told twice that it is over.
    """
    if letter.event in OVER and _last_event(db, letter.incident) in OVER:
        return False
    cursor = db.execute(
        """INSERT INTO outbox (message_id, kind, brand, incident, refers_to, subject, text, html, owed_at,
               reply_to, event, number, posts)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(message_id) DO NOTHING""",
        [letter.message_id, letter.kind, letter.brand, letter.incident, json.dumps(letter.refers_to), letter.subject,
         letter.text, letter.html, utc_text(now), letter.reply_to, letter.event, letter.number,
         json.dumps(letter.posts)],
    )  # fmt: skip
    if cursor.rowcount != 1:
        return False
    db.conn.executemany(
        "INSERT INTO deliveries (outbox, recipient, next_at) VALUES (?, ?, ?)",
        [(cursor.lastrowid, r, utc_text(now)) for r in dict.fromkeys(letter.recipients)],
    )
    return True


def _last_event(db: Database, incident: int | None) -> str:
    row = db.execute("SELECT event FROM outbox WHERE incident = ? ORDER BY id DESC LIMIT 1", [incident]).fetchone()
    return row[0] if row else ""


def due(db: Database, now: datetime) -> list[Delivery]:
    """What is to be handed over now: alerts first, digests last. Fold before (``fold``). What was owed in one cycle
    and joined is no delay, and not counted as replaced."""
    rows = db.execute(
        """SELECT d.outbox, d.recipient, d.attempts, o.message_id, o.subject, o.text, o.html, o.refers_to, o.owed_at,
                  o.kind, o.reply_to, count(f.outbox), coalesce(min(e.owed_at), '')
           FROM deliveries d JOIN outbox o ON o.id = d.outbox
           LEFT JOIN deliveries f ON f.folded_into = d.outbox AND f.recipient = d.recipient
               AND (f.attempts > 0 OR (
                   SELECT strftime('%Y-%m-%dT%H:%M:%SZ', owed_at, ?) <= f.done_at FROM outbox WHERE id = f.outbox))
           LEFT JOIN outbox e ON e.id = f.outbox
           WHERE d.state = 'owed' AND d.next_at <= ? GROUP BY d.outbox, d.recipient
           ORDER BY o.kind <> 'alert', o.kind = 'digest', d.outbox, d.recipient""",
        [f"+{STALE.total_seconds():.0f} seconds", utc_text(now)],
    ).fetchall()
    return [Delivery(*(*r[:7], tuple(json.loads(r[7])), *r[8:])) for r in rows]


def fold(db: Database, now: datetime) -> int:
    """Owed alerts of one incident to one recipient become the newest of them, if the others met an obstacle.

    Each mail of an incident tells all of it, so the newest stands for those before. Returns how many were folded.
    """
    rows = db.execute(
        """SELECT o.incident, d.recipient, d.outbox, d.attempts > 0 OR o.owed_at <= ?, d.next_at
           FROM deliveries d JOIN outbox o ON o.id = d.outbox
           WHERE d.state = 'owed' AND o.kind = 'alert' AND o.incident IS NOT NULL ORDER BY 1, 2, 3""",
        [utc_text(now - STALE)],
    ).fetchall()
    folded = 0
    for (_, recipient), found in groupby(rows, key=lambda row: row[:2]):
        *older, newest = found
        if any(stale for *_, stale, _ in older):
            _fold_into(db, newest[2], recipient, [row[2] for row in older], min(r[4] for r in (*older, newest)), now)
            folded += len(older)
    return folded


def waiting(db: Database, incident: int, now: datetime) -> tuple[list[int], int]:
    """Alerts of an incident that are owed since just now and were tried with nobody yet, so that the next one of the
    same cycle can tell what they tell; and how many events the last mail before them told of."""
    fresh = [outbox for (outbox,) in db.execute(
        """SELECT o.id FROM outbox o JOIN deliveries d ON d.outbox = o.id
           WHERE o.incident = ? AND o.kind = 'alert' AND o.owed_at > ? GROUP BY o.id
           HAVING sum(d.state <> 'owed' OR d.attempts > 0) = 0 ORDER BY o.id""",
        [incident, utc_text(now - STALE)],
    ).fetchall()]  # fmt: skip
    marks = ", ".join("?" * len(fresh))
    (told,) = db.execute(
        f"""SELECT coalesce(max(o.number), 0) FROM outbox o WHERE o.incident = ? AND o.kind = 'alert'
            AND o.id NOT IN ({marks}) AND EXISTS (
                SELECT 1 FROM deliveries d WHERE d.outbox = o.id AND (d.state <> 'folded' OR d.attempts > 0))""",
        [incident, *fresh],
    ).fetchone()
    return fresh, told


def join(db: Database, older: Sequence[int], message_id: str, now: datetime) -> None:
    """Have a letter just owed stand for those before it, with everybody who gets it."""
    row = db.execute("SELECT id FROM outbox WHERE message_id = ?", [message_id]).fetchone()
    others = [outbox for outbox in older if outbox != row[0]]
    for (recipient,) in db.execute("SELECT recipient FROM deliveries WHERE outbox = ?", [row[0]]).fetchall():
        if others:
            _fold_into(db, row[0], recipient, others, utc_text(now), now)


def _fold_into(
    db: Database, newest: int, recipient: str, older: Sequence[int], next_at: str, now: datetime
) -> None:  # fmt: skip
    """The newest is due when the first of them was; what was folded into an older one now is into it."""
    marks = ", ".join("?" * len(older))
    db.execute(
        f"""UPDATE deliveries SET folded_into = ?, done_at = iif(state = 'owed', ?, done_at), state = 'folded'
            WHERE recipient = ? AND state <> 'sent' AND (outbox IN ({marks}) OR folded_into IN ({marks}))""",
        [newest, utc_text(now), recipient, *older, *older],
    )
    db.execute("UPDATE deliveries SET next_at = ? WHERE outbox = ? AND recipient = ?", [next_at, newest, recipient])


def sent(db: Database, delivery: Delivery, reply: str, now: datetime) -> None:
    db.execute(
        """UPDATE deliveries SET state = 'sent', attempts = attempts + 1, reply = ?, done_at = ?
           WHERE outbox = ? AND recipient = ?""",
        [reply, utc_text(now), delivery.outbox, delivery.recipient],
    )


def failed(db: Database, delivery: Delivery, reply: str, now: datetime, *, permanent: bool) -> None:
    """A passing error is tried again after 1, 2, 4 … 60 minutes, an alert's … 15; a permanent one is final."""
    longest = LONGEST_OF_ALERTS if delivery.kind == "alert" else LONGEST_WAIT
    wait = min(longest, FIRST_WAIT * 2 ** min(delivery.attempts, 10))
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


def troubles(db: Database) -> list[str]:
    """One line a recipient whose mail is refused or waits, with what the server last said to it.

    A refusal is no trouble any more once the server has taken a later mail to the same address.
    """
    rows = db.execute(
        """WITH bad AS (
               SELECT d.*, o.owed_at FROM deliveries d JOIN outbox o ON o.id = d.outbox
               WHERE d.attempts > 0 AND (d.state = 'owed' OR d.state = 'failed' AND NOT EXISTS (
                   SELECT 1 FROM deliveries s WHERE s.recipient = d.recipient AND s.state = 'sent'
                   AND s.done_at > d.done_at)))
           SELECT recipient, state, count(*), min(owed_at), max(attempts), (
               SELECT reply FROM bad l WHERE l.recipient = b.recipient AND l.state = b.state
               ORDER BY l.outbox DESC LIMIT 1)
           FROM bad b GROUP BY recipient, state ORDER BY max(outbox) DESC, state, recipient"""
    ).fetchall()
    return [_trouble(*row) for row in rows]


def _trouble(recipient: str, state: str, n: int, since: str, tries: int, reply: str) -> str:
    messages = f"{n} message{'s' if n > 1 else ''}"
    if state == "failed":
        return f"mail to {recipient} was refused for good: {messages}, the first of {since}; the last answer: {reply}"
    return f"mail to {recipient} waits since {since}: {messages}, tried up to {tries} times; the last answer: {reply}"


def last_trouble(db: Database) -> str:
    """The newest of these; empty if all went well."""
    return next(iter(troubles(db)), "")


def summary(db: Database) -> dict[str, int]:
    """Deliveries by state; ``folded``: a newer mail of the incident stood for it."""
    found = dict(db.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
    return {state: found.get(state, 0) for state in ("owed", "sent", "failed", "folded")}
