from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Session
from aiosmtpd.smtp import AuthResult, Envelope

from monitor.errors import ConfigError, MailError
from reports.mail import Smtp, SmtpSettings, compose
from reports.render import Rendered, alert_mail
from tests.reports import invented_facts as facts

TO = "oncall@pr.example"
FIRST = "<qianli.5f3a9c.incident-12-1@example.com>"
SECOND = "<qianli.5f3a9c.incident-12-2@example.com>"
DATE = datetime(2026, 11, 20, 19, 5, tzinfo=UTC)
PASSWORD = "correct horse battery"


def composed(**changes: Any) -> bytes:
    arguments: dict[str, Any] = {
        "sender": "千里 Qianli <qianli@example.com>",
        "recipient": TO,
        "rendered": alert_mail(facts.alert(), "zh-Hant"),
        "message_id": FIRST,
        "date": DATE,
    }
    return compose(**{**arguments, **changes})


def parsed(message: bytes) -> EmailMessage:
    read = message_from_bytes(message, policy=default)
    assert isinstance(read, EmailMessage)
    return read


class TestCompose:
    def test_it_reads_back(self) -> None:
        rendered = alert_mail(facts.alert(), "zh-Hant")
        read = parsed(composed(rendered=rendered))
        assert read["Subject"] == rendered.subject == "澄嵐 負面聲音突增，11/21 03:00 時 14 個，事件 12"
        assert read["From"].addresses[0].display_name == "千里 Qianli"
        assert read["To"] == TO
        assert read["Date"].datetime == DATE
        assert read["Auto-Submitted"] == "auto-generated"
        assert read.get_content_type() == "multipart/alternative"
        text, html = read.iter_parts()
        assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
        assert text.get_content().replace("\r\n", "\n") == rendered.text
        assert html.get_content().replace("\r\n", "\n").strip() == rendered.html.strip()

    def test_threads(self) -> None:
        opened, resolved = parsed(composed()), parsed(composed(message_id=SECOND, references=(FIRST,)))
        assert opened["Message-ID"] == FIRST
        assert opened["References"] is None
        assert resolved["In-Reply-To"] == resolved["References"] == FIRST

    def test_long_threads_keep_every_id_whole(self) -> None:
        ids = tuple(f"<qianli.{'5f3a9c' * 8}.incident-12-{n}@mail.qianli.example.com>" for n in range(30))
        read = parsed(composed(message_id=ids[-1], references=ids[:-1]))
        assert read["Message-ID"] == ids[-1]
        assert read["References"].split() == list(ids[:-1])
        assert read["In-Reply-To"] == ids[-2]

    def test_reply_to(self) -> None:
        assert parsed(composed(reply_to="reply+12@example.com"))["Reply-To"] == "reply+12@example.com"

    def test_the_same_arguments_give_the_same_bytes(self) -> None:
        assert composed() == composed()
        assert composed() != composed(message_id=SECOND)

    def test_lines_are_what_smtp_wants(self) -> None:
        message = composed(rendered=Rendered("壞" * 500, "x" * 5000 + "\n.\n", "<p>" + "壞" * 9000))
        message.decode("ascii")
        assert max(len(line) for line in message.split(b"\r\n")) <= 998
        assert message.count(b"\n") == message.count(b"\r\n")

    @pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x00"])
    def test_a_subject_smuggles_no_header(self, line_break: str) -> None:
        subject = f"澄嵐{line_break}Bcc: victim@example.com{line_break}{line_break}body"
        read = parsed(composed(rendered=Rendered(subject, "text", "<p>html")))
        assert read["Bcc"] is None
        assert "Bcc: victim@example.com" in read["Subject"]

    @pytest.mark.parametrize("name", ["sender", "recipient", "reply_to"])
    @pytest.mark.parametrize(
        "address",
        [
            "a@b.example\r\nBcc: c@d.example",
            "a@b.example, c@d.example",
            "nobody",
            "a b@c.example",
            "a@",
            "使@b.example",
            "x: a@b.example;",
            "<a@b",
            "a@-b.example >",
        ],
    )
    def test_no_such_address(self, name: str, address: str) -> None:
        with pytest.raises(MailError, match="not a mail address") as caught:
            composed(**{name: address})
        assert caught.value.permanent
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("written", "name", "spec"),
        [
            ("a@b.example", "", "a@b.example"),
            ("千里 <q+1@b.example>", "千里", "q+1@b.example"),
            ('"Qianli (PR)" <q@localhost>', "Qianli (PR)", "q@localhost"),
            ("q@[127.0.0.1]", "", "q@[127.0.0.1]"),
        ],
    )
    def test_addresses(self, written: str, name: str, spec: str) -> None:
        (read,) = parsed(composed(sender=written))["From"].addresses
        assert (read.display_name, read.addr_spec) == (name, spec)

    @pytest.mark.parametrize("broken", ["no-brackets@x", "<a b@c>", "<a@b>\r\nBcc: c@d", "<>", "<嵐@x>"])
    def test_no_such_id(self, broken: str) -> None:
        for arguments in ({"message_id": broken}, {"references": (FIRST, broken)}):
            with pytest.raises(MailError, match="not a Message-ID"):
                composed(**arguments)


