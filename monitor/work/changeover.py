"""From one model to the next: it scores the last weeks in silence, then all counts switch in one transaction.

Two models do not count alike. If a new one spoke from one post to the next, its own bias would read as a spike or as
calm; so it first scores what the old one scored, the detectors learn what is usual from its numbers alone, and the bins
that were considered before keep what was said of them. New posts wait for the switch: they could only be counted with
the old model's weights, which an upgrade may have replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.digest import local_day
from monitor.store import mentions, models, posts, writing
from monitor.store.posts import Queued
from monitor.work.app import App

DAYS = 28
"""What is scored again: twice the days of the digest's chart, four times the half-life of what is usual."""

BATCH = 500


def needed(app: App, db: Database) -> bool:
    """Whether another model speaks than the one that scores."""
    return models.speaking(db) not in (None, app.scorer.version)


def window(app: App, now: datetime) -> datetime:
    """Where the rescored time begins: at a local midnight, so that no day has two models."""
    zone = app.config.timezone
    return local_day(now.astimezone(zone).date() - timedelta(days=DAYS), zone.key)[0]


def batches(app: App, db: Database, now: datetime) -> Iterator[Sequence[Queued]]:
    """The posts still to be scored by the new model. What a crash leaves undone is found again; a post that cannot be
    scored is passed over, so that it does not hold up the switch."""
    start, last = window(app, now), 0
    while ids := models.unscored(db, app.scorer.version, start, last, BATCH):
        if app.stop.is_set():
            return
        yield posts.read(db, ids)
        last = ids[-1]


def keep(app: App, db: Database, scores: dict[int, list[mentions.Scored]], now: datetime) -> None:
    """Store scores that do not count yet."""
    with writing(db):
        models.use(db, app.scorer.version, now)
        rows = (row for found in scores.values() for row in found)
        mentions.add_scores(db, rows, app.scorer.version, now, beside=True)


def switch(app: App, db: Database, now: datetime) -> None:
    with writing(db):
        models.use(db, app.scorer.version, now)
        models.switch(db, app.scorer.version, window(app, now), now)
