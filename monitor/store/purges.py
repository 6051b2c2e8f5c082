"""Removing what is not to be kept any longer, so that every count stays what it was.

A post that mentions a brand is *emptied*: its row stays, with its times, its labels and scores, its copy group and
thread, and without its text, its author, its address and its engagement. A post that mentions nobody goes altogether.
How long a post was kept counts from when it was first stored, not from when it was written: an archive imported today
is kept as long as a post of today.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.model import utc_text
from monitor.store import likeness
from monitor.store.posts import STAGES

DRAWN = "purged:"
"""How the key of an author begins that was drawn by lot in place of the real one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What was stored by these moments is not kept: posts, those that mention nobody, and those of single sources."""

    posts: datetime
    unmatched: datetime
    sources: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Expired:
    """A post whose time is over. ``removable``: its row may go, too."""

    id: int
    removable: bool


_WAITS = f"EXISTS (SELECT 1 FROM queue q WHERE q.stage IN {STAGES} AND q.post = p.id)"
"""Whether a stage has still to do a post: it may yet find a mention, or its label is not the last word."""

_NEEDED = """(p.own_brand IS NOT NULL OR EXISTS (SELECT 1 FROM mentions m WHERE m.post = p.id)
    OR EXISTS (SELECT 1 FROM labels l WHERE l.post = p.id))"""
"""Whether a post counts, is an answer of a brand, or was labelled by a person."""

_DENIED = "EXISTS (SELECT 1 FROM not_us n WHERE n.post = p.id)"
"""Whether a person said that it is not about a brand: by its row, copies that come later are still known."""

# What mentions nobody and has no time of its own (the platform claims none) keeps its row: the next fetch that shows it
# would else take it for new.
_EXPIRED = f"""
    WITH limits AS (SELECT key AS source, value AS until FROM json_each(:sources)),
    kept AS (
        SELECT p.id, p.purged_at,
            (SELECT min(s.seen_at) FROM sightings s WHERE s.post = p.id) AS stored_at,
            {_NEEDED} AS needed,
            p.published_at IS p.counted_at AND NOT {_DENIED} AS dated,
            NOT EXISTS (
                SELECT 1 FROM sightings s LEFT JOIN limits ON limits.source = s.source
                WHERE s.post = p.id AND (limits.until IS NULL OR s.seen_at > limits.until)) AS over_everywhere
        FROM posts p WHERE p.id > :after AND NOT {_WAITS})
    SELECT id, dated AND NOT needed FROM kept
    WHERE stored_at IS NOT NULL
    AND (over_everywhere OR stored_at <= :posts OR (NOT needed AND stored_at <= :unmatched))
    AND (purged_at IS NULL OR (dated AND NOT needed))
    ORDER BY id LIMIT :limit"""


def overwrite(db: Database) -> None:
    """Have this connection overwrite in the file what it removes, not only unlink it."""
    db.execute("PRAGMA secure_delete = ON")


def expired(db: Database, limits: Limits, after: int, limit: int) -> list[Expired]:
    """The next posts that are not to be kept; by id, those above ``after``.

    The limit of a source holds for posts that no other source has seen, or whose limits are all over.
    """
    rows = db.execute(_EXPIRED, {
        "sources": json.dumps({s: utc_text(until) for s, until in limits.sources.items()}),
        "posts": utc_text(limits.posts), "unmatched": utc_text(limits.unmatched), "after": after, "limit": limit,
    })  # fmt: skip
    return [Expired(identity, bool(removable)) for identity, removable in rows.fetchall()]


def empty(db: Database, posts: Sequence[int], now: datetime) -> None:
    """Take from posts what people wrote and who they are; every count stays, and no stage does them again."""
    idle = _none(db, _WAITS, posts)  # by now: an edit may have come since
    ids = [(i,) for i in idle]
    for i in idle:
        _forget_author(db, i)
    db.conn.executemany(
        """UPDATE posts SET text = '', url = '', author_name = NULL, followers = NULL, verified = '', purged_at = ?
           WHERE id = ?""",
        [(utc_text(now), i) for i in idle],
    )
    _forget_work(db, idle)
    likeness.forget(db, idle)
    for table in ("revisions", "engagement", "travel_looks"):
        db.conn.executemany(f"DELETE FROM {table} WHERE post = ?", ids)
    db.conn.executemany("UPDATE sightings SET text_hash = x'' WHERE post = ?", ids)
    db.conn.executemany("UPDATE scores SET quote_start = NULL, quote_end = NULL WHERE post = ?", ids)
    db.conn.executemany(
        """UPDATE mentions SET span_start = NULL, span_end = NULL, quote_start = NULL, quote_end = NULL
           WHERE post = ?""",
        ids,
    )


def _forget_author(db: Database, post: int) -> None:
    """A name drawn by lot in place of the author's key, one for all that the author wrote in this thread.

    Whether a post opens a voice depends on who else wrote in its thread, and must come out the same when it is counted
    again. A brand's own account keeps its key: it is in the config, and by it answers are told from mentions.
    """
    row = db.execute(
        """SELECT platform, author_key, iif(root = '', native_id, root) FROM posts
           WHERE id = ? AND author_key IS NOT NULL AND own_brand IS NULL""",
        [post],
    ).fetchone()
    if row is None or row[1].startswith(DRAWN):
        return
    db.execute(
        """UPDATE posts SET author_key = ?
           WHERE platform = ? AND author_key = ? AND iif(root = '', native_id, root) = ?""",
        [DRAWN + secrets.token_hex(16), *row],
    )


def remove(db: Database, posts: Sequence[int]) -> None:
    """Posts that mention nobody: the row and everything that hangs on it, unless a stage has found a use for one by
    now. Keys of groups stay, so that copies that come later still find their group."""
    idle = _none(db, f"{_WAITS} OR {_NEEDED} OR {_DENIED}", posts)
    _forget_work(db, idle)
    likeness.forget(db, idle)
    ids = [(i,) for i in idle]
    for table in (
        "revisions", "engagement", "scores", "signals", "group_members", "sightings", "travel_looks",
    ):  # fmt: skip
        db.conn.executemany(f"DELETE FROM {table} WHERE post = ?", ids)
    db.conn.executemany("DELETE FROM posts WHERE id = ?", ids)


def _none(db: Database, condition: str, posts: Sequence[int]) -> list[int]:
    return [i for i in posts if not db.execute(f"SELECT {condition} FROM posts p WHERE p.id = ?", [i]).fetchone()[0]]


def _forget_work(db: Database, posts: Sequence[int]) -> None:
    db.conn.executemany("DELETE FROM rechecks WHERE post = ?", [(i,) for i in posts])
    db.conn.executemany(
        "DELETE FROM failures WHERE stage = ? AND item = ?", [(stage, str(i)) for i in posts for stage in STAGES]
    )


SOMEONE = "someone"
"""Stands for a person whose name is not kept any longer."""


def empty_notes(db: Database, until: datetime, *, dry_run: bool = False) -> int:
    """What people noted of complaints by ``until`` loses its words and their names; what they said of a complaint's
    state goes on holding. How many did."""
    old = "event <> 'state' AND at <= ? AND (note <> '' OR \"by\" <> ?)"
    named = [utc_text(until), SOMEONE]
    if dry_run:
        return int(db.execute(f"SELECT count(*) FROM complaint_events WHERE {old}", named).fetchone()[0])
    done = db.execute(f"UPDATE complaint_events SET note = '', \"by\" = ? WHERE {old}", [SOMEONE, *named]).rowcount
    db.execute(
        """UPDATE complaints SET corrected_by = ? WHERE corrected_by NOT IN ('', ?) AND NOT EXISTS (
               SELECT 1 FROM complaint_events e
               WHERE e.complaint = complaints.id AND e."by" = complaints.corrected_by)""",
        [SOMEONE, SOMEONE],
    )
    return done


def empty_letters(db: Database, until: datetime, *, dry_run: bool = False) -> int:
    """Mail owed by ``until`` that nobody waits for any more loses what it said: it quotes posts. How many did."""
    where = """owed_at <= ? AND (text <> '' OR html <> '')
        AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.outbox = outbox.id AND d.state = 'owed')"""
    if dry_run:
        return int(db.execute(f"SELECT count(*) FROM outbox WHERE {where}", [utc_text(until)]).fetchone()[0])
    return db.execute(f"UPDATE outbox SET text = '', html = '' WHERE {where}", [utc_text(until)]).rowcount
