"""A storm on one of several platforms is found there, though the brand as a whole shows nothing far out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import BIN, Page, utc_text
from monitor.store import coverage, service, writing
from monitor.work import platforms, watching
from monitor.work.trails import Course, last_hour
from tests.monitor.test_watching import START
from tests.standin import DAY, HOUR, make_app, post

Row = tuple[datetime, str, int, int]
"""Bin, platform, negative voices, other."""
STORM = 11 * 96 + 40


def two_platforms(seed: int = 3, storm: float = 8.0) -> list[Row]:
    """A fortnight of a brand of which a large forum and a small board (a sixth) speak; a storm of the board alone."""
    rng = np.random.default_rng(seed)
    hour = (np.arange(14 * 96) / 4) % 24
    season = 1 + 0.6 * np.cos(2 * np.pi * (hour - 12) / 24)
    voices = {"forum": rng.poisson(2.0 * season), "board": rng.poisson(0.4 * season)}
    voices["board"][STORM : STORM + 12] += rng.poisson(storm / 4, 12)
    return [
        (START + i * BIN, name, int(voices[name][i]), int(rng.poisson(5 * per * season[i])))
        for i in range(len(season)) for name, per in (("forum", 2.0), ("board", 0.4))
    ]  # fmt: skip


def put(db: Database, rows: Sequence[Row], since: datetime = START) -> None:
    with writing(db):
        db.conn.executemany(
            "INSERT OR IGNORE INTO counts VALUES (1, ?, ?, ?, ?, ?, ?, ?, 'm')",
            [(name, utc_text(at), n + other, n, n, n, other) for at, name, n, other in rows],
        )
        coverage.add_heard(db, "forum", since, rows[-1][0] + BIN, timedelta(hours=2))


def found(db: Database) -> list[tuple[str, str]]:
    rows = db.execute("SELECT bin, evidence FROM spikes WHERE origin = 'live' ORDER BY bin").fetchall()
    return [(at, json.loads(evidence).get("platform", "")) for at, evidence in rows]


def test_a_storm_of_a_small_platform_is_told_with_its_name_and_ends(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda q: []})
    db = app.open_store()
    put(db, two_platforms())
    jobs.watch(app, db, START + 14 * DAY)
    (told,) = found(db)
    at, name = told
    assert name == "board"
    assert utc_text(START + STORM * BIN) <= at < utc_text(START + (STORM + 12) * BIN)
    state, resolved = db.execute("SELECT state, resolved_at FROM incidents").fetchone()
    assert state == "resolved"
    assert resolved >= utc_text(START + (STORM + 12) * BIN + 4 * HOUR), "not while the board alone is loud"
    db.close()


def test_without_the_storm_nothing_is_told(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda q: []})
    db = app.open_store()
    put(db, two_platforms(storm=0.0))
    jobs.watch(app, db, START + 14 * DAY)
    assert found(db) == []
    db.close()


def test_what_is_remembered_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda q: []})
    db = app.open_store()
    put(db, two_platforms()[: 4 * 96 * 2])
    settings, end, settled = watching.detector_settings(app), START + 4 * DAY, START + 4 * DAY - 9 * BIN
    whole = platforms.judge({}, db, 1, settings, Course(START, end, settled, []))
    whole.keep({}, db, 1)
    assert {len(heard) for heard in whole.heard.values()} == {2}
    again = platforms.judge({}, db, 1, settings, Course(settled + BIN, end, settled, []))
    assert again.heard == {at: heard for at, heard in whole.heard.items() if at > settled}
    kept = db.execute("SELECT max(bin), count(*) FROM detector_states WHERE origin = 'live:board'").fetchone()
    assert kept == (utc_text(last_hour(settled)), 1 + 3), "and the ends of three days"
    db.close()


@pytest.mark.parametrize(("small", "names"), [(0.05, []), (0.2, ["big", "small"])])
def test_only_platforms_that_carry_a_good_part_are_judged(tmp_path: Path, small: float, names: list[str]) -> None:
    app = make_app(tmp_path, {"forum": lambda q: []})
    db = app.open_store()
    rows = [(START + i * BIN, "big", 0, int(1000 * (1 - small))) for i in range(8)]
    put(db, [*rows, *((at, "small", 0, int(1000 * small)) for at, *_ in rows)])
    assert platforms._large(db, 1, START + DAY) == names
    db.close()


def test_a_platform_is_heard_when_the_source_that_brings_it_is(tmp_path: Path) -> None:
    def brings(name: str) -> Page:
        return Page(
            tuple(replace(post(f"{name}{i}", f"澄嵐{name}{i}", START + i * HOUR), platform=name) for i in range(4))
        )

    app = make_app(tmp_path, {n: lambda q, n=n: [brings(n)] for n in ("forum", "board")})  # type: ignore[misc]
    db = app.open_store()
    jobs.collect(app, db, START + 5 * HOUR, Report())
    jobs.process(app, db, START + 5 * HOUR, Report())
    with writing(db):
        db.execute("DELETE FROM heard")
        coverage.add_heard(db, "board", START, START + HOUR, timedelta(hours=2))
    end = START + 2 * HOUR
    assert list(coverage.heard_on(db, 1, "board", START, end).values()) == [1.0] * 4
    assert not any(coverage.heard_on(db, 1, "forum", START, end).values())
    db.close()


def test_bins_kept_in_memory_say_what_stepping_over_them_again_says(tmp_path: Path) -> None:
    """Also of bins that come to hold more when they have been judged, and of what was heard of them."""
    app = make_app(tmp_path, {"forum": lambda q: []})
    first = app.open_store()
    rows = two_platforms()
    put(first, rows[: 2 * STORM])
    jobs.watch(app, first, START + STORM * BIN)
    outcomes = []
    for forgetful in (False, True):
        app.trails.clear()
        db = service.copy_in_memory(first)
        for i in range(STORM, STORM + 20):
            put(db, rows[2 * i : 2 * i + 2], since=START + i * BIN)
            if i % 3 == 0:
                late = utc_text(START + (i - i % 5) * BIN)
                with writing(db):
                    db.execute(
                        "UPDATE counts SET live_voices = live_voices + 2, other = other + 9 WHERE bin = ?", [late]
                    )
                    db.execute("DELETE FROM detector_states WHERE bin >= ?", [late])
            if forgetful:
                app.trails.clear()
            jobs.watch(app, db, START + (i + 1) * BIN)
        tables = ("spikes", "incidents", "incident_events", "detector_states")
        outcomes.append([db.execute(f"SELECT * FROM {table}").fetchall() for table in tables])
        db.close()
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0]
    first.close()
