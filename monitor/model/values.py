"""Posts and what is made of them: scores, quotes, stories, incidents, findings, coverage; and their times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

BIN = timedelta(minutes=15)
"""Width of a bin of the ``counts`` table."""

CLAIM_TOLERANCE = timedelta(minutes=10)
"""How far a claimed time may lie ahead of the fetch before it is not believed."""


class Label(StrEnum):
    """What a post is for a brand. UNSCORED: there is no Chinese text to judge; it is not the same as neutral."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    UNSURE = "unsure"
    UNSCORED = "unscored"


class Severity(StrEnum):
    """How loudly an incident speaks. A notice is shown and mails nobody."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class State(StrEnum):
    """Where an incident stands. *Escalated*: nobody had taken it in time. *Silenced*: it mails nothing for a while, and
    then is again what it was."""

    OPEN = "open"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a post. ``id`` is the platform's; it is stored only as a keyed hash."""

    id: str
    name: str = ""
    followers: int | None = None
    verified: str = ""


@dataclass(frozen=True, slots=True)
class Engagement:
    """Counts as the platform showed them; None where it showed none."""

    likes: int | None = None
    reposts: int | None = None
    comments: int | None = None

    def __bool__(self) -> bool:
        return any(n is not None for n in (self.likes, self.reposts, self.comments))


@dataclass(frozen=True, slots=True)
class Post:
    """One public text as a source read it.

    ``text`` is what a person saw, title first, with its line breaks and emoji. ``published_at`` is the platform's
    claim, aware and in UTC, or None. ``parent``, ``root`` and ``page`` are native ids on the same platform: the
    post answered or reposted, the start of the thread, and what the thread hangs under (a video, an article).
    ``kind`` is ``post``, ``comment``, ``repost`` or a platform's own word. ``brands`` are those an import names.
    """

    platform: str
    native_id: str
    text: str
    url: str = ""
    kind: str = "post"
    author: Author | None = None
    published_at: datetime | None = None
    parent: str = ""
    root: str = ""
    page: str = ""
    engagement: Engagement = field(default_factory=Engagement)
    brands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """The platform itself said that this post no longer exists."""

    platform: str
    native_id: str


Cursor = Mapping[str, Any]
"""A source's own JSON-able memory between runs: ETags, last ids. Stored with the posts it stands for."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a source is asked for: any of ``terms``; ``since`` is the end of what was heard before, None at first."""

    terms: tuple[str, ...]
    now: datetime
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """Lists that are too many for one run take turns over several. ``began``: when the first of them was read.

    ``ended``: with this run each has been read once since then, so all of them were heard up to ``began``.
    """

    began: datetime
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One step of a fetch: its posts, and the cursor to keep once exactly these posts are stored.

    ``exhausted``: the source has nothing older to give (its answer was whole, not a full page cut short), so the
    run has heard everything up to now. ``unchanged``: the source said so itself (HTTP 304). ``stream`` tells apart
    lists that a source reads side by side, such as one a search term: each must reach back for the run to have.
    ``round``: a page without posts that only says how their turns stand, before and after those of a run.
    """

    posts: tuple[Post, ...]
    cursor: Cursor = field(default_factory=dict)
    exhausted: bool = False
    unchanged: bool = False
    rejected: int = 0
    stream: str = ""
    round: Round | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """SnowNLP's own number (0 negative .. 1 positive) and the calibrated P(negative); both None if unscored."""

    snownlp: float | None
    p_negative: float | None
    label: Label


HEARD_ENOUGH = 0.8
"""The share of a brand's usual volume that must have been heard before its counts are judged, compared or called calm:
one dead forum must not switch off alerting."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What was counted for one brand in one stretch of event time.

    ``heard`` is the share (0..1) of the brand's usual volume that sources heard in it and that has been judged: below
    ``HEARD_ENOUGH`` the counts are a lower bound and no calm may be read from them. ``pending_posts`` wait for their
    score.
    """

    mentions: int = 0
    negative_posts: int = 0
    negative_voices: int = 0
    positive_posts: int = 0
    unsure_posts: int = 0
    unscored_posts: int = 0
    pending_posts: int = 0
    heard: float = 1.0

    @property
    def negative_share(self) -> float | None:
        """Negative posts among those that could be judged (scored and not unsure count alike); None without any."""
        judged = self.mentions - self.unscored_posts - self.pending_posts
        return self.negative_posts / judged if judged else None


