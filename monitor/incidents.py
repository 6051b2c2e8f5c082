"""Incidents: what a finding, a calm, a person or the clock means for what people handle. Pure; the caller stores it.

    open -> (escalated) -> acknowledged -> resolved -> open, as the same incident
    silenced: from any of the first three, and back to what it was when the silence ends

A *live* finding comes from posts that arrived in time; only it opens or raises an incident that mails. One of
*history* comes from imported or late posts: its incident shows in digests and replay, and owes no mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any

from monitor.model import EventLine, Finding, Kind, Severity, State

LIVE, HISTORY = "live", "history"

GROWN, GROWN_BY = 2.0, 10
"""Told again at this many times the size that the last mail named, and at least so many more."""

SPREAD_SHARE, KNOWN_SHARE = 0.3, 0.15
"""Of the excess, on a platform that no mail has shown with the second: told again above the first. Who read 27 % needs
no mail at 31 %."""

GOES_ON_P = 0.05
"""The chance of the last six hours, below which a storm goes on: what the detector's calm looks at."""

MAIL_GAP = timedelta(minutes=30)
"""Between two mails that tell of growth. A storm doubles several times in its first hour; the one who was woken is at
work by then, and needs to hear of another order of magnitude, not of each step. What gets more severe does not wait."""

ESCALATES_SOON, ESCALATES_NOW = timedelta(minutes=2), timedelta(seconds=30)
"""Growth found so shortly before an escalation, or after it was due, waits for its mail, which tells both."""

QUIET_AFTER_OTHERS = timedelta(hours=6)
"""How long after its last story-burst or early warning a calm of both detectors ends an incident: these may happen
while the rate of voices has been calm all along."""

CALM_LEAST = timedelta(hours=4)
"""How long after its last spike an incident ends at the earliest: the shortest calm that the detector knows, so that a
model that calls the same posts good ends nothing at once."""

NEWS_LEAST, NEWS_SHARE, NEWS_ALONE = 5, 0.25, 20
"""What makes a story the news of a silence: as many voices as an alert needs and this share of all since it began, or
as many as are critical by themselves."""


class Ending(StrEnum):
    """How an incident ended: both series were calm, a person said so, or its posts were about something else."""

    NONE = ""
    CALM = "calm"
    PERSON = "person"
    NOT_US = "not us"


@dataclass(frozen=True, slots=True)
class Standing:
    """An incident as it stands; ``last_bin`` is that of its last finding, ``last_other`` that of its last story-burst
    or early warning. ``calm_at``: the end of the first calm bin after its last finding."""

    id: int
    origin: str
    state: State
    severity: Severity
    onset: datetime
    last_bin: datetime
    mailed: bool
    kind: Kind = Kind.SPIKE
    story: int | None = None
    ending: Ending = Ending.NONE
    resolved_at: datetime | None = None
    calm_at: datetime | None = None
    last_other: datetime | None = None
    doubted: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: ``event`` is opened, raised, reopened or continues. ``anew``: of a new incident, else of the one that
    was given. ``state`` after it; new origin and severity; whether it mails, and why."""

    event: str
    anew: bool
    state: State
    origin: str
    severity: Severity
    mail: bool
    reason: str


def on_finding(
    known: Standing | None, finding: Finding, minimum: Severity, *, hushed: bool = False, news: bool = False
) -> Decision:
    """What one new finding means for the incident in whose course it lies, or the one that ended not long before.

    ``minimum``: the least severity that mails (config: alerts.minimum). ``hushed``: a silence holds for the brand or
    for this incident. ``news``: the finding is of a story that was not there before the silence.
    """
    origin, severity = finding.origin, finding.severity
    heard = hushed and news and origin == LIVE and severity is Severity.CRITICAL
    loud = origin == LIVE and severity.rank >= minimum.rank and (heard or not hushed)
    begun = State.SILENCED if hushed and not heard else State.OPEN
    if known is None:
        return Decision("opened", True, begun, origin, severity, loud, _first(finding, hushed, heard))
    if known.state is State.RESOLVED:
        return _on_ended(known, finding, begun, loud)
    if heard:
        return Decision("opened", True, begun, origin, severity, loud, _first(finding, hushed, heard))
    worst = max(known.severity, severity, key=lambda s: s.rank)
    if origin == LIVE and known.origin == HISTORY:
        return Decision("opened", False, known.state, LIVE, worst, loud, "seen live after history")
    if worst != known.severity and origin == known.origin:
        return Decision("raised", False, known.state, origin, worst, loud, f"{known.severity} to {worst}")
    return Decision("continues", False, known.state, known.origin, known.severity, False, f"another {finding.kind}")


def _first(finding: Finding, hushed: bool, heard: bool) -> str:
    if heard:
        return f"first {finding.kind} of a new story during a silence"
    return f"first {finding.kind}" + (", during a silence" if hushed else "")


def _on_ended(known: Standing, finding: Finding, begun: State, loud: bool) -> Decision:
    """It begins again where it had been calm since, or grew more severe than when a person ended it."""
    worse = finding.severity.rank > known.severity.rank and known.ending is Ending.PERSON
    flared = known.calm_at is not None and finding.at >= known.calm_at and not _in_its_course(known, finding.at)
    if finding.origin == known.origin and (worse or flared):
        reason = f"{finding.kind} again" if flared else f"{known.severity} to {finding.severity}"
        return Decision("reopened", False, begun, known.origin, finding.severity, loud, reason)
    return Decision("continues", False, State.RESOLVED, known.origin, known.severity, False, f"another {finding.kind}")


def _in_its_course(known: Standing, at: datetime) -> bool:
    return known.resolved_at is None or at < known.resolved_at


def resolves(standing: Standing, at: datetime, calm: bool) -> bool:
    """Whether a bin in which both series are calm ends the incident: only one long after its last finding does.

    Both: voices heard late are none to the live series, and its silence during a blind stretch is no all-clear. One
    that people doubt is judged first.
    """
    other = standing.last_other
    quiet = other is None or at - other >= QUIET_AFTER_OTHERS
    after = at > standing.last_bin and (standing.kind is not Kind.SPIKE or at - standing.last_bin >= CALM_LEAST)
    return calm and not standing.doubted and standing.state is not State.RESOLVED and after and quiet


@dataclass(frozen=True, slots=True)
class Told:
    """What the mails of an incident have said: when the last one was owed and which size it named; every platform that
    one named as bringing much of the excess. ``observed`` and ``shares`` of the excess are what is so now. ``kind``: of
    what opened it; the excess is of voices, so where it comes from says nothing of a story's copies or a post."""

    at: datetime
    size: int
    platforms: frozenset[str]
    observed: int
    shares: Mapping[str, float]
    kind: Kind = Kind.SPIKE


