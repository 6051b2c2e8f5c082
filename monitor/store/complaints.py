"""The ledger's texts: which copy groups complain of an own brand, and which of them are one complaint.

A group complains if one of its mentions does by itself (``CORE``). Its *voice* is who wrote its first post, and in
which thread: groups of one voice are one complaint, a group without an author is one by itself. So thirty people who
complain are thirty complaints, one text copied two thousand times is one, who complains again in his thread has one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

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
    rows = db.execute("SELECT what, id FROM complaint_marks LIMIT ?", [limit]).fetchall()
    of = {what: tuple(i for w, i in rows if w == what) for what in ("post", "group", "complaint")}
    return Marks(of["post"], of["group"], of["complaint"])


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


@dataclass(frozen=True, slots=True)
class Text:
    """A copy group that complains of a brand. ``first``: its first post; ``order``: that post's place among others."""

    group: int
    first: int
    order: tuple[str, str, str]
    voice: bytes | None


@dataclass
class Placed:
    """What the texts of a brand became: complaints that changed, and those of which nothing is left."""

    changed: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)


def place(db: Database, groups: Iterable[int]) -> Placed:
    """Put these groups, and what was or becomes one complaint with them, where they belong."""
    placed, asked = Placed(), json.dumps(sorted(groups))
    rows = db.execute(
        """SELECT DISTINCT m.brand, j.value FROM json_each(?) j CROSS JOIN group_members gm ON gm."group" = j.value
           CROSS JOIN mentions m ON m.post = gm.post CROSS JOIN brands b ON b.id = m.brand AND b.role = 'own'
           UNION SELECT t.brand, t."group" FROM json_each(?) j CROSS JOIN complaint_texts t ON t."group" = j.value""",
        [asked, asked],
    ).fetchall()
    of: dict[int, set[int]] = {}
    for brand, group in rows:
        of.setdefault(brand, set()).add(group)
    for brand in sorted(of):
        _place(db, brand, of[brand], placed)
    return placed


def _place(db: Database, brand: int, groups: set[int], placed: Placed) -> None:
    before: dict[int, int] = {}
    found: dict[int, Text | None] = {}
    asked = groups
    while asked:
        before.update(_complaints_of(db, brand, asked))
        found.update({group: _text(db, brand, group) for group in asked})
        voices = {text.voice for group in asked if (text := found[group]) and text.voice}
        asked = (_beside(db, brand, before.values()) | _of_voices(db, brand, voices)) - found.keys()
    parts: dict[object, list[Text]] = {}
    for text in found.values():
        if text is not None:
            parts.setdefault(text.voice or text.group, []).append(text)
    _write(db, brand, list(found), [sorted(p, key=lambda t: t.order) for p in parts.values()], before, placed)


def _complaints_of(db: Database, brand: int, groups: Iterable[int]) -> dict[int, int]:
    rows = db.execute(
        """SELECT t."group", t.complaint FROM json_each(?) j
           CROSS JOIN complaint_texts t ON t."group" = j.value AND t.brand = ?""",
        [json.dumps(sorted(groups)), brand],
    )
    return dict(rows.fetchall())


def _beside(db: Database, brand: int, complaints: Iterable[int]) -> set[int]:
    """The texts of complaints."""
    rows = db.execute(
        """SELECT t."group" FROM json_each(?) j CROSS JOIN complaint_texts t ON t.complaint = j.value
           WHERE t.brand = ?""",
        [json.dumps(sorted(set(complaints))), brand],
    )
    return {group for (group,) in rows.fetchall()}


def _of_voices(db: Database, brand: int, voices: Iterable[bytes]) -> set[int]:
    found: set[int] = set()
    for one in voices:
        rows = db.execute('SELECT "group" FROM complaint_texts WHERE voice = ? AND brand = ?', [one, brand])
        found.update(group for (group,) in rows.fetchall())
    return found


_MEMBERS = """FROM group_members gm CROSS JOIN mentions m ON m.post = gm.post AND m.brand = :brand
    CROSS JOIN posts p ON p.id = m.post WHERE gm."group" = :group"""


def _text(db: Database, brand: int, group: int) -> Text | None:
    """The group as a text that complains of the brand; None if it does not. What was purged goes on complaining."""
    named = {"brand": brand, "group": group}
    row = db.execute(
        f"""SELECT p.id, p.counted_at, p.platform, p.native_id, {THREAD}, p.author_key, p.purged_at IS NOT NULL
            {_MEMBERS} AND NOT {DENIED} ORDER BY {FIRST} LIMIT 1""",
        named,
    ).fetchone()
    if row is None or db.execute("SELECT role FROM brands WHERE id = ?", [brand]).fetchone()[0] != "own":
        return None
    first, counted, platform, native_id, thread, author, purged = row
    stood = purged and db.execute(
        'SELECT 1 FROM complaint_texts WHERE "group" = ? AND brand = ?', [group, brand]
    ).fetchone()  # fmt: skip
    if not stood and not db.execute(f"SELECT 1 {_MEMBERS} AND {CORE} LIMIT 1", named).fetchone():
        return None
    spoken = voice(platform, thread, author) if author else None
    return Text(group, first, (counted, platform, native_id), spoken)


