"""What the archive shows, and what the week's roll-up says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from monitor.model.days import Change, DayPoint
from monitor.model.feelings import Ledger, ThemeLine
from monitor.model.values import IncidentLine, SourceCoverage, StoryLine, Totals


@dataclass(frozen=True, slots=True)
class ArchivedDay:
    """The newest digest of one brand-day, as it was when it was made; None: a version made it that did not note this.

    ``hours``: negative voices of each local hour, 23 to 25. ``file``: the page's name in the brand's folder;
    ``older``: those of earlier revisions, oldest first.
    """

    day: date
    revision: int
    made_at: datetime
    verdict: str
    file: str
    late: bool = False
    mentions: int | None = None
    negative_voices: int | None = None
    heard: float | None = None
    incidents: int | None = None
    hours: tuple[int, ...] = ()
    older: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ArchivedWeek:
    """The newest roll-up of the seven days that end with ``day``; ``older`` as of a day."""

    day: date
    revision: int
    verdict: str
    file: str
    negative_voices: int
    mentions: int
    older: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One page of the archive as the feed tells it. ``week``: a roll-up. ``name`` tells it from every other page."""

    name: str
    day: date
    week: bool
    revision: int
    made_at: datetime
    verdict: str
    summary: str
    file: str


class NoDigest(StrEnum):
    """Why a day has no digest."""

    BEFORE = "before"
    """Nothing had been collected yet, for no brand."""
    UNWATCHED = "unwatched"
    """The brand's digests began later."""
    STOPPED = "stopped"
    """No source was asked on that day: the service did not run, or had none to ask."""
    MISSED = "missed"
    """It ran on that day, and stood still for longer than missed days are made up for."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Archive:
    """One brand's archive. ``days``: any stretch of it, oldest first; ``years``: all that have a page, newest first.

    ``first`` and ``last`` bound what is shown: a day between them without a digest is one that nobody made; ``missing``
    says why, of those of which it is known.
    """

    brand: str
    folder: str
    first: date
    last: date
    days: tuple[ArchivedDay, ...]
    weeks: tuple[ArchivedWeek, ...] = ()
    years: tuple[int, ...] = ()
    missing: tuple[tuple[date, NoDigest], ...] = ()


@dataclass(frozen=True, slots=True)
class WeekIncident:
    """``to_acknowledge``: from its first mail until somebody took it, ``to_resolve``: from its opening to its end; None
    where that has not happened."""

    line: IncidentLine
    to_acknowledge: timedelta | None
    to_resolve: timedelta | None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """``mails`` that told of a brand's incidents in a stretch of time, the ``incidents`` they told of, and how many of
    these people judged to be none of ours (``false``)."""

    mails: int
    incidents: int
    false: int


@dataclass(frozen=True, slots=True)
class Week:
    """The seven local days that end with ``day``, against the seven before; verdicts are those of ``Digest``.

    ``start``/``end`` bound them in UTC. ``series``: the seven days. ``themes``: of the whole week, ``before`` and
    ``beyond_noise`` against the week before, ``series`` by day. ``ledger``: counts are sums over the week, what waits
    stands as at its end. ``replaces`` as of a digest.
    """

    brand: str
    first: date
    day: date
    start: datetime
    end: datetime
    made_at: datetime
    zone: str
    verdict: str
    totals: Totals
    before: Totals | None
    against: tuple[Change, ...]
    series: tuple[DayPoint, ...]
    incidents: tuple[WeekIncident, ...]
    alerts: AlertRecord
    stories: tuple[StoryLine, ...]
    themes: tuple[ThemeLine, ...]
    ledger: Ledger | None
    coverage: tuple[SourceCoverage, ...]
    days_of_data: float
    revision: int = 1
    late: bool = False
    replaced_at: datetime | None = None
