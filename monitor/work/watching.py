"""Watch: step each own brand's detector over its counts, and hand on what it finds (``handling``).

Two detectors run over the same bins. The *live* one tests only voices that arrived in time and decides what mails; the
*history* one tests all voices. Both learn their baseline from all of them. Their memory is kept up to a bin that live
posts can no longer change, so that a watch steps hours, not months; of these hours, only what is new (``trails``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlite_utils import Database

from monitor.config import Brand
from monitor.incidents import HISTORY, LIVE
from monitor.model import BIN, Finding, Kind, Severity, bin_start
from monitor.spikes import Bin, Detector, Measurement, Settings, fingerprint
from monitor.store import counts, coverage, story_voices, writing
from monitor.store import incidents as stored
from monitor.work import handling, platforms, rejudging
from monitor.work.app import App
from monitor.work.trails import Course, pick_up, put_down, worth_remembering

FRESH_LEAST, FRESH_P = 5, 2.8e-4
"""What begins an ended matter again: the detector's own least number of voices and the chance at which its Z speaks
(3.45 standard deviations), in the last six hours by themselves."""


States = Mapping[str, str]
"""The state of each of the two detectors, by origin."""

Given = tuple[datetime, Bin, Bin]
"""A bin's start, and what it holds for the live and for the history detector."""


@dataclass(frozen=True, slots=True)
class Step:
    """What both detectors said of one bin."""

    at: datetime
    live: Measurement
    history: Measurement


@dataclass(frozen=True, slots=True)
class Memory:
    """Both detectors as they were after the bin ``at``. ``key`` names their settings."""

    key: str
    at: datetime
    states: States


def detector_settings(app: App) -> Settings:
    return Settings(width=BIN, zone=app.config.timezone)


def measure_sources(app: App, db: Database, now: datetime) -> None:
    """Which share of each brand's volume, competitors too, each source brings: what a deaf one would cost."""
    names = [c.name for c in app.collectors]
    with writing(db):
        for brand_id in app.brands.values():
            coverage.refresh_shares(db, brand_id, names, now)


def watch(app: App, db: Database, brand: Brand, brand_id: int, now: datetime) -> None:
    """Judge every closed bin of one brand that has not been; each thing that follows is a transaction of its own."""
    settings = detector_settings(app)
    key = fingerprint(settings)
    stored.hold_judged(db, brand_id, key, coverage.first_heard(db) or bin_start(now))
    states, start = _remembered(db, brand_id, key, now)
    holds = stored.holds(db, brand_id)
    end = counts.closed_until(db, now)
    settled = bin_start(bin_start(now) - app.config.service.live_within - BIN)
    found, heard = counts.series(db, brand_id, start, end), coverage.heard_share(db, brand_id, start, end)
    seen = (key, states, start, end, settled, found, heard, holds)
    idle = not stored.awaits_calm(db, brand_id)
    if idle and app.quiet.get(brand_id) == seen:
        return
    app.quiet.pop(brand_id, None)
    course = Course(start, end, settled, [hold for hold in holds if hold.held_to >= start])
    if _judge(app, db, brand, brand_id, course, states, _bins(found, heard, start, end), now, idle=idle):
        app.quiet[brand_id] = seen


def _judge(
    app: App, db: Database, brand: Brand, brand_id: int, course: Course, states: States | None,
    bins: Iterable[Given], now: datetime, *, idle: bool,
) -> bool:  # fmt: skip
    """Whether the same once more would give nothing again. ``idle``: no incident awaits a calm. ``states``: before the
    first bin."""
    settings, key = detector_settings(app), (brand_id, "")
    made = partial(_Both, settings, holds=course.holds, go_on=partial(_go_on, db, brand_id) if course.holds else None)
    trail = pick_up(app.trails, key, course, states, made)
    alone = platforms.judge(app.trails, db, brand_id, settings, course)
    watched = Watched([], [])
    for given in bins:
        watched.step = step = trail.step(given[0], given, course.settled)
        if app.stop.is_set():
            return False
        held = [hold for hold in course.holds if hold.learn_from <= step.at < hold.held_to]
        heard = alone.heard.get(step.at, ())
        if _fires(step, heard) or any(hold.recounted for hold in held):  # what was said of counts made anew stands
            watched.fired.append(step.at)
        if not held:
            _consider(app, db, brand, brand_id, step, heard, now, idle=idle and not watched.fired)
        if worth_remembering(step.at, course.settled):
            watched.memories.append(Memory(fingerprint(settings), step.at, trail.after(step.at)))
    _close(app, db, brand, brand_id, course, watched, now)
    alone.keep(app.trails, db, brand_id)
    put_down(app.trails, key, course, trail)
    return idle and not watched.fired and not watched.memories


