"""A trail says what stepping again from what is remembered would say, whatever changed since."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.model import BIN
from monitor.store.incidents import Hold
from monitor.work.trails import Course, Trails, last_hour, pick_up, put_down, worth_remembering

START = datetime(2026, 11, 1, 20, 30, tzinfo=UTC)
KEY = (1, "")
SETTLES = 9
"""Bins after which one is settled."""


class Chain:
    """Whatever it took has its part in what it says ever after. Each step is counted."""

    steps = 0

    def __init__(self, state: int | None) -> None:
        self.state = state or 0

    def step(self, given: int, /) -> int:
        Chain.steps += 1
        self.state = (self.state * 31 + given + 1) % 1_000_003
        return self.state

    def dump(self) -> int:
        return self.state


@dataclass
class World:
    """Bins, and what the database remembers of them, as ``watching`` and ``counts`` keep it."""

    bins: list[int] = field(default_factory=list)
    states: dict[int, int] = field(default_factory=dict)
    trails: Trails = field(default_factory=dict)

    def change(self, at: int, value: int) -> None:
        self.bins[at] = value
        self.states = {known: state for known, state in self.states.items() if known < at}

    def watch(self, end: int, holds: tuple[Hold, ...] = (), *, broken: bool = False) -> list[tuple[int, int]]:
        last = max(self.states, default=-1)
        course = Course(bin_at(last + 1), bin_at(end), bin_at(len(self.bins) - SETTLES), holds)
        trail = pick_up(self.trails, KEY, course, self.states.get(last), Chain)
        said = [(i, trail.step(bin_at(i), self.bins[i], course.settled)) for i in range(last + 1, end)]
        if not broken:
            kept = [i for i, _ in said if worth_remembering(bin_at(i), course.settled)]
            self.states |= {i: trail.after(bin_at(i)) for i in kept}
            put_down(self.trails, KEY, course, trail)
        return said

    def plainly(self) -> list[int]:
        chain = Chain(None)
        return [chain.step(value) for value in self.bins]


def bin_at(number: int) -> datetime:
    return START + number * BIN


_WATCH = st.tuples(
    st.lists(st.integers(0, 3), max_size=14),  # bins that closed since the last watch
    st.lists(st.tuples(st.integers(1, 14), st.integers(0, 3)), max_size=2),  # how far back one changed, and to what
    st.integers(0, 3),  # bins that wait for other work
    st.booleans(),  # it breaks off
    st.booleans(),  # a hold is in force
)


@given(st.lists(_WATCH, min_size=1, max_size=25))
def test_it_says_what_is_said_from_the_first_bin_on(
    watches: list[tuple[list[int], list[tuple[int, int]], int, bool, bool]],
) -> None:
    world = World()
    for new, changes, waiting, broken, held in watches:
        world.bins += new
        for back, value in changes:
            if back <= len(world.bins):
                world.change(len(world.bins) - back, value)
        plain = world.plainly()
        holds = (Hold(START, bin_at(len(world.bins)), False),) if held else ()
        for at, said in world.watch(max(0, len(world.bins) - waiting), holds, broken=broken):
            assert said == plain[at]
        assert all(state == plain[at] for at, state in world.states.items())


def test_only_what_is_new_is_stepped_and_little_after_a_late_change() -> None:
    world = World([1] * 200)
    world.watch(200)
    Chain.steps = 0
    for _ in range(40):
        world.bins.append(2)
        world.watch(len(world.bins))
    assert Chain.steps == 40
    Chain.steps = 0
    world.change(len(world.bins) - 2, 5)
    world.watch(len(world.bins))
    assert Chain.steps <= 1 + timedelta(hours=1) // BIN
    assert len(world.trails) == 1


def test_one_hour_in_two_is_not_passed_over() -> None:
    settled = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)
    assert last_hour(settled) == datetime(2026, 11, 1, 23, 45, tzinfo=UTC)
    assert last_hour(settled + BIN) == settled + BIN
    worth = [settled - i * BIN for i in range(4 * 24 * 10) if worth_remembering(settled - i * BIN, settled)]
    assert worth == [datetime(2026, 11, 1, 23, 45, tzinfo=UTC) - timedelta(days=i) for i in range(7)]
