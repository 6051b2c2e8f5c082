"""An incident's whole life on a real database: findings, growth, people, silences, escalation and reopening."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.errors import UsageError
from monitor.incidents import HISTORY, LIVE
from monitor.model import BIN, Finding, Kind, Severity, bin_start
from monitor.store import incidents as stored
from monitor.store import writing
from monitor.work import acting, handling
from monitor.work.app import App
from tests.standin import HOUR, MINUTE, NOW, make_app

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
ONCALL, CHIEF = "oncall@example.test", "chief@example.test"
ALERTS = {"to": [ONCALL], "escalate_to": [CHIEF], "escalate_after": "30m", "reopen_within": "24h"}


@pytest.fixture
def app(tmp_path: Path) -> App:
    return make_app(tmp_path, mail=9, alerts=ALERTS)


@pytest.fixture
def db(app: App) -> Iterator[Database]:
    database = app.open_store()
    yield database
    database.close()


def finding(at: datetime, severity: Severity = WARNING, *, observed: int = 10, **more: Any) -> Finding:
    at = bin_start(at)
    given = {"kind": Kind.SPIKE, "subject": 0, "origin": LIVE, "onset": at - HOUR, **more}
    return Finding(at=at, severity=severity, observed=observed, expected=1.0, evidence={}, **given)


def find(app: App, db: Database, at: datetime, severity: Severity = WARNING, **more: Any) -> None:
    handling.take_in(app, db, app.config.brands[0], 1, finding(at, severity, **more), at)


def calm(app: App, db: Database, at: datetime) -> None:
    seen = {origin: finding(at, Severity.NOTICE, origin=origin) for origin in (LIVE, HISTORY)}
    handling.calm(app, db, app.config.brands[0], 1, seen, at)


def grow(app: App, db: Database, observed: int, at: datetime, incident: int = 1) -> None:
    with writing(db):
        stored.update_size(db, incident, observed, 1.0)
    handling.grow(app, db, app.config.brands[0], 1, dict, at)


def events(db: Database, incident: int = 1) -> list[str]:
    rows = db.execute("SELECT event FROM v_incident_events WHERE incident = ? ORDER BY event_id", [incident])
    return [event for (event,) in rows]


def mails(db: Database, to: str = ONCALL) -> int:
    return int(db.execute("SELECT count(*) FROM deliveries WHERE recipient = ?", [to]).fetchone()[0])


def state(db: Database, incident: int = 1) -> str:
    return str(db.execute("SELECT state FROM v_incidents WHERE incident = ?", [incident]).fetchone()[0])


def put_voices(db: Database, at: datetime, **platforms: int) -> None:
    with writing(db):
        db.conn.executemany(
            "INSERT INTO counts VALUES (1, ?, strftime('%Y-%m-%dT%H:%M:%SZ', ?), ?, ?, ?, ?, 0, 'm')",
            [(name, bin_start(at).isoformat(), n, n, n, n) for name, n in platforms.items()],
        )


def test_nobody_acknowledges_and_the_second_address_is_called_once(app: App, db: Database) -> None:
    find(app, db, NOW)
    jobs.attend(app, db, NOW + 29 * MINUTE)
    assert (state(db), mails(db, CHIEF)) == ("open", 0)
    jobs.attend(app, db, NOW + 30 * MINUTE)
    assert (state(db), mails(db, CHIEF), mails(db)) == ("escalated", 1, 2)
    jobs.attend(app, db, NOW + 3 * HOUR)
    assert events(db) == ["opened", "escalated"]
    (reason,) = db.execute("SELECT reason FROM incident_events WHERE event = 'escalated'").fetchone()
    assert reason == "nobody acknowledged it in 30 minutes"
    assert db.execute("SELECT count(DISTINCT subject) FROM outbox").fetchone() == (1,)


def test_an_escalation_that_fell_into_a_standstill_is_owed_at_the_next_start(app: App, db: Database) -> None:
    find(app, db, NOW)
    jobs.attend(app, db, NOW + 9 * HOUR)
    assert mails(db, CHIEF) == 1


def test_acknowledging_stops_the_escalation_and_mails_nobody(app: App, db: Database) -> None:
    find(app, db, NOW)
    done = acting.acknowledge(app, db, 1, "Lan", NOW + 5 * MINUTE)
    assert done == acting.Outcome(True, "incident 1: acknowledged by Lan", (1,))
    jobs.attend(app, db, NOW + HOUR)
    assert (state(db), mails(db), mails(db, CHIEF)) == ("acknowledged", 1, 0)
    assert db.execute("SELECT owner, taken_at FROM v_incidents").fetchone() == ("Lan", "2026-11-20T02:05:00Z")
    again = acting.acknowledge(app, db, 1, "Lan", NOW + 6 * MINUTE)
    assert (again.changed, again.says) == (False, "incident 1 was acknowledged by Lan before")
    assert events(db) == ["opened", "acknowledged"]
    assert acting.acknowledge(app, db, 1, "Wu", NOW + 7 * MINUTE).changed
    assert db.execute("SELECT reason, \"by\" FROM incident_events ORDER BY id DESC").fetchone() == (
        "taken over from Lan", "Wu",
    )  # fmt: skip


def test_those_who_were_called_hear_that_somebody_has_it_and_that_it_ended(app: App, db: Database) -> None:
    find(app, db, NOW)
    jobs.attend(app, db, NOW + 30 * MINUTE)
    acting.acknowledge(app, db, 1, "Lan", NOW + 40 * MINUTE)
    assert (mails(db), mails(db, CHIEF)) == (3, 2)
    grow(app, db, 40, NOW + 2 * HOUR)
    assert (mails(db), mails(db, CHIEF)) == (4, 2)  # it is Lan's now
    calm(app, db, NOW + 8 * HOUR)
    assert (mails(db), mails(db, CHIEF)) == (5, 3)


def test_history_is_never_escalated_nor_mailed(app: App, db: Database) -> None:
    find(app, db, NOW, CRITICAL, origin=HISTORY)
    jobs.attend(app, db, NOW + 9 * HOUR)
    grow(app, db, 400, NOW + 9 * HOUR)
    assert (events(db), mails(db), mails(db, CHIEF)) == (["opened"], 0, 0)


def test_it_is_told_again_when_it_doubled_by_ten_and_half_an_hour_apart(app: App, db: Database) -> None:
    find(app, db, NOW)
    grow(app, db, 100, NOW + 29 * MINUTE)
    assert mails(db) == 1
    grow(app, db, 19, NOW + 31 * MINUTE)
    assert mails(db) == 1
    grow(app, db, 20, NOW + 31 * MINUTE)
    grow(app, db, 39, NOW + 2 * HOUR)
    assert events(db) == ["opened", "grown"]
    assert db.execute("SELECT reason FROM incident_events WHERE event = 'grown'").fetchone() == ("10 to 20",)
    grow(app, db, 40, NOW + 3 * HOUR)
    assert mails(db) == 3


def test_a_small_one_that_doubles_is_not_told_again(app: App, db: Database) -> None:
    find(app, db, NOW, observed=5)
    grow(app, db, 14, NOW + HOUR)
    assert mails(db) == 1
    grow(app, db, 15, NOW + HOUR)
    assert mails(db) == 2


def test_what_gets_more_severe_does_not_wait(app: App, db: Database) -> None:
    find(app, db, NOW)
    find(app, db, NOW + BIN, CRITICAL, observed=30)
    assert (events(db), mails(db)) == (["opened", "raised"], 2)


def test_a_platform_that_no_mail_named_is_told_once(app: App, db: Database) -> None:
    put_voices(db, NOW - BIN, ptt=9)
    find(app, db, NOW)
    put_voices(db, NOW + BIN, weibo=5)
    grow(app, db, 14, NOW + HOUR)
    assert events(db) == ["opened", "spread"]
    assert db.execute("SELECT reason FROM incident_events WHERE event = 'spread'").fetchone() == ("weibo",)
    put_voices(db, NOW + 5 * BIN, weibo=4)
    grow(app, db, 15, NOW + 2 * HOUR)
    assert mails(db) == 2


def test_where_no_platform_was_shown_none_is_another(app: App, db: Database) -> None:
    find(app, db, NOW, kind=Kind.BURST, subject=7, observed=13)
    put_voices(db, NOW + BIN, ptt=5)
    again = finding(NOW + HOUR, kind=Kind.BURST, subject=7, observed=14)
    handling.swell(app, db, app.config.brands[0], 1, again, NOW + HOUR)
    assert events(db) == ["opened"]


def test_a_platform_that_a_mail_has_shown_with_a_fifth_is_no_news_at_a_third(app: App, db: Database) -> None:
    put_voices(db, NOW - BIN, ptt=8, weibo=2, plurk=1)
    find(app, db, NOW)
    put_voices(db, NOW + BIN, weibo=3, plurk=1)
    grow(app, db, 14, NOW + HOUR)  # weibo brings a third now, and plurk an eighth
    assert events(db) == ["opened"]
    put_voices(db, NOW + 2 * BIN, plurk=6)
    grow(app, db, 15, NOW + 2 * HOUR)
    assert events(db) == ["opened", "spread"]
    assert db.execute("SELECT reason FROM incident_events WHERE event = 'spread'").fetchone() == ("plurk",)


def test_a_storm_that_is_over_is_not_told_when_a_trickle_doubles_it(app: App, db: Database) -> None:
    find(app, db, NOW, observed=29)
    with writing(db):
        stored.update_size(db, 1, 59, 6.5)
    for chance, told in ((0.4, ["opened"]), (0.001, ["opened", "grown"])):
        evidence = {"six_hours": {"observed": 3, "expected": 2.2, "low": 0, "high": 5, "p": chance, "ratio": 1.4}}
        handling.grow(app, db, app.config.brands[0], 1, evidence.copy, NOW + 11 * HOUR)
        assert events(db) == told


@pytest.mark.parametrize("kind", [Kind.BURST, Kind.TAKEOFF])
def test_a_story_or_a_post_that_goes_on_is_told_when_it_doubled(app: App, db: Database, kind: Kind) -> None:
    find(app, db, NOW, kind=kind, subject=7, observed=13)
    brand = app.config.brands[0]
    for hours, subject, observed in ((1, 7, 25), (2, 8, 90), (3, 7, 12), (4, 7, 26)):
        again = finding(NOW + hours * HOUR, kind=kind, subject=subject, observed=observed)
        handling.swell(app, db, brand, 1, again, NOW + hours * HOUR)
    assert events(db) == ["opened", "grown"]
    assert db.execute("SELECT observed, mailed_size FROM incidents").fetchone() == (26, 26)
    assert mails(db) == 2


def test_the_worst_moment_may_be_one_that_was_told_as_growth(app: App, db: Database) -> None:
    evidence = {"since_onset": {"observed": 57, "expected": 1.8, "low": 0, "high": 5, "p": 1e-37, "ratio": 31.7}}
    find(app, db, NOW)
    with writing(db):
        stored.update_size(db, 1, 57, 1.8)
    handling.grow(app, db, app.config.brands[0], 1, evidence.copy, NOW + HOUR)
    calm(app, db, NOW + 8 * HOUR)
    (text,) = db.execute("SELECT text FROM outbox ORDER BY id DESC").fetchone()
    assert "最嚴重時：自 09:00 起 57 個負面聲音；平常約 1.8（95% 區間 0–5）；×31.7" in text


def test_below_the_minimum_nothing_is_mailed_or_escalated(tmp_path: Path) -> None:
    app = make_app(tmp_path, mail=9, alerts={**ALERTS, "minimum": "critical"})
    db = app.open_store()
    find(app, db, NOW)
    grow(app, db, 100, NOW + HOUR)
    jobs.attend(app, db, NOW + 9 * HOUR)
    assert (events(db), mails(db), mails(db, CHIEF)) == (["opened"], 0, 0)
    find(app, db, NOW + 9 * HOUR, CRITICAL)
    jobs.attend(app, db, NOW + 10 * HOUR)
    assert (events(db), mails(db, CHIEF)) == (["opened", "raised", "escalated"], 1)
    db.close()


def test_a_silenced_one_mails_nothing_and_is_again_what_it_was(app: App, db: Database) -> None:
    find(app, db, NOW)
    acting.acknowledge(app, db, 1, "Lan", NOW + MINUTE)
    done = acting.silence(app, db, "1", 4 * HOUR, "Lan", NOW + 2 * MINUTE)
    assert done.says == "incident 1: silenced by Lan until 2026-11-20T06:02:00Z"
    grow(app, db, 15, NOW + HOUR)
    jobs.attend(app, db, NOW + 3 * HOUR)
    assert (state(db), mails(db)) == ("silenced", 1)
    assert db.execute("SELECT silenced_until FROM v_incidents").fetchone() == ("2026-11-20T06:02:00Z",)
    jobs.attend(app, db, NOW + 5 * HOUR)
    jobs.attend(app, db, NOW + 6 * HOUR)
    assert (state(db), mails(db)) == ("acknowledged", 1)
    assert events(db) == ["opened", "acknowledged", "silenced", "unsilenced"]


def test_one_mail_when_a_silence_ends_and_it_has_grown_and_the_clock_starts_anew(app: App, db: Database) -> None:
    find(app, db, NOW)
    acting.silence(app, db, "澄嵐", HOUR, "Lan", NOW + MINUTE)
    jobs.attend(app, db, NOW + 59 * MINUTE)
    grow(app, db, 100, NOW + 50 * MINUTE)
    assert (mails(db), mails(db, CHIEF)) == (1, 0)
    jobs.attend(app, db, NOW + 2 * HOUR)
    assert (state(db), mails(db), mails(db, CHIEF)) == ("open", 2, 0)
    jobs.attend(app, db, NOW + 2 * HOUR + 30 * MINUTE)
    assert (state(db), mails(db, CHIEF)) == ("escalated", 1)


def test_what_opens_during_a_brands_silence_is_told_at_its_end(app: App, db: Database) -> None:
    acting.silence(app, db, "澄嵐", HOUR, "Lan", NOW)
    find(app, db, NOW + BIN)
    assert (state(db), mails(db)) == ("silenced", 0)
    lifted = acting.lift(app, db, "澄嵐", "Lan", NOW + 30 * MINUTE)
    assert lifted == acting.Outcome(True, "澄嵐: silence lifted by Lan", (1,))
    assert (state(db), mails(db), events(db)) == ("open", 1, ["opened", "unsilenced"])
    assert not acting.lift(app, db, "澄嵐", "Lan", NOW + 31 * MINUTE).changed


def test_a_silence_said_twice_is_one_and_a_longer_one_takes_its_place(app: App, db: Database) -> None:
    find(app, db, NOW)
    acting.silence(app, db, "1", HOUR, "Lan", NOW)
    again = acting.silence(app, db, "1", HOUR, "Lan", NOW)
    assert (again.changed, again.says) == (False, "incident 1 is silenced until 2026-11-20T03:00:00Z already")
    acting.silence(app, db, "1", 2 * HOUR, "Wu", NOW)
    jobs.attend(app, db, NOW + HOUR)
    assert (state(db), events(db)) == ("silenced", ["opened", "silenced", "silenced"])


def test_with_the_brand_and_the_incident_silenced_both_must_end(app: App, db: Database) -> None:
    find(app, db, NOW)
    acting.silence(app, db, "1", 3 * HOUR, "Lan", NOW)
    acting.silence(app, db, "澄嵐", HOUR, "Lan", NOW)
    jobs.attend(app, db, NOW + 2 * HOUR)
    assert state(db) == "silenced"
    jobs.attend(app, db, NOW + 3 * HOUR)
    assert state(db) == "open"
    acting.silence(app, db, "澄嵐", HOUR, "Lan", NOW + 4 * HOUR)
    with pytest.raises(UsageError, match="lift the brand's silence"):
        acting.lift(app, db, "1", "Lan", NOW + 4 * HOUR)


def test_a_silenced_incident_ends_without_a_mail(app: App, db: Database) -> None:
    find(app, db, NOW)
    acting.silence(app, db, "1", 24 * HOUR, "Lan", NOW)
    calm(app, db, NOW + 8 * HOUR)
    jobs.attend(app, db, NOW + 25 * HOUR)
    assert (state(db), mails(db), events(db)) == ("resolved", 1, ["opened", "silenced", "resolved"])


def test_a_person_ends_it_and_what_goes_on_of_it_is_not_told_anew(app: App, db: Database) -> None:
    find(app, db, NOW)
    done = acting.resolve(app, db, 1, "Lan", NOW + 20 * MINUTE)
    assert (done.changed, mails(db)) == (True, 2)
    assert not acting.resolve(app, db, 1, "Wu", NOW + 21 * MINUTE).changed
    find(app, db, NOW + 3 * BIN)
    assert not handling.matters(app, db, 1, finding(NOW + HOUR))
    assert (state(db), mails(db)) == ("resolved", 2)
    assert db.execute("SELECT ending, owner FROM v_incidents").fetchall() == [("person", "Lan")]
    find(app, db, NOW + 2 * HOUR, CRITICAL)
    assert (state(db), events(db)[-1], mails(db)) == ("open", "reopened", 3)


def test_after_a_calm_it_begins_again_as_the_same_incident(app: App, db: Database) -> None:
    find(app, db, NOW)
    acting.acknowledge(app, db, 1, "Lan", NOW + MINUTE)
    acting.resolve(app, db, 1, "Lan", NOW + HOUR)
    calm(app, db, NOW + 5 * HOUR)
    assert handling.matters(app, db, 1, finding(NOW + 8 * HOUR))
    find(app, db, NOW + 8 * HOUR)
    assert events(db) == ["opened", "acknowledged", "resolved", "reopened"]
    row = db.execute("SELECT state, owner, resolved_at, ending, onset, reopened_at FROM v_incidents").fetchall()
    assert row == [("open", "", None, "", "2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z")]
    jobs.attend(app, db, NOW + 9 * HOUR)
    assert state(db) == "escalated"
    calm(app, db, NOW + 15 * HOUR)
    assert events(db)[-1] == "resolved"


def test_longer_after_its_end_it_is_another_incident(app: App, db: Database) -> None:
    find(app, db, NOW)
    calm(app, db, NOW + 7 * HOUR)
    find(app, db, NOW + 33 * HOUR)
    assert [state(db, i) for i in (1, 2)] == ["resolved", "open"]


def test_late_spikes_of_its_own_course_do_not_wake_an_ended_incident(app: App, db: Database) -> None:
    find(app, db, NOW)
    calm(app, db, NOW + 7 * HOUR)
    handling.take_in(app, db, app.config.brands[0], 1, finding(NOW + HOUR, CRITICAL), NOW + 8 * HOUR)
    assert (state(db), events(db), mails(db)) == ("resolved", ["opened", "resolved", "continues"], 2)


def test_a_burst_while_the_rate_is_calm_stands_for_six_hours(app: App, db: Database) -> None:
    find(app, db, NOW, kind=Kind.BURST, subject=_story(db), observed=30)
    assert db.execute("SELECT kind, story FROM v_incidents").fetchall() == [("burst", 1)]
    calm(app, db, NOW + HOUR)
    assert state(db) == "open"
    find(app, db, NOW + HOUR, observed=8)
    assert db.execute("SELECT observed FROM v_incidents").fetchall() == [(30,)]  # copies stay copies
    calm(app, db, NOW + 5 * HOUR)
    assert state(db) == "open"
    calm(app, db, NOW + 6 * HOUR)
    assert state(db) == "resolved"


def _story(db: Database) -> int:
    with writing(db):
        return int(db.execute("INSERT INTO stories DEFAULT VALUES").lastrowid or 0)


def _say(db: Database, story: int, at: datetime, voices: int) -> None:
    """Voices of one story from a moment on, a minute apart."""
    with writing(db):
        group = db.execute("INSERT INTO groups (story) VALUES (?)", [story]).lastrowid
        for i in range(voices):
            when = (at + i * MINUTE).strftime("%Y-%m-%dT%H:%M:%SZ")
            post = db.execute(
                """INSERT INTO posts (platform, native_id, url, kind, text, counted_at, arrived_at, assumed, live,
                       parent, root, page) VALUES ('forum', ?, '', 'post', '澄嵐爛', ?, ?, 0, 1, '', '', '')""",
                [f"{story}-{when}", when, when],
            ).lastrowid
            db.execute("INSERT INTO group_members VALUES (?, ?)", [post, group])
            db.execute(
                """INSERT INTO mentions (post, brand, via, term, counted_at, label, opens_voice)
                   VALUES (?, 1, 'term', '澄嵐', ?, 'negative', 1)""",
                [post, when],
            )


@pytest.mark.parametrize("what", ["1", "澄嵐"])
def test_a_silence_is_broken_by_a_critical_new_story_and_by_nothing_else(app: App, db: Database, what: str) -> None:
    old, new = _story(db), _story(db)
    _say(db, old, NOW - HOUR, 30)
    find(app, db, NOW, observed=30)
    acting.silence(app, db, what, 8 * HOUR, "Lan", NOW + MINUTE)
    _say(db, old, NOW + 10 * MINUTE, 40)
    find(app, db, NOW + HOUR, CRITICAL, observed=70)
    assert (state(db), mails(db), events(db)) == ("silenced", 1, ["opened", "silenced", "raised"])
    _say(db, new, NOW + 61 * MINUTE, 25)
    assert not handling.matters(app, db, 1, finding(NOW + 2 * HOUR, WARNING))
    assert handling.matters(app, db, 1, finding(NOW + 2 * HOUR, CRITICAL))
    find(app, db, NOW + 2 * HOUR, CRITICAL, observed=95)
    assert (state(db, 1), state(db, 2), mails(db)) == ("silenced", "open", 2)
    found = db.execute("SELECT story, onset, observed, severity FROM v_incidents WHERE incident = 2").fetchone()
    assert found == (new, "2026-11-20T03:01:00Z", 25, "critical")
    (reason,) = db.execute("SELECT reason FROM incident_events WHERE incident = 2").fetchone()
    assert reason == "first spike of a new story during a silence"
    assert not handling.matters(app, db, 1, finding(NOW + 3 * HOUR, CRITICAL))  # told by now


def test_bursts_of_known_and_of_new_stories_during_a_silence(app: App, db: Database) -> None:
    old, new = _story(db), _story(db)
    _say(db, old, NOW - HOUR, 5)
    find(app, db, NOW, kind=Kind.BURST, subject=old, observed=30)
    acting.silence(app, db, "1", 8 * HOUR, "Lan", NOW + MINUTE)
    find(app, db, NOW + HOUR, CRITICAL, kind=Kind.BURST, subject=old, observed=60)
    assert (state(db), mails(db)) == ("silenced", 1)
    find(app, db, NOW + HOUR, CRITICAL, kind=Kind.BURST, subject=new, observed=60)
    assert (state(db, 2), mails(db)) == ("open", 2)


def test_a_few_voices_of_a_new_story_do_not_break_a_silence(app: App, db: Database) -> None:
    old, new = _story(db), _story(db)
    _say(db, old, NOW - HOUR, 10)
    find(app, db, NOW)
    acting.silence(app, db, "1", 8 * HOUR, "Lan", NOW + MINUTE)
    _say(db, old, NOW + 2 * MINUTE, 40)
    _say(db, new, NOW + 2 * MINUTE, 6)
    find(app, db, NOW + HOUR, CRITICAL)
    assert (state(db), mails(db)) == ("silenced", 1)


@pytest.mark.parametrize("what", ["7", "霽", ""])
def test_what_is_neither_incident_nor_brand_is_said_in_one_line(app: App, db: Database, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        acting.silence(app, db, what, timedelta(hours=1), "Lan", NOW)
    assert "\n" not in str(caught.value)


def test_a_finding_taken_in_again_after_a_crash_changes_nothing(app: App, db: Database) -> None:
    """Killed anywhere, a watch steps the same bins again: as one transaction, each thing is done once."""
    find(app, db, NOW)
    find(app, db, NOW + BIN, CRITICAL, observed=30)
    calm(app, db, NOW + 8 * HOUR)
    before = [db.execute(f"SELECT * FROM {t}").fetchall() for t in ("incidents", "incident_events", "outbox")]
    find(app, db, NOW)
    find(app, db, NOW + BIN, CRITICAL, observed=30)
    calm(app, db, NOW + 8 * HOUR)
    jobs.attend(app, db, NOW + 8 * HOUR)
    assert before == [db.execute(f"SELECT * FROM {t}").fetchall() for t in ("incidents", "incident_events", "outbox")]


@pytest.mark.parametrize("act", ["take_in", "acknowledge", "resolve", "silence", "lift", "attend"])
def test_what_breaks_between_event_and_mail_leaves_nothing(
    app: App, db: Database, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    find(app, db, NOW)
    if act in ("acknowledge", "lift"):
        jobs.attend(app, db, NOW + HOUR)
    if act == "lift":
        acting.silence(app, db, "1", 8 * HOUR, "Lan", NOW + HOUR)
        grow(app, db, 100, NOW + 2 * HOUR)
    tables = ("incidents", "incident_events", "outbox", "silences", "spikes")
    before = [db.execute(f"SELECT * FROM {t}").fetchall() for t in tables]

    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr("monitor.work.alerting.owe_alert", broken)
    if act == "silence":
        monkeypatch.setattr("monitor.store.incidents.set_state", broken)
    later = NOW + 3 * HOUR
    does = {
        "take_in": lambda: find(app, db, later, CRITICAL),
        "acknowledge": lambda: acting.acknowledge(app, db, 1, "Lan", later),
        "resolve": lambda: acting.resolve(app, db, 1, "Lan", later),
        "silence": lambda: acting.silence(app, db, "1", HOUR, "Lan", later),
        "lift": lambda: acting.lift(app, db, "1", "Lan", later),
        "attend": lambda: jobs.attend(app, db, later),
    }
    with pytest.raises(RuntimeError, match="killed"):
        does[act]()
    assert before == [db.execute(f"SELECT * FROM {t}").fetchall() for t in tables]


def sent_to(db: Database, to: str = ONCALL) -> list[str]:
    """The first line of each mail that is sent, or still owed, to somebody."""
    rows = db.execute(
        """SELECT o.text FROM outbox o JOIN deliveries d ON d.outbox = o.id
           WHERE d.recipient = ? AND d.state <> 'folded' ORDER BY o.id""",
        [to],
    )
    return [text.partition("\n")[0] for (text,) in rows.fetchall()]


def hand_over(db: Database) -> None:
    with writing(db):
        db.execute("UPDATE deliveries SET state = 'sent', attempts = 1 WHERE state = 'owed'")


def test_growth_and_an_escalation_of_one_cycle_are_one_mail(app: App, db: Database) -> None:
    """The cycle may come minutes after the time to escalate: one that a cron starts does."""
    find(app, db, NOW)
    hand_over(db)
    grow(app, db, 40, NOW + 34 * MINUTE)
    jobs.attend(app, db, NOW + 34 * MINUTE)
    assert sent_to(db) == ["新事件：澄嵐", "無人及時接手 · 聲量至少倍增：澄嵐"]
    assert sent_to(db, CHIEF) == ["無人及時接手 · 聲量至少倍增：澄嵐"]
    assert events(db) == ["opened", "grown", "escalated"]


def test_growth_just_before_an_escalation_waits_for_its_mail(app: App, db: Database) -> None:
    """The jobs of the service tick apart: what is told now is gone when the other ticks."""
    find(app, db, NOW)
    hand_over(db)
    grow(app, db, 40, NOW + 30 * MINUTE + timedelta(seconds=10))
    assert sent_to(db) == ["新事件：澄嵐"]
    jobs.attend(app, db, NOW + 30 * MINUTE + timedelta(seconds=20))
    hand_over(db)
    grow(app, db, 41, NOW + 31 * MINUTE)
    assert sent_to(db) == ["新事件：澄嵐", "無人及時接手 · 聲量至少倍增：澄嵐"]


def test_growth_is_told_where_nothing_escalates_in_time(app: App, db: Database) -> None:
    find(app, db, NOW)
    hand_over(db)
    grow(app, db, 40, NOW + 31 * MINUTE)
    assert sent_to(db)[1:] == ["聲量至少倍增：澄嵐"]


def test_growth_and_a_new_platform_are_one_mail_that_says_both(app: App, db: Database) -> None:
    put_voices(db, NOW - 15 * MINUTE, ptt=10)
    find(app, db, NOW)
    hand_over(db)
    put_voices(db, NOW + 20 * MINUTE, dcard=30)
    grow(app, db, 40, NOW + 40 * MINUTE)
    assert events(db) == ["opened", "grown", "spread"]
    assert sent_to(db)[1:] == ["聲量至少倍增 · 擴散到另一個平台：澄嵐"]


def test_what_gets_worse_in_the_cycle_in_which_it_begins_is_one_mail(app: App, db: Database) -> None:
    """After a standstill many bins are judged at once."""
    for at, severity in ((NOW - HOUR, WARNING), (NOW, CRITICAL)):
        handling.take_in(app, db, app.config.brands[0], 1, finding(at, severity), NOW)
    assert events(db) == ["opened", "raised"]
    (mail,) = db.query("SELECT o.* FROM outbox o JOIN deliveries d ON d.outbox = o.id WHERE d.state = 'owed'")
    assert mail["text"].startswith("新事件：澄嵐\n嚴重")
    assert "取代" not in mail["text"]


@pytest.mark.parametrize("kind", [Kind.BURST, Kind.TAKEOFF])
def test_where_the_voices_come_from_is_no_news_of_a_story_or_a_post_and_is_not_promised(
    app: App, db: Database, kind: Kind
) -> None:
    put_voices(db, NOW - 15 * MINUTE, ptt=10)
    found = finding(NOW, kind=kind, subject=7)
    handling.take_in(app, db, app.config.brands[0], 1, found, NOW)
    hand_over(db)
    put_voices(db, NOW + 20 * MINUTE, dcard=30)
    handling.swell(app, db, app.config.brands[0], 1, replace(found, at=NOW + 30 * MINUTE), NOW + 40 * MINUTE)
    assert events(db) == ["opened"]
    (text,) = db.execute("SELECT text FROM outbox").fetchone()
    assert "下一封信的時機" in text
    assert "另一個平台" not in text
