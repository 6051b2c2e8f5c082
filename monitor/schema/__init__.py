"""The database: migrations, each one transaction, and the views that are the public contract.

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
from monitor.schema.tables import BIN_OF, TABLES
from monitor.schema.travel import TRAVEL
from monitor.schema.views import VIEWS

__all__ = ["BIN_OF", "VIEWS", "migrations"]

migrations = Migrations("qianli")


@migrations()
def first(db: Database) -> None:
    """The tables of the whole journey."""
    for statement in TABLES:
        db.execute(statement)
    db.execute("INSERT INTO facts VALUES ('uid', lower(hex(randomblob(6))))")


@migrations()
def first_views(db: Database) -> None:
    _change(db, ())


@migrations()
def models_and_portions(db: Database) -> None:
    """Which model speaks, the weights of trained ones, scores of a part of a post, and what a watch is done with."""
    _change(db, changes.MODELS_AND_PORTIONS)


@migrations()
def coverage_of_silence(db: Database) -> None:
    """``v_coverage`` calls blind what a run gave nothing of, and goes on to the newest round while a source rests."""
    db.execute("DROP VIEW v_coverage")
    db.execute(f"CREATE VIEW v_coverage AS {VIEWS['v_coverage']}")


@migrations()
def incidents_and_people(db: Database) -> None:
    """What people do with incidents, and findings besides spikes."""
    _change(db, changes.INCIDENTS_AND_PEOPLE)


@migrations()
def lists_in_turns(db: Database) -> None:
    """Lists that take turns over several runs; ``v_coverage`` says partial where not all have had theirs."""
    for statement in changes.LISTS_IN_TURNS:
        db.execute(statement)
    db.execute("DROP VIEW IF EXISTS v_coverage")
    db.execute(f"CREATE VIEW v_coverage AS {VIEWS['v_coverage']}")


@migrations()
def alert_mail(db: Database) -> None:
    """What answers to an alert need to know of it, and which incidents' pages are to be written."""
    for statement in changes.ALERT_MAIL:
        db.execute(statement)


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
    for statement in changes.BURSTS_AND_REACH:
        db.execute(statement)


@migrations()
def judged_once(db: Database) -> None:
    """What an older version has judged is not judged again."""
    for statement in changes.JUDGED_ONCE:
        db.execute(statement)


@migrations()
def mentions_of_copies(db: Database) -> None:
    """Mentions know their copy group."""
    for statement in MENTIONS_OF_COPIES:
        db.execute(statement)


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


def _change(db: Database, statements: Iterable[str]) -> None:
    """Change tables while no view looks at them, for a view would follow a table that is renamed; then make all views
    as they now are."""
    for name in VIEWS:
        db.execute(f"DROP VIEW IF EXISTS {name}")
    for statement in statements:
        db.execute(statement)
    for name, select in VIEWS.items():
        db.execute(f"CREATE VIEW {name} AS {select}")
