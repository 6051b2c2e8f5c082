"""Complaints as the command line shows them, and which of them a number means."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlite_utils import Database


def list_them(
    db: Database, brands: Collection[str] | None, states: Collection[str], limit: int
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of ``v_complaints``: the unanswered first, of each state the gravest, farthest and newest first. None: of
    all brands."""
    return list(
        db.query(
            f"""SELECT * FROM v_complaints WHERE {_asked("brand", "state")}
                ORDER BY state <> 'new', state <> 'answered', severity DESC, coalesce(reach, 0) DESC, first_seen DESC,
                         complaint
                LIMIT :limit""",
            {**_named(brands, states), "limit": limit},
        )
    )


def count(db: Database, brands: Collection[str] | None, states: Collection[str]) -> int:
    row = db.execute(
        f"""SELECT count(*) FROM complaints c JOIN brands b ON b.id = c.brand
            WHERE c.posts > 0 AND {_asked("b.name", "c.state")}""",
        _named(brands, states),
    ).fetchone()
    return int(row[0])


def _asked(brand: str, state: str) -> str:
    return f"""(:brands IS NULL OR {brand} IN (SELECT value FROM json_each(:brands)))
        AND {state} IN (SELECT value FROM json_each(:states))"""


def _named(brands: Collection[str] | None, states: Collection[str]) -> dict[str, str | None]:
    return {"brands": None if brands is None else json.dumps(list(brands)), "states": json.dumps(list(states))}


def current(db: Database, complaint: int) -> int | None:
    """The number of a complaint now, if it was merged into another; None if there is none or nothing is left of it."""
    row = db.execute("SELECT coalesce(merged_into, id) FROM complaints WHERE id = ?", [complaint]).fetchone()
    if row is None or not db.execute("SELECT 1 FROM complaints WHERE id = ? AND posts > 0", [row[0]]).fetchone():
        return None
    return int(row[0])


def find(db: Database, complaint: int) -> dict[str, Any]:
    """Its row of ``v_complaints``, which must be there."""
    return next(db.query("SELECT * FROM v_complaints WHERE complaint = ?", [complaint]))


def events(db: Database, complaint: int) -> list[dict[str, Any]]:
    """What changed and who said so, the oldest first."""
    return list(
        db.query(
            'SELECT at, event, state, "by", note FROM complaint_events WHERE complaint = ? ORDER BY id', [complaint]
        )
    )


def posts(db: Database, complaint: int, limit: int) -> list[dict[str, Any]]:
    """Its first posts, and the brand's answer."""
    return list(
        db.query(
            """SELECT p.counted_at AS at, p.platform, p.url, p.text, p.own_brand IS NOT NULL AS own FROM posts p
               WHERE p.id IN (
                   SELECT m.post FROM complaint_texts t JOIN group_members gm ON gm."group" = t."group"
                   JOIN mentions m ON m.post = gm.post AND m.brand = t.brand WHERE t.complaint = ?1
                   UNION SELECT answer FROM complaints WHERE id = ?1
                   UNION SELECT recovery FROM complaints WHERE id = ?1 UNION SELECT loss FROM complaints WHERE id = ?1)
               ORDER BY p.counted_at, p.platform, p.native_id LIMIT ?2""",
            [complaint, limit],
        )
    )
