"""One slice of the demo, end to end: feeds over HTTP, scores, a spike, mail over SMTP, digests; then the numbers held
against the public views. The slice begins four days before the planted incident, so that the first three are learning.
"""

from __future__ import annotations

import mailbox
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.config import load
from monitor.demo.run import CONFIG, run_demo
from monitor.demo.summary import Outcome
from monitor.demo.world import INCIDENT_START, ZONE
from monitor.store import counts, open_store
from monitor.work import digesting
from monitor.work.app import App, open_app
from tests.numbers import days, held

DAYS = 6
FIRST = INCIDENT_START.astimezone(ZONE).date() - timedelta(days=4)
INCIDENT_DAY = FIRST + timedelta(days=4)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_demo(tmp_path_factory.mktemp("journey") / "demo", lambda line: None, first=FIRST, days=DAYS)


@pytest.fixture
def db(outcome: Outcome) -> Iterator[Database]:
    database = open_store(outcome.database)
    yield database
    database.close()


@pytest.fixture
def app(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("QIANLI_DEMO_PASSWORD", "unused")
    return open_app(load(outcome.folder / CONFIG))


def test_the_incident_is_told_while_it_is_small_and_nothing_else_is(outcome: Outcome) -> None:
    assert outcome.early_alerts() == []
    first = outcome.first_alert()
    assert first is not None
    assert first.sent_at - INCIDENT_START <= timedelta(hours=4)
    (incident,) = outcome.incidents
    assert (incident["brand"], incident["origin"]) == ("澄嵐", "live")


def test_all_alerts_of_the_incident_are_one_thread(outcome: Outcome) -> None:
    box = mailbox.mbox(outcome.mailbox, create=False)
    alerts = [m for m in box if str(m["To"]).startswith("oncall@")]
    box.close()
    assert 1 <= len(alerts) <= 7
    assert len({m["Subject"] for m in alerts}) == 1
    ids = [m["Message-ID"] for m in alerts]
    assert len(set(ids)) == len(ids)
    assert [m["In-Reply-To"] for m in alerts] == [None, *ids[:-1]]
    assert all({part.get_content_type() for part in m.walk()} >= {"text/plain", "text/html"} for m in alerts)


def test_nothing_failed_and_nothing_is_left_to_do(outcome: Outcome, db: Database) -> None:
    assert outcome.failures == ()
    assert db.execute("SELECT count(*) FROM queue").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM dirty_bins").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM deliveries WHERE state <> 'sent'").fetchone() == (0,)
    assert counts.recount_all(db) == counts.stored(db)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_each_number_of_each_day_is_what_its_query_gives(app: App, db: Database) -> None:
    found = [each for day in days(db) for each in held(app, db, day)]
    assert len(found) > DAYS * 10
    assert [name for name, right in found if not right] == []


def test_a_digest_a_day_is_archived_and_mailed(outcome: Outcome) -> None:
    days = [FIRST + timedelta(days=i - 1) for i in range(DAYS + 1)]
    assert [p.stem for p in outcome.digests] == [d.isoformat() for d in days]
    assert len(outcome.mails_to("pr")) == len(days)


def test_every_number_of_the_digests_is_that_of_the_views(app: App, outcome: Outcome, db: Database) -> None:
    """For each day: the four numbers, the platforms and the chart equal ``v_daily`` and ``v_posts``."""
    brand = app.config.brands[0]
    for offset in range(DAYS):
        day = FIRST + timedelta(days=offset)
        digest = digesting.load(app, db, brand, app.brands[brand.name], day, outcome.ended)
        assert numbers(db, day) == (digest.today.mentions, digest.today.negative_posts, digest.today.negative_voices)
        by_platform = {p: (t.mentions, t.negative_posts, t.negative_voices) for p, t in digest.platforms}
        assert by_platform == {p: numbers(db, day, p) for p in by_platform}
        assert sum(t.mentions for _, t in digest.platforms) == digest.today.mentions
        for point in digest.series:
            totals = point.totals
            assert numbers(db, point.day) == (totals.mentions, totals.negative_posts, totals.negative_voices)
        assert [i.incident_id for i in digest.incidents] == [
            i
            for i, onset, resolved in db.execute("SELECT incident, onset, resolved_at FROM v_incidents").fetchall()
            if onset < stamp(digest.end) and (resolved is None or resolved >= stamp(digest.start))
        ]


def numbers(db: Database, day: date, platform: str = "%") -> tuple[int, int, int]:
    row = db.execute(
        """SELECT coalesce(sum(mentions), 0), coalesce(sum(negative_posts), 0), coalesce(sum(negative_voices), 0)
           FROM v_daily WHERE brand = '澄嵐' AND local_day = ? AND platform LIKE ?""",
        [day.isoformat(), platform],
    ).fetchone()
    return (row[0], row[1], row[2])


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_page_shows_the_days_numbers_and_runs_nothing(
    app: App, outcome: Outcome, db: Database, tmp_path: Path
) -> None:  # fmt: skip
    """Made now: the page of that morning does not know of copies that came after it and joined two of its voices."""
    brand = app.config.brands[0]
    made = digesting.make(
        app, db, brand, app.brands[brand.name], INCIDENT_DAY, outcome.ended, send=False, folder=tmp_path
    )
    page = made.read_text("utf-8")
    mentions, negative, voices = numbers(db, INCIDENT_DAY)
    for number in (mentions, negative, voices):
        assert re.search(rf">\s*{number:,}\s*<", page), number
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page


def test_the_homonym_and_the_own_account_are_no_mentions(db: Database) -> None:
    assert db.execute("SELECT count(*) FROM v_posts_unmatched WHERE text LIKE '%澄嵐山%'").fetchone()[0] > 0
    rows = db.execute("SELECT text FROM v_posts WHERE brand = '澄嵐' AND text LIKE '%澄嵐山%'").fetchall()
    assert all("澄嵐" in text.replace("澄嵐山", "") or "Chenglan" in text for (text,) in rows)
    assert db.execute("SELECT count(*) FROM v_posts WHERE author_name IS NOT NULL").fetchone() == (0,)


def test_the_database_opens_with_a_plain_shell(outcome: Outcome) -> None:
    plain = sqlite3.connect(outcome.database)
    for (view,) in plain.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
        plain.execute(f"SELECT * FROM {view}").fetchall()
    plain.close()
