"""The ledger's texts: which copy groups complain of an own brand, and which of them are one complaint.

A group complains if one of its mentions does by itself (``CORE``). Its *voice* is who wrote its first post, and in
which thread: groups of one voice are one complaint, a group without an author is one by itself. So thirty people who
complain are thirty complaints, one text copied two thousand times is one, who complains again in his thread has one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlite_utils import Database

from monitor.complaints import SURE
from monitor.model import utc_text

PERSON = """(SELECT l.label FROM labels l WHERE l.post = m.post AND (l.brand = m.brand OR l.brand IS NULL)
    ORDER BY l.brand IS NULL, l.id DESC LIMIT 1)"""
"""What a person said of mention ``m``."""

DENIED = f"coalesce({PERSON} IN ('neutral', 'positive'), 0)"
"""A person said of mention ``m`` that it is no complaint."""

COMPLAINS = "('complaint', 'leaving', 'telling')"
"""The kinds of signal by which a mention complains."""

CORE = f"""CASE
    WHEN {DENIED} OR m.label IS NULL THEN 0
    WHEN p.kind = 'complaint' OR p.kind LIKE 'complaint:%' THEN 1
    WHEN {PERSON} = 'negative' THEN 1
    WHEN EXISTS (SELECT 1 FROM signals s WHERE s.post = m.post AND s.brand = m.brand
                 AND s.kind IN {COMPLAINS}) THEN m.label <> 'positive'
    ELSE m.label = 'negative' AND m.p_negative >= {SURE} END"""
"""Whether mention ``m`` of post ``p`` complains: a platform for complaints shows it as one; a person calls it negative;
it complains, leaves or tells others to, and is not positive as a whole; or it is negative beyond doubt."""

FIRST = "p.counted_at, p.platform, p.native_id"
"""The order of posts, whoever came first into the database."""

THREAD = "iif(p.root = '', p.native_id, p.root)"


def voice(platform: str, thread: str, author_key: str) -> bytes:
    return blake2b(f"{platform}\0{thread}\0{author_key}".encode("utf-8", "replace"), digest_size=12).digest()


def who(kind: str, name: str) -> bytes:
    """A hash of an author: ``kind`` is ``key`` for his author key, ``name`` for his name."""
    return blake2b(f"{kind}\0{name}".encode("utf-8", "replace"), digest_size=12).digest()


@dataclass(frozen=True, slots=True)
class Marks:
    """What changed since the ledger was last kept: posts, copy groups, complaints."""

    posts: tuple[int, ...]
    groups: tuple[int, ...]
    complaints: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.posts) + len(self.groups) + len(self.complaints)


def marked(db: Database, limit: int) -> Marks:
    """The next changes; of posts the newest first, so that what arrives does not wait behind a history."""
    found: dict[str, tuple[int, ...]] = {}
    for what in ("complaint", "group", "post"):
        rows = db.execute(
            "SELECT id FROM complaint_marks WHERE what = ? ORDER BY id DESC LIMIT ?",
            [what, limit - sum(map(len, found.values()))],
        )
        found[what] = tuple(identity for (identity,) in rows.fetchall())
    return Marks(found["post"], found["group"], found["complaint"])


def unmark(db: Database, marks: Marks) -> None:
    """Inside the transaction that read them and did their work."""
    every = [("post", i) for i in marks.posts] + [("group", i) for i in marks.groups]
    every += [("complaint", i) for i in marks.complaints]
    db.conn.executemany("DELETE FROM complaint_marks WHERE what = ? AND id = ?", every)


def mark(db: Database, complaint: int) -> None:
    db.execute("INSERT INTO complaint_marks VALUES ('complaint', ?) ON CONFLICT DO NOTHING", [complaint])


def waiting(db: Database) -> int:
    """How many changes the ledger has still to be kept for."""
    return int(db.execute("SELECT count(*) FROM complaint_marks").fetchone()[0])


@dataclass(frozen=True, slots=True)
class Said:
    """A post that changed. ``own``: the brand whose account wrote it."""

    id: int
    platform: str
    native_id: str
    parent: str
    thread: str
    author_key: str | None
    own: int | None
    counted_at: str
    text: str
    purged: int


def read(db: Database, posts: Sequence[int]) -> list[Said]:
    rows = db.execute(
        f"""SELECT p.id, p.platform, p.native_id, p.parent, {THREAD}, p.author_key, p.own_brand, p.counted_at, p.text,
                   p.purged_at IS NOT NULL
            FROM json_each(?) j CROSS JOIN posts p ON p.id = j.value""",
        [json.dumps(list(posts))],
    ).fetchall()
    return [Said(*row) for row in rows]


def groups_of(db: Database, posts: Sequence[int]) -> set[int]:
    rows = db.execute(
        'SELECT DISTINCT m."group" FROM json_each(?) j CROSS JOIN group_members m ON m.post = j.value',
        [json.dumps(list(posts))],
    )
    return {group for (group,) in rows.fetchall()}


Pair = tuple[int, int]
"""A brand and a copy group."""


@dataclass(frozen=True, slots=True)
class Text:
    """A copy group that complains of a brand. ``first``: its first post; ``order``: that post's place among others."""

    brand: int
    group: int
    first: int
    order: tuple[str, str, str]
    voice: bytes | None