def _write(
    db: Database, brand: int, groups: Sequence[int], parts: Sequence[Sequence[Text]], before: dict[int, int],
    placed: Placed,
) -> None:  # fmt: skip
    taken: set[int] = set()
    for part in sorted(parts, key=lambda p: p[0].order):
        known = {before[text.group] for text in part if text.group in before} - taken
        complaint = min(known) if known else _begin(db, brand, part[0])
        taken.add(complaint)
        db.conn.executemany(
            """INSERT INTO complaint_texts ("group", brand, complaint, voice) VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET complaint = excluded.complaint, voice = excluded.voice
               WHERE complaint <> excluded.complaint OR voice IS NOT excluded.voice""",
            [(text.group, brand, complaint, text.voice) for text in part],
        )
        for old in known - {complaint}:
            _merge(db, old, complaint)
    stay = {text.group for part in parts for text in part}
    db.conn.executemany(
        'DELETE FROM complaint_texts WHERE "group" = ? AND brand = ?', [(g, brand) for g in groups if g not in stay]
    )
    placed.changed |= taken
    placed.ended |= set(before.values()) - taken


def _begin(db: Database, brand: int, text: Text) -> int:
    """A new complaint; or the one that once began with this post, and of which nothing was left."""
    row = db.execute(
        "SELECT id FROM complaints WHERE post = ? AND brand = ? AND posts = 0 AND merged_into IS NULL ORDER BY id",
        [text.first, brand],
    ).fetchone()
    if row is not None:
        return int(row[0])
    at = text.order[0]
    cursor = db.execute(
        "INSERT INTO complaints (brand, post, first_seen, last_seen, since) VALUES (?, ?, ?, ?, ?)",
        [brand, text.first, at, at, at],
    )
    assert cursor.lastrowid is not None  # an INSERT that did not raise has a rowid
    return cursor.lastrowid


def _merge(db: Database, old: int, into: int) -> None:
    """The number of a complaint that became part of another stays valid, and what people said of it goes with it."""
    db.execute("UPDATE complaints SET merged_into = ?1 WHERE id = ?2 OR merged_into = ?2", [into, old])
    db.execute("UPDATE complaint_events SET complaint = ? WHERE complaint = ?", [into, old])


def end(db: Database, complaints: Iterable[int]) -> None:
    """Nothing is left of these; those that were merged or belong to a group that was are pointed on."""
    for complaint in complaints:
        db.execute("UPDATE complaints SET posts = 0 WHERE id = ?", [complaint])
        row = db.execute(
            """SELECT t.complaint FROM complaints c JOIN group_members gm ON gm.post = c.post
               JOIN complaint_texts t ON t."group" = gm."group" AND t.brand = c.brand
               WHERE c.id = ? AND c.merged_into IS NULL""",
            [complaint],
        ).fetchone()
        if row is not None and row[0] != complaint:
            _merge(db, complaint, row[0])
            mark(db, row[0])


# -- what is said of complaints --------------------------------------------------------------------------------------


def set_sayings(db: Database, post: Said, said: Iterable[tuple[str, bytes]]) -> bool:
    """What a post says, (kind, who), in place of what was stored; whether it says, or said, anything."""
    had = db.execute("DELETE FROM complaint_sayings WHERE post = ?", [post.id]).rowcount
    rows = [(post.id, kind, name, post.counted_at) for kind, name in sorted(set(said))]
    db.conn.executemany("INSERT INTO complaint_sayings (post, kind, who, counted_at) VALUES (?, ?, ?, ?)", rows)
    return bool(had or rows)


def leaves(db: Database, post: int) -> bool:
    """Whether its author says that he leaves, or has left."""
    row = db.execute("SELECT 1 FROM signals WHERE post = ? AND kind IN ('leaving', 'exit') LIMIT 1", [post]).fetchone()
    return row is not None


def of_voice(db: Database, platform: str, thread: str, author_key: str) -> set[int]:
    """The complaints, of whatever brand, that an author has in a thread."""
    rows = db.execute(
        "SELECT DISTINCT complaint FROM complaint_texts WHERE voice = ?", [voice(platform, thread, author_key)]
    )
    return {complaint for (complaint,) in rows.fetchall()}


def of_author(db: Database, author_key: str, start: datetime, end: datetime) -> set[int]:
    """The complaints of an author that began in [start, end]."""
    rows = db.execute(
        "SELECT id FROM complaints WHERE author = ? AND first_seen >= ? AND first_seen <= ?",
        [who("key", author_key), utc_text(start), utc_text(end)],
    )
    return {complaint for (complaint,) in rows.fetchall()}


def that_rest_on(db: Database, post: int) -> set[int]:
    """The complaints whose state was said by this post."""
    rows = db.execute(
        """SELECT id FROM complaints WHERE answer = ?1 UNION SELECT id FROM complaints WHERE recovery = ?1""", [post]
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
            found |= of_voice(db, answer.platform, row[1], row[2])
    called = db.execute(
        """SELECT DISTINCT p.author_key FROM json_each(?) j JOIN posts p ON p.platform = ? AND p.root = ?
           AND p.author_name = j.value WHERE p.root <> '' AND p.author_key IS NOT NULL""",
        [json.dumps(list(names)), answer.platform, answer.thread],
    ).fetchall() if names else []  # fmt: skip
    for key in {*keys, *(key for (key,) in called)}:
        found |= of_voice(db, answer.platform, answer.thread, key)
    return found
