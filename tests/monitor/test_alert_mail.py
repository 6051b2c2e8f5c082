"""The alert mail from the incident to the server: threads, folds, pages, receipts. The server is a real one."""

from __future__ import annotations

import base64
import json
import logging
import re
import shlex
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.config import MailboxTable
from monitor.incidents import LIVE
from monitor.jobs import Report
from monitor.model import Finding, Kind, Page, Severity, State, utc_text
from monitor.store import facts, outbox, replies, service, writing
from monitor.store import incidents as stored
from monitor.work import alerting, describing
from monitor.work.app import App
from tests.reports.invented_facts import FINDINGS
from tests.standin import HOUR, MINUTE, NOW, REFUSES_LOGINS, Mailbox, mail_server, make_app, post

ONCALL, LEAD = "oncall@example.test", "lead@example.test"
POSTS = [post(i, f"澄嵐太爛{i}號店", NOW - (40 - i) * MINUTE, url=f"https://forum.example/{i}") for i in range(12)]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def app(tmp_path: Path, mailbox: Mailbox) -> App:
    """A brand with twelve angry posts, stored and counted; and no clock of its own."""
    alerts = {"to": [ONCALL], "escalate_to": [LEAD], "ops_to": ["ops@example.test"]}
    made = make_app(tmp_path, {"forum": lambda q: [Page(tuple(POSTS))]}, mail=mailbox.port, alerts=alerts, digest={})
    db = made.open_store()
    jobs.collect(made, db, NOW, Report())
    jobs.process(made, db, NOW, Report())
    db.close()
    return made


@pytest.fixture
def db(app: App) -> Iterator[Database]:
    database = app.open_store()
    yield database
    database.close()


def opened(db: Database, kind: Kind = Kind.SPIKE, evidence: Mapping[str, Any] | None = None) -> int:
    """An incident with the finding that opened it; nobody was told yet."""
    (before,) = db.execute("SELECT count(*) FROM spikes").fetchone()
    said = evidence or FINDINGS[kind]
    found = Finding(kind, before, NOW - 15 * MINUTE, LIVE, Severity.WARNING, NOW - HOUR, 12, 1.6, said)
    with writing(db):
        number = stored.add_spike(db, 1, found, NOW)
        assert number is not None
        incident = stored.open_incident(db, 1, found, State.OPEN, None, NOW)
        db.execute("UPDATE spikes SET incident = ? WHERE id = ?", [incident, number])
    return incident


def happens(app: App, db: Database, incident: int, event: str, now: datetime, also_to: tuple[str, ...] = ()) -> None:
    """An event and the mail that it owes, in one transaction."""
    with writing(db):
        if event in ("resolved", "not_us"):
            db.execute(
                "UPDATE incidents SET state = 'resolved', resolved_at = ? WHERE id = ?", [utc_text(now), incident]
            )
        number = stored.add_event(db, incident, now, event)
        brand = app.config.brands[0]
        alerting.owe_alert(app, db, brand, 1, incident, event, number, {}, now, also_to=also_to)


def send(app: App, db: Database, now: datetime) -> None:
    jobs.send(app, db, now, Report())


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def to(mailbox: Mailbox, recipient: str) -> list[EmailMessage]:
    return [m for m, r in zip(mailbox.messages, mailbox.recipients, strict=True) if r == recipient]


