"""What customers feel, read from the signals of a brand's mentions. Every number equals ``v_signals``'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlite_utils import Database

from monitor.model import Feeling, Quote, Totals, utc_text
from monitor.schema import BIN_OF
from monitor.store.facts import ENGAGEMENT, LOUDNESS, QUOTED, quote

COPIES_PASSED = 8
"""So many posts are read for each quote that is wanted: copies of one text are quoted once."""


@dataclass(frozen=True, slots=True)
class Found:
    """A signal in its post: ``quote.text`` is the whole text, ``span`` the signal's characters of it."""

    theme: str
    quote: Quote
    span: tuple[int, int]


def posts_with(db: Database, brand: int, start: datetime, end: datetime) -> dict[Feeling, int]:
    """How many mentions of [start, end) carry a signal of each kind."""
    rows = db.execute(
        """SELECT kind, count(DISTINCT post) FROM signals WHERE brand = ? AND kind IN (SELECT value FROM json_each(?))
           AND counted_at >= ? AND counted_at < ? GROUP BY kind""",
        [brand, _KINDS, utc_text(start), utc_text(end)],
    )
    return {Feeling(kind): posts for kind, posts in rows.fetchall()}


def themes(db: Database, brand: int, start: datetime, end: datetime) -> dict[str, tuple[int, int]]:
    """theme -> (mentions of [start, end) that complain of it, negative voices among them)."""
    rows = db.execute(
        """SELECT s.theme, count(DISTINCT s.post), count(DISTINCT iif(m.opens_voice, s.post, NULL))
           FROM signals s JOIN mentions m ON m.post = s.post AND m.brand = s.brand
           WHERE s.brand = ? AND s.kind = 'complaint' AND s.counted_at >= ? AND s.counted_at < ? GROUP BY s.theme""",
        [brand, utc_text(start), utc_text(end)],
    )
    return {theme: (posts, voices) for theme, posts, voices in rows.fetchall()}


def theme_days(
    db: Database, brand: int, start: datetime, end: datetime, days: Sequence[date], *, voices: bool
) -> dict[str, list[int]]:  # fmt: skip
    """theme -> on each of these local days, the mentions of [start, end) that complain of it, or the voices of these.

    Days are those of the ``calendar``.
    """
    rows = db.execute(
        f"""SELECT s.theme, k.local_day, count(DISTINCT s.post)
            FROM signals s JOIN mentions m ON m.post = s.post AND m.brand = s.brand
            JOIN calendar k ON k.bin = {BIN_OF.format("s.counted_at")}
            WHERE s.brand = ? AND s.kind = 'complaint' AND s.counted_at >= ? AND s.counted_at < ?
            {"AND m.opens_voice" if voices else ""} GROUP BY s.theme, k.local_day""",
        [brand, utc_text(start), utc_text(end)],
    )
    place = {day.isoformat(): number for number, day in enumerate(days)}
    found: dict[str, list[int]] = {}
    for theme, day, posts in rows.fetchall():
        if day in place:
            found.setdefault(theme, [0] * len(days))[place[day]] = posts
    return found


def mention_days(db: Database, brand: int, start: datetime, end: datetime, days: Sequence[date]) -> list[int]:
    """The mentions on each of these local days, from the counts."""
    rows = db.execute(
        """SELECT k.local_day, sum(c.mentions) FROM counts c JOIN calendar k ON k.bin = c.bin
           WHERE c.brand = ? AND c.bin >= ? AND c.bin < ? GROUP BY k.local_day""",
        [brand, utc_text(start), utc_text(end)],
    )
    counted = dict(rows.fetchall())
    return [counted.get(day.isoformat(), 0) for day in days]


def totals(db: Database, brand: int, start: datetime, end: datetime) -> Totals:
    """As ``facts.totals``, for weeks: labels are read from their index and voices from the counts, so both must begin
    and end with a bin, as local days do."""
    span = [brand, utc_text(start), utc_text(end)]
    rows = db.execute(
        """SELECT coalesce(label, 'pending'), count(*) FROM mentions
           WHERE brand = ? AND counted_at >= ? AND counted_at < ? GROUP BY label""",
        span,
    )
    posts = dict(rows.fetchall())
    (voices,) = db.execute(
        "SELECT coalesce(sum(negative_voices), 0) FROM counts WHERE brand = ? AND bin >= ? AND bin < ?", span
    ).fetchone()
    named = {
        f"{label}_posts": posts.get(label, 0) for label in ("negative", "positive", "unsure", "unscored", "pending")
    }
    return Totals(mentions=sum(posts.values()), negative_voices=voices, **named)


def loudest(
    db: Database, brand: int, kind: Feeling, start: datetime, end: datetime, limit: int, theme: str | None = None
) -> list[Found]:
    """The loudest posts of [start, end) with a signal of this kind, each copied text once, the newest first among
    equals. What is negative as a whole is nobody's praise, whatever kind word stands in it."""
    rows = db.execute(
        f"""SELECT s.theme, s.start, s."end", coalesce(gm."group", -p.id),
                {QUOTED}
            FROM signals s JOIN posts p ON p.id = s.post LEFT JOIN group_members gm ON gm.post = p.id {ENGAGEMENT}
            WHERE s.brand = ? AND s.kind = ? AND s.counted_at >= ? AND s.counted_at < ?
            AND (? IS NULL OR s.theme = ?) AND p.purged_at IS NULL
            AND NOT (s.kind IN ('praise', 'moved') AND EXISTS (
                SELECT 1 FROM mentions m WHERE m.post = s.post AND m.brand = s.brand AND m.label = 'negative'))
            ORDER BY {LOUDNESS} DESC, p.counted_at DESC, p.id, s.start LIMIT ?""",
        [brand, kind, utc_text(start), utc_text(end), theme, theme, limit * COPIES_PASSED],
    ).fetchall()
    first: dict[int, Found] = {}
    for theme_found, a, b, group, *post in rows:
        first.setdefault(group, Found(theme_found, quote(post), (a, b)))
    return list(first.values())[:limit]


def others_named(db: Database, post: int, brand: int) -> list[int]:
    """Which other brands a post mentions."""
    rows = db.execute("SELECT brand FROM mentions WHERE post = ? AND brand <> ? ORDER BY brand", [post, brand])
    return [b for (b,) in rows]


_KINDS = "[" + ", ".join(f'"{kind}"' for kind in Feeling) + "]"
