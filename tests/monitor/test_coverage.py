"""What a source heard, where a list, a platform or a clock misleads: rather too little is claimed than too much."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.errors import Blocked, SourceError
from monitor.jobs import Report
from monitor.model import BIN, Page, Query, bin_start, from_utc_text, utc_text
from monitor.store import coverage
from monitor.work.app import App
from tests.standin import DAY, HOUR, MINUTE, NOW, make_app, post


def rows(db: Database, *states: str) -> list[tuple[str, str, str]]:
    found = db.execute('SELECT "from", "to", state FROM v_coverage ORDER BY "from", "to"').fetchall()
    return [row for row in found if not states or row[2] in states]


def heard(db: Database) -> list[tuple[datetime, datetime]]:
    found = db.execute('SELECT "from", "to" FROM heard ORDER BY "from"').fetchall()
    return [(from_utc_text(a), from_utc_text(b)) for a, b in found]


def collect(app: App, db: Database, *times: datetime) -> None:
    for now in times:
        jobs.collect(app, db, now, Report())


def full(query: Query, reach: timedelta, count: int = 5) -> list[object]:
    """A page's worth of posts that nobody saw before, the newest first, down to ``reach`` before now."""
    stamp = utc_text(query.now)
    return [post(f"{stamp} {i}", "澄嵐", query.now - reach * i / (count - 1)) for i in range(count)]


@pytest.mark.parametrize("place", [0, 2])
def test_one_old_post_in_a_list_cut_short_makes_nothing_heard_of_the_years_since(tmp_path: Path, place: int) -> None:
    def pinned(query: Query) -> list[Page]:
        posts = full(query, 4 * MINUTE)
        posts.insert(place, post("pinned", "澄嵐板規", NOW - 900 * DAY))
        return [Page(tuple(posts))]  # type: ignore[arg-type]

    app = make_app(tmp_path, {"forum": pinned})
    db = app.open_store()
    collect(app, db, NOW, NOW + HOUR, NOW + 2 * HOUR)
    assert heard(db)[0][0] == NOW - 15 * MINUTE
    gaps = [(NOW, NOW + 56 * MINUTE), (NOW + HOUR, NOW + HOUR + 56 * MINUTE)]
    assert rows(db, "partial", "blind") == [(utc_text(a), utc_text(b), "partial") for a, b in gaps]
    assert not rows(db, "heard late")
    db.close()


def test_a_pinned_post_above_a_list_that_reaches_back_leaves_no_gap(tmp_path: Path) -> None:
    def pinned(query: Query) -> list[Page]:
        hours = int((query.now - NOW) / HOUR)
        posts = [post(i, "澄嵐", NOW + i * HOUR) for i in range(hours, hours - 6, -1)]
        return [Page((post("pinned", "澄嵐板規", NOW - 900 * DAY), *posts))]

    app = make_app(tmp_path, {"forum": pinned})
    db = app.open_store()
    collect(app, db, NOW, NOW + HOUR, NOW + 2 * HOUR)
    assert rows(db) == [
        (utc_text(NOW - 5 * HOUR), utc_text(NOW - 2 * HOUR), "heard late"),
        (utc_text(NOW - 2 * HOUR), utc_text(NOW + 2 * HOUR), "heard"),
    ]
    db.close()


def test_a_page_of_which_nothing_could_be_read_is_not_heard(tmp_path: Path) -> None:
    def odd(query: Query) -> list[Page]:
        if query.now == NOW + HOUR:
            return [Page((), rejected=20)]
        return [Page((post(int(query.now.timestamp()), "澄嵐", query.now),), exhausted=True)]

    app = make_app(tmp_path, {"forum": odd})
    db = app.open_store()
    collect(app, db, NOW, NOW + HOUR)
    assert heard(db)[-1][1] == NOW + HOUR  # it answered: up to here nothing is waited for
    assert rows(db, "partial") == [(utc_text(NOW), utc_text(NOW + HOUR), "partial")]
    db.close()


def test_a_source_that_comes_back_without_reaching_back_was_blind(tmp_path: Path) -> None:
    """Not partial: that would say that most of it came."""

    def back(query: Query) -> list[Page]:
        if NOW < query.now < NOW + 8 * HOUR:
            raise Blocked("forum.example: HTTP 403")
        return [Page(tuple(full(query, 30 * MINUTE)))]  # type: ignore[arg-type]

    app = make_app(tmp_path, {"forum": back})
    db = app.open_store()
    collect(app, db, *(NOW + i * HOUR for i in range(10)))
    deaf = db.execute('SELECT "from", "to", reason FROM v_coverage WHERE state = \'blind\'').fetchall()
    assert deaf == [(utc_text(NOW), utc_text(NOW + 8.5 * HOUR), "blocked: forum.example: HTTP 403")]
    (source,) = coverage.of_sources(db, 1, ["forum"], NOW, NOW + 9 * HOUR)
    assert [(g.state, g.cause) for g in source.gaps] == [("blind", "blocked")]
    db.close()