class TestThread:
    EVENTS = ("opened", "raised", "escalated", "acknowledged", "resolved", "reopened", "not_us")

    @pytest.mark.parametrize("kind", list(Kind))
    def test_one_subject_and_one_chain_of_references(
        self, app: App, db: Database, mailbox: Mailbox, kind: Kind
    ) -> None:
        incident = opened(db, kind)
        for n, event in enumerate(self.EVENTS):
            happens(app, db, incident, event, NOW + n * HOUR)
            send(app, db, NOW + n * HOUR)
        mails = to(mailbox, ONCALL)
        assert len(mails) == len(self.EVENTS)
        assert len({m["Subject"] for m in mails}) == 1
        ids = [m["Message-ID"] for m in mails]
        assert len(set(ids)) == len(ids)
        for n, mail in enumerate(mails):
            assert (mail["References"] or "").split() == ids[:n]
            assert mail["In-Reply-To"] == (ids[n - 1] if n else None)
            assert mail["Auto-Submitted"] == "auto-generated"
        assert len({text_of(m).split("\n")[0] for m in mails}) == len(mails), "the state leads each body"
        assert max(len(m.as_bytes()) for m in mails) < 100_000

    def test_nobody_is_told_twice_that_it_is_over(self, app: App, db: Database, mailbox: Mailbox) -> None:
        incident = opened(db)
        for n, event in enumerate(("opened", "resolved", "resolved", "not_us", "reopened", "resolved")):
            happens(app, db, incident, event, NOW + n * HOUR)
            send(app, db, NOW + n * HOUR)
        events = [e for (e,) in db.execute("SELECT event FROM outbox ORDER BY id")]
        assert events == ["opened", "resolved", "reopened", "resolved"]
        assert len(to(mailbox, ONCALL)) == 4

    def test_answers_find_the_mail_and_what_it_quoted(self, app: App, db: Database, mailbox: Mailbox) -> None:
        table = MailboxTable(
            host="imap.example", user="q", password_env="X", address="Qianli <qianli@example.test>"
        )  # fmt: skip
        reading = replace(app, config=app.config.model_copy(update={"mailbox": table}))
        incident = opened(db)
        happens(reading, db, incident, "opened", NOW)
        send(reading, db, NOW)
        (mail,) = to(mailbox, ONCALL)
        assert mail["Reply-To"] == reading.reply_address(incident, 1)
        shown = [int(n) for n in re.findall(r"^編號 (\d+)$", text_of(mail), re.M)]
        assert len(shown) == 3
        alert = replies.answered(db, incident, 1)
        assert alert is not None
        assert list(alert.posts) == shown
        assert replies.answered(db, incident, 2) is None
        part = mail.get_body(("html",))
        assert part is not None
        assert part.get_content().count("mailto:") == 4 + 3

    def test_the_one_who_is_woken_reads_when_it_escalates(self, app: App, db: Database, mailbox: Mailbox) -> None:
        incident = opened(db)
        happens(app, db, incident, "opened", NOW)
        send(app, db, NOW)
        text = text_of(to(mailbox, ONCALL)[0])
        assert "10:30 前無人接手，就會同時寄給 lead@example.test。" in text
        assert "負面聲音達 24 個" in text