@dataclass(slots=True)
class Watched:
    """What came of the bins of a watch: those that fire, what is to be remembered, and the last of them."""

    fired: list[datetime]
    memories: list[Memory]
    step: Step | None = None


def _close(
    app: App, db: Database, brand: Brand, brand_id: int, course: Course, watched: Watched, now: datetime
) -> None:  # fmt: skip
    """What follows from all bins together, and what is to be remembered of them."""
    step = watched.step
    if step is not None:
        _update_sizes(db, brand_id, step)
        again = rejudging.Again(course.start, step.at + BIN, watched.fired)
        rejudging.judge(app, db, brand, brand_id, again, step.live.evidence, now)
        handling.grow(app, db, brand, brand_id, step.live.evidence, now)
        with writing(db):
            stored.watched(db, brand_id, course.end, fingerprint(detector_settings(app)))
    _keep(db, brand_id, watched.memories)  # only now: after a crash, the bins it lets us skip would not be considered


def _fires(step: Step, alone: Sequence[platforms.Heard]) -> bool:
    """Whether any detector, of the brand or of one of its platforms, finds this bin unusual."""
    if step.live.firing is not None or step.history.firing is not None:
        return True
    return any(one.said.firing for one in alone)


def _keep(db: Database, brand_id: int, memories: Iterable[Memory]) -> None:
    for memory in memories:
        with writing(db):
            for origin, state in memory.states.items():
                stored.keep_state(db, brand_id, origin, memory.key, memory.at, state)


def _update_sizes(db: Database, brand_id: int, step: Step) -> None:
    """An open incident grows after its last spike: its size is what was observed from its onset to now, or in its
    largest wave; that of one about a story what was heard of it."""
    for standing in stored.open_ones(db, brand_id):
        since = (step.live if standing.origin == LIVE else step.history).since_onset
        onset = (step.live if standing.origin == LIVE else step.history).onset
        if standing.kind is not Kind.SPIKE:
            continue
        with writing(db):
            if standing.story is not None:
                voices = story_voices.voices(db, brand_id, standing.story, start=standing.onset)
                stored.update_size(db, standing.id, voices, 0.0)
            elif since is not None and onset is not None and onset >= standing.onset:
                another = onset > standing.onset and not standing.doubted
                stored.update_size(db, standing.id, since.observed, round(since.expected, 2), another=another)


class _Both:
    """Both detectors. Most brands hear everything in time: as long as both series are the same, one steps for both.

    ``go_on``: makes a detector go on after a hold; none is in force without it."""

    def __init__(
        self, settings: Settings, states: States | None, *, holds: Sequence[stored.Hold],
        go_on: Callable[[str, Detector, stored.Hold], None] | None,
    ) -> None:  # fmt: skip
        self._detectors = _loaded(settings, states)
        self._anew = {hold.learn_from for hold in holds if hold.recounted}
        self._on = {hold.held_to: hold for hold in sorted(holds, key=_recounted)}
        self._go_on = go_on

    def step(self, given: Given, /) -> Step:
        at, live, history = given
        detectors = self._detectors
        if at in self._anew:
            detectors.update(_loaded(detectors[LIVE].settings, None))
        if at in self._on or live.count != history.count:
            _part(detectors)
        if at in self._on and self._go_on is not None:
            for origin, detector in detectors.items():
                self._go_on(origin, detector, self._on[at])
        said = detectors[LIVE].step(live)
        return Step(at, said, said if detectors[HISTORY] is detectors[LIVE] else detectors[HISTORY].step(history))

    def dump(self) -> States:
        live, history = self._detectors[LIVE], self._detectors[HISTORY]
        said = live.dump()
        return {LIVE: said, HISTORY: said if history is live else history.dump()}


def _part(detectors: dict[str, Detector]) -> None:
    """From here on the two series may differ."""
    if detectors[HISTORY] is detectors[LIVE]:
        detectors[HISTORY] = Detector.load(detectors[LIVE].settings, detectors[LIVE].dump())


def _recounted(hold: stored.Hold) -> bool:
    return hold.recounted


