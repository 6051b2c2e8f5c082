"""Copy groups and stories as stored: a union of keys, where a merged group or story keeps pointing on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlite_utils import Database

from monitor.store import counts
from monitor.stories import Keys


def assign(db: Database, posts: Mapping[int, Keys]) -> None:
    """Put posts into their groups and groups into their stories; marks every bin that this changes."""
    touched: set[int] = set()
    for post, keys in posts.items():
        _leave(db, post, keys.group[0])
        groups = _lookup(db, "group_keys", '"group"', keys.group)
        told = {*_lookup(db, "story_keys", "story", keys.story), *(_story(db, g) for g in groups)}
        story = _merge_stories(db, sorted(told)) if told else _added(db, "INSERT INTO stories DEFAULT VALUES", [])
        group = _merge_groups(db, groups) if groups else _added(db, "INSERT INTO groups (story) VALUES (?)", [story])
        db.execute("INSERT INTO group_members VALUES (?, ?)", [post, group])
        _point(db, "group_keys", '"group"', keys.group, group)
        _point(db, "story_keys", "story", keys.story, story)
        touched.add(group)
    counts.mark(db, list(posts))
    counts.mark_groups(db, sorted(touched))


def _leave(db: Database, post: int, own_key: str) -> None:
    """An edited post leaves the group it was in, and its own key with it, or it would tie the old copies to the new.

    The copies left behind have to be counted again.
    """
    if db.execute("SELECT 1 FROM group_members WHERE post = ?", [post]).fetchone():
        counts.mark(db, [post])
        db.execute("DELETE FROM group_members WHERE post = ?", [post])
        db.execute("DELETE FROM group_keys WHERE key = ?", [own_key])


def _merge_groups(db: Database, groups: Sequence[int]) -> int:
    """One group of several, whose stories are one already; the ids of the others stay valid and point to it."""
    keep, *others = groups
    for other in others:
        counts.mark_groups(db, [other])
        db.execute('UPDATE group_members SET "group" = ? WHERE "group" = ?', [keep, other])
        db.execute('UPDATE group_keys SET "group" = ? WHERE "group" = ?', [keep, other])
        db.execute("UPDATE groups SET merged_into = ? WHERE id = ? OR merged_into = ?", [keep, other, other])
    return keep


def _merge_stories(db: Database, stories: Sequence[int]) -> int:
    """The oldest one stays; the ids of the others stay valid and point to it."""
    keep, *others = stories
    for other in others:
        db.execute("UPDATE groups SET story = ? WHERE story = ?", [keep, other])
        db.execute("UPDATE story_keys SET story = ? WHERE story = ?", [keep, other])
        db.execute("UPDATE stories SET merged_into = ? WHERE id = ? OR merged_into = ?", [keep, other, other])
    return keep


def _story(db: Database, group: int) -> int:
    story: int = db.execute("SELECT story FROM groups WHERE id = ?", [group]).fetchone()[0]
    return story


def _lookup(db: Database, table: str, column: str, keys: Sequence[str]) -> list[int]:
    marks = ", ".join("?" * len(keys))
    rows = db.execute(f"SELECT DISTINCT {column} FROM {table} WHERE key IN ({marks}) ORDER BY 1", list(keys))
    return [i for (i,) in rows]


def _point(db: Database, table: str, column: str, keys: Sequence[str], to: int) -> None:
    db.conn.executemany(
        f"""INSERT INTO {table} (key, {column}) VALUES (?, ?)
            ON CONFLICT(key) DO UPDATE SET {column} = excluded.{column}""",
        [(key, to) for key in keys],
    )


def _added(db: Database, sql: str, values: Sequence[object]) -> int:
    identity = db.execute(sql, list(values)).lastrowid
    assert identity is not None  # an INSERT that did not raise has a rowid
    return identity