def growth(
    state: State, severity: Severity, minimum: Severity, told: Told, now: datetime, *, waits: bool = True
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    """How it has grown so that it is told again: each event, ``grown`` or ``spread``, with its reason; one mail says
    both. ``waits``: at least ``MAIL_GAP`` after the last one; False where a mail goes out anyway."""
    if state in (State.SILENCED, State.RESOLVED) or severity.rank < minimum.rank:
        return ()
    if waits and now - told.at < MAIL_GAP:
        return ()
    found = []
    if has_grown(told):
        found.append(("grown", f"{told.size} to {told.observed}"))
    new = [name for name in much_from(told.shares, SPREAD_SHARE) if name not in told.platforms]
    if new and told.platforms and told.kind is Kind.SPIKE:  # without any known one, none of them is another
        found.append(("spread", ", ".join(new)))
    return tuple(found)


def goes_on(evidence: Mapping[str, Any]) -> bool:
    """Whether the last six hours have more voices than usual. A storm that is over grows by what is usual all day: its
    double, reached at night by one voice more, is no news."""
    lately = evidence.get("six_hours")
    return not lately or lately["p"] < GOES_ON_P


def has_grown(told: Told) -> bool:
    return told.observed >= grown_at(told.size)


def grown_at(size: int) -> int:
    """The size at which an incident is told again, whose last mail named this one."""
    return max(ceil(GROWN * size), size + GROWN_BY)


def much_from(shares: Mapping[str, float], least: float) -> list[str]:
    """The platforms that bring more than ``least`` of the excess, most first."""
    return sorted((name for name, share in shares.items() if share > least), key=lambda name: -shares[name])


def escalates(state: State, escalate_at: datetime | None, now: datetime) -> bool:
    """Nobody has taken it in time; also where that time passed while the service was down."""
    return state is State.OPEN and escalate_at is not None and now >= escalate_at


def escalates_soon(state: State, escalate_at: datetime | None, now: datetime) -> bool:
    """Growth waits for it no longer than that, whatever keeps the escalation from being told."""
    return state is State.OPEN and escalate_at is not None and -ESCALATES_NOW <= escalate_at - now <= ESCALATES_SOON


def folded(events: Iterable[EventLine]) -> tuple[EventLine, ...]:
    """Events in their order; those that only say that it goes on, one after another, as one: from the first to the last
    of them, with the largest size."""
    told: list[EventLine] = []
    for event in events:
        before = told[-1] if told else None
        if before is None or not (event.event == before.event == "continues" and event.reason == before.reason):
            told.append(event)
            continue
        size = max((n for n in (before.size, event.size) if n is not None), default=None)
        told[-1] = replace(before, size=size, until=event.at)
    return tuple(told)


def awake(taken: bool, escalated: bool) -> State:
    """What an incident is when no silence holds for it any more."""
    if taken:
        return State.ACKNOWLEDGED
    return State.ESCALATED if escalated else State.OPEN


def is_news(voices: int, all_voices: int) -> bool:
    """Whether a story that is new since a silence began brings enough of what was heard since to break it."""
    return voices >= NEWS_ALONE or (voices >= NEWS_LEAST and voices >= NEWS_SHARE * all_voices)
