"""More lists than a run has time for: they take turns, and what was heard is never more than what was read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import Cursor, Page, Post, Query, from_utc_text
from monitor.store import coverage
from monitor.work.app import Collector
from sources.lists import Newest, in_turns
from sources.politeness import NoTurn
from tests.standin import DAY, HOUR, MINUTE, NOW, make_app, post

EVERY, SIZE, DEEPEST = timedelta(minutes=15), 5, 4


@dataclass
class Board:
    """Lists of posts, read newest first in pages of five; ``budget``: pages that one run has time for."""

    lists: dict[str, list[Post]]
    budget: int
    name: str = "board"
    asked: list[list[str]] = field(default_factory=list)

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        self.asked.append([])
        newest = Newest(cursor.get("newest"), query.since, self.lists)
        left = [self.budget]
        return in_turns({key: self._read(key, query, newest, left) for key in self.lists}, query, cursor)

    def _read(self, key: str, query: Query, newest: Newest, left: list[int]) -> Iterator[Page]:
        shown = [p for p in reversed(self.lists[key]) if p.published_at and p.published_at < query.now]
        for first in range(0, min(max(len(shown), 1), SIZE * DEEPEST), SIZE):
            if left[0] == 0:
                raise NoTurn("board.example: no turn")
            left[0] -= 1
            self.asked[-1].append(key)
            page = tuple(shown[first : first + SIZE])
            back = newest.read(key, page)
            yield Page(page, {"newest": newest.kept()}, stream=key, exhausted=len(shown) <= first + SIZE)
            if back:
                return


def posts(dice: random.Random, key: str, per_hour: float, flood: tuple[datetime, datetime] | None) -> list[Post]:
    """Seven hours of a list, an hour of them before the first run."""
    spans = [(NOW - HOUR, NOW + 6 * HOUR, per_hour), *([(*flood, 150.0)] if flood else [])]
    times = {
        a + timedelta(seconds=dice.randrange(int((b - a).total_seconds())))
        for a, b, rate in spans
        for _ in range(round(rate * ((b - a) / HOUR)))
    }
    return [post(f"{key}-{i}", f"澄嵐 {key} 第 {i} 則", at) for i, at in enumerate(sorted(times))]


def stretches(db: Database) -> list[tuple[datetime, datetime, str]]:
    rows = db.execute('SELECT "from", "to", state FROM v_coverage ORDER BY "from", "to"').fetchall()
    return [(from_utc_text(a), from_utc_text(b), state) for a, b, state in rows]


def play(folder: Path, board: Board, runs: int) -> Database:
    app = make_app(folder)
    app = replace(app, collectors=(Collector(board.name, int(EVERY.total_seconds()), board),))
    db = app.open_store()
    for nth in range(runs):
        jobs.collect(app, db, NOW + nth * EVERY, Report())
    assert db.execute("SELECT count(*) FROM source_runs WHERE state <> 'ok'").fetchone() == (0,)
    return db


@pytest.mark.parametrize("seed", range(8))
def test_what_is_called_heard_was_read_and_what_was_not_is_partial(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    flood = (NOW + 2 * HOUR, NOW + 2 * HOUR + 40 * MINUTE)
    lists = {f"term {n}": posts(dice, f"t{n}", 2.0, flood if n == seed % 7 else None) for n in range(7)}
    board = Board(lists, dice.randint(4, 9))
    db = play(tmp_path, board, 20)
    stored = {row[0] for row in db.execute("SELECT native_id FROM posts")}
    found = stretches(db)
    end = NOW + 19 * EVERY
    assert {state for _, _, state in found} <= {"heard", "heard late", "partial"}
    missing = [p for p in chain.from_iterable(lists.values()) if p.native_id not in stored and p.published_at]
    for p in missing:
        assert p.published_at
        inside = [state for a, b, state in found if a <= p.published_at < b and state != "partial"]
        assert not inside, (p, inside)
    assert any(flood[0] <= p.published_at < flood[1] for p in missing if p.published_at)  # or nothing was tested
    assert any(state == "partial" and a < flood[1] and b > flood[0] for a, b, state in found)
    assert found[-1][1] == end
    assert end - (coverage.state(db, "board").heard_to or NOW - DAY) <= 5 * EVERY
    db.close()


def test_every_list_has_its_turn_and_all_is_heard_once_each_had_it(tmp_path: Path) -> None:
    dice = random.Random(1)
    board = Board({f"term {n}": posts(dice, f"t{n}", 2.0, None) for n in range(10)}, 4)
    db = play(tmp_path, board, 12)
    assert all(board.asked)
    for start in range(3, 8):
        assert {key for run in board.asked[start : start + 5] for key in run} == set(board.lists)
    heard = [row for row in stretches(db) if row[2] == "heard"]
    assert len(heard) == 1  # no hole: nothing was missed
    last = stretches(db)[-1]
    assert last[2] == "partial"
    assert last[0] == heard[0][1] == coverage.state(db, "board").heard_to
    db.close()


def test_a_gap_of_one_list_is_known_when_its_round_ends(tmp_path: Path) -> None:
    """The flooded list is read in the middle of a round: what it lost must not be forgotten with the round's end."""
    dice = random.Random(2)
    flood = (NOW + 30 * MINUTE, NOW + 70 * MINUTE)
    lists = {f"term {n}": posts(dice, f"t{n}", 1.0, flood if n == 0 else None) for n in range(6)}
    db = play(tmp_path, Board(lists, 4), 24)
    assert [state for a, b, state in stretches(db) if a < flood[1] and b > flood[0]].count("partial") >= 1
    assert stretches(db)[-2][2] == "heard"
    db.close()


def test_a_single_run_that_has_time_for_all_hears_up_to_now(tmp_path: Path) -> None:
    dice = random.Random(3)
    db = play(tmp_path, Board({f"term {n}": posts(dice, f"t{n}", 1.0, None) for n in range(3)}, 99), 6)
    assert coverage.state(db, "board").heard_to == NOW + 5 * EVERY
    assert {state for *_, state in stretches(db)} == {"heard late", "heard"}  # the first answer reached back
    db.close()


def test_while_a_round_lasts_a_failed_run_is_blind_only_if_it_gave_nothing(tmp_path: Path) -> None:
    dice = random.Random(4)
    board = Board({f"term {n}": posts(dice, f"t{n}", 1.0, None) for n in range(6)}, 3)
    db = play(tmp_path, board, 4)
    board.budget = 0
    app = make_app(tmp_path)
    app = replace(app, collectors=(Collector(board.name, int(EVERY.total_seconds()), board),))
    jobs.collect(app, db, NOW + 4 * EVERY, Report())
    assert db.execute("SELECT state FROM source_runs ORDER BY id DESC").fetchone() == ("failed",)
    assert stretches(db)[-1][2] == "blind"
    board.budget = 3
    jobs.collect(app, db, NOW + 5 * EVERY, Report())
    jobs.collect(app, db, NOW + 6 * EVERY, Report())
    assert stretches(db)[-1][2] == "partial"
    db.close()
