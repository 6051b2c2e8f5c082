"""Trails: the last bins a detector was stepped over, kept in memory, so that the next watch steps only what is new.

What is remembered in the database ends hours ago, at a bin that live posts can no longer change. A detector says the
same of the same bins after the same state; so as long as both are what they were, what it said is taken from here. A
bin that came to hold something else takes the detector back to the last full hour before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from monitor.model import BIN
from monitor.store.incidents import STATES_BY_DAY, Hold

Given = TypeVar("Given")
Said = TypeVar("Said")
State = TypeVar("State")
Given_ = TypeVar("Given_", contravariant=True)
Said_ = TypeVar("Said_", covariant=True)
State_ = TypeVar("State_", covariant=True)


class Machine(Protocol[Given_, Said_, State_]):
    """Something that takes one bin after the other. ``dump``: all that what it says of later ones depends on."""

    def step(self, given: Given_, /) -> Said_: ...

    def dump(self) -> State_: ...


class Trail(Generic[Given, Said, State]):
    """``state``: before the bin ``since``, None for a machine that is new; ``make``: the machine in a state.

    Bins are to be taken from ``since`` on, one after the other, any number of times.
    """

    def __init__(
        self, since: datetime, state: State | None, make: Callable[[State | None], Machine[Given, Said, State]]
    ) -> None:
        self.since, self.state = since, state
        self._make = make
        self._machine: Machine[Given, Said, State] | None = None
        self._taken: dict[datetime, tuple[Given, Said]] = {}
        self._states: dict[datetime, State] = {}

    def goes_on(self, since: datetime, state: State | None) -> bool:
        """Whether it is that of a detector with this state before this bin."""
        return (self.since, self.state) == (since, state)

    def step(self, at: datetime, given: Given, settled: datetime) -> Said:
        """What is said of the bin ``at``, which holds ``given``. What lies after the last full hour up to the bin
        ``settled`` is kept; whoever has taken the bins before it calls ``forget``, or throws the trail away."""
        known = self._taken.get(at)
        if known is not None:
            if known[0] == given:
                return known[1]
            self._go_back(at)
        said = self._now().step(given)
        later = at > last_hour(settled)
        if later:
            self._taken[at] = given, said
        if worth_remembering(at, settled) or (later and _ends_hour(at)):
            self._states[at] = self._now().dump()
        return said

    def after(self, at: datetime) -> State:
        """The state after a bin that is worth remembering."""
        return self._states[at]

    def forget(self, until: datetime) -> None:
        """Begin after the bin ``until``, whose state is known."""
        self.since, self.state = until + BIN, self._states[until]
        self._taken = {at: taken for at, taken in self._taken.items() if at > until}
        self._states = {at: state for at, state in self._states.items() if at > until}

    def _now(self) -> Machine[Given, Said, State]:
        if self._machine is None:
            self._machine = self._make(self.state)
        return self._machine

    def _go_back(self, to: datetime) -> None:
        """To before the bin ``to``, by way of the last state before it."""
        self._taken = {at: taken for at, taken in self._taken.items() if at < to}
        self._states = {at: state for at, state in self._states.items() if at < to}
        last = max(self._states, default=None)
        self._machine = self._make(self.state if last is None else self._states[last])
        for at, (given, _) in self._taken.items():
            if last is None or at > last:
                self._machine.step(given)


@dataclass(frozen=True, slots=True)
class Course:
    """The bins that one watch goes over: from ``start`` to ``end``. ``settled``: the last one that live posts can no
    longer change. ``holds``: those that are in force in them."""

    start: datetime
    end: datetime
    settled: datetime
    holds: Sequence[Hold]


Trails = dict[tuple[int, str], Trail[Any, Any, Any]]
"""By brand and platform, '' for all of them."""


def pick_up(
    trails: Trails, key: tuple[int, str], course: Course, state: State | None,
    make: Callable[[State | None], Machine[Given, Said, State]],
) -> Trail[Given, Said, State]:  # fmt: skip
    """The trail that was put down, if it goes on from here, else a new one. ``state``: before the first bin. A hold
    makes a detector say something else of the same bins."""
    known = trails.pop(key, None)
    if known is not None and not course.holds and known.goes_on(course.start, state):
        return known
    return Trail(course.start, state, make)


def put_down(trails: Trails, key: tuple[int, str], course: Course, trail: Trail[Any, Any, Any]) -> None:
    """Keep a trail for the next watch, once all that follows from its bins is stored."""
    last = last_hour(course.settled)
    if course.holds or trail.since <= last >= course.end:
        return
    if trail.since <= last:
        trail.forget(last)
    trails[key] = trail


def _ends_hour(at: datetime) -> bool:
    return (at + BIN).minute == 0


def last_hour(settled: datetime) -> datetime:
    """The last bin of the last full hour up to the bin ``settled``."""
    return (settled + BIN).replace(minute=0) - BIN


def worth_remembering(at: datetime, settled: datetime) -> bool:
    """The last bin of the last full hour up to ``settled``, and of each of the last days: posts may come days late."""
    last = last_hour(settled)
    return at == last or (settled - STATES_BY_DAY <= at < last and (at + BIN).hour == (at + BIN).minute == 0)
