"""What was considered is considered once: not again by the detector of another version, nor when nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.model import BIN
from monitor.spikes import Detector
from monitor.store import writing
from monitor.work import stages, watching
from monitor.work.app import App
from tests.monitor.test_changeover import START, forum_app, handled, step
from tests.standin import DAY, HOUR, NOW, Mailbox, alert_round, mail_server

SETTINGS = watching.detector_settings


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def findings(db: Database) -> list[object]:
    return db.execute("SELECT brand, bin, origin, severity, evidence, incident FROM spikes ORDER BY id").fetchall()


def remembered(db: Database) -> list[object]:
    return db.execute("SELECT * FROM detector_states ORDER BY brand, origin, bin").fetchall()


@pytest.mark.parametrize("open_still", [False, True])
def test_another_detector_says_nothing_of_what_was_considered(
    tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, open_still: bool
) -> None:
    app = forum_app(tmp_path, mailbox, storm=NOW, end=NOW + 4 * HOUR)
    db = app.open_store()
    step(app, db, START, NOW, 6 * HOUR)
    until = NOW + (3 if open_still else 20) * HOUR
    step(app, db, NOW, until, BIN)
    told, found = handled(db), findings(db)
    assert found
    eager = replace(SETTINGS(app), z_threshold=2.0, fewest=2)
    monkeypatch.setattr(watching, "detector_settings", lambda _app: eager)
    jobs.cycle(app, db, until)
    with writing(db):
        db.execute("DELETE FROM detector_states")  # as if a late post had come: all is stepped once more
    jobs.cycle(app, db, until)
    assert (handled(db), findings(db)) == (told, found)
    step(app, db, until + BIN, until + 20 * HOUR, BIN)
    states = db.execute("SELECT state FROM incidents").fetchall()
    assert states == [("resolved",)]
    db.close()


def test_a_deaf_detector_of_an_older_version_leaves_old_storms_untold_but_not_one_that_goes_on(
    tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = forum_app(tmp_path, mailbox, storm=NOW, end=NOW + 4 * HOUR)
    db = app.open_store()
    deaf = replace(SETTINGS(app), z_threshold=1e9)
    monkeypatch.setattr(watching, "detector_settings", lambda _app: deaf)
    step(app, db, START, NOW, 6 * HOUR)
    step(app, db, NOW, NOW + 2 * HOUR, BIN)
    assert findings(db) == []
    monkeypatch.setattr(watching, "detector_settings", SETTINGS)
    jobs.cycle(app, db, NOW + 2 * HOUR - BIN)
    assert findings(db) == []
    step(app, db, NOW + 2 * HOUR, NOW + 3 * HOUR, BIN)
    assert db.execute("SELECT count(*) FROM incidents").fetchone() == (1,)
    assert db.execute("SELECT min(bin) >= ? FROM spikes", [f"{NOW + 2 * HOUR - BIN:%Y-%m-%dT%H:%M:%SZ}"]).fetchone()[0]
    db.close()


def apart(app: App) -> None:
    app.quiet.clear()


def test_a_quiet_brand_is_passed_over_and_nothing_differs(
    tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a run that remembers nothing between two ticks, and steps both detectors apart."""

    def run(folder: Path, *, plainly: bool) -> list[str]:
        folder.mkdir()
        app = forum_app(folder, mailbox, storm=NOW, end=NOW + 3 * HOUR)
        db = app.open_store()
        passed = 0
        for at in [*(START + i * 6 * HOUR for i in range(48)), *(NOW + i * BIN for i in range(40))]:
            for again in range(3):
                if plainly:
                    apart(app)
                passed += bool(app.quiet) and again == 2
                alert_round(app, db, at + again * timedelta(minutes=4))
        assert passed == 0 if plainly else passed > 40
        (uid,) = db.execute("SELECT value FROM facts WHERE name = 'uid'").fetchone()
        left = [*handled(db), *findings(db), *remembered(db)]
        db.close()
        return [repr(row).replace(uid, "") for row in left]

    shared = run(tmp_path / "shared", plainly=False)
    loaded = watching._loaded

    def separately(settings: watching.Settings, states: dict[str, str] | None) -> dict[str, Detector]:
        found = loaded(settings, states)
        watching._part(found)
        return found

    monkeypatch.setattr(watching, "_loaded", separately)
    assert run(tmp_path / "plain", plainly=True) == shared


def test_a_quiet_brand_is_looked_at_again_when_something_changes(
    tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = forum_app(tmp_path, mailbox, storm=NOW + 400 * DAY)
    db = app.open_store()
    step(app, db, START, START + DAY, 6 * HOUR)
    at = START + DAY
    for _ in range(3):
        jobs.watch(app, db, at)
    stepped: list[object] = []
    judge = watching._judge
    monkeypatch.setattr(watching, "_judge", lambda *args, **more: stepped.append(args) or judge(*args, **more))
    jobs.watch(app, db, at)
    assert not stepped, "nothing has changed"
    with writing(db):
        db.execute("UPDATE counts SET negative_voices = negative_voices + 1 WHERE bin = (SELECT max(bin) FROM counts)")
    jobs.watch(app, db, at + BIN)
    assert stepped
    db.close()


def test_recent_posts_of_an_older_version_are_grouped_again(tmp_path: Path, mailbox: Mailbox) -> None:
    app = forum_app(tmp_path, mailbox, storm=NOW + 400 * DAY)
    db = app.open_store()
    step(app, db, START, START + 3 * DAY, 6 * HOUR)
    known = db.execute("SELECT count(*) FROM copy_texts").fetchone()
    stories = db.execute('SELECT post, story FROM group_members m JOIN groups g ON g.id = m."group"').fetchall()
    with writing(db):
        for table in ("copy_texts", "copy_marks", "topic_texts", "topic_marks", "links"):
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM facts WHERE name = 'grouping'")
    stages.prepare(app, db, START + 3 * DAY)
    queued = db.execute("SELECT count(*) FROM queue WHERE stage = 'group'").fetchone()
    assert queued == db.execute("SELECT count(*) FROM posts").fetchone()
    jobs.cycle(app, db, START + 3 * DAY)
    assert db.execute("SELECT count(*) FROM copy_texts").fetchone()[0] >= known[0]
    again = db.execute('SELECT post, story FROM group_members m JOIN groups g ON g.id = m."group"').fetchall()
    assert dict(again).items() >= dict(stories).items(), "a story's id stays valid"
    db.close()
