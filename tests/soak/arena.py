"""Where victims live and die: the feeds and the mail server they talk to, and the kills that come from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from monitor.demo.mailbox import PASSWORD, MailSink
from monitor.demo.run import MAILBOX, PASSWORD_ENV, write_config
from monitor.demo.server import Answer, FeedServer, Outage
from monitor.demo.world import Item
from monitor.model import utc_text
from tests.soak.driver import DEATHS, POSITION, PROFILE
from tests.soak.plan import ALARM, CLOCK, DATA, HTTP, RCPT, Kill, Pace, Profile, rest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_LIFE = 300.0
"""Seconds after which a victim that neither ends nor dies is taken for hung: a bound, not a wait."""


class Stuck(Exception):
    """The victim hung, or ended with an error instead of dying or finishing."""


@dataclass(frozen=True, slots=True)
class Death:
    kill: Kill
    step: int
    stage: str
    what: str


@dataclass(frozen=True)
class World:
    """What victims see: the moments of the steps, the posts and outages of the feeds; or a file to import first."""

    moments: tuple[datetime, ...]
    items: Sequence[Item] = ()
    outages: Sequence[Outage] = ()
    file: str = ""
    brand: str = ""
    config: str = ""


@dataclass(frozen=True)
class Ran:
    """One pass from the first step to the last."""

    folder: Path
    deaths: tuple[Death, ...]
    seconds: float

    @property
    def profile(self) -> Profile:
        found: Profile = json.loads((self.folder / PROFILE).read_text())
        return found

    def pace(self, world: World) -> Pace:
        return Pace(self.seconds, len(world.moments))


@dataclass
class Ambush:
    """The planned kills from outside; each is struck at most once, at the victim that lives then."""

    moments: Sequence[datetime]
    plan: Sequence[Kill] = ()
    victim: subprocess.Popen[bytes] | None = None
    struck: int | None = None
    step: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _timers: list[threading.Timer] = field(default_factory=list)

    def lie_in_wait(self, plan: Sequence[Kill], victim: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self.plan, self.victim, self.struck, self.step = plan, victim, None, -1
        if plan and plan[0].kind == ALARM:
            self._strike_later(0, victim)

    def leave(self) -> None:
        with self._lock:
            self.victim = None
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def on_step(self, now: datetime) -> None:
        """The victim has told the feeds its time: a step begins."""
        self.step = self.moments.index(now) if now in self.moments else -1
        for number, kill in enumerate(self.plan):
            if kill.kind == CLOCK and kill.step == self.step and self.victim is not None:
                self._strike_later(number, self.victim)
                return

    def strike(self, kind: str) -> None:
        """Kill, if the plan has such a kill for this step."""
        for number, kill in enumerate(self.plan):
            if kill.kind == kind and kill.step == self.step:
                self._kill(number, self.victim)
                return

    def _strike_later(self, number: int, victim: subprocess.Popen[bytes]) -> None:
        timer = threading.Timer(self.plan[number].delay, self._kill, (number, victim))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _kill(self, number: int, victim: subprocess.Popen[bytes] | None) -> None:
        with self._lock:
            if victim is not None and victim is self.victim and self.struck is None and victim.poll() is None:
                self.struck = number
                victim.send_signal(signal.SIGKILL)


class Feeds(FeedServer):
    """The demo's feeds; tells the ambush of each step and each question."""

    def __init__(self, items: Sequence[Item], outages: Sequence[Outage], ambush: Ambush) -> None:
        self._ambush: Ambush | None = None
        super().__init__(items, outages)
        self._ambush = ambush
        # A client that was killed leaves its answer unread; that is what this is about, and no news.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]

    @property
    def now(self) -> datetime:
        return self._now

    @now.setter
    def now(self, value: datetime) -> None:
        self._now = value
        if self._ambush is not None:
            self._ambush.on_step(value)

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        found = super().answer(path, headers)
        if path != "/now" and self._ambush is not None:
            self._ambush.strike(HTTP)
        return found


