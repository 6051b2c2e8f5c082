"""The values that travel through Qianli, and the words for them.

Glossary
--------
Brand       who is watched. *Own* brands get digests and alerts; *competitors* are only counted and compared.
Platform    the space of native ids: ``ptt``, ``weibo``, ``bilibili``, a feed's or an import's namespace.
Source      one configured collector.
Post        one public text, identified by ``(platform, native_id)``. A *sighting* says which source saw it.
Mention     a post that speaks of a brand: ``via`` a term, its thread, an import's ``--brand`` or a person.
Answer      a post by one of a brand's own accounts; never a mention.
Score       SnowNLP's number and the calibrated P(negative), with the version of the model that gave them.
Portion     a stretch of a post that speaks of one brand: sentences, or clauses of one, up to the next brand or topic.
Stance      what a portion does with its brand: says something of it, or puts it above or below another.
Label       negative, neutral, positive, unsure or unscored. The *effective label* is a person's, else the model's.
Copy group  near-identical texts of at least 12 folded characters (stock praise counts half), or explicit reposts.
Voice       one author in one copy group; several posts of one author in one thread within an hour are one voice.
Story       one happening: copy groups tied by thread, by a new link or by topic; it may be merged into another.
Spike       an immutable measurement: more negative voices than this brand's own pattern explains.
Story-burst a story copied far more often than this brand's stories are.
Early warning  a post that takes off: it travels faster than the brand's posts usually do.
Finding     what one of the three watchers found at one bin: a spike, a story-burst or an early warning.
Incident    what people handle: open, escalated, acknowledged, silenced, resolved. *Live* ones mail; those of *history*
            only show.
Alert       one message owed or sent about an incident.
Digest      one brand-day.
Coverage    what each source heard. *Blind* is not *quiet*.

Times
-----
``published_at`` is what the platform claims. ``counted_at`` is the event time that bins use: the claim, or the
fetch time when the claim is missing or more than ten minutes ahead. ``arrived_at`` is when the post was first
stored. All are aware and in UTC; stored as ``2026-11-21T08:00:00Z``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
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


@dataclass(frozen=True, slots=True)
class Totals:
    """What was counted for one brand in one stretch of event time.

    ``heard`` is the share (0..1) of the brand's usual volume that sources heard in it and that has been judged: below
    .8 the counts are a lower bound and no calm may be read from them. ``pending_posts`` wait for their score.
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


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident as lists show it. ``origin``: ``live`` or ``history``; ``state``: open, escalated, acknowledged,
    silenced or resolved."""

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


class Kind(StrEnum):
    """Which watcher found it. Its subject: 0 of a spike, the story of a burst, the post of a take-off."""

    SPIKE = "spike"
    BURST = "burst"
    TAKEOFF = "takeoff"


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
class Digest:
    """One brand-day, ready to be shown; every number equals the documented view's.

    ``verdict`` is a key: ``incident`` (one was open), ``raised`` (more negative than usual beyond noise), ``calm``,
    ``learning`` (too few heard days to say), ``unknown`` (not enough was heard) or ``empty`` (heard, and nobody spoke).
    ``start``/``end`` bound the local day in UTC (23 to 25 hours). ``since_midnight`` covers ``end`` .. ``made_at`` when
    the digest is made on the morning after, else None. ``unsure`` are the loudest of the mentions that the model would
    not judge: they count as neither, and a person may.
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


@dataclass(frozen=True, slots=True)
class EventLine:
    """One thing that happened to an incident: ``by`` a person, if it was one."""

    at: datetime
    event: str
    by: str = ""
    reason: str = ""


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


def utc_text(moment: datetime) -> str:
    """An aware datetime as stored: ``2026-11-21T08:00:00Z``, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
