"""Replay: stored history arrives once more, moment by moment, in a mirror of the database, judged by a config.

What each moment knew is what had been stored by then; nothing is asked, stored or sent. Detectors begin to learn
``LEAD`` before the first alert that is told, which is as long as they remember.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.config import Config, SmtpTable
from monitor.matching import Matcher
from monitor.model import BIN, bin_start
from monitor.store import brand_ids, fact, replays
from monitor.work.app import App, rules

LEAD = timedelta(days=45)
SILENT = timedelta(days=3)
"""The last part of the lead goes step by step as well, or what was open at its end would be taken for history."""

NOBODY = "replay@localhost"


@dataclass(frozen=True, slots=True)
class Mirror:
    """The app with the config to judge by, over a database of what had arrived. ``same_rules``: the rules are those
    that the stored copy groups and scores were made with, so that they are taken over."""

    app: App
    db: Database
    same_rules: bool


@contextmanager
def mirror(app: App, db: Database, config: Config, start: datetime, end: datetime) -> Iterator[Mirror]:
    """A mirror of what arrived after ``start`` and up to ``end``."""
    copy = replays.mirror(app.database, start, end)
    try:
        ids = brand_ids(copy, {b.name: b.role for b in config.brands})
        matcher = Matcher(rules(config, ids, app.author_key))
        then = app.judging_by(_mailing(config), matcher, ids)
        same = fact(db, "rules") == matcher.version
        if same:
            replays.keep_groups(copy)
        yield Mirror(then, copy, same)
    finally:
        copy.close()


def _mailing(config: Config) -> Config:
    """The config with somebody to write to, so that every mail is owed; the mirror sends none."""
    to = config.alerts.to or (NOBODY,)
    smtp = config.smtp or SmtpTable.model_validate({"host": "localhost", "from": NOBODY})
    return config.model_copy(update={"alerts": config.alerts.model_copy(update={"to": to}), "smtp": smtp})


def moments(start: datetime, since: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Stretches of arrival: the lead at once, then one bin after the other up to ``now``."""
    at = max(start, bin_start(since) - SILENT)
    if start < at:
        yield start, at
    while at < now:
        yield at, min(at + BIN, now)
        at += BIN


def reveal(mirror: Mirror, start: datetime, end: datetime) -> None:
    """Let what arrived after ``start`` and up to ``end`` arrive."""
    replays.reveal(mirror.db, start, end, grouped=mirror.same_rules)


def take_scores(mirror: Mirror) -> None:
    """Posts whose stored scores were made by the same rules are not scored again."""
    if mirror.same_rules:
        replays.take_scores(mirror.db)


def told(mirror: Mirror, since: datetime) -> Iterator[replays.Told]:
    """The alerts owed since this was last asked, without those of the lead."""
    for alert in replays.take_alerts(mirror.db):
        if alert.at >= since:
            yield alert
