"""A person's word on a post: found by any of its names, kept with who and when, counted at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.errors import UsageError
from monitor.jobs import Report
from monitor.model import Label, Page
from monitor.store import counts
from monitor.work import correcting
from monitor.work.app import App
from tests.standin import HOUR, NOW, make_app, post

URL = "https://forum.example/p/1"


@pytest.fixture
def app(tmp_path: Path) -> App:
    shown = [
        post(1, "澄嵐的客服真爛", NOW - HOUR, url=URL),
        post(2, "澄嵐比霽川爛", NOW - HOUR),
        post(3, "今天天氣不錯", NOW - HOUR),
    ]
    return make_app(tmp_path, {"forum": lambda query: [Page(tuple(shown))]})


@pytest.fixture
def stored(app: App) -> Database:
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    jobs.process(app, db, NOW, Report())
    return db


def say(app: App, db: Database, name: str, label: Label = Label.POSITIVE, brand: str = "") -> correcting.Done:
    return correcting.label(app, db, name, label, brand, by="Lan", now=NOW)


@pytest.mark.parametrize("name", ["1", URL, "forum:1"])
def test_a_post_is_known_by_its_id_its_address_and_its_platform(app: App, stored: Database, name: str) -> None:
    assert say(app, stored, name) == correcting.Done(1, "澄嵐", "negative", "positive")
    assert stored.execute('SELECT "by", at, brand FROM labels').fetchall() == [("Lan", "2026-11-20T02:00:00Z", 1)]
    row = stored.execute("SELECT label, corrected_by FROM v_posts WHERE post = 1").fetchone()
    assert row == ("positive", "Lan")


def test_an_id_may_look_like_an_address(app: App, stored: Database) -> None:
    """Feeds often give one as the other."""
    odd = post("https://news.example/rss?guid=1", "澄嵐爛", NOW)
    shown = make_app(Path(app.config.folder), {"forum": lambda query: [Page((odd,))]})
    jobs.collect(shown, stored, NOW + HOUR, Report())
    jobs.process(shown, stored, NOW + HOUR, Report())
    assert say(shown, stored, "forum:https://news.example/rss?guid=1").before == "negative"


def test_it_counts_at_once_and_the_newest_word_stands(app: App, stored: Database) -> None:
    before = stored.execute("SELECT sum(negative_voices) FROM counts WHERE brand = 1").fetchone()
    say(app, stored, "1")
    assert stored.execute("SELECT sum(negative_voices) FROM counts WHERE brand = 1").fetchone() == (before[0] - 1,)
    assert say(app, stored, "1", Label.NEGATIVE).now == "negative"
    assert stored.execute("SELECT sum(negative_voices) FROM counts WHERE brand = 1").fetchone() == before
    assert counts.recount_all(stored) == counts.stored(stored)
    assert stored.execute("SELECT count(*) FROM labels").fetchone() == (2,)


def test_where_a_post_speaks_of_two_one_must_say_which(app: App, stored: Database) -> None:
    with pytest.raises(UsageError, match="post 2 mentions 澄嵐, 霽川; say which one is meant"):
        say(app, stored, "2")
    say(app, stored, "2", brand="霽川")
    rows = stored.execute("SELECT brand, label FROM v_posts WHERE post = 2 ORDER BY brand").fetchall()
    assert rows == [("澄嵐", "negative"), ("霽川", "positive")]


@pytest.mark.parametrize(
    ("name", "brand", "message"),
    [
        ("99", "", r'POST: "99" is no post here'),
        ("9" * 30, "", "is no post here"),
        ("forum:x\n", "", "is no post here"),
        ("\udcff", "", "is no post here"),
        ("forum:\udcff", "", "is no post here"),
        ("3", "", "POST: post 3 mentions none of the watched brands"),
        ("1", "霽川", "--brand: post 1 does not mention 霽川, but 澄嵐"),
    ],
)
def test_what_cannot_be_told_is_said_in_one_line(
    app: App, stored: Database, name: str, brand: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        say(app, stored, name, brand=brand)
    assert "\n" not in str(caught.value)
    assert stored.execute("SELECT count(*) FROM labels").fetchone() == (0,)


@pytest.mark.parametrize(
    ("word", "label"), [("Negative", Label.NEGATIVE), ("負面", Label.NEGATIVE), ("中性", Label.NEUTRAL)]
)
def test_values_may_be_said_in_chinese(word: str, label: Label) -> None:
    assert correcting.value(word) == label


@pytest.mark.parametrize("word", ["bad", "unscored", "", "負"])
def test_other_values_are_refused(word: str) -> None:
    with pytest.raises(UsageError, match="VALUE: must be negative, neutral, positive or unsure"):
        correcting.value(word)
