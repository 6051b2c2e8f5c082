"""A source that goes deaf is told to the operator once, in one thread with its end; on call hears nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.errors import Blocked
from monitor.model import Page, Query
from monitor.store import outbox
from monitor.work.app import App
from tests.standin import HOUR, MINUTE, NOW, Mailbox, mail_server, make_app, post


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def deaf_app(tmp_path: Path, mailbox: Mailbox, deaf: tuple[datetime, datetime], *, other: bool = False) -> App:
    """A forum that refuses us in ``deaf``; ``other``: and a second one that always answers."""

    def forum(query: Query) -> list[Page]:
        if deaf[0] <= query.now < deaf[1]:
            raise Blocked("forum.example: HTTP 403")
        return [Page((post(int(query.now.timestamp()), "澄嵐還行", query.now),), exhausted=True)]

    def well(query: Query) -> list[Page]:
        return [Page((), exhausted=True)]

    return make_app(tmp_path, {"forum": forum, **({"board": well} if other else {})}, mail=mailbox.port)


def step(app: App, db: Database, start: datetime, end: datetime, by: timedelta = 15 * MINUTE) -> None:
    while start < end:
        jobs.cycle(app, db, start)
        start += by


def ops(mailbox: Mailbox) -> list[str]:
    pairs = zip(mailbox.messages, mailbox.recipients, strict=True)
    return [m["Subject"] for m, to in pairs if to == "ops@example.test"]


def test_it_is_told_once_and_its_end_answers_it(tmp_path: Path, mailbox: Mailbox) -> None:
    app = deaf_app(tmp_path, mailbox, (NOW, NOW + 30 * HOUR), other=True)
    db = app.open_store()
    step(app, db, NOW - 2 * HOUR, NOW + 2 * HOUR - 15 * MINUTE)
    assert ops(mailbox) == []
    step(app, db, NOW + 2 * HOUR - 15 * MINUTE, NOW + 20 * HOUR)
    assert ops(mailbox) == ["千里收不到 forum"]
    first = mailbox.messages[mailbox.recipients.index("ops@example.test")]
    body = first.get_body(("plain",))
    assert body is not None
    assert "自 11/20 09:45 起收不到 forum" in body.get_content()
    assert "forum.example: HTTP 403" in body.get_content()
    step(app, db, NOW + 20 * HOUR, NOW + 50 * HOUR)
    assert ops(mailbox) == ["千里收不到 forum"] * 2
    last = [m for m, to in zip(mailbox.messages, mailbox.recipients, strict=True) if to == "ops@example.test"][-1]
    assert last["In-Reply-To"] == first["Message-ID"]
    answer = last.get_body(("plain",))
    assert answer is not None
    assert "又收得到 forum 了" in answer.get_content()
    assert "oncall@example.test" not in mailbox.recipients
    db.close()


def test_a_second_deafness_is_a_thread_of_its_own(tmp_path: Path, mailbox: Mailbox) -> None:
    spells = [(NOW, NOW + 4 * HOUR), (NOW + 30 * HOUR, NOW + 40 * HOUR)]

    def forum(query: Query) -> list[Page]:
        if any(a <= query.now < b for a, b in spells):
            raise Blocked("forum.example: HTTP 403")
        return [Page((), exhausted=True)]

    app = make_app(tmp_path, {"forum": forum}, mail=mailbox.port)
    db = app.open_store()
    step(app, db, NOW - HOUR, NOW + 60 * HOUR, 30 * MINUTE)
    mails = [m for m, to in zip(mailbox.messages, mailbox.recipients, strict=True) if to == "ops@example.test"]
    assert [bool(m["In-Reply-To"]) for m in mails] == [False, True, False, True]
    assert mails[3]["In-Reply-To"] == mails[2]["Message-ID"] != mails[0]["Message-ID"]
    db.close()


def test_a_source_that_never_answered_is_told_too(tmp_path: Path, mailbox: Mailbox) -> None:
    app = deaf_app(tmp_path, mailbox, (NOW - HOUR, NOW + 99 * HOUR))
    db = app.open_store()
    step(app, db, NOW, NOW + 3 * HOUR)
    assert ops(mailbox) == ["千里收不到 forum"]
    db.close()


def test_a_service_that_was_down_is_no_deaf_source(tmp_path: Path, mailbox: Mailbox) -> None:
    app = deaf_app(tmp_path, mailbox, (NOW + 99 * HOUR, NOW + 99 * HOUR))
    db = app.open_store()
    step(app, db, NOW - HOUR, NOW)
    step(app, db, NOW + 24 * HOUR, NOW + 25 * HOUR)
    assert ops(mailbox) == []
    db.close()


def test_a_mail_server_that_is_down_owes_it_and_repeats_nothing(tmp_path: Path, mailbox: Mailbox) -> None:
    app = deaf_app(tmp_path, mailbox, (NOW, NOW + 99 * HOUR))
    db = app.open_store()
    mailbox.refuse = "451 later"
    step(app, db, NOW - HOUR, NOW + 8 * HOUR)
    assert outbox.summary(db)["owed"] == 2, "the operator's mail, and the digest of the day before, heard whole"
    mailbox.refuse = ""
    step(app, db, NOW + 8 * HOUR, NOW + 12 * HOUR)
    assert ops(mailbox) == ["千里收不到 forum"]
    db.close()
