"""The ledger as digests read it: as of a moment, as far as what is stored tells what was known then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlite_utils import Database

from monitor.model import Quote, Recovery, from_utc_text, utc_text
from monitor.store import facts, moment
from monitor.store.facts import ENGAGEMENT, QUOTED

_OPEN = """c.brand = :brand AND c.posts > 0 AND c.since < :end AND (c.recovered_at IS NULL OR c.recovered_at >= :end)
    AND (c.lost_at IS NULL OR c.lost_at >= :end)"""
_UNANSWERED = f"{_OPEN} AND (c.answered_at IS NULL OR c.answered_at >= :end)"
_WHEN = {"arrived": "first_seen", "answered": "answered_at", "recovered": "recovered_at", "lost": "lost_at"}


def happened(db: Database, brand: int, start: datetime, end: datetime) -> dict[str, int]:
    """How many complaints arrived, were answered, recovered and lost in [start, end)."""
    span = [brand, utc_text(start), utc_text(end)]
    return {
        what: int(
            db.execute(
                f"SELECT count(*) FROM complaints WHERE brand = ? AND {column} >= ? AND {column} < ? AND posts > 0",
                span,
            ).fetchone()[0]
        )
        for what, column in _WHEN.items()
    }


def standing(db: Database, brand: int, end: datetime) -> tuple[int, int]:
    """As of ``end``: complaints that nobody had answered, and those answered and neither made good nor lost."""
    named = {"brand": brand, "end": utc_text(end)}
    row = db.execute(
        f"""SELECT count(*), coalesce(sum(c.answered_at < :end), 0) FROM complaints c WHERE {_OPEN}""", named
    ).fetchone()
    return int(row[0] - row[1]), int(row[1])


def usual_time(db: Database, brand: int, what: str, start: datetime, end: datetime, fewest: int) -> timedelta | None:
    """The median time to what happened in [start, end), ``answered`` or ``recovered``; None with fewer that were
    measured."""
    took = {"answered": "time_to_answer", "recovered": "time_to_recovery"}[what]
    rows = db.execute(
        f"""SELECT {took} FROM complaints WHERE brand = ? AND {_WHEN[what]} >= ? AND {_WHEN[what]} < ? AND posts > 0
            AND {took} IS NOT NULL""",
        [brand, utc_text(start), utc_text(end)],
    ).fetchall()
    return timedelta(seconds=median(seconds for (seconds,) in rows)) if len(rows) >= fewest else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A complaint that nobody has answered, by what it has come to since."""

    complaint: int
    severity: int
    posts: int
    reach: int
    engagement: int
    first_seen: datetime
    since: datetime
    last_seen: datetime


def waiting(db: Database, brand: int, start: datetime, end: datetime) -> list[Waiting]:
    """Those unanswered as of ``end`` of which something was heard from ``start`` on, and that can still be answered:
    what the platform or a purge removed cannot."""
    rows = db.execute(
        f"""SELECT c.id, c.severity, c.posts, coalesce(c.reach, 0),
                   coalesce(c.likes, 0) + coalesce(c.reposts, 0) + coalesce(c.comments, 0),
                   c.first_seen, c.since, c.last_seen FROM complaints c
            JOIN posts q ON q.id = c.quote_post
            WHERE {_UNANSWERED} AND c.last_seen >= :start AND q.purged_at IS NULL
            AND (q.gone_at IS NULL OR q.gone_at >= :end)""",
        {"brand": brand, "start": utc_text(start), "end": utc_text(end)},
    ).fetchall()
    return [Waiting(r[0], r[1], r[2], r[3], r[4], *map(from_utc_text, r[5:])) for r in rows]


def made_good(db: Database, brand: int, start: datetime, end: datetime, limit: int) -> list[int]:
    """The complaints that recovered in [start, end), the gravest and farthest first."""
    rows = db.execute(
        """SELECT id FROM complaints WHERE brand = ? AND recovered_at >= ? AND recovered_at < ? AND posts > 0
           ORDER BY severity DESC, coalesce(reach, 0) DESC, id LIMIT ?""",
        [brand, utc_text(start), utc_text(end), limit],
    )
    return [complaint for (complaint,) in rows.fetchall()]


@dataclass(frozen=True, slots=True)
class Row:
    """A complaint as stored. ``quote``: the whole text of the post to quote; ``span``: the sentence that hurts."""

    story: int | None
    themes: tuple[str, ...]
    severity: int
    first_seen: datetime
    since: datetime
    answered_at: datetime | None
    recovered_at: datetime | None
    lost_at: datetime | None
    answer: int | None
    quote: Quote
    span: tuple[int, int]

    def state(self, end: datetime) -> Recovery:
        """As of ``end``."""
        if self.recovered_at is not None and self.recovered_at < end:
            return Recovery.RECOVERED
        if self.lost_at is not None and self.lost_at < end:
            return Recovery.LOST
        return Recovery.ANSWERED if self.answered_at is not None and self.answered_at < end else Recovery.NEW


def row(db: Database, complaint: int) -> Row:
    story, themes, severity, first, since, answered, recovered, lost, answer, quoted, start, end = db.execute(
        """SELECT (SELECT coalesce(st.merged_into, st.id) FROM group_members gm JOIN groups g ON g.id = gm."group"
                   JOIN stories st ON st.id = g.story WHERE gm.post = c.post),
                  c.themes, c.severity, c.first_seen, c.since, c.answered_at, c.recovered_at, c.lost_at, c.answer,
                  coalesce(c.quote_post, c.post), c.quote_start, c.quote_end
           FROM complaints c WHERE c.id = ?""",
        [complaint],
    ).fetchone()
    quote = post(db, quoted)
    assert quote is not None  # a post that complains mentions a brand, so its row is never removed
    return Row(
        story, tuple(filter(None, themes.split(","))), severity, from_utc_text(first), from_utc_text(since),
        moment(answered), moment(recovered), moment(lost), answer, quote, (start or 0, end or 0),
    )  # fmt: skip


def post(db: Database, identity: int) -> Quote | None:
    """Any post as a quote, whether it mentions a brand or is its own."""
    found = db.execute(f"SELECT {QUOTED} FROM posts p {ENGAGEMENT} WHERE p.id = ?", [identity]).fetchone()
    return facts.quote(found) if found else None