class TestDeadServer:
    def run(self, app: App, db: Database, mailbox: Mailbox, dead: timedelta) -> None:
        """A server that is dead from NOW on, asked every minute, and then well."""
        mailbox.refuse = "421 4.3.2 out of order"
        at = NOW
        while at < NOW + dead:
            send(app, db, at)
            at += MINUTE
        mailbox.refuse = ""
        while outbox.summary(db)["owed"]:
            assert at < NOW + dead + HOUR, "it waits too long"
            send(app, db, at)
            at += MINUTE

    def test_six_dead_hours_lose_nothing_and_flood_nobody(self, app: App, db: Database, mailbox: Mailbox) -> None:
        first, second, third = opened(db), opened(db), opened(db)
        happens(app, db, first, "opened", NOW)
        happens(app, db, second, "opened", NOW)
        mailbox.refuse = "421 4.3.2 out of order"
        for n in range(360):
            at = NOW + n * MINUTE
            if n == 30:
                happens(app, db, first, "escalated", at, (LEAD,))
            if n in (90, 150, 210, 270):
                happens(app, db, first, "grown", at, (LEAD,))
            if n == 300:
                happens(app, db, first, "acknowledged", at, (LEAD,))
                happens(app, db, second, "resolved", at)
                happens(app, db, third, "opened", at)
            send(app, db, at)
        assert mailbox.messages == []
        assert outbox.summary(db)["failed"] == 0
        mailbox.refuse = ""
        for n in range(360, 360 + 15):
            send(app, db, NOW + n * MINUTE)
        assert outbox.summary(db) == {"owed": 0, "sent": 4, "failed": 0, "folded": 6 + 5 + 1}
        by_incident = {
            (r, m["Message-ID"].split("incident-")[1].split("-")[0]): m
            for m, r in zip(mailbox.messages, mailbox.recipients, strict=True)
        }
        assert set(by_incident) == {(ONCALL, "1"), (ONCALL, "2"), (ONCALL, "3"), (LEAD, "1")}
        texts = {key: text_of(m) for key, m in by_incident.items()}
        assert texts[ONCALL, "1"].startswith("已有人接手：澄嵐\n這封信取代先前 6 封：10:00 起信件無法寄達。\n")
        assert texts[LEAD, "1"].startswith("已有人接手：澄嵐\n這封信取代先前 5 封：10:30 起信件無法寄達。\n")
        assert texts[ONCALL, "2"].startswith("已解決：澄嵐\n這封信取代先前 1 封：10:00 起信件無法寄達。\n")
        assert "最嚴重時：1 小時內 14 個負面聲音" in texts[ONCALL, "2"]
        assert texts[ONCALL, "3"].startswith("新事件：澄嵐\n這封信寫於 15:00，當時無法寄達。\n")
        last = by_incident[ONCALL, "1"]
        assert len(last["References"].split()) == 6
        html = last.get_body(("html",))
        assert html is not None
        assert "這封信取代先前 6 封" in html.get_content()

    def test_each_folded_mail_says_which_one_told_it(self, app: App, db: Database, mailbox: Mailbox) -> None:
        incident = opened(db)
        for n, event in enumerate(("opened", "raised", "grown")):
            happens(app, db, incident, event, NOW + n * 10 * MINUTE)
            mailbox.refuse = "451 later"
            send(app, db, NOW + n * 10 * MINUTE)
        mailbox.refuse = ""
        send(app, db, NOW + 40 * MINUTE)
        rows = db.execute("SELECT state, folded_into FROM deliveries ORDER BY outbox").fetchall()
        assert rows == [("folded", 3), ("folded", 3), ("sent", None)]

    def test_what_one_cycle_owes_twice_is_one_mail_and_no_delay(self, app: App, db: Database, mailbox: Mailbox) -> None:
        incident = opened(db)
        happens(app, db, incident, "grown", NOW)
        happens(app, db, incident, "escalated", NOW, (LEAD,))
        send(app, db, NOW)
        for who in (ONCALL, LEAD):
            (mail,) = to(mailbox, who)
            assert text_of(mail).startswith("無人及時接手 · 聲量至少倍增：澄嵐\n警示")
            assert "取代" not in text_of(mail)
        assert outbox.summary(db) == {"owed": 0, "sent": 2, "failed": 0, "folded": 1}

    def test_who_gets_only_the_first_of_two_gets_it(self, app: App, db: Database, mailbox: Mailbox) -> None:
        incident = opened(db)
        happens(app, db, incident, "escalated", NOW, (LEAD,))
        happens(app, db, incident, "grown", NOW)
        send(app, db, NOW)
        assert [text_of(m).partition("：")[0] for m in to(mailbox, LEAD)] == ["無人及時接手"]
        assert [text_of(m).partition("：")[0] for m in to(mailbox, ONCALL)] == ["無人及時接手 · 聲量至少倍增"]

    def test_what_nobody_tried_to_send_for_a_while_is_folded_too(
        self, app: App, db: Database, mailbox: Mailbox
    ) -> None:
        """The service was down between the two."""
        incident = opened(db)
        happens(app, db, incident, "opened", NOW)
        happens(app, db, incident, "resolved", NOW + 6 * HOUR)
        send(app, db, NOW + 6 * HOUR)
        (mail,) = to(mailbox, ONCALL)
        assert text_of(mail).startswith("已解決：澄嵐\n這封信取代先前 1 封：10:00 起信件無法寄達。\n")

    def test_what_one_recipient_got_is_folded_only_for_the_other(
        self, app: App, db: Database, mailbox: Mailbox
    ) -> None:
        incident = opened(db)
        happens(app, db, incident, "opened", NOW, (LEAD,))
        mailbox.refuse_to = {LEAD: "451 4.2.2 mailbox full"}
        send(app, db, NOW)
        happens(app, db, incident, "raised", NOW + 10 * MINUTE, (LEAD,))
        mailbox.refuse_to = {}
        send(app, db, NOW + 10 * MINUTE)
        assert [text_of(m).split("：")[0] for m in to(mailbox, ONCALL)] == ["新事件", "情況升高"]
        (late,) = to(mailbox, LEAD)
        assert "取代先前 1 封" in text_of(late)

    def test_digests_and_other_mail_are_never_folded(self, app: App, db: Database, mailbox: Mailbox) -> None:
        with writing(db):
            for n in range(3):
                for kind in ("digest", "ops"):
                    letter = outbox.Letter(f"<{kind}{n}@example.test>", kind, "s", "t", "<p>h</p>", (ONCALL,), (), 1)
                    outbox.owe(db, letter, NOW)
        self.run(app, db, mailbox, 6 * HOUR)
        assert outbox.summary(db) == {"owed": 0, "sent": 6, "failed": 0, "folded": 0}

    def test_a_good_alert_waits_at_most_a_quarter_of_an_hour_once_the_server_is_back(
        self, app: App, db: Database, mailbox: Mailbox
    ) -> None:
        happens(app, db, opened(db), "opened", NOW)
        self.run(app, db, mailbox, 10 * HOUR)
        (done,) = db.execute("SELECT done_at FROM deliveries WHERE state = 'sent'").fetchone()
        assert datetime.fromisoformat(done) <= NOW + 10 * HOUR + 15 * MINUTE


