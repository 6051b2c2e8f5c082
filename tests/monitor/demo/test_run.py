from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.config import load
from monitor.demo import run
from monitor.demo.world import DAYS, FIRST_DAY, INCIDENT_START, ZONE, local
from monitor.errors import UsageError


def test_steps_are_hourly_and_quarter_hourly_round_the_incident() -> None:
    moments = run.steps()
    assert moments[0] == local(FIRST_DAY, 0.5)
    assert moments[-1] == local(FIRST_DAY + timedelta(days=DAYS), 8.5)
    gaps = {b - a for a, b in pairwise(moments)}
    assert gaps <= {timedelta(minutes=m) for m in (15, 30, 45, 60)}
    near = [m for m in moments if timedelta() <= m - INCIDENT_START < timedelta(hours=10)]
    assert len(near) == 40


def test_every_morning_has_its_step_at_half_past_eight() -> None:
    mornings = {m.astimezone(ZONE).date() for m in run.steps() if m.astimezone(ZONE).strftime("%H:%M") == "08:30"}
    assert mornings == {FIRST_DAY + timedelta(days=n) for n in range(DAYS + 1)}


def test_a_slice_of_the_days() -> None:
    moments = run.steps(date(2026, 10, 23), 2)
    assert (moments[0], moments[-1]) == (local(date(2026, 10, 23), 0.5), local(date(2026, 10, 25), 8.5))


def test_a_folder_in_use_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "qianli.db").write_text("mine")
    with pytest.raises(UsageError, match="is not empty and was not made by a former demo"):
        run.run_demo(tmp_path, print)
    assert [p.name for p in tmp_path.iterdir()] == ["qianli.db"]


def test_a_file_cannot_be_the_folder(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(UsageError, match="demo: cannot be used"):
        run.make_afresh(tmp_path / "demo")


def test_a_former_demo_is_made_afresh_and_other_files_stay(tmp_path: Path) -> None:
    run.make_afresh(tmp_path / "demo")
    (tmp_path / "demo" / "digests" / "澄嵐").mkdir(parents=True)
    (tmp_path / "demo" / "digests" / "澄嵐" / "2026-11-14.html").write_text("old")
    (tmp_path / "demo" / "qianli.db").write_text("old")
    (tmp_path / "demo" / "notes.txt").write_text("mine")
    run.make_afresh(tmp_path / "demo")
    assert {p.name for p in (tmp_path / "demo").iterdir()} == {".qianli-demo", "notes.txt"}


def test_the_config_is_one_that_qianli_takes(tmp_path: Path) -> None:
    config = load(run.write_config(tmp_path, "http://127.0.0.1:8080", 2525))
    assert [(b.name, b.role) for b in config.brands] == [("澄嵐", "own"), ("霽川", "competitor")]
    assert [s.settings["url"] for s in config.sources] == [
        "http://127.0.0.1:8080/news.rss", "http://127.0.0.1:8080/forum.atom", "http://127.0.0.1:8080/microblog.json",
    ]  # fmt: skip
    assert config.smtp is not None
    assert config.smtp.port == 2525


def test_one_day_end_to_end(tmp_path: Path) -> None:
    """The day of the promo: an outage, its digest, every post that the feeds still showed."""
    said: list[str] = []
    outcome = run.run_demo(tmp_path / "demo", said.append, first=date(2026, 11, 4), days=1)
    assert outcome.ended == datetime(2026, 11, 5, 8, 30, tzinfo=ZONE)
    assert {gap["source"] for gap in outcome.gaps} == {"microblog"}
    assert any("503" in gap["reason"] for gap in outcome.gaps)
    assert outcome.failures == ()
    assert outcome.rejected == 0
    assert outcome.mails_to("oncall") == []
    assert {mail.sent_at.astimezone(ZONE).date() for mail in outcome.mails_to("pr")} >= {date(2026, 11, 5)}
    assert outcome.answers == 2  # the third was written while the feed was down, and had left it afterwards
    assert "2026-11-04.html" in [page.name for page in outcome.digests]
    assert any(line.startswith("gap:") for line in said)
    assert "2026-11-04" in (tmp_path / "demo" / "qianli.log").read_text("utf-8")


def test_the_ledger_shows_who_was_answered_and_who_is_content(tmp_path: Path) -> None:
    outcome = run.run_demo(tmp_path / "demo", lambda _: None, first=date(2026, 11, 17), days=2)
    db = Database(outcome.database)
    rows = db.execute(
        """SELECT c.state, c.time_to_answer / 60, c.time_to_recovery / 3600 FROM v_complaints c
           WHERE c.answered_at IS NOT NULL ORDER BY c.first_seen"""
    ).fetchall()
    db.close()
    assert rows == [("recovered", 102, 23), ("answered", 216, None)]