class Sink(MailSink):
    """The demo's mail server; tells the ambush when a recipient is named and when a message lies in the box."""

    def __init__(self, path: Path, ambush: Ambush) -> None:
        super().__init__(path)
        self._ambush = ambush

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        self._ambush.strike(RCPT)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 known"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        reply = await super().handle_DATA(server, session, envelope)
        self._ambush.strike(DATA)
        return reply


def run(world: World, folder: Path, plan: Sequence[Kill] = (), *, control: bool = False) -> Ran:
    """One pass: victims are started one after the other until the last step is finished. Stuck if one does not die."""
    folder.mkdir(parents=True)
    ambush = Ambush(world.moments)
    deaths: list[Death] = []
    with ExitStack() as stack:
        feeds = stack.enter_context(Feeds(world.items, world.outages, ambush))
        mail = stack.enter_context(Sink(folder / MAILBOX, ambush))
        if world.config:
            (folder / "config.toml").write_text(world.config.format(port=mail.port), "utf-8")
        else:
            write_config(folder, feeds.url, mail.port)
        started = time.monotonic()
        while (death := _live(world, folder, feeds.url, plan, ambush, control=control)) is not None:
            number, fell = death
            deaths.append(fell)
            plan = rest(plan, number, fell.step, fell.stage)
        return Ran(folder, tuple(deaths), time.monotonic() - started)


def _live(
    world: World, folder: Path, feeds: str, plan: Sequence[Kill], ambush: Ambush, *, control: bool
) -> tuple[int, Death] | None:
    """One victim's life: None if it finished, else which kill of the plan it died of, and where."""
    if plan and plan[0].kind == ALARM:
        plan = plan[:1]  # nothing else may be faster than the alarm
    scenario = folder / "scenario.json"
    scenario.write_text(json.dumps({
        "folder": str(folder), "moments": [utc_text(m) for m in world.moments], "feeds": "" if world.file else feeds,
        "import": world.file, "brand": world.brand, "plan": [asdict(kill) for kill in plan], "control": control,
        "profile": not plan,
    }), "utf-8")  # fmt: skip
    died_before = _lines(folder / DEATHS)
    with (folder / "victim.log").open("ab") as log:
        victim = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.driver", str(scenario)], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, env={**os.environ, PASSWORD_ENV: PASSWORD, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
    ambush.lie_in_wait(plan, victim)
    code = _end_of(victim, ambush)
    if code == 0:
        return None
    if code != -signal.SIGKILL:
        last = _lines(folder / "victim.log")[-1:] or ["nothing said"]
        raise Stuck(f"the victim ended with {code}: {last[0]} (all of it in {folder / 'victim.log'})")
    return _death(folder, plan, ambush.struck, _lines(folder / DEATHS)[len(died_before) :])


def _end_of(victim: subprocess.Popen[bytes], ambush: Ambush) -> int:
    try:
        return victim.wait(LONGEST_LIFE)
    except subprocess.TimeoutExpired:
        raise Stuck(f"the victim still lives after {LONGEST_LIFE:g} s") from None
    finally:
        ambush.leave()
        if victim.poll() is None:
            victim.kill()
            victim.wait()


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _death(folder: Path, plan: Sequence[Kill], struck: int | None, said: Sequence[str]) -> tuple[int, Death]:
    if said:  # it told of its own kill; one from outside that came at the same moment is not counted
        own = json.loads(said[-1])
        return own["kill"], Death(plan[own["kill"]], own["step"], own["stage"], own["what"])
    if struck is None:
        raise Stuck("the victim was killed by somebody else")
    step, stage = _position(folder)
    return struck, Death(plan[struck], step, stage, plan[struck].kind)


def _position(folder: Path) -> tuple[int, str]:
    path = folder / POSITION
    words = path.read_text().split() if path.exists() else []
    return (int(words[0]), words[1]) if words else (0, "start")
