"""What digests and alerts say, read from the database. Every number here equals the documented view's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlite_utils import Database

from monitor.model import Quote, StoryLine, Totals, from_utc_text, utc_text
from monitor.takeoff import WEIGHTS

ENGAGEMENT = """LEFT JOIN engagement e ON e.post = p.id AND e.seen_at = (
    SELECT max(seen_at) FROM engagement WHERE post = p.id)"""

EVER = datetime(1970, 1, 1, tzinfo=UTC)

QUOTED = "p.id, p.text, p.platform, p.counted_at, p.url, p.followers, e.likes, e.reposts, e.comments"
"""What ``quote`` takes, of post ``p`` and its ``ENGAGEMENT``."""

LOUDNESS = " + ".join(f"{weight} * coalesce(e.{name}, 0)" for name, weight in WEIGHTS.items())
"""How loud one post is."""


def totals(db: Database, brand: int, start: datetime, end: datetime, platform: str | None = None) -> Totals:
    """What was counted for a brand in [start, end), on one platform or on all; ``heard`` is left at 1."""
    there = "" if platform is None else "AND (SELECT p.platform FROM posts p WHERE p.id = m.post) = ?"
    row = db.execute(
        f"""SELECT count(*), coalesce(sum(m.label = 'negative'), 0), coalesce(sum(m.opens_voice), 0),
                   coalesce(sum(m.label = 'positive'), 0), coalesce(sum(m.label = 'unsure'), 0),
                   coalesce(sum(m.label = 'unscored'), 0), coalesce(sum(m.label IS NULL), 0)
            FROM mentions m WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ? {there}""",
        [brand, utc_text(start), utc_text(end), *([] if platform is None else [platform])],
    ).fetchone()
    return Totals(*row)


def platforms(db: Database, brand: int, start: datetime, end: datetime) -> list[str]:
    """The platforms that spoke of a brand in [start, end), loudest first."""
    rows = db.execute(
        """SELECT p.platform FROM mentions m JOIN posts p ON p.id = m.post
           WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ? GROUP BY 1 ORDER BY count(*) DESC, 1""",
        [brand, utc_text(start), utc_text(end)],
    )
    return [p for (p,) in rows]


def stories(db: Database, brand: int, start: datetime, end: datetime, limit: int = 20) -> list[StoryLine]:
    """The stories with negative posts in [start, end), loudest first: by voices and copies together.

    A story that began the day before opens no new voice by being copied, and is loud all the same. Among equals the
    one that is negative beyond doubt comes first.
    """
    rows = db.execute(
        """SELECT g.story, sum(m.opens_voice), count(*), count(*) - count(DISTINCT gm."group"), min(m.counted_at)
           FROM mentions m JOIN group_members gm ON gm.post = m.post JOIN groups g ON g.id = gm."group"
           WHERE m.brand = ? AND m.label = 'negative' AND m.counted_at >= ? AND m.counted_at < ?
           GROUP BY g.story ORDER BY sum(m.opens_voice) + count(*) - count(DISTINCT gm."group") DESC, 3 DESC,
               max(coalesce(m.p_negative, 1)) DESC, 5, 1
           LIMIT ?""",
        [brand, utc_text(start), utc_text(end), limit],
    ).fetchall()
    return [_story(db, brand, start, end, row) for row in rows]


def _story(db: Database, brand: int, start: datetime, end: datetime, row: tuple[Any, ...]) -> StoryLine:
    story, voices, posts, copies, first = row
    where = """gm."group" IN (SELECT id FROM groups WHERE story = ?) AND m.label = 'negative'"""
    loudest = _quotes(
        db,
        brand,
        start,
        end,
        f"AND {where}",
        [story],
        f"p.purged_at IS NOT NULL, {LOUDNESS} DESC, p.counted_at, p.id",
        1,
    )
    seen = db.execute(
        f"""SELECT DISTINCT p.platform FROM mentions m JOIN posts p ON p.id = m.post
            JOIN group_members gm ON gm.post = m.post
            WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ? AND {where} ORDER BY 1""",
        [brand, utc_text(start), utc_text(end), story],
    ).fetchall()
    return StoryLine(story, loudest[0], voices, posts, copies, tuple(p for (p,) in seen), from_utc_text(first))


def negative_quotes(db: Database, brand: int, start: datetime, end: datetime, limit: int = 3) -> list[Quote]:
    """The loudest negative voices of [start, end), the newest first among equals."""
    return _quotes(
        db, brand, start, end, "AND m.label = 'negative' AND m.opens_voice AND p.purged_at IS NULL", [],
        f"{LOUDNESS} DESC, m.p_negative DESC, p.counted_at DESC, p.id", limit,
    )  # fmt: skip


def story_quotes(db: Database, brand: int, story: int, end: datetime, limit: int) -> list[Quote]:
    """The loudest posts of a story, or of what it was merged into, up to ``end``; of equals the first."""
    where = """AND p.purged_at IS NULL AND gm."group" IN (
        SELECT g.id FROM groups g JOIN stories s ON s.id = g.story WHERE coalesce(s.merged_into, s.id) = (
            SELECT coalesce(merged_into, id) FROM stories WHERE id = ?))"""
    return _quotes(db, brand, EVER, end, where, [story], f"{LOUDNESS} DESC, p.counted_at, p.id", limit)


def post_quotes(db: Database, brand: int, post: int) -> list[Quote]:
    """One post as a quote; none if it does not mention the brand or was purged."""
    where = "AND p.id = ? AND p.purged_at IS NULL"
    return _quotes(db, brand, EVER, datetime.max.replace(tzinfo=UTC), where, [post], "p.id", 1)


def unsure_quotes(db: Database, brand: int, start: datetime, end: datetime, limit: int) -> list[Quote]:
    """The loudest mentions of [start, end) that the model would not judge; among equals the one nearest to negative."""
    order = f"{LOUDNESS} DESC, m.p_negative DESC, p.counted_at DESC, p.platform, p.native_id"
    return _quotes(db, brand, start, end, "AND m.label = 'unsure' AND p.purged_at IS NULL", [], order, limit)


def _quotes(
    db: Database, brand: int, start: datetime, end: datetime, where: str, values: Sequence[object], order: str,
    limit: int,
) -> list[Quote]:  # fmt: skip
    rows = db.execute(
        f"""SELECT {QUOTED}
            FROM mentions m JOIN posts p ON p.id = m.post LEFT JOIN group_members gm ON gm.post = p.id {ENGAGEMENT}
            WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ? {where} ORDER BY {order} LIMIT ?""",
        [brand, utc_text(start), utc_text(end), *values, limit],
    ).fetchall()
    return [quote(row) for row in rows]


def quote(row: Sequence[Any]) -> Quote:
    """A post to quote, of the columns ``QUOTED``; its text is still whole."""
    return Quote(row[0], row[1], row[2], from_utc_text(row[3]), *row[4:])


def spread(db: Database, brand: int, start: datetime, end: datetime) -> dict[str, int]:
    """Negative posts of [start, end) as voices, authors (None where no post names one), stories and copies."""
    row = db.execute(
        """SELECT coalesce(sum(m.opens_voice), 0), count(DISTINCT p.author_key), count(DISTINCT g.story),
                  count(*) - count(DISTINCT gm."group")
           FROM mentions m JOIN posts p ON p.id = m.post LEFT JOIN group_members gm ON gm.post = m.post
           LEFT JOIN groups g ON g.id = gm."group"
           WHERE m.brand = ? AND m.label = 'negative' AND m.counted_at >= ? AND m.counted_at < ?""",
        [brand, utc_text(start), utc_text(end)],
    ).fetchone()
    return dict(zip(("voices", "authors", "stories", "copies"), row, strict=True))


def voices_by_platform(db: Database, brand: int, start: datetime, end: datetime) -> dict[str, int]:
    """Negative voices of [start, end) by platform, from the counts."""
    rows = db.execute(
        """SELECT platform, sum(negative_voices) FROM counts WHERE brand = ? AND bin >= ? AND bin < ?
           GROUP BY platform ORDER BY 2 DESC, 1""",
        [brand, utc_text(start), utc_text(end)],
    )
    return dict(rows.fetchall())


def excess_by_platform(db: Database, brand: int, start: datetime, end: datetime) -> dict[str, float]:
    """Each platform's share (0..1) of the voices above what it usually has in so long a time, largest first."""
    now = voices_by_platform(db, brand, start, end)
    usual = voices_by_platform(db, brand, start - timedelta(days=14), start)
    scale = (end - start) / timedelta(days=14)
    above = {p: max(0.0, n - usual.get(p, 0) * scale) for p, n in now.items()}
    total = sum(above.values())
    return {p: x / total for p, x in sorted(above.items(), key=lambda item: -item[1]) if total and x}


