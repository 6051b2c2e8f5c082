"""When sources are asked: never before their time, not all at once, and no slow host before all others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from monitor import jobs
from monitor.jobs import Report
from monitor.model import Cursor, Page, Query
from monitor.timetable import FARTHEST, SPREAD, in_turn, spread
from monitor.work import collecting
from monitor.work.app import App, Collector
from tests.standin import HOUR, MINUTE, NOW, make_app

EVERY = timedelta(minutes=15)


@given(st.text(), st.integers(1, 7 * 86400))
def test_a_source_is_asked_a_little_later_and_never_earlier(name: str, seconds: int) -> None:
    every = timedelta(seconds=seconds)
    assert timedelta(0) <= spread(name, NOW, every) < min(every * SPREAD, FARTHEST)
    assert spread(name, NOW, every) == spread(name, NOW, every)


def test_sources_that_began_together_are_asked_apart_and_each_time_otherwise() -> None:
    names = [f"feed-{i}" for i in range(200)]
    first = [spread(name, NOW, HOUR) / HOUR for name in names]
    second = [spread(name, NOW + HOUR, HOUR) / HOUR for name in names]
    for share in (first, second):
        assert min(share) < 0.01
        assert max(share) > 0.07  # FARTHEST: five minutes of sixty
        assert len({round(s, 3) for s in share}) > 50
    assert sum(abs(a - b) < 0.001 for a, b in zip(first, second, strict=True)) < 20


def test_the_service_spreads_what_is_due_at_one_moment_and_forgets_nobody(tmp_path: Path) -> None:
    app = make_app(tmp_path, {f"s{i}": lambda query: [] for i in range(40)})
    db = app.open_store()
    jobs.collect(app, db, NOW, Report(), ticking=True)
    asked: list[int] = []
    for tick in range(0, 17 * 60, 15):
        runs = collecting.due(app, db, NOW + timedelta(seconds=tick), ticking=True)
        asked += [tick] * len(runs)
        for run in runs:
            collecting.finish(app, db, run, NOW + timedelta(seconds=tick))
    db.close()
    assert len(asked) == 40
    assert min(asked) >= EVERY.total_seconds()
    assert len(set(asked)) > 4


def test_once_asks_what_is_due_without_delay(tmp_path: Path) -> None:
    """It may be cron that comes every fifteen minutes: a minute's delay would make it thirty."""
    app = make_app(tmp_path, {f"s{i}": lambda query: [] for i in range(9)})
    db = app.open_store()
    for nth in range(3):
        jobs.collect(app, db, NOW + nth * EVERY, Report())
    assert db.execute("SELECT count(*) FROM source_runs WHERE state = 'ok'").fetchone() == (27,)
    db.close()


def test_hosts_take_turns_and_who_waits_longest_comes_first() -> None:
    items = [("weibo", 3), ("weibo", 1), ("ptt", 2), ("weibo", 4), ("news", 9), ("ptt", 8)]
    ordered = in_turn(items, lambda item: item[0], lambda item: NOW + item[1] * MINUTE)
    assert ordered == [("weibo", 1), ("ptt", 2), ("news", 9), ("weibo", 3), ("ptt", 8), ("weibo", 4)]


@dataclass(frozen=True)
class Board:
    """A source of one host, which answers when ``free`` is set."""

    name: str
    url: str
    free: threading.Event
    asked: list[str]

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        self.asked.append(self.name)
        self.free.wait()
        yield Page(())


def slow_host_and_others(folder: Path, free: threading.Event) -> tuple[App, list[str]]:
    """Twenty tables of a host that does not answer, written first, and two others whose answers come at once."""
    app, asked, at_once = make_app(folder), list[str](), threading.Event()
    at_once.set()
    slow = [Board(f"slow-{i}", "https://slow.example", free, asked) for i in range(20)]
    others = [Board(f"other-{i}", f"https://other-{i}.example", at_once, asked) for i in range(2)]
    return replace(app, collectors=tuple(Collector(b.name, 900, b) for b in (*slow, *others))), asked


def test_a_slow_host_does_not_keep_others_waiting_nor_the_next_round(tmp_path: Path) -> None:
    free = threading.Event()
    app, asked = slow_host_and_others(tmp_path, free)
    app.keep_going = True
    db = app.open_store()
    jobs.collect(app, db, NOW, Report(), ticking=True)
    began = set(asked)
    rows = dict(db.execute("SELECT source, state FROM source_runs").fetchall())
    assert rows["other-0"] == rows["other-1"] == "ok"
    assert set(rows) == began  # who was not asked has no run
    left = [f"slow-{i}" for i in range(20) if f"slow-{i}" not in began]
    assert left
    free.set()
    jobs.collect(app, db, NOW, Report(), ticking=True)
    assert set(asked) >= set(left)
    assert dict(db.execute("SELECT source, state FROM source_runs WHERE state = 'ok'").fetchall()).keys() >= set(left)
    db.close()
