"""Early warnings: one negative post that travels faster than this brand's posts usually do. Pure: looks in.

Reach has a heavy tail, so "three standard deviations above the mean" tells of something every day. The speed of a post
between two looks is held against the speeds that this brand's posts had at the same age on the same platform: the
level that one in ten reaches and, above it, a Pareto tail (Hill's estimator, 1975, drawn towards a prior). From it
follows how many of a month's negative posts would be as fast by chance. Numbers: (s) chosen on the engagement of
``tests/bench/takeoff.py``, (j) judgement about what on-call needs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, inf, log

from monitor.model import Finding, Kind, Severity, bin_start

HOUR = timedelta(hours=1)
LIVE = "live"
WEIGHTS = {"likes": 1, "comments": 3, "reposts": 5}
"""How loud one is: a repost carries a post to others, a comment keeps it up, a like is a nod (j)."""
REPLIES = "replies"
"""The measure of posts whose platform shows no counts: the authors heard to reply. People read it as comments."""


@dataclass(frozen=True, slots=True)
class Settings:
    young: timedelta = timedelta(hours=24)
    """Older posts do not take off any more (j)."""
    ages: tuple[timedelta, ...] = tuple(timedelta(hours=h) for h in (0.5, 1.5, 3, 6))
    """Borders between the ages whose speeds are compared (j; the marks of looking again lie within)."""
    shortest: timedelta = timedelta(minutes=15)
    """A speed is measured over at least this long."""
    gaining: float = 1.5
    """Times its own fastest speed a while before: a post that gains speed (s). Usual posts are fastest at first ..."""
    before: timedelta = timedelta(hours=1)
    """... a while: so long, or a fifth of its age where that is more, and half of it at most. Held against the look
    just before, one that doubles every hour and is looked at every quarter would never gain (s) ..."""
    lasting: float = 2 / 3
    """... and at least this share of its fastest speed at any look, or it is slowing already (j) ..."""
    often: float = 20.0
    """... so one that does not may be as fast as this many of a month's negative posts are (s)."""
    often_learning: float = 0.1
    """The same where only the prior says what is usual (j)."""
    huge: float = 0.002
    """As fast by chance fewer times a month than this: one look is enough (s)."""
    known: float = 0.05
    """The same for an author of great reach (j)."""
    settled: timedelta = timedelta(minutes=10)
    """Before this age nothing says how fast a post is by itself (j)."""
    briefest: timedelta = timedelta(minutes=3)
    """Its own speed is measured over at least this long: three likes in a second are no speed (j)."""
    least: tuple[tuple[str, int], ...] = (
        ("weighted", 50), ("likes", 40), ("comments", 20), ("reposts", 10), (REPLIES, 15),
    )  # fmt: skip
    """What must have been gained since a look at least ``shortest`` before, by measure (j)."""
    fewest: int = 100
    """Posts of the brand at that age below which it is still learning (j)."""
    prior_high: tuple[tuple[str, float], ...] = (
        ("weighted", 30.0), ("likes", 20.0), ("comments", 6.0), ("reposts", 4.0), (REPLIES, 6.0),
    )  # fmt: skip
    """An hour, by measure: what one in ten posts is taken to reach where nothing is known (j)."""
    prior_tail: float = 0.8
    """The tail's exponent where nothing is known (j): one in a hundred reaches 10 ** 0.8 times that."""
    prior_weight: float = 10.0
    """Posts above the level that the prior tail weighs as much as (j)."""
    fewest_a_month: float = 30.0
    """Negative posts a month that a quiet brand is taken to have (j)."""
    known_author: int = 10_000
    """Followers of an author whose post needs no second look, if the usual author has a tenth at most (j)."""
    critical_ratio: float = 10.0
    """Critical: at two looks at least so many times what 99 of 100 stay below ... (j)"""
    critical_count: int = 1000
    """... and so many counts in all (j)."""


