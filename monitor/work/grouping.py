"""Groups the posts of a file as the service groups what it collects: the same stage, on a database of its own."""

from __future__ import annotations

import itertools
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from monitor.errors import InputError, one_line
from monitor.model import Post
from monitor.store import groups, open_scratch, posts, writing
from monitor.store.posts import BATCH, Arrival
from sources.importer import Options, Rejected, read_with_ids

FIELDS = ("id", "text", "published_at", "source", "author", "url", "likes", "reposts", "comments", "followers",
          "parent", "thread", "page", "kind")  # fmt: skip
"""What a row may hold, as in an import."""

T = TypeVar("T")

AT_ONCE = 2_000
"""Rows of one transaction."""


def group_file(path: Path, now: datetime, progress: Callable[[int], None] = lambda _: None) -> Iterator[str]:
    """One JSON line for each row of the file, once all are read: a later one may make two groups one.

    Raises InputError with the file, the row and the reason for the first row that is no post.
    """
    given: list[object] = []

    def rows() -> Iterator[Post]:
        for written, row in read_with_ids(path, Options(zone=ZoneInfo("UTC"), also=FIELDS), progress):
            if isinstance(row, Rejected):
                raise InputError(f"{path}: row {row.line}: {one_line(row.reason)}")
            given.append(row.native_id if written is None else written)
            yield row

    encode = json.JSONEncoder(ensure_ascii=False).encode
    for place, (group, story) in enumerate(group_posts(rows(), now)):
        yield f'{{"id": {encode(given[place])}, "group": {group}, "story": {story}}}'


def group_posts(found: Iterable[Post], now: datetime) -> Iterator[tuple[int, int]]:
    """(copy group, story) of each post, in their order. Memory holds no more than a number for each post."""
    with closing(open_scratch().conn) as connection:
        db = Database(connection)
        order = array("q")
        for batch in _batched(found, AT_ONCE):
            order.extend(_group(db, batch, now))
        for some in _batched(order, AT_ONCE):
            known = groups.of_posts(db, some)
            yield from (known[post] for post in some)


def _group(db: Database, batch: Sequence[Post], now: datetime) -> Sequence[int]:
    """Store posts and group them: no other stage has anything to do here. Their numbers."""
    with writing(db):
        arrival = Arrival("file", now, timedelta(hours=2), assumed=True)
        ids = posts.add(db, batch, arrival, lambda _platform, author: author).ids
        stored = posts.take(db, "match", AT_ONCE)
        posts.done(db, "match", stored)
        for some in _batched(stored, BATCH):
            groups.assign(db, {post.id: posts.keys_of(post) for post in some}, now)
    return ids


def _batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(rows)
    while batch := list(itertools.islice(rest, size)):
        yield batch