def corrections(db: Database, brand: int, start: datetime, end: datetime) -> int:
    """How many mentions of [start, end) a person has labelled."""
    row = db.execute(
        """SELECT count(*) FROM mentions m WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ?
           AND EXISTS (SELECT 1 FROM labels l WHERE l.post = m.post AND (l.brand = m.brand OR l.brand IS NULL))""",
        [brand, utc_text(start), utc_text(end)],
    ).fetchone()
    return int(row[0])


def models(db: Database, brand: int, start: datetime, end: datetime) -> list[str]:
    """The model versions whose labels count in [start, end)."""
    rows = db.execute(
        """SELECT DISTINCT model FROM mentions WHERE brand = ? AND counted_at >= ? AND counted_at < ?
           AND model IS NOT NULL ORDER BY 1""",
        [brand, utc_text(start), utc_text(end)],
    )
    return [m for (m,) in rows]


def span_of(db: Database, post: int, brand: int) -> tuple[int, int] | None:
    """What of the post's text to quote: the sentence that weighs most, else the brand's term; None without either."""
    row = db.execute(
        """SELECT coalesce(quote_start, span_start), coalesce(quote_end, span_end) FROM mentions
           WHERE post = ? AND brand = ?""",
        [post, brand],
    ).fetchone()
    return (row[0], row[1]) if row and row[0] is not None else None
