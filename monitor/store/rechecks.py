"""Which posts are due to be looked at again, which were, and when each source may be asked.

A post passes a *mark* when it reaches an age. It is due if no source has answered for that mark yet and the source had
seen it before; a mark is over when the next one is reached, so that after a pause nobody makes up for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlite_utils import Database

from monitor.model import TRAVEL_LOOK, Engagement, Post, from_utc_text, utc_text
from monitor.store.facts import LOUDNESS

TRIES = 3
"""How often a post is asked for at one mark while its source fails: one that breaks it must not hold up the others."""

SLOWEST = timedelta(minutes=15)
"""Growth is measured over at least this long: two looks within a minute say nothing of a rate."""


@dataclass(frozen=True, slots=True)
class Due:
    """A post to look at again. ``mark``: the age it has passed, in seconds. ``rank``: the smallest is the first."""

    id: int
    mark: int
    rank: tuple[float, ...]
    post: Post


@dataclass(frozen=True, slots=True)
class Turn:
    """When a source may be asked again, how often in a row it refused, and what it said."""

    due_at: datetime
    refusals: int
    detail: str


DRAWN = """(p.id % 4 = 0 AND p.root IN ('', p.native_id) AND p.kind <> 'repost' AND p.id = (
    SELECT min(o.post) FROM group_members o WHERE o."group" = (SELECT "group" FROM group_members WHERE post = p.id)))"""
"""The lot by which one of four posts that begin something is looked at at ``TRAVEL_LOOK``, whatever it says and however
it grows, and in a turn that goes by neither: what is negative or fast is looked at more often, and says little of what
posts usually reach. Ids are given as posts arrive, before anything is known of them."""

_DUE = f"""
    WITH passed AS (
        SELECT p.*, :mark = {round(TRAVEL_LOOK.total_seconds())} AND {DRAWN} AS drawn,
            coalesce(iif(r.mark = :mark, r.tries, 0), 0) AS tries,
            EXISTS (SELECT 1 FROM mentions m WHERE m.post = p.id AND m.label = 'negative') AS negative,
            (SELECT {LOUDNESS} FROM engagement e WHERE e.post = p.id ORDER BY seen_at DESC LIMIT 1) AS loudness,
            max((SELECT seen_at FROM engagement e WHERE e.post = p.id ORDER BY seen_at DESC LIMIT 1),
                coalesce(strftime('%Y-%m-%dT%H:%M:%SZ', p.counted_at, r.mark || ' seconds'), '')) AS looked_at,
            (SELECT {LOUDNESS} FROM engagement e WHERE e.post = p.id ORDER BY seen_at DESC LIMIT 1 OFFSET 1) AS before,
            (SELECT seen_at FROM engagement e WHERE e.post = p.id ORDER BY seen_at DESC LIMIT 1 OFFSET 1) AS before_at
        FROM posts p JOIN sightings s ON s.post = p.id AND s.source = :source LEFT JOIN rechecks r ON r.post = p.id
        WHERE p.counted_at <= :reached AND p.counted_at > :over AND p.gone_at IS NULL AND p.purged_at IS NULL
        AND s.seen_at < strftime('%Y-%m-%dT%H:%M:%SZ', p.counted_at, :mark || ' seconds')
        AND (r.post IS NULL OR r.mark < :mark OR (r.mark = :mark AND NOT r.answered AND r.tries < {TRIES}))
        AND EXISTS (SELECT 1 FROM mentions m WHERE m.post = p.id)),
    ranked AS (
        SELECT *, coalesce((loudness - before)
            / max(:slowest, (julianday(looked_at) - julianday(before_at)) * 24), 0) AS growth
        FROM passed)
    SELECT id, tries, negative OR drawn, iif(drawn, 0, growth), platform, native_id, text, url, kind, published_at,
        parent, root, page,
        (SELECT likes FROM engagement e WHERE e.post = ranked.id ORDER BY seen_at DESC LIMIT 1),
        (SELECT reposts FROM engagement e WHERE e.post = ranked.id ORDER BY seen_at DESC LIMIT 1),
        (SELECT comments FROM engagement e WHERE e.post = ranked.id ORDER BY seen_at DESC LIMIT 1)
    FROM ranked WHERE :anyone OR negative OR drawn OR growth >= :fast
    ORDER BY 2, 3 DESC, 4 DESC, counted_at DESC, id LIMIT :limit"""


def due(
    db: Database, source: str, now: datetime, mark: timedelta, over: timedelta, fast: float, limit: int, *, anyone: bool
) -> list[Due]:  # fmt: skip
    """The posts of a source that are due at one mark, at most ``limit``: those not tried yet, negative, fast-growing,
    young first. ``over``: the age at which this mark is.

    Unless ``anyone`` is, they must be negative, drawn (``DRAWN``), or have grown by at least ``fast`` an hour
    (``facts.LOUDNESS``): from the last count but one to the last look, for a look that found the same count left no
    row.
    """
    seconds = int(mark.total_seconds())
    rows = db.execute(_DUE, {
        "source": source, "mark": seconds, "reached": utc_text(now - mark), "over": utc_text(now - over),
        "slowest": SLOWEST / timedelta(hours=1), "anyone": anyone, "fast": fast, "limit": limit,
    })  # fmt: skip
    return [_due(seconds, row) for row in rows.fetchall()]


def _due(mark: int, row: Sequence[Any]) -> Due:
    identity, tries, negative, growth, platform, native_id, text, url, kind, published, parent, root, page, *counts = (
        row
    )
    post = Post(
        platform, native_id, text, url, kind, None, from_utc_text(published) if published else None, parent, root, page,
        Engagement(*counts),
    )  # fmt: skip
    return Due(identity, mark, (tries, -negative, -growth, mark), post)


def take(db: Database, asked: Iterable[Due]) -> None:
    """Note, before the source is asked, that these posts are tried at their marks."""
    db.conn.executemany(
        """INSERT INTO rechecks (post, mark, tries) VALUES (?, ?, 1) ON CONFLICT DO UPDATE
           SET tries = iif(mark = excluded.mark, tries + 1, 1), mark = excluded.mark, answered = 0""",
        [(d.id, d.mark) for d in asked],
    )


def answered(db: Database, posts: Iterable[int]) -> None:
    """The source has said all it has to say of these posts at their marks."""
    db.conn.executemany("UPDATE rechecks SET answered = 1 WHERE post = ?", [(i,) for i in posts])


def note_drawn(db: Database, posts: Iterable[int], now: datetime) -> None:
    """The source has shown these posts; of those whose lot it was to be looked at now, that is kept."""
    db.conn.executemany(
        f"""INSERT INTO travel_looks SELECT p.id, ? FROM rechecks r JOIN posts p ON p.id = r.post
            WHERE r.post = ? AND r.mark = ? AND {DRAWN} ON CONFLICT DO NOTHING""",
        [(utc_text(now), i, round(TRAVEL_LOOK.total_seconds())) for i in posts],
    )


def give_back(db: Database, posts: Iterable[int]) -> None:
    """These were never asked for: the try does not count."""
    db.conn.executemany("UPDATE rechecks SET tries = tries - 1 WHERE post = ?", [(i,) for i in posts])


def turn(db: Database, source: str) -> Turn:
    row = db.execute("SELECT due_at, refusals, detail FROM recheck_turns WHERE source = ?", [source]).fetchone()
    return Turn(from_utc_text(row[0]), row[1], row[2]) if row else Turn(datetime.min.replace(tzinfo=UTC), 0, "")


def keep_turn(db: Database, source: str, turn: Turn) -> None:
    db.execute(
        """INSERT INTO recheck_turns VALUES (?, ?, ?, ?) ON CONFLICT(source) DO UPDATE
           SET due_at = excluded.due_at, refusals = excluded.refusals, detail = excluded.detail""",
        [source, utc_text(turn.due_at), turn.refusals, turn.detail],
    )
