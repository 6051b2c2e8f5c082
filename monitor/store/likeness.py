"""Texts of the last weeks by their marks: what a new post may be like. The marks only propose.

Both tables are bounded: a text is forgotten when no other was found like it for as long as its kind says, and the
oldest go when there are too many; a mark that ``MOST_HOLDERS`` texts have takes no more.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.model import utc_text

MOST_HOLDERS = 16
"""Texts that one mark leads to. Near-copies of one text fill up its marks, and later ones find the first of them."""

KINDS = ("copy", "topic")

FORGOTTEN_AT_ONCE = 1_000
"""More texts than one batch brings, so the tables shrink to their bounds, and fewer than would hold up a writer."""


@dataclass(frozen=True, slots=True)
class Window:
    """How long and how many texts of one kind are remembered."""

    kind: str
    keep: timedelta
    most: int


@dataclass
class Likenesses:
    """The marks of one batch of posts, and who else has them; what the batch adds is written by ``write``."""

    db: Database
    window: Window
    now: datetime
    _held: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _new: dict[int, list[int]] = field(default_factory=dict)
    _found: set[int] = field(default_factory=set)

    def load(self, marks: Iterable[int]) -> set[int]:
        """Read who has these marks, once for the batch; the posts that do."""
        rows = self.db.execute(
            f"""SELECT m.mark, m.post FROM json_each(?) j
                CROSS JOIN {self.window.kind}_marks m ON m.mark = j.value""",
            [json.dumps(list(dict.fromkeys(sorted(marks))))],  # marks come in sorted stretches, which sort fast
        ).fetchall()
        for mark, post in rows:
            self._held[mark] = (*self._held.get(mark, ()), post)
        return {post for _, post in rows}

    def sort(self, rank: Callable[[int], int]) -> None:
        """Those who have a mark by rank: posts are numbered as they came, and no tie is to hang on that."""
        for mark, holders in self._held.items():
            if len(holders) > 1:
                self._held[mark] = tuple(sorted(holders, key=rank))

    def holders(self, mark: int) -> Sequence[int]:
        return self._held.get(mark, ())

    def held(self, marks: Iterable[int]) -> list[tuple[int, tuple[int, ...]]]:
        """Those of these marks that a known post has, and the posts that have it."""
        return [(mark, holders) for mark in marks if (holders := self._held.get(mark))]

    def found(self, post: int) -> None:
        """Another was found like this one, so it is kept for longer."""
        self._found.add(post)

    def add(self, post: int, marks: Iterable[int]) -> None:
        held, kept = self._held, []
        for mark in marks:
            holders = held.get(mark, ())
            if len(holders) < MOST_HOLDERS:
                held[mark] = (*holders, post)
                kept.append(mark)
        if kept:
            self._new[post] = kept

    def write(self) -> None:
        kind, at, run = self.window.kind, utc_text(self.now), self.db.conn.executemany
        run(f"UPDATE {kind}_texts SET at = ? WHERE post = ?", [(at, post) for post in self._found])
        run(
            f"INSERT INTO {kind}_texts VALUES (?, ?, ?)",
            [(post, at, array("I", marks).tobytes()) for post, marks in self._new.items()],
        )
        # One statement for all: a call for each of some thousand marks would cost as much again as storing them.
        self.db.execute(
            f"""INSERT OR IGNORE INTO {kind}_marks
                SELECT m.value, p.key FROM json_each(?) p, json_each(p.value) m ORDER BY 1""",
            [json.dumps(self._new)],
        )
        _forget_old(self.db, self.window, self.now)

    def size(self) -> int:
        return int(self.db.execute(f"SELECT count(*) FROM {self.window.kind}_texts").fetchone()[0])


def _forget_old(db: Database, window: Window, now: datetime) -> None:
    texts = f"{window.kind}_texts"
    over = db.execute(f"SELECT count(*) - ? FROM {texts}", [window.most]).fetchone()[0]
    rows = db.execute(
        f"SELECT post FROM {texts} WHERE at < ? ORDER BY at LIMIT ?", [utc_text(now - window.keep), FORGOTTEN_AT_ONCE]
    ).fetchall()
    if over > len(rows):
        rows = db.execute(f"SELECT post FROM {texts} ORDER BY at, post LIMIT ?", [over]).fetchall()
    _forget(db, window.kind, [post for (post,) in rows])


def forget(db: Database, posts: Sequence[int]) -> None:
    """Posts that no other is to be found like any more."""
    for kind in KINDS:
        _forget(db, kind, posts)


def _forget(db: Database, kind: str, posts: Sequence[int]) -> None:
    rows = db.execute(
        f"SELECT post, marks FROM {kind}_texts WHERE post IN (SELECT value FROM json_each(?))", [json.dumps(posts)]
    ).fetchall()
    db.conn.executemany(
        f"DELETE FROM {kind}_marks WHERE mark = ? AND post = ?",
        [(mark, post) for post, marks in rows for mark in array("I", marks)],
    )
    db.conn.executemany(f"DELETE FROM {kind}_texts WHERE post = ?", [(post,) for post, _ in rows])
