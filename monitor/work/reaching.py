"""Reaching: what a brand's posts usually reach, and which young negative one reaches far more; to ``handling``.

A look is judged in the bin in which it was made. While the service is down nobody looks, so what took off meanwhile is
told by the first look after it; all else is the same however often this is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import median_low

from sqlite_utils import Database

from monitor import takeoff as rules
from monitor.config import Brand
from monitor.store import counts, reach, writing
from monitor.store.reach import Sampled
from monitor.takeoff import Level, Seen, Settings, Usual
from monitor.work import handling
from monitor.work.app import App

SETTINGS = Settings()
FROM = timedelta(days=28)
"""How far back posts say what is usual."""
AT_MOST = timedelta(days=1)
"""Looks older than this are not judged any more: their posts are no longer young."""


def watch(app: App, db: Database, brand: Brand, brand_id: int, now: datetime) -> None:
    """Judge every look of a closed bin at this brand's posts; each finding is a transaction of its own."""
    end = counts.closed_until(db, now)
    since = max(reach.until(db, brand_id) or end - AT_MOST, end - AT_MOST)
    if since >= end:
        return
    for post in reach.candidates(db, brand_id, since, end, SETTINGS.young):
        _judge(app, db, brand, brand_id, post, since, end, now)
    with writing(db):
        reach.judged(db, brand_id, end)


def _judge(
    app: App, db: Database, brand: Brand, brand_id: int, post: Seen, since: datetime, end: datetime, now: datetime
) -> None:
    least = dict(SETTINGS.least)[rules.measure(post)]
    grown = [s for s in rules.speeds(post, SETTINGS) if since <= s.at < end and s.gained >= least]
    if not grown:
        return  # before anything is reckoned of what is usual: this is what most posts do
    _reckon(db, brand_id, grown[0].at.date())
    told = reach.told(db, brand_id, post.id, post.published)
    level = usual(db, brand_id, post.platform)
    while finding := rules.find(post, level, since, end, told, SETTINGS):
        handling.take_in(app, db, brand, brand_id, finding, now)
        told = finding.severity
    if told is not None and (going_on := rules.find(post, level, grown[-1].at, end, None, SETTINGS)):
        handling.swell(app, db, brand, brand_id, going_on, now)


def usual(db: Database, brand_id: int, platform: str) -> Usual:
    """What this brand's posts reach on one platform; of own brands together where it has too few.

    An age of which too little is known is judged by the next younger one: older posts are slower, not faster.
    """

    def level(measure: str, age: int) -> tuple[Level, bool]:
        known = [reach.levels(db, platform, measure, a) for a in range(age, -1, -1)]
        own = [levels[brand_id] for levels in known if brand_id in levels]
        together = [rules.pooled(list(levels.values())) for levels in known if levels]
        for learning, some in ((False, own), (True, together)):
            for found in some:
                if found.posts >= SETTINGS.fewest:
                    return found, learning
        return rules.prior(measure, SETTINGS), True

    return Usual(level, *reach.of_platform(db, brand_id, platform))


def _reckon(db: Database, brand_id: int, day: date) -> None:
    """What is usual as of the beginning of a day (UTC), from the posts before it; once a day."""
    if reach.known(db, brand_id, day):
        return
    end = datetime.combine(day, time(), UTC)
    posts = reach.sample(db, brand_id, end - FROM, end)
    with writing(db):
        reach.keep(db, brand_id, day, _levels(posts), _platforms(posts, end))


def _levels(posts: Sequence[Sampled]) -> dict[tuple[str, str, int], Level]:
    samples: dict[tuple[str, str, int], list[float]] = {}
    for sampled in posts:
        for age, speed in rules.fastest(sampled.post, SETTINGS).items():
            samples.setdefault((sampled.post.platform, rules.measure(sampled.post), age), []).append(speed)
    return {key: rules.fit(values, SETTINGS) for key, values in samples.items()}


def _platforms(posts: Sequence[Sampled], end: datetime) -> dict[str, tuple[float, int | None]]:
    if not posts:
        return {}
    span = max(timedelta(days=1), end - min(s.post.published for s in posts))
    found = {}
    for platform in {s.post.platform for s in posts}:
        own = [s for s in posts if s.post.platform == platform]
        followers = [s.post.followers for s in own if s.post.followers is not None]
        negative = sum(s.negative for s in own) * (timedelta(days=30) / span)
        found[platform] = (negative, median_low(followers) if followers else None)
    return found