@dataclass(frozen=True, slots=True)
class Quote:
    """A post as shown to a person: verbatim, cut to length, with its source. ``text`` is still a stranger's."""

    post_id: int
    text: str
    platform: str
    published_at: datetime
    url: str = ""
    followers: int | None = None
    likes: int | None = None
    reposts: int | None = None
    comments: int | None = None


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One story of a stretch of time: its first or loudest post, and how far it went.

    ``voices`` are negative voices, ``copies`` all posts of its copy groups beyond the first of each.
    """

    story_id: int
    quote: Quote
    voices: int
    posts: int
    copies: int
    platforms: tuple[str, ...]
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class StoryFacts:
    """What is known of one brand's story at a moment.

    ``first_seen``: event time of its first post. ``copies``: posts of its copy groups beyond the first of each.
    ``by_hour``: (start of the hour, posts) for hours with posts, the last ``model.STORY_HOURS`` of them.
    ``doubling``: how long its newer half took to come. ``platforms``: (platform, its first post there), in order of
    arrival. ``loudest``: the author key with most followers, and how many; None where no post names followers.
    ``reach``: followers of its authors, each counted once. ``engagement``: likes, comments and reposts, as last seen.
    ``terms``: (word, z) that set it apart from the brand's usual talk, most telling first.
    """

    story_id: int
    first_seen: datetime
    last_seen: datetime
    posts: int
    copies: int
    voices: int
    by_hour: tuple[tuple[datetime, int], ...]
    doubling: timedelta | None
    platforms: tuple[tuple[str, datetime], ...]
    loudest: tuple[str, int] | None
    reach: int
    engagement: int
    terms: tuple[tuple[str, float], ...]


STORY_HOURS = 72
"""Hours of a story that ``StoryFacts`` counts by."""


class Kind(StrEnum):
    """Which watcher found it. Its subject: 0 of a spike, the story of a burst, the post of a take-off."""

    SPIKE = "spike"
    BURST = "burst"
    TAKEOFF = "takeoff"


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident as lists show it. ``origin``: ``live`` or ``history``. ``observed`` and ``expected`` are in the
    unit of its ``kind``, see ``Finding``; ``expected`` is 0 where the size is that of its story."""

    incident_id: int
    brand: str
    state: State
    severity: Severity
    origin: str
    onset: datetime
    opened_at: datetime
    resolved_at: datetime | None
    owner: str
    observed: int
    expected: float
    headline: str = ""
    kind: Kind = Kind.SPIKE


@dataclass(frozen=True, slots=True)
class Finding:
    """What one of the watchers found at the bin ``at`` (its start), and the arithmetic that shows it.

    ``origin``: ``live`` or ``history``. ``onset``: since when. ``observed`` and ``expected``: negative voices since
    then for a spike, copies for a burst, what the post's counts rose by for a take-off. ``evidence`` is JSON-able.
    """

    kind: Kind
    subject: int
    at: datetime
    origin: str
    severity: Severity
    onset: datetime
    observed: int
    expected: float
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which one source did not hear: ``blind`` (refused, failed, never recovered) or ``partial``.

    ``cause`` is the state of its last bad run in it (see ``SourceError.state``), ``reason`` what that run said.
    """

    start: datetime
    end: datetime
    state: str
    reason: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """What one source heard in a stretch: posts of the brand, heard share of the time (0..1), and the gaps."""

    source: str
    posts: int
    heard: float
    gaps: tuple[Gap, ...] = ()


@lru_cache(maxsize=256)
def utc_text(moment: datetime) -> str:
    """An aware datetime as stored: ``2026-11-21T08:00:00Z``, whole seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def from_utc_text(text: str) -> datetime:
    """The inverse of ``utc_text``; also reads other ISO 8601 forms with an offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


def bin_start(moment: datetime, width: timedelta = BIN) -> datetime:
    """The start of the bin that holds ``moment``, counted from the Unix epoch."""
    seconds = int(width.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


def counted_at(published_at: datetime | None, fetched_at: datetime) -> datetime:
    """The event time: the claim, unless it is missing or lies more than ten minutes ahead of the fetch."""
    if published_at is None or published_at > fetched_at + CLAIM_TOLERANCE:
        return fetched_at
    return published_at
