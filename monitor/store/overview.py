"""An overview for whoever operates it: what is heard, waiting, failed and owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from monitor.model import utc_text
from monitor.store import complaints, coverage, fact, models, outbox, posts, rechecks, replies, service

WINDOW = timedelta(hours=24)
OVERDUE = timedelta(hours=1)
REFUSALS = 3
ASKED_ONCE = timedelta(days=3650)
"""A source that was never asked is due since the year 1."""


def overview(db: Database, sources: Sequence[str], brands: Mapping[str, int], now: datetime) -> dict[str, Any]:
    """Everything an operator asks first; times are UTC text, ages in seconds. ``brands``: name -> id."""
    return {
        "now": utc_text(now),
        "sources": [_source(db, name, now) for name in sources],
        "queues": {**posts.waiting(db), "count": _scalar(db, "SELECT count(*) FROM dirty_bins"),
                   "ledger": complaints.waiting(db)},
        "posts": _scalar(db, "SELECT count(*) FROM posts"),
        "brands": {
            name: {
                "mentions": _scalar(db, "SELECT count(*) FROM mentions WHERE brand = ?", brand),
                "days_heard": round(coverage.days_heard(db, brand, now), 2),
                "last_digest": str(max(service.digests_owed(db, brand), default="")),
            }
            for name, brand in brands.items()
        },
        "open_incidents": list(db.query(
            "SELECT incident, brand, origin, state, severity, opened_at FROM v_incidents WHERE state <> 'resolved'"
        )),
        "model": {
            "speaks": models.speaking(db),
            "since": utc_text(since) if (since := models.since(db)) else None,
            "chosen": fact(db, "chosen_model"),
        },
        "outbox": outbox.summary(db),
        "answers": replies.outcomes(db),
        "trouble": _trouble(db, sources, now),
        "failures": service.failures(db),
    }  # fmt: skip


def _trouble(db: Database, sources: Sequence[str], now: datetime) -> list[str]:
    """What no state shows: mail the server does not take, and sources that nobody has asked for long."""
    overdue = [s for s in sources if OVERDUE < now - coverage.state(db, s).due_at < ASKED_ONCE]
    lines = _mailbox(db, now)
    lines += [f"{s} should have been asked long ago: is the service running?" for s in overdue]
    turns = ((s, rechecks.turn(db, s)) for s in sources)
    lines += [
        f"{s} cannot look again at posts: {t.detail}; next at {utc_text(t.due_at)}"
        for s, t in turns
        if t.refusals >= REFUSALS
    ]
    return [*lines, *outbox.troubles(db)]


def _source(db: Database, name: str, now: datetime) -> dict[str, Any]:
    state = coverage.state(db, name)
    run = db.execute(
        "SELECT started_at, state, detail FROM source_runs WHERE source = ? ORDER BY id DESC LIMIT 1", [name]
    ).fetchone() or (None, "never asked", "")
    heard = coverage.of_sources(db, 0, [name], now - WINDOW, now)[0].heard
    return {
        "source": name, "last_run": run[0], "state": run[1], "detail": run[2], "due_at": utc_text(state.due_at),
        "heard_to": utc_text(state.heard_to) if state.heard_to else None,
        "silent_for": int((now - state.heard_to).total_seconds()) if state.heard_to else None,
        "heard_24h": round(heard, 3),
    }  # fmt: skip


def _mailbox(db: Database, now: datetime) -> list[str]:
    turn = replies.turn(db)
    if turn is None or turn.since is None or now - turn.due_at > WINDOW:  # long past: there is no mailbox any more
        return []
    since, again = utc_text(turn.since), utc_text(turn.due_at)
    return [f"the mailbox cannot be read since {since}: {turn.said}; tried {turn.refusals} times, next at {again}"]


def _scalar(db: Database, sql: str, *values: object) -> int:
    return int(db.execute(sql, list(values)).fetchone()[0])
