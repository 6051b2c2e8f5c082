"""Mentions, scores and labels, and the one place that picks the effective label.

Everything that changes what a mention counts as ends in ``refresh``: it writes the effective label beside the mention
and marks the bins dirty, in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.model import Label, Score, utc_text
from monitor.store import counts
from monitor.store.posts import enqueue

_GIVEN = "(SELECT value FROM json_each(?))"
"""The ids of a JSON list."""


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
    before = _told_of(db, ids)
    after = {i: {m.brand: (m.via, m.term, *(m.span or (None, None))) for m in matches[i]} for i in ids}
    changed = [i for i in ids if before.get(i, {}).keys() != after[i].keys()]
    counts.mark(db, [i for i in changed if i in before])
    answers = _set_own_brands(db, ids, own)
    db.conn.executemany(
        "DELETE FROM mentions WHERE post = ? AND brand = ?",
        [(i, brand) for i in changed for brand in before.get(i, {}).keys() - after[i].keys()],
    )
    _forget_signals(db, [(i, brand) for i in changed for brand in before.get(i, {}).keys() - after[i].keys()])
    # In place where the post mentioned the brand before: other evidence changes no count by itself.
    db.conn.executemany(
        """INSERT INTO mentions (post, brand, via, term, span_start, span_end, counted_at)
           SELECT ?, ?, ?, ?, ?, ?, counted_at FROM posts WHERE id = ?
           ON CONFLICT DO UPDATE SET via = excluded.via, term = excluded.term,
               span_start = excluded.span_start, span_end = excluded.span_end""",
        [(i, brand, *told, i) for i in ids for brand, told in after[i].items()],
    )
    _relabel(db, changed)
    counts.mark(db, changed)
    _ask_for_rest(db, [i for i in ids if after[i] and after[i] != before.get(i)])
    _ask_replies(db, sorted({*changed, *answers}))


def remove(db: Database, posts: Sequence[int], brand: int) -> None:
    """Posts speak of a brand no more, and neither do the replies that did because of them."""
    counts.mark(db, posts)
    db.conn.executemany("DELETE FROM mentions WHERE post = ? AND brand = ?", [(post, brand) for post in posts])
    _forget_signals(db, [(post, brand) for post in posts])
    _ask_replies(db, posts)


def _forget_signals(db: Database, gone: Sequence[tuple[int, int]]) -> None:
    db.conn.executemany("DELETE FROM signals WHERE post = ? AND brand = ?", gone)


def _set_own_brands(db: Database, ids: Sequence[int], own: Mapping[int, int]) -> list[int]:
    """The posts of which this is news: the answer of another brand than was known, or of none."""
    known = dict(db.execute(f"SELECT id, own_brand FROM posts WHERE id IN {_GIVEN}", [json.dumps(ids)]).fetchall())
    news = [i for i in ids if i in known and known[i] != own.get(i)]
    db.conn.executemany("UPDATE posts SET own_brand = ? WHERE id = ?", [(own.get(i), i) for i in news])
    return news


_Told = tuple[str, str, int | None, int | None]
"""via, term, start and end of its span: why a post is taken to speak of a brand."""


def _told_of(db: Database, ids: Sequence[int]) -> dict[int, dict[int, _Told]]:
    """Post -> brand -> evidence, as stored."""
    found: dict[int, dict[int, _Told]] = {}
    for i, brand, *told in db.execute(
        f"SELECT post, brand, via, term, span_start, span_end FROM mentions WHERE post IN {_GIVEN}", [json.dumps(ids)]
    ).fetchall():
        found.setdefault(i, {})[brand] = tuple(told)
    return found


def _ask_for_rest(db: Database, ids: Sequence[int]) -> None:
    """Mentions that are new or have other evidence need their scores and signals, which go by where the brands stand in
    the text; posts that became mentions need a group, unless they have one."""
    enqueue(db, "score", ids)
    enqueue(db, "signal", ids)
    grouped = db.execute(f"SELECT post FROM group_members WHERE post IN {_GIVEN}", [json.dumps(ids)])
    known = {post for (post,) in grouped.fetchall()}
    enqueue(db, "group", (i for i in ids if i not in known))


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


@dataclass(frozen=True, slots=True)
class Scored:
    """A post's score, or that of what it says of one brand. ``quote``: the sentence that weighs most, in characters of
    the post."""

    post: int
    score: Score
    brand: int | None = None
    quote: tuple[int, int] | None = None


def add_scores(
    db: Database, scores: Iterable[Scored], model: str, now: datetime, *, beside: bool = False
) -> list[int]:  # fmt: skip
    """Store scores of one model version in place of all others of the same posts, which were of other words; the posts
    scored. They do not count before ``refresh``.

    ``beside``: what other versions said stays, for they speak still.
    """
    rows = list(scores)
    posts = sorted({row.post for row in rows})
    db.conn.executemany(
        "DELETE FROM scores WHERE post = ? AND (model = ? OR NOT ?)", [(i, model, beside) for i in posts]
    )
    db.conn.executemany(
        """INSERT INTO scores (post, brand, model, snownlp, p_negative, label, scored_at, quote_start, quote_end)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (r.post, r.brand, model, r.score.snownlp, r.score.p_negative, r.score.label.value, utc_text(now),
             *(r.quote or (None, None)))
            for r in rows
        ],
    )  # fmt: skip
    return posts


