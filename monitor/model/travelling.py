"""How far stories travelled, and how much farther the negative ones did: the travel index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

TRAVEL_WINDOW = timedelta(hours=48)
"""How long after it was first seen a story is counted: most of what is copied at all is copied by then."""

TRAVEL_LOOK = timedelta(hours=24)
"""The one age at which the counts that platforms show are read; a mark of looking again."""

TRAVEL_LATEST_LOOK = timedelta(hours=36)
"""A look later than this is none at that age."""

TRAVEL_DAYS = (28, 90)
"""The periods that an index is made of, in days: whole weeks, and a season."""

TRAVEL_FEWEST = 20
"""Stories of either sign without which nothing is said."""


class Measure(StrEnum):
    """What travelling is measured by, each within the same time after a story was first seen."""

    COPIES = "copies"
    """Posts of its copy groups beyond the first of each."""
    REPOSTS = "reposts"
    """Reposts that the platform shows of its first post."""
    COMMENTS = "comments"
    """Comments that the platform shows of its first post; replies heard, where a platform shows none."""
    PLATFORMS = "platforms"
    """Platforms reached beyond the first."""
    SPEED = "speed"
    """How fast it doubled, of stories with at least four posts."""


@dataclass(frozen=True, slots=True)
class StoryTravel:
    """How far one story travelled. ``negative``: the sign of its first post, else it was positive.

    ``platform``, ``followers`` (None where unknown), ``author`` (its key, or empty) and ``first_seen`` are those of its
    first post. ``copies`` and ``platforms`` (beyond the first) are counted in equal windows. ``reposts`` and
    ``comments`` are None where nobody looked at the one age that counts; ``doubling`` (hours) where
    there was nothing to double.
    """

    story: int
    negative: bool
    first_seen: datetime
    platform: str
    followers: int | None
    author: str
    copies: int
    platforms: int
    reposts: int | None = None
    comments: int | None = None
    doubling: float | None = None


@dataclass(frozen=True, slots=True)
class TravelMeasure:
    """One measure of a ``Travel``: how many times farther (or faster) by it, with its 95 % interval.

    ``negatives`` and ``positives``: stories of which it is known; ``negative_mean`` and ``positive_mean``: their plain
    means, not controlled for anything (hours of a doubling for ``speed``), None without a story. ``ratio``, ``low`` and
    ``high`` are None with too little data; ``high`` alone is None where the data set no upper bound.
    """

    measure: Measure
    negatives: int
    positives: int
    negative_mean: float | None
    positive_mean: float | None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


class TravelVerdict(StrEnum):
    TOO_LITTLE = "too little"
    NO_DIFFERENCE = "no difference"
    """The interval covers 1: none was shown, which is not the same as none."""
    FARTHER = "farther"
    LESS_FAR = "less far"


class Lack(StrEnum):
    """Of what there is too little, where the verdict is ``too little``."""

    STORIES = "stories"
    """Fewer stories of either sign than are needed."""
    DAYS = "days"
    """Nearly all began on too few days: a few happenings are no habit."""
    TRAVEL = "travel"
    """Hardly any story, of either sign, went anywhere."""
    ALIKE = "alike"
    """Hardly any negative story has a positive one like it (platform, followers, time) to be compared with."""


@dataclass(frozen=True, slots=True)
class Travel:
    """How much farther a brand's negative stories travelled than its positive ones, up to the end of a local day.

    ``days``: the length of the period in which the stories began (28 or 90); it ends ``window`` hours before ``day``
    does, so that every story was seen for as long. ``negatives`` and ``positives``: stories compared. ``ratio``: the
    factor that best explains copies, reposts and comments together, all else equal; ``low`` and ``high`` its
    95 % interval; as in ``TravelMeasure``, all None if the verdict is ``too little``. ``needed``: stories in all by
    which a factor of two would have been shown in four of five cases, None where these were enough.
    """

    brand: str
    day: date
    days: int
    window: int
    negatives: int
    positives: int
    ratio: float | None
    low: float | None
    high: float | None
    verdict: TravelVerdict
    lack: Lack | None = None
    needed: int | None = None
    measures: tuple[TravelMeasure, ...] = ()
