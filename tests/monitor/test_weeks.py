"""The weekly roll-up: owed once a week, and its numbers are those of its days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import Page, Query, utc_text
from monitor.store import incidents as stored
from monitor.store import outbox, weeks, writing
from monitor.work import digesting, summing
from monitor.work.app import App
from tests.standin import DAY, mail_server, make_app, post

TAIPEI = ZoneInfo("Asia/Taipei")
SUNDAY = date(2026, 11, 22)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI)


def a_week(query: Query) -> list[Page]:
    """Posts of the 10th to the 22nd, more of them negative as time goes on."""
    days = [at(f"2026-11-{day:02}T12:00") for day in range(10, 23)]
    texts = [f"澄嵐第{d}天{'退費' if n < d // 3 else '清爽'}{n}" for d in range(len(days)) for n in range(4)]
    posts = [post(i, text, days[i // 4] + timedelta(minutes=i % 4)) for i, text in enumerate(texts)]
    return [Page(tuple(p for p in posts if p.published_at and p.published_at <= query.now))]


def weekly_app(folder: Path, weekly: str = "mon", **more: object) -> App:
    return make_app(folder, {"forum": a_week}, digest={"weekly": weekly}, **more)


def made(db: Database) -> list[tuple[str, int, int]]:
    return [tuple(r) for r in db.execute("SELECT day, revision, late FROM weeks ORDER BY day, revision").fetchall()]


@pytest.mark.parametrize(
    ("weekly", "now", "expected"),
    [
        ("mon", "2026-11-23T08:29", [("2026-11-15", 1, 1)]),  # that of the week before, which nobody made
        ("mon", "2026-11-23T08:31", [("2026-11-22", 1, 0)]),
        ("mon", "2026-11-25T11:00", [("2026-11-22", 1, 1)]),
        ("wed", "2026-11-25T08:35", [("2026-11-24", 1, 0)]),
        ("sun", "2026-11-25T08:35", [("2026-11-21", 1, 1)]),
        ("", "2026-11-23T08:31", []),
    ],
)
def test_it_is_owed_on_its_day_once_the_hour_of_the_digest_has_struck(
    tmp_path: Path, weekly: str, now: str, expected: list[tuple[str, int, int]]
) -> None:
    app = weekly_app(tmp_path, weekly)
    db = app.open_store()
    jobs.collect(app, db, at("2026-11-19T08:00"), Report())
    jobs.digest(app, db, at(now), Report())
    jobs.digest(app, db, at(now) + timedelta(seconds=20), Report())
    assert made(db) == expected
    assert [p.name for p in tmp_path.glob("digests/澄嵐/*-week.html")] == [f"{d}-week.html" for d, _, _ in expected]
    db.close()


def test_weeks_missed_while_down_are_made_up_for_and_marked_late(tmp_path: Path) -> None:
    app = weekly_app(tmp_path)
    db = app.open_store()
    jobs.collect(app, db, at("2026-11-19T08:00"), Report())
    jobs.digest(app, db, at("2026-11-23T08:35"), Report())
    jobs.digest(app, db, at("2026-12-14T12:00"), Report())
    assert made(db) == [
        ("2026-11-22", 1, 0), ("2026-11-29", 1, 1), ("2026-12-06", 1, 1), ("2026-12-13", 1, 1),
    ]  # fmt: skip
    page = (tmp_path / "digests/澄嵐/2026-12-06-week.html").read_text("utf-8")
    assert "延遲：本週摘要於 12/14 12:00 才產生。" in page
    db.close()


def test_before_anything_was_heard_no_week_is_owed(tmp_path: Path) -> None:
    app = weekly_app(tmp_path)
    db = app.open_store()
    jobs.digest(app, db, at("2026-11-23T08:35"), Report())
    assert made(db) == []
    db.close()


def test_its_numbers_are_the_sums_of_its_days(tmp_path: Path) -> None:
    app = weekly_app(tmp_path)
    db = app.open_store()
    now = at("2026-11-23T07:00")
    jobs.collect(app, db, at("2026-11-09T07:00"), Report())
    jobs.collect(app, db, now, Report())
    jobs.process(app, db, now, Report())
    brand = app.config.brands[0]
    week = summing.load(app, db, brand, 1, SUNDAY, now)
    days = [digesting.load(app, db, brand, 1, SUNDAY - n * DAY, now) for n in range(13)]
    assert [p.day for p in week.series] == [SUNDAY - n * DAY for n in range(6, -1, -1)]
    for measure in ("mentions", "negative_posts", "negative_voices", "positive_posts", "unsure_posts"):
        assert getattr(week.totals, measure) == sum(getattr(d.today, measure) for d in days[:7])
        assert week.before is not None
        assert getattr(week.before, measure) == sum(getattr(d.today, measure) for d in days[7:])
    assert week.totals.mentions == 28
    assert (week.start, week.end) == (at("2026-11-16T00:00"), at("2026-11-23T00:00"))
    db.close()


def test_a_second_one_is_a_new_revision_and_the_first_page_stays(tmp_path: Path) -> None:
    app = weekly_app(tmp_path)
    db = app.open_store()
    jobs.collect(app, db, at("2026-11-19T08:00"), Report())
    jobs.digest(app, db, at("2026-11-23T08:35"), Report())
    first = (tmp_path / "digests/澄嵐/2026-11-22-week.html").read_bytes()
    page = summing.make(app, db, app.config.brands[0], 1, SUNDAY, at("2026-11-23T10:00"), send=False)
    assert page.name == "2026-11-22-week-r2.html"
    assert "第 2 版，取代 11/23 08:35 產生的第 1 版" in page.read_text("utf-8")
    assert (tmp_path / "digests/澄嵐/2026-11-22-week.html").read_bytes() == first
    jobs.keep_index(app, db, at("2026-11-23T10:00"))
    assert 'href="2026-11-22-week-r2.html"' in (tmp_path / "digests/澄嵐/index.html").read_text("utf-8")
    assert "2026-11-22-week-r2.html" in (tmp_path / "digests/澄嵐/feed.atom").read_text("utf-8")
    db.close()


def test_it_is_mailed_after_the_days_digest_and_links_its_page(tmp_path: Path) -> None:
    with mail_server() as box:
        app = make_app(
            tmp_path, {"forum": a_week}, mail=box.port, digest={"weekly": "mon", "to": ["pr@example.test"]},
            service={"deadline": "1s", "base_url": "https://pr.example"},
        )  # fmt: skip
        db = app.open_store()
        jobs.collect(app, db, at("2026-11-22T08:00"), Report())
        jobs.digest(app, db, at("2026-11-23T08:35"), Report())
        jobs.send(app, db, at("2026-11-23T08:35"), Report())
        subjects = [str(m["Subject"]) for m in box.messages]
        assert [("每週輿情" in s, "11/22" in s) for s in subjects] == [(False, True), (True, True)]
        body = box.messages[1].get_body(("plain",))
        assert body is not None
        assert "https://pr.example/%E6%BE%84%E5%B5%90/2026-11-22-week.html" in body.get_content()
        db.close()


def test_alerts_count_once_they_reached_somebody_and_false_ones_are_those_judged_not_us(tmp_path: Path) -> None:
    app = weekly_app(tmp_path)
    db = app.open_store()
    start, end = at("2026-11-16T00:00"), at("2026-11-23T00:00")
    with writing(db):
        for number, ending in ((1, "not us"), (2, "calm"), (3, "")):
            db.execute(
                """INSERT INTO incidents (id, brand, origin, state, severity, onset, first_bin, last_bin, opened_at,
                       resolved_at, observed, expected, subject_size, ending)
                   VALUES (?, 1, 'live', ?, 'warning', ?, ?, ?, ?, ?, 9, 1.0, 9, ?)""",
                [number, "resolved" if ending else "open", *[utc_text(start + DAY)] * 4,
                 utc_text(start + DAY + timedelta(hours=3)) if ending else None, ending],
            )  # fmt: skip
        sent = ((1, 1), (1, 2), (2, 1), (3, 1))
        for n, (incident, _) in enumerate(sent):
            owe = outbox.Letter(f"<{n}@x.test>", "alert", "s", "t", "h", ("a@x.test", "b@x.test"), (), 1, incident)
            outbox.owe(db, owe, start + DAY + timedelta(minutes=10 * n))
        late = outbox.Letter("<9@x.test>", "alert", "s", "t", "h", ("a@x.test",), (), 1, 2)
        outbox.owe(db, late, end)
        db.execute("UPDATE deliveries SET state = 'sent' WHERE outbox <> 4")  # the alert of incident 3 never arrived
        stored.add_event(db, 1, start + DAY + timedelta(minutes=25), "acknowledged", by="lin")
        stored.add_event(db, 1, start + DAY + timedelta(minutes=55), "acknowledged", by="wu")
    record = weeks.alerts(db, 1, start, end)
    assert (record.mails, record.incidents, record.false) == (3, 2, 1)
    found = [weeks.incident(db, line) for line in stored.lines_between(db, 1, start, end)]
    assert [i.to_acknowledge for i in found] == [timedelta(minutes=25), None, None]
    assert [i.to_resolve for i in found] == [timedelta(hours=3), timedelta(hours=3), None]
    week = summing.load(app, db, app.config.brands[0], 1, SUNDAY, end + timedelta(hours=9))
    assert [i.line.incident_id for i in week.incidents] == [1, 2, 3]
    db.close()


def test_themes_are_those_of_the_weeks_complaints_against_the_week_before(tmp_path: Path) -> None:
    app = weekly_app(tmp_path)
    db = app.open_store()
    now = at("2026-11-23T07:00")
    jobs.collect(app, db, at("2026-11-09T07:00"), Report())
    jobs.collect(app, db, now, Report())
    jobs.process(app, db, now, Report())
    with writing(db):
        db.execute("UPDATE mentions SET label = 'negative', opens_voice = 1")
        db.execute("DELETE FROM signals")
        db.execute(
            """INSERT INTO signals (post, brand, kind, start, "end", theme, rule, counted_at)
               SELECT post, 1, 'complaint', 0, 2, iif(post % 4 = 0, 'refund', 'service'), 'test', counted_at
               FROM mentions WHERE brand = 1 AND post % 4 < 2"""
        )
        db.execute(
            """INSERT INTO signals (post, brand, kind, start, "end", theme, rule, counted_at)
               SELECT post, 1, 'praise', 3, 4, 'staff', 'test', counted_at FROM mentions WHERE brand = 1"""
        )
    week = summing.load(app, db, app.config.brands[0], 1, SUNDAY, now)
    assert [(t.theme, t.posts, t.voices, t.before) for t in week.themes] == [
        ("refund", 7, 7, 6), ("service", 7, 7, 6),
    ]  # fmt: skip
    assert week.themes[0].series == (1,) * 7
    db.close()


def test_a_week_of_which_too_little_was_heard_is_unknown(tmp_path: Path) -> None:
    app = weekly_app(tmp_path)
    db = app.open_store()
    jobs.collect(app, db, at("2026-11-22T20:00"), Report())
    with writing(db):
        db.execute("DELETE FROM heard")
        db.execute("""INSERT INTO heard (source, "from", "to", late)
                      VALUES ('forum', '2026-10-01T00:00:00Z', '2026-11-17T00:00:00Z', 0)""")
    week = summing.load(app, db, app.config.brands[0], 1, SUNDAY, at("2026-11-23T08:35"))
    assert week.verdict == "unknown"
    assert week.totals.heard < 0.3
    db.close()


def test_a_week_alone_is_in_the_archive(tmp_path: Path) -> None:
    app = weekly_app(tmp_path)
    db = app.open_store()
    summing.make(app, db, app.config.brands[0], 1, SUNDAY, at("2026-11-23T10:00"), send=False)
    jobs.keep_index(app, db, at("2026-11-23T10:00"))
    assert "2026-11-22-week.html" in (tmp_path / "digests/澄嵐/index.html").read_text("utf-8")
    assert (tmp_path / "digests/index.html").exists()
    db.close()
