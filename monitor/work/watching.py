"""Watch: step each own brand's detector over its counts, and hand on what it finds (``handling``).

Two detectors run over the same bins. The *live* one tests only voices that arrived in time and decides what mails; the
*history* one tests all voices. Both learn their baseline from all of them. Their memory is kept up to a bin that live
posts can no longer change, so that a watch steps hours, not months.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.config import Brand
from monitor.incidents import HISTORY, LIVE
from monitor.model import BIN, Finding, Kind, Severity, bin_start
from monitor.spikes import Bin, Detector, Measurement, Settings
from monitor.store import counts, coverage, silences, writing
from monitor.store import incidents as stored
from monitor.work import handling, rejudging
from monitor.work.app import App

log = logging.getLogger("qianli")

MEMORY_EVERY = timedelta(hours=1)

FRESH_LEAST, FRESH_P = 5, 2.8e-4
"""What begins an ended matter again: the detector's own least number of voices and the chance at which its Z speaks
(3.45 standard deviations), in the last six hours by themselves."""


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
    states: Mapping[str, str]


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
    key = hashlib.sha256(repr(settings).encode()).hexdigest()[:16]
    detectors, start = _remembered(db, brand_id, settings, key, now)
    holds = stored.holds(db, brand_id)
    # A bin with posts still to be scored has fewer voices than were heard: it would read as calm.
    end = min(filter(None, (bin_start(now), counts.unsettled_from(db))))
    settled = bin_start(bin_start(now) - app.config.service.live_within - BIN)
    memories: list[Memory] = []
    step = None
    fired: list[datetime] = []
    for step in _steps(db, brand_id, detectors, start, end, holds):
        if app.stop.is_set():
            return
        if any(hold.learn_from <= step.at < hold.held_to for hold in holds):
            fired.append(step.at)  # what was said of it stands
        else:
            _consider(app, db, brand, brand_id, step, now)
            fired += [step.at] * (step.live.firing is not None or step.history.firing is not None)
        if _worth_remembering(step.at, start, settled):
            memories.append(Memory(key, step.at, {origin: detector.dump() for origin, detector in detectors.items()}))
    if step is not None:
        _update_sizes(db, brand_id, step)
        evidence = step.live.evidence()
        rejudging.judge(app, db, brand, brand_id, rejudging.Again(start, step.at + BIN, fired), evidence, now)
        handling.grow(app, db, brand, brand_id, evidence, now)
        with writing(db):
            stored.watched(db, brand_id, end)
    for memory in memories:  # only now: after a crash, the bins it lets us skip would never be considered
        with writing(db):
            for origin, state in memory.states.items():
                stored.keep_state(db, brand_id, origin, memory.key, memory.at, state)


def _worth_remembering(at: datetime, start: datetime, settled: datetime) -> bool:
    """The newest settled bin, once an hour, and the first bin of each of the last days: posts may come days late."""
    if at == settled:
        return at - start >= MEMORY_EVERY
    return settled - stored.STATES_BY_DAY <= at < settled and at.hour == at.minute == 0 and at > start


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
                voices = silences.story_voices(db, brand_id, standing.story, standing.onset)
                stored.update_size(db, standing.id, voices, 0.0)
            elif since is not None and onset is not None and onset >= standing.onset:
                another = onset > standing.onset and not standing.doubted
                stored.update_size(db, standing.id, since.observed, round(since.expected, 2), another=another)


def _steps(
    db: Database, brand: int, detectors: dict[str, Detector], start: datetime, end: datetime,
    holds: Sequence[stored.Hold],
) -> Iterator[Step]:  # fmt: skip
    anew, on = {hold.learn_from for hold in holds}, {hold.held_to for hold in holds}
    for at, live, history in _bins(db, brand, start, end):
        if at in anew:
            detectors.update({origin: Detector(detectors[origin].settings) for origin in detectors})
        if at in on:
            for origin, detector in detectors.items():
                _go_on(db, brand, origin, detector, at)
        yield Step(at, detectors[LIVE].step(live), detectors[HISTORY].step(history))


def _go_on(db: Database, brand: int, origin: str, detector: Detector, at: datetime) -> None:
    """Another model spoke up to here: what it made us say was said, and a window holds only one model's voices."""
    said = stored.said_before(db, brand, origin, at)
    if said is None:
        detector.go_on(None, None, None)
    else:
        detector.go_on(said[0], said[1], at if said[2] else None)


def _remembered(
    db: Database, brand: int, settings: Settings, key: str, now: datetime
) -> tuple[dict[str, Detector], datetime]:
    """Both detectors as they were after the same bin, and the bin to go on with."""
    memory = {origin: stored.load_state(db, brand, origin, key, now) for origin in (LIVE, HISTORY)}
    live, history = memory[LIVE], memory[HISTORY]
    if live and history and live[0] == history[0]:
        try:
            loaded = {LIVE: Detector.load(settings, live[1]), HISTORY: Detector.load(settings, history[1])}
        except ValueError:
            log.info("the detector's memory is of another version: stepping again from the first bin")
        else:
            return loaded, live[0] + BIN
    first = coverage.first_heard(db) or bin_start(now)
    return {LIVE: Detector(settings), HISTORY: Detector(settings)}, first


def _bins(db: Database, brand: int, start: datetime, end: datetime) -> Iterator[tuple[datetime, Bin, Bin]]:
    found, heard = counts.series(db, brand, start, end), coverage.heard_share(db, brand, start, end)
    at = start
    while at < end:
        c = found.get(at) or counts.BinCount(at, 0, 0, 0)
        share = heard.get(at, 0.0)
        live = Bin(at, c.live_voices, c.other, learned=c.voices, heard=share)
        yield at, live, Bin(at, c.voices, c.other, heard=share)
        at += BIN


def _consider(app: App, db: Database, brand: Brand, brand_id: int, step: Step, now: datetime) -> None:
    """Hand on the spikes of one bin, or, where both series are calm, the end of what stood open."""
    for origin, measured in _both(step):
        if measured.alert is not None:
            handling.take_in(app, db, brand, brand_id, found(origin, measured, measured.alert), now)
        elif measured.firing is not None and _fresh(measured):
            again = found(origin, measured, measured.firing)
            if handling.matters(app, db, brand_id, again):
                handling.take_in(app, db, brand, brand_id, again, now)
    if step.live.calm and step.history.calm and stored.awaits_calm(db, brand_id):
        calm = {origin: found(origin, measured, Severity.NOTICE) for origin, measured in _both(step)}
        handling.calm(app, db, brand, brand_id, calm, now)


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