@dataclass
class Mailbox:
    """What the server does and has: replies to give before all else, and what was delivered."""

    at_rcpt: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    sessions: int = 0
    connections: list[Session] = field(default_factory=list)
    delivered: list[Envelope] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)

    async def handle_EHLO(
        self, server: Session, session: Any, envelope: Any, hostname: str, replies: list[str]
    ) -> list[str]:
        if server not in self.connections:
            self.connections.append(server)
        session.host_name = hostname
        return replies

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        if self.at_rcpt:
            return self._said(self.at_rcpt.pop(0), server)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.at_data:
            return self._said(self.at_data.pop(0), server)
        self.delivered.append(envelope)
        self.secure.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        return f"250 2.0.0 queued as {len(self.delivered)}"

    @staticmethod
    def _said(reply: str, server: Session) -> str:
        if reply == "hang up":
            assert server.transport is not None
            server.transport.abort()
        return reply


class Bound(Controller):
    """A controller on a port that the system chose."""

    def _create_server(self) -> Coroutine[Any, Any, asyncio.AbstractServer]:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        return self.loop.create_server(self._factory_invoker, sock=listener, ssl=self.ssl_context)


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = (data.login, data.password) == (b"qianli", PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(made)
    return made


@pytest.fixture
def cafile(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[SmtpSettings]:
    controller = Bound(mailbox, hostname="127.0.0.1", **options)
    controller.start()
    try:
        yield SmtpSettings("127.0.0.1", controller.port, "none", sender="千里 <qianli@example.com>", timeout=20)
    finally:
        controller.stop()


Secured = Callable[[Mailbox], AbstractContextManager[SmtpSettings]]


@pytest.fixture
def secured(context: ssl.SSLContext, cafile: str) -> Secured:
    """A server that takes mail only over STARTTLS and after a login."""

    @contextmanager
    def secured(mailbox: Mailbox) -> Iterator[SmtpSettings]:
        options = {
            "tls_context": context,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": authenticate,
        }
        with serving(mailbox, **options) as settings:
            yield replace(settings, security="starttls", user="qianli", password=PASSWORD, cafile=cafile)

    return secured


class TestHandOver:
    def test_starttls_and_login(self, secured: Secured) -> None:
        mailbox = Mailbox()
        with secured(mailbox) as settings, Smtp(settings) as server:
            assert server.send(composed(), TO) == "250 2.0.0 queued as 1"
        (envelope,) = mailbox.delivered
        assert (envelope.mail_from, envelope.rcpt_tos) == ("qianli@example.com", [TO])
        assert mailbox.secure == [True]
        assert isinstance(envelope.content, bytes)
        assert envelope.content == composed()
        assert parsed(envelope.content)["Subject"] == "澄嵐 負面聲音突增，11/21 03:00 時 14 個，事件 12"

    def test_tls_from_the_start(self, context: ssl.SSLContext, cafile: str) -> None:
        mailbox = Mailbox()
        with serving(mailbox, ssl_context=context) as plain:
            settings = replace(plain, security="tls", cafile=cafile)
            with Smtp(settings) as server:
                server.send(composed(), TO)
        assert mailbox.secure == [True]

    def test_many_messages_over_one_connection(self) -> None:
        mailbox = Mailbox()
        with serving(mailbox) as settings, Smtp(settings) as server:
            replies = [server.send(composed(), TO) for _ in range(3)]
        assert replies == [f"250 2.0.0 queued as {n}" for n in (1, 2, 3)]
        assert len(mailbox.connections) == 1

    def test_a_connection_closed_while_idle_is_opened_anew(self) -> None:
        mailbox = Mailbox()
        with serving(mailbox) as settings, Smtp(settings) as server:
            server.send(composed(), TO)
            transport = mailbox.connections[0].transport
            assert transport is not None
            mailbox.connections[0].loop.call_soon_threadsafe(transport.abort)
            assert server.send(composed(), TO) == "250 2.0.0 queued as 2"
        assert len(mailbox.connections) == 2


class TestRefusals:
    def refused(self, server: Smtp, recipient: str = TO) -> MailError:
        with pytest.raises(MailError) as caught:
            server.send(composed(), recipient)
        assert "\n" not in str(caught.value)
        return caught.value

    def test_a_bad_password_waits_for_a_person(self, secured: Secured) -> None:
        mailbox = Mailbox()
        with secured(mailbox) as settings, Smtp(replace(settings, password="wrong")) as server:
            error = self.refused(server)
        assert not error.permanent
        assert "535" in str(error)
        assert "wrong" not in str(error)
        assert mailbox.delivered == []

    def test_a_missing_login_waits_for_a_person(self, secured: Secured) -> None:
        with secured(Mailbox()) as settings, Smtp(replace(settings, user="", password="")) as server:
            error = self.refused(server)
        assert not error.permanent
        assert "530" in str(error)

    def test_an_unknown_recipient_is_given_up_and_the_next_mail_goes_on(self) -> None:
        mailbox = Mailbox(at_rcpt=["550 5.1.1 no such user"])
        with serving(mailbox) as settings, Smtp(settings) as server:
            error = self.refused(server)
            server.send(composed(), "second@pr.example")
        assert error.permanent
        assert str(error).endswith(f"RCPT TO {TO}: 550 5.1.1 no such user")
        assert [e.rcpt_tos for e in mailbox.delivered] == [["second@pr.example"]]
        assert len(mailbox.connections) == 1

    def test_come_back_later_and_then_fine(self) -> None:
        mailbox = Mailbox(at_data=["451 4.3.0 greylisted"])
        with serving(mailbox) as settings, Smtp(settings) as server:
            error = self.refused(server)
            assert server.send(composed(), TO) == "250 2.0.0 queued as 1"
        assert not error.permanent
        assert "451 4.3.0 greylisted" in str(error)

    def test_a_refused_message_is_given_up(self) -> None:
        with serving(Mailbox(at_data=["554 5.7.1 looks like spam"])) as settings, Smtp(settings) as server:
            assert self.refused(server).permanent

    @pytest.mark.parametrize("step", ["at_rcpt", "at_data"])
    def test_a_server_that_hangs_up_midway_is_tried_again(self, step: str) -> None:
        mailbox = Mailbox(**{step: ["hang up"]})
        with serving(mailbox) as settings, Smtp(settings) as server:
            assert not self.refused(server).permanent
            assert server.send(composed(), TO) == "250 2.0.0 queued as 1"
        assert len(mailbox.connections) == 2

    def test_a_server_that_closes_politely_is_tried_again(self) -> None:
        mailbox = Mailbox(at_rcpt=["421 4.3.2 shutting down"])
        with serving(mailbox) as settings, Smtp(settings) as server:
            assert not self.refused(server).permanent
            assert server.send(composed(), TO) == "250 2.0.0 queued as 1"
        assert len(mailbox.connections) == 2

    def test_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with Smtp(SmtpSettings("127.0.0.1", port, "none", sender="q@example.com")) as server:
            error = self.refused(server)
        assert not error.permanent
        assert f"127.0.0.1:{port}: ConnectionRefusedError" in str(error)

    def test_a_server_that_says_nothing_times_out(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            settings = SmtpSettings("127.0.0.1", listener.getsockname()[1], "none", sender="q@example.com", timeout=0.2)
            with Smtp(settings) as server:
                assert not self.refused(server).permanent

    def test_an_unknown_certificate_gets_no_password_and_no_mail(self, secured: Secured) -> None:
        mailbox = Mailbox()
        with secured(mailbox) as settings, Smtp(replace(settings, cafile="")) as server:
            error = self.refused(server)
        assert not error.permanent
        assert "certificate" in str(error).lower()
        assert mailbox.delivered == []

    def test_a_certificate_of_another_host_is_refused(self, authority: trustme.CA, cafile: str) -> None:
        other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("mail.example").configure_cert(other)
        with serving(Mailbox(), tls_context=other) as plain:
            server = Smtp(replace(plain, security="starttls", cafile=cafile))
            assert "certificate" in str(self.refused(server)).lower()

    def test_without_starttls_nothing_is_sent_in_the_clear(self) -> None:
        mailbox = Mailbox()
        with serving(mailbox) as plain, Smtp(replace(plain, security="starttls")) as server:
            error = self.refused(server)
        assert not error.permanent
        assert "STARTTLS" in str(error)
        assert mailbox.delivered == []

    def test_a_recipient_that_is_no_address_never_reaches_the_server(self) -> None:
        mailbox = Mailbox()
        with serving(mailbox) as settings, Smtp(settings) as server:
            assert self.refused(server, "a@b.example>\r\nDATA").permanent
        assert mailbox.connections == []


class TestSettings:
    def test_plaintext_only_to_this_machine(self) -> None:
        with pytest.raises(ConfigError, match=r'^smtp\.security: "none" would send mail and password in the clear'):
            SmtpSettings("mail.example", 25, "none")
        for host in ("localhost", "127.0.0.1", "::1"):
            SmtpSettings(host, 25, "none")
        SmtpSettings("relay.internal.example", 25, "none", allow_plaintext=True)

    def test_an_unknown_security(self) -> None:
        with pytest.raises(ConfigError, match="starttls, tls, none"):
            SmtpSettings("mail.example", 25, "ssl")  # type: ignore[arg-type]

    def test_a_login_that_smtp_cannot_carry(self) -> None:
        with pytest.raises(ConfigError, match="ASCII") as caught:
            SmtpSettings("mail.example", 587, "starttls", user="q", password="密碼")
        assert "密碼" not in str(caught.value)

    def test_the_password_is_not_shown(self) -> None:
        assert PASSWORD not in repr(SmtpSettings("mail.example", 587, "starttls", password=PASSWORD))
