"""Recheck: who is looked at again, when, and what becomes of it; a source that cannot is no less heard for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor import jobs
from monitor.errors import RateLimited, SourceError
from monitor.jobs import Report
from monitor.model import Cursor, Engagement, Gone, Page, Post, Query, utc_text
from monitor.store import counts, overview, posts, service, writing
from monitor.work import rechecking
from monitor.work.app import App, Collector
from sources.politeness import NoTurn
from tests.standin import DAY, HOUR, MINUTE, NOW, make_app, post

Answer = Callable[[Sequence[Post], datetime], Iterator[Post | Gone]]


def same(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
    yield from asked


@dataclass
class Platform:
    """A source that gives its posts once, and looks again as a test says; ``asked`` is what it was asked for."""

    name: str
    posts: tuple[Post, ...]
    answer: Answer = same
    asked: list[tuple[datetime, list[str]]] = field(default_factory=list)

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        yield Page(self.posts, exhausted=True)

    def recheck(self, asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        self.asked.append((now, [p.native_id for p in asked]))
        return self.answer(asked, now)


def watching(folder: Path, *platforms: Platform, budget: int = 30, keep_going: bool = False) -> App:
    app = make_app(folder, keep_going=keep_going)
    app.collectors = tuple(Collector(p.name, 600, p, recheck=budget) for p in platforms)
    return app


def bad(number: int | str, at: datetime = NOW - MINUTE, **more: object) -> Post:
    return post(number, f"澄嵐爛 {number}", at, **more)


def rounds(app: App, first: datetime, last: datetime, step: timedelta = 5 * MINUTE) -> None:
    """Recheck alone, tick after tick."""
    db, now = app.open_store(), first
    while now <= last:
        jobs.recheck(app, db, now, Report())
        now += step
    db.close()


def started(app: App, now: datetime = NOW) -> None:
    db = app.open_store()
    jobs.collect(app, db, now, Report())
    jobs.process(app, db, now, Report())
    db.close()


def test_a_negative_post_is_asked_for_once_at_each_mark(tmp_path: Path) -> None:
    site = Platform("site", (bad(1, NOW),))
    app = watching(tmp_path, site)
    started(app)
    rounds(app, NOW, NOW + DAY, step=20 * MINUTE)
    rounds(app, NOW + DAY, NOW + 20 * DAY, step=6 * HOUR)
    ages = [now - NOW for now, ids in site.asked if "1" in ids]
    assert ages == [20 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, DAY, 7 * DAY]


def test_a_calm_post_is_left_alone_after_its_first_hours(tmp_path: Path) -> None:
    site = Platform("site", (post(1, "澄嵐很好", NOW), post(2, "與誰都無關", NOW)))
    app = watching(tmp_path, site)
    started(app)
    rounds(app, NOW, NOW + DAY, step=15 * MINUTE)
    rounds(app, NOW + DAY, NOW + 8 * DAY, step=HOUR)
    assert [now - NOW for now, _ in site.asked] == [15 * MINUTE, HOUR, 4 * HOUR]
    assert all(ids == ["1"] for _, ids in site.asked)


def test_one_that_grows_fast_is_looked_at_for_a_week_and_its_counts_are_kept(tmp_path: Path) -> None:
    def grows(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        hours = (now - NOW) / HOUR
        for p in asked:
            yield replace(p, engagement=Engagement(likes=int(hours * (100 if p.native_id == "fast" else 1))))

    site = Platform("site", tuple(post(n, f"澄嵐 {n}", NOW, engagement=Engagement(likes=0)) for n in ("fast", "slow")),
                    grows)  # fmt: skip
    app = watching(tmp_path, site)
    started(app)
    rounds(app, NOW, NOW + DAY, step=15 * MINUTE)
    rounds(app, NOW + DAY, NOW + 8 * DAY, step=HOUR)
    assert [now - NOW for now, ids in site.asked if "slow" in ids] == [15 * MINUTE, HOUR, 4 * HOUR]
    assert [now - NOW for now, ids in site.asked if "fast" in ids] == [
        15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, DAY, 7 * DAY,
    ]  # fmt: skip
    db = app.open_store()
    history = db.execute(
        "SELECT likes FROM engagement JOIN posts ON id = post WHERE native_id = 'fast' ORDER BY seen_at"
    )
    assert [likes for (likes,) in history.fetchall()] == [0, 25, 100, 200, 400, 800, 1600, 2400, 16800]
    db.close()


def test_growth_that_stopped_is_not_fast(tmp_path: Path) -> None:
    jumps = {15 * MINUTE: 50}

    def answer(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        for p in asked:
            yield replace(p, engagement=Engagement(likes=jumps.get(now - NOW, 50)))

    site = Platform("site", (post(1, "澄嵐", NOW, engagement=Engagement(likes=0)),), answer)
    app = watching(tmp_path, site)
    started(app)
    rounds(app, NOW, NOW + 25 * HOUR, step=15 * MINUTE)
    assert [now - NOW for now, _ in site.asked] == [15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR]


def test_a_mark_between_does_not_end_the_turn_of_a_calm_post_at_the_one_before(tmp_path: Path) -> None:
    site = Platform("site", (post(1, "澄嵐很好", NOW), bad(2, NOW)))
    app = watching(tmp_path, site)
    started(app)
    rounds(app, NOW + 150 * MINUTE, NOW + 170 * MINUTE, step=10 * MINUTE)
    assert [ids for _, ids in site.asked] == [["2", "1"]], "the negative one at two hours, the other at one"


def test_the_budget_goes_to_negative_fast_and_young_posts_first(tmp_path: Path) -> None:
    old, young = NOW - 5 * MINUTE, NOW
    site = Platform("site", (
        post("calm", "澄嵐很好", young), post("older", "澄嵐不錯", old), bad("bad", old),
        post("fast", "澄嵐好", old, engagement=Engagement(likes=0)),
    ))  # fmt: skip
    app = watching(tmp_path, site, budget=1)
    started(app)
    site.posts = (post("fast", "澄嵐好", old, engagement=Engagement(likes=90)),)
    db = app.open_store()
    jobs.collect(app, db, NOW + 10 * MINUTE, Report())
    db.close()
    rounds(app, NOW + 20 * MINUTE, NOW + 50 * MINUTE, step=10 * MINUTE)
    assert [ids for _, ids in site.asked] == [["bad"], ["fast"], ["calm"], ["older"]]


def test_a_restart_asks_for_nothing_twice_and_a_long_pause_makes_up_for_one_mark_only(tmp_path: Path) -> None:
    site = Platform("site", (bad(1, NOW),))
    app = watching(tmp_path, site)
    started(app)
    rounds(app, NOW + 16 * MINUTE, NOW + 16 * MINUTE)
    again = watching(tmp_path, site)
    rounds(again, NOW + 30 * MINUTE, NOW + 50 * MINUTE)
    assert [now - NOW for now, _ in site.asked] == [16 * MINUTE]
    rounds(watching(tmp_path, site), NOW + 30 * HOUR, NOW + 40 * HOUR, step=HOUR)
    assert [now - NOW for now, _ in site.asked] == [16 * MINUTE, 30 * HOUR]
    rounds(watching(tmp_path, site), NOW + 15 * DAY, NOW + 15 * DAY)
    assert len(site.asked) == 2


def test_what_first_came_later_than_a_mark_has_passed_it(tmp_path: Path) -> None:
    site = Platform("site", (bad(1, NOW - 2 * HOUR),))
    app = watching(tmp_path, site)
    started(app)
    rounds(app, NOW, NOW + 3 * HOUR)
    assert [now - NOW for now, _ in site.asked] == [2 * HOUR]


def test_an_edit_keeps_both_texts_and_is_scored_again(tmp_path: Path) -> None:
    def edits(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        yield replace(asked[0], text="澄嵐很好，已退款")

    site = Platform("site", (bad(1, NOW),), edits)
    app = watching(tmp_path, site)
    started(app)
    db = app.open_store()
    assert counts.series(db, app.brands["澄嵐"], NOW - HOUR, NOW + HOUR)[NOW].voices == 1
    jobs.recheck(app, db, NOW + 16 * MINUTE, Report())
    jobs.process(app, db, NOW + 16 * MINUTE, Report())
    assert db.execute("SELECT text, label FROM v_posts").fetchall() == [("澄嵐很好，已退款", "neutral")]
    assert db.execute("SELECT text FROM revisions").fetchall() == [("澄嵐爛 1",)]
    assert counts.stored(db) == counts.recount_all(db)
    assert counts.series(db, app.brands["澄嵐"], NOW - HOUR, NOW + HOUR)[NOW].voices == 0
    db.close()


def test_a_source_that_only_knows_counts_gives_back_a_strangers_text_without_editing_it(tmp_path: Path) -> None:
    """The board shows the whole post and came first, the search shows it cut."""
    board = Platform("board", (post(1, "澄嵐爛透了，冒煙了", NOW),))
    search = Platform("search", (post(1, "澄嵐爛透了…", NOW),))
    app = watching(tmp_path, board, search)
    started(app)
    app.collectors = app.collectors[1:]
    rounds(app, NOW + 16 * MINUTE, NOW + 16 * MINUTE)
    db = app.open_store()
    jobs.collect(app, db, NOW + 20 * MINUTE, Report())
    assert len(search.asked) == 1
    assert db.execute("SELECT text FROM posts").fetchall() == [("澄嵐爛透了，冒煙了",)]
    assert db.execute("SELECT count(*) FROM revisions").fetchone() == (0,)
    db.close()


def test_gone_is_noted_once_and_the_post_goes_on_counting(tmp_path: Path) -> None:
    def gone(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        yield Gone("forum", "1")
        yield Gone("forum", "2")  # nobody asked for it

    site = Platform("site", (bad(1, NOW), post(2, "與誰都無關", NOW)), gone)
    app = watching(tmp_path, site)
    started(app)
    db = app.open_store()
    before = counts.stored(db)
    rounds(app, NOW + 16 * MINUTE, NOW + 8 * DAY, step=HOUR)
    assert [now for now, _ in site.asked] == [NOW + 16 * MINUTE]
    at = utc_text(NOW + 16 * MINUTE)
    assert db.execute("SELECT native_id, gone_at FROM posts").fetchall() == [("1", at), ("2", None)]
    assert db.execute("SELECT text, gone_at FROM v_posts").fetchall() == [("澄嵐爛 1", at)]
    assert counts.stored(db) == before == counts.recount_all(db)
    db.close()


def test_a_look_again_makes_no_post_arrive_in_time(tmp_path: Path) -> None:
    site = Platform("site", (bad(1, NOW),))
    app = watching(tmp_path, site)
    db = app.open_store()
    with writing(db):
        posts.add(db, site.posts, posts.Arrival("site", NOW, 2 * HOUR, assumed=True), app.author_key)
    jobs.process(app, db, NOW, Report())
    site.answer = lambda asked, now: iter([replace(asked[0], text="澄嵐爛 另一")])
    jobs.recheck(app, db, NOW + 16 * MINUTE, Report())
    assert db.execute("SELECT text, live, assumed FROM posts").fetchall() == [("澄嵐爛 另一", 0, 1)]
    db.close()


def test_two_sources_of_one_post_do_not_both_look(tmp_path: Path) -> None:
    one, other = Platform("one", (bad(1, NOW), bad(2, NOW))), Platform("other", (bad(2, NOW), bad(3, NOW)))
    app = watching(tmp_path, one, other)
    started(app)
    rounds(app, NOW + 16 * MINUTE, NOW + 56 * MINUTE)
    asked = [ids for site in (one, other) for _, ids in site.asked]
    assert sorted(i for ids in asked for i in ids) == ["1", "2", "3"]


def test_a_refused_look_rests_longer_each_time_and_the_source_stays_heard(tmp_path: Path) -> None:
    def refuses(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        yield asked[0]
        raise RateLimited("site.test: too often (429)", timedelta(hours=2) if now < NOW + HOUR else None)

    site = Platform("site", (bad(1, NOW), bad(2, NOW)), refuses)
    app = watching(tmp_path, site, keep_going=True)
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    jobs.recheck(app, db, NOW + 16 * MINUTE, Report())
    rounds(watching(tmp_path, site), NOW + 20 * MINUTE, NOW + 2 * HOUR)
    assert [now - NOW for now, _ in site.asked] == [16 * MINUTE]
    rounds(app, NOW + 2 * HOUR + 16 * MINUTE, NOW + 3 * HOUR)
    assert [now - NOW for now, _ in site.asked][1:] == [136 * MINUTE, 176 * MINUTE]  # 10 m x 2 x 2 after the second
    assert db.execute("SELECT DISTINCT source, state FROM source_runs").fetchall() == [("site", "ok")]
    assert {s for (s,) in db.execute("SELECT state FROM v_coverage")} == {"heard", "heard late"}
    assert service.failures(db) == []
    trouble = overview.overview(db, ["site"], app.brands, NOW + 3 * HOUR)["trouble"]
    assert any("cannot look again at posts: site.test: too often (429)" in line for line in trouble)
    db.close()


def test_a_post_that_breaks_its_source_gives_way_to_the_others_and_is_dropped_after_three_tries(tmp_path: Path) -> None:
    def breaks(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        for p in asked:
            if p.native_id == "poison":
                raise SourceError("site.test: answer is no JSON")
            yield p

    site = Platform("site", (bad("poison", NOW), bad("fine", NOW - 5 * MINUTE)), breaks)
    app = watching(tmp_path, site, budget=1)
    started(app)
    rounds(app, NOW + 16 * MINUTE, NOW + 50 * MINUTE, step=2 * MINUTE)
    assert [ids for _, ids in site.asked] == [["poison"], ["fine"], ["poison"]]
    rounds(app, NOW + 4 * HOUR, NOW + 23 * HOUR, step=10 * MINUTE)
    assert [ids for _, ids in site.asked].count(["poison"]) == 2 + 3 * rechecking.rechecks.TRIES, "at 4, 8 and 16 hours"


def test_what_had_no_turn_at_a_host_comes_next_and_is_no_failure(tmp_path: Path) -> None:
    def slow(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        yield asked[0]
        raise NoTurn("site.test: no turn came in the 30 s that were left")

    many = tuple(bad(i, NOW) for i in range(6))
    site = Platform("site", many, slow)
    app = watching(tmp_path, site)
    started(app)
    rounds(app, NOW + 16 * MINUTE, NOW + 59 * MINUTE, step=10 * MINUTE)
    db = app.open_store()
    assert [len(ids) for _, ids in site.asked] == [6, 5, 4, 3, 2]
    assert db.execute("SELECT DISTINCT refusals FROM recheck_turns").fetchall() == [(0,)]
    assert db.execute("SELECT answered, tries FROM rechecks ORDER BY 1").fetchall() == [(0, 0)] + [(1, 1)] * 5
    db.close()


@pytest.mark.parametrize("kind", ["raises", "lies", "hangs"])
def test_a_bug_in_looking_again_is_ours_to_hear_of_and_stops_nobody_else(tmp_path: Path, kind: str) -> None:
    never = threading.Event()

    def answer(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        if kind == "raises":
            raise KeyError("x")
        if kind == "hangs":
            never.wait()
        yield replace(asked[0], text=None)  # type: ignore[arg-type]

    broken, fine = Platform("broken", (bad(1, NOW),), answer), Platform("fine", (bad(2, NOW),))
    app = watching(tmp_path, broken, fine, keep_going=True)
    started(app)
    db = app.open_store()
    jobs.recheck(app, db, NOW + 16 * MINUTE, Report())
    jobs.recheck(app, db, NOW + 18 * MINUTE, Report())
    error = {"raises": "KeyError", "lies": "TypeError", "hangs": "Hung"}[kind]
    assert [(f["stage"], f["item"], f["error"]) for f in service.failures(db)] == [("recheck", "broken", error)]
    assert (len(broken.asked), len(fine.asked)) == (1, 1)
    assert db.execute("SELECT answered FROM rechecks ORDER BY post").fetchall() == [(0,), (1,)]
    assert db.execute("SELECT count(*) FROM source_runs WHERE state <> 'ok'").fetchone() == (0,)
    never.set()
    while app.looking:  # the thread that was given up ends by itself
        threading.Event().wait(0.01)
    broken.answer = same
    jobs.recheck(app, db, NOW + 37 * MINUTE, Report())
    assert service.failures(db) == []
    db.close()


def test_a_source_whose_platform_refuses_it_is_not_asked_to_look_again(tmp_path: Path) -> None:
    site = Platform("site", (bad(1, NOW),))
    app = watching(tmp_path, site)
    started(app)
    db = app.open_store()
    with writing(db):
        db.execute("UPDATE cursors SET refusals = 1, due_at = ?", [utc_text(NOW + HOUR)])
    rounds(app, NOW + 16 * MINUTE, NOW + 55 * MINUTE)
    assert site.asked == []
    with writing(db):
        db.execute("UPDATE cursors SET refusals = 0")
    rounds(app, NOW + 56 * MINUTE, NOW + 56 * MINUTE)
    assert len(site.asked) == 1
    db.close()


@pytest.mark.parametrize("budget", [0, 30])
def test_recheck_0_leaves_the_platform_alone(tmp_path: Path, budget: int) -> None:
    site = Platform("site", (bad(1, NOW),))
    app = watching(tmp_path, site, budget=budget)
    started(app)
    rounds(app, NOW + 16 * MINUTE, NOW + 16 * MINUTE)
    assert len(site.asked) == min(budget, 1)


def test_answers_without_end_end(tmp_path: Path) -> None:
    def endless(asked: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        while True:
            yield asked[0]

    site = Platform("site", (bad(1, NOW), bad(2, NOW)), endless)
    app = watching(tmp_path, site)
    started(app)
    report, db = Report(), app.open_store()
    jobs.recheck(app, db, NOW + 16 * MINUTE, report)
    assert report.looked == 2
    db.close()
