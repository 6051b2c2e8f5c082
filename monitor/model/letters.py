"""What other mails say, and the pages of incidents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from monitor.model.values import IncidentLine, Kind, Quote, SourceCoverage, StoryFacts


@dataclass(frozen=True, slots=True)
class EventLine:
    """One thing that happened to an incident: ``by`` a person, if it was one. ``size``: what was measured then, in the
    unit of its finding; None where nothing was. ``until``: of several alike that are told as one, when the last was."""

    at: datetime
    event: str
    by: str = ""
    reason: str = ""
    size: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NextMail:
    """When an incident's next mail comes. ``voices``: at so many; ``critical`` and ``over``: when it becomes critical,
    when it ends; ``platform_share``: when a further platform brings that share (0..1) of the excess. ``escalates_at``:
    unless somebody takes it by then it also goes to ``escalates_to``. ``reopens_within``: how long after its end it may
    begin again.
    """

    voices: int | None = None
    critical: bool = False
    platform_share: float | None = None
    over: bool = False
    escalates_at: datetime | None = None
    escalates_to: tuple[str, ...] = ()
    reopens_within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command line as it can be pasted. ``does``: ack, silence, not_us, resolve, look; prepare: to type before."""

    does: str
    line: str


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What one alert mail, or an incident's page, says.

    ``event`` is opened, raised, grown, spread, escalated, acknowledged, silenced, unsilenced, reopened, continues,
    resolved or not_us (over, because people said that it was not about the brand); ``by``: who did that.

    ``also``: what else has happened since the mail before, which this one tells as well, oldest first.

    ``evidence`` is the arithmetic of the finding that it tells: a spike's (``monitor.spikes.Measurement.evidence``), or
    with ``"kind"`` burst or takeoff what those watchers measured; ``worst`` that of the incident's finding which chance
    explains least. ``excess_by_platform`` are shares (0..1) of the negative voices above expectation. ``kind`` and
    ``subject_size`` are fixed when the incident opens, so that the whole thread keeps one subject.

    ``reply_to``: where an answer is read, which makes buttons; ``page``: the address of the incident's page; ``story``:
    the one it is about, where one is known.
    """

    incident: IncidentLine
    event: str
    at: datetime
    zone: str
    evidence: Mapping[str, Any]
    subject_size: int
    quotes: tuple[Quote, ...]
    voices: int
    authors: int | None
    stories: int
    copies: int
    excess_by_platform: tuple[tuple[str, float], ...]
    coverage: tuple[SourceCoverage, ...]
    commands: tuple[Command, ...] = ()
    kind: Kind = Kind.SPIKE
    worst: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""
    silenced_until: datetime | None = None
    next_mail: NextMail = NextMail()
    events: tuple[EventLine, ...] = ()
    reply_to: str = ""
    page: str = ""
    story: StoryFacts | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpsFacts:
    """What an ops mail says: which stage or source failed, with which error, under which trace id in the log."""

    stage: str
    item: str
    error: str
    version: str
    trace_id: str
    at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class BlindFacts:
    """What a mail about a source says that has not been heard ``since``; ``heard_again``: up to when it has been since,
    None while it is blind. ``cause`` and ``reason`` as in ``Gap``."""

    source: str
    since: datetime
    at: datetime
    zone: str
    cause: str = ""
    reason: str = ""
    heard_again: datetime | None = None


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What somebody is told who answered an alert.

    ``outcome``: done, already (it was so before), refused (see ``reason``) or no command. ``verb``: acknowledge,
    silence, not us or resolve; empty if that was not understood. ``until``: of a silence. ``incident`` as it now
    stands, None if there is none of this number; ``subject`` is that of its thread.
    """

    number: int
    incident: IncidentLine | None
    subject: str
    outcome: str
    verb: str
    at: datetime
    zone: str
    until: datetime | None = None
    posts: int = 0
    reason: str = ""
