"""The travel index through the database: what a story counts, from which looks, when it is read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.digest import local_day
from monitor.jobs import Report
from monitor.model import (
    TRAVEL_DAYS,
    TRAVEL_LOOK,
    Author,
    Cursor,
    Engagement,
    Gone,
    Label,
    Lack,
    Page,
    Post,
    Query,
    Score,
    Travel,
    TravelVerdict,
    utc_text,
)
from monitor.store import mentions, posts, purges, reading, travel, writing
from monitor.store.posts import Arrival
from monitor.work import travelling
from monitor.work.app import App, Collector
from tests.bench.travel import SETUPS, Setup, store
from tests.standin import DAY, HOUR, MINUTE, NOW, Words, make_app, post

START = NOW.replace(hour=0) - 6 * DAY
LONG = "這一段文字夠長所以轉貼時會被當成同一則內容"


class Signed(Words):
    def score_many(self, texts: Sequence[str]) -> list[Score]:
        return [Score(0.9, 0.05, Label.POSITIVE) if "讚" in text else self._score(text) for text in texts]


@pytest.fixture
def app(tmp_path: Path) -> App:
    return make_app(tmp_path, scorer=Signed())


def take_in(app: App, db: Database, said: Sequence[Post], at: datetime) -> None:
    with writing(db):
        posts.add(db, said, Arrival("test", at, timedelta(hours=2), assumed=True), app.author_key)
    jobs.process(app, db, at, Report())


def measured(app: App, db: Database, now: datetime) -> list[Travel]:
    (brand, brand_id), *_ = app.own_brands
    return travelling.measure(app, db, brand, brand_id, now)


def stories(db: Database) -> list[dict[str, Any]]:
    return list(db.query("SELECT * FROM v_travel_stories ORDER BY first_seen, story"))


def spread() -> list[Post]:
    """One complaint, passed on for three days; one praise that nobody takes up."""
    bad = f"澄嵐爛透了，{LONG}"
    first = post("b1", bad, START + HOUR)
    return [
        replace(first, author=Author("a", followers=500)),
        post("b2", bad, START + 5 * HOUR),
        replace(post("w1", bad, START + 20 * HOUR), platform="weibo"),
        post("r1", "我也是，澄嵐爛", START + 2 * HOUR, parent="b1", root="b1"),
        post("b3", bad, START + 48 * HOUR + 30 * MINUTE),  # 47.5 hours after the first
        post("b4", bad, START + 50 * HOUR),
        post("g1", "澄嵐的新店很讚", START + 3 * HOUR),
    ]


def test_a_story_counts_what_came_within_its_window(app: App) -> None:
    db = app.open_store()
    take_in(app, db, spread(), NOW)
    measured(app, db, NOW)
    bad, good = stories(db)
    shown = {k: bad[k] for k in ("label", "platform", "followers", "posts", "copies", "replies", "platforms")}
    assert shown == {"label": "negative", "platform": "forum", "followers": 500, "posts": 5, "copies": 3, "replies": 1,
                     "platforms": 1}  # fmt: skip
    assert bad["first_seen"] == utc_text(START + HOUR)
    assert bad["doubling"] == pytest.approx(43.5)  # from the third post of five to the last
    assert (good["label"], good["posts"], good["copies"], good["doubling"]) == ("positive", 1, 0, None)
    in_stories = db.execute("SELECT posts, copies FROM v_stories WHERE story = ?", [bad["story"]]).fetchone()
    assert in_stories == (6, 4)  # with what came after the window
    db.close()


def test_a_story_is_what_its_first_post_says_whatever_is_answered(app: App) -> None:
    answers = [post(f"r{n}", f"澄嵐爛 {n}", START + 2 * HOUR, parent="g1", root="g1") for n in range(5)]
    db = app.open_store()
    take_in(app, db, [post("g1", "澄嵐的新店很讚", START), *answers], NOW)
    measured(app, db, NOW)
    assert [(s["label"], s["replies"]) for s in stories(db)] == [("positive", 5)]
    db.close()


def test_a_correction_changes_the_sign_at_once(app: App) -> None:
    db = app.open_store()
    take_in(app, db, spread(), NOW)
    measured(app, db, NOW)
    first = stories(db)[0]["post"]
    with writing(db):
        mentions.add_label(db, first, None, Label.POSITIVE, "Mei", NOW)
    assert [s["label"] for s in stories(db)] == ["positive", "positive"]
    db.close()


def test_a_window_that_is_not_over_is_not_counted(app: App) -> None:
    db = app.open_store()
    take_in(app, db, [post("g1", "澄嵐讚", NOW - 47 * HOUR), post("g2", "澄嵐很讚", NOW - 90 * HOUR)], NOW)
    (short, _) = measured(app, db, NOW)
    assert [s["post"] for s in stories(db)] == [2]
    assert (short.negatives, short.positives, short.lack) == (0, 1, Lack.STORIES)
    db.close()


def test_a_day_is_measured_once_and_read_again_only_when_its_counts_change(app: App) -> None:
    db = app.open_store()
    (_, brand), zone = app.own_brands[0], app.config.timezone.key
    days = [local_day(START.astimezone(ZoneInfo(zone)).date() + n * DAY, zone) for n in range(3)]
    take_in(app, db, spread(), NOW)
    assert len(measured(app, db, NOW)) == len(TRAVEL_DAYS)
    assert measured(app, db, NOW + HOUR) == []
    assert travel.unread(db, brand, days) == []
    take_in(app, db, [post("late", f"澄嵐爛透了，{LONG}", START + 4 * HOUR)], NOW + HOUR)
    assert [span for span, _ in travel.unread(db, brand, days)] == days[:1]
    measured(app, db, NOW + DAY)
    assert stories(db)[0]["copies"] == 4
    db.close()


def test_stories_that_become_one_are_read_as_one(app: App) -> None:
    db = app.open_store()
    one, other = post("p1", "澄嵐爛，客服不理", START), post("p2", "澄嵐爛，退款三週", START + DAY)
    take_in(app, db, [one, other], NOW)
    measured(app, db, NOW)
    assert len(stories(db)) == 2
    with writing(db):
        db.execute("UPDATE groups SET story = 1 WHERE story = 2")
        db.execute("UPDATE stories SET merged_into = 1 WHERE id = 2")
    measured(app, db, NOW + DAY)
    assert [(s["story"], s["posts"]) for s in stories(db)] == [(1, 2)]
    db.close()


def test_a_story_that_an_older_post_joins_begins_there(app: App) -> None:
    db = app.open_store()
    take_in(app, db, [post("r2", "澄嵐爛，我也是", START + 2 * DAY, parent="t", root="t")], NOW)
    measured(app, db, NOW)
    take_in(app, db, [post("r1", "澄嵐很讚", START, parent="t", root="t")], NOW)
    measured(app, db, NOW + DAY)
    assert [(s["first_seen"], s["label"], s["posts"]) for s in stories(db)] == [(utc_text(START), "positive", 1)]
    db.close()


@dataclass
class Platform:
    """A source that shows its posts once, and counts that grow when asked again."""

    name: str
    posts: tuple[Post, ...]
    asked: list[tuple[timedelta, list[str]]] = field(default_factory=list)

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        yield Page(self.posts, exhausted=True)

    def recheck(self, asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        self.asked.append((now - NOW, [p.native_id for p in asked]))
        for p in asked:
            yield replace(p, engagement=Engagement(reposts=round((now - NOW) / HOUR), comments=3))


def looking(folder: Path, said: Sequence[Post], budget: int = 30) -> tuple[App, Platform]:
    app = make_app(folder, scorer=Signed())
    site = Platform("site", tuple(said))
    app.collectors = (Collector("site", 600, site, recheck=budget),)
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    jobs.process(app, db, NOW, Report())
    db.close()
    return app, site


def look(app: App, first: timedelta, last: timedelta, step: timedelta) -> Database:
    db, now = app.open_store(), NOW + first
    while now <= NOW + last:
        jobs.recheck(app, db, now, Report())
        now += step
    return db


def mixed(count: int) -> list[Post]:
    return [post(n, f"澄嵐{'爛' if n % 2 else '讚'} 第{n}件事", NOW) for n in range(1, count + 1)]


def test_one_of_four_is_looked_at_at_one_age_whatever_it_says(tmp_path: Path) -> None:
    app, _ = looking(tmp_path, mixed(24))
    db = look(app, timedelta(), 9 * DAY, 2 * HOUR)
    drawn = db.execute(
        "SELECT m.label, count(*) FROM travel_looks l JOIN mentions m USING (post) GROUP BY 1"
    ).fetchall()
    assert sum(n for _, n in drawn) == 6
    ages = {at for (at,) in db.execute("SELECT at FROM travel_looks").fetchall()}
    assert ages == {utc_text(NOW + DAY)}
    measured(app, db, NOW + 10 * DAY)
    known = {s["post"]: (s["reposts"], s["comments"]) for s in stories(db) if s["reposts"] is not None}
    assert set(known) == {4, 8, 12, 16, 20, 24}
    assert set(known.values()) == {(24, 3)}  # and not what the negative ones had a week later
    assert all(s["looked_at"] is None for s in stories(db) if s["post"] % 4)
    db.close()


def test_what_is_drawn_waits_its_turn_whatever_its_sign(tmp_path: Path) -> None:
    """With a budget for one at a time the drawn of both signs come in an order that does not know them."""
    said = [replace(p, published_at=NOW - n * MINUTE) for n, p in enumerate(mixed(24))]
    app, site = looking(tmp_path, said, budget=1)
    db = look(app, DAY, DAY + 5 * HOUR, 10 * MINUTE)
    order = [int(ids[0]) for _, ids in site.asked]
    drawn = [n for n in order if n % 4 == 0]
    assert drawn == sorted(drawn)  # the youngest first
    assert len(drawn) == 6
    db.close()


def test_a_look_that_came_late_tells_nothing(tmp_path: Path) -> None:
    app, _ = looking(tmp_path, mixed(8))
    db = look(app, 40 * HOUR, 3 * DAY, 2 * HOUR)
    assert db.execute("SELECT count(*) FROM travel_looks").fetchone()[0] == 2
    measured(app, db, NOW + 10 * DAY)
    assert {s["reposts"] for s in stories(db)} == {None}
    db.close()


def test_what_is_forgotten_is_forgotten_here_too(tmp_path: Path) -> None:
    app, _ = looking(tmp_path, mixed(8))
    db = look(app, DAY, DAY, HOUR)
    measured(app, db, NOW + 10 * DAY)
    assert [s["post"] for s in stories(db) if s["reposts"] is not None] == [4, 8]
    with writing(db):
        purges.empty(db, [4], NOW + 11 * DAY)
    assert [s["post"] for s in stories(db) if s["reposts"] is not None] == [8]
    db.close()


def filled(app: App, setup: Setup, ratio: float, seed: int) -> Database:
    db = app.open_store()
    with writing(db):
        store(db, app.own_brands[0][1], setup, ratio, seed, NOW - 32 * DAY)
    return db


def test_an_index_is_what_the_view_of_stories_gives(app: App) -> None:
    setup = replace(SETUPS[0], negatives=150, positives=150, quiet=3.0, unknown=0.0)
    db = filled(app, setup, 3.0, 5)
    short, long = measured(app, db, NOW)
    assert (short.days, long.days) == TRAVEL_DAYS
    assert short.verdict is TravelVerdict.FARTHER
    row = next(iter(db.query("SELECT * FROM v_travel WHERE days = 28")))
    assert (row["ratio"], row["low"], row["high"]) == (short.ratio, short.low, short.high)
    assert (row["negatives"], row["positives"], row["enough"]) == (short.negatives, short.positives, 1)
    audited = db.execute(
        """SELECT count(*), avg(copies) FROM v_travel_stories WHERE label = 'negative' AND first_seen >= ?
           AND first_seen < ?""",
        [row["from"], row["to"]],
    ).fetchone()
    copies = next(iter(db.query("SELECT * FROM v_travel_measures WHERE days = 28 AND measure = 'copies'")))
    assert audited == (copies["negatives"], pytest.approx(copies["negative_mean"]))
    assert row["copies_ratio"] == copies["ratio"]
    db.close()


def test_negatives_that_are_looked_at_more_often_prove_nothing(app: App) -> None:
    """Their newest counts are higher, being older, and more of them are known; those of the one age are not."""
    setup = replace(
        next(s for s in SETUPS if s.name == "looked at more often"), negatives=400, positives=400, quiet=2.0
    )
    db = filled(app, setup, 1.0, 2)
    found = measured(app, db, NOW)[0]
    assert found.verdict is TravelVerdict.NO_DIFFERENCE
    newest = dict(db.execute(
        """SELECT m.label, avg(e.reposts > 0) FROM mentions m JOIN engagement e ON e.post = m.post AND e.seen_at =
           (SELECT max(seen_at) FROM engagement WHERE post = m.post) GROUP BY 1"""
    ).fetchall())  # fmt: skip
    assert newest["negative"] > newest["positive"]
    db.close()


def test_a_digest_shows_the_shortest_period_that_says_something(app: App) -> None:
    db = app.open_store()
    brand, day = app.own_brands[0][1], date(2026, 11, 19)
    span = (NOW - 30 * DAY, NOW - 2 * DAY)
    none = Travel("澄嵐", day, 28, 48, 3, 4, None, None, None, TravelVerdict.TOO_LITTLE, Lack.STORIES)
    some = Travel("澄嵐", day, 90, 48, 90, 80, 1.2, 0.7, None, TravelVerdict.NO_DIFFERENCE, None, 900)
    with writing(db):
        travel.keep(db, brand, none, span, NOW)
        travel.keep(db, brand, some, span, NOW)
        travel.keep(db, brand, replace(none, day=day - 9 * DAY), span, NOW)
    with reading(db):
        assert travelling.load(app, db, brand, day, NOW) == some
        assert travelling.load(app, db, brand, day + 6 * DAY, NOW + 6 * DAY) == some
        assert travelling.load(app, db, brand, day + 8 * DAY, NOW + 8 * DAY) is None
        assert travelling.load(app, db, brand, day - 3 * DAY, NOW) == replace(none, day=day - 9 * DAY)
    db.close()


def test_nothing_is_measured_while_posts_of_these_days_wait(app: App) -> None:
    db = app.open_store()
    with writing(db):
        posts.add(db, spread(), Arrival("test", NOW, timedelta(hours=2), assumed=True), app.author_key)
    assert measured(app, db, NOW) == []  # nothing is known of the brand yet
    jobs.match(app, db, NOW, Report(), jobs.quiet)
    assert measured(app, db, NOW) == []
    jobs.process(app, db, NOW, Report())
    assert len(measured(app, db, NOW)) == 2
    db.close()


def test_of_an_archive_the_last_days_are_measured(app: App) -> None:
    """A brand of which nothing is heard any more: as of the day by which its last story was seen for as long."""
    db = app.open_store()
    take_in(app, db, spread(), NOW + 300 * DAY)
    found = measured(app, db, NOW + 300 * DAY)
    last = (START + 50 * HOUR).astimezone(app.config.timezone).date()
    assert {t.day for t in found} == {last + 2 * DAY}
    db.close()


def test_a_failing_measure_is_stored_and_the_other_jobs_go_on(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    app = replace(app, keep_going=True)

    def breaks(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(travelling, "measure", breaks)
    db = app.open_store()
    jobs.travel(app, db, NOW)
    assert db.execute("SELECT stage, item FROM failures").fetchall() == [("travel", "澄嵐")]
    monkeypatch.undo()
    jobs.travel(app, db, NOW)
    assert db.execute("SELECT count(*) FROM failures").fetchone()[0] == 0
    db.close()


def test_the_age_that_counts_is_a_mark_of_looking_again() -> None:
    from monitor.work.rechecking import MARKS

    assert TRAVEL_LOOK in MARKS
