"""Rehearsing: the jobs on a copy that nobody hears of, to see what they would do now or would have done before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlite_utils import Database

from monitor import jobs
from monitor.config import Config
from monitor.jobs import Progress, Report, quiet
from monitor.model import BIN
from monitor.store import outbox, service
from monitor.store.replays import Told
from monitor.work import digesting, replaying, summing
from monitor.work.app import App


def rehearse(
    app: App, db: Database, now: datetime, progress: Progress = quiet, since: datetime | None = None
) -> Report:  # fmt: skip
    """A cycle on a copy in memory: sources are really asked, nothing is stored, rendered to a file or sent."""
    copy = service.copy_in_memory(db)
    report = Report()
    try:
        jobs.collect(app, copy, now, report, since)
        jobs.process(app, copy, now, report, progress)
        jobs.watch(app, copy, now)
        jobs.attend(app, copy, now)
        report.owed = outbox.summary(copy)["owed"]
        report.notes = [f"digest owed: {b.name} {day}" for b, _, day, _ in digesting.due(app, copy, now)]
        report.notes += [f"digest owed: {b.name} week {day}" for b, _, day, _ in summing.due(app, copy, now)]
    finally:
        copy.close()
    return report


def replay(
    app: App, db: Database, config: Config, since: datetime, now: datetime, progress: Progress = quiet
) -> Iterator[Told]:  # fmt: skip
    """The alerts that ``config`` would have sent from ``since`` to ``now``, in the order in which posts arrived."""
    start = since - replaying.LEAD
    with replaying.mirror(app, db, config, start, now) as mirror:
        then, copy, report = mirror.app, mirror.db, Report()
        then.follow_model(copy)
        for begin, at in replaying.moments(start, since, now):
            replaying.reveal(mirror, begin, at)
            jobs.match(then, copy, at, report, quiet)
            replaying.take_scores(mirror)
            jobs.score(then, copy, at, report, quiet)
            jobs.group(then, copy, at, report, quiet)
            jobs.count(then, copy, report, quiet)
            jobs.watch(then, copy, at)
            jobs.attend(then, copy, at)
            yield from replaying.told(mirror, since)
            progress("replay", int((at - start) / BIN), int((now - at) / BIN))
