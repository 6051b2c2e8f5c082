"""Composing a message and handing it to the mail server.

``compose`` gives the same bytes for the same arguments, so a mail sent again after a crash is recognisably the same.
``Smtp`` reports what the server said: its reply, or a MailError whose ``permanent`` tells whether to try again.
"""

from __future__ import annotations

import base64
import hashlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from ipaddress import ip_address
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from monitor.errors import ConfigError, MailError, ServerUnreachable, one_line, shown
from reports.safe import subject

if TYPE_CHECKING:
    from reports.render import Rendered

SECURITY = ("starttls", "tls", "none")
ABOUT_OUR_LOGIN = (530, 534, 535, 538)
"""RFC 4954: the server wants or refuses a login. It says nothing about the message, which waits."""

_MESSAGE_ID = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")
_USER = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+"
_DOMAIN = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\]"
_ADDRESS = re.compile(
    rf"(?P<name>[^<>@,;]*)<(?P<user>{_USER})@(?P<domain>{_DOMAIN})>|(?P<bare_user>{_USER})@(?P<bare_domain>{_DOMAIN})"
)
_REPLY_LENGTH = 300
_CLOSING = 421


def compose(
    *,
    sender: str,
    recipient: str,
    rendered: Rendered,
    message_id: str,
    references: Sequence[str] = (),
    date: datetime,
    reply_to: str = "",
    replied: bool = False,
) -> bytes:
    """A message as sent: text and HTML alternatives in UTF-8 as base64, CRLF lines, 7-bit clean.

    ``references`` are the earlier Message-IDs of the thread, oldest first. ``replied``: it answers what a person wrote
    (RFC 3834), else nobody asked for it. Raises a permanent MailError for an address or id that cannot stand in a
    header; nothing can be smuggled into one.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = address(sender)
    message["To"] = address(recipient)
    if reply_to:
        message["Reply-To"] = address(reply_to)
    message["Subject"] = subject(rendered.subject)
    message["Date"] = format_datetime(date)
    message["Message-ID"] = _message_id(message_id)
    if references:
        message["In-Reply-To"] = _message_id(references[-1])
        message["References"] = " ".join(_message_id(r) for r in references)
    message["Auto-Submitted"] = "auto-replied" if replied else "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    message.set_content(rendered.text, cte="base64")
    message.add_alternative(rendered.html, subtype="html", cte="base64")
    message.set_boundary("=_" + hashlib.sha256(message_id.encode()).hexdigest()[:32])
    return message.as_bytes()


def address(text: str) -> Address:
    """The one mail address that ``text`` is, perhaps with a name before it; a permanent MailError if it is not one."""
    found = _ADDRESS.fullmatch(text) if text.isprintable() else None
    if found is None:
        raise MailError(f"not a mail address: {shown(text)}", permanent=True)
    user, domain = (found["user"], found["domain"]) if found["user"] else (found["bare_user"], found["bare_domain"])
    return Address((found["name"] or "").strip().strip('"'), user, domain)


def _message_id(value: str) -> str:
    if not _MESSAGE_ID.fullmatch(value):
        raise MailError(f"not a Message-ID: {shown(value)}", permanent=True)
    return value


@dataclass(frozen=True)
class SmtpSettings:
    """How to reach the mail server. ``timeout`` in seconds, for each step of the talk.

    ``security``: ``starttls``, ``tls`` or ``none``; plaintext only to this machine unless ``allow_plaintext``.
    ``cafile``: a PEM file of authorities to trust instead of the system's. ``sender`` may carry a name.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    timeout: float = 30.0
    allow_plaintext: bool = False
    cafile: str = ""

    def __post_init__(self) -> None:
        if self.security not in SECURITY:
            raise ConfigError(f"smtp.security: must be one of {', '.join(SECURITY)}, not {shown(self.security)}")
        if self.security == "none" and not self.allow_plaintext and not is_loopback(self.host):
            raise ConfigError(
                f'smtp.security: "none" would send mail and password in the clear to {shown(self.host)}; '
                "use starttls or tls, or set allow_plaintext = true"
            )
        if not (self.user.isascii() and self.password.isascii()):
            raise ConfigError("smtp.user, smtp.password_env: a login may only hold ASCII characters")


