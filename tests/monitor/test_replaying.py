"""Replay tells what a config would have said of stored history: what was known when, and nothing is touched."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import rehearsing
from monitor.config import Config, parse
from monitor.model import BIN, Author, Page, Post, Query, bin_start
from monitor.store.replays import Told
from monitor.work.app import App
from tests.standin import DAY, HOUR, MINUTE, NOW, Mailbox, alert_round, mail_server, make_app, post

START = bin_start(NOW - 9 * DAY)
END = NOW + 14 * HOUR
SEED = 20261122


@dataclass(frozen=True)
class Life:
    """An app that has lived through what was said, and the mails it sent meanwhile."""

    app: App
    db: Database
    mailbox: Mailbox


def drawn(seed: int) -> list[Post]:
    """A quiet week and then some angry hours, drawn at random, by authors who speak more than once. No text is near
    another, for copies are grouped by what is known today."""
    dice = random.Random(seed)
    words = ["退款", "客服", "排隊", "漏水", "門市", "冷氣", "外送", "會員", "電池", "包裝", "訂位", "發票"]

    def one(number: int, at: datetime, angry: bool) -> Post:
        about = "".join(dice.sample(words, 4))
        said = post(f"d{number}", f"{about}{number} 澄嵐{'爛透了' if angry else '還行'}", at)
        return replace(said, author=Author(f"a{dice.randrange(90)}"))

    quiet = [(START + dice.random() * 10 * DAY, dice.random() < 0.12) for _ in range(240)]
    angry = [
        (NOW + dice.random() * dice.uniform(2, 5) * HOUR, dice.random() < 0.9) for _ in range(dice.randrange(50, 90))
    ]
    moments = sorted((at.replace(second=0, microsecond=0), bad) for at, bad in [*quiet, *angry])
    return [one(i, at, bad) for i, (at, bad) in enumerate(moments)]


def lived(folder: Path, mailbox: Mailbox, delay: timedelta) -> Life:
    """Hour by hour, and quarter by quarter where it matters."""
    posts = drawn(SEED)

    def forum(query: Query) -> list[Page]:
        there = [p for p in posts if p.published_at and p.published_at + delay <= query.now]
        return [Page(tuple(there[-80:]))]

    app = make_app(folder, {"forum": forum}, mail=mailbox.port)
    db = app.open_store()
    now = START
    while now < END:
        alert_round(app, db, now)
        now += HOUR if now < NOW - HOUR else BIN
    return Life(app, db, mailbox)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Lived once, for replay writes nothing. Posts come late, so that quarters which were judged still change."""
    with mail_server() as mailbox:
        life = lived(tmp_path_factory.mktemp("life"), mailbox, 20 * MINUTE)
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
        "brands": [{"name": "澄嵐", "terms": ["澄嵐"], "exclude": ["澄嵐爛透了"]}, {"name": "門市", "terms": ["門市"]}],
    }
    told = replayed(life, parse(other, "other.toml", tmp_path))
    assert {t.brand for t in told} == {"門市"}


def test_only_what_was_told_since_then_is_given(life: Life) -> None:
    told = replayed(life)
    later = replayed(life, since=told[0].at + MINUTE)
    assert [(t.at, t.event) for t in later] == [(t.at, t.event) for t in told[1:]]


def test_what_came_late_is_late_again(tmp_path: Path) -> None:
    with mail_server() as mailbox:
        life = lived(tmp_path, mailbox, 3 * HOUR)
    assert subjects_of(mailbox) == []
    assert replayed(life) == []
    life.db.close()
