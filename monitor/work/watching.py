"""Watch: step each own brand's detector over its counts, and turn what it finds into incidents and owed alerts.

Two detectors run over the same bins. The *live* one tests only voices that arrived in time and decides what mails; the
*history* one tests all voices. Both learn their baseline from all of them. Their memory is kept up to a bin that live
posts can no longer change, so that a watch steps hours, not months.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor import incidents as rules
from monitor.config import Brand
from monitor.incidents import HISTORY, LIVE, Standing
from monitor.model import BIN, AlertFacts, Severity, bin_start
from monitor.spikes import Bin, Detector, Measurement, Settings
from monitor.store import counts, coverage, facts, service, writing
from monitor.store import incidents as stored
from monitor.store.outbox import Letter, message_ids, owe
from monitor.work.app import App
from monitor.work.quoting import quotes

log = logging.getLogger("qianli")

PAGES_WITHIN = timedelta(hours=24)
"""A live spike found later than this, after a long standstill, is history: it shows and wakes nobody."""

MEMORY_EVERY = timedelta(hours=1)
SHORT_HISTORY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """What both detectors said of one bin."""

    origin: str
    measurement: Measurement


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
    """Judge every closed bin of one brand that has not been, and store what follows from it in one transaction."""
    steps, memory = _measure(app, db, brand_id, now)
    for step in steps:
        _consider(app, db, brand, brand_id, step, now)
    if memory is not None:  # only now: after a crash, the bins it lets us skip would never be considered
        with writing(db):
            for origin, state in memory.states.items():
                stored.keep_state(db, brand_id, origin, memory.key, memory.at, state, memory.at - SHORT_HISTORY)


def _measure(app: App, db: Database, brand: int, now: datetime) -> tuple[list[Step], Memory | None]:
    settings = detector_settings(app)
    key = hashlib.sha256(repr(settings).encode()).hexdigest()[:16]
    detectors, start = _remembered(db, brand, settings, key, now)
    end = bin_start(now)
    bins = _bins(db, brand, start, end)
    settled = bin_start(end - app.config.service.live_within - BIN)
    steps, memory = [], None
    for at, live, history in bins:
        for origin, bin_ in ((LIVE, live), (HISTORY, history)):
            steps.append(Step(origin, detectors[origin].step(bin_)))
        if at == settled and at - start >= MEMORY_EVERY:
            memory = Memory(key, at, {origin: detector.dump() for origin, detector in detectors.items()})
    return steps, memory


def _remembered(
    db: Database, brand: int, settings: Settings, key: str, now: datetime
) -> tuple[dict[str, Detector], datetime]:
    """Both detectors as they were after the same bin, and the bin to go on with."""
    memory = {origin: stored.load_state(db, brand, origin, key) for origin in (LIVE, HISTORY)}
    live, history = memory[LIVE], memory[HISTORY]
    if live and history and live[0] == history[0]:
        try:
            loaded = {LIVE: Detector.load(settings, live[1]), HISTORY: Detector.load(settings, history[1])}
        except ValueError:
            log.info("the detector's memory is of another version: stepping again from the first bin")
        else:
            return loaded, live[0] + BIN
    first = coverage.first_heard(db, brand) or bin_start(now)
    return {LIVE: Detector(settings), HISTORY: Detector(settings)}, first


def _bins(db: Database, brand: int, start: datetime, end: datetime) -> list[tuple[datetime, Bin, Bin]]:
    found, heard = counts.series(db, brand, start, end), coverage.heard_share(db, brand, start, end)
    made, at = [], start
    while at < end:
        c = found.get(at) or counts.BinCount(at, 0, 0, 0)
        share = heard.get(at, 0.0)
        made.append((
            at,
            Bin(at, c.live_voices, c.other, learned=c.voices, heard=share),
            Bin(at, c.voices, c.other, heard=share),
        ))  # fmt: skip
        at += BIN
    return made


def _consider(app: App, db: Database, brand: Brand, brand_id: int, step: Step, now: datetime) -> None:
    measured = step.measurement
    at = measured.time
    if measured.alert is not None and not stored.has_spike(db, brand_id, at, step.origin):
        with writing(db, durable=True):
            _spike(app, db, brand, brand_id, step, measured.alert, now)
    elif measured.calm:
        for standing in stored.open_ones(db, brand_id):
            if rules.resolves(standing, step.origin, at, measured.calm):
                with writing(db, durable=True):
                    _resolve(app, db, brand, brand_id, standing, measured, now)


def _spike(app: App, db: Database, brand: Brand, brand_id: int, step: Step, severity: Severity, now: datetime) -> None:
    measured, at = step.measurement, step.measurement.time
    spike = stored.add_spike(db, brand_id, at, step.origin, severity, now, measured.evidence())
    fresh = now - at <= PAGES_WITHIN
    origin = LIVE if step.origin == LIVE and fresh else HISTORY
    standing = stored.standing_at(db, brand_id, at)
    decision = rules.on_spike(standing, origin, severity, Severity(app.config.alerts.minimum))
    size = measured.since_onset or measured.hour
    observed, expected = size.observed, round(size.expected, 2)
    if standing is None:
        incident = stored.open_incident(
            db, brand_id, origin, severity, measured.onset or at, at, now, observed, expected
        )
    else:
        incident = standing.id
        stored.update_incident(db, incident, decision.origin, decision.severity, at, observed, expected)
    number = stored.add_event(db, incident, now, decision.event, decision.reason, spike)
    if decision.mail:
        _owe_alert(app, db, brand, brand_id, incident, decision.event, number, measured, now)


def _resolve(
    app: App, db: Database, brand: Brand, brand_id: int, standing: Standing, measured: Measurement, now: datetime
) -> None:
    """A live incident ends when that is seen; one of history when its bins say so."""
    stored.resolve_incident(db, standing.id, now if standing.origin == LIVE else measured.time + BIN)
    number = stored.add_event(db, standing.id, now, "resolved", "calm for six hours")
    if standing.mailed:
        _owe_alert(app, db, brand, brand_id, standing.id, "resolved", number, measured, now)


def _owe_alert(
    app: App, db: Database, brand: Brand, brand_id: int, incident: int, event: str, number: int,
    measured: Measurement, now: datetime,
) -> None:  # fmt: skip
    """The mail of one event, owed in the transaction of the event itself."""
    recipients = app.config.alerts_to(brand)
    if not recipients or app.config.smtp is None:
        return
    from reports.render import alert_mail

    rendered = alert_mail(alert_facts(app, db, brand_id, incident, event, measured, now), app.config.language)
    stored.set_mailed(db, incident)
    letter = Letter(
        message_id(db, app, f"incident-{incident}-{number}"), "alert", rendered.subject, rendered.text, rendered.html,
        recipients, tuple(message_ids(db, incident)), brand_id, incident,
    )  # fmt: skip
    owe(db, letter, now)


def message_id(db: Database, app: App, what: str) -> str:
    """Fixed by what the message tells and by this database: a repeat after a crash is recognisable as one."""
    assert app.config.smtp is not None  # nothing is owed without it
    domain = app.config.smtp.sender.rpartition("@")[2].strip(" >") or "localhost"
    return f"<qianli.{service.identity(db)}.{what}@{domain}>"


def alert_facts(
    app: App, db: Database, brand: int, incident: int, event: str, measured: Measurement, now: datetime
) -> AlertFacts:
    """What an alert says: the arithmetic of the bin that caused it; posts, spread and coverage since the onset."""
    line = stored.line(db, incident)
    start, end = line.onset, now
    spread = facts.spread(db, brand, start, end)
    names = [c.name for c in app.collectors]
    return AlertFacts(
        incident=line, event=event, at=now, zone=app.config.timezone.key, evidence=measured.evidence(),
        subject_size=stored.subject_size(db, incident), quotes=tuple(quotes(db, brand, start, end, 3)),
        voices=spread["voices"], authors=spread["authors"] or None, stories=spread["stories"], copies=spread["copies"],
        excess_by_platform=_excess(db, brand, start, end),
        coverage=tuple(coverage.of_sources(db, brand, names, max(start, now - timedelta(hours=24)), now)),
        commands=(f"qianli digest --brand {line.brand} --day {_today(app, now)}", "qianli status"),
    )  # fmt: skip


def _today(app: App, now: datetime) -> str:
    return now.astimezone(app.config.timezone).date().isoformat()


def _excess(db: Database, brand: int, start: datetime, end: datetime) -> tuple[tuple[str, float], ...]:
    """Each platform's share (0..1) of the voices above what it usually has in so long a time."""
    now = facts.voices_by_platform(db, brand, start, end)
    usual = facts.voices_by_platform(db, brand, start - timedelta(days=14), start)
    scale = (end - start) / timedelta(days=14)
    above = {p: max(0.0, n - usual.get(p, 0) * scale) for p, n in now.items()}
    total = sum(above.values())
    return tuple((p, x / total) for p, x in sorted(above.items(), key=lambda item: -item[1]) if total and x)
