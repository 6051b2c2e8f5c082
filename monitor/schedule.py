"""The service: APScheduler only ticks. What is due, owed or undone is decided by the database at each tick.

Collect, recheck, stages and watch, attend, ledger, digest, and send are jobs of their own, each in a thread with a
connection of its own, so that a hung source or a failing stage never delays an escalation or a mail that is owed.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from sqlite_utils import Database

from monitor import jobs
from monitor.errors import StoreError
from monitor.jobs import Report, attempt
from monitor.store import counts, posts, service, writing
from monitor.work import collecting, heartbeat
from monitor.work.app import App
from monitor.work.failing import fail

log = logging.getLogger("qianli")
LEASE = "run"
PATIENCE = timedelta(minutes=9)
"""How long a digest waits after a start for sources and stages to catch up; a little less than what makes it late."""

WORK = ("collect", "stages", "attend", "digest", "send")
STALLED = timedelta(minutes=30)
"""A job whose last good round ended longer ago is taken to hang; a large import may keep the stages busy for long."""

TICKS: dict[str, tuple[int, Callable[[App, Database, datetime], None]]] = {
    "collect": (15, lambda app, db, now: jobs.collect(app, db, now, Report(), ticking=True)),
    "answers": (10, lambda app, db, now: jobs.answers(app, db, now, Report())),
    "recheck": (60, lambda app, db, now: jobs.recheck(app, db, now, Report())),
    "stages": (15, lambda app, db, now: _stages(app, db, now)),
    "attend": (15, lambda app, db, now: _attend(app, db, now)),
    "travel": (300, lambda app, db, now: jobs.travel(app, db, now)),
    "ledger": (30, lambda app, db, now: jobs.ledger(app, db, now, Report())),
    "digest": (30, lambda app, db, now: _digest(app, db, now)),
    "send": (10, lambda app, db, now: jobs.send(app, db, now, Report())),
    "purge": (3600, lambda app, db, now: jobs.purge(app, db, now)),
    "heartbeat": (60, lambda app, db, now: _beat(app, db, now)),
    "lease": (60, lambda app, db, now: _renew(app, db, now)),
}
"""Job -> (seconds between ticks, what it does)."""


def run(app: App) -> None:
    """Work until SIGTERM or SIGINT; a cycle under way ends after its current item, and everything else is kept."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.stop.set())
    db = app.open_store()
    try:
        with leased(db, datetime.now(UTC)):
            app.started = datetime.now(UTC)
            scheduler = make_scheduler(app)
            scheduler.start()
            log.info("watching %d brands with %d sources", len(app.brands), len(app.collectors))
            app.stop.wait()
            log.info("stopping")
            scheduler.shutdown(wait=True)
    finally:
        db.close()


@contextmanager
def leased(db: Database, now: datetime) -> Iterator[None]:
    """Be the only one that works on this database; StoreError if another process is."""
    with writing(db):
        holder = service.take_lease(db, LEASE, now)
    try:
        yield
    finally:
        with writing(db):
            service.release_lease(db, LEASE, holder)


def make_scheduler(app: App) -> BackgroundScheduler:
    """One tick runs at a time and missed ones become one: the defaults would drop a job that is a second late."""
    scheduler = BackgroundScheduler(
        timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600}
    )
    for name, (seconds, work) in TICKS.items():
        scheduler.add_job(
            _tick, "interval", seconds=seconds, args=[app, name, work], id=name, next_run_time=datetime.now(UTC)
        )
    return scheduler


def _tick(app: App, name: str, work: Callable[[App, Database, datetime], None]) -> None:
    """One tick of one job, with a connection of its own; a bug in it is stored and mailed like any other failure."""
    if app.stop.is_set():
        return
    db, now = app.open_store(), datetime.now(UTC)
    try:
        _, error = attempt(lambda: work(app, db, now))
        if error is not None:
            fail(app, db, "service", name, error, now)
        else:
            app.done[name] = now
    finally:
        db.close()


def _stages(app: App, db: Database, now: datetime) -> None:
    jobs.process(app, db, now, Report())
    jobs.watch(app, db, now)


def _attend(app: App, db: Database, now: datetime) -> None:
    jobs.hear_before_escalating(app, db, now, Report())
    jobs.attend(app, db, now)


def _digest(app: App, db: Database, now: datetime) -> None:
    """Just after a start, what was missed while we were down is collected first: else yesterday would read as blind."""
    if app.started is not None and now - app.started < PATIENCE and not _caught_up(app, db, now):
        return
    jobs.ledger(app, db, now, Report())
    jobs.digest(app, db, now, Report())


def _caught_up(app: App, db: Database, now: datetime) -> bool:
    """Whether every source has been asked and all that came has been counted."""
    return not (collecting.any_due(app, db, now) or any(posts.waiting(db).values()) or counts.dirty(db))


def _beat(app: App, db: Database, now: datetime) -> None:
    """Only while the others still do their work: a thread that hangs is no good round."""
    if all(name in app.done and now - app.done[name] < STALLED for name in WORK):
        heartbeat.beat(app, now)


def _renew(app: App, db: Database, now: datetime) -> None:
    try:
        with writing(db):
            service.take_lease(db, LEASE, now)
    except StoreError as error:
        log.error("%s", error)
        app.stop.set()
