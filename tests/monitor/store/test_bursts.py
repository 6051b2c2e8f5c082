"""Copies as stored: merged stories, what is usual kept by the day, and queries that an old database does not slow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import BIN, Finding, Kind, Label, Severity, bin_start
from monitor.store import bursts, coverage, incidents, posts, story_voices, writing
from monitor.work import bursting
from monitor.work.app import App
from tests.standin import DAY, HOUR, MINUTE, NOW, make_app, post

AT = bin_start(NOW)


@pytest.fixture
def app(tmp_path: Path) -> App:
    return make_app(tmp_path, {"forum": lambda q: []})


@pytest.fixture
def db(app: App) -> Iterator[Database]:
    db = app.open_store()
    yield db
    db.close()


def put(app: App, db: Database, rows: list[posts.Post]) -> None:
    with writing(db):
        posts.add(db, rows, posts.Arrival("forum", NOW, 2 * HOUR), app.author_key)
    jobs.process(app, db, NOW, Report())


def complaint(n: int, mark: str = "x") -> list[posts.Post]:
    return [
        post(f"{mark}{i}", "澄嵐把客人趕出門外實在太爛了", NOW - MINUTE - i * timedelta(seconds=1)) for i in range(n)
    ]


def test_copies_say_who_what_and_whether_in_time(app: App, db: Database) -> None:
    late = post("late", "澄嵐把客人趕出門外實在太爛了", NOW - 3 * HOUR)
    put(app, db, [*complaint(2), late])
    found = bursts.copies(db, 1, NOW - 4 * HOUR, NOW)
    assert [c.live for c in sorted(found, key=lambda c: c.at)] == [False, True, True]
    assert {(c.label, c.platform, c.bare) for c in found} == {(Label.NEGATIVE, "forum", False)}
    assert len({c.author for c in found}) == 3
    assert len({(c.story, c.group) for c in found}) == 1
    assert bursts.copies(db, 1, NOW - 4 * HOUR, NOW, 2) == found
    assert bursts.copies(db, 1, NOW - 4 * HOUR, NOW, 3) == [], "of three posts two are copies"
    (origin,) = bursts.origins(db, 1, {found[0].group}, NOW).values()
    assert (origin.first_seen, origin.posts) == (NOW - 3 * HOUR, 3)
    assert bursts.origins(db, 2, {found[0].group}, NOW) == {}
    assert story_voices.voices(db, 1, found[0].story, end=NOW) == 1


def test_what_was_told_of_a_story_is_known_under_the_one_it_was_merged_into(app: App, db: Database) -> None:
    put(app, db, complaint(1))
    with writing(db):
        for _ in range(2):
            db.execute("INSERT INTO stories DEFAULT VALUES")
        db.execute("UPDATE stories SET merged_into = 1 WHERE id = 3")
        told = Finding(Kind.BURST, 3, AT, "live", Severity.WARNING, AT, 40, 1.0, {})
        incidents.add_spike(db, 1, told, NOW)
    assert [s.severity for s in bursts.said(db, 1, 1, "live", AT)] == [Severity.WARNING]
    assert bursts.said(db, 1, 1, "history", AT) == []
    assert bursts.said(db, 1, 2, "live", AT) == []
    assert bursts.said(db, 1, 1, "live", AT + BIN) == []


def test_the_usual_of_a_day_is_reckoned_once_and_anew_when_the_day_changes(app: App, db: Database) -> None:
    yesterday = [post(f"y{i}", "澄嵐的咖啡豆又漲價了大家知道嗎", NOW - DAY + i * MINUTE) for i in range(5)]
    put(app, db, yesterday)
    with writing(db):
        coverage.add_heard(db, "forum", NOW - 3 * DAY, NOW, 2 * HOUR)
        db.execute("INSERT INTO shares VALUES (1, 'forum', 1.0, '2026-11-20T00:00:00Z')")
    assert bursting.usual(db, 1, NOW.date()).days == 3
    assert db.execute("SELECT day, peak FROM burst_days ORDER BY day").fetchall() == [
        ("2026-11-17", 0), ("2026-11-18", 0), ("2026-11-19", 4),
    ]  # fmt: skip
    put(app, db, [post(f"z{i}", "澄嵐的咖啡豆又漲價了大家知道嗎", NOW - DAY + i * MINUTE) for i in range(5)])
    bursting.watch(app, db, app.config.brands[0], 1, NOW)
    assert db.execute("SELECT day FROM burst_days").fetchall() == [("2026-11-17",), ("2026-11-18",)]
    bursting.usual(db, 1, NOW.date())
    assert db.execute("SELECT peak FROM burst_days WHERE day = '2026-11-19'").fetchone() == (9,)


def test_no_query_of_a_tick_reads_a_whole_table(app: App, db: Database) -> None:
    """Each step of its plan finds rows by an index: the age of the database does not matter."""
    put(app, db, complaint(20))
    seen: list[str] = []
    db.conn.set_trace_callback(seen.append)
    jobs.watch(app, db, NOW + BIN)
    db.conn.set_trace_callback(None)
    ours = [q for q in seen if q.lstrip().startswith(("SELECT", "WITH")) and (
        "group_members" in q or "engagement" in q or "copies" in q or "burst" in q or "reach_" in q
    )]  # fmt: skip
    assert len(ours) > 4
    for query in ours:
        plan = [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + query).fetchall()]
        found_before = {"a", "n", "looked", "told", "able"}
        scans = [step for step in plan if step.startswith("SCAN") and step.split()[1] not in found_before]
        assert not scans, (query, plan)
