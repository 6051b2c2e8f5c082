"""Early warnings through the whole pipeline: looks as sources give them, with a stepped clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from monitor.model import BIN, Author, Engagement, Label, Page, Post, Query, Score, bin_start, utc_text
from monitor.store import mentions, reach, writing
from monitor.work import reaching
from monitor.work.app import App
from tests.standin import DAY, HOUR, MINUTE, NOW, Mailbox, Words, alert_round, mail_server, make_app, post

START = bin_start(NOW - 4 * DAY)
Counts = Callable[[datetime], Engagement]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


class Unsure(Words):
    """Negative, and hardly so."""

    def score_many(self, texts: Any) -> list[Score]:
        return [Score(0.4, 0.45, Label.NEGATIVE) if "爛" in text else Score(0.9, 0.1, Label.NEUTRAL) for text in texts]


@dataclass
class Shown:
    """A post and the counts it has at a time; None once the forum no longer shows it."""

    post: Post
    counts: Counts


def usual_posts(until: datetime, since: datetime = START) -> list[Shown]:
    """Every 20 minutes a post that gathers a dozen reactions, most of them at first."""

    def decays(at: datetime, most: int) -> Counts:
        return lambda now: Engagement(int(most * (1 - 0.5 ** ((now - at) / HOUR))), 0, 0)

    return [
        Shown(
            post(f"q{i}", f"澄嵐{'爛' if i % 8 == 0 else '還行'}{i}", at := since + i * 20 * MINUTE),
            decays(at, 5 + i % 15),
        )
        for i in range(int((until - since) / (20 * MINUTE)))
    ]


def rises(at: datetime, doubling: timedelta, most: int = 50_000) -> Counts:
    return lambda now: Engagement(int(min(most, 4 * 2 ** ((now - at) / doubling))), 0, 0)


COMPLAINT = "澄嵐的店員當眾罵哭一個孕婦，爛透了"


def app_of(folder: Path, mailbox: Mailbox, shown: list[Shown], **more: Any) -> App:
    def forum(query: Query) -> list[Page]:
        found = [s for s in shown if s.post.published_at and query.now - 5 * HOUR < s.post.published_at <= query.now]
        return [Page(tuple(replace(s.post, engagement=s.counts(query.now)) for s in found))]

    return make_app(folder, {"forum": forum}, mail=mailbox.port, **more)


def play(app: App, end: datetime, start: datetime = START) -> Database:
    db = app.open_store()
    now = start
    while now < end:
        alert_round(app, db, now)
        now += HOUR if now + HOUR < NOW else BIN
    return db


def found(db: Database) -> list[tuple[str, str]]:
    return db.execute("SELECT origin, severity FROM spikes WHERE kind = 'takeoff' ORDER BY id").fetchall()


def alerts(mailbox: Mailbox) -> int:
    return mailbox.recipients.count("oncall@example.test")


def test_a_careless_moment_is_told_before_anyone_else_writes(tmp_path: Path, mailbox: Mailbox) -> None:
    careless = Shown(post("x", COMPLAINT, NOW), rises(NOW, 18 * MINUTE))
    db = play(app_of(tmp_path, mailbox, [*usual_posts(NOW + 4 * HOUR), careless]), NOW + 4 * HOUR)
    assert found(db)[0] == ("live", "warning")
    assert len(found(db)) <= 2
    assert db.execute("SELECT DISTINCT kind, origin FROM incidents").fetchall() == [("takeoff", "live")]
    evidence = json.loads(db.execute("SELECT evidence FROM spikes WHERE kind = 'takeoff' ORDER BY id").fetchone()[0])
    assert evidence["post"] == db.execute("SELECT id FROM posts WHERE native_id = 'x'").fetchone()[0]
    assert evidence["measure"] == "weighted"
    assert evidence["learning"] is False
    assert evidence["age_minutes"] <= 120
    assert evidence["per_hour"] > evidence["usual_per_hour"] > 0
    assert alerts(mailbox) >= 1
    db.close()


@pytest.mark.parametrize("text", ["澄嵐週年慶抽獎，轉發就送咖啡一年份", "澄嵐的新店開幕，今天去看了看"])
def test_a_promo_that_everyone_likes_is_none(tmp_path: Path, mailbox: Mailbox, text: str) -> None:
    promo = Shown(post("x", text, NOW), rises(NOW, 15 * MINUTE))
    db = play(app_of(tmp_path, mailbox, [*usual_posts(NOW + 3 * HOUR), promo]), NOW + 3 * HOUR)
    assert found(db) == []
    assert alerts(mailbox) == 0
    db.close()


def test_a_label_that_is_hardly_negative_wakes_nobody_until_a_person_says_so(tmp_path: Path, mailbox: Mailbox) -> None:
    careless = Shown(post("x", COMPLAINT, NOW), rises(NOW, 18 * MINUTE))
    app = app_of(tmp_path, mailbox, [*usual_posts(NOW + 4 * HOUR), careless], scorer=Unsure())
    db = play(app, NOW + 90 * MINUTE)
    assert found(db) == []
    (identity,) = db.execute("SELECT id FROM posts WHERE native_id = 'x'").fetchone()
    with writing(db):
        mentions.add_label(db, identity, None, Label.NEGATIVE, "pr", NOW + 90 * MINUTE)
    db = play(app, NOW + 3 * HOUR, NOW + 90 * MINUTE)
    assert found(db)
    db.close()


def test_a_post_found_old_and_loud_wakes_nobody(tmp_path: Path, mailbox: Mailbox) -> None:
    """A source is added, and shows what took off hours ago."""
    old = Shown(post("x", COMPLAINT, NOW - 4 * HOUR), lambda now: Engagement(30_000, 900, 4000))
    shown = usual_posts(NOW + 2 * HOUR)
    app = app_of(tmp_path, mailbox, shown)
    play(app, NOW).close()
    shown.append(old)
    db = play(app, NOW + 2 * HOUR, NOW)
    assert db.execute("SELECT count(*) FROM posts WHERE native_id = 'x'").fetchone() == (1,)
    assert found(db) == []
    db.close()


def test_a_post_that_was_deleted_travels_no_more(tmp_path: Path, mailbox: Mailbox) -> None:
    careless = Shown(post("x", COMPLAINT, NOW), rises(NOW, 12 * MINUTE))
    app = app_of(tmp_path, mailbox, [*usual_posts(NOW + 3 * HOUR), careless])
    db = play(app, NOW + MINUTE)
    with writing(db):
        db.execute("UPDATE posts SET gone_at = ? WHERE native_id = 'x'", [utc_text(NOW)])
    db = play(app, NOW + 3 * HOUR, NOW + BIN)
    assert found(db) == []
    db.close()


def test_counts_that_are_corrected_or_missing_are_no_growth(tmp_path: Path, mailbox: Mailbox) -> None:
    def jumps(now: datetime) -> Engagement:
        odd = int((now - NOW) / BIN) % 3
        return Engagement(odd and None, 0, None) if odd == 1 else Engagement(8 if odd == 2 else 9, 0, None)

    shown = [*usual_posts(NOW + 3 * HOUR), Shown(post("x", COMPLAINT, NOW), jumps)]
    shown.append(Shown(post("y", COMPLAINT + "啊", NOW), lambda now: Engagement()))
    db = play(app_of(tmp_path, mailbox, shown), NOW + 3 * HOUR)
    assert db.execute("SELECT count(DISTINCT seen_at) FROM engagement e JOIN posts p ON p.id = e.post "
                      "WHERE p.native_id = 'x'").fetchone()[0] > 5  # fmt: skip
    assert found(db) == []
    db.close()


def threads(mailbox: Mailbox, folder: Path, *, angry: bool, start: datetime = NOW) -> App:
    """A forum without counts: a question that few answer each hour, and one that draws ever more answers."""
    none: Counts = lambda now: Engagement()  # noqa: E731
    shown = [Shown(s.post, none) for s in usual_posts(NOW + 4 * HOUR)]
    for i, s in enumerate(list(shown)[::2]):
        assert s.post.published_at
        at, root = s.post.published_at, s.post.native_id
        shown.append(Shown(post(f"a{i}", "還行", at + 5 * MINUTE, parent=root, root=root), none))
    shown.append(Shown(post("x", "澄嵐的這件事大家怎麼看", start), none))
    at = start
    for i in range(150):
        at += 20 * MINUTE * 0.97**i
        reply = post(f"r{i}", "太爛了" if angry else "很棒", at, parent="x", root="x")
        shown.append(Shown(reply, none))
    return app_of(folder, mailbox, shown)


@pytest.mark.parametrize("angry", [True, False])
def test_a_thread_that_fills_with_angry_replies_is_told_where_no_counts_are(
    tmp_path: Path, mailbox: Mailbox, angry: bool
) -> None:
    db = play(threads(mailbox, tmp_path, angry=angry), NOW + 12 * HOUR)
    assert bool(found(db)) is angry
    if angry:
        evidence = json.loads(db.execute("SELECT evidence FROM spikes WHERE kind = 'takeoff'").fetchone()[0])
        assert evidence["measure"] == "comments"
        assert 15 <= evidence["count"] <= 150
    db.close()


def test_cold_start_says_still_learning(tmp_path: Path, mailbox: Mailbox) -> None:
    since = NOW - 6 * HOUR
    careless = Shown(post("x", COMPLAINT, NOW), rises(NOW, 15 * MINUTE))
    db = play(app_of(tmp_path, mailbox, [*usual_posts(NOW + 4 * HOUR, since), careless]), NOW + 4 * HOUR, since)
    (evidence, *_) = [json.loads(e) for (e,) in db.execute("SELECT evidence FROM spikes WHERE kind = 'takeoff'")]
    assert evidence["learning"] is True
    db.close()


def test_levels_are_reckoned_once_a_day_and_only_when_asked(tmp_path: Path, mailbox: Mailbox) -> None:
    app = app_of(tmp_path, mailbox, usual_posts(NOW + HOUR))
    db = play(app, NOW + HOUR)
    assert db.execute("SELECT count(*) FROM reach_levels").fetchone() == (0,)
    level, learning = reaching.usual(db, 1, "forum").level("weighted", 0)
    assert (level.posts, learning) == (0, True)
    reaching._reckon(db, 1, NOW.date())
    level, learning = reaching.usual(db, 1, "forum").level("weighted", 1)
    assert level.posts >= 100
    assert not learning
    assert 1 < level.high < 40
    assert reach.of_platform(db, 1, "forum")[0] == pytest.approx(9 * 30, rel=0.2)
    before = db.execute("SELECT * FROM reach_levels ORDER BY 1, 2, 3, 4, 5").fetchall()
    reaching._reckon(db, 1, NOW.date())
    assert db.execute("SELECT * FROM reach_levels ORDER BY 1, 2, 3, 4, 5").fetchall() == before
    db.close()


def test_the_authors_reach_is_said(tmp_path: Path, mailbox: Mailbox) -> None:
    famous = replace(post("x", COMPLAINT, NOW), author=Author("star", followers=3_000_000))
    shown = [
        replace(s, post=replace(s.post, author=Author(s.post.native_id, followers=150)))
        for s in usual_posts(NOW + HOUR)
    ]
    db = play(app_of(tmp_path, mailbox, [*shown, Shown(famous, rises(NOW, 12 * MINUTE))]), NOW + 2 * HOUR)
    evidence = json.loads(db.execute("SELECT evidence FROM spikes WHERE kind = 'takeoff'").fetchone()[0])
    assert (evidence["followers"], evidence["usual_followers"]) == (3_000_000, 150)
    db.close()
