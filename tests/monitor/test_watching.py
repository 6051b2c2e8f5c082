"""Watch steps the same detector that ``detect`` does; live posts page, imports never do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.errors import SourceError
from monitor.jobs import Report
from monitor.model import BIN, Page, Post, Query, bin_start, utc_text
from monitor.spikes import detect_lines
from monitor.store import coverage, outbox, posts, writing
from monitor.work import digesting, watching
from monitor.work.app import App
from sources.importer import Options
from tests.standin import DAY, HOUR, MINUTE, NOW, Mailbox, alert_round, mail_server, make_app, post

START = bin_start(NOW - 12 * DAY)
DAYS = 14


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def series(seed: int = 5) -> list[tuple[datetime, int, int]]:
    """(bin, negative voices, other): two weeks of a small brand with one burst on the eleventh day."""
    rng = np.random.default_rng(seed)
    bins = DAYS * 96
    hour = (np.arange(bins) / 4) % 24
    rate = 0.5 + 0.4 * np.cos(2 * np.pi * (hour - 12) / 24)
    voices, other = rng.poisson(rate), rng.poisson(6 * rate)
    burst = 11 * 96 + 40
    voices[burst : burst + 24] += rng.poisson(6, 24)
    return [(START + i * BIN, int(voices[i]), int(other[i])) for i in range(bins)]


def put_counts(db: Database, rows: Sequence[tuple[datetime, int, int]], *, live: bool) -> None:
    with writing(db):
        db.conn.executemany(
            "INSERT OR IGNORE INTO counts VALUES (1, 'forum', ?, ?, ?, ?, ?, ?, 'm')",
            [(utc_text(at), n + other, n, n, n if live else 0, other) for at, n, other in rows],
        )
        coverage.add_heard(db, "forum", START, rows[-1][0] + BIN, timedelta(hours=2))


def detected(rows: Sequence[tuple[datetime, int, int]]) -> list[dict[str, Any]]:
    lines = ["time,count,other\n", *(f"{utc_text(at)},{n},{other}\n" for at, n, other in rows)]
    return [json.loads(line) for line in detect_lines(lines, name="counts", zone=ZONE)]


ZONE = ZoneInfo("Asia/Taipei")


def spikes(db: Database, origin: str = "live") -> list[tuple[str, dict[str, Any]]]:
    rows = db.execute("SELECT bin, evidence FROM spikes WHERE origin = ? ORDER BY bin", [origin]).fetchall()
    return [(at, json.loads(evidence)) for at, evidence in rows]


@pytest.mark.parametrize("every", [2, 7])
def test_a_store_with_a_stepped_now_gives_the_alerts_of_detect(tmp_path: Path, every: int) -> None:
    app = make_app(tmp_path, {"forum": lambda q: []})
    db = app.open_store()
    rows = series()
    for i in range(0, len(rows), every * 16):
        put_counts(db, rows[: i + every * 16][i:], live=True)
        jobs.watch(app, db, min(START + (i + every * 16) * BIN, START + len(rows) * BIN))
    wanted = detected(rows)
    assert wanted
    assert spikes(db) == [(a["time"], a) for a in wanted]
    db.close()


def test_one_cycle_over_everything_gives_the_same_as_many(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda q: []})
    db = app.open_store()
    rows = series()
    put_counts(db, rows, live=True)
    jobs.watch(app, db, START + len(rows) * BIN)
    assert [at for at, _ in spikes(db)] == [a["time"] for a in detected(rows)]
    before = db.execute("SELECT * FROM spikes").fetchall()
    jobs.watch(app, db, START + len(rows) * BIN + HOUR)
    assert db.execute("SELECT * FROM spikes").fetchall() == before
    db.close()


def burst_app(tmp_path: Path, mailbox: Mailbox) -> App:
    """A forum with a fortnight of quiet and then an hour in which thirty people are angry."""

    def forum(query: Query) -> list[Page]:
        quiet = [
            post(f"q{i}", "澄嵐爛" if i % 8 == 0 else "澄嵐還行", START + i * HOUR)
            for i in range(int((query.now - START) / HOUR) + 1)
        ]
        angry = [post(f"x{i}", f"澄嵐太爛{i}", NOW + i * 2 * MINUTE) for i in range(60)]
        return [Page(tuple(p for p in [*quiet, *angry] if p.published_at and p.published_at <= query.now)[-300:])]

    return make_app(tmp_path, {"forum": forum}, mail=mailbox.port)


def test_a_live_burst_opens_an_incident_mails_once_and_resolves(tmp_path: Path, mailbox: Mailbox) -> None:
    app = burst_app(tmp_path, mailbox)
    db = app.open_store()
    now = START
    while now < NOW + 14 * HOUR:
        alert_round(app, db, now)
        now += HOUR if now < NOW - HOUR else BIN
    (incident,) = db.execute("SELECT state, origin, mails_owed, mails_sent FROM v_incidents").fetchall()
    assert incident[:2] == ("resolved", "live")
    alerts = [m for m, to in zip(mailbox.messages, mailbox.recipients, strict=True) if to == "oncall@example.test"]
    assert incident[2:] == (len(alerts), len(alerts))
    assert len({m["Subject"] for m in alerts}) == 1
    assert len(alerts) in (3, 4)
    assert all(m["In-Reply-To"] for m in alerts[1:])
    assert "澄嵐" in alerts[0]["Subject"]
    events = [e for (e,) in db.execute("SELECT event FROM incident_events ORDER BY id")]
    assert (events[0], events[-1]) == ("opened", "resolved")
    first = datetime.fromisoformat(db.execute("SELECT opened_at FROM incidents").fetchone()[0])
    assert first - NOW <= HOUR
    db.close()


def test_the_same_posts_imported_open_history_and_mail_nobody(tmp_path: Path, mailbox: Mailbox) -> None:
    from monitor.work.importing import import_file

    angry = [(NOW + i * 2 * MINUTE, f"澄嵐太爛{i}") for i in range(60)]
    quiet = [(START + i * HOUR, "澄嵐爛" if i % 8 == 0 else "澄嵐還行") for i in range(int((NOW + DAY - START) / HOUR))]
    file = tmp_path / "posts.jsonl"
    lines = [json.dumps({"id": str(i), "text": t, "published_at": utc_text(at)}) for i, (at, t) in
             enumerate([*quiet, *angry])]  # fmt: skip
    file.write_text("\n".join(lines), "utf-8")
    app = make_app(tmp_path, mail=mailbox.port)
    db = app.open_store()
    done = import_file(app, db, file, Options(zone=ZONE), NOW + 2 * DAY, lambda n: None)
    assert (done.new, done.rejected) == (len(lines), 0)
    jobs.process(app, db, NOW + 2 * DAY, Report())
    jobs.watch(app, db, NOW + 2 * DAY)
    (incident,) = db.execute("SELECT origin, state, mails_owed FROM v_incidents").fetchall()
    assert incident == ("history", "resolved", 0)
    assert outbox.summary(db)["owed"] == 0
    again = import_file(app, db, file, Options(zone=ZONE), NOW + 2 * DAY, lambda n: None)
    assert again.new == 0
    db.close()


def test_a_competitor_is_counted_and_never_watched(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda q: [Page((post(1, "霽川爛", q.now),))]})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    jobs.cycle(app, db, NOW + HOUR)
    assert db.execute("SELECT count(*) FROM counts").fetchone() == (1,)
    assert db.execute("SELECT count(DISTINCT brand) FROM detector_states").fetchone()[0] <= 1
    assert [b.name for b, _ in app.own_brands] == ["澄嵐"]
    db.close()


def test_memory_of_another_settings_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(tmp_path, {"forum": lambda q: []})
    db = app.open_store()
    rows = series()
    put_counts(db, rows, live=True)
    jobs.watch(app, db, START + len(rows) * BIN)
    kept = db.execute("SELECT DISTINCT settings FROM detector_states").fetchall()
    assert len(kept) == 1
    plain = watching.detector_settings(app)
    monkeypatch.setattr(watching, "detector_settings", lambda a: replace(plain, zone=ZoneInfo("UTC")))
    jobs.watch(app, db, START + len(rows) * BIN)
    assert db.execute("SELECT DISTINCT settings FROM detector_states").fetchall() != kept
    db.close()


def storm_app(tmp_path: Path, mailbox: Mailbox, shown: Callable[[Query, Post], bool], **more: Any) -> App:
    """A fortnight of quiet, then ten angry voices a quarter for hours; ``shown`` says what a query is given."""
    quiet = [
        post(f"q{i}", "澄嵐爛" if i % 8 == 0 else "澄嵐還行", START + i * HOUR)
        for i in range(int((NOW - START) / HOUR))
    ]
    angry = [post(f"x{i}", f"澄嵐太爛{i}", NOW + i * 2 * MINUTE) for i in range(360)]

    def forum(query: Query) -> list[Page]:
        found = [p for p in [*quiet, *angry] if p.published_at and p.published_at <= query.now and shown(query, p)]
        return [Page(tuple(found[-300:]))]

    return make_app(tmp_path, {"forum": forum}, mail=mailbox.port, **more)


def step(app: App, db: Database, start: datetime, end: datetime, by: timedelta) -> None:
    while start < end:
        alert_round(app, db, start)
        start += by


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an app that has lived through the quiet of ``storm_app``."""
    folder = tmp_path_factory.mktemp("weeks")
    with mail_server() as mailbox:
        app = storm_app(folder, mailbox, lambda query, found: True)
        db = app.open_store()
        step(app, db, START, NOW, HOUR)
        db.close()
    return folder