@dataclass
class Placed:
    """What the texts became: complaints that changed, and those of which nothing is left."""

    changed: set[int]
    ended: set[int]


def place(db: Database, groups: Iterable[int]) -> Placed:
    """Put these groups, and what was or becomes one complaint with them, where they belong."""
    asked = json.dumps(sorted(groups))
    rows = db.execute(
        """SELECT DISTINCT m.brand, j.value FROM json_each(?) j CROSS JOIN group_members gm ON gm."group" = j.value
           CROSS JOIN mentions m ON m.post = gm.post CROSS JOIN brands b ON b.id = m.brand AND b.role = 'own'
           UNION SELECT t.brand, t."group" FROM json_each(?) j CROSS JOIN complaint_texts t ON t."group" = j.value""",
        [asked, asked],
    ).fetchall()
    pairs: set[Pair] = set(rows)
    before: dict[Pair, int] = {}
    found: dict[Pair, Text | None] = {}
    while pairs:
        before.update(_complaints_of(db, pairs))
        texts = _texts(db, pairs)
        found.update({pair: texts.get(pair) for pair in pairs})
        beside = _beside(db, before.values()) | _of_voices(db, texts.values())
        pairs = beside - found.keys()
    parts: dict[tuple[int, object], list[Text]] = {}
    for text in found.values():
        if text is not None:
            parts.setdefault((text.brand, text.voice or text.group), []).append(text)
    return _write(db, list(found), [sorted(p, key=lambda t: t.order) for p in parts.values()], before)


def _complaints_of(db: Database, pairs: Collection[Pair]) -> dict[Pair, int]:
    rows = db.execute(
        """SELECT t.brand, t."group", t.complaint FROM json_each(?) j
           CROSS JOIN complaint_texts t ON t."group" = j.value""",
        [_groups(pairs)],
    )
    return {(brand, group): complaint for brand, group, complaint in rows.fetchall() if (brand, group) in pairs}


def _groups(pairs: Iterable[Pair]) -> str:
    return json.dumps(sorted({group for _, group in pairs}))


def _beside(db: Database, complaints: Iterable[int]) -> set[Pair]:
    """The texts of complaints."""
    rows = db.execute(
        """SELECT t.brand, t."group" FROM json_each(?) j CROSS JOIN complaint_texts t ON t.complaint = j.value""",
        [json.dumps(sorted(set(complaints)))],
    )
    return set(rows.fetchall())


def _of_voices(db: Database, texts: Iterable[Text]) -> set[Pair]:
    """All texts of the voices of these, about the same brand."""
    voices = {(text.brand, text.voice) for text in texts if text.voice is not None}
    rows = _by_voice(db, 'brand, "group", voice', {one for _, one in voices})
    return {(brand, group) for brand, group, one in rows if (brand, one) in voices}


def _by_voice(db: Database, columns: str, voices: Collection[bytes]) -> list[tuple[Any, ...]]:
    """Of the texts of these voices, whatever the brand."""
    if not voices:
        return []
    marks = ", ".join("?" * len(voices))
    return db.execute(f"SELECT {columns} FROM complaint_texts WHERE voice IN ({marks})", list(voices)).fetchall()


_MEMBERS = """group_members gm CROSS JOIN mentions m ON m.post = gm.post CROSS JOIN posts p ON p.id = m.post"""

