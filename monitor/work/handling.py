"""Handling: what findings, a calm and growth mean for the incidents people handle, each with the alert it owes.

Every change is one transaction: the finding, the incident, the event with its reason, and the owed alert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from monitor import incidents as rules
from monitor.config import Brand
from monitor.incidents import HISTORY, LIVE, Decision, Ending, Standing
from monitor.model import BIN, Finding, Kind, Severity, State
from monitor.store import incidents as stored
from monitor.store import mailed, rejudge, silences, story_voices, writing
from monitor.work.app import App
from monitor.work.telling import shares, tell

Evidence = Callable[[], Mapping[str, Any]]
"""What tells of a bin: reckoned when it is to be told, for most bins are not."""

PAGES_WITHIN = timedelta(hours=24)
"""A live finding made later than this, after a long standstill, is history: it shows and wakes nobody."""

KNOWN_FOR = timedelta(days=1)
"""How long before a silence a story may have been heard last, to be one that people knew of."""


@dataclass(frozen=True, slots=True)
class News:
    """What is told in spite of a silence: a finding as that of the story which is new since then."""

    finding: Finding
    story: int | None


def take_in(app: App, db: Database, brand: Brand, brand_id: int, finding: Finding, now: datetime) -> None:
    """Store a finding once; it opens an incident, makes one worse, begins one again, or belongs to one people know."""
    with writing(db, durable=True):
        number = stored.add_spike(db, brand_id, finding, now)
        if number is None:
            return  # considered before: a finding never changes, whatever came later
        if finding.origin == LIVE and now - finding.at > PAGES_WITHIN:
            finding = replace(finding, origin=HISTORY)
        known = _known(app, db, brand_id, finding)
        hushed, news = _hush(db, brand_id, known, finding)
        decision = rules.on_finding(known, finding, _minimum(app), hushed=hushed, news=news is not None)
        incident = _keep(db, brand_id, known, decision, finding, news, now)
        event = stored.add_event(db, incident, now, decision.event, decision.reason, number)
        if decision.mail:
            tell(app, db, brand, brand_id, incident, decision.event, event, finding.evidence, now)


def matters(app: App, db: Database, brand_id: int, finding: Finding) -> bool:
    """Whether what the detector finds again, and is silent about because it said so before, is to be taken in all the
    same: an incident that had ended begins again or is more severe this time, or a new story is critical in a
    silence."""
    known = _known(app, db, brand_id, finding)
    if known is None:
        return False
    hushed, news = _hush(db, brand_id, known, finding)
    decision = rules.on_finding(known, finding, _minimum(app), hushed=hushed, news=news is not None)
    return decision.anew or decision.event in ("reopened", "raised")


def _minimum(app: App) -> Severity:
    return Severity(app.config.alerts.minimum)


def _known(app: App, db: Database, brand_id: int, finding: Finding) -> Standing | None:
    """The incident in whose course a finding lies, else the one that ended not long before and may begin again."""
    standing = stored.standing_at(db, brand_id, finding.at)
    if standing is None or (standing.origin == HISTORY and finding.origin == LIVE):
        since = finding.at - app.config.alerts.reopen_within
        return stored.ended_before(db, brand_id, finding.origin, finding.at, since) or standing
    return standing


def _hush(db: Database, brand_id: int, known: Standing | None, finding: Finding) -> tuple[bool, News | None]:
    """Whether a silence holds for what a finding belongs to, and the news that would break it.

    An incident that stands and is not silenced was itself the news of the brand's silence.
    """
    standing = known if known is not None and known.state is not State.RESOLVED else None
    if standing is not None and standing.state is not State.SILENCED:
        return False, None
    going = silences.going(db, brand_id, known.id if known else None)
    if not going:
        return False, None
    since = min(silence.since for silence in going)
    known_from = min(standing.onset if standing else since, since - KNOWN_FOR)
    telling = finding.severity is Severity.CRITICAL and finding.origin == LIVE and finding.at + BIN > since
    return True, _news(db, brand_id, known, finding, known_from, since) if telling else None


def _news(
    db: Database, brand_id: int, known: Standing | None, finding: Finding, known_from: datetime, since: datetime
) -> News | None:  # fmt: skip
    """For a spike: the loudest story that is new since the silence began and loud enough to break it."""
    old = known.story if known else None
    if finding.kind is not Kind.SPIKE:
        story = story_voices.of_finding(db, finding)
        heard = story is not None and story_voices.was_heard(db, brand_id, story, known_from, since)
        return None if heard or (story is not None and story == old) else News(finding, story)
    for new in story_voices.new_since(db, brand_id, known_from, since):
        if rules.is_news(new.voices, new.all_voices) and new.story != old:
            return News(replace(finding, onset=new.first, observed=new.voices, expected=0.0), new.story)
    return None


def _keep(
    db: Database, brand_id: int, known: Standing | None, decision: Decision, finding: Finding, news: News | None,
    now: datetime,
) -> int:  # fmt: skip
    """Store what a decision makes of a finding; the incident it belongs to."""
    of = news or News(finding, story_voices.of_finding(db, finding))
    if decision.anew or known is None:
        return stored.open_incident(db, brand_id, of.finding, decision.state, of.story, now)
    if decision.event == "reopened":
        stored.reopen(db, known.id, decision.state, of.finding, of.story, now)
    stored.update_incident(db, known, decision.origin, decision.severity, finding)
    return known.id


def calm(
    app: App, db: Database, brand: Brand, brand_id: int, measured: Mapping[str, Finding], now: datetime
) -> None:  # fmt: skip
    """Both series are calm at a bin: that ends what stood open before it. ``measured``: the bin's, by origin."""
    for standing in stored.open_ones(db, brand_id):
        seen = measured[standing.origin]
        if rules.resolves(standing, seen.at, calm=True):
            with writing(db, durable=True):
                ended = End(Ending.CALM, seen.at + BIN, "calm")
                finish(app, db, brand, brand_id, standing.id, ended, seen.evidence, now)
    for standing in stored.ended_by_people(db, brand_id):
        until = measured[standing.origin].at + BIN
        if standing.resolved_at is not None and until >= standing.resolved_at:
            with writing(db):
                stored.calmed(db, standing.id, until)