def _go_on(db: Database, brand: int, origin: str, detector: Detector, hold: stored.Hold) -> None:
    """Up to here another model or detector spoke: what it made us say was said, and a window holds only one model's
    voices."""
    said, severity, stands = stored.said_before(db, brand, origin, hold.held_to) or (None, None, False)
    detector.go_on(said, severity, hold.held_to if stands else None, forget=hold.recounted)


def _remembered(db: Database, brand: int, key: str, now: datetime) -> tuple[States | None, datetime]:
    """Both detectors' states after the same bin, if they are known, and the bin to go on with."""
    live, history = (stored.load_state(db, brand, origin, key, now) for origin in (LIVE, HISTORY))
    if live and history and live[0] == history[0]:
        return {LIVE: live[1], HISTORY: history[1]}, live[0] + BIN
    return None, coverage.first_heard(db) or bin_start(now)


def _loaded(settings: Settings, states: States | None) -> dict[str, Detector]:
    live = Detector(settings) if states is None else Detector.load(settings, states[LIVE])
    same = states is None or states[LIVE] == states[HISTORY]
    return {LIVE: live, HISTORY: live if same or states is None else Detector.load(settings, states[HISTORY])}


def _bins(
    found: Mapping[datetime, counts.BinCount], heard: Mapping[datetime, float], start: datetime, end: datetime
) -> Iterator[Given]:
    at = start
    while at < end:
        c = found.get(at) or counts.BinCount(at, 0, 0, 0)
        share = heard.get(at, 0.0)
        live = Bin(at, c.live_voices, c.other, learned=c.voices, heard=share)
        yield at, live, Bin(at, c.voices, c.other, heard=share)
        at += BIN


def _consider(
    app: App, db: Database, brand: Brand, brand_id: int, step: Step, alone: Sequence[platforms.Heard], now: datetime,
    *, idle: bool,
) -> None:  # fmt: skip
    """Hand on the spikes of one bin, or, where all series are calm, the end of what stood open: nothing if ``idle``."""
    for origin, measured in _both(step):
        if measured.alert is not None:
            handling.take_in(app, db, brand, brand_id, found(origin, measured, measured.alert), now)
        elif measured.firing is not None and _fresh(measured):
            again = found(origin, measured, measured.firing)
            if handling.matters(app, db, brand_id, again):
                handling.take_in(app, db, brand, brand_id, again, now)
    if step.live.alert is None:
        _consider_platforms(app, db, brand, brand_id, alone, now)
    loud = any(heard.going and heard.said.known and not heard.said.calm for heard in alone)
    if not idle and step.live.calm and step.history.calm and not loud and stored.awaits_calm(db, brand_id):
        calm = {origin: found(origin, measured, Severity.NOTICE) for origin, measured in _both(step)}
        handling.calm(app, db, brand, brand_id, calm, now)


def _consider_platforms(
    app: App, db: Database, brand: Brand, brand_id: int, alone: Sequence[platforms.Heard], now: datetime
) -> None:  # fmt: skip
    """Hand on what one platform shows by itself: of several at once what chance explains least."""
    told = [heard for heard in alone if heard.said.alert is not None]
    if not told:
        return
    worst = min(told, key=lambda heard: min(heard.said.hour.p, heard.said.six_hours.p))
    assert worst.said.alert is not None
    spike = found(LIVE, worst.said, worst.said.alert)
    evidence = {**spike.evidence, "platform": worst.platform}
    handling.take_in(app, db, brand, brand_id, replace(spike, evidence=evidence), now)


def _fresh(measured: Measurement) -> bool:
    """Whether the last six hours alone are far out. K and the longer windows remember what was before the calm that
    ended an incident; a few voices on top of that are a flicker."""
    lately = measured.six_hours
    return not measured.calm and lately.observed >= FRESH_LEAST and lately.p < FRESH_P


def _both(step: Step) -> tuple[tuple[str, Measurement], ...]:
    return (LIVE, step.live), (HISTORY, step.history)


def found(origin: str, measured: Measurement, severity: Severity) -> Finding:
    """A measurement as handed on: its size is what was observed since its onset, or in the last hour without one."""
    size = measured.since_onset or measured.hour
    return Finding(
        Kind.SPIKE, 0, measured.time, origin, severity, measured.onset or measured.time, size.observed,
        round(size.expected, 2), measured.evidence(),
    )  # fmt: skip
