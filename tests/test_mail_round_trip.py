"""An incident's thread through Debian's mail servers and back: STARTTLS and a login out, IMAP over TLS in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from monitor import jobs
from monitor.answering import Verb, read_command
from monitor.jobs import Report
from monitor.model import Severity
from reports.mail import Smtp
from tests.answers import ADDRESS, ONCALL, WORDS, Scene, answer, scene
from tests.post_office import PASSWORD, PostOffice, post_office

pytestmark = [pytest.mark.debian("chasquid"), pytest.mark.debian("dovecot-imapd")]


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office("qianli", "oncall") as parts:
        yield parts


@pytest.fixture
def stage(office: PostOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setenv("QIANLI_MAIL_PASSWORD", PASSWORD)
    login = {"user": ADDRESS, "password_env": "QIANLI_MAIL_PASSWORD", "ca_file": str(office.authority)}
    made = scene(
        tmp_path,
        smtp={"host": "localhost", "port": office.ports["smtp_port"], "from": f"千里 <{ADDRESS}>", **login},
        mailbox={"host": "localhost", "port": office.ports["imaps_port"], "address": ADDRESS, **login},
    )
    yield made
    made.db.close()


def send(stage: Scene) -> None:
    report = Report()
    jobs.send(stage.app, stage.db, stage.now, report)
    assert report.sent == 1


def test_a_thread_goes_out_comes_back_and_is_answered(stage: Scene, office: PostOffice) -> None:
    send(stage)
    stage.happen(Severity.CRITICAL)
    send(stage)
    first, second = office.wait_for("oncall", 2)

    assert first["Subject"] == second["Subject"]
    assert "澄嵐" in first["Subject"]
    assert second["In-Reply-To"] == first["Message-ID"]
    assert second["References"].split()[0] == first["Message-ID"]
    for mail in (first, second):
        assert mail["To"].addresses[0].addr_spec == ONCALL
        assert mail["Auto-Submitted"] == "auto-generated"
        plain, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
        assert plain is not None
        assert page is not None
        assert "澄嵐真的很爛" in plain.get_content()
        assert "澄嵐真的很爛" in page.get_content()
        assert "ESMTPSA" in mail["Received"]  # over TLS, and with a login
    assert [str(mail["Reply-To"]) for mail in (first, second)] == [stage.address(1), stage.address(2)]

    reply = answer(str(first["Reply-To"]), f"收到\n\n> {WORDS[0]}", message_id="<7@phone.example>")
    reply["In-Reply-To"] = first["Message-ID"]
    with Smtp(office.smtp("oncall")) as phone:
        phone.send(reply.as_bytes(), str(first["Reply-To"]))
    office.wait_for("qianli", 1)
    stage.read()
    assert (stage.state, stage.owner, stage.outcomes) == ("acknowledged", ONCALL, {"done": 1})

    send(stage)
    told = office.wait_for("oncall", 3)[2]
    assert told["Subject"] == first["Subject"]
    assert told["Auto-Submitted"] == "auto-replied"
    assert told["References"].split() == [first["Message-ID"], "<7@phone.example>"]
    said = told.get_body(("plain",))
    assert said is not None
    assert said.get_content().startswith("已完成：由你接手")


@pytest.mark.parametrize("language", ["zh-Hant", "zh-Hans", "en"])
def test_the_buttons_write_what_the_mailbox_understands(stage: Scene, language: str) -> None:
    stage.app.config = stage.app.config.model_copy(update={"language": language})
    stage.happen(Severity.CRITICAL)
    (page,) = (row["html"] for row in stage.db.query("SELECT html FROM outbox WHERE number = 2"))
    links = [urlsplit(unescape(link)) for link in re.findall(r'href="?(mailto:[^">\s]+)', page)]
    wishes = [read_command(parse_qs(link.query)["body"][0]) for link in links]
    assert {unquote(link.path) for link in links} == {stage.address(2)}
    assert None not in wishes
    assert {wish.verb for wish in wishes if wish} == set(Verb)
    assert {post for wish in wishes if wish for post in wish.posts} == {1, 2, 3}


def test_the_confirmation_itself_answered_by_a_machine_ends_there(stage: Scene, office: PostOffice) -> None:
    with Smtp(office.smtp("oncall")) as phone:
        phone.send(answer(stage.address(), "ack").as_bytes(), stage.address())
        office.wait_for("qianli", 1)
        stage.read()
        away = answer(stage.address(), "ack", message_id="<8@phone.example>", Auto_Submitted="auto-replied")
        phone.send(away.as_bytes(), stage.address())
    office.wait_for("qianli", 2)
    stage.read()
    assert stage.outcomes == {"done": 1, "automatic": 1}
    assert len(stage.confirmations()) == 1
