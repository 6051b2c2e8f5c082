"""Where the kills fall: drawn from a seed over the moments that an undisturbed run went through.

A *moment* is one SQL statement, or one file written, renamed or linked, or one connection opened. The victim counts
them for each (step, stage) and kills itself just before the drawn one. Other kills come from outside: while a feed or
the mail server is being talked to, or when a clock strikes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

STAGES = ("collect", "match", "score", "group", "count", "watch", "digest", "send")
IMPORT_STAGES = ("import", *STAGES[1:-1])
START = "start"

AT, CURSOR = "at", "cursor"
"""Kills by the victim itself: at the n-th moment of a stage; right after the n-th commit that moved a cursor."""

HTTP, RCPT, DATA, CLOCK, ALARM = "http", "rcpt", "data", "clock", "alarm"
"""Kills from outside: while a feed's answer is awaited; before a message is handed over; after the server kept it and
before it said so; ``delay`` seconds after a step began; ``delay`` seconds after the victim was started."""

INSIDE = frozenset({AT, CURSOR})
STEPPED = (CURSOR, CLOCK, HTTP, START, DATA, CLOCK, CURSOR, RCPT)
IMPORTED = (ALARM, START)
"""The kinds of kills beside those at a drawn moment of a stage, dealt in turn."""

_SPECIAL_SHARE = 0.28
_RESTART_MOMENTS = 12

Profile = Mapping[str, Mapping[str, str]]
"""step -> stage -> a letter for each moment: r read, B begin, W write, C commit, F file, N network."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One planned kill. ``number``: which moment or commit, from 1. ``delay`` in seconds."""

    kind: str
    step: int
    stage: str = ""
    number: int = 0
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the undisturbed run took, for kills by the clock."""

    run_seconds: float
    steps: int


def draw(
    profile: Profile, seed: int, kills: int, pace: Pace,
    stages: Sequence[str] = STAGES, kinds: Sequence[str] = STEPPED,
) -> list[Kill]:  # fmt: skip
    """A plan of about ``kills`` kills: every stage in turn, and a share of the other kinds, in the order of time."""
    random = Random(seed)
    special = list(islice(cycle(kinds), int(kills * _SPECIAL_SHARE)))
    sends = [step for step in _steps(profile, "send") if "B" in profile[step]["send"]]
    random.shuffle(sends)
    found: list[Kill] = []
    for stage in islice(cycle(stages), max(len(stages), kills - len(special))):
        if stage != "send":
            found.append(_at(random, profile, stage, _step_of(random, profile, stage, {k.step for k in found})))
        elif sends:
            found.append(_at(random, profile, "send", sends.pop()))
    for kind in special:
        found += _special(random, profile, kind, pace, sends, {k.step for k in found})
    order = ("", START, *IMPORT_STAGES[:1], *STAGES)
    found = sorted(set(found), key=lambda k: (k.step, order.index(k.stage), k.number))
    return _with_starts(random, profile, found, special.count(START), key=seed % 2 == 1)


def after_each_cursor(steps: Sequence[int]) -> list[Kill]:
    """A plan that falls where only one thing may be told apart: whether posts and cursor are one transaction."""
    return [Kill(CURSOR, step, "collect", 1) for step in steps for _ in range(3)]


def rest(plan: Sequence[Kill], done: int, step: int, stage: str) -> list[Kill]:
    """What is left of a plan after its kill number ``done`` fell at ``step``.

    A kill may fall between a message's arrival and its receipt, and the message is then sent again. A second kill in
    the same round of sending could make it three; so no other one is planned there.
    """
    first = step + 1 if stage == "send" else step
    return [kill for kill in plan[done + 1 :] if kill.step >= first or kill.kind == ALARM]


def _steps(profile: Profile, stage: str) -> list[str]:
    return [step for step, stages in profile.items() if stages.get(stage)]


def _step_of(random: Random, profile: Profile, stage: str, taken: Set[int]) -> str:
    """A step in which the stage did something: half of the time one of the twenty in which it wrote most.

    Steps without a kill come first: a step that is done again has less to do, and a second kill there may never fall.
    """
    steps = _steps(profile, stage)
    busy = [s for s in steps if "B" in profile[s][stage]] or steps
    busy = [s for s in busy if int(s) not in taken] or busy
    if random.random() < 0.5:
        busy = sorted(busy, key=lambda s: -_written(profile[s][stage]))[:20]
    return random.choice(busy)


def _written(letters: str) -> int:
    return sum(letter in "WF" for letter in letters)


def _at(random: Random, profile: Profile, stage: str, step: str) -> Kill:
    """A moment of the stage: mostly in or round a transaction, or where a file is put into place."""
    letters = profile[step][stage]
    weighty = [n for n, letter in enumerate(letters, 1) if letter != "r"]
    rare = [n for n, letter in enumerate(letters, 1) if letter in "BCF"]
    choice = random.random()
    pool = rare if choice < 0.35 and rare else weighty if choice < 0.8 and weighty else range(1, len(letters) + 1)
    return Kill(AT, int(step), stage, random.choice(list(pool)))


def _special(
    random: Random, profile: Profile, kind: str, pace: Pace, sends: list[str], taken: Set[int]
) -> Iterator[Kill]:
    if kind in (CURSOR, HTTP, CLOCK):
        steps = [int(s) for s in _steps(profile, "collect")]
        step = random.choice([s for s in steps if s not in taken] or steps)
        delay = round(random.uniform(0, pace.run_seconds / pace.steps), 4) if kind == CLOCK else 0.0
        number = random.randint(1, 6) if kind == CURSOR else 0
        yield Kill(kind, step, "" if kind == CLOCK else "collect", number, delay)
    elif kind in (RCPT, DATA) and sends:
        yield Kill(kind, int(sends.pop()), "send")
    elif kind == ALARM:
        yield Kill(ALARM, 0, delay=round(random.uniform(0.3, pace.run_seconds / 4), 4))


def _with_starts(random: Random, profile: Profile, plan: Sequence[Kill], number: int, *, key: bool) -> list[Kill]:
    """Kills while a victim starts: after another kill, and at first, when it makes its database and its key.

    Only one can fall at the first start, since the next one has less to make. ``key``: let it be the moment at which
    the key's file is there and empty.
    """
    first = min(profile, key=int)
    letters = profile[first].get(START, "")
    made = letters.rindex("F") + 1 if key else random.randint(1, len(letters))
    found = [Kill(AT, int(first), START, made)] if number else []
    again = set(random.sample(range(len(plan)), min(len(plan), number)))
    for place, kill in enumerate(plan):
        found.append(kill)
        if place in again and kill.stage != "send" and kill.kind != ALARM:
            found.append(Kill(AT, kill.step, START, random.randint(1, _RESTART_MOMENTS)))
    return found