@dataclass(frozen=True, slots=True)
class Look:
    """The counts of one post as seen at one time; None where the platform showed none."""

    at: datetime
    likes: int | None
    reposts: int | None
    comments: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A post and all looks at it, oldest first. ``measure``: REPLIES for looks made of replies heard, else None."""

    id: int
    story: int
    platform: str
    published: datetime
    followers: int | None
    looks: tuple[Look, ...]
    measure: str | None = None


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a post grew up to one look. ``gained`` since the newest look that lies ``Settings.shortest`` before it
    (or since it was published), ``count`` in all. ``pace``: the speed since the look just before, however short."""

    at: datetime
    age: timedelta
    per_hour: float
    pace: float
    gained: float
    count: float


@dataclass(frozen=True, slots=True)
class Level:
    """What posts of one age usually reach an hour: one in ten ``high`` or more, and beyond it a Pareto tail, of which
    ``tail`` is the exponent's inverse. ``posts`` that say so: 0 where nothing is known."""

    posts: int
    high: float
    tail: float

    @property
    def rare(self) -> float:
        """99 of 100 stay below."""
        return self.high * 10**self.tail

    def share(self, per_hour: float) -> float:
        """The share of posts that are at least as fast; 1 where the level does not say."""
        over = (per_hour + 1) / self.high
        return 0.1 * exp(-log(over) / self.tail) if over > 1 else 1.0


@dataclass(frozen=True, slots=True)
class Usual:
    """What a brand's posts do on one platform. ``level``: by (measure, age), and whether the brand has too few posts to
    say so itself; ``negative``: posts a month that could wake; ``followers`` of the usual author."""

    level: Callable[[str, int], tuple[Level, bool]]
    negative: float
    followers: int | None


def measure(post: Seen) -> str:
    """Which counts a post's looks show: one, or several, weighted."""
    if post.measure is not None:
        return post.measure
    shown = [name for name in WEIGHTS if any(getattr(look, name) is not None for look in post.looks)]
    return shown[0] if len(shown) == 1 else "weighted"


def age(of: timedelta, settings: Settings) -> int:
    """The number of the age class, 0 the youngest."""
    return bisect_right(settings.ages, of)


def speeds(post: Seen, settings: Settings) -> list[Speed]:
    """One for each look at which the post was still young.

    Counts that fall are a platform's corrections: growth is what rises above the highest count seen. A count that a
    platform begins to show is no growth since the look before; one it stops showing stays what it was.
    """
    weights = WEIGHTS if measure(post) == "weighted" else dict.fromkeys(WEIGHTS, 1)
    highest: dict[str, int] = {}
    found: list[Speed] = []
    known_at = [(post.published, 0)]  # what was gained in all by each look
    for look in post.looks:
        if look.at - post.published >= settings.young:
            break
        gained = 0
        for name, weight in weights.items():
            n = getattr(look, name)
            if n is None:
                continue
            known = highest.get(name, 0 if not found else n)
            gained += weight * max(0, n - known)
            highest[name] = max(n, known)
        last_at, all_before = known_at[-1]
        quick = gained / (max(look.at - last_at, settings.briefest) / HOUR)
        since, by_then = next(
            ((at, n) for at, n in reversed(known_at) if at <= look.at - settings.shortest), known_at[0]
        )
        lately = all_before + gained - by_then
        slow = lately / (max(look.at - since, settings.shortest) / HOUR)
        count = sum(weights[name] * n for name, n in highest.items())
        found.append(Speed(look.at, max(look.at - post.published, timedelta()), slow, quick, lately, count))
        known_at.append((look.at, all_before + gained))
    return found


def fastest(post: Seen, settings: Settings) -> dict[int, float]:
    """The highest speed at each age: what a post adds to what is usual."""
    found: dict[int, float] = {}
    for speed in speeds(post, settings):
        at = age(speed.age, settings)
        found[at] = max(speed.per_hour, found.get(at, 0.0))
    return found


def prior(measure: str, settings: Settings) -> Level:
    """The level where nothing is known."""
    return Level(0, dict(settings.prior_high)[measure], settings.prior_tail)


