"""The values that travel through Qianli, and the words for them.

Glossary
--------
Brand       who is watched. *Own* brands get digests and alerts; *competitors* are only counted and compared.
Platform    the space of native ids: ``ptt``, ``weibo``, ``bilibili``, a feed's or an import's namespace.
Source      one configured collector.
Post        one public text, identified by ``(platform, native_id)``. A *sighting* says which source saw it.
Mention     a post that speaks of a brand: ``via`` a term, its thread, an import's ``--brand`` or a person.
Answer      a post by one of a brand's own accounts; never a mention. What a person mails back to an alert is a *reply*.
Score       SnowNLP's number and the calibrated P(negative), with the version of the model that gave them.
Portion     a stretch of a post that speaks of one brand: sentences, or clauses of one, up to the next brand or topic.
Stance      what a portion does with its brand: says something of it, or puts it above or below another.
Label       negative, neutral, positive, unsure or unscored. The *effective label* is a person's, else the model's.
Copy group  near-identical texts of at least 12 folded characters (stock praise counts half), or explicit reposts.
Voice       one author in one copy group; several posts of one author in one thread within an hour are one voice.
Story       one happening: copy groups tied by thread, by a new link or by topic; it may be merged into another.
Signal      a tagged span of a post with its evidence: of a kind, such as a complaint, a wish, praise or leaving.
Theme       what a signal is about: of complaints what went wrong, of praise whom or what it is for.
Complaint   a row of the ledger: what hurt one customer, and whether it is new, *answered* by the brand, *recovered*
            (made good) or *lost*.
Spike       an immutable measurement: more negative voices than this brand's own pattern explains.
Story-burst a story copied far more often than this brand's stories are.
Early warning  a post that takes off: it travels faster than the brand's posts usually do.
Finding     what one of the three watchers found at one bin: a spike, a story-burst or an early warning.
Incident    what people handle: open, escalated, acknowledged, silenced, resolved. *Live* ones mail; those of *history*
            only show.
Alert       one message owed or sent about an incident.
Travel index  how many times farther negative stories travel than positive ones, all else equal.
Rival       a brand as the digest holds it against the others over four weeks: the own one and its competitors.
Digest      one brand-day. Once written its page never changes: a correction is a new *revision* beside it.
Week        the roll-up of seven brand-days, named by the last of them.
Archive     the pages of all digests and weeks, with an index and a feed.
Coverage    what each source heard. *Blind* is not *quiet*.

Times
-----
``published_at`` is what the platform claims. ``counted_at`` is the event time that bins use: the claim, or the
fetch time when the claim is missing or more than ten minutes ahead. ``arrived_at`` is when the post was first
stored. All are aware and in UTC; stored as ``2026-11-21T08:00:00Z``.
"""

from __future__ import annotations

from monitor.model.archive import (
    AlertRecord,
    Archive,
    ArchivedDay,
    ArchivedWeek,
    FeedEntry,
    NoDigest,
    Week,
    WeekIncident,
)
from monitor.model.days import CHART_DAYS, Change, DayPoint, Digest, Replaced
from monitor.model.feelings import (
    LEDGER_DAYS,
    LEDGER_FEWEST,
    RIVAL_DAYS,
    RIVAL_FEWEST,
    ComplaintLine,
    Feeling,
    FeelingLine,
    FulfilledWish,
    Ledger,
    Recovery,
    Rival,
    Signal,
    ThemeLine,
)
from monitor.model.letters import AlertFacts, AnswerFacts, BlindFacts, Command, EventLine, NextMail, OpsFacts
from monitor.model.travelling import (
    TRAVEL_DAYS,
    TRAVEL_FEWEST,
    TRAVEL_LATEST_LOOK,
    TRAVEL_LOOK,
    TRAVEL_WINDOW,
    Lack,
    Measure,
    StoryTravel,
    Travel,
    TravelMeasure,
    TravelVerdict,
)
from monitor.model.values import (
    BIN,
    CLAIM_TOLERANCE,
    HEARD_ENOUGH,
    STORY_HOURS,
    Author,
    Cursor,
    Engagement,
    Finding,
    Gap,
    Gone,
    IncidentLine,
    Kind,
    Label,
    Page,
    Post,
    Query,
    Quote,
    Round,
    Score,
    Severity,
    SourceCoverage,
    State,
    StoryFacts,
    StoryLine,
    Totals,
    bin_start,
    counted_at,
    from_utc_text,
    utc_text,
)

__all__ = [
    "BIN",
    "CHART_DAYS",
    "CLAIM_TOLERANCE",
    "HEARD_ENOUGH",
    "LEDGER_DAYS",
    "LEDGER_FEWEST",
    "RIVAL_DAYS",
    "RIVAL_FEWEST",
    "STORY_HOURS",
    "TRAVEL_DAYS",
    "TRAVEL_FEWEST",
    "TRAVEL_LATEST_LOOK",
    "TRAVEL_LOOK",
    "TRAVEL_WINDOW",
    "AlertFacts",
    "AlertRecord",
    "AnswerFacts",
    "Archive",
    "ArchivedDay",
    "ArchivedWeek",
    "Author",
    "BlindFacts",
    "Change",
    "Command",
    "ComplaintLine",
    "Cursor",
    "DayPoint",
    "Digest",
    "Engagement",
    "EventLine",
    "FeedEntry",
    "Feeling",
    "FeelingLine",
    "Finding",
    "FulfilledWish",
    "Gap",
    "Gone",
    "IncidentLine",
    "Kind",
    "Label",
    "Lack",
    "Ledger",
    "Measure",
    "NextMail",
    "NoDigest",
    "OpsFacts",
    "Page",
    "Post",
    "Query",
    "Quote",
    "Recovery",
    "Replaced",
    "Rival",
    "Round",
    "Score",
    "Severity",
    "Signal",
    "SourceCoverage",
    "State",
    "StoryFacts",
    "StoryLine",
    "StoryTravel",
    "ThemeLine",
    "Totals",
    "Travel",
    "TravelMeasure",
    "TravelVerdict",
    "Week",
    "WeekIncident",
    "bin_start",
    "counted_at",
    "from_utc_text",
    "utc_text",
]
