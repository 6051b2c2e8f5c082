"""Mentions, scores and labels, and the one place that picks the effective label.

Everything that changes what a mention counts as ends in ``refresh``: it writes the effective label beside the mention
and marks the bins dirty, in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.model import Label, Score, utc_text
from monitor.store import counts
from monitor.store.posts import enqueue

Effective = tuple[str | None, float | None, str | None]
"""(label, P(negative), model version) as they count now; all None before the first score."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Why a post is taken to speak of a brand. ``term`` as found in the text, its span in characters of the post."""

    brand: int
    via: str
    term: str = ""
    span: tuple[int, int] | None = None


def replace(db: Database, matches: Mapping[int, Sequence[Mention]], own: Mapping[int, int]) -> None:
    """Store which brands each post mentions, in place of what was stored; ``own`` maps answers to their brand."""
    ids = list(matches)
    before = _brands_of(db, ids)
    after = {i: {m.brand for m in matches[i]} for i in ids}
    changed = [i for i in ids if before.get(i, set()) != after[i]]
    counts.mark(db, changed)
    answers = [i for i in ids if _set_own_brand(db, i, own.get(i))]
    db.conn.executemany(
        "DELETE FROM mentions WHERE post = ? AND brand = ?",
        [(i, brand) for i in changed for brand in before.get(i, set()) - after[i]],
    )
    # In place where the post mentioned the brand before: other evidence changes no count.
    db.conn.executemany(
        """INSERT INTO mentions (post, brand, via, term, span_start, span_end, counted_at)
           SELECT ?, ?, ?, ?, ?, ?, counted_at FROM posts WHERE id = ?
           ON CONFLICT DO UPDATE SET via = excluded.via, term = excluded.term,
               span_start = excluded.span_start, span_end = excluded.span_end""",
        [(i, m.brand, m.via, m.term, *(m.span or (None, None)), i) for i in ids for m in matches[i]],
    )
    counts.mark(db, changed)
    refresh(db, changed)
    _ask_for_rest(db, [i for i in changed if after[i]])
    _ask_replies(db, sorted({*changed, *answers}))


def _set_own_brand(db: Database, post: int, brand: int | None) -> bool:
    """Whether this is news: the post is an answer of another brand than was known."""
    cursor = db.execute("UPDATE posts SET own_brand = ? WHERE id = ? AND own_brand IS NOT ?", [brand, post, brand])
    return cursor.rowcount == 1


def _brands_of(db: Database, ids: Iterable[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for i in ids:
        for (brand,) in db.execute("SELECT brand FROM mentions WHERE post = ?", [i]):
            found.setdefault(i, set()).add(brand)
    return found


def _ask_for_rest(db: Database, ids: Sequence[int]) -> None:
    """Posts that became mentions need a score and a group, unless they have them."""
    enqueue(db, "score", (i for i in ids if not db.execute("SELECT 1 FROM scores WHERE post = ?", [i]).fetchone()))
    enqueue(
        db, "group", (i for i in ids if not db.execute("SELECT 1 FROM group_members WHERE post = ?", [i]).fetchone())
    )


def _ask_replies(db: Database, ids: Sequence[int]) -> None:
    """A reply inherits its root's brands: when those change, its match has to be made again, whoever came first."""
    db.conn.executemany(
        """INSERT INTO queue SELECT 'match', r.id, random() FROM posts p
           JOIN posts r ON r.platform = p.platform AND r.root = p.native_id AND r.root <> '' AND r.id <> p.id
           WHERE p.id = ? ON CONFLICT DO UPDATE SET ticket = excluded.ticket""",
        [(i,) for i in ids],
    )


def of_root(db: Database, platform: str, root: str) -> list[int]:
    """The brands that the start of a thread mentions by itself, or whose own account began it."""
    rows = db.execute(
        """SELECT m.brand FROM posts p JOIN mentions m ON m.post = p.id
           WHERE p.platform = :platform AND p.native_id = :root AND m.via <> 'thread'
           UNION SELECT own_brand FROM posts
           WHERE platform = :platform AND native_id = :root AND own_brand IS NOT NULL""",
        {"platform": platform, "root": root},
    ).fetchall()
    return [brand for (brand,) in rows]


def use_model(db: Database, version: str, now: datetime) -> None:
    db.execute("INSERT INTO models VALUES (?, ?) ON CONFLICT DO NOTHING", [version, utc_text(now)])


def add_scores(db: Database, scores: Mapping[int, Score], model: str, now: datetime) -> None:
    """Store the scores of whole posts by one model version, and let their mentions count."""
    db.conn.executemany(
        """INSERT INTO scores (post, model, snownlp, p_negative, label, scored_at) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET snownlp = excluded.snownlp, p_negative = excluded.p_negative,
               label = excluded.label, scored_at = excluded.scored_at""",
        [(i, model, s.snownlp, s.p_negative, s.label.value, utc_text(now)) for i, s in scores.items()],
    )
    refresh(db, list(scores))


def add_label(db: Database, post: int, brand: int | None, label: Label, by: str, now: datetime) -> None:
    """A person's correction: it is kept beside all earlier ones, and counts from now on."""
    db.execute(
        'INSERT INTO labels (post, brand, label, "by", at) VALUES (?, ?, ?, ?, ?)',
        [post, brand, label.value, by, utc_text(now)],
    )
    refresh(db, [post])


def refresh(db: Database, ids: Sequence[int]) -> None:
    """Write the effective label of all mentions of these posts, and mark the bins in which that changes a count.

    The effective label: the newest correction by a person for this brand, else the newest for the whole post, else
    the newest score for this brand, else the newest of the whole post, else none yet.
    """
    rows = [(p, b, *now) for p, b, old in _mentions_of(db, ids) if (now := _effective(db, p, b)) != old]
    db.conn.executemany(
        "UPDATE mentions SET label = ?, p_negative = ?, model = ? WHERE post = ? AND brand = ?",
        [(label, p_negative, model, post, brand) for post, brand, label, p_negative, model in rows],
    )
    counts.mark(db, sorted({row[0] for row in rows}))


def _mentions_of(db: Database, ids: Sequence[int]) -> list[tuple[int, int, Effective]]:
    found = []
    for i in ids:
        for brand, label, p_negative, model in db.execute(
            "SELECT brand, label, p_negative, model FROM mentions WHERE post = ?", [i]
        ).fetchall():
            found.append((i, brand, (label, p_negative, model)))
    return found


def _effective(db: Database, post: int, brand: int) -> Effective:
    score = db.execute(
        """SELECT label, p_negative, model FROM scores WHERE post = ? AND (brand = ? OR brand IS NULL)
           ORDER BY brand IS NULL, id DESC LIMIT 1""",
        [post, brand],
    ).fetchone() or (None, None, None)
    person = db.execute(
        """SELECT label FROM labels WHERE post = ? AND (brand = ? OR brand IS NULL)
           ORDER BY brand IS NULL, id DESC LIMIT 1""",
        [post, brand],
    ).fetchone()
    return (person[0], score[1], score[2]) if person else tuple(score)
