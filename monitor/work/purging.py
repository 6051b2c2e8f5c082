"""Purge: what is not to be kept any longer goes, by the limits of the config; counts stay what they were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.model import from_utc_text, utc_text
from monitor.store import fact, posts, purges, set_fact, writing
from monitor.store.purges import Limits
from monitor.work.app import App

EVERY = timedelta(days=1)
BATCH = 500
BUSY = 10_000
"""With more posts than this in the queues of the stages, as after a large import, the daily purge comes later: every
row it removes is looked for there."""


@dataclass
class Purged:
    """Posts emptied, posts removed, mails that lost what they said, and notes on complaints that did."""

    emptied: int = 0
    removed: int = 0
    letters: int = 0
    notes: int = 0


def owed(db: Database, now: datetime) -> bool:
    """Whether the last one that came to its end is a day ago, or lies ahead because a clock was wrong; not while the
    stages are busy."""
    last = fact(db, "purged_at")
    recent = last is not None and from_utc_text(last) <= now < from_utc_text(last) + EVERY
    return not recent and sum(posts.waiting(db).values()) <= BUSY


def purge(app: App, db: Database, now: datetime, *, dry_run: bool = False) -> Purged:
    """Remove in small transactions, so that it may run beside the service and be stopped anywhere."""
    privacy = app.config.privacy
    of_sources = {c.name: c.keep for c in app.collectors if c.keep is not None}
    limits = Limits(
        now - privacy.keep_posts, now - privacy.keep_unmatched, {name: now - keep for name, keep in of_sources.items()}
    )
    done, last = Purged(), 0
    purges.overwrite(db)
    while (found := purges.expired(db, limits, last, BATCH)) and not app.stop.is_set():
        last = found[-1].id
        removable, others = [e.id for e in found if e.removable], [e.id for e in found if not e.removable]
        done.emptied, done.removed = done.emptied + len(others), done.removed + len(removable)
        if not dry_run:
            with writing(db):
                purges.empty(db, others, now)
                purges.remove(db, removable)
    shortest = now - min([privacy.keep_posts, *of_sources.values()])
    if dry_run:
        done.letters = purges.empty_letters(db, shortest, dry_run=True)
        done.notes = purges.empty_notes(db, limits.posts, dry_run=True)
    elif not app.stop.is_set():
        with writing(db):
            done.letters = purges.empty_letters(db, shortest)
            done.notes = purges.empty_notes(db, limits.posts)
            set_fact(db, "purged_at", utc_text(now))
    return done
