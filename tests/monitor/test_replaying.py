"""Replay tells what a config would have said of stored history: what was known when, and nothing is touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs, rehearsing
from monitor.config import Config, parse
from monitor.model import BIN, Page, Post, Query, bin_start
from monitor.store.replays import Told
from monitor.work.app import App
from tests.standin import DAY, HOUR, MINUTE, NOW, Mailbox, mail_server, make_app, post

START = bin_start(NOW - 9 * DAY)
END = NOW + 14 * HOUR


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def said() -> list[Post]:
    """A quiet week, and then an hour in which sixty people are angry."""
    quiet = [post(f"q{i}", "澄嵐爛" if i % 8 == 0 else "澄嵐還行", START + i * HOUR) for i in range(24 * 10)]
    angry = [post(f"x{i}", f"澄嵐分店太爛{i}", NOW + i * 2 * MINUTE) for i in range(60)]
    return sorted([*quiet, *angry], key=lambda p: p.published_at or NOW)


def lived(tmp_path: Path, mailbox: Mailbox, posts: list[Post], delay: timedelta = timedelta()) -> tuple[App, Database]:
    """An app that has lived through it, quarter by quarter where it matters."""

    def forum(query: Query) -> list[Page]:
        there = [p for p in posts if p.published_at and p.published_at + delay <= query.now]
        return [Page(tuple(there[-300:]))]

    app = make_app(tmp_path, {"forum": forum}, mail=mailbox.port)
    db = app.open_store()
    now = START
    while now < END:
        jobs.cycle(app, db, now)
        now += HOUR if now < NOW - HOUR else BIN
    return app, db


def replayed(app: App, db: Database, config: Config | None = None, since: datetime = START) -> list[Told]:
    return list(rehearsing.replay(app, db, config or app.config, since, END))


def subjects_of(mailbox: Mailbox) -> list[tuple[str, str]]:
    pairs = zip(mailbox.messages, mailbox.recipients, strict=True)
    return [
        (str(m["Subject"]), m.get_body(("plain",)).get_content().splitlines()[0])  # type: ignore[union-attr]
        for m, to in pairs
        if to == "oncall@example.test"
    ]


def test_the_same_config_tells_what_was_sent(tmp_path: Path, mailbox: Mailbox) -> None:
    app, db = lived(tmp_path, mailbox, said())
    sent = subjects_of(mailbox)
    told = replayed(app, db)
    assert sent
    assert [(t.subject, t.text.splitlines()[0]) for t in told] == sent
    owed = [at for (at,) in db.execute("SELECT owed_at FROM outbox WHERE kind = 'alert' ORDER BY id").fetchall()]
    assert [t.at.strftime("%Y-%m-%dT%H:%M:%SZ") for t in told] == owed
    assert told[0].evidence["k"] > 0
    db.close()


def test_nothing_is_written_asked_or_sent(tmp_path: Path, mailbox: Mailbox) -> None:
    app, db = lived(tmp_path, mailbox, said())
    before, mails = list(db.conn.iterdump()), len(mailbox.messages)
    assert replayed(app, db)
    assert list(db.conn.iterdump()) == before
    assert len(mailbox.messages) == mails
    db.close()


def test_another_config_judges_the_same_history(tmp_path: Path, mailbox: Mailbox) -> None:
    app, db = lived(tmp_path, mailbox, said())
    other = {
        "language": "zh-Hant",
        "brands": [{"name": "澄嵐", "terms": ["澄嵐"], "exclude": ["澄嵐分店"]}, {"name": "分店", "terms": ["分店"]}],
    }
    told = replayed(app, db, parse(other, "other.toml", tmp_path))
    assert {t.brand for t in told} <= {"分店"}
    db.close()


def test_what_came_late_is_late_again(tmp_path: Path, mailbox: Mailbox) -> None:
    app, db = lived(tmp_path, mailbox, said(), delay=3 * HOUR)
    assert subjects_of(mailbox) == []
    assert replayed(app, db) == []
    db.close()


def test_only_what_was_told_since_then_is_given(tmp_path: Path, mailbox: Mailbox) -> None:
    app, db = lived(tmp_path, mailbox, said())
    told = replayed(app, db)
    later = replayed(app, db, since=told[0].at + MINUTE)
    assert [(t.at, t.event) for t in later] == [(t.at, t.event) for t in told[1:]]
    db.close()
