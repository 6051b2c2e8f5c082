"""Answers to alerts, read from Debian's IMAP server: who may act, once, and what everything else comes to."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from monitor import jobs
from monitor.errors import ConfigError
from monitor.jobs import Report, attempt
from monitor.model import Severity, utc_text
from monitor.store import replies, writing
from monitor.store.overview import overview
from monitor.work import checking, confirming, imap, mailbox
from tests.answers import ADDRESS, LEAD, ONCALL, STRANGER, Scene, answer, scene
from tests.imap_server import imap_server
from tests.post_office import PASSWORD, PostOffice, post_office

debian = pytest.mark.debian("dovecot-imapd")
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    with post_office("qianli") as parts:
        yield parts


class Box(Scene):
    """A scene with a folder of its own on the server."""

    office: PostOffice
    folder: str

    def receive(self, message: EmailMessage | bytes) -> None:
        raw = message if isinstance(message, bytes) else message.as_bytes()
        wire = imap.folder_name(self.folder).strip('"')
        self.office.deliver("qianli", raw, f".{wire}")

    def answered(self, *messages: EmailMessage | bytes) -> dict[str, int]:
        for message in messages:
            self.receive(message)
        self.read()
        return self.outcomes


Made = Callable[..., Box]


@pytest.fixture
def make(office: PostOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    monkeypatch.setenv("QIANLI_MAIL_PASSWORD", PASSWORD)
    made: list[Box] = []

    def make(folder: str = "", **more: Any) -> Box:
        name = folder or f"box{next(numbers)}"
        table = {
            "host": "localhost", "port": office.ports["imaps_port"], "user": ADDRESS, "folder": name,
            "password_env": "QIANLI_MAIL_PASSWORD", "address": f"千里 <{ADDRESS}>", "people": [f"Lead <{LEAD}>"],
            "ca_file": str(office.authority), **more,
        }  # fmt: skip
        (tmp_path / name).mkdir()
        stage = scene(tmp_path / name, mail=9, mailbox=table)
        box = Box(stage.app, stage.db, stage.now)
        box.office, box.folder = office, name
        box.receive(answer(ADDRESS, "what else lies there", sender=STRANGER))
        made.append(box)
        return box

    yield make
    for box in made:
        box.db.close()


@pytest.fixture
def box(make: Made) -> Box:
    return make()


def ignored(box: Box) -> dict[str, int]:
    """What the messages came to that did nothing, without the one that every folder holds."""
    assert (box.state, box.owner, box.confirmations()) == ("open", "", [])
    return {name: n for name, n in box.outcomes.items() if name != "no token"}


@debian
class TestActs:
    @pytest.mark.parametrize("words", ["ack", "收到", "收到。\n\n> 新事件：澄嵐"])
    def test_taking_it(self, box: Box, words: str) -> None:
        assert box.answered(answer(box.address(), words)) == {"done": 1, "no token": 1}
        assert (box.state, box.owner) == ("acknowledged", ONCALL)
        (event,) = box.events("acknowledged")
        assert event["by"] == ONCALL
        (told,) = box.confirmations()
        assert told["recipient"] == ONCALL
        assert told["text"].startswith("已完成：由你接手\n")
        assert told["reply_to"] == box.address()

    @pytest.mark.parametrize("words", ["resolve", "已解決"])
    def test_ending_it(self, box: Box, words: str) -> None:
        box.answered(answer(box.address(), words))
        assert box.state == "resolved"
        assert "由你結束" in box.confirmations()[0]["text"]

    @pytest.mark.parametrize(
        ("words", "hours"), [("silence 4h", 4), ("靜音", 4), ("静音 2 小时", 2), ("silence 90d", 168)]
    )
    def test_silencing_it(self, box: Box, words: str, hours: int) -> None:
        box.answered(answer(box.address(), words))
        (kept,) = box.db.query("SELECT * FROM silences")
        assert (kept["incident"], kept["by"], box.state) == (box.incident, ONCALL, "silenced")
        assert kept["until"] == (box.now + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert "靜音至" in box.confirmations()[0]["text"]

    @pytest.mark.parametrize("words", ["not us", "不是我們", "不是我们！"])
    def test_not_us_without_numbers_means_what_the_mail_quoted(self, box: Box, words: str) -> None:
        alert = replies.answered(box.db, box.incident, 1)
        assert alert is not None
        assert len(alert.posts) == 3
        assert box.answered(answer(box.address(), words))["done"] == 1
        denied = {row["post"] for row in box.db.query("SELECT post FROM not_us")}
        assert denied == set(alert.posts)
        assert "3 則貼文與我們無關" in box.confirmations()[0]["text"]

    def test_not_us_with_numbers(self, box: Box) -> None:
        assert box.answered(answer(box.address(), "不是我們 2"))["done"] == 1
        assert [row["post"] for row in box.db.query("SELECT post FROM not_us")] == [2]

    def test_a_number_that_is_no_post_changes_nothing_and_is_told(self, box: Box) -> None:
        assert box.answered(answer(box.address(), "not us 2 4711"))["refused"] == 1
        assert list(box.db.query("SELECT post FROM not_us")) == []
        assert "4711" in box.confirmations()[0]["text"]

    def test_other_people_of_the_list(self, box: Box) -> None:
        box.answered(answer(box.address(), "ack", sender=f"The Lead <{LEAD.upper()}>"))
        assert box.owner == LEAD
        assert box.confirmations()[0]["recipient"] == LEAD

    def test_two_people_one_after_the_other(self, box: Box) -> None:
        found = box.answered(
            answer(box.address(), "resolve"), answer(box.address(), "resolve", sender=LEAD, message_id="<l@x.example>")
        )
        assert (found["done"], found["already"]) == (1, 1)
        assert len(box.events("resolved")) == 1
        assert [c["recipient"] for c in box.confirmations()] == [ONCALL, LEAD]

    def test_a_later_mail_of_the_thread_may_be_answered_anew(self, box: Box) -> None:
        box.answered(answer(box.address(), "silence 1h"))
        box.happen(Severity.CRITICAL, minutes=90)
        assert box.answered(answer(box.address(2), "silence 1h"))["done"] == 2

    def test_nothing_in_the_folder_is_changed(self, box: Box) -> None:
        box.answered(answer(box.address(), "ack"))
        places = [p for p in (box.office.folder / "mail/qianli" / f".{box.folder}").rglob("*.test*") if p.is_file()]
        assert len(places) == 2
        assert not any("S" in place.name.partition(":2,")[2] for place in places)

    def test_words_that_mean_nothing_are_answered_once(self, box: Box) -> None:
        found = box.answered(
            answer(box.address(), "誰來處理？"), answer(box.address(), "誰？", message_id="<2@x.example>")
        )
        assert found == {"no command": 2, "no token": 1}
        (told,) = box.confirmations()
        assert "收到、靜音 4h、不是我們、已解決" in told["text"]

    def test_a_folder_with_a_chinese_name(self, make: Made) -> None:
        assert make("客服回覆").answered()["no token"] == 1


@debian
class TestHostile:
    def test_a_forged_sender_with_a_good_token(self, box: Box) -> None:
        for n, sender in enumerate([STRANGER, f'"{ONCALL}" <{STRANGER}>', f"{STRANGER} ({ONCALL})"]):
            box.receive(answer(box.address(), "ack", message_id=f"<{n}@x.example>").as_bytes().replace(
                f"From: {ONCALL}".encode(), f"From: {sender}".encode()))  # fmt: skip
        box.read()
        assert ignored(box) == {"not listed": 3}

    def test_a_listed_sender_with_a_forged_token(self, box: Box) -> None:
        good = box.address()
        token = good[good.rindex("-") + 1 : good.index("@")]
        other = ("a" if token[0] != "a" else "b") + token[1:]
        for to in (good.replace(token, other), good.replace("i1-", "i2-"), good.replace("-1-", "-2-")):
            box.receive(answer(to, "ack"))
        box.read()
        assert ignored(box) == {"unknown token": 3}

    def test_a_message_that_comes_again(self, box: Box) -> None:
        message = answer(box.address(), "ack")
        assert box.answered(message, message)["repeated"] == 1
        assert box.answered(message) == {"done": 1, "no token": 1, "repeated": 2}
        assert len(box.events("acknowledged")) == 1
        assert len(box.confirmations()) == 1

    def test_a_token_that_is_used_again(self, box: Box) -> None:
        """Somebody who saw one answer sends it again under new ids, after the incident has gone on."""
        box.answered(answer(box.address(), "silence 1h"))
        for n in range(3):
            box.receive(answer(box.address(), "silence 1h", message_id=f"<again{n}@x.example>"))
        box.now += timedelta(hours=2)
        box.read()
        assert box.outcomes == {"already": 3, "done": 1, "no token": 1}
        assert len(list(box.db.query("SELECT * FROM silences"))) == 1
        assert len(box.confirmations()) == 2

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Auto_Submitted", "auto-replied"),
            ("Precedence", "bulk"),
            ("X_Autoreply", "yes"),
            ("List_Id", "<pr.example>"),
        ],
    )
    def test_an_automatic_answer(self, box: Box, name: str, value: str) -> None:
        box.answered(answer(box.address(), "ack", **{name: value}))
        assert ignored(box) == {"automatic": 1}

    def test_a_bounce_of_our_own_mail(self, box: Box) -> None:
        report = (
            f"Return-Path: <>\r\nFrom: MAILER-DAEMON@pr.example\r\nTo: {box.address()}\r\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nack\r\n--b--\r\n"
        )
        box.answered(report.encode())
        assert ignored(box) == {"bounce": 1}

    def test_a_text_of_5_mb_is_not_fetched(self, box: Box) -> None:
        box.receive(answer(box.address(), "ack\n" + "x" * 70 + ("\n" + "y" * 70) * 70_000))
        before = fetched(box.office)
        box.read()
        assert {**box.outcomes} == {"no token": 1, "too large": 1}
        assert box.state == "open"
        assert fetched(box.office) - before < 400_000

    def test_a_picture_of_5_mb_is_not_fetched_and_the_word_above_it_counts(self, box: Box) -> None:
        message = answer(box.address(), "收到")
        message.add_attachment(b"\0" * 5_000_000, maintype="image", subtype="png", filename="screen.png")
        box.receive(message)
        before = fetched(box.office)
        box.read()
        assert box.state == "acknowledged"
        assert fetched(box.office) - before < 400_000

    @pytest.mark.parametrize("charset", ["gb18030", "big5", "gb2312"])
    def test_chinese_as_some_programs_write_it(self, box: Box, charset: str) -> None:
        box.answered(answer(box.address(), "收到", charset=charset))
        assert box.state == "acknowledged"

    def test_a_page_without_a_text(self, box: Box) -> None:
        box.answered(answer(box.address(), "", html="<div>收到</div><blockquote>已解決</blockquote>"))
        assert box.state == "acknowledged"

    @pytest.mark.parametrize("text", ["\n> ack", "\n\n> 收到\nack", "On Friday, Qianli wrote:\n> resolve"])
    def test_what_is_only_quoted(self, box: Box, text: str) -> None:
        box.answered(answer(box.address(), text))
        assert (box.state, box.outcomes["no command"]) == ("open", 1)

    def test_a_thousand_header_fields(self, box: Box) -> None:
        message = answer(box.address(), "ack", **{f"X_{n}": "x" * 20 for n in range(1000)})
        box.answered(message)
        assert box.state == "acknowledged"
        box.answered(
            answer(box.address(), "ack", message_id="<2@x.example>", **{f"X_{n}": "x" * 100 for n in range(1000)})
        )
        assert box.outcomes["too large"] == 1

    @pytest.mark.parametrize(
        "body",
        [
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/x; boundary=b\r\n\r\n--b",
            b"Content-Type: text/plain; charset=\xff\xfe\r\nContent-Transfer-Encoding: base64\r\n\r\n=\xff=",
            b"Content-Type: \0\r\n\r\n\0\xff", b"\r\n",
        ],
    )  # fmt: skip
    def test_broken_mail(self, box: Box, body: bytes) -> None:
        head = f"From: {ONCALL}\r\nTo: {box.address()}\r\nMessage-ID: <b@x.example>\r\nMIME-Version: 1.0\r\n"
        box.answered(head.encode() + body)
        assert (box.state, len(box.outcomes)) == ("open", 2)
        assert box.answered(answer(box.address(), "ack"))["done"] == 1

    def test_of_strangers_nothing_is_kept(self, box: Box) -> None:
        secret = "zwoelfzylinder"
        for n, to in enumerate([ADDRESS, box.address()]):
            message = answer(
                to, f"ack\n{secret}", sender=f"{secret}@elsewhere.example", message_id=f"<{n}.{secret}@x.example>"
            )
            box.receive(message)
        box.read()
        assert ignored(box) == {"not listed": 1}
        assert secret not in "\n".join(box.db.conn.iterdump())


def fetched(office: PostOffice) -> int:
    """Bytes that the IMAP server has sent, by its own log."""
    return sum(int(n) for n in re.findall(r" out=(\d+)", (office.folder / "dovecot.log").read_text("utf-8")))


@debian
class TestOnce:
    def test_nothing_is_read_twice(self, box: Box) -> None:
        box.answered(answer(box.address(), "ack"))
        before = box.outcomes
        for _ in range(2):
            box.read()
        assert box.reports[-1].answers == 0
        assert box.outcomes == before

    def test_it_is_read_only_when_it_is_due(self, box: Box) -> None:
        box.read()
        box.receive(answer(box.address(), "ack"))
        jobs.answers(box.app, box.db, box.now + timedelta(seconds=50), Report())
        assert box.state == "open"
        box.read()
        assert box.state == "acknowledged"

    def test_a_folder_that_is_numbered_anew(self, box: Box) -> None:
        box.answered(answer(box.address(), "ack"))
        reached = replies.place(box.db)
        assert reached is not None
        replies.set_place(box.db, replies.Place(reached.folder, reached.validity + 1, 99))
        box.receive(answer(box.address(), "silence 1h"))
        box.read()
        assert (box.outcomes["done"], box.outcomes["repeated"]) == (2, 1)
        assert len(box.events("acknowledged")) == 1

    def test_a_long_queue_takes_several_visits_and_loses_nothing(
        self, box: Box, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mailbox, "MOST_A_ROUND", 3)
        for n in range(7):
            box.receive(answer(box.address(), "ack", sender=STRANGER, message_id=f"<{n}@x.example>"))
        box.receive(answer(box.address(), "ack"))
        seen = []
        while box.state == "open" and len(seen) < 5:
            box.read()
            seen.append(box.reports[-1].answers)
        assert seen == [3, 3, 3]
        assert ignored_total(box) == 8

    @pytest.mark.parametrize("place", ["before the confirmation", "before the place"])
    def test_a_crash_between_act_and_answer_neither_loses_nor_doubles(
        self, box: Box, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        class Crash(BaseException):
            pass

        def crash(*_: object) -> None:
            raise Crash

        box.read()
        with monkeypatch.context() as broken:
            if place == "before the confirmation":
                broken.setattr(confirming, "owe_confirmation", crash)
            else:
                broken.setattr(replies, "set_place", crash)
            box.receive(answer(box.address(), "ack"))
            with pytest.raises(Crash):
                box.read()
        assert (box.state, box.events("acknowledged"), box.confirmations()) == ("open", [], [])
        box.read()
        assert (box.state, box.outcomes["done"]) == ("acknowledged", 1)
        assert len(box.events("acknowledged")) == len(box.confirmations()) == 1

    def test_a_poison_message_is_set_aside_told_and_holds_up_nobody(
        self, box: Box, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = mailbox.read_body

        def poisoned(message: bytes, *, whole: bool) -> Any:
            if b"poison" in message:
                raise RuntimeError("poison")
            return real(message, whole=whole)

        monkeypatch.setattr(mailbox, "read_body", poisoned)
        box.app.keep_going = True
        found = box.answered(answer(box.address(), "poison"), answer(box.address(), "ack"))
        assert (found["failed"], found["done"]) == (1, 1)
        assert [row["stage"] for row in box.db.query("SELECT stage FROM failures")] == ["answers"]
        assert box.outcomes["failed"] == 1


def ignored_total(box: Box) -> int:
    return sum(n for name, n in box.outcomes.items() if name != "done")


def escalating(box: Scene, after: timedelta = timedelta(minutes=30)) -> None:
    """Nobody took it, and the time to call somebody else has come."""
    alerts = box.app.config.alerts.model_copy(update={"escalate_to": (LEAD,)})
    box.app.config = box.app.config.model_copy(update={"alerts": alerts})
    with writing(box.db):
        box.db.execute("UPDATE incidents SET escalate_at = ?", [utc_text(box.now + after)])
    box.now += after


def visited(box: Scene) -> None:
    """The mailbox was read just now, and is not due for an hour."""
    with writing(box.db):
        replies.end_turn(box.db, timedelta(hours=1), box.now, None)


class TestEscalation:
    """An answer that lies unread when somebody else is about to be called."""

    def test_an_answer_is_read_before_and_nobody_is_called(self, box: Box) -> None:
        box.read()
        escalating(box)
        visited(box)
        assert not mailbox.due(box.app, box.db, box.now)
        box.receive(answer(box.address(), "收到"))
        jobs.hear_before_escalating(box.app, box.db, box.now, Report())
        jobs.attend(box.app, box.db, box.now)
        assert (box.state, box.owner, box.events("escalated")) == ("acknowledged", ONCALL, [])

    def test_where_nothing_escalates_the_mailbox_is_left_alone(self, box: Box) -> None:
        box.receive(answer(box.address(), "收到"))
        jobs.hear_before_escalating(box.app, box.db, box.now, Report())
        assert (box.state, box.outcomes) == ("open", {})

    def test_the_cycle_reads_it_too(self, box: Box) -> None:
        escalating(box)
        visited(box)
        box.receive(answer(box.address(), "收到"))
        jobs.cycle(box.app, box.db, box.now)
        assert (box.state, box.events("escalated")) == ("acknowledged", [])


class TestServers:
    """What does not need a server that works."""

    @pytest.fixture
    def lone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Scene]]:
        monkeypatch.setenv("QIANLI_MAIL_PASSWORD", PASSWORD)
        made: list[Scene] = []

        def lone(port: int) -> Scene:
            table = {"host": "127.0.0.1", "port": port, "security": "none", "user": ADDRESS, "address": ADDRESS,
                     "password_env": "QIANLI_MAIL_PASSWORD", "timeout": "1s"}  # fmt: skip
            made.append(scene(tmp_path, mail=9, mailbox=table))
            made[0].app.keep_going = True
            return made[0]

        yield lone
        for each in made:
            each.db.close()

    def test_a_dead_server_rests_ever_longer_and_is_told_once(self, lone: Callable[[int], Scene]) -> None:
        stage = lone(1)
        waits = []
        for _ in range(7):
            jobs.answers(stage.app, stage.db, stage.now, Report())
            turn = replies.turn(stage.db)
            assert turn is not None
            waits.append((turn.due_at - stage.now) // timedelta(minutes=1))
            jobs.answers(stage.app, stage.db, turn.due_at - timedelta(seconds=1), Report())
            stage.now = turn.due_at
        assert waits == [1, 2, 4, 8, 15, 15, 15]
        ops = [row["subject"] for row in stage.db.query("SELECT subject FROM outbox WHERE kind = 'ops'")]
        assert len(ops) == 1
        (failure,) = stage.db.query("SELECT stage, item, error, times FROM failures")
        assert failure == {"stage": "answers", "item": "mailbox", "error": "ServerUnreachable", "times": 5}
        (line,) = [x for x in overview(stage.db, [], {}, stage.now)["trouble"] if "mailbox" in x]
        assert "127.0.0.1:1: ConnectionRefusedError" in line

    def test_a_dead_server_delays_no_alert(self, lone: Callable[[int], Scene]) -> None:
        stage = lone(1)
        jobs.answers(stage.app, stage.db, stage.now, Report())
        stage.happen(Severity.CRITICAL)
        assert [row["kind"] for row in stage.db.query("SELECT kind FROM outbox")] == ["alert", "alert"]

    def test_one_that_hangs_delays_no_escalation_beyond_its_timeout(self, lone: Callable[[int], Scene]) -> None:
        """Whether it is asked now, or another visit hangs in it already: then it is not waited for a second time."""
        with imap_server(lambda line: line.wait()) as port:
            stage = lone(port)
            escalating(stage)
            jobs.hear_before_escalating(stage.app, stage.db, stage.now, Report())
            jobs.attend(stage.app, stage.db, stage.now)
        assert stage.state == "escalated"
        turn = replies.turn(stage.db)
        assert turn is not None
        assert turn.refusals == 1

    def test_a_visit_under_way_is_waited_for_no_longer_than_that(
        self, lone: Callable[[int], Scene], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage, visits = lone(1), []
        escalating(stage)
        monkeypatch.setattr(jobs.mailbox, "opened", lambda *_: visits.append(1))
        with stage.app.reading_mail:
            jobs.hear_before_escalating(stage.app, stage.db, stage.now, Report())
        assert visits == []

    def test_check_tells_the_truth(self, lone: Callable[[int], Scene]) -> None:
        stage = lone(1)
        said, well = checking.mailbox(stage.app, attempt)
        assert (well, "ConnectionRefusedError" in said) == (False, True)

    def test_a_password_that_is_not_set_is_one_line(
        self, lone: Callable[[int], Scene], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage = lone(1)
        monkeypatch.delenv("QIANLI_MAIL_PASSWORD")
        with pytest.raises(ConfigError, match=r"mailbox\.password_env: the environment variable QIANLI_MAIL_PASSWORD"):
            mailbox.settings(stage.app)
        said, well = checking.mailbox(stage.app, attempt)
        assert (well, "QIANLI_MAIL_PASSWORD is not set" in said) == (False, True)
        assert any("QIANLI_MAIL_PASSWORD" in f.says for f in checking.config(stage.app, stage.db))

    def test_a_server_that_says_nothing_holds_up_one_visit_for_its_timeout(self, lone: Callable[[int], Scene]) -> None:
        with imap_server(lambda line: line.wait()) as port:
            stage = lone(port)
            jobs.answers(stage.app, stage.db, stage.now, Report())
        turn = replies.turn(stage.db)
        assert turn is not None
        assert turn.refusals == 1


@debian
def test_check_logs_in_and_reads_nothing(box: Box) -> None:
    box.receive(answer(box.address(), "ack"))
    said, well = checking.mailbox(box.app, attempt)
    assert (said, well) == (f"logged in, folder {box.folder} can be read", True)
    assert (box.state, box.outcomes) == ("open", {})


@debian
@pytest.mark.parametrize("change", [{"folder": "nowhere"}, {"ca_file": ""}, {"user": "nobody"}])
def test_check_says_what_is_wrong(make: Made, change: dict[str, str]) -> None:
    box = make(f"box{next(numbers)}", **{k: v for k, v in change.items() if k != "folder"})
    if "folder" in change:
        table = box.app.config.mailbox
        assert table is not None
        box.app.config = box.app.config.model_copy(update={"mailbox": table.model_copy(update=change)})
    said, well = checking.mailbox(box.app, attempt)
    assert not well
    assert re.search("nowhere|CERTIFICATE_VERIFY_FAILED|AUTHENTICATIONFAILED", said)
    assert PASSWORD not in said


@debian
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_both_kinds_of_tls(make: Made, office: PostOffice, security: str) -> None:
    box = make(security=security, port=office.ports["imaps_port" if security == "tls" else "imap_port"])
    assert box.answered(answer(box.address(), "ack"))["done"] == 1


def test_the_longest_address_that_leaves_room(tmp_path: Path) -> None:
    table = {"host": "x.example", "user": "u", "password_env": "P", "address": "q" * 33 + "@x.example"}
    with pytest.raises(ConfigError, match=r"mailbox: address: .* has 33 characters; 32 leave room"):
        scene(tmp_path, mailbox=table)
