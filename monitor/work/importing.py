"""Import: the rows of a file become posts of ``import:<platform>``, whose arrival is assumed and never pages anyone."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from monitor.model import Post
from monitor.store import coverage, posts, writing
from monitor.work.app import App
from sources.importer import Options, Rejected, read, write_rejected

BATCH = 1000
LONGEST_SILENCE = timedelta(days=7)


@dataclass
class Imported:
    """What an import did: rows read, posts new to the database, rows rejected and where they lie.

    ``spoken``: for each platform, the first and last event time of every day that has rows.
    """

    rows: int = 0
    new: int = 0
    rejected: int = 0
    rejected_file: Path | None = None
    spoken: dict[str, dict[date, tuple[datetime, datetime]]] = field(default_factory=dict)


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
        for platform, days in result.spoken.items():
            for first, last in stretches(days):
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
    for post in found:
        if post.published_at is not None and post.published_at <= now:
            _speak(result.spoken.setdefault(post.platform, {}), post.published_at)


def _speak(days: dict[date, tuple[datetime, datetime]], at: datetime) -> None:
    first, last = days.get(at.date(), (at, at))
    days[at.date()] = (min(first, at), max(last, at))


def stretches(days: Mapping[date, tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """What a file is the record of: from its first to its last row, but not through a week without any.

    One row that claims another year, or two answers to a survey months apart, are no record of the time between.
    """
    start = end = None
    for first, last in (days[day] for day in sorted(days)):
        if start is None or end is None:
            start, end = first, last
        elif first - end > LONGEST_SILENCE:
            yield start, end
            start, end = first, last
        else:
            end = last
    if start is not None and end is not None:
        yield start, end


def _source(platform: str) -> str:
    return f"import:{platform}"
