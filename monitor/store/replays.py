"""History seen again as it came in: a database in memory that holds, at each moment, only what had arrived by then.

``was`` is a copy of the stored rows of a stretch, taken in one moment; ``reveal`` moves them over as time goes by.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from monitor.model import from_utc_text, utc_text
from monitor.schema import upgrade
from monitor.store import mentions, posts, writing

_WHOLE = ("brands", "models", "shares")
_KEPT_FACTS = ("uid", "model", "chosen_model", "key")
_OF_POSTS = ("sightings", "engagement", "scores", "labels", "not_us", "group_members")
_SCORE = "post, brand, model, snownlp, p_negative, label, scored_at, quote_start, quote_end"
"""Without its id, which the mirror may have given to another by then."""
_ARRIVED = "(SELECT * FROM was.posts WHERE arrived_at > ? AND arrived_at <= ?) p"


@dataclass(frozen=True, slots=True)
class Told:
    """One alert that would have been sent: when, and what it says. ``evidence``: the arithmetic of its event."""

    at: datetime
    incident: int
    brand: str
    severity: str
    subject: str
    text: str
    event: str
    evidence: Mapping[str, Any]


def mirror(path: Path, start: datetime, end: datetime) -> Database:
    """An empty database of this schema, with all that arrived after ``start`` and up to ``end`` in ``was``."""
    connection = sqlite3.connect(":memory:", uri=True)
    db = Database(connection)
    upgrade(db)
    _leave_out(db)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("ATTACH ? AS disk", [f"{path.resolve().as_uri()}?mode=ro"])
    connection.execute("ATTACH ':memory:' AS was")
    connection.execute("BEGIN")
    _copy(db, utc_text(start), utc_text(end))
    connection.commit()
    connection.execute("DETACH disk")
    return db


def _leave_out(db: Database) -> None:
    """What tells nobody anything while alerts are replayed: the ledger of complaints sees nothing, no signals are
    found. Else their queues would grow from moment to moment, for nobody takes anything off."""
    seeing = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'complaints\\_%' ESCAPE '\\'"
    for (name,) in db.execute(seeing).fetchall():
        db.execute(f'DROP TRIGGER "{name}"')
    db.execute(
        """CREATE TRIGGER signals_are_left_out BEFORE INSERT ON queue WHEN NEW.stage = 'signal'
           BEGIN SELECT RAISE(IGNORE); END"""
    )


def _copy(db: Database, start: str, end: str) -> None:
    for table in _WHOLE:
        db.execute(f"INSERT INTO main.{table} SELECT * FROM disk.{table}")
    for name in _KEPT_FACTS:
        db.execute("INSERT OR REPLACE INTO main.facts SELECT * FROM disk.facts WHERE name = ?", [name])
    db.execute(
        """CREATE TABLE was.posts AS SELECT * FROM disk.posts WHERE arrived_at > ? AND arrived_at <= ?
           AND purged_at IS NULL""",
        [start, end],
    )
    db.execute("UPDATE was.posts SET own_brand = NULL, gone_at = NULL")
    db.execute("CREATE INDEX was.posts_by_arrival ON posts (arrived_at, id)")
    db.execute("CREATE UNIQUE INDEX was.posts_by_id ON posts (id)")
    for table in _OF_POSTS:
        db.execute(f"CREATE TABLE was.{table} AS SELECT * FROM disk.{table} WHERE post IN (SELECT id FROM was.posts)")
        db.execute(f"CREATE INDEX was.{table}_by_post ON {table} (post)")
    db.execute("CREATE TABLE was.groups AS SELECT * FROM disk.groups")
    db.execute("CREATE TABLE was.stories AS SELECT * FROM disk.stories")
    db.execute('CREATE TABLE was.heard AS SELECT * FROM disk.heard WHERE "from" <= ?', [end])
    db.execute("CREATE TABLE was.source_runs AS SELECT * FROM disk.source_runs WHERE started_at <= ?", [end])
    db.execute("CREATE INDEX was.labels_by_time ON labels (at)")
    db.execute("CREATE INDEX was.engagement_by_time ON engagement (seen_at)")


def keep_groups(db: Database) -> None:
    """Take over the copy groups and stories as they are stored; else the group stage makes them anew."""
    with writing(db):
        db.execute("INSERT INTO stories SELECT * FROM was.stories ORDER BY merged_into IS NOT NULL, id")
        db.execute("INSERT INTO groups SELECT * FROM was.groups ORDER BY merged_into IS NOT NULL, id")


def reveal(db: Database, start: datetime, end: datetime, *, grouped: bool) -> None:
    """Let everything arrive that did after ``start`` and up to ``end``. ``grouped``: with the copy group it has."""
    since, until = utc_text(start), utc_text(end)
    with writing(db):
        when = [since, until]
        db.execute(f"INSERT INTO posts SELECT p.* FROM {_ARRIVED} ORDER BY p.arrived_at, p.id", when)
        for table in ("sightings", *(["group_members"] if grouped else [])):
            db.execute(
                f"INSERT INTO {table} SELECT t.* FROM {_ARRIVED} CROSS JOIN was.{table} t ON t.post = p.id", when
            )
        db.execute(
            f"""INSERT INTO scores ({_SCORE}) SELECT {_SCORE} FROM {_ARRIVED} CROSS JOIN was.scores s ON s.post = p.id
                ORDER BY p.arrived_at, p.id, s.rowid""",
            when,
        )
        db.execute(
            """INSERT OR IGNORE INTO engagement SELECT e.* FROM was.engagement e JOIN posts p ON p.id = e.post
               WHERE e.seen_at > ? AND e.seen_at <= ?""",
            when,
        )
        _labels(db, since, until)
        _denied(db, since, until)
        _heard(db, since, until)
        db.execute(f"INSERT INTO queue SELECT 'match', p.id, random() FROM {_ARRIVED}", when)


def _labels(db: Database, since: str, until: str) -> None:
    when = [since, until]
    db.execute(
        "INSERT INTO labels SELECT l.* FROM was.labels l JOIN posts p ON p.id = l.post WHERE l.at > ? AND l.at <= ?",
        when,
    )
    found = [i for (i,) in db.execute("SELECT DISTINCT post FROM labels WHERE at > ? AND at <= ?", when).fetchall()]
    mentions.refresh(db, found)


def _denied(db: Database, since: str, until: str) -> None:
    """What people said does not speak of a brand: it is matched again, and the match knows."""
    said = db.execute(
        """SELECT n.post, n.brand, n."by", n.at FROM was.not_us n JOIN posts p ON p.id = n.post
           WHERE n.at > ? AND n.at <= ?""",
        [since, until],
    ).fetchall()
    db.conn.executemany("INSERT INTO not_us VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", said)
    posts.enqueue(db, "match", sorted({post for post, *_ in said}))


def _heard(db: Database, since: str, until: str) -> None:
    """What the sources had heard by then; when a stretch was heard late is not known: it counts from its end on."""
    db.execute(
        "INSERT INTO source_runs SELECT * FROM was.source_runs WHERE started_at > ? AND started_at <= ?", [since, until]
    )
    db.execute(
        """INSERT INTO heard (source, "from", late, "to")
           SELECT source, "from", late, min("to", :until) FROM was.heard
           WHERE "from" < :until AND "to" > :since AND (NOT late OR "to" <= :until)
           ON CONFLICT DO UPDATE SET "to" = excluded."to" """,
        {"since": since, "until": until},
    )


def take_scores(db: Database) -> None:
    """Posts that wait to be scored and have their stored score: it counts."""
    with writing(db):
        known = db.execute(
            """SELECT q.post FROM queue q WHERE q.stage = 'score'
               AND EXISTS (SELECT 1 FROM scores s WHERE s.post = q.post)"""
        ).fetchall()
        mentions.refresh(db, (i for (i,) in known))
        db.conn.executemany("DELETE FROM queue WHERE stage = 'score' AND post = ?", known)


def take_alerts(db: Database) -> list[Told]:
    """The alerts owed since they were last taken, in their order."""
    rows = db.execute(
        """SELECT o.message_id, o.owed_at, o.incident, b.name, i.severity, o.subject, o.text FROM outbox o
           JOIN incidents i ON i.id = o.incident JOIN brands b ON b.id = o.brand
           WHERE o.kind = 'alert' ORDER BY o.id"""
    ).fetchall()
    with writing(db):
        db.execute("UPDATE outbox SET kind = 'told' WHERE kind = 'alert'")
    return [_told(db, *row) for row in rows]


def _told(
    db: Database, message_id: str, at: str, incident: int, brand: str, severity: str, subject: str, text: str
) -> Told:
    event, evidence = _event(db, incident, message_id)
    return Told(from_utc_text(at), incident, brand, severity, subject, text, event, evidence)


def _event(db: Database, incident: int, message_id: str) -> tuple[str, dict[str, Any]]:
    """The event that a message tells: its id ends in how many events the incident had with it."""
    number = int(message_id.partition("@")[0].rpartition("-")[2])
    event, evidence = db.execute(
        "SELECT event, evidence FROM incident_events WHERE incident = ? ORDER BY id LIMIT 1 OFFSET ?",
        [incident, number - 1],
    ).fetchone()
    return event, json.loads(evidence or "{}")
