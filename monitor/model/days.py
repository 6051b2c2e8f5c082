"""What a digest says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from monitor.model.feelings import FeelingLine, FulfilledWish, Ledger, Rival, ThemeLine
from monitor.model.travelling import Travel
from monitor.model.values import IncidentLine, Quote, SourceCoverage, StoryLine, Totals

CHART_DAYS = 14
"""Days that a digest's charts show, its own last: two weeks, so that each weekday stands beside itself."""


@dataclass(frozen=True, slots=True)
class DayPoint:
    day: date
    totals: Totals
    incident: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One of the digest's numbers on an earlier day, and whether the digest's day differs from it by more than noise.

    ``measure`` is ``mentions``, ``negative_posts``, ``negative_voices`` or ``negative_share``. ``before`` is None
    without figures of that day; ``beyond_noise`` is None where either day was heard too little to be compared.
    """

    measure: str
    before: float | None
    beyond_noise: bool | None


@dataclass(frozen=True, slots=True)
class Replaced:
    """The digest that a new revision replaces, as it said; None: a version made it that did not note this."""

    revision: int
    made_at: datetime
    verdict: str
    mentions: int | None = None
    negative_posts: int | None = None
    negative_voices: int | None = None
    heard: float | None = None
    corrections: int | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """One brand-day, ready to be shown; every number equals the documented view's.

    ``verdict`` is a key: ``incident`` (one was open), ``raised`` (more negative than usual beyond noise), ``calm``,
    ``learning`` (too few heard days to say), ``unknown`` (not enough was heard) or ``empty`` (heard, and nobody spoke).
    ``start``/``end`` bound the local day in UTC (23 to 25 hours). ``since_midnight`` covers ``end`` .. ``made_at`` when
    the digest is made on the morning after, else None. ``unsure`` are the loudest of the mentions that the model would
    not judge: they count as neither, and a person may. ``rivals``: the own brand first, then its competitors.
    """

    brand: str
    day: date
    start: datetime
    end: datetime
    made_at: datetime
    zone: str
    verdict: str
    today: Totals
    yesterday: Totals | None
    last_week: Totals | None
    since_midnight: Totals | None
    incidents: tuple[IncidentLine, ...]
    stories: tuple[StoryLine, ...]
    series: tuple[DayPoint, ...]
    platforms: tuple[tuple[str, Totals], ...]
    competitors: tuple[tuple[str, Totals], ...]
    coverage: tuple[SourceCoverage, ...]
    days_of_data: float
    corrections: int
    model: str
    rules: str
    revision: int = 1
    late: bool = False
    unsure: tuple[Quote, ...] = ()
    against_yesterday: tuple[Change, ...] = ()
    against_last_week: tuple[Change, ...] = ()
    themes: tuple[ThemeLine, ...] = ()
    feelings: tuple[FeelingLine, ...] = ()
    ledger: Ledger | None = None
    rivals: tuple[Rival, ...] = ()
    fulfilled: tuple[FulfilledWish, ...] = ()
    replaces: Replaced | None = None
    travel: Travel | None = None
