"""Acting: what people do about incidents, by command or by answering an alert. Each act is one transaction.

What is done already is said so and changes nothing: a reply that arrives twice, or two people at once, act once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.config import Brand
from monitor.errors import UsageError, shown
from monitor.incidents import Ending, Standing
from monitor.model import State, utc_text
from monitor.store import incidents as stored
from monitor.store import mailed, silences, writing
from monitor.store.silences import Silence
from monitor.work import attending, handling
from monitor.work.app import App
from monitor.work.naming import brand_named, hint
from monitor.work.telling import tell


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act did, in one line. ``changed`` False: it was so before. ``incidents``: those it was about."""

    changed: bool
    says: str
    incidents: tuple[int, ...] = ()


def acknowledge(app: App, db: Database, incident: int, by: str, now: datetime) -> Outcome:
    """Take an incident, which ends its escalation; from another person who has it, too. Mailed only where it was
    escalated: those who were called for want of anybody must know."""
    with writing(db, durable=True):
        standing, brand, brand_id = _meant(app, db, incident)
        line = stored.line(db, incident)
        if standing.state is State.RESOLVED:
            return Outcome(False, f"incident {incident} is resolved already", (incident,))
        if line.owner == by and mailed.hands(db, incident).taken:
            return Outcome(False, f"incident {incident} was acknowledged by {by} before", (incident,))
        state = State.SILENCED if standing.state is State.SILENCED else State.ACKNOWLEDGED
        called = mailed.hands(db, incident)
        stored.take(db, incident, state, by, now)
        reason = f"taken over from {line.owner}" if line.owner else "taken"
        event = stored.add_event(db, incident, now, "acknowledged", reason, by=by)
        if called.escalated and not called.taken and standing.state is not State.SILENCED:
            evidence = stored.last_evidence(db, incident)
            tell(app, db, brand, brand_id, incident, "acknowledged", event, evidence, now)
    return Outcome(True, f"incident {incident}: acknowledged by {by}", (incident,))


def resolve(app: App, db: Database, incident: int, by: str, now: datetime) -> Outcome:
    """End an incident. What goes on of it opens nothing; it begins again if it grows more severe, or after a calm."""
    with writing(db, durable=True):
        _, brand, brand_id = _meant(app, db, incident)
        how = handling.End(Ending.PERSON, now, f"by {by}", by)
        evidence = stored.last_evidence(db, incident)
        if not handling.finish(app, db, brand, brand_id, incident, how, evidence, now):
            return Outcome(False, f"incident {incident} is resolved already", (incident,))
    return Outcome(True, f"incident {incident}: resolved by {by}", (incident,))


def silence(app: App, db: Database, what: str, length: timedelta, by: str, now: datetime) -> Outcome:
    """Have an incident, or all of a brand, mail nothing for so long. ``what``: an incident's number or a brand."""
    until = now + length
    with writing(db, durable=True):
        brand_id, incident, name = _target(app, db, what)
        if incident is not None and _meant(app, db, incident)[0].state is State.RESOLVED:
            return Outcome(False, f"incident {incident} is resolved already", (incident,))
        quiet = [s for s in _same(db, brand_id, incident) if s.until >= until]
        awake = [
            s for s in stored.open_ones(db, brand_id)
            if incident in (None, s.id) and s.state is not State.SILENCED
        ]  # fmt: skip
        if quiet and not awake:
            return Outcome(False, f"{name} is silenced until {utc_text(quiet[0].until)} already", _of(incident))
        if not quiet:
            silences.begin(db, brand_id, incident, until, by, now)
            _note(db, brand_id, incident, until, by, now, [s.id for s in awake])
        for standing in awake:
            stored.set_state(db, standing.id, State.SILENCED)
            stored.add_event(db, standing.id, now, "silenced", f"until {utc_text(until)}", by=by)
    woken = tuple(s.id for s in awake)
    return Outcome(True, f"{name}: silenced by {by} until {utc_text(until)}", woken or _of(incident))


def lift(app: App, db: Database, what: str, by: str, now: datetime) -> Outcome:
    """End silences before their time: those of the incident, or those of the brand and all its incidents."""
    with writing(db, durable=True):
        brand_id, incident, name = _target(app, db, what)
        brand = _brand(app, brand_id)
        if incident is None:
            ending = silences.all_of(db, brand_id)
        else:
            ending = _same(db, brand_id, incident)
            if not ending and silences.going(db, brand_id):
                raise UsageError(f"incident {incident} is silent with all of {brand.name}; lift the brand's silence")
        if not ending:
            return Outcome(False, f"{name} is not silenced", _of(incident))
        woken = [
            one for each in ending for one in attending.end_silence(app, db, brand, brand_id, each, now, by)
        ]  # fmt: skip
    return Outcome(True, f"{name}: silence lifted by {by}", tuple(dict.fromkeys(woken)) or _of(incident))


def _note(
    db: Database, brand_id: int, incident: int | None, until: datetime, by: str, now: datetime, told: list[int]
) -> None:  # fmt: skip
    """A silence that is made longer is an event of those that were silent before, too."""
    for standing in stored.open_ones(db, brand_id):
        if incident in (None, standing.id) and standing.id not in told:
            stored.add_event(db, standing.id, now, "silenced", f"until {utc_text(until)}", by=by)


def _of(incident: int | None) -> tuple[int, ...]:
    return () if incident is None else (incident,)


def _same(db: Database, brand_id: int, incident: int | None) -> list[Silence]:
    return [s for s in silences.going(db, brand_id, incident) if s.incident == incident]


def _target(app: App, db: Database, what: str) -> tuple[int, int | None, str]:
    """The brand, the incident if one is meant, and how to call it."""
    brand = brand_named(app, what)
    if brand is not None:
        return app.brands[brand.name], None, brand.name
    if what.isascii() and what.isdigit() and len(what) < 19:
        _, _, brand_id = _meant(app, db, int(what))
        return brand_id, int(what), f"incident {what}"
    known = f"{app.config.file}{hint(app, what)}"
    raise UsageError(f"{shown(what)} is neither the number of an incident nor a brand of {known}")


def _meant(app: App, db: Database, incident: int) -> tuple[Standing, Brand, int]:
    standing = stored.one(db, incident)
    if standing is None:
        raise UsageError(f"there is no incident {incident}; qianli incidents lists them")
    brand_id = stored.brand_of(db, incident)
    return standing, _brand(app, brand_id), brand_id


def _brand(app: App, brand_id: int) -> Brand:
    found = next((b for b in app.config.brands if app.brands[b.name] == brand_id), None)
    if found is None:
        raise UsageError(f"{app.config.file}: the incident's brand is not in it any more")
    return found
