"""Import: the rows of a file become posts of ``import:<platform>``, whose arrival is assumed and never pages anyone."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from monitor.model import Post, counted_at
from monitor.store import coverage, posts, writing
from monitor.work.app import App
from sources.importer import Options, Rejected, read, write_rejected

BATCH = 1000


@dataclass
class Imported:
    """What an import did: rows read, posts new to the database, rows rejected and where they lie."""

    rows: int = 0
    new: int = 0
    rejected: int = 0
    rejected_file: Path | None = None
    heard: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)


def import_file(
    app: App, db: Database, path: Path, options: Options, now: datetime, progress: Callable[[int], None]
) -> Imported:
    """Store every readable row; the others go to FILE.rejected with line and reason. Twice adds nothing."""
    result = Imported()
    rejected: list[Rejected] = []
    try:
        for batch in _batched(read(path, options, progress)):
            _store(app, db, [row for row in batch if isinstance(row, Post)], result, now)
            rejected += [row for row in batch if isinstance(row, Rejected)]
            result.rows += len(batch)
    finally:  # an archive that is cut short has given rows before its end
        _end(db, path, result, rejected)
    return result


def _end(db: Database, path: Path, result: Imported, rejected: Sequence[Rejected]) -> None:
    with writing(db):
        for platform, (first, last) in result.heard.items():
            coverage.add_heard_history(db, _source(platform), first, last)
        coverage.forget_shares(db)
    result.rejected = len(rejected)
    if rejected:
        result.rejected_file = path.with_name(path.name + ".rejected")
        write_rejected(result.rejected_file, rejected)


def _batched(rows: Iterable[Post | Rejected]) -> Iterator[list[Post | Rejected]]:
    walk = iter(rows)
    while batch := list(itertools.islice(walk, BATCH)):
        yield batch


def _store(app: App, db: Database, found: Sequence[Post], result: Imported, now: datetime) -> None:
    by_platform: dict[str, list[Post]] = defaultdict(list)
    for post in found:
        by_platform[post.platform].append(post)
    with writing(db):
        for platform, rows in by_platform.items():
            arrival = posts.Arrival(_source(platform), now, app.config.service.live_within, assumed=True)
            result.new += posts.add(db, rows, arrival, app.author_key, app.config.privacy.keep_authors).new
    for platform, rows in by_platform.items():
        times = [counted_at(p.published_at, now) for p in rows]
        known = result.heard.get(platform, (times[0], times[0]))
        result.heard[platform] = (min(known[0], *times), max(known[1], *times))


def _source(platform: str) -> str:
    return f"import:{platform}"
