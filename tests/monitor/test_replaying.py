"""Replay tells what a config would have said of stored history: what was known when, and nothing is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Life:
    """An app that has lived through what was said, and the mails it sent meanwhile."""

    app: App
    db: Database
    mailbox: Mailbox


def said() -> list[Post]:
    """A quiet week, and then an hour in which sixty people are angry."""
    quiet = [post(f"q{i}", "澄嵐爛" if i % 8 == 0 else "澄嵐還行", START + i * HOUR) for i in range(24 * 10)]
    angry = [post(f"x{i}", f"澄嵐分店太爛{i}", NOW + i * 2 * MINUTE) for i in range(60)]
    return sorted([*quiet, *angry], key=lambda p: p.published_at or NOW)


def lived(folder: Path, mailbox: Mailbox, delay: timedelta = timedelta()) -> Life:
    """Hour by hour, and quarter by quarter where it matters."""
    posts = said()

    def forum(query: Query) -> list[Page]:
        there = [p for p in posts if p.published_at and p.published_at + delay <= query.now]
        return [Page(tuple(there[-80:]))]

    app = make_app(folder, {"forum": forum}, mail=mailbox.port)
    db = app.open_store()
    now = START
    while now < END:
        jobs.cycle(app, db, now)
        now += HOUR if now < NOW - HOUR else BIN
    return Life(app, db, mailbox)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Lived once: replay writes nothing, as one of the tests holds."""
    with mail_server() as mailbox:
        life = lived(tmp_path_factory.mktemp("life"), mailbox)
        yield life
        life.db.close()


def replayed(life: Life, config: Config | None = None, since: datetime = START) -> list[Told]:
    return list(rehearsing.replay(life.app, life.db, config or life.app.config, since, END))


def subjects_of(mailbox: Mailbox) -> list[tuple[str, str]]:
    pairs = zip(mailbox.messages, mailbox.recipients, strict=True)
    return [
        (str(m["Subject"]), m.get_body(("plain",)).get_content().splitlines()[0])  # type: ignore[union-attr]
        for m, to in pairs
        if to == "oncall@example.test"
    ]


def test_the_same_config_tells_what_was_sent(life: Life) -> None:
    sent = subjects_of(life.mailbox)
    told = replayed(life)
    assert sent
    assert [(t.subject, t.text.splitlines()[0]) for t in told] == sent
    owed = life.db.execute("SELECT owed_at FROM outbox WHERE kind = 'alert' ORDER BY id").fetchall()
    assert [(t.at.strftime("%Y-%m-%dT%H:%M:%SZ"),) for t in told] == owed
    assert told[0].evidence["k"] > 0


def test_nothing_is_written_asked_or_sent(life: Life) -> None:
    before, mails = list(life.db.conn.iterdump()), len(life.mailbox.messages)
    assert replayed(life)
    assert list(life.db.conn.iterdump()) == before
    assert len(life.mailbox.messages) == mails


def test_another_config_judges_the_same_history(life: Life, tmp_path: Path) -> None:
    other = {
        "language": "zh-Hant",
        "brands": [{"name": "澄嵐", "terms": ["澄嵐"], "exclude": ["澄嵐分店"]}, {"name": "分店", "terms": ["分店"]}],
    }
    told = replayed(life, parse(other, "other.toml", tmp_path))
    assert {t.brand for t in told} <= {"分店"}


def test_only_what_was_told_since_then_is_given(life: Life) -> None:
    told = replayed(life)
    later = replayed(life, since=told[0].at + MINUTE)
    assert [(t.at, t.event) for t in later] == [(t.at, t.event) for t in told[1:]]


def test_what_came_late_is_late_again(tmp_path: Path) -> None:
    with mail_server() as mailbox:
        life = lived(tmp_path, mailbox, delay=3 * HOUR)
    assert subjects_of(mailbox) == []
    assert replayed(life) == []
    life.db.close()
