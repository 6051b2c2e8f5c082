"""The database: migrations, and the views that are the public contract.

``upgrade`` brings a database to this version. Views hold nothing, so a migration changes tables alone, and all views
are made anew whenever one was pending; one that has nothing to do was about a view.

All times are UTC text ``2026-11-21T08:00:00Z``. ``tables`` has what the first version made, ``changes`` what each later
one added, ``views`` what others may build on.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlite_utils import Database, Migrations

from monitor.schema import changes
from monitor.schema.archive import ARCHIVE
from monitor.schema.complaints import COMPLAINTS
from monitor.schema.copies import MENTIONS_OF_COPIES
from monitor.schema.feelings import SIGNALS
from monitor.schema.ledger import LEDGER
from monitor.schema.reach import LOOKS_BY_TIME
from monitor.schema.tables import BIN_OF, TABLES
from monitor.schema.travel import TRAVEL
from monitor.schema.views import VIEWS

__all__ = ["BIN_OF", "VIEWS", "migrations", "upgrade"]

migrations = Migrations("qianli")


def upgrade(db: Database) -> None:
    """Apply the pending migrations while no view looks at the tables: a view would follow a table that is renamed.

    The caller holds the transaction, so that all or nothing is changed.
    """
    for name in VIEWS:
        db.execute(f"DROP VIEW IF EXISTS {name}")
    migrations.apply(db)
    for name, select in VIEWS.items():
        db.execute(f"CREATE VIEW {name} AS {select}")


@migrations()
def first(db: Database) -> None:
    """The tables of the whole journey."""
    _change(db, TABLES)
    db.execute("INSERT INTO facts VALUES ('uid', lower(hex(randomblob(6))))")


@migrations()
def first_views(db: Database) -> None:
    """The views."""


@migrations()
def models_and_portions(db: Database) -> None:
    """Which model speaks, the weights of trained ones, scores of a part of a post, and what a watch is done with."""
    _change(db, changes.MODELS_AND_PORTIONS)


@migrations()
def coverage_of_silence(db: Database) -> None:
    """``v_coverage`` calls blind what a run gave nothing of, and goes on to the newest round while a source rests."""


@migrations()
def incidents_and_people(db: Database) -> None:
    """What people do with incidents, and findings besides spikes."""
    _change(db, changes.INCIDENTS_AND_PEOPLE)


@migrations()
def lists_in_turns(db: Database) -> None:
    """Lists that take turns over several runs; ``v_coverage`` says partial where not all have had theirs."""
    _change(db, changes.LISTS_IN_TURNS)


@migrations()
def alert_mail(db: Database) -> None:
    """What answers to an alert need to know of it, and which incidents' pages are to be written."""
    _change(db, changes.ALERT_MAIL)


@migrations()
def life_of_incidents(db: Database) -> None:
    """How incidents end, begin again and are judged anew."""
    _change(db, changes.LIFE_OF_INCIDENTS)


@migrations()
def near_copies(db: Database) -> None:
    """Near-copies, links and topics of the last weeks, and the view of stories."""
    _change(db, changes.NEAR_COPIES)


@migrations()
def bursts_and_reach(db: Database) -> None:
    """What story-bursts and early warnings are judged against, and how far that was done."""
    _change(db, changes.BURSTS_AND_REACH)


@migrations()
def judged_once(db: Database) -> None:
    """What an older version has judged is not judged again."""
    _change(db, changes.JUDGED_ONCE)


@migrations()
def mentions_of_copies(db: Database) -> None:
    """Mentions know their copy group."""
    _change(db, MENTIONS_OF_COPIES)


@migrations()
def signals(db: Database) -> None:
    """What customers feel, as spans of posts."""
    _change(db, SIGNALS)


@migrations()
def travel_index(db: Database) -> None:
    """How far stories came, and how much farther the negative ones."""
    _change(db, TRAVEL)


@migrations()
def complaint_ledger(db: Database) -> None:
    """Complaints, what was said in them, and what is still to be looked at."""
    _change(db, COMPLAINTS)


@migrations()
def archive_of_digests(db: Database) -> None:
    """What each digest said when it was made, and the weekly roll-ups."""
    _change(db, ARCHIVE)


@migrations()
def ledger_reach_and_notes(db: Database) -> None:
    """A complaint's reach may be unknown, and what people noted of it goes with its words."""
    _change(db, LEDGER)


@migrations()
def posts_of_complaints(db: Database) -> None:
    """``v_complaint_posts`` and ``v_engagement``: what a complaint had come to at any moment."""


@migrations()
def looks_by_time(db: Database) -> None:
    """The looks at posts of a quarter of an hour, found at once."""
    _change(db, LOOKS_BY_TIME)


def _change(db: Database, statements: Iterable[str]) -> None:
    for statement in statements:
        db.execute(statement)
