"""Any order of findings, calms, growth, people and time: what must hold of every incident's life, and of its mail."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlite_utils import Database

from monitor import jobs
from monitor.incidents import HISTORY, LIVE
from monitor.model import Kind, Severity
from monitor.work import acting
from monitor.work.app import App
from tests.monitor.test_life import ALERTS, _say, _story, calm, find, finding, grow
from tests.standin import MINUTE, NOW, make_app

PEOPLE = st.sampled_from(["Lan", "Wu"])
OPENING = ("opened", "reopened")


class Life(RuleBasedStateMachine):
    """One brand, and what is left of it after each step: (state, number of events) of each incident."""

    app: App
    db: Database

    @initialize(minimum=st.sampled_from(["warning", "critical"]))
    def begin(self, minimum: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.app = make_app(Path(self.folder.name), mail=9, alerts={**ALERTS, "minimum": minimum})
        self.db = self.app.open_store()
        self.now = NOW
        self.before: dict[int, tuple[str, int]] = {}
        self.silent_brand = False
        self.mails = 0
        self.stories = [_story(self.db) for _ in range(2)]

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.app.http.close()
            self.folder.cleanup()

    # -- what happens --------------------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 16, 31, 120, 400, 1500]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(
        kind=st.sampled_from(list(Kind)), severity=st.sampled_from([Severity.WARNING, Severity.CRITICAL]),
        origin=st.sampled_from([LIVE, LIVE, HISTORY]), observed=st.integers(5, 60), story=st.integers(0, 1),
    )  # fmt: skip
    def find(self, kind: Kind, severity: Severity, origin: str, observed: int, story: int) -> None:
        subject = self.stories[story] if kind is Kind.BURST else 0
        find(self.app, self.db, self.now, severity, kind=kind, origin=origin, observed=observed, subject=subject)

    @rule(severity=st.sampled_from([Severity.WARNING, Severity.CRITICAL]))
    def fire_again(self, severity: Severity) -> None:
        from monitor.work import handling

        if handling.matters(self.app, self.db, 1, finding(self.now, severity)):
            find(self.app, self.db, self.now, severity)

    @rule(story=st.integers(0, 1), voices=st.sampled_from([3, 25]))
    def speak(self, story: int, voices: int) -> None:
        self.now += 30 * MINUTE
        _say(self.db, self.stories[story], self.now - 25 * MINUTE, voices)

    @rule()
    def calm(self) -> None:
        calm(self.app, self.db, self.now)

    @rule(observed=st.integers(5, 300))
    def grow(self, observed: int) -> None:
        for incident in self.ids():
            grow(self.app, self.db, observed, self.now, incident)

    @rule()
    def tick(self) -> None:
        jobs.attend(self.app, self.db, self.now)

    @precondition(lambda self: bool(self.before))
    @rule(data=st.data(), by=PEOPLE, act=st.sampled_from(["acknowledge", "resolve", "silence", "lift"]))
    def act(self, data: st.DataObject, by: str, act: str) -> None:
        incident = data.draw(st.sampled_from(sorted(self.before)))
        again = self.do(act, incident, by)
        rows = self.events(incident)
        if act != "lift":  # what is done already changes nothing
            assert not self.do(act, incident, by).changed
            assert self.events(incident) == rows
        assert not again.changed or rows

    @rule(by=PEOPLE, lift=st.booleans())
    def hush(self, by: str, lift: bool) -> None:
        if lift:
            acting.lift(self.app, self.db, "澄嵐", by, self.now)
        else:
            acting.silence(self.app, self.db, "澄嵐", timedelta(hours=3), by, self.now)

    def do(self, act: str, incident: int, by: str) -> acting.Outcome:
        if act == "acknowledge":
            return acting.acknowledge(self.app, self.db, incident, by, self.now)
        if act == "resolve":
            return acting.resolve(self.app, self.db, incident, by, self.now)
        if act == "silence":
            return acting.silence(self.app, self.db, str(incident), timedelta(hours=2), by, self.now)
        if self.hushed():
            return acting.lift(self.app, self.db, "澄嵐", by, self.now)
        return acting.lift(self.app, self.db, str(incident), by, self.now)

    # -- what must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def every_change_has_its_event(self) -> None:
        if not hasattr(self, "db"):
            return
        now = {i: (state, len(self.events(i))) for i, state in self.states().items()}
        for incident, (state, events) in now.items():
            old = self.before.get(incident)
            assert events > 0
            assert old is None or old[0] == state or events > old[1], (incident, old, state)
        self.mail_keeps_the_silence(now)
        self.before, self.silent_brand = now, self.hushed()

    def mail_keeps_the_silence(self, now: dict[int, tuple[str, int]]) -> None:
        rows = self.db.execute(
            "SELECT incident, message_id FROM outbox ORDER BY id LIMIT -1 OFFSET ?", [self.mails]
        ).fetchall()
        self.mails += len(rows)
        for incident, message_id in rows:
            number = int(message_id.partition("@")[0].rpartition("-")[2])
            event, reason, origin = self.told(incident, number)
            assert origin == LIVE
            if event == "unsilenced":
                continue
            old = self.before.get(incident)
            if old is not None and old[0] == "silenced":
                raise AssertionError(f"{event} was mailed during the silence of {incident}")
            if old is None and self.silent_brand and self.hushed():
                assert reason.endswith("of a new story during a silence"), reason

    @invariant()
    def no_incident_ends_twice_and_none_is_escalated_twice(self) -> None:
        if not hasattr(self, "db"):
            return
        for incident in self.ids():
            events = self.events(incident)
            ends = [e for e in events if e in ("resolved", "reopened")]
            assert ends == ["resolved", "reopened"] * (len(ends) // 2) + ["resolved"] * (len(ends) % 2), events
            course: Counter[str] = Counter()
            for event in events:
                if event in OPENING:
                    course.clear()
                course[event] += 1
                assert course["escalated"] <= 1, events
                assert not (event == "escalated" and course["acknowledged"]), events

    @invariant()
    def one_mail_an_event_and_never_of_history(self) -> None:
        if not hasattr(self, "db"):
            return
        rows = self.db.execute(
            """SELECT i.origin, count(o.id), (SELECT count(*) FROM incident_events e WHERE e.incident = i.id)
               FROM incidents i LEFT JOIN outbox o ON o.incident = i.id GROUP BY i.id"""
        ).fetchall()
        for origin, mails, events in rows:
            assert mails <= (events if origin == LIVE else 0)

    @invariant()
    def growth_is_told_half_an_hour_apart(self) -> None:
        if not hasattr(self, "db"):
            return
        for incident in self.ids():
            rows = self.db.execute(
                "SELECT owed_at, message_id FROM outbox WHERE incident = ? ORDER BY id", [incident]
            ).fetchall()
            for (before, _), (at, message_id) in pairwise(rows):
                number = int(message_id.partition("@")[0].rpartition("-")[2])
                if self.told(incident, number)[0] in ("grown", "spread"):
                    assert datetime.fromisoformat(at) - datetime.fromisoformat(before) >= 30 * MINUTE

    # -- how it is read ------------------------------------------------------------------------------------------------

    def ids(self) -> list[int]:
        return [i for (i,) in self.db.execute("SELECT id FROM incidents ORDER BY id")]

    def states(self) -> dict[int, str]:
        return dict(self.db.execute("SELECT id, state FROM incidents").fetchall())

    def events(self, incident: int) -> list[str]:
        rows = self.db.execute("SELECT event FROM incident_events WHERE incident = ? ORDER BY id", [incident])
        return [event for (event,) in rows]

    def told(self, incident: int, number: int) -> tuple[str, str, str]:
        row: Any = self.db.execute(
            """SELECT e.event, e.reason, i.origin FROM incident_events e JOIN incidents i ON i.id = e.incident
               WHERE i.id = ? ORDER BY e.id LIMIT 1 OFFSET ?""",
            [incident, number - 1],
        ).fetchone()
        return (row[0], row[1], row[2])

    def hushed(self) -> bool:
        row = self.db.execute("SELECT 1 FROM silences WHERE incident IS NULL AND ended = 0").fetchone()
        return row is not None


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
