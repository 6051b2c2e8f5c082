"""The victim: a process that goes through the steps of a scenario as ``qianli once`` would, and dies where it is told.

``python -m tests.soak.driver SCENARIO.json``. What step is finished lies in a small file, so that the next process
goes on with the step that was under way. Everything it runs is the product; around it are only counters: SQLite's
trace callback and Python's audit hook see each moment before it happens.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.soak.plan import AT, CURSOR, INSIDE, STAGES, START

FINISHED, POSITION, DEATHS, PROFILE = "finished-step", "position", "deaths.jsonl", "profile.json"
BETWEEN, PREPARE, IMPORT = "between", "prepare", "import"
_WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "REPLACE")
_WIDTH = 64


@dataclass
class Watch:
    """Counts the moments of each stage in each step, and kills this process at those that the plan names."""

    folder: Path
    plan: dict[tuple[str, int, str, int], int]
    step: int = 0
    stage: str = BETWEEN
    seen: Counter[str] = field(default_factory=Counter)
    profile: dict[int, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    moved: bool = False
    moves: int = 0
    just_moved: bool = False

    def __post_init__(self) -> None:
        self._position = os.open(self.folder / POSITION, os.O_WRONLY | os.O_CREAT)
        self._deaths = os.open(self.folder / DEATHS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def enter(self, stage: str) -> None:
        self.stage = stage
        os.pwrite(self._position, f"{self.step} {stage}".ljust(_WIDTH).encode(), 0)

    def begin(self, step: int) -> None:
        self.step, self.moves, self.just_moved = step, 0, False
        self.seen.clear()
        self.enter(BETWEEN)

    def within(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **named: Any) -> Any:
            before = self.stage
            self.enter(stage)
            try:
                return work(*args, **named)
            finally:
                self.enter(before)

        return watched

    def sql(self, statement: str) -> None:
        """Called by SQLite before each statement runs, also before each row of many."""
        word = statement.lstrip()[:6].upper()
        moved = self.just_moved
        self.just_moved = False
        if moved and self.plan:
            self._die_if((CURSOR, self.step, "collect", self.moves), "after a cursor's commit")
        if word.startswith("COMMIT") and self.moved:
            self.moved, self.just_moved = False, True
            self.moves += 1
        elif word == "INSERT" and statement.lstrip().startswith("INSERT INTO cursors"):
            self.moved = True
        letter = "B" if word.startswith("BEGIN") else "C" if word == "COMMIT" else "W" if word in _WRITES else "r"
        self.moment(letter, statement)

    def event(self, name: str, args: tuple[Any, ...]) -> None:
        """Called by Python before each audited event; of interest are files written, put into place, and talks."""
        if name == "open":
            path, _, flags = args
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and "__pycache__" not in str(path):
                self.moment("F", f"open {path}")
        elif name in ("os.rename", "os.link", "os.mkdir"):
            if "__pycache__" not in str(args[0]):
                self.moment("F", f"{name} {args[0]}")
        elif name == "socket.connect":
            self.moment("N", "connect")

    def moment(self, letter: str, what: str) -> None:
        stage = self.stage
        if stage in (BETWEEN, ""):
            return
        self.seen[stage] += 1
        self.profile[self.step][stage].append(letter)
        self._die_if((AT, self.step, stage, self.seen[stage]), what)

    def _die_if(self, key: tuple[str, int, str, int], what: str) -> None:
        number = self.plan.get(key)
        if number is None:
            return
        said = {"kill": number, "step": self.step, "stage": self.stage, "what": " ".join(what.split())[:60]}
        os.write(self._deaths, json.dumps(said).encode() + b"\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def finish(self, step: int) -> None:
        draft = self.folder / f"{FINISHED}.new"
        draft.write_text(str(step))
        os.replace(draft, self.folder / FINISHED)

    def keep_profile(self) -> None:
        found = {s: {stage: "".join(v) for stage, v in stages.items()} for s, stages in self.profile.items()}
        (self.folder / PROFILE).write_text(json.dumps(found))


def main(scenario_file: Path) -> None:
    scenario = json.loads(scenario_file.read_text("utf-8"))
    folder = Path(scenario["folder"])
    watch = Watch(folder, _by_moment(scenario["plan"]))
    finished = folder / FINISHED
    begun = int(finished.read_text()) + 1 if finished.exists() else 0
    watch.begin(begun)
    _watch_everything(watch, folder)
    if scenario["control"]:
        _commit_the_cursor_first()
    _go(scenario, watch, begun, folder)
    watch.enter(BETWEEN)
    if scenario["profile"]:
        watch.keep_profile()


def _by_moment(plan: list[dict[str, Any]]) -> dict[tuple[str, int, str, int], int]:
    """Moment -> which kill of the plan falls there. One at a start is meant for the start after the kill before it."""
    own = [(n, kill) for n, kill in enumerate(plan) if kill["kind"] in INSIDE and (kill["stage"] != START or n == 0)]
    return {(kill["kind"], kill["step"], kill["stage"], kill["number"]): n for n, kill in reversed(own)}


def _watch_everything(watch: Watch, folder: Path) -> None:
    """Put the counters in place: on each connection to the database, on each stage, on files and sockets."""
    from monitor import jobs

    connect = sqlite3.connect

    def traced(database: Any, *args: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(database, *args, **named)
        if Path(str(database)).parent == folder:
            connection.set_trace_callback(watch.sql)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]
    for stage in STAGES:
        setattr(jobs, stage, watch.within(stage, getattr(jobs, stage)))
    jobs.process = watch.within(PREPARE, jobs.process)
    sys.addaudithook(watch.event)


def _go(scenario: dict[str, Any], watch: Watch, begun: int, folder: Path) -> None:
    from monitor import jobs
    from monitor.config import load
    from monitor.schedule import leased
    from monitor.work.app import App, open_app

    def opened() -> tuple[App, Any]:
        app = open_app(load(folder / "config.toml"))
        return app, app.open_store()

    app, db = watch.within(START, opened)()
    moments = [datetime.fromisoformat(text) for text in scenario["moments"]]
    try:
        for step in range(begun, len(moments)):
            now = moments[step]
            watch.begin(step)
            if scenario["feeds"]:
                _tell(scenario["feeds"], now)
            if scenario["import"] and step == 0:
                watch.within(IMPORT, _import)(scenario, app, db, now)
            else:
                with leased(db, now):
                    jobs.cycle(app, db, now)
            watch.finish(step)
    finally:
        db.close()
        app.http.close()


def _import(scenario: dict[str, Any], app: Any, db: Any, now: datetime) -> None:
    from monitor.work.importing import import_file
    from sources.importer import Options

    options = Options(zone=app.config.timezone, brand=scenario["brand"])
    import_file(app, db, Path(scenario["import"]), options, now, lambda _position: None)


def _tell(server: str, now: datetime) -> None:
    """Have the feed server show what was published by ``now``."""
    parts = urlsplit(server)
    talk = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        talk.request("PUT", "/now", now.isoformat())
        answer = talk.getresponse()
        answer.read()
        if answer.status != 204:
            raise RuntimeError(f"the feed server did not take its time: {answer.status}")
    finally:
        talk.close()


def _commit_the_cursor_first() -> None:
    """The control: posts and cursor in two transactions, as a careless program would. Not in any product code."""
    from monitor.model import Page
    from monitor.store import coverage, writing
    from monitor.work import collecting

    receive = collecting.receive

    def apart(app: Any, db: Any, run: Any, page: Page, now: datetime) -> None:
        with writing(db):
            coverage.keep_cursor(db, run.collector.name, page.cursor, now, run.state.refusals)
        receive(app, db, run, page, now)

    collecting.receive = apart


if __name__ == "__main__":
    main(Path(sys.argv[1]))
