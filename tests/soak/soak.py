"""The soak: an undisturbed run, disturbed ones held against it until enough kills have fallen, and the control."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak import arena, reading
from tests.soak.arena import Death, Ran, Stuck, World
from tests.soak.plan import ALARM, IMPORT_STAGES, IMPORTED, STAGES, STEPPED, Kill, after_each_cursor, draw
from tests.soak.reading import Left

Say = Callable[[str], None]
A_PASS = 50
"""Kills planned for one pass; more of them would leave no stretch in which the work goes on for a while."""

SURPLUS = 1.2
"""Planned for each that is wanted: where a killed step has less left to do, a later moment of it never comes."""


@dataclass
class Findings:
    """What was seen so far: where kills fell, what differed, how mail fared."""

    deaths: list[Death] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    passes: int = 0
    owed: int = 0
    doubled: int = 0
    most_copies: int = 0

    def add(self, name: str, ran: Ran, wanted: Left, left: Left) -> list[str]:
        found = [f"{name}: {line}" for line in reading.differences(wanted, left)]
        self.deaths += ran.deaths
        self.wrong += found
        self.passes += 1
        self.doubled += left.doubled
        self.most_copies = max(self.most_copies, left.most_copies)
        return found


@dataclass(frozen=True)
class Undisturbed:
    world: World
    ran: Ran
    left: Left


def undisturbed(world: World, folder: Path) -> Undisturbed:
    ran = arena.run(world, folder)
    return Undisturbed(world, ran, reading.read(folder))


def disturbed(of: Undisturbed, folder: Path, plan: Sequence[Kill], findings: Findings, say: Say) -> None:
    """One pass under kills; its folder is kept only if something differs."""
    try:
        ran = arena.run(of.world, folder, plan)
    except Stuck as error:
        findings.wrong.append(f"{folder.name}: {error}")
        say(findings.wrong[-1])
        return
    left = reading.read(folder)
    wrong = findings.add(folder.name, ran, of.left, left)
    say(f"{folder.name}: {len(ran.deaths)} of {len(plan)} planned kills fell, {left.doubled} mails doubled, "
        f"{ran.seconds:.0f} s, {'DIFFERS' if wrong else 'equal to the undisturbed run'}")  # fmt: skip
    for line in wrong:
        say(f"  {line}")
    if not wrong:
        shutil.rmtree(folder)


def until(
    kills: int, of: Undisturbed, base: Path, seed: int, say: Say, findings: Findings, *, a_pass: int = A_PASS
) -> None:
    """Passes with plans of their own seeds until ``kills`` have fallen; at most twice as many as should be needed."""
    name = f"{Path(of.world.file).name}-" if of.world.file else ""
    stages, kinds = (IMPORT_STAGES, IMPORTED) if name else (STAGES, STEPPED)
    pace = of.ran.pace(of.world)
    for number in range(1, 2 * (kills // a_pass + 2)):
        missing = kills - len(findings.deaths)
        if missing <= 0:
            return
        wanted = int(min(a_pass, missing) * SURPLUS) + 1
        plan = draw(of.ran.profile, seed * 1000 + number, wanted, pace, stages, kinds)
        disturbed(of, base / f"{name}pass-{number}", plan, findings, say)
    if len(findings.deaths) < kills:
        findings.wrong.append(f"only {len(findings.deaths)} of {kills} kills fell")


def control(of: Undisturbed, folder: Path, steps: Sequence[int], say: Say) -> list[str]:
    """The same kills and the same check for a program that commits the cursor first: what the check says of it."""
    plan = after_each_cursor(steps)
    ran = arena.run(of.world, folder, plan, control=True)
    found = reading.differences(of.left, reading.read(folder))
    say(f"control, cursor committed apart from the posts: {len(ran.deaths)} kills fell, "
        + ("and the check fails, as it must:" if found else "AND THE CHECK SAW NOTHING"))  # fmt: skip
    for line in found[:4]:
        say(f"  {line}")
    shutil.rmtree(folder)
    return found


def table(deaths: Sequence[Death]) -> list[str]:
    """Kills by stage and by kind."""
    kinds = ["at a statement", "after a cursor", "in HTTP", "in SMTP", "by the clock"]
    where = Counter((d.stage, _kind(d)) for d in deaths)
    stages = [s for s in ("start", "import", "prepare", *STAGES, "between") if any(stage == s for stage, _ in where)]
    lines = [f"{'stage':10}" + "".join(f"{kind:>16}" for kind in kinds) + f"{'all':>7}"]
    for stage in stages:
        row = [where[stage, kind] for kind in kinds]
        lines.append(f"{stage:10}" + "".join(f"{n or '':>16}" for n in row) + f"{sum(row):>7}")
    sums = [sum(where[s, kind] for s in stages) for kind in kinds]
    return [*lines, f"{'all':10}" + "".join(f"{n:>16}" for n in sums) + f"{sum(sums):>7}"]


def _kind(death: Death) -> str:
    names = {"at": "at a statement", "cursor": "after a cursor", "http": "in HTTP", "rcpt": "in SMTP",
             "data": "in SMTP", "clock": "by the clock", ALARM: "by the clock"}  # fmt: skip
    return names[death.kill.kind]
