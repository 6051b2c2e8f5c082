"""A real mail server on loopback with bad hours; it keeps a ledger of what it took and what it said."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from monitor.demo.mailbox import MailSink
from tests.soak.months.faults import BUSY, CUT, DEAD, FULL, LOST, REFUSED, SENDER, MailFault

Key = tuple[str, str]
"""Message-ID and recipient."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One message kept. ``said``: the client was told so, as far as the server knows. ``digest``: of its bytes."""

    key: Key
    at: datetime
    said: bool
    digest: str


@dataclass
class Ledger:
    taken: list[Taken] = field(default_factory=list)
    refused: list[tuple[str, datetime]] = field(default_factory=list)  # recipient, when
    troubles: dict[str, int] = field(default_factory=dict)


class _Dead(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.abort()  # type: ignore[attr-defined]


class MailServer(MailSink):
    """``now``: the simulated time, told before each round. ``on_kept``: called when a mail is kept and not answered."""

    def __init__(self, path: Path, faults: Sequence[MailFault], on_kept: Callable[[], bool]) -> None:
        super().__init__(path)
        self.ledger, self.now = Ledger(), datetime.min.replace(tzinfo=UTC)
        self._faults, self._on_kept = faults, on_kept

    def _fault(self) -> str:
        kind = next((f.kind for f in self._faults if f.start <= self.now < f.end), "")
        return kind

    def _note(self, kind: str) -> None:
        self.ledger.troubles[kind] = self.ledger.troubles.get(kind, 0) + 1

    def _session(self) -> SMTP:
        if self._fault() == DEAD:
            self._note(DEAD)
            return _Dead()  # type: ignore[return-value]
        return super()._session()

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, sender: str, options: list[str]) -> str:
        if self._fault() == SENDER:
            self._note(SENDER)
            return "550 5.7.1 sender not allowed for now"
        return await super().handle_MAIL(server, session, envelope, sender, options)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        fault = self._fault()
        if fault == BUSY:
            self._note(BUSY)
            return "451 4.3.2 come back later"
        if fault == REFUSED:
            self._note(REFUSED)
            self.ledger.refused.append((address, self.now))
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 known"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        fault = self._fault()
        if fault == FULL:
            self._note(FULL)
            return "452 4.3.1 insufficient storage"
        if fault == LOST:
            return self._cut(server, LOST)
        said = fault != CUT
        if self._on_kept():
            said = False
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        digest = hashlib.sha256(envelope.content).hexdigest()
        for recipient in envelope.rcpt_tos:
            self.ledger.taken.append(Taken((str(message["Message-ID"]), recipient), self.now, said, digest))
        return "250 2.0.0 kept" if fault != CUT else self._cut(server, CUT)

    def _cut(self, server: Any, kind: str) -> str:
        self._note(kind)
        server.transport.abort()
        return "421 4.4.2 cut"
