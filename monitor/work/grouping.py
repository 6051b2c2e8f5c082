"""Groups the posts of a file as the service groups what it collects: the same stage, on a database of its own."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from monitor.errors import InputError, one_line
from monitor.model import Post
from monitor.store import groups, open_store, posts, writing
from monitor.store.posts import Arrival
from monitor.work.stages import BATCH, keys_of
from sources.importer import Options, Rejected, read, read_ids

FIELDS = ("id", "text", "published_at", "source", "author", "url", "likes", "reposts", "comments", "followers",
          "parent", "thread", "page", "kind")  # fmt: skip
"""What a row may hold, as in an import."""

AT_ONCE = 2_000
"""Rows of one transaction."""


def group_file(path: Path, now: datetime, progress: Callable[[int], None] = lambda _: None) -> Iterator[str]:
    """One JSON line for each row of the file, once all are read: a later one may make two groups one.

    Raises InputError with the file, the row and the reason for the first row that is no post.
    """
    rows = (_sound(path, row) for row in read(path, Options(zone=ZoneInfo("UTC"), also=FIELDS), progress))
    given = read_ids(path)
    for (native_id, group, story), written in zip(group_posts(rows, now), given, strict=True):
        yield json.dumps({"id": native_id if written is None else written, "group": group, "story": story},
                         ensure_ascii=False)  # fmt: skip


def _sound(path: Path, row: Post | Rejected) -> Post:
    if isinstance(row, Rejected):
        raise InputError(f"{path}: row {row.line}: {one_line(row.reason)}")
    return row


def group_posts(found: Iterable[Post], now: datetime) -> Iterator[tuple[str, int, int]]:
    """(native id, copy group, story) of each post, in their order. What is stored meanwhile lies in a folder of its
    own, so memory holds no more than the posts' ids."""
    with tempfile.TemporaryDirectory(prefix="qianli-stories-") as folder:
        db = open_store(Path(folder) / "stories.db")
        try:
            order: list[tuple[str, str]] = []
            for batch in _batched(found):
                order += [(post.platform, post.native_id) for post in batch]
                _group(db, batch, now)
            for platform, native_id in order:
                yield native_id, *groups.of_post(db, platform, native_id)
        finally:
            db.close()


def _group(db: Database, batch: Sequence[Post], now: datetime) -> None:
    """Store posts and group them: no other stage has anything to do here."""
    with writing(db):
        posts.add(db, batch, Arrival("file", now, timedelta(hours=2), assumed=True), lambda _platform, author: author)
        stored = posts.take(db, "match", AT_ONCE)
        posts.done(db, "match", stored)
        for at in range(0, len(stored), BATCH):
            some = stored[at : at + BATCH]
            groups.assign(db, {post.id: keys_of(post) for post in some}, now)


def _batched(rows: Iterable[Post]) -> Iterator[list[Post]]:
    rest = iter(rows)
    while batch := list(itertools.islice(rest, AT_ONCE)):
        yield batch