def test_while_a_source_rests_after_a_refusal_it_is_blind_to_the_newest_round(tmp_path: Path) -> None:
    def refused(query: Query) -> list[Page]:
        raise Blocked("forum.example: HTTP 403")

    well: Callable[[Query], list[Page]] = lambda query: [Page((), exhausted=True)]  # noqa: E731
    app = make_app(tmp_path, {"forum": refused, "board": well})
    db = app.open_store()
    collect(app, db, *(NOW + i * 15 * MINUTE for i in range(24)))
    last = utc_text(NOW + 23 * 15 * MINUTE)
    asked = db.execute("SELECT max(started_at) FROM source_runs WHERE source = 'forum'").fetchone()[0]
    assert asked < last
    assert rows(db, "blind") == [(utc_text(NOW), last, "blind")]
    db.close()


@pytest.mark.parametrize("ahead", [HOUR, 20 * HOUR, 3 * DAY])
def test_a_clock_that_ran_ahead_makes_nothing_heard_that_was_not(tmp_path: Path, ahead: timedelta) -> None:
    """A first tick before the time was set, or a virtual machine that woke up: the hours to come are not yet heard."""
    down: list[datetime] = []

    def forum(query: Query) -> list[Page]:
        if query.now in down:
            raise SourceError("forum.example: HTTP 503")
        return [Page((post(1, "澄嵐", NOW - 3 * HOUR),))]

    app = make_app(tmp_path, {"forum": forum})
    db = app.open_store()
    down += [NOW + i * 15 * MINUTE for i in range(3, 8)]
    collect(app, db, NOW, NOW + 15 * MINUTE, NOW + 20 * MINUTE + ahead)  # and back:
    collect(app, db, NOW + 30 * MINUTE)
    assert heard(db)[-1][1] == NOW + 30 * MINUTE
    collect(app, db, *down)
    assert heard(db)[-1][1] == NOW + 30 * MINUTE
    assert rows(db, "blind")[0][0] == utc_text(NOW + 30 * MINUTE)
    share = coverage.heard_share(db, 1, bin_start(NOW), bin_start(NOW + 4 * DAY))
    assert all(at + BIN <= NOW + 30 * MINUTE for at in share)
    db.close()


def test_a_clock_that_ran_ahead_at_the_very_first_round_heard_nothing_yet(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda query: [Page((post(1, "澄嵐", query.now - 20 * DAY),))]})
    db = app.open_store()
    collect(app, db, NOW + 30 * DAY)
    collect(app, db, NOW)
    assert heard(db) == [(NOW - 7 * DAY, NOW - 2 * HOUR), (NOW - 2 * HOUR, NOW)]
    db.close()


def test_a_clock_that_ran_ahead_does_not_keep_the_detectors_waiting(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda query: [Page((post(1, "澄嵐", NOW - HOUR),))]})
    db = app.open_store()
    for now in (*(NOW + i * HOUR for i in range(8)), NOW + 8 * HOUR + DAY):
        jobs.cycle(app, db, now)
    ahead = db.execute("SELECT max(bin) FROM detector_states").fetchone()[0]
    assert ahead > utc_text(NOW + DAY)
    for hour in range(9, 13):
        jobs.cycle(app, db, NOW + hour * HOUR)
    newest = db.execute("SELECT max(bin) FROM detector_states").fetchone()[0]
    assert utc_text(NOW + 8 * HOUR) <= newest <= utc_text(NOW + 12 * HOUR)
    db.close()


def test_what_was_heard_late_is_learned_from_though_nobody_spoke(tmp_path: Path) -> None:
    """A detector that remembered the hours as unknown would learn only from those in which there was something."""

    def forum(query: Query) -> list[Page]:
        if NOW + HOUR < query.now < NOW + 9 * HOUR:
            raise SourceError("forum.example: HTTP 503")
        return [Page((post(1, "澄嵐", NOW - DAY),))]

    app = make_app(tmp_path, {"forum": forum})
    db = app.open_store()
    for hour in range(16):
        jobs.cycle(app, db, NOW + hour * HOUR)
    stored = dict(db.execute("SELECT origin || bin, state FROM detector_states").fetchall())
    db.execute("DELETE FROM detector_states")
    db.conn.commit()
    jobs.watch(app, db, NOW + 15 * HOUR)
    anew = dict(db.execute("SELECT origin || bin, state FROM detector_states").fetchall())
    both = stored.keys() & anew.keys()
    assert any(key > f"live{utc_text(NOW + 8 * HOUR)}" for key in both)
    assert {key: stored[key] for key in both} == {key: anew[key] for key in both}
    db.close()


def test_sources_with_exactly_four_fifths_of_the_volume_are_enough(tmp_path: Path) -> None:
    """0.7 + 0.1 is less than 0.8 in binary."""

    def board(name: str, count: int) -> Callable[[Query], list[Page]]:
        posts = [post(f"{name}{i}", f"澄嵐 {name} {i}", NOW - (i + 1) * HOUR) for i in range(count)]

        def answer(query: Query) -> list[Page]:
            if name == "c" and query.now > NOW:
                raise SourceError("c.example: HTTP 503")
            return [Page(tuple(posts), exhausted=True)]

        return answer

    app = make_app(tmp_path, {name: board(name, count) for name, count in (("a", 7), ("b", 1), ("c", 2))})
    db = app.open_store()
    for quarter in range(5):
        jobs.cycle(app, db, NOW + quarter * BIN)
    share = coverage.heard_share(db, 1, NOW, NOW + HOUR)
    assert list(share.values()) == [0.8] * 4
    assert coverage.days_heard(db, 1, NOW + HOUR) >= HOUR / DAY
    db.close()