def lived(weeks: Path, app: App) -> Database:
    """The database of an app that has lived through it too."""
    shutil.copytree(weeks, app.database.parent, dirs_exist_ok=True)
    return app.open_store()


def test_a_storm_heard_late_is_no_all_clear(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    blind = (NOW + 2 * HOUR, NOW + 11 * HOUR)

    def shown(query: Query, found: Post) -> bool:
        if blind[0] <= query.now < blind[1]:
            raise SourceError("example.test: 503")
        return True

    app = storm_app(tmp_path, mailbox, shown)
    db = lived(weeks, app)
    step(app, db, NOW, NOW + 11 * HOUR + BIN, BIN)
    assert db.execute("SELECT count(*) FROM v_coverage WHERE state = 'heard late'").fetchone()[0] > 0
    assert db.execute("SELECT state, origin FROM v_incidents").fetchall() == [("open", "live")]
    assert not [e for (e,) in db.execute("SELECT event FROM incident_events") if e == "resolved"]
    db.close()


def test_a_flooded_search_does_not_mute_its_own_alert(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    """Its page shows the newest ten minutes of each quarter: no bin is heard whole while the storm lasts."""
    quiet = [
        post(f"q{i}", "澄嵐爛" if i % 8 == 0 else "澄嵐還行", START + i * HOUR)
        for i in range(int((NOW - START) / HOUR))
    ]
    angry = [post(f"x{i}", f"澄嵐太爛{i}", NOW + i * MINUTE) for i in range(180)]

    def forum(query: Query) -> list[Page]:
        return [Page(tuple([p for p in [*quiet, *angry] if p.published_at and p.published_at <= query.now][:-11:-1]))]

    app = make_app(tmp_path, {"forum": forum}, mail=mailbox.port)
    db = lived(weeks, app)
    step(app, db, NOW, NOW + 3 * HOUR, BIN)
    heard = coverage.heard_share(db, 1, NOW + HOUR, NOW + 3 * HOUR)
    assert not heard
    assert db.execute("SELECT state, origin FROM v_incidents").fetchall() == [("open", "live")]
    opened = datetime.fromisoformat(db.execute("SELECT opened_at FROM incidents").fetchone()[0])
    assert opened - NOW <= HOUR
    assert "oncall@example.test" in mailbox.recipients
    db.close()


def test_posts_that_surface_late_open_no_second_incident(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    def shown(query: Query, found: Post) -> bool:
        slow = found.native_id.startswith("x") and int(found.native_id[1:]) % 2 == 0
        return not slow or bool(found.published_at and found.published_at <= query.now - 45 * MINUTE)

    app = storm_app(tmp_path, mailbox, shown)
    db = lived(weeks, app)
    step(app, db, NOW, NOW + 6 * HOUR, BIN)
    assert db.execute("SELECT count(*) FROM incidents").fetchone() == (1,)
    events = [e for (e,) in db.execute("SELECT event FROM incident_events")]
    assert events.count("opened") == 1
    db.close()


def test_posts_that_wait_for_their_score_are_neither_calm_nor_judged(
    weeks: Path, tmp_path: Path, mailbox: Mailbox
) -> None:
    app = storm_app(tmp_path, mailbox, lambda query, found: True, keep_going=True)
    db = lived(weeks, app)
    step(app, db, NOW, NOW + 2 * HOUR, BIN)
    assert db.execute("SELECT state FROM incidents").fetchall() == [("open",)]
    app.__dict__["scorer"] = None
    step(app, db, NOW + 2 * HOUR, NOW + 14 * HOUR, BIN)
    assert db.execute("SELECT state FROM incidents").fetchall() == [("open",)]
    assert db.execute("SELECT count(*) FROM queue WHERE stage = 'score'").fetchone()[0] > 100
    day = (NOW + 2 * HOUR).astimezone(ZONE).date()
    digest = digesting.load(app, db, app.config.brands[0], 1, day, NOW + 14 * HOUR)
    assert digest.today.pending_posts > 100
    assert digest.today.heard < 0.8
    db.close()


def test_an_import_hears_for_the_brands_it_speaks_of_and_not_through_silence(tmp_path: Path) -> None:
    from monitor.work.importing import import_file

    rows = [(NOW - 20 * DAY, "霽川好"), (NOW - 19 * DAY, "霽川爛"), (NOW - 2 * DAY, "霽川好"), (NOW, "霽川好")]
    file = tmp_path / "survey.jsonl"
    file.write_text("\n".join(json.dumps({"text": t, "published_at": utc_text(at)}) for at, t in rows), "utf-8")
    app = make_app(tmp_path)
    db = app.open_store()
    import_file(app, db, file, Options(zone=ZONE), NOW, lambda n: None)
    jobs.process(app, db, NOW, Report())
    jobs.watch(app, db, NOW)
    assert coverage.days_heard(db, app.brands["霽川"], NOW) == pytest.approx(3, abs=0.1)
    assert coverage.days_heard(db, app.brands["澄嵐"], NOW) == 0
    db.close()


def test_once_a_source_has_run_an_import_proves_nothing_of_it(tmp_path: Path) -> None:
    def dead(query: Query) -> list[Page]:
        raise SourceError("example.test: 503")

    app = make_app(tmp_path, {"dead": dead})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    arrival = posts.Arrival("import:survey", NOW + DAY, 2 * HOUR, assumed=True)
    with writing(db):
        posts.add(db, [post(1, "澄嵐好", NOW), post(2, "澄嵐好", NOW + DAY)], arrival, app.author_key)
        coverage.add_heard_history(db, "import:survey", NOW - HOUR, NOW + DAY)
        coverage.forget_shares(db)
    jobs.process(app, db, NOW + DAY, Report())
    jobs.watch(app, db, NOW + DAY)
    heard = coverage.heard_share(db, 1, bin_start(NOW - HOUR), bin_start(NOW + DAY))
    assert max(at for at, share in heard.items() if share > 0) < NOW
    db.close()
