"""Watch steps the same detector that ``detect`` does; live posts page, imports never do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import BIN, Page, Query, bin_start, utc_text
from monitor.spikes import detect_lines
from monitor.store import coverage, outbox, writing
from monitor.work import watching
from monitor.work.app import App
from sources.importer import Options
from tests.standin import DAY, HOUR, MINUTE, NOW, Mailbox, mail_server, make_app, post

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
            "INSERT OR IGNORE INTO counts VALUES (1, 'forum', ?, ?, ?, ?, ?, ?)",
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


@pytest.mark.parametrize("every", [1, 3, 7])
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
        jobs.cycle(app, db, now)
        now += HOUR if now < NOW - HOUR else BIN
    (incident,) = db.execute("SELECT state, origin, mails_owed, mails_sent FROM v_incidents").fetchall()
    assert incident[:2] == ("resolved", "live")
    alerts = [m for m, to in zip(mailbox.messages, mailbox.recipients, strict=True) if to == "oncall@example.test"]
    assert incident[2:] == (len(alerts), len(alerts))
    assert len({m["Subject"] for m in alerts}) == 1
    assert len(alerts) in (2, 3)
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