class Smtp:
    """One connection for many messages, opened when the first one needs it; close it by leaving ``with``."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Smtp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye if the server still listens."""
        server, self._server = self._server, None
        if server is None:
            return
        try:
            server.quit()
        except (smtplib.SMTPException, OSError):
            server.close()

    def send(self, message: bytes, recipient: str) -> str:
        """Hand one message over for one recipient; the server's reply, ``250 2.0.0 queued as 4Bx1``.

        Raises MailError: permanent when the server refused this message or recipient for good (5xx), passing when it
        asked to come back (4xx) or broke off; ServerUnreachable when there is no connection or login to be had.
        """
        envelope_from, envelope_to = (address(a).addr_spec for a in (self._settings.sender, recipient))
        try:
            server = self._begun(envelope_from)
            self._expect(server, f"RCPT TO {envelope_to}", server.rcpt(envelope_to), 250, 251)
            said = self._data(server, message)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise MailError(f"{self._where}: {self._said(error)}", permanent=False) from error
        self._expect(server, "DATA", said, 250)
        return self._reply(*said)

    def _begun(self, envelope_from: str) -> smtplib.SMTP:
        """A connection after MAIL FROM; a new one if the server has meanwhile closed the idle one."""
        reused = self._server is not None
        server = self._connected()
        try:
            said = server.mail(envelope_from)
        except smtplib.SMTPServerDisconnected:
            if not reused:
                raise
            said = (_CLOSING, b"")
        if reused and said[0] == _CLOSING:
            self._drop()
            return self._begun(envelope_from)
        self._expect(server, "MAIL FROM", said, 250, ours=True)
        return server

    @staticmethod
    def _data(server: smtplib.SMTP, message: bytes) -> tuple[int, bytes]:
        try:
            return server.data(message)
        except smtplib.SMTPDataError as error:  # the DATA command itself was refused
            text = error.smtp_error
            return error.smtp_code, text if isinstance(text, bytes) else text.encode()

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _expect(self, server: smtplib.SMTP, step: str, said: tuple[int, bytes], *good: int, ours: bool = False) -> None:
        """Accept one of the good codes, or leave the talk ready for the next message and raise.

        ``ours``: the step tells of our sender, not of the message. A refused one is mended in the config, so it waits.
        """
        code, reply = said
        if code in good:
            return
        if code == _CLOSING:
            self._drop()
        else:
            self._forget(server)
        permanent = 500 <= code < 600 and code not in ABOUT_OUR_LOGIN and not ours
        raise MailError(f"{self._where}: {step}: {self._reply(code, reply)}", permanent=permanent)

    def _reply(self, code: int, reply: bytes | str) -> str:
        """What the server said on one line. Some quote what they were given, a login too: that is kept nowhere."""
        text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return one_line(f"{code} {' '.join(text.split())}"[:_REPLY_LENGTH])

    def _said(self, error: Exception) -> str:
        """What a failed step says on one line: the server's own words where it spoke."""
        if isinstance(error, smtplib.SMTPResponseException):
            return self._reply(error.smtp_code, error.smtp_error)
        return one_line(f"{type(error).__name__}: {error}"[:_REPLY_LENGTH])

    @property
    def _secrets(self) -> tuple[str, ...]:
        """The password as it stands, and as AUTH LOGIN and AUTH PLAIN send it."""
        user, password = self._settings.user, self._settings.password
        if not password:
            return ()
        sent = (password, f"\0{user}\0{password}", f"{user}\0{user}\0{password}")
        return (*(base64.b64encode(text.encode()).decode() for text in sent), password)

    def _forget(self, server: smtplib.SMTP) -> None:
        try:
            server.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            try:
                self._server = self._open()
            except (smtplib.SMTPException, OSError) as error:
                raise ServerUnreachable(f"{self._where}: {self._said(error)}") from error
        return self._server

    def _open(self) -> smtplib.SMTP:
        s = self._settings
        if s.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(s.host, s.port, timeout=s.timeout, context=self._context())
        else:
            server = smtplib.SMTP(s.host, s.port, timeout=s.timeout)
        with ExitStack() as unless_ready:
            unless_ready.callback(server.close)
            server.ehlo_or_helo_if_needed()
            if s.security == "starttls":
                server.starttls(context=self._context())
                server.ehlo()
            if s.user:
                server.login(s.user, s.password)
            unless_ready.pop_all()
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.cafile or None)


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