class TestReceipts:
    def test_one_recipient_is_refused_for_good_and_the_other_gets_it(
        self, app: App, db: Database, mailbox: Mailbox
    ) -> None:
        incident = opened(db)
        mailbox.refuse_to = {LEAD: "550 5.1.1 no such user"}
        happens(app, db, incident, "opened", NOW, (LEAD,))
        for n in range(3):
            send(app, db, NOW + n * HOUR)
        rows = db.execute("SELECT recipient, state, attempts, reply FROM deliveries ORDER BY 1").fetchall()
        assert [row[:3] for row in rows] == [(LEAD, "failed", 1), (ONCALL, "sent", 1)]
        assert "550 5.1.1 no such user" in rows[0][3]
        assert rows[1][3] == "250 kept"
        (line,) = outbox.troubles(db)
        assert re.match(rf"mail to {LEAD} was refused for good: 1 message, the first of \S+; .*550 5.1.1", line)

    def test_a_refusal_is_no_trouble_once_a_later_mail_was_taken(
        self, app: App, db: Database, mailbox: Mailbox
    ) -> None:
        incident = opened(db)
        mailbox.refuse = "554 5.7.1 looks like spam"
        happens(app, db, incident, "opened", NOW)
        send(app, db, NOW)
        assert len(outbox.troubles(db)) == 1
        mailbox.refuse = ""
        happens(app, db, incident, "raised", NOW + HOUR)
        send(app, db, NOW + HOUR)
        assert outbox.troubles(db) == []
        assert outbox.summary(db)["failed"] == 1

    def test_what_waits_says_since_when_and_why(self, app: App, db: Database, mailbox: Mailbox) -> None:
        mailbox.refuse = "451 4.7.1 greylisted"
        happens(app, db, opened(db), "opened", NOW)
        send(app, db, NOW)
        send(app, db, NOW + MINUTE)
        (line,) = outbox.troubles(db)
        assert line.startswith(f"mail to {ONCALL} waits since {utc_text(NOW)}: 1 message, tried up to 2 times")
        assert "451 4.7.1 greylisted" in line


class TestSecrets:
    PASSWORD = "hunter2-Sesame-open"

    def test_a_login_that_fails_leaves_no_secret_in_log_or_rows(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("QIANLI_TEST_PASSWORD", self.PASSWORD)
        caplog.set_level(logging.DEBUG)
        with mail_server(**REFUSES_LOGINS) as box:
            app = make_app(tmp_path, mail=box.port, keep_going=True)
            assert app.config.smtp is not None
            smtp = app.config.smtp.model_copy(update={"user": "qianli", "password_env": "QIANLI_TEST_PASSWORD"})
            app.config = app.config.model_copy(update={"smtp": smtp})
            db = app.open_store()
            incident = opened(db)
            happens(app, db, incident, "opened", NOW)
            send(app, db, NOW)
            db.close()
        whole = b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.name != "qianli.key")
        rows = sqlite3.connect(app.database).execute("SELECT state, reply FROM deliveries").fetchall()
        assert [state for state, _ in rows] == ["owed"]
        assert "535" in rows[0][1]
        ours = "\n".join(r.getMessage() for r in caplog.records if r.name != "mail.log")  # which is the server's
        sent = base64.b64encode(f"\0qianli\0{self.PASSWORD}".encode()).decode()
        for secret in (self.PASSWORD, sent, base64.b64encode(self.PASSWORD.encode()).decode()):
            assert secret.encode() not in whole
            assert secret not in ours


