"""once --since: sources reach back; what is late enters charts as history, and never pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from monitor import jobs
from monitor.errors import Blocked, SourceError
from monitor.jobs import Report
from monitor.model import Cursor, Page, Post, Query, utc_text
from monitor.store import counts, coverage, outbox, writing
from monitor.work.app import App, Collector
from tests.standin import DAY, HOUR, MINUTE, NOW, Mailbox, mail_server, make_app, post

SINCE = NOW - 20 * DAY


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@dataclass
class Archive:
    """A board with pages of ten posts, newest first, that reads on until it is behind ``since``; ``depth`` pages."""

    posts: Callable[[datetime], list[Post]]
    name: str = "board"
    depth: int = 1000
    asked: list[tuple[datetime | None, Cursor]] = field(default_factory=list)
    error: Exception | None = None

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        self.asked.append((query.since, dict(cursor)))
        every = self.posts(query.now)
        for start in range(0, min(len(every), self.depth * 10), 10):
            page = every[start : start + 10]
            yield Page(tuple(page), {"top": every[0].native_id}, exhausted=start + 10 >= len(every))
            last = page[-1].published_at
            if query.since is None or (last and last <= query.since):
                return
        if self.error:
            raise self.error


def hourly(days: int, storm: datetime | None = None) -> Callable[[datetime], list[Post]]:
    """A calm post an hour for some days before NOW, and perhaps a storm of negative ones, newest first."""

    def given(now: datetime) -> list[Post]:
        calm = [post(f"c{h}", f"澄嵐 第{h}", NOW - h * HOUR) for h in range(days * 24)]
        bad = [post(f"b{i}", f"澄嵐爛 {i}", storm + i * MINUTE) for i in range(60)] if storm else []
        return sorted([*calm, *bad], key=lambda p: p.published_at or now, reverse=True)

    return given


def with_board(folder: Path, board: Archive, **more: object) -> App:
    app = make_app(folder, **more)  # type: ignore[arg-type]
    app.collectors = (Collector(board.name, 900, board),)
    return app


def test_a_source_is_asked_back_to_then_without_its_cursor_which_stays(tmp_path: Path) -> None:
    board = Archive(hourly(40))
    app = with_board(tmp_path, board)
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    stored = db.execute("SELECT * FROM cursors").fetchall()
    report = Report()
    jobs.collect(app, db, NOW + MINUTE, report, SINCE)
    assert board.asked == [(None, {}), (SINCE, {})]
    assert report.reached == {"board": SINCE}
    assert db.execute("SELECT * FROM cursors").fetchall() == stored
    assert db.execute("SELECT min(counted_at) FROM posts").fetchone() <= (utc_text(SINCE),)
    assert db.execute("SELECT count(*) FROM posts").fetchone() == (490,)
    jobs.collect(app, db, NOW + HOUR, Report())
    assert board.asked[2] == (NOW + MINUTE, {"top": "c0"})
    db.close()


def test_late_posts_are_assumed_and_young_ones_live(tmp_path: Path) -> None:
    board = Archive(hourly(5))
    app = with_board(tmp_path, board)
    db = app.open_store()
    jobs.collect(app, db, NOW, Report(), SINCE)
    rows = db.execute("SELECT assumed, live, arrived_at, counted_at FROM posts").fetchall()
    border = utc_text(NOW - 2 * HOUR)
    young = [row for row in rows if row[3] >= border]
    assert len(young) == 3
    assert {(assumed, live, arrived) for assumed, live, arrived, _ in young} == {(0, 1, utc_text(NOW))}
    assert all((assumed, live, arrived) == (1, 0, at) for assumed, live, arrived, at in rows if at < border)
    db.close()


def test_a_storm_of_last_week_is_an_incident_of_history_and_mails_nobody(tmp_path: Path, mailbox: Mailbox) -> None:
    board = Archive(hourly(28, NOW - 6 * DAY))
    app = with_board(tmp_path, board, mail=mailbox.port)
    db = app.open_store()
    jobs.cycle(app, db, NOW, since=NOW - 25 * DAY)
    rows = db.execute("SELECT origin, state FROM v_incidents").fetchall()
    assert rows == [("history", "resolved")]
    assert not [m for m in mailbox.messages if "事件" in str(m["Subject"])]
    assert outbox.summary(db)["owed"] == 0
    assert counts.stored(db) == counts.recount_all(db)
    assert coverage.days_heard(db, app.brands["澄嵐"], NOW) > 24
    db.close()


def test_what_it_heard_is_history_before_and_heard_late_behind_what_was_known(tmp_path: Path) -> None:
    board = Archive(hourly(40))
    app = with_board(tmp_path, board)
    db = app.open_store()
    with writing(db):
        coverage.add_heard(db, "board", NOW - 10 * DAY, NOW - 10 * DAY, 2 * HOUR)
        coverage._extend(db, "board", NOW - 10 * DAY, NOW - 5 * DAY, late=False)
    jobs.collect(app, db, NOW, Report(), SINCE)
    rows = db.execute('SELECT "from", "to", state FROM v_coverage ORDER BY "from", "to"').fetchall()
    assert rows == [
        (utc_text(SINCE), utc_text(NOW - 5 * DAY), "heard"),
        (utc_text(NOW - 5 * DAY), utc_text(NOW - 2 * HOUR), "heard late"),
        (utc_text(NOW - 2 * HOUR), utc_text(NOW), "heard"),
    ]
    db.close()


@pytest.mark.parametrize(("depth", "reached"), [(2, NOW - 19 * HOUR), (30, NOW - 7 * DAY)])
def test_one_that_does_not_get_there_says_how_far_it_got_and_claims_no_more(
    tmp_path: Path, depth: int, reached: datetime
) -> None:
    """Beyond a week one old post proves nothing of the time behind it."""
    app = with_board(tmp_path, Archive(hourly(40), depth=depth))
    db, report = app.open_store(), Report()
    jobs.collect(app, db, NOW, report, SINCE)
    assert report.reached == {"board": reached}
    assert db.execute('SELECT min("from"), max("to") FROM heard').fetchone() == (utc_text(reached), utc_text(NOW))
    assert db.execute("SELECT count(*) FROM posts").fetchone() == (depth * 10,)
    db.close()


def test_the_gap_behind_one_that_stopped_short_stays_partial(tmp_path: Path) -> None:
    app = with_board(tmp_path, Archive(hourly(40), depth=2))
    db = app.open_store()
    with writing(db):
        coverage._extend(db, "board", NOW - 3 * DAY, NOW - 2 * DAY, late=False)
    jobs.collect(app, db, NOW, Report(), SINCE)
    rows = db.execute('SELECT "from", "to" FROM v_coverage WHERE state = \'partial\'').fetchall()
    assert rows == [(utc_text(NOW - 2 * DAY), utc_text(NOW - 19 * HOUR))]
    db.close()


def test_one_that_fails_half_way_keeps_its_posts_and_has_heard_nothing(tmp_path: Path) -> None:
    board = Archive(hourly(40), depth=5, error=SourceError("board.test: broke off"))
    app = with_board(tmp_path, board)
    db, report = app.open_store(), Report()
    jobs.collect(app, db, NOW, report, SINCE)
    assert (report.refused, report.reached) == (["board"], {})
    assert db.execute("SELECT count(*), sum(live) FROM posts").fetchone() == (50, 3)
    assert db.execute("SELECT count(*) FROM heard").fetchone() == (0,)
    db.close()


def test_one_that_a_platform_has_just_refused_is_left_alone(tmp_path: Path) -> None:
    board = Archive(hourly(40), depth=0, error=Blocked("board.test refuses us (403)"))
    app = with_board(tmp_path, board)
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    jobs.collect(app, db, NOW + MINUTE, Report(), SINCE)
    assert len(board.asked) == 1
    db.close()
