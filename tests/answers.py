"""An incident that was mailed, and what people write back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import Finding, Kind, Page, Query, Severity, bin_start
from monitor.store import replies
from monitor.work import handling
from monitor.work.app import App
from tests.post_office import DOMAIN
from tests.standin import make_app, post

ONCALL, LEAD, STRANGER = f"oncall@{DOMAIN}", f"lead@{DOMAIN}", "stranger@elsewhere.example"
ADDRESS = f"qianli@{DOMAIN}"
WORDS = ["客服都不回，澄嵐真的很爛", "澄嵐的濾心爛透了", "澄嵐出貨慢，爛"]


@dataclass
class Scene:
    """An app whose one incident was mailed to the on-call person. ``now`` goes on by a minute with each reading."""

    app: App
    db: Database
    now: datetime
    incident: int = 1
    reports: list[Report] = field(default_factory=list)

    def read(self) -> None:
        self.now += timedelta(minutes=1)
        self.reports.append(Report())
        jobs.answers(self.app, self.db, self.now, self.reports[-1])

    def address(self, mail: int = 1) -> str:
        return self.app.reply_address(self.incident, mail)

    def happen(self, severity: Severity, minutes: int = 15) -> None:
        """Another finding; a worse one mails."""
        self.now += timedelta(minutes=minutes)
        brand, number = self.app.own_brands[0]
        handling.take_in(self.app, self.db, brand, number, finding(self.now, severity), self.now)

    @property
    def state(self) -> str:
        return str(next(self.db.query("SELECT state FROM incidents WHERE id = ?", [self.incident]))["state"])

    @property
    def owner(self) -> str:
        return str(next(self.db.query("SELECT owner FROM incidents WHERE id = ?", [self.incident]))["owner"])

    @property
    def outcomes(self) -> dict[str, int]:
        return replies.outcomes(self.db)

    def events(self, event: str) -> list[dict[str, Any]]:
        return list(self.db.query("SELECT * FROM incident_events WHERE event = ? ORDER BY id", [event]))

    def confirmations(self) -> list[dict[str, Any]]:
        return list(self.db.query(
            """SELECT o.*, d.recipient FROM outbox o JOIN deliveries d ON d.outbox = o.id
               WHERE o.kind = 'answer' ORDER BY o.id"""
        ))  # fmt: skip


def finding(now: datetime, severity: Severity) -> Finding:
    span = {"observed": 14, "expected": 1.6, "low": 0, "high": 4, "p": 1e-9, "ratio": 8.8}
    at = bin_start(now - timedelta(minutes=15))
    return Finding(Kind.SPIKE, 0, at, "live", severity, at - timedelta(hours=1), 14, 1.6, {"hour": span})


def scene(folder: Path, **tables: Any) -> Scene:
    """Three negative posts and a warning about them, owed to the on-call person and to no one else."""
    now = datetime.now(UTC).replace(microsecond=0)

    def answer(_: Query) -> Sequence[Page]:
        posts = (post(n, words, now - timedelta(minutes=20 + n)) for n, words in enumerate(WORDS))
        return [Page(tuple(posts), exhausted=True)]

    app = make_app(
        folder, {"forum": answer}, alerts={"to": [f"值班 <{ONCALL}>"], "ops_to": ["ops@example.test"]}, **tables
    )
    db = app.open_store()
    jobs.collect(app, db, now, Report())
    jobs.process(app, db, now, Report())
    made = Scene(app, db, now)
    brand, number = app.own_brands[0]
    handling.take_in(app, db, brand, number, finding(now, Severity.WARNING), now)
    return made


def answer(
    to: str, text: str, *, sender: str = ONCALL, message_id: str = "", html: str = "", charset: str = "utf-8",
    **headers: str,
) -> EmailMessage:  # fmt: skip
    """What a mail program sends when somebody answers; header names with ``_`` for ``-``."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = "Re: 澄嵐 負面聲音突增"
    message["Message-ID"] = message_id or f"<{abs(hash((to, text, sender, charset)))}@phone.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    if text or not html:
        message.set_content(text, charset=charset)
    if html and text:
        message.add_alternative(html, subtype="html", charset=charset)
    elif html:
        message.set_content(html, subtype="html", charset=charset)
    return message
