"""Signals: what the mentions' texts say of what customers feel, as spans with the rule that found each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlite_utils import Database

from monitor.model import Signal, utc_text


def brands_of(db: Database, posts: Sequence[int]) -> dict[int, list[int]]:
    """The brands that each of these posts mentions."""
    return {
        post: [brand for (brand,) in db.execute("SELECT brand FROM mentions WHERE post = ?", [post]).fetchall()]
        for post in posts
    }


def replace(db: Database, found: Mapping[int, Mapping[int, Sequence[Signal]]]) -> None:
    """Store the signals of posts, post -> brand -> signals, in place of all that these posts had."""
    db.conn.executemany("DELETE FROM signals WHERE post = ?", [(post,) for post in found])
    db.conn.executemany(
        """INSERT OR IGNORE INTO signals (post, brand, kind, start, "end", theme, rule, counted_at)
           SELECT ?, ?, ?, ?, ?, ?, ?, counted_at FROM posts WHERE id = ?""",
        [
            (post, brand, s.kind.value, s.start, s.end, s.theme, s.rule, post)
            for post, of_brands in found.items()
            for brand, signals in of_brands.items()
            for s in signals
        ],
    )


def find_again(db: Database, since: datetime) -> None:
    """Have the signals of all mentions counted since then be found again: what finds them has changed."""
    db.execute(
        """INSERT INTO queue SELECT DISTINCT 'signal', post, random() FROM mentions WHERE counted_at >= ?
           ON CONFLICT DO UPDATE SET ticket = excluded.ticket""",
        [utc_text(since)],
    )
