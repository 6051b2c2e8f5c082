"""Killed at any moment and started again, Qianli goes on: a slice of ``make soak`` (see ``tests/soak``)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import arena, reading, soak, worlds
from tests.soak.plan import CURSOR, DATA, STAGES, Kill, draw
from tests.soak.soak import Undisturbed

SEED = 3
KILLS = 9


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return soak.undisturbed(worlds.half_week(), tmp_path_factory.mktemp("recovery") / "undisturbed")


def killed(of: Undisturbed, folder: Path, plan: list[Kill], *, control: bool = False) -> tuple[list[str], set[str]]:
    """What differs from the undisturbed run after these kills, and the stages they fell in; most of them must fall."""
    ran = arena.run(of.world, folder, plan, control=control)
    assert len(ran.deaths) >= len(plan) - 2, "kills that never fall show nothing"
    return reading.differences(of.left, reading.read(folder)), {death.stage for death in ran.deaths}


def test_the_undisturbed_run_is_worth_comparing_with(undisturbed: Undisturbed) -> None:
    left = undisturbed.left
    assert left.faults == ()
    assert left.owed_mails >= 5
    assert left.doubled == 0
    assert left.facts["incidents"].total() >= 1
    assert {kind for _, kind, *_ in left.facts["deliveries"]} == {"alert", "digest"}


def test_kills_in_every_stage_lose_and_double_nothing(undisturbed: Undisturbed, tmp_path: Path) -> None:
    plan = draw(undisturbed.ran.profile, SEED, KILLS, undisturbed.ran.pace(undisturbed.world), kinds=(DATA, CURSOR))
    last = len(undisturbed.world.moments) - 1
    plan = sorted([first_cursor(0), first_cursor(last), *plan], key=lambda kill: kill.step)  # a later one drops others
    different, stages = killed(undisturbed, tmp_path / "killed", plan)
    assert different == []
    assert stages >= set(STAGES)


def test_a_cursor_that_is_committed_before_its_posts_fails_the_same_check(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    last = len(undisturbed.world.moments) - 1
    plan = [first_cursor(0), first_cursor(last)]
    different, stages = killed(undisturbed, tmp_path / "control", plan, control=True)
    assert stages == {"collect"}
    assert any(line.startswith("posts: ") for line in different)


def first_cursor(step: int) -> Kill:
    """Right after the first commit of this step that moved a cursor."""
    return Kill(CURSOR, step, "collect", 1)
