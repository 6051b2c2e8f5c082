"""Reading one IMAP folder: nothing in it is changed, marked or removed, for people may read it as well.

What cannot be reached, does not answer in time or answers nonsense is ServerUnreachable: none of it can be read now.
What the server refuses of one message is a MailError. Either says in one line what the server said.
"""

from __future__ import annotations

import base64
import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from monitor.errors import ConfigError, MailError, ServerUnreachable, one_line, shown
from reports.mail import is_loopback

WINDOW = 5000
"""UIDs asked for at once: a server lists what it finds on one line, and no line may be endless."""

MOST_AT_ONCE = 1 << 20
"""Bytes of one piece that a server may send. It is asked for a quarter of that."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_REPLY_LENGTH = 300
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


@dataclass(frozen=True)
class ImapSettings:
    """How to reach the folder. ``timeout`` in seconds for each step, ``deadline`` for all of one visit.

    ``security``: ``tls``, ``starttls`` or ``none``; plaintext only to this machine unless ``allow_plaintext``.
    ``cafile``: a PEM file of authorities to trust instead of the system's.
    """

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    timeout: float = 30.0
    deadline: float = 120.0
    allow_plaintext: bool = False
    cafile: str = ""

    def __post_init__(self) -> None:
        if self.security == "none" and not self.allow_plaintext and not is_loopback(self.host):
            raise ConfigError(
                f'mailbox.security: "none" would send the password in the clear to {shown(self.host)}; '
                "use tls or starttls, or set allow_plaintext = true"
            )
        if not all(word.isascii() and word.isprintable() for word in (self.user, self.password)):
            raise ConfigError("mailbox.user, mailbox.password_env: a login may only hold printable ASCII characters")

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Message:
    """The beginning of a message. ``size``: bytes of all of it; None where the server does not say."""

    start: bytes
    size: int | None


class Folder:
    """A folder opened for reading. Its uids only grow, and mean the same messages while ``validity`` is the same."""

    def __init__(self, server: imaplib.IMAP4, where: str, validity: int, next_uid: int | None) -> None:
        self._server = server
        self._where = where
        self.validity = validity
        self.next_uid = next_uid

    def since(self, day: date) -> list[int]:
        """The uids of what arrived on a day or later, by the server's clock."""
        return self._search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}")

    def after(self, uid: int) -> Iterator[int]:
        """The uids above this one, lowest first."""
        start = uid + 1
        while self.next_uid is not None and start + WINDOW < self.next_uid:
            yield from self._search(f"UID {start}:{start + WINDOW - 1}")
            start += WINDOW
        yield from (n for n in self._search(f"UID {start}:*") if n >= start)  # "*" is the last one, however low

    def header(self, uid: int, most: int) -> Message | None:
        """The header of a message, at most ``most`` bytes; None if the message is gone."""
        return self._fetch(uid, f"BODY.PEEK[HEADER]<0.{most}>")

    def beginning(self, uid: int, most: int) -> Message | None:
        """The first ``most`` bytes of a message; None if it is gone."""
        return self._fetch(uid, f"BODY.PEEK[]<0.{most}>")

    def _search(self, what: str) -> list[int]:
        found = self._ask("SEARCH", what)
        return sorted(int(n) for line in found if isinstance(line, bytes) for n in line.split() if n.isdigit())

    def _fetch(self, uid: int, what: str) -> Message | None:
        pieces = self._ask("FETCH", str(uid), f"(UID RFC822.SIZE {what})")
        start = next((piece[1] for piece in pieces if isinstance(piece, tuple)), None)
        if start is None:
            return None
        around = b" ".join(piece[0] if isinstance(piece, tuple) else piece for piece in pieces if piece)
        size = _SIZE.search(around)
        return Message(start, int(size[1]) if size else None)

    def _ask(self, command: str, *words: str) -> list[Any]:
        with _understood(self._where):
            state, found = self._server.uid(command, *words)
        if state != "OK":
            raise MailError(f"{self._where}: UID {command}: {_said(found)}", permanent=True)
        return found


@contextmanager
def opened(settings: ImapSettings) -> Iterator[Folder]:
    """The folder, from login to logout. ServerUnreachable if there is no connection, login or folder to be had."""
    with ExitStack() as leaving, _understood(settings.where):
        server = _connected(settings)
        leaving.callback(_leave, server)
        folder = _entered(server, settings)
        leaving = leaving.pop_all()
    with leaving:
        yield folder


