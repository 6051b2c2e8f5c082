"""A real mail server in this process, with a login, that puts what it takes into an mbox file.

``python -m monitor.demo.mailbox FILE`` lists what lies there, ``... FILE 3`` prints the third message's text.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import mailbox
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "qianli", "open-sesame"
"""The login of a server that listens on loopback for the length of one demo."""


class MailSink:
    """Takes mail for anybody, from whoever logged in, from ``with`` to its end; plain text, so on loopback only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Not aiosmtpd's Controller: it cannot take whatever port is free, and a port chosen beforehand may be lost.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)
        self._server: asyncio.Server | None = None
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of a field of its own at each login

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> asyncio.Server:
        return await self._loop.create_server(self._session, sock=self._socket)

    def _session(self) -> SMTP:
        return SMTP(self, hostname="demo.example", loop=self._loop, authenticator=_authenticate, auth_require_tls=False)

    async def _close(self) -> None:
        """Listen no longer, and end the talks that a client left open."""
        if self._server is not None:
            self._server.close()
        talks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    async def handle_MAIL(
        self, _server: object, session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        """Nothing without a login. (aiosmtpd's own ``auth_required`` warns that it wants TLS, which loopback lacks.)"""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:
        """One message; 250 is said only once it lies on the disk."""
        content = envelope.content or b""
        message = mailbox.mboxMessage(message_from_bytes(content if isinstance(content, bytes) else content.encode()))
        message.set_from(envelope.mail_from or "MAILER-DAEMON", _sent_at(message["Date"]).timetuple())
        box = mailbox.mbox(self._path)
        try:
            box.lock()
            box.add(message)
            box.flush()
        finally:
            box.close()
        return "250 2.0.0 kept"


def _authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
    given = data if isinstance(data, LoginPassword) else LoginPassword(b"", b"")
    right = given.login == USER.encode() and hmac.compare_digest(given.password, PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as delivered; ``sent_at`` is its Date header."""

    sent_at: datetime
    to: str
    subject: str
    message_id: str
    text: str
    html: str


def mails(path: Path) -> Iterator[Mail]:
    """The messages of an mbox file, in the order in which they came; none if there is no such file."""
    if not path.exists():
        return
    box = mailbox.mbox(path, create=False)
    try:
        for raw in box:
            yield _read(message_from_bytes(bytes(raw), policy=policy.default))
    finally:
        box.close()


def _read(message: Any) -> Mail:
    assert isinstance(message, EmailMessage)
    return Mail(
        _sent_at(message["Date"]), str(message["To"]), str(message["Subject"]), str(message["Message-ID"]),
        _part(message, "plain"), _part(message, "html"),
    )  # fmt: skip


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if isinstance(part, EmailMessage) else ""


def _sent_at(date: object) -> datetime:
    return parsedate_to_datetime(str(date)).astimezone(UTC)


def main(words: list[str]) -> None:
    found = list(mails(Path(words[0])))
    for number in [int(word) for word in words[1:]]:
        mail = found[number - 1]
        print(f"{mail.sent_at:%Y-%m-%d %H:%M}Z to {mail.to}\n{mail.subject}\n\n{mail.text}")
    if len(words) == 1:
        for number, mail in enumerate(found, 1):
            print(f"{number:3} {mail.sent_at:%Y-%m-%d %H:%M}Z {mail.to:22} {mail.subject}")


if __name__ == "__main__":
    main(sys.argv[1:])
