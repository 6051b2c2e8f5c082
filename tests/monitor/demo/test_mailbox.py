from __future__ import annotations

import smtplib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.demo.mailbox import PASSWORD, USER, MailSink, mails, main
from monitor.errors import MailError
from reports.mail import Smtp, SmtpSettings, compose
from reports.render import Rendered

WHEN = datetime(2026, 11, 14, 12, 0, tzinfo=UTC)


def settings(sink: MailSink, password: str = PASSWORD) -> SmtpSettings:
    return SmtpSettings(sink.host, sink.port, "none", USER, password, "千里 <qianli@chenglan.example>")


def letter(number: int = 1) -> bytes:
    return compose(
        sender="千里 <qianli@chenglan.example>",
        recipient="oncall@chenglan.example",
        date=WHEN,
        message_id=f"<qianli.{number}@chenglan.example>",
        rendered=Rendered("負面聲音突增", "冒煙\nFrom 澄嵐", "<p>冒煙</p>"),
    )


def test_what_is_sent_lies_in_the_mailbox(tmp_path: Path) -> None:
    with MailSink(tmp_path / "box") as sink, Smtp(settings(sink)) as server:
        assert server.send(letter(1), "oncall@chenglan.example") == "250 2.0.0 kept"
        server.send(letter(2), "oncall@chenglan.example")
        found = list(mails(tmp_path / "box"))
    assert [m.message_id for m in found] == ["<qianli.1@chenglan.example>", "<qianli.2@chenglan.example>"]
    assert found[0].sent_at == WHEN
    assert found[0].to == "oncall@chenglan.example"
    assert found[0].subject == "負面聲音突增"
    assert found[0].text.splitlines() == ["冒煙", "From 澄嵐"]
    assert "冒煙" in found[0].html


def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with (
        MailSink(tmp_path / "box") as sink,
        Smtp(settings(sink, "guess")) as server,
        pytest.raises(MailError, match="535"),
    ):
        server.send(letter(), "oncall@chenglan.example")
    assert list(mails(tmp_path / "box")) == []


def test_nobody_sends_without_a_login(tmp_path: Path) -> None:
    with MailSink(tmp_path / "box") as sink, smtplib.SMTP(sink.host, sink.port) as server:
        server.ehlo()
        assert server.mail("qianli@chenglan.example")[0] == 530


def test_a_talk_left_open_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with MailSink(tmp_path / "box") as sink:
        server = smtplib.SMTP(sink.host, sink.port)
        server.ehlo()
    server.close()


def test_a_sink_adds_to_a_mailbox_that_is_there(tmp_path: Path) -> None:
    for number in (1, 2):
        with MailSink(tmp_path / "box") as sink, Smtp(settings(sink)) as server:
            server.send(letter(number), "oncall@chenglan.example")
    assert len(list(mails(tmp_path / "box"))) == 2


def test_the_mailbox_can_be_read_on_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with MailSink(tmp_path / "box") as sink, Smtp(settings(sink)) as server:
        server.send(letter(), "oncall@chenglan.example")
    main([str(tmp_path / "box")])
    assert "1 2026-11-14 12:00Z oncall@chenglan.example 負面聲音突增" in capsys.readouterr().out
    main([str(tmp_path / "box"), "1"])
    assert "冒煙\n" in capsys.readouterr().out
