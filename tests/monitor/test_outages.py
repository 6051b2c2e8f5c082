"""A day in which sources die and recover: what coverage says is what was injected, hour by hour, to the second."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report, attempt
from monitor.model import BIN, bin_start, from_utc_text
from monitor.store import coverage
from monitor.work import collecting
from monitor.work.app import App, Collector
from tests.monitor import outages
from tests.monitor.outages import Board, Fault, busy_day, injected
from tests.standin import DAY, HOUR, MINUTE, NOW, make_app

START = NOW + timedelta(minutes=7, seconds=13)
EVERY = {"board": 10 * MINUTE, "search": 15 * MINUTE, "flooded": 20 * MINUTE, "well": 10 * MINUTE, "later": 30 * MINUTE}
STEP = 10 * MINUTE
KINDS = (["down", "hangs"], ["limited", "down", "breaks off"], ["down", "limited"])


def boards(seed: int) -> list[Board]:
    """Three that die in their own ways, one that never does, and one that is added during the day."""
    rng = np.random.default_rng(seed)
    first, end = START - 5 * DAY, START + 2 * DAY
    flood = START + int(rng.integers(2, 20)) * HOUR
    made = [
        busy_day(rng, "board", first, end, 7.0, {"澄嵐": 0.5, "霽川": 0.1}),
        busy_day(rng, "search", first, end, 3.0, {"澄嵐": 0.2, "霽川": 0.8}, streams=2, deep=True),
        busy_day(rng, "flooded", first, end, 4.0, {"澄嵐": 0.9}, flood=(flood, flood + 3 * HOUR)),
        busy_day(rng, "well", first, end, 5.0, {"澄嵐": 0.3, "霽川": 0.3}, deep=True),
        busy_day(rng, "later", first, end, 4.0, {"霽川": 0.9}, streams=3),
    ]
    for board, kinds in zip(made, KINDS, strict=False):
        board.faults = injected(rng, kinds, START + 7 * HOUR * (board.name == "board"))
    begins = START + int(rng.integers(30, 60)) * MINUTE
    made[0].faults.append(Fault("blocked", begins, begins + 6 * HOUR))  # its list goes back three hours or so
    return made


def connect(app: App, sources: Sequence[Board]) -> None:
    app.collectors = tuple(Collector(s.name, int(EVERY[s.name].total_seconds()), s) for s in sources)


def crash(app: App, db: Database, now: datetime) -> bool:
    """Kept what came, and then the process was gone: no run has an end, no cursor moved."""
    runs = collecting.due(app, db, now)
    for event in collecting.fetch(app, runs, attempt, now):
        if event.page is not None:
            collecting.receive(app, db, event.run, event.page, now)
            collecting.put_down(app, db, event.run, now)
    db.close()
    return bool(runs)


def let_go(app: App, sources: Sequence[Board], now: datetime) -> None:
    """End what hangs when its fault does."""
    for board in sources:
        if board.name in app.hanging and not any(f.kind == "hangs" and f.start <= now < f.end for f in board.faults):
            board.free.set()
            while board.name in app.hanging:  # the abandoned thread ends by itself
                threading.Event().wait(0.005)


def differences(
    db: Database, sources: Sequence[Board], lost: set[datetime], newest: datetime
) -> list[tuple[str, int, dict[str, float], dict[str, float]]]:
    """Each hour in which ``v_coverage`` says anything else than was injected: source, hour, said, injected."""
    found = []
    for board in sources:
        rows = db.execute(
            'SELECT "from", "to", state FROM v_coverage WHERE source = ? ORDER BY "from"', [board.name]
        ).fetchall()
        said = [(from_utc_text(a), from_utc_text(b), state) for a, b, state in rows]
        truth = outages.coverage(board, lost, EVERY[board.name], newest) if board.asked else []
        for hour, (a, b) in enumerate(zip(
            outages.by_hour(said, START - 4 * DAY, 24 * 6), outages.by_hour(truth, START - 4 * DAY, 24 * 6), strict=True
        )):  # fmt: skip
            if a != b:
                found.append((board.name, hour, a, b))
    return found


def shares(sources: Sequence[Board], brand: str) -> dict[str, float]:
    """Of the brand's posts that were given, the share that each source gave."""
    posts = {p.native_id for s in sources for part in s.posts.values() for p in part if p.text.startswith(brand)}
    given = {s.name: len(s.given & posts) for s in sources}
    return {name: n / sum(given.values()) for name, n in given.items()}


