"""Links while they are new: what many posts link to at once is a happening, what they link to for weeks is a shop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.model import from_utc_text, utc_text
from monitor.stories import Keys

NEW_FOR = timedelta(days=3)
"""Event time within which a link ties those that name it, from the first of them on."""

REMEMBERED = timedelta(days=30)
"""A link that nobody names for so long is forgotten, and would be new again."""


class NewLinks:
    def __init__(self, db: Database, posts: Mapping[int, Keys], now: datetime) -> None:
        self._db, self._posts, self._now = db, posts, now
        named = {post: keys.links for post, keys in posts.items() if keys.links}
        asked = json.dumps(sorted({link for links in named.values() for link in links}))
        rows = db.execute("SELECT link, first_at FROM links WHERE link IN (SELECT value FROM json_each(?))", [asked])
        self._first = {link: from_utc_text(at) for link, at in rows}
        times = db.execute(
            "SELECT id, counted_at FROM posts WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(list(named))]
        )
        self._at = {post: from_utc_text(at) for post, at in times}
        self._named: set[str] = set()

    def of(self, post: int) -> tuple[str, ...]:
        """The links of a post that tie it to others."""
        links = self._posts[post].links
        if not links:
            return ()
        self._named.update(links)
        return tuple([link for link in links if self._is_new(link, self._at[post])])

    def _is_new(self, link: str, at: datetime) -> bool:
        first = self._first.setdefault(link, at)
        self._first[link] = min(first, at)
        return abs(at - first) <= NEW_FOR

    def write(self) -> None:
        now = utc_text(self._now)
        self._db.conn.executemany(
            """INSERT INTO links VALUES (?, ?, ?)
               ON CONFLICT DO UPDATE SET first_at = excluded.first_at, at = excluded.at""",
            [(link, utc_text(self._first[link]), now) for link in sorted(self._named)],
        )
        old = self._db.execute(
            "SELECT link FROM links WHERE at < ? LIMIT 1000", [utc_text(self._now - REMEMBERED)]
        ).fetchall()
        self._db.conn.executemany("DELETE FROM story_keys WHERE key = ?", old)
        self._db.conn.executemany("DELETE FROM links WHERE link = ?", old)