class TestPage:
    def served(self, app: App) -> App:
        service_table = app.config.service.model_copy(update={"base_url": "https://pr.example/qianli/"})
        return replace(app, config=app.config.model_copy(update={"service": service_table}))

    def test_the_page_lies_there_before_its_mail_and_follows_the_incident(
        self, app: App, db: Database, mailbox: Mailbox
    ) -> None:
        app = self.served(app)
        page = app.config.path(app.config.digest.dir) / "incident-1.html"
        incident = opened(db)
        happens(app, db, incident, "opened", NOW)
        send(app, db, NOW)
        assert "https://pr.example/qianli/incident-1.html" in text_of(to(mailbox, ONCALL)[0])
        first = page.read_text("utf-8")
        assert "新事件" in first
        assert "太爛" in first
        send(app, db, NOW + HOUR)
        assert page.read_text("utf-8") == first, "nothing happened, so nothing is written"
        happens(app, db, incident, "resolved", NOW + 2 * HOUR)
        send(app, db, NOW + 2 * HOUR)
        assert "已解決" in page.read_text("utf-8")
        assert list(page.parent.glob("*.part")) == []

    def test_no_page_without_an_address_and_a_full_disk_stops_no_mail(
        self, app: App, db: Database, mailbox: Mailbox
    ) -> None:
        incident = opened(db)
        happens(app, db, incident, "opened", NOW)
        send(app, db, NOW)
        folder = app.config.path(app.config.digest.dir)
        assert not folder.exists()
        folder.write_text("a file where the folder should be")
        app = replace(self.served(app), keep_going=True)
        happens(app, db, incident, "raised", NOW + HOUR)
        send(app, db, NOW + HOUR)
        assert len(to(mailbox, ONCALL)) == 2
        assert [f["stage"] for f in service.failures(db)] == ["page"]
        folder.unlink()
        send(app, db, NOW + 2 * HOUR)
        assert (folder / "incident-1.html").exists()
        assert service.failures(db) == []


class TestWhatIsQuoted:
    def test_a_burst_quotes_its_story_each_text_once_and_a_takeoff_its_post_first(
        self, app: App, db: Database, mailbox: Mailbox
    ) -> None:
        copied = [post(f"c{i}", "澄嵐的退費專線打了三天都沒有人接", NOW, author=f"c{i}") for i in range(5)]
        mild = post("mild", "澄嵐出新品了，大家覺得如何呢", NOW, author="big")
        grown = replace(app, collectors=(replace(app.collectors[0], source=_Fixed((*copied, mild))),))
        jobs.collect(grown, db, NOW + HOUR, Report())
        jobs.process(grown, db, NOW + HOUR, Report())
        one = db.execute("SELECT id FROM posts WHERE native_id = 'mild'").fetchone()[0]
        (story,) = db.execute(
            """SELECT g.story FROM posts p JOIN group_members m ON m.post = p.id JOIN groups g ON g.id = m."group"
               WHERE p.native_id = 'c0'"""
        ).fetchone()
        takeoff = opened(db, Kind.TAKEOFF, {**FINDINGS[Kind.TAKEOFF], "post": one})
        burst = opened(db, Kind.BURST, {**FINDINGS[Kind.BURST], "story": story})
        for incident in (takeoff, burst):
            happens(app, db, incident, "opened", NOW + HOUR)
        send(app, db, NOW + HOUR)
        first, second = (text_of(m) for m in to(mailbox, ONCALL))
        assert re.findall(r"^> (.*)$", first, re.M)[0] == mild.text
        assert re.findall(r"^> (.*)$", second, re.M) == [copied[0].text]
        assert "擴散：5 則貼文、4 則轉傳" in second


class _Fixed:
    """A source that shows the same posts each time."""

    def __init__(self, posts: tuple[Any, ...]) -> None:
        self.name, self.posts = "forum", posts

    def fetch(self, query: Any, cursor: Any) -> Iterator[Page]:
        yield Page(self.posts)


def test_commands_name_the_folder_the_program_and_the_config_file(app: App, db: Database, tmp_path: Path) -> None:
    folder = tmp_path / "on call; rm -rf ~"
    folder.mkdir()
    odd = replace(app, config=app.config.model_copy(update={"folder": folder, "file": f"{folder}/my brand.toml"}))
    line = replace(stored.line(db, opened(db)), brand="澄 嵐$(x)")
    said = {c.does: c.line for c in describing.commands(odd, line, ())}
    assert said["prepare"].startswith(f"cd '{folder}'")
    assert said["ack"] == "qianli --config 'my brand.toml' ack 1"
    assert "not_us" not in said
    assert json.dumps(said).isascii()


@pytest.mark.parametrize(
    ("brand", "written"),
    [
        ("澄嵐", "澄嵐"),
        ("澄 嵐", "'澄 嵐'"),
        ("it's", "'it'\"'\"'s'"),
        ("-x", "-x"),
        ("$(rm)", "'$(rm)'"),
        ("~", "'~'"),
    ],
)
def test_a_brand_stands_in_a_command_as_one_word(app: App, db: Database, brand: str, written: str) -> None:
    line = replace(stored.line(db, opened(db)), brand=brand)
    quoted = facts.negative_quotes(db, 1, NOW - HOUR, NOW, 1)
    (command,) = (c.line for c in describing.commands(app, line, quoted) if c.does == "not_us")
    assert command == f"qianli not-us {quoted[0].post_id} --brand {written}"
    assert shlex.split(command)[-1] == brand
