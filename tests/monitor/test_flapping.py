"""Over counts, as the service steps them: what has been calm and flares up again is the same incident; a flicker, or
what goes on after a person ended it, is nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.model import BIN
from monitor.store import coverage, writing
from monitor.work import acting
from monitor.work.app import App
from tests.monitor.test_life import ALERTS, events, mails, state
from tests.monitor.test_watching import START, put_counts
from tests.standin import MINUTE, NOW, make_app

QUIET = int((NOW - START) / BIN)


@pytest.fixture
def app(tmp_path: Path) -> App:
    return make_app(tmp_path, {"forum": lambda query: []}, mail=9, alerts=ALERTS)


@pytest.fixture
def db(app: App) -> Iterator[Database]:
    database = app.open_store()
    rng = np.random.default_rng(3)
    quiet = [(START + i * BIN, int(n), 2) for i, n in enumerate(rng.poisson(0.25, QUIET))]
    put_counts(database, quiet, live=True)
    jobs.watch(app, database, NOW)
    assert database.execute("SELECT count(*) FROM incidents").fetchone() == (0,)
    yield database
    database.close()


def play(app: App, db: Database, start: datetime, voices: Sequence[int]) -> datetime:
    """One quarter after the other, each counted and watched; the moment after the last."""
    for i, n in enumerate(voices):
        at = start + i * BIN
        with writing(db):
            db.conn.execute(
                "INSERT OR REPLACE INTO counts VALUES (1, 'forum', ?, ?, ?, ?, ?, 2, 'm')",
                [at.strftime("%Y-%m-%dT%H:%M:%SZ"), n + 2, n, n, n],
            )
            coverage.add_heard(db, "forum", at, at + BIN, timedelta(hours=2))
        jobs.watch(app, db, at + BIN)
        jobs.attend(app, db, at + BIN)
    return start + len(voices) * BIN


STORM = [6] * 8
CALM = [0, 0, 1, 0] * 7
"""Seven hours."""


def test_a_second_storm_after_a_calm_is_the_same_incident(app: App, db: Database) -> None:
    at = play(app, db, NOW, [*STORM, *CALM, *CALM])
    assert (state(db), events(db)[-1]) == ("resolved", "resolved")
    play(app, db, at, STORM)
    assert db.execute("SELECT count(*) FROM incidents").fetchone() == (1,)
    assert state(db) in ("open", "escalated")
    assert events(db).count("reopened") == 1
    (spike,) = db.execute("SELECT evidence ->> 'alert' FROM spikes WHERE bin >= ? AND origin = 'live' LIMIT 1",
                          [at.strftime("%Y-%m-%dT%H:%M:%SZ")]).fetchone()  # fmt: skip
    assert spike is None  # the detector's own alert rests for a day; the tests fire all the same


@pytest.mark.parametrize("flicker", [[2, 1], [3], [1, 1, 1, 1], [2, 0, 0, 2]])
def test_a_flicker_after_the_end_begins_nothing(app: App, db: Database, flicker: list[int]) -> None:
    at = play(app, db, NOW, [*STORM, *CALM, *CALM])
    before = (events(db), mails(db))
    play(app, db, at, [*flicker, *CALM])
    assert (events(db), mails(db)) == before


def test_storms_that_come_and_go_within_six_hours_are_one_course(app: App, db: Database) -> None:
    play(app, db, NOW, [*STORM, *[0] * 12, *STORM, *[0] * 12, *STORM])
    assert events(db).count("opened") == 1
    assert not {"resolved", "reopened"} & set(events(db))
    assert mails(db) <= 6


def test_what_a_person_ended_does_not_come_back_while_it_goes_on(app: App, db: Database) -> None:
    at = play(app, db, NOW, STORM)
    acting.resolve(app, db, 1, "Lan", at + MINUTE)
    before = mails(db)
    at = play(app, db, at, [6] * 40)
    assert (state(db), mails(db)) == ("resolved", before) or "reopened" in events(db)
    told = db.execute("SELECT reason FROM incident_events WHERE event = 'reopened'").fetchall()
    assert told in ([], [("warning to critical",)])
    at = play(app, db, at, [*CALM, *CALM])
    play(app, db, at, STORM)
    assert db.execute("SELECT count(*) FROM incidents WHERE origin = 'live'").fetchone() == (1,)
    assert state(db) != "resolved"


def test_a_watch_over_the_same_bins_changes_nothing(app: App, db: Database) -> None:
    at = play(app, db, NOW, [*STORM, *CALM, *CALM, *STORM])
    tables = ("incidents", "incident_events", "spikes", "outbox")
    before = [db.execute(f"SELECT * FROM {t}").fetchall() for t in tables]
    with writing(db):
        db.execute("DELETE FROM detector_states")  # as after a crash or a late import: stepped from the first bin
    jobs.watch(app, db, at)
    jobs.watch(app, db, at + MINUTE)
    assert before == [db.execute(f"SELECT * FROM {t}").fetchall() for t in tables]


def test_stopped_between_any_two_bins_it_comes_to_the_same(app: App, db: Database) -> None:
    """The service is down for hours, and steps over all of it at its next start."""
    voices = [*STORM, *CALM, *CALM, *STORM, *[0] * 4]
    put_counts(db, [(NOW + i * BIN, n, 2) for i, n in enumerate(voices)], live=True)
    jobs.watch(app, db, NOW + len(voices) * BIN)
    assert [e for e in events(db) if e not in ("continues", "grown", "raised")] == ["opened", "resolved", "reopened"]