@dataclass(frozen=True, slots=True)
class End:
    """How an incident ends: ``at`` which moment of its course, and why; ``by`` a person or nobody."""

    ending: Ending
    at: datetime
    reason: str
    by: str = ""


def finish(
    app: App, db: Database, brand: Brand, brand_id: int, incident: int, how: End, evidence: Mapping[str, Any],
    now: datetime,
) -> bool:  # fmt: skip
    """End an incident, in the caller's transaction: an event, and a mail where people were told that it stands. False
    where it had ended before. An incident ends with the bin that is calm, whenever that is seen: a finding after it
    begins it again."""
    standing = stored.one(db, incident)
    if standing is None or standing.state is State.RESOLVED:
        return False
    stored.resolve_incident(db, incident, how.at, how.ending, how.by)
    event = stored.add_event(db, incident, now, "resolved", how.reason, by=how.by)
    if standing.state is not State.SILENCED and mailed.told(db, incident, {}) is not None:
        word = "not_us" if how.reason == rejudge.NOT_US else "resolved"
        tell(app, db, brand, brand_id, incident, word, event, evidence, now)
    return True


def grow(app: App, db: Database, brand: Brand, brand_id: int, evidence: Evidence, now: datetime) -> None:
    """Tell of live spikes that have grown by the rules since the last mail. ``evidence``: of the newest bin."""
    open_ones = [s.id for s in stored.open_ones(db, brand_id) if s.origin == LIVE and s.kind is Kind.SPIKE]
    if not open_ones:
        return
    newest = evidence()
    if not rules.goes_on(newest):
        return
    for incident in open_ones:
        _tell_growth(app, db, brand, brand_id, incident, newest, now)


def swell(app: App, db: Database, brand: Brand, brand_id: int, finding: Finding, now: datetime) -> None:
    """What is found again of a story or a post that people were told of: its incident is as large as that, and is told
    again by the rules."""
    for standing in stored.open_ones(db, brand_id):
        found = {(kind, subject) for kind, subject, _ in stored.findings_of(db, standing.id)}
        if finding.origin != standing.origin or finding.kind is not standing.kind:
            continue
        if (finding.kind, finding.subject) in found:
            with writing(db):
                stored.update_size(db, standing.id, finding.observed, finding.expected, another=True)
            if standing.origin == LIVE:
                _tell_growth(app, db, brand, brand_id, standing.id, finding.evidence, now)


def _tell_growth(
    app: App, db: Database, brand: Brand, brand_id: int, incident: int, evidence: Mapping[str, Any], now: datetime
) -> None:
    if not _growth(app, db, brand_id, incident, now):
        return
    with writing(db, durable=True):
        grown = _growth(app, db, brand_id, incident, now)  # again: a person may have been faster
        if grown:
            number = note_growth(db, incident, grown, evidence, now)
            tell(app, db, brand, brand_id, incident, grown[-1][0], number, evidence, now)


def _growth(app: App, db: Database, brand_id: int, incident: int, now: datetime) -> tuple[tuple[str, str], ...]:
    standing, hands = stored.one(db, incident), mailed.hands(db, incident)
    told = mailed.told(db, incident, {})
    if standing is None or told is None or now - told.at < rules.MAIL_GAP:
        return ()
    if app.config.alerts.escalate_to and rules.escalates_soon(standing.state, hands.escalate_at, now):
        return ()
    return growth_of(app, db, brand_id, standing, now)


def growth_of(
    app: App, db: Database, brand_id: int, standing: Standing, now: datetime, *, waits: bool = True
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    """By what an incident has grown since its last mail. ``waits``: as of ``incidents.growth``."""
    told = mailed.told(db, standing.id, shares(db, brand_id, standing.id, now))
    return rules.growth(standing.state, standing.severity, _minimum(app), told, now, waits=waits) if told else ()


def note_growth(
    db: Database, incident: int, grown: Sequence[tuple[str, str]], evidence: Mapping[str, Any], now: datetime
) -> int:  # fmt: skip
    """An event for each; how many the incident has with them."""
    return [stored.add_event(db, incident, now, *each, evidence=evidence) for each in grown][-1]