_TEXTS = f"""WITH said AS (
        SELECT m.brand, gm."group", p.id, p.counted_at, p.platform, p.native_id, {THREAD} AS thread, p.author_key,
               p.purged_at, min(p.counted_at || char(0) || p.platform || char(0) || p.native_id)
        FROM json_each(?) j CROSS JOIN {_MEMBERS} CROSS JOIN brands b ON b.id = m.brand AND b.role = 'own'
        WHERE gm."group" = j.value AND NOT {DENIED} GROUP BY gm."group", m.brand)
    SELECT brand, "group", id, counted_at, platform, native_id, thread, author_key FROM said f
    WHERE (f.purged_at IS NOT NULL
           AND EXISTS (SELECT 1 FROM complaint_texts t WHERE t."group" = f."group" AND t.brand = f.brand))
    OR EXISTS (SELECT 1 FROM {_MEMBERS} WHERE gm."group" = f."group" AND m.brand = f.brand AND {CORE})"""
"""The columns beside the least are those of the row that has it: so SQLite promises of min and max."""


def _texts(db: Database, pairs: Collection[Pair]) -> dict[Pair, Text]:
    """Those groups that complain of the brand, as texts. What was purged goes on complaining."""
    rows = db.execute(_TEXTS, [_groups(pairs)]).fetchall()
    return {
        (brand, group): Text(
            brand, group, first, (counted, platform, native_id), voice(platform, thread, author) if author else None
        )
        for brand, group, first, counted, platform, native_id, thread, author in rows
        if (brand, group) in pairs
    }


def _write(
    db: Database, pairs: Sequence[Pair], parts: Sequence[Sequence[Text]], before: Mapping[Pair, int]
) -> Placed:  # fmt: skip
    taken: set[int] = set()
    for part in sorted(parts, key=lambda p: p[0].order):
        known = {before[pair] for text in part if (pair := (text.brand, text.group)) in before} - taken
        complaint = min(known) if known else _begin(db, part[0])
        taken.add(complaint)
        db.conn.executemany(
            """INSERT INTO complaint_texts ("group", brand, complaint, voice) VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET complaint = excluded.complaint, voice = excluded.voice
               WHERE complaint <> excluded.complaint OR voice IS NOT excluded.voice""",
            [(text.group, text.brand, complaint, text.voice) for text in part],
        )
        for old in known - {complaint}:
            _merge(db, old, complaint)
    stay = {(text.brand, text.group) for part in parts for text in part}
    db.conn.executemany(
        'DELETE FROM complaint_texts WHERE brand = ? AND "group" = ?',
        [pair for pair in pairs if pair in before and pair not in stay],
    )
    return Placed(taken, set(before.values()) - taken)


def _begin(db: Database, text: Text) -> int:
    """A new complaint; or the one that once began with this post, and of which nothing was left."""
    row = db.execute(
        "SELECT id FROM complaints WHERE post = ? AND brand = ? AND posts = 0 AND merged_into IS NULL ORDER BY id",
        [text.first, text.brand],
    ).fetchone()
    if row is not None:
        return int(row[0])
    at = text.order[0]
    cursor = db.execute(
        "INSERT INTO complaints (brand, post, first_seen, last_seen, since) VALUES (?, ?, ?, ?, ?)",
        [text.brand, text.first, at, at, at],
    )
    assert cursor.lastrowid is not None  # an INSERT that did not raise has a rowid
    return cursor.lastrowid


def _merge(db: Database, old: int, into: int) -> None:
    """The number of a complaint that became part of another stays valid, and what people said of it goes with it."""
    db.execute("UPDATE complaints SET merged_into = ?1 WHERE id = ?2 OR merged_into = ?2", [into, old])
    db.execute("UPDATE complaint_events SET complaint = ? WHERE complaint = ?", [into, old])


def end(db: Database, complaints: Iterable[int], watched: Collection[int]) -> None:
    """Nothing is left of these; those that were merged or belong to a group that was are pointed on. ``watched``: the
    brands of the config, if any may have left it: what was complained of one that was renamed is the same under its new
    name, unless a person has already spoken there."""
    asked = json.dumps(sorted(watched))
    for complaint in complaints:
        db.execute("UPDATE complaints SET posts = 0 WHERE id = ?", [complaint])
        row = db.execute(
            """SELECT t.complaint FROM complaints c JOIN group_members gm ON gm.post = c.post
               JOIN complaint_texts t ON t."group" = gm."group"
               WHERE c.id = ?1 AND c.merged_into IS NULL AND (
                   t.brand = c.brand
                   OR (?2 <> '[]' AND c.brand NOT IN (SELECT value FROM json_each(?2)) AND NOT EXISTS (
                       SELECT 1 FROM complaint_events e WHERE e.complaint = t.complaint AND e.event <> 'state')))
               ORDER BY t.brand <> c.brand, t.complaint DESC""",
            [complaint, asked],
        ).fetchone()
        if row is not None and row[0] != complaint:
            _merge(db, complaint, row[0])
            mark(db, row[0])