@pytest.mark.parametrize("seed", range(6))
def test_a_day_of_outages_is_told_as_it_was_injected(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng([seed, 7])
    sources = boards(seed)
    app = make_app(tmp_path, keep_going=True)
    connect(app, sources[:-1])
    db, lost = app.open_store(), set()
    added, crashes = START + int(rng.integers(3, 20)) * HOUR, START + int(rng.integers(20, 120)) * STEP
    now, newest = START, START
    while now < START + DAY:
        let_go(app, sources, now)
        if now >= added:
            connect(app, sources)
        if now == crashes:
            if crash(app, db, now):
                lost.add(now)
            app = make_app(tmp_path, keep_going=True)
            connect(app, sources if now >= added else sources[:-1])
            db = app.open_store()
        else:
            jobs.collect(app, db, now, Report())
        newest = max([newest, *(a.at for s in sources for a in s.asked)])
        if rng.random() < 0.03:
            assert differences(db, sources, lost, newest) == []
        now += STEP
    assert differences(db, sources, lost, newest) == []
    assert {s for (s,) in db.execute("SELECT DISTINCT state FROM v_coverage")} >= {"heard", "heard late", "blind"}
    told_alike(app, db, sources, lost, now)
    heard_alike(app, db, sources, lost, now)
    for board in sources:
        for fault in board.faults:
            asked = [a for a in board.asked if fault.start <= a.at < fault.end and a.at not in lost]
            assert fault.kind != "limited" or len(asked) <= 1  # it said for how long
        board.free.set()
    db.close()


def told_alike(app: App, db: Database, sources: Sequence[Board], lost: set[datetime], now: datetime) -> None:
    """The digest's own reckoning: the heard share of the day, and each gap by its state."""
    end = max(a.at for s in sources for a in s.asked)
    for found in coverage.of_sources(db, 1, [s.name for s in sources], START, end):
        board = next(s for s in sources if s.name == found.source)
        truth = outages.coverage(board, lost, EVERY[board.name], end)
        inside = [(max(a, START), min(b, end), state) for a, b, state in truth if a < end and b > START]
        seconds = sum((b - a).total_seconds() for a, b, state in inside if state.startswith("heard"))
        assert found.heard == pytest.approx(seconds / (end - START).total_seconds())
        gaps = [
            (a, b, state) for a, b, state in inside if state in ("partial", "blind") and b - a > timedelta(minutes=1)
        ]
        not_there = board.name == "later"  # when the day began
        said = [(g.start, g.end, g.state) for g in found.gaps if not (not_there and g.start == START)]
        assert [g for g in said if g[1] < end] == [g for g in gaps if g[1] < end]


def heard_alike(app: App, db: Database, sources: Sequence[Board], lost: set[datetime], now: datetime) -> None:
    """Of each brand's bins: the share of its volume whose sources heard the bin whole."""
    jobs.process(app, db, now, Report())
    jobs.watch(app, db, now)
    whole = {
        s.name: outages.whole_bins(outages.heard(s, lost, EVERY[s.name]), START - DAY, START + DAY) for s in sources
    }
    for brand, brand_id in app.brands.items():
        brings = shares(sources, brand)
        said = coverage.heard_share(db, brand_id, bin_start(START - DAY), bin_start(now))
        at = bin_start(START - DAY)
        while at < bin_start(now):
            truth = sum(brings[name] for name, bins in whole.items() if at in bins)
            assert said.get(at, 0.0) == pytest.approx(truth), (brand, at)
            at += BIN
