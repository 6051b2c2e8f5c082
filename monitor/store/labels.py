"""What people said of posts: finding the post they mean, and the corrections that a model can learn from."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from monitor.model import Label


@dataclass(frozen=True, slots=True)
class Corrected:
    """The newest word of a person on a post, or on what it says of one brand.

    ``brand`` is None where the label is of the whole post; ``group`` is its copy group, 0 without one.
    """

    post: int
    brand: int | None
    label: Label
    text: str
    group: int


def find_post(db: Database, name: str) -> int | None:
    """The id of a post named by its id, its address or ``platform:native_id``."""
    if name.isascii() and name.isdigit():
        row = db.execute("SELECT id FROM posts WHERE id = ?", [int(name)]).fetchone() if len(name) < 19 else None
        return row[0] if row else None
    name = name.encode("utf-8", "replace").decode()  # a shell hands over bytes that are no text as surrogates
    row = db.execute(
        """SELECT id FROM posts WHERE platform = ? AND native_id = ?
           UNION ALL SELECT id FROM posts WHERE url = ? AND url <> '' LIMIT 1""",
        [*name.partition(":")[::2], name],
    ).fetchone()
    return row[0] if row else None


def brands_of(db: Database, post: int) -> dict[int, str]:
    """The brands that a post mentions, and the label each mention has now ("" before the first score)."""
    rows = db.execute("SELECT brand, coalesce(label, '') FROM mentions WHERE post = ? ORDER BY brand", [post])
    return dict(rows.fetchall())


def corrected(db: Database) -> list[Corrected]:
    """All that people have labelled and that still has its text, each post and brand once, by its newest label; the
    oldest first."""
    rows = db.execute(
        """SELECT l.post, l.brand, l.label, p.text, coalesce(g."group", 0)
           FROM labels l JOIN posts p ON p.id = l.post LEFT JOIN group_members g ON g.post = l.post
           WHERE p.purged_at IS NULL AND l.id IN (SELECT max(id) FROM labels GROUP BY post, ifnull(brand, 0))
           ORDER BY l.id"""
    ).fetchall()
    return [Corrected(post, brand, Label(label), text, group) for post, brand, label, text, group in rows]