def fit(samples: Iterable[float], settings: Settings) -> Level:
    """The level of the given speeds, each of another post; at least one."""
    ordered = sorted(max(0.0, s) + 1 for s in samples)
    high = ordered[int(0.9 * (len(ordered) - 1))]
    beyond = [log(x / high) for x in ordered if x > high]
    weight = settings.prior_weight
    tail = (sum(beyond) + weight * settings.prior_tail) / (len(beyond) + weight)
    return Level(len(ordered), high, max(0.3, tail))


def pooled(levels: Sequence[Level]) -> Level:
    """One level of several brands', each by its posts; at least one of them has some."""
    posts = sum(level.posts for level in levels)
    high = exp(sum(level.posts * log(level.high) for level in levels) / posts)
    return Level(posts, high, sum(level.posts * level.tail for level in levels) / posts)


def find(
    post: Seen, usual: Usual, since: datetime, until: datetime, told: Severity | None, settings: Settings
) -> Finding | None:
    """The first look in [since, until) at which a negative post takes off, or does so more severely than ``told``."""
    what = measure(post)
    before: list[tuple[Speed, Level]] = []
    for number, speed in enumerate(speeds(post, settings), 1):
        level, learning = usual.level(what, age(speed.age, settings))
        if since <= speed.at < until:
            severity = _severity(speed, level, before, what, post, usual, settings)
            if severity is not None and (told is None or severity.rank > told.rank):
                return _finding(post, what, speed, level, number, severity, usual, learning)
        before.append((speed, level))
    return None


def _severity(
    speed: Speed, level: Level, before: Sequence[tuple[Speed, Level]], what: str, post: Seen, usual: Usual,
    settings: Settings,
) -> Severity | None:  # fmt: skip
    if speed.gained < dict(settings.least)[what]:
        return None
    chance = level.share(speed.per_hour) * max(settings.fewest_a_month, usual.negative)
    gains = _gains(speed, [earlier for earlier, _ in before], settings)
    usually = usual.followers if usual.followers is not None else inf
    known = post.followers is not None and post.followers >= max(settings.known_author, 10 * usually)
    often = settings.often if level.posts >= settings.fewest else settings.often_learning
    if chance > (often if gains else settings.known if known else settings.huge):
        return None
    twice = bool(before) and before[-1][0].per_hour >= settings.critical_ratio * before[-1][1].rare
    huge = speed.per_hour >= settings.critical_ratio * level.rare and speed.count >= settings.critical_count
    return Severity.CRITICAL if twice and huge else Severity.WARNING


def _gains(speed: Speed, before: Sequence[Speed], settings: Settings) -> bool:
    """Whether a post is faster than it had ever been until a while ago, and not slowing already."""
    while_ago = speed.at - min(speed.age / 2, max(settings.before, speed.age / 5))
    earlier = [s for s in before if s.at <= while_ago]
    if not any(s.age >= settings.settled for s in earlier):
        return False
    gains = speed.per_hour >= settings.gaining * max(s.pace for s in earlier)
    return gains and speed.per_hour >= settings.lasting * max(s.pace for s in before)


def _finding(
    post: Seen, what: str, speed: Speed, level: Level, looks: int, severity: Severity, usual: Usual, learning: bool
) -> Finding:
    evidence = {
        "kind": Kind.TAKEOFF.value,
        "post": post.id,
        "story": post.story,
        "measure": "comments" if what == REPLIES else what,
        "per_hour": round(speed.per_hour, 1),
        "usual_per_hour": round(level.rare, 1),
        "ratio": round(speed.per_hour / level.rare, 1),
        "count": round(speed.count),
        "age_minutes": round(speed.age / timedelta(minutes=1)),
        "followers": post.followers,
        "usual_followers": usual.followers,
        "platform": post.platform,
        "looks": looks,
        "learning": learning,
    }
    return Finding(
        Kind.TAKEOFF, post.id, bin_start(speed.at), LIVE, severity, post.published, round(speed.gained),
        round(level.rare, 2), evidence,
    )  # fmt: skip
