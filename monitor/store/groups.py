"""Copy groups and stories as stored: a union of keys, where a merged group or story keeps pointing on.

A batch is tied in memory, from what is stored about its keys, and written at the end. Of several that become one, the
oldest stays.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from sqlite_utils import Database

from monitor.store import counts
from monitor.store.alike import NearCopies
from monitor.store.likeness import forget
from monitor.store.links import NewLinks
from monitor.store.topics import Tellings
from monitor.stories import Keys

_FIRST = """
    SELECT p.id FROM (SELECT post FROM group_members WHERE "group" = ? ORDER BY post LIMIT 16) m
    JOIN posts p ON p.id = m.post ORDER BY p.counted_at, p.platform, p.native_id LIMIT 1"""


def assign(db: Database, posts: Mapping[int, Keys], now: datetime) -> None:
    """Put posts into their groups and groups into their stories; marks every bin that this changes."""
    posts = _in_order(db, posts)
    again = _leave(db, posts)
    ties = Ties(db)
    ties.load(posts)
    near, links = NearCopies(db, ties, posts, again, now), NewLinks(db, posts, now)
    alone: list[int] = []
    for post, keys in posts.items():
        groups = {*ties.groups_of(keys.group), *near.groups(post, keys)}
        shared = links.of(post)
        stories = {*ties.stories_of(keys.threads), *map(ties.story, groups)}
        linked = ties.stories_of(shared) - stories
        if len(linked) == 1:  # what leads to two happenings is a list of links, and ties neither to the other
            stories |= linked
        if not stories:
            alone.append(post)
        ties.place(post, keys, shared, groups, stories)
        near.add(post)
    tellings = Tellings(db, ties, {post: posts[post] for post in alone}, now)
    for post in alone:
        for told in tellings.stories(post):
            ties.join_stories(post, told)
        tellings.add(post)
    ties.write()
    for index in (near, links, tellings):
        index.write()
    counts.mark(db, list(posts))


def _in_order(db: Database, posts: Mapping[int, Keys]) -> dict[int, Keys]:
    """By event time: which of the sources answered first must not decide what is told in other words."""
    rows = db.execute(
        """SELECT id FROM posts WHERE id IN (SELECT value FROM json_each(?))
           ORDER BY counted_at, platform, native_id""",
        [json.dumps(list(posts))],
    )
    return {post: posts[post] for (post,) in rows.fetchall()}


def _leave(db: Database, posts: Mapping[int, Keys]) -> list[int]:
    """An edited post leaves the group it was in, and its own key with it, or it would tie the old copies to the new.

    The copies left behind have to be counted again. Which posts did.
    """
    rows = db.execute(
        "SELECT post FROM group_members WHERE post IN (SELECT value FROM json_each(?))", [json.dumps(list(posts))]
    ).fetchall()
    edited = [post for (post,) in rows]
    counts.mark(db, edited)
    db.conn.executemany("DELETE FROM group_members WHERE post = ?", [(post,) for post in edited])
    db.conn.executemany("DELETE FROM group_keys WHERE key = ?", [(posts[post].group[0],) for post in edited])
    forget(db, edited)
    return edited


@dataclass
class Union:
    """Ids of which some have become one: the lowest, which is the oldest. ``first``: the first new id."""

    first: int
    last: int = field(init=False)
    into: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.last = self.first - 1

    def root(self, one: int) -> int:
        while (other := self.into.get(one)) is not None:
            one = other
        return one

    def join(self, ids: Iterable[int]) -> int:
        """The one that they become; a new one of none."""
        roots = sorted(map(self.root, ids))
        if not roots:
            self.last += 1
            return self.last
        keep, *others = roots
        for other in others:
            if other != keep:
                self.into[other] = keep
        return keep

    def fresh(self) -> list[int]:
        return [i for i in range(self.first, self.last + 1) if i not in self.into]

    def merged(self) -> list[tuple[int, int]]:
        """(what it became, a stored one)."""
        return [(self.root(one), one) for one in self.into if one < self.first]


class Ties:
    """What is stored about the groups and stories that a batch may join, and what the batch makes of them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._groups = Union(_next(db, "groups"))
        self._stories = Union(_next(db, "stories"))
        self._group_keys: dict[str, int] = {}
        self._story_keys: dict[str, int] = {}
        self._story_of: dict[int, int] = {}
        self._members: dict[int, int] = {}
        self._asked: set[int] = set()
        self._placed: dict[int, int] = {}
        self._first: dict[int, int] = {}
        self._new_group_keys: set[str] = set()
        self._new_story_keys: set[str] = set()

    def load(self, posts: Mapping[int, Keys]) -> None:
        self._group_keys = self._look_up('SELECT key, "group" FROM group_keys', "key", [
            key for keys in posts.values() for key in keys.group
        ])  # fmt: skip
        self._story_keys = self._look_up("SELECT key, story FROM story_keys", "key", [
            key for keys in posts.values() for key in (*keys.threads, *keys.links)
        ])  # fmt: skip
        self._load_stories(self._group_keys.values())

    def load_members(self, posts: Iterable[int]) -> None:
        """Know the groups of stored posts, and their stories. What is stored of them stays so until ``write``."""
        new = set(posts) - self._asked
        self._asked |= new
        found = self._look_up('SELECT post, "group" FROM group_members', "post", new)
        self._members.update(found)
        self._load_stories(found.values())

    def _load_stories(self, groups: Iterable[int]) -> None:
        self._story_of.update(self._look_up("SELECT id, story FROM groups", "id", set(groups) - self._story_of.keys()))

    def _look_up(self, select: str, column: str, values: Collection[object]) -> dict[Any, int]:
        if not values:
            return {}
        rows = self._db.execute(
            f"{select} WHERE {column} IN (SELECT value FROM json_each(?))", [json.dumps(list(set(values)))]
        )
        return dict(rows.fetchall())

    def knows(self, key: str) -> bool:
        return key in self._group_keys

    def groups_of(self, keys: Iterable[str]) -> set[int]:
        return {self._groups.root(group) for key in keys if (group := self._group_keys.get(key)) is not None}

    def stories_of(self, keys: Iterable[str]) -> set[int]:
        return {self._stories.root(story) for key in keys if (story := self._story_keys.get(key)) is not None}

    @property
    def merges(self) -> tuple[int, int]:
        """How many groups and stories have become part of another in this batch."""
        return len(self._groups.into), len(self._stories.into)

    def group(self, post: int) -> int | None:
        group = self._members.get(post)
        return None if group is None else self._groups.root(group)

    def first(self, group: int) -> int | None:
        """The post that a group began with: of those that came first, as many as one page may bring, the oldest."""
        if group not in self._first:
            row = self._db.execute(_FIRST, [group]).fetchone()
            if row is None:
                return None
            self._first[group] = row[0]
        return self._first[group]

    def story(self, group: int) -> int:
        return self._stories.root(self._story_of[group])

    def story_of_post(self, post: int) -> int | None:
        group = self.group(post)
        return None if group is None else self.story(group)

    def place(
        self, post: int, keys: Keys, links: Sequence[str], groups: Iterable[int], stories: Iterable[int]
    ) -> None:  # fmt: skip
        story = self._stories.join(stories)
        group = self._groups.join(groups)
        self._story_of[group] = story
        self._members[post] = self._placed[post] = group
        if group >= self._groups.first:
            self._first.setdefault(group, post)
        self._group_keys.update(dict.fromkeys(keys.group, group))
        self._story_keys.update(dict.fromkeys((*keys.threads, *links), story))
        self._new_group_keys.update(keys.group)
        self._new_story_keys.update(keys.threads, links)

    def join_stories(self, post: int, story: int) -> None:
        """The story of a placed post and another become one."""
        self._stories.join((self.story(self._members[post]), story))

    def write(self) -> None:
        run = self._db.conn.executemany
        run("INSERT INTO stories (id) VALUES (?)", [(story,) for story in self._stories.fresh()])
        run("INSERT INTO groups (id, story) VALUES (?, ?)", [(g, self.story(g)) for g in self._groups.fresh()])
        self._write_merged()
        members = [(post, self._groups.root(group)) for post, group in self._placed.items()]
        run("INSERT INTO group_members VALUES (?, ?)", members)
        run(
            """INSERT INTO group_keys (key, "group") VALUES (?, ?)
               ON CONFLICT(key) DO UPDATE SET "group" = excluded."group" WHERE "group" <> excluded."group" """,
            [(key, self._groups.root(self._group_keys[key])) for key in sorted(self._new_group_keys)],
        )
        run(
            """INSERT INTO story_keys (key, story) VALUES (?, ?)
               ON CONFLICT(key) DO UPDATE SET story = excluded.story WHERE story <> excluded.story""",
            [(key, self._stories.root(self._story_keys[key])) for key in sorted(self._new_story_keys)],
        )

    def _write_merged(self) -> None:
        """The ids of those that became part of another stay valid and point to it."""
        run = self._db.conn.executemany
        stories, groups = self._stories.merged(), self._groups.merged()
        run("UPDATE groups SET story = ? WHERE story = ?", stories)
        run("UPDATE story_keys SET story = ? WHERE story = ?", stories)
        run("UPDATE stories SET merged_into = ?1 WHERE id = ?2 OR merged_into = ?2", stories)
        counts.mark_joining(self._db, chain.from_iterable(groups))
        run('UPDATE group_members SET "group" = ? WHERE "group" = ?', groups)
        run('UPDATE group_keys SET "group" = ? WHERE "group" = ?', groups)
        run("UPDATE groups SET merged_into = ?1 WHERE id = ?2 OR merged_into = ?2", groups)


def _next(db: Database, table: str) -> int:
    return int(db.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()[0])


def of_posts(db: Database, posts: Collection[int]) -> dict[int, tuple[int, int]]:
    """Post -> its copy group and its story, of those that are grouped."""
    rows = db.execute(
        """SELECT m.post, m."group", g.story FROM group_members m JOIN groups g ON g.id = m."group"
           WHERE m.post IN (SELECT value FROM json_each(?))""",
        [json.dumps(list(posts))],
    )
    return {post: (group, story) for post, group, story in rows.fetchall()}
