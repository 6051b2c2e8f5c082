"""What customers feel: signals in what they write, their complaints, their wishes, and how rivals fare beside us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.model.values import Quote, Totals


class Feeling(StrEnum):
    """The kind of a signal.

    LEAVING: says that he will not come or buy again. TELLING: tells others to keep away, or to hear of it. EXIT: has
    left without a word of reproach. WISH: a need that nobody met. MOVED: surprised beyond what he expected.
    """

    COMPLAINT = "complaint"
    DISAPPOINTMENT = "disappointment"
    LEAVING = "leaving"
    TELLING = "telling"
    EXIT = "exit"
    WISH = "wish"
    PRAISE = "praise"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Signal:
    """A tagged span of a post: ``text[start:end]`` is the evidence.

    ``theme``: of a complaint its theme (``service``, ``refund``, ...), of praise what is praised (``staff``, ...),
    of a wish ``rival`` where a rival is said to have what is wished for; '' where none is known. ``rule`` names the
    line of the lexicon that found it.
    """

    kind: Feeling
    theme: str
    start: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class ThemeLine:
    """One theme of complaint on one day: mentions that complain of it, their negative voices, and what was usual.

    ``before``: voices of the same weekday last week, None without figures; ``beyond_noise`` as in ``Change``.
    ``series``: voices of the last 14 local days, oldest first, this day last. ``quote``: the loudest, its sentence.
    """

    theme: str
    posts: int
    voices: int
    before: int | None
    beyond_noise: bool | None
    series: tuple[int, ...]
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class FeelingLine:
    """One kind of signal on one day: how many mentions carry it, how many the day before, the loudest quoted.

    ``quotes``: (theme, quote).
    """

    kind: Feeling
    posts: int
    before: int | None
    quotes: tuple[tuple[str, Quote], ...]


class Recovery(StrEnum):
    """How a complaint stands. ANSWERED is not RECOVERED: only the one who was hurt can say that it was made good."""

    NEW = "new"
    ANSWERED = "answered"
    RECOVERED = "recovered"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class ComplaintLine:
    """One complaint of the ledger, as the page shows it among those to be answered.

    ``themes``: most voices first. ``reach``: followers of its authors, each counted once, plus engagement as last
    seen; None where no platform shows any of these. ``velocity``: posts and engagement it gained an hour over the
    last 24 hours. ``posts_before`` and ``reach_before``: as of 24 hours before; None where it is newer, or not shown.
    ``quote``: the sentence that hurts, with its link. ``answered_at``: when one of the brand's own accounts first
    answered; ``answer``: what it said.
    """

    complaint_id: int
    story_id: int | None
    themes: tuple[str, ...]
    severity: int
    state: Recovery
    first_seen: datetime
    last_seen: datetime
    posts: int
    voices: int
    reach: int | None
    velocity: float
    posts_before: int | None
    reach_before: int | None
    quote: Quote
    answered_at: datetime | None = None
    recovered_at: datetime | None = None
    answer: Quote | None = None


LEDGER_DAYS = 28
"""Days over which the times to answer and to make good are taken, and within which something must have been heard of a
complaint that is to be answered today."""

LEDGER_FEWEST = 5
"""Measured times without which no median is told."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The complaints of a brand as of the end of a day.

    ``arrived``, ``answered``, ``recovered`` and ``lost`` count what happened on this day; ``waiting`` are all that
    nobody has answered, ``unrecovered`` those answered and not made good. Times are medians over the last
    ``LEDGER_DAYS``; None with fewer than ``LEDGER_FEWEST``. ``to_answer``: most pressing first. ``made_good``: of this
    day, to be shown.
    """

    arrived: int
    answered: int
    recovered: int
    lost: int
    waiting: int
    unrecovered: int
    time_to_answer: timedelta | None
    time_to_recovery: timedelta | None
    to_answer: tuple[ComplaintLine, ...]
    made_good: tuple[ComplaintLine, ...] = ()


RIVAL_DAYS = 28
"""Days over which brands are held against each other: four weeks, so that each weekday counts alike."""

RIVAL_FEWEST = 20
"""Positive, neutral and negative posts of a brand in them without which it has no net sentiment."""


@dataclass(frozen=True, slots=True)
class Rival:
    """One brand beside the others over the last ``RIVAL_DAYS`` up to this one.

    ``share_of_voice``: its share (0..1) of all mentions of own brand and competitors. ``net``: positive minus negative
    posts, over both and neutral ones (-1..1); None with fewer than ``RIVAL_FEWEST`` such posts. ``better``: themes of
    which a smaller share of its mentions complain than of ours, beyond noise: (theme, its share, ours).
    """

    brand: str
    totals: Totals
    share_of_voice: float
    net: float | None
    better: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class FulfilledWish:
    """A wish addressed to us, and a rival of whom that very thing is praised: ``word`` stands in both. Without
    ``praise`` the wish itself names the rival."""

    wish: Quote
    rival: str
    praise: Quote | None
    word: str = ""