def _connected(settings: ImapSettings) -> _Watched:
    kind = _Tls if settings.security == "tls" else _Plain
    secure = {"ssl_context": _context(settings)} if settings.security == "tls" else {}
    server = kind(settings.deadline, host=settings.host, port=settings.port, timeout=settings.timeout, **secure)
    if settings.security == "starttls":
        try:
            server.starttls(_context(settings))
        except (imaplib.IMAP4.error, OSError):
            server.release()
            raise
    return server


def _leave(server: _Watched) -> None:
    with suppress(imaplib.IMAP4.error, OSError):
        server.logout()
    server.release()


def _entered(server: imaplib.IMAP4, settings: ImapSettings) -> Folder:
    server.login(settings.user, settings.password)
    if "ID" in server.capabilities:  # RFC 2971; NetEase (163, 126) opens no folder to a program that does not say it
        server.xatom("ID", '("name" "qianli")')
    state, said = server.select(folder_name(settings.folder), readonly=True)
    if state != "OK":
        raise ServerUnreachable(f"{settings.where}: folder {shown(settings.folder)}: {_said(said)}")
    validity, following = (server.response(name)[1][0] for name in ("UIDVALIDITY", "UIDNEXT"))
    if validity is None:
        raise ServerUnreachable(f"{settings.where}: folder {shown(settings.folder)}: the server gives no UIDVALIDITY")
    return Folder(server, settings.where, int(validity), int(following) if following else None)


def folder_name(name: str) -> str:
    """A folder's name as IMAP writes it: quoted, what is not ASCII in modified UTF-7 (RFC 3501, 5.1.3)."""
    pieces = re.sub(r"[^\x20-\x7e]+|&", lambda found: _utf7(found[0]), name)
    return '"' + pieces.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _utf7(text: str) -> str:
    if text == "&":
        return "&-"
    return "&" + base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"


def _context(settings: ImapSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.cafile or None)


class _Watched(imaplib.IMAP4):
    """A connection that ends at its deadline, and reads no piece larger than was asked for: its length is the server's
    word, and a byte before each timeout would keep it open for ever."""

    def __init__(self, deadline: float, **how: Any) -> None:
        self._over = False
        self._watchdog = threading.Timer(deadline, self._cut)
        self._watchdog.daemon = True
        self._watchdog.start()
        with ExitStack() as unconnected:  # nobody will release what never came to be
            unconnected.callback(self._watchdog.cancel)
            super().__init__(**how)
            unconnected.pop_all()

    def open(self, *where: Any, **how: Any) -> None:
        super().open(*where, **how)
        if self._over:
            self._cut()

    def read(self, size: int) -> bytes:
        if size > MOST_AT_ONCE:
            raise imaplib.IMAP4.abort(f"the server sends {size} bytes where at most {MOST_AT_ONCE} were asked for")
        return super().read(size)

    def release(self) -> None:
        self._watchdog.cancel()
        with suppress(OSError):
            self.shutdown()

    def _cut(self) -> None:
        self._over = True
        with suppress(OSError, AttributeError):  # there is no socket until it is connected
            self.sock.shutdown(socket.SHUT_RDWR)


class _Plain(_Watched):
    pass


class _Tls(_Watched, imaplib.IMAP4_SSL):
    pass


@contextmanager
def _understood(where: str) -> Iterator[None]:
    """What goes wrong in the talk itself, as one line. imaplib takes nonsense apart without looking at it first."""
    try:
        yield
    except (imaplib.IMAP4.error, OSError, EOFError) as error:
        raise ServerUnreachable(f"{where}: {_of(error)}") from error


def _of(error: Exception) -> str:
    words = " ".join(w.decode("utf-8", "replace") if isinstance(w, bytes) else str(w) for w in error.args)
    return one_line(f"{type(error).__name__}: {words}"[:_REPLY_LENGTH])


def _said(found: list[Any]) -> str:
    words = b" ".join(piece for piece in found if isinstance(piece, bytes)).decode("utf-8", "replace")
    return one_line(words[:_REPLY_LENGTH])
