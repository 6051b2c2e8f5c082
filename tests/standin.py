"""Stand-ins that jobs need around them: sources that do what a test says, a mail server that keeps what it gets."""

from __future__ import annotations

import base64
import email
import email.policy
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from sqlite_utils import Database

from monitor import jobs
from monitor.config import parse
from monitor.jobs import Report
from monitor.model import Author, Cursor, Label, Page, Post, Query, Score
from monitor.work.app import App, Collector, open_app

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Stand:
    """A source whose answer is a function of the query."""

    name: str
    answer: Callable[[Query], Sequence[Page]]

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        yield from self.answer(query)


@dataclass
class Words:
    """A scorer that goes by one word, so that a test can say what is negative; ``raises`` makes it fail on a text."""

    version: str = "words-1"
    raises: str = "\0"

    def score_many(self, texts: Sequence[str]) -> list[Score]:
        return [self._score(t) for t in texts]

    def band(self, p_negative: float, below: Label) -> Label:
        return Label.NEGATIVE if p_negative >= 0.5 else below

    def _score(self, text: str) -> Score:
        if self.raises in text:
            raise RuntimeError(f"poison: {text}")
        bad = "爛" in text
        return Score(0.1 if bad else 0.9, 0.9 if bad else 0.1, Label.NEGATIVE if bad else Label.NEUTRAL)


@dataclass
class Mailbox:
    """What the server took, and what it answers: a text to refuse all mail with, or that for one recipient."""

    port: int = 0
    refuse: str = ""
    refuse_to: dict[str, str] = field(default_factory=dict)
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refuse_to:
            return self.refuse_to[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients += envelope.rcpt_tos
        return "250 kept"


def _blurts(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """Refuses every login, and repeats what it was given, as it stands and as it came."""
    user, password = data.login.decode(), data.password.decode()
    sent = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    said = f"535 5.7.8 no login for {user} with {password}, nor for {sent}"
    return AuthResult(success=False, handled=False, message=said)


@contextmanager
def mail_server(**options: Any) -> Iterator[Mailbox]:
    """``options``: of the server, such as how it takes logins; see ``REFUSES_LOGINS``."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        box = Mailbox(free.getsockname()[1])
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


REFUSES_LOGINS: dict[str, Any] = {"auth_require_tls": False, "authenticator": _blurts}


def make_app(
    folder: Path, sources: dict[str, Callable[[Query], Sequence[Page]]] | None = None, *, mail: int = 0,
    keep_going: bool = False, scorer: Words | None = None, **tables: Any,
) -> App:  # fmt: skip
    """An app over a real database file, with stand-in sources; mail goes to a port on loopback if one is given."""
    document: dict[str, Any] = {
        "language": "zh-Hant",
        "brands": [
            {"name": "澄嵐", "terms": ["澄嵐"], "exclude": ["澄嵐山"], "accounts": ["forum:official"]},
            {"name": "霽川", "terms": ["霽川"], "role": "competitor"},
        ],
        "service": {"deadline": "1s"},
        **tables,
    }
    if mail:
        document["smtp"] = {"host": "127.0.0.1", "port": mail, "security": "none", "from": "qianli@example.test"}
        document.setdefault("alerts", {"to": ["oncall@example.test"], "ops_to": ["ops@example.test"]})
        document.setdefault("digest", {"to": ["pr@example.test"]})
    app = open_app(parse(document, "config.toml", folder), keep_going=keep_going)
    collectors = tuple(Collector(n, 900, Stand(n, a)) for n, a in (sources or {}).items())
    app = replace(app, collectors=collectors)
    app.__dict__["scorer"] = scorer or Words()
    return app


def alert_round(app: App, db: Database, now: datetime) -> None:
    """What ``jobs.cycle`` does on the way from posts to alerts. Ledger, travel and digests, which follow there, are a
    fourth of its time in tests that live through weeks, and hear no alert."""
    report = Report()
    jobs.collect(app, db, now, report)
    jobs.recheck(app, db, now, report)
    jobs.process(app, db, now, report)
    jobs.watch(app, db, now)
    jobs.attend(app, db, now)
    jobs.send(app, db, now, report)


def post(number: int | str, text: str, at: datetime | None, *, author: str = "", **more: Any) -> Post:
    return Post("forum", str(number), text, author=Author(author or f"a{number}"), published_at=at, **more)