def in_portions(db: Database, long: int) -> list[int]:
    """Mentions' posts whose score goes by every place where a brand is named: those scored so, and all of more than
    ``long`` characters."""
    rows = db.execute(
        """SELECT post FROM scores WHERE brand IS NOT NULL
           UNION SELECT m.post FROM mentions m JOIN posts p ON p.id = m.post WHERE length(p.text) > ?""",
        [long],
    )
    return [post for (post,) in rows.fetchall()]


def add_label(db: Database, post: int, brand: int | None, label: Label, by: str, now: datetime) -> None:
    """A person's correction: it is kept beside all earlier ones, and counts from now on."""
    db.execute(
        'INSERT INTO labels (post, brand, label, "by", at) VALUES (?, ?, ?, ?, ?)',
        [post, brand, label.value, by, utc_text(now)],
    )
    refresh(db, [post])


_EFFECTIVE = """
    WITH now AS (
        SELECT m.post, m.brand,
               (SELECT l.label FROM labels l WHERE l.post = m.post AND (l.brand = m.brand OR l.brand IS NULL)
                ORDER BY l.brand IS NULL, l.id DESC LIMIT 1) AS person,
               (SELECT s.id FROM scores s WHERE s.post = m.post AND (s.brand = m.brand OR s.brand IS NULL)
                ORDER BY s.model IS (SELECT value FROM facts WHERE name = 'model') DESC, s.brand IS NULL, s.id DESC
                LIMIT 1) AS score
        FROM mentions m WHERE {where})
    SELECT coalesce(now.person, s.label), s.p_negative, s.model, s.quote_start, s.quote_end, now.post, now.brand
    FROM now JOIN mentions m ON m.post = now.post AND m.brand = now.brand LEFT JOIN scores s ON s.id = now.score
    WHERE (m.label, m.p_negative, m.model, m.quote_start, m.quote_end)
        IS NOT (coalesce(now.person, s.label), s.p_negative, s.model, s.quote_start, s.quote_end)"""
"""The one place that picks the effective label: the newest correction by a person for this brand, else the newest for
the whole post, else the score for this brand by the model that speaks, else its score of the whole post, else the
newest of another model, else none yet. It gives the mentions whose label, score or quote differ from what is stored."""

_SET = """UPDATE mentions SET label = ?, p_negative = ?, model = ?, quote_start = ?, quote_end = ?
    WHERE post = ? AND brand = ?"""


def refresh(db: Database, ids: Iterable[int]) -> None:
    """Write the effective label of all mentions of these posts, and mark the bins in which that changes a count."""
    counts.mark(db, _relabel(db, ids))


def _relabel(db: Database, ids: Iterable[int]) -> list[int]:
    """Write the effective labels without marking a bin; the posts of which one changed."""
    given = json.dumps(list(ids))
    rows = db.execute(_EFFECTIVE.format(where=f"m.post IN {_GIVEN}"), [given]).fetchall()
    db.conn.executemany(_SET, rows)
    return sorted({row[5] for row in rows})


def refresh_from(db: Database, start: datetime) -> None:
    """The same for every mention counted from ``start`` on, all of whose bins are marked."""
    rows = db.execute(_EFFECTIVE.format(where="m.counted_at >= ?"), [utc_text(start)]).fetchall()
    db.conn.executemany(_SET, rows)
    counts.mark_from(db, start)
