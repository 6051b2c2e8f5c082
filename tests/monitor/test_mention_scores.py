"""What counts for a brand is what a post says of it: in labels, counts, quotes and after the rules change."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import BIN, Page, Post
from monitor.store import counts, facts
from monitor.work.app import App
from monitor.work.quoting import quotes
from tests.standin import DAY, HOUR, NOW, make_app, post

BOTH = "霽川的客服很親切,一直很好。澄嵐就爛了,等了三天沒人回。下次還是去霽川。"
PLAIN = "今天的行程很滿,走了不少地方。"
ARTICLE = "澄嵐的新店開了。" + PLAIN * 20 + "澄嵐的店員態度很爛,我不會再去。" + PLAIN * 20


def collected(tmp_path: Path, posts: list[Post], **tables: Any) -> tuple[App, Database]:
    app = make_app(tmp_path, {"forum": lambda query: [Page(tuple(posts))]}, **tables)
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    jobs.process(app, db, NOW, Report())
    return app, db


def labels(db: Database) -> list[tuple[str, str]]:
    return db.execute("SELECT brand, label FROM v_posts ORDER BY post, brand DESC").fetchall()


def test_each_brand_has_the_score_of_what_is_said_of_it(tmp_path: Path) -> None:
    _, db = collected(tmp_path, [post(1, BOTH, NOW - HOUR)])
    assert labels(db) == [("霽川", "neutral"), ("澄嵐", "negative")]
    assert db.execute("SELECT brand, negative_voices FROM counts ORDER BY brand").fetchall() == [(1, 1), (2, 0)]
    assert counts.recount_all(db) == counts.stored(db)
    (start, end) = db.execute("SELECT quote_start, quote_end FROM v_posts WHERE brand = '澄嵐'").fetchone()
    assert BOTH[start:end].startswith("澄嵐就爛了")
    whole = db.execute("SELECT label FROM scores WHERE brand IS NULL").fetchall()
    assert whole == [("negative",)]
    db.close()


def test_the_sentence_that_weighs_most_is_quoted(tmp_path: Path) -> None:
    _, db = collected(tmp_path, [post(1, ARTICLE, NOW - HOUR)])
    assert labels(db) == [("澄嵐", "negative")]
    (quote,) = quotes(db, 1, NOW - DAY, NOW + DAY, 3)
    assert "態度很爛" in quote.text
    (story,) = facts.stories(db, 1, NOW - DAY, NOW + DAY)
    assert story.voices == 1
    db.close()


def test_a_short_post_and_a_reply_keep_the_score_of_the_whole(tmp_path: Path) -> None:
    reply = post(2, "真的很爛", NOW - HOUR, parent="1", root="1")
    _, db = collected(tmp_path, [post(1, "澄嵐還行", NOW - HOUR), reply])
    assert labels(db) == [("澄嵐", "neutral"), ("澄嵐", "negative")]
    assert db.execute("SELECT count(*) FROM scores WHERE brand IS NOT NULL").fetchone() == (0,)
    db.close()


def test_a_brand_added_to_the_config_takes_its_share_of_old_posts(tmp_path: Path) -> None:
    alone = [{"name": "霽川", "terms": ["霽川"]}]
    _, db = collected(tmp_path, [post(1, BOTH, NOW - HOUR)], brands=alone)
    assert labels(db) == [("霽川", "negative")]
    db.close()
    app = make_app(tmp_path, brands=[*alone, {"name": "澄嵐", "terms": ["澄嵐"]}])
    db = app.open_store()
    jobs.process(app, db, NOW + BIN, Report())
    assert labels(db) == [("霽川", "neutral"), ("澄嵐", "negative")]
    assert counts.recount_all(db) == counts.stored(db)
    db.close()


def test_an_edit_is_scored_anew_for_each_brand(tmp_path: Path) -> None:
    shown = [post(1, BOTH, NOW - HOUR)]
    app, db = collected(tmp_path, shown)
    shown[0] = post(1, BOTH.replace("澄嵐就爛了", "澄嵐也不差"), NOW - HOUR)
    later = NOW + timedelta(hours=1)
    jobs.collect(app, db, later, Report())
    jobs.process(app, db, later, Report())
    assert labels(db) == [("霽川", "neutral"), ("澄嵐", "neutral")]
    db.close()


@pytest.mark.parametrize("text", ["澄嵐霽川" * 3000, "澄嵐\n" * 5000, "霽川爛。澄嵐\ud800\x01" + "」" * 400])
def test_hostile_posts_are_scored_like_any_other(tmp_path: Path, text: str) -> None:
    _, db = collected(tmp_path, [post(1, text, NOW - HOUR)])
    assert len(labels(db)) in (1, 2)
    assert not db.execute("SELECT 1 FROM failures").fetchone()
    db.close()


def test_a_term_added_further_down_takes_its_sentences(tmp_path: Path) -> None:
    """The first place where the brand is named stays the same: what is said of it does not."""
    text = PLAIN * 2 + "澄嵐的店很漂亮。" + PLAIN * 20 + "\n\n晴空的態度很爛。下次再說。"
    _, db = collected(tmp_path, [post(1, text, NOW - HOUR)])
    before = labels(db)
    db.close()
    app = make_app(tmp_path, brands=[{"name": "澄嵐", "terms": ["澄嵐", "晴空"]}])
    db = app.open_store()
    jobs.process(app, db, NOW + BIN, Report())
    assert (before, labels(db)) == ([("澄嵐", "neutral")], [("澄嵐", "negative")])
    db.close()
