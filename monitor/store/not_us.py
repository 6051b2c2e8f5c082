"""Posts that do not speak of a brand because a person said so. The word holds for the post and for its copies, those of
now and those that come later, and no rule brings the mention back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.model import from_utc_text, utc_text
from monitor.store import mentions

_COVERED = """SELECT n.brand FROM not_us n WHERE n.post = :post
    UNION SELECT n.brand FROM group_members m JOIN group_members o ON o."group" = m."group"
    JOIN not_us n ON n.post = o.post WHERE m.post = :post"""
"""The brands that a post is said not to speak of, itself or by one of its copies."""


def any_said(db: Database) -> bool:
    return db.execute("SELECT 1 FROM not_us LIMIT 1").fetchone() is not None


def brands(db: Database, post: int) -> set[int]:
    """The brands that a post does not speak of."""
    return {brand for (brand,) in db.execute(_COVERED, {"post": post}).fetchall()}


def copies(db: Database, post: int) -> list[int]:
    """The post and all of its copy group."""
    rows = db.execute(
        """SELECT :post UNION SELECT o.post FROM group_members m JOIN group_members o ON o."group" = m."group"
           WHERE m.post = :post ORDER BY 1""",
        {"post": post},
    )
    return [i for (i,) in rows.fetchall()]


def say(db: Database, posts: Iterable[int], brand: int, by: str, now: datetime) -> list[int]:
    """Take the brand's mention from posts for good; those that lost one. Each post has the word itself, so that it
    stays with the copies when one of them is edited or removed."""
    every = list(posts)
    db.conn.executemany(
        'INSERT INTO not_us (post, brand, "by", at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        [(post, brand, by, utc_text(now)) for post in every],
    )
    return _drop(db, every, brand)


def take_back(db: Database, posts: Sequence[int], brand: int) -> list[int]:
    """Forget the word on posts; those that had it."""
    had = [p for p in posts if db.execute("SELECT 1 FROM not_us WHERE post = ? AND brand = ?", [p, brand]).fetchone()]
    db.conn.executemany("DELETE FROM not_us WHERE post = ? AND brand = ?", [(post, brand) for post in had])
    return had


def keep_to(db: Database, posts: Iterable[int]) -> None:
    """Posts that were just grouped: those that are copies of what does not speak of a brand lose its mention, and so do
    the copies that they tied together."""
    if not any_said(db):
        return
    for post in posts:
        for brand in brands(db, post):
            with_copies = copies(db, post)
            if db.execute("SELECT 1 FROM not_us WHERE post = ? AND brand = ?", [post, brand]).fetchone() is None:
                first = db.execute(
                    f"""SELECT "by", at FROM not_us WHERE brand = ? AND post IN ({", ".join("?" * len(with_copies))})
                        ORDER BY at, post LIMIT 1""",
                    [brand, *with_copies],
                ).fetchone()
                say(db, [post], brand, first[0], from_utc_text(first[1]))
            _drop(db, with_copies, brand)


def _drop(db: Database, posts: Sequence[int], brand: int) -> list[int]:
    had = [p for p in posts if db.execute("SELECT 1 FROM mentions WHERE post = ? AND brand = ?", [p, brand]).fetchone()]
    mentions.remove(db, had, brand)
    return had


def first_counted(db: Database, posts: Sequence[int]) -> datetime:
    """When the earliest of these posts counts."""
    row = db.execute(
        f"SELECT min(counted_at) FROM posts WHERE id IN ({', '.join('?' * len(posts))})", list(posts)
    ).fetchone()
    return from_utc_text(row[0])


def mentions_of(db: Database, brand: int, now: datetime, days: int, limit: int) -> list[tuple[str, bool]]:
    """The newest texts that mention a brand by a term, each with whether a person has labelled it: as the brand's."""
    rows = db.execute(
        """SELECT p.text, EXISTS (SELECT 1 FROM labels l WHERE l.post = p.id AND (l.brand = m.brand OR l.brand IS NULL))
           FROM mentions m JOIN posts p ON p.id = m.post
           WHERE m.brand = ? AND m.counted_at >= ? AND m.via = 'term' AND p.purged_at IS NULL
           ORDER BY m.counted_at DESC LIMIT ?""",
        [brand, utc_text(now - timedelta(days=days)), limit],
    )
    return [(text, bool(labelled)) for text, labelled in rows.fetchall()]


def texts(db: Database, brand: int, limit: int) -> list[str]:
    """The texts of the newest posts that people have said do not speak of a brand."""
    rows = db.execute(
        """SELECT p.text FROM not_us n JOIN posts p ON p.id = n.post WHERE n.brand = ? AND p.purged_at IS NULL
           ORDER BY n.at DESC, p.id DESC LIMIT ?""",
        [brand, limit],
    )
    return [text for (text,) in rows.fetchall()]
