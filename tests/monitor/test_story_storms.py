"""Two storms through the whole pipeline: many people under one link are an incident, one text pasted is none.

Posts are collected live, matched, scored, grouped, counted and watched by the real stages and the real detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.model import BIN, Page, Post, Query, bin_start
from monitor.store.story_facts import story_facts
from tests.standin import DAY, HOUR, NOW, alert_round, make_app, post

START = bin_start(NOW - 12 * DAY)
STORM = 2_000
LINK = "https://news.example.test/story/77"
PASTED = "澄嵐的氣炸鍋太爛了，用了不到一個月就冒煙，打客服電話沒人接，最後叫我自己寄回去，運費還要我出。"
SAID = ("爛透了", "真的爛", "退錢，爛", "我家的也爛了", "爛到笑", "又爛又貴")


def replies(count: int) -> list[Post]:
    root = post("root", f"澄嵐氣炸鍋冒煙 {LINK}", NOW)
    return [root, *(
        post(f"r{n}", SAID[n % len(SAID)], NOW + timedelta(seconds=5 * n), kind="comment", parent="root", root="root",
             url=LINK)
        for n in range(count)
    )]  # fmt: skip


def pasted(count: int) -> list[Post]:
    ways = (PASTED, PASTED + "😡", f"轉發//@路人:{PASTED}", f"{PASTED} #消費維權#", f"【轉】{PASTED[:40]}…展開全文")
    return [post(f"p{n}", ways[n % len(ways)], NOW + timedelta(seconds=5 * n)) for n in range(count)]


def watched(folder: Path, storm: Sequence[Post]) -> Database:
    """Twelve ordinary days, then the storm, collected every quarter of an hour."""

    def forum(query: Query) -> list[Page]:
        since = query.since or START - DAY
        quiet = [
            post(f"q{i}", f"澄嵐爛{i}" if i % 8 == 0 else f"澄嵐還行{i}", START + i * HOUR)
            for i in range(int((query.now - START) / HOUR) + 1)
        ]
        told = [p for p in [*quiet, *storm] if p.published_at and since - HOUR <= p.published_at <= query.now]
        return [Page(tuple(told), exhausted=True)]

    app = make_app(folder, {"forum": forum})
    db = app.open_store()
    now = START
    while now < NOW + 5 * HOUR:
        alert_round(app, db, now)
        now += 6 * HOUR if now < NOW - 6 * HOUR else BIN
    assert db.execute("SELECT count(*) FROM posts WHERE native_id NOT LIKE 'q%'").fetchone() == (len(storm),)
    return db


@pytest.fixture(scope="module")
def thread(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return watched(tmp_path_factory.mktemp("thread"), replies(STORM))


@pytest.fixture(scope="module")
def paste(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return watched(tmp_path_factory.mktemp("paste"), pasted(STORM))


def spikes(db: Database) -> int:
    return int(db.execute("SELECT count(*) FROM spikes WHERE kind = 'spike'").fetchone()[0])


def test_a_thread_of_2000_replies_by_different_authors_under_one_link_is_an_incident(thread: Database) -> None:
    assert spikes(thread) > 0
    kinds = thread.execute("SELECT kind, severity FROM incidents WHERE kind = 'spike'").fetchall()
    assert len(kinds) == 1
    assert kinds[0][1] == "critical"
    stories = thread.execute("SELECT DISTINCT story FROM v_posts WHERE native_id NOT LIKE 'q%'").fetchall()
    assert len(stories) == 1
    voices = thread.execute("SELECT sum(opens_voice) FROM v_posts WHERE native_id LIKE 'r%'").fetchone()[0]
    assert voices == STORM


def test_one_text_pasted_2000_times_is_no_incident_by_its_voices(paste: Database) -> None:
    assert spikes(paste) == 0
    assert paste.execute("SELECT count(*) FROM incidents WHERE kind = 'spike'").fetchone() == (0,)
    groups = paste.execute("SELECT DISTINCT copy_group FROM v_posts WHERE native_id LIKE 'p%'").fetchall()
    assert len(groups) == 1
    assert paste.execute("SELECT sum(opens_voice) FROM v_posts WHERE native_id LIKE 'p%'").fetchone() == (1,)


def test_the_pasted_text_is_a_story_of_2000_copies(paste: Database) -> None:
    story = paste.execute("SELECT story FROM v_posts WHERE native_id = 'p0'").fetchone()[0]
    facts = story_facts(paste, 1, story, NOW + 5 * HOUR)
    assert facts is not None
    assert (facts.posts, facts.copies, facts.voices) == (STORM, STORM - 1, 1)
    assert facts.doubling == timedelta(seconds=5 * STORM // 2)