# -- what is said of complaints --------------------------------------------------------------------------------------


def set_sayings(db: Database, posts: Sequence[Said], said: Mapping[int, Iterable[tuple[str, bytes]]]) -> set[int]:
    """What posts say, (kind, who), in place of what was stored; those that say, or said, anything."""
    asked = json.dumps([post.id for post in posts])
    rows = db.execute(
        """SELECT s.post, s.kind, s.who, s.counted_at FROM json_each(?) j
           CROSS JOIN complaint_sayings s ON s.post = j.value""",
        [asked],
    ).fetchall()
    had = set(rows)
    new = {(post.id, kind, name, post.counted_at) for post in posts for kind, name in said.get(post.id, ())}
    db.conn.executemany(
        "DELETE FROM complaint_sayings WHERE post = ? AND kind = ? AND who = ?", [row[:3] for row in had - new]
    )
    db.conn.executemany(
        "INSERT INTO complaint_sayings (post, kind, who, counted_at) VALUES (?, ?, ?, ?)", sorted(new - had)
    )
    return {row[0] for row in had | new}


def leaving(db: Database, posts: Sequence[int]) -> set[int]:
    """Those whose author says that he leaves, or has left."""
    rows = db.execute(
        """SELECT DISTINCT s.post FROM json_each(?) j CROSS JOIN signals s ON s.post = j.value
           WHERE s.kind IN ('leaving', 'exit')""",
        [json.dumps(list(posts))],
    )
    return {post for (post,) in rows.fetchall()}


def of_voices(db: Database, voices: Iterable[tuple[str, str, str]]) -> set[int]:
    """The complaints, of whatever brand, that authors have in threads: (platform, thread, author's key)."""
    return {complaint for (complaint,) in _by_voice(db, "complaint", {voice(*one) for one in voices})}


def of_author(db: Database, author_key: str, start: datetime, end: datetime) -> set[int]:
    """The complaints of an author that began in [start, end]."""
    rows = db.execute(
        "SELECT id FROM complaints WHERE author = ? AND first_seen >= ? AND first_seen <= ?",
        [who("key", author_key), utc_text(start), utc_text(end)],
    )
    return {complaint for (complaint,) in rows.fetchall()}


def that_rest_on(db: Database, posts: Sequence[int]) -> set[int]:
    """The complaints whose state was said by these posts."""
    asked = json.dumps(list(posts))
    rows = db.execute(
        """SELECT c.id FROM json_each(?) j CROSS JOIN complaints c INDEXED BY complaints_by_answer
               ON c.answer = j.value
           UNION SELECT c.id FROM json_each(?) j CROSS JOIN complaints c INDEXED BY complaints_by_recovery
               ON c.recovery = j.value""",
        [asked, asked],
    )
    return {complaint for (complaint,) in rows.fetchall()}


def answered_by(db: Database, answer: Said, names: Sequence[str], keys: Sequence[str]) -> set[int]:
    """The complaints that a brand's own post may answer: of what it replies to, of who wrote that in its thread, and of
    those that it names (``keys``: their author keys if their name is what they are known by)."""
    found: set[int] = set()
    for native_id in {answer.parent, answer.thread} - {"", answer.native_id}:
        row = db.execute(
            f"SELECT p.id, {THREAD}, p.author_key FROM posts p WHERE p.platform = ? AND p.native_id = ?",
            [answer.platform, native_id],
        ).fetchone()
        if row is None:
            continue
        texts = db.execute(
            """SELECT t.complaint FROM group_members gm JOIN complaint_texts t ON t."group" = gm."group"
               WHERE gm.post = ?""",
            [row[0]],
        )
        found.update(complaint for (complaint,) in texts.fetchall())
        if row[2]:
            found |= of_voices(db, [(answer.platform, row[1], row[2])])
    called = db.execute(
        """SELECT DISTINCT p.author_key FROM json_each(?) j JOIN posts p ON p.platform = ? AND p.root = ?
           AND p.author_name = j.value WHERE p.root <> '' AND p.author_key IS NOT NULL""",
        [json.dumps(list(names)), answer.platform, answer.thread],
    ).fetchall() if names else []  # fmt: skip
    every = {*keys, *(key for (key,) in called)}
    return found | of_voices(db, [(answer.platform, answer.thread, key) for key in every])
