"""One soak of months: victims live one after the other until the last round is done."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from tests.bench.posts.world import World
from tests.soak.months.faults import CLOCK, KEPT, RESTART, Blow, MailFault
from tests.soak.months.mail_server import Ledger, MailServer
from tests.soak.months.setting import prepare
from tests.soak.months.victim import GO, STOP, live

LONGEST_ROUND = 300.0
"""Seconds after which a victim is taken to hang: a bound, not a wait."""


@dataclass
class Ran:
    """What a run leaves beside its folder. ``deaths``: rounds in which a kill fell, by kind."""

    folder: Path
    ledger: Ledger
    rounds: Sequence[datetime]
    deaths: list[tuple[str, int]] = field(default_factory=list)
    restarts: int = 0
    seconds: float = 0.0


class Stuck(Exception):
    """A victim hung, or ended by itself before the last round."""


@dataclass
class _Warden:
    """Knows the round under way and the blow planned for it."""

    plan: dict[int, Blow]
    victim: SpawnProcess | None = None
    round: int = -1
    struck: str = ""

    def kept(self) -> bool:
        """A mail was kept. Whether its sender is killed before it is told so; the next mail after the plan's round."""
        due = [n for n, b in self.plan.items() if b.kind == KEPT and n <= self.round]
        if not due or self.victim is None:
            return False
        del self.plan[due[0]]
        self.kill(KEPT, self.victim)
        return True

    def begin(self, number: int) -> None:
        self.round = number
        blow = self.plan.get(number)
        if blow is not None and blow.kind == CLOCK and self.victim is not None:
            del self.plan[number]
            timer = threading.Timer(blow.delay, self.kill, (CLOCK, self.victim))
            timer.daemon = True
            timer.start()

    def kill(self, kind: str, victim: SpawnProcess) -> None:
        if victim is self.victim and victim.is_alive():
            self.struck = kind
            victim.kill()

    def restarts_at(self, number: int) -> bool:
        blow = self.plan.get(number)
        if blow is None or blow.kind != RESTART:
            return False
        del self.plan[number]
        return True


def soak(
    world: World, folder: Path, rounds: Sequence[datetime], mail: Sequence[MailFault], plan: Sequence[Blow]
) -> Ran:  # fmt: skip
    """Live through all rounds. Stuck if a victim hangs or ends by itself."""
    warden, begun = _Warden({blow.round: blow for blow in plan}), time.monotonic()
    with MailServer(folder.with_suffix(".mbox"), mail, warden.kept) as server:
        ran = Ran(folder, server.ledger, rounds)
        file = prepare(world, folder, server.port)
        number = 0
        while number < len(rounds):
            number = _life(file, ran, warden, server, number)
    ran.seconds = time.monotonic() - begun
    return ran


def _life(file: Path, ran: Ran, warden: _Warden, server: MailServer, begun: int) -> int:
    """One victim's life; the round to go on with: that in which it was killed, or the one it was stopped before."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    victim = context.Process(target=live, args=(file, ran.folder, begun, ran.rounds, theirs))
    warden.victim, warden.struck = victim, ""
    victim.start()
    theirs.close()
    try:
        number = _attend(ours, ran, warden, server, begun)
    finally:
        warden.victim = None
        ours.close()
        victim.join(LONGEST_ROUND)
        if victim.is_alive():
            victim.kill()
            victim.join()
    if warden.struck:
        ran.deaths.append((warden.struck, number))
    elif victim.exitcode != 0:
        raise Stuck(f"a victim ended by itself in round {number}, exit code {victim.exitcode}")
    return number


def _attend(pipe: Connection, ran: Ran, warden: _Warden, server: MailServer, begun: int) -> int:
    number, restarted = begun, False
    while True:
        if not pipe.poll(LONGEST_ROUND):
            raise Stuck(f"no sign of life after round {number}")
        try:
            number = pipe.recv()
            if restarted := warden.restarts_at(number):
                ran.restarts += 1
            else:
                server.now = ran.rounds[number]
                warden.begin(number)
            pipe.send(STOP if restarted else GO)
        except (EOFError, ConnectionError):  # it was killed, was stopped, or is done with the last round
            return number if warden.struck or restarted else len(ran.rounds)
