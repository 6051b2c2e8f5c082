"""Missed: why a day between an archive's first and last page has no digest, as far as the database tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from sqlite_utils import Database

from monitor import digest as rules
from monitor.config import Brand
from monitor.model import ArchivedDay, NoDigest
from monitor.store import coverage, service
from monitor.work.app import App

DAY = timedelta(days=1)


def reasons(
    app: App, db: Database, brand: Brand, key: int, first: date, last: date, made: Sequence[ArchivedDay]
) -> tuple[tuple[date, NoDigest], ...]:
    """Of each day from ``first`` to ``last`` that is not among ``made``; none of a day of which nothing is known."""
    known = {day.day for day in made}
    missing = [day for n in range((last - first).days + 1) if (day := first + n * DAY) not in known]
    return tuple(_judged(app, db, brand, key, missing)) if missing else ()


def _judged(app: App, db: Database, brand: Brand, key: int, missing: Sequence[date]) -> Iterator[tuple[date, NoDigest]]:
    first_run, first_heard = coverage.first_run(db), coverage.first_heard(db)
    began = min(filter(None, (first_run, first_heard)), default=None)
    owed = service.digests_owed(db, key)
    failed = {failure["item"] for failure in service.failures(db) if failure["stage"] == "digest"}
    asked = first_run  # the next time, from a day on, that a source was asked
    for day in missing:
        start, end = rules.local_day(day, app.config.timezone.key)
        if asked is not None and asked < start:
            asked = coverage.next_run(db, start)
        if f"{brand.name} {day}" in failed:
            yield day, NoDigest.FAILED
        elif began is not None and end <= began:
            yield day, NoDigest.BEFORE
        elif owed and day < min(owed):
            yield day, NoDigest.UNWATCHED
        elif first_run is not None and (asked is None or asked >= end):
            yield day, NoDigest.STOPPED
        elif owed and day < max(owed):
            yield day, NoDigest.MISSED
