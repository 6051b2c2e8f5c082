"""How far a brand's stories came, read a local day at a time, and the travel indices made of them.

A day is read once its stories' windows are over, and again when what was counted in them has changed, so an index costs
what the new day has and the rows of its period, whatever the age of the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlite_utils import Database

from monitor.model import (
    TRAVEL_WINDOW,
    Lack,
    Measure,
    StoryTravel,
    Travel,
    TravelMeasure,
    TravelVerdict,
    from_utc_text,
    utc_text,
)
from monitor.stories.telling import doubling_time

HOUR = timedelta(hours=1)

Span = tuple[datetime, datetime]
"""A local day: [start, end) in UTC."""


@dataclass
class Course:
    """One story as it is read, post by post in event time, up to the end of its window."""

    post: int
    first: datetime
    groups: set[int] = field(default_factory=set)
    platforms: set[str] = field(default_factory=set)
    times: list[datetime] = field(default_factory=list)
    replies: int = 0

    def take(self, at: datetime, group: int, platform: str, reply: bool) -> None:
        self.groups.add(group)
        self.platforms.add(platform)
        self.replies += reply and bool(self.times)  # the first post answers nobody in it
        self.times.append(at)

    def row(self) -> tuple[object, ...]:
        """post, first_seen, posts, copies, replies, platforms beyond the first, hours of a doubling."""
        doubling = doubling_time(self.times)
        return (
            self.post, utc_text(self.first), len(self.times), len(self.times) - len(self.groups), self.replies,
            len(self.platforms) - 1, doubling / HOUR if doubling else None,
        )  # fmt: skip


def counted(db: Database, brand: int, span: Span) -> str:
    """What was counted in a day and the windows of its stories: reads otherwise once any of it has changed."""
    start, end = span
    row = db.execute(
        """SELECT count(*), sum(mentions), sum(negative_posts), sum(negative_voices), sum(other), max(model)
           FROM counts WHERE brand = ? AND bin >= ? AND bin < ?""",
        [brand, utc_text(start), utc_text(end + TRAVEL_WINDOW)],
    ).fetchone()
    return json.dumps(row)


def unread(db: Database, brand: int, days: Sequence[Span]) -> list[tuple[Span, str]]:
    """Which of these days (ascending) have to be read, again or for the first time, and what ``counted`` says of them.

    Of stories that have since become one, the days of both are.
    """
    if not days:
        return []
    known = {
        (start, end): said
        for start, end, said in db.execute(
            "SELECT start, end, counted FROM travel_read WHERE brand = ? AND start >= ? AND start < ?",
            [brand, utc_text(days[0][0]), utc_text(days[-1][1])],
        ).fetchall()
    }
    merged = _merged(db, brand, days[0][0], days[-1][1])
    found = []
    for span in days:
        now = counted(db, brand, span)
        stale = any(span[0] <= at < span[1] for at in merged)
        if stale or known.get((utc_text(span[0]), utc_text(span[1]))) != now:
            found.append((span, now))
    return found


def _merged(db: Database, brand: int, start: datetime, end: datetime) -> list[datetime]:
    """When stories began that were read as two and are one now."""
    rows = db.execute(
        """WITH gone AS (
               SELECT t.first_seen, s.merged_into AS story FROM travel_stories t JOIN stories s ON s.id = t.story
               WHERE t.brand = :brand AND t.first_seen >= :start AND t.first_seen < :end AND s.merged_into IS NOT NULL)
           SELECT first_seen FROM gone
           UNION SELECT t.first_seen FROM gone JOIN travel_stories t ON t.brand = :brand AND t.story = gone.story""",
        {"brand": brand, "start": utc_text(start), "end": utc_text(end)},
    )
    return [from_utc_text(at) for (at,) in rows.fetchall()]


def read_day(db: Database, brand: int, span: Span) -> list[tuple[object, ...]]:
    """The stories of a brand that began in a day: (story, and what ``Course.row`` gives)."""
    start, end = span
    rows = db.execute(
        """SELECT g.story, m.post, m.counted_at, gm."group", p.platform,
                  p.root NOT IN ('', p.native_id) AND p.kind <> 'repost'
           FROM mentions m CROSS JOIN posts p ON p.id = m.post CROSS JOIN group_members gm ON gm.post = m.post
           CROSS JOIN groups g ON g.id = gm."group"
           WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ? ORDER BY m.counted_at, m.post""",
        [brand, utc_text(start), utc_text(end + TRAVEL_WINDOW)],
    )
    courses: dict[int, Course] = {}
    for story, post, counted_at, group, platform, reply in rows:
        at = from_utc_text(counted_at)
        if story not in courses and at < end:
            courses[story] = Course(post, at)
        course = courses.get(story)
        if course is not None and at < course.first + TRAVEL_WINDOW:
            course.take(at, group, platform, bool(reply))
    older = set(_heard_before(db, brand, list(courses), start))
    return [(story, *course.row()) for story, course in courses.items() if story not in older]


def _heard_before(db: Database, brand: int, stories: Sequence[int], start: datetime) -> Iterator[int]:
    """Those of these stories that were heard before a moment."""
    rows = db.execute(
        """SELECT value FROM json_each(?) WHERE EXISTS (
               SELECT 1 FROM groups g CROSS JOIN group_members gm ON gm."group" = g.id
               CROSS JOIN mentions m ON m.post = gm.post AND m.brand = ?
               WHERE g.story = value AND m.counted_at < ?)""",
        [json.dumps(stories), brand, utc_text(start)],
    )
    yield from (story for (story,) in rows.fetchall())


def keep_day(db: Database, brand: int, span: Span, stories: Sequence[Sequence[object]], said: str) -> None:
    """Store what was read of a day, in place of what was before. ``said``: what ``counted`` said then."""
    start, end = map(utc_text, span)
    db.execute("DELETE FROM travel_stories WHERE brand = ? AND first_seen >= ? AND first_seen < ?", [brand, start, end])
    db.conn.executemany(
        """INSERT INTO travel_stories VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET post = excluded.post, first_seen = excluded.first_seen, posts = excluded.posts,
               copies = excluded.copies, replies = excluded.replies, platforms = excluded.platforms,
               doubling = excluded.doubling""",
        [(brand, *row) for row in stories],
    )
    db.execute("DELETE FROM travel_read WHERE brand = ? AND start < ? AND end > ?", [brand, end, start])
    db.execute("INSERT INTO travel_read VALUES (?, ?, ?, ?)", [brand, start, end, said])


def stories(db: Database, brand: str, start: datetime, end: datetime) -> list[StoryTravel]:
    """The stories that began in [start, end) with a negative or a positive post, from the documented view.

    Comments are what the platform shows; on a platform that is not known to show any, the replies heard. Which of both
    goes by the platform and never by the story, or it would go by how often it was looked at.
    """
    rows = db.execute(
        """SELECT story, label = 'negative', first_seen, platform, followers, coalesce(author_key, ''), copies,
                  platforms, reposts, comments, doubling, replies
           FROM v_travel_stories WHERE brand = ? AND first_seen >= ? AND first_seen < ?
           AND label IN ('negative', 'positive')""",
        [brand, utc_text(start), utc_text(end)],
    ).fetchall()
    shows = {row[3] for row in rows if row[9] is not None}
    return [
        StoryTravel(
            story, bool(negative), from_utc_text(first), platform, followers, author, copies, platforms, reposts,
            comments if platform in shows else replies, doubling,
        )
        for story, negative, first, platform, followers, author, copies, platforms, reposts, comments, doubling, replies
        in rows
    ]  # fmt: skip


def last_mention(db: Database, brand: int) -> datetime | None:
    """The event time of a brand's newest post."""
    row = db.execute("SELECT max(counted_at) FROM mentions WHERE brand = ?", [brand]).fetchone()
    return from_utc_text(row[0]) if row[0] else None


def made(db: Database, brand: int, day: date) -> bool:
    """Whether the indices of a day have been made."""
    row = db.execute("SELECT 1 FROM travel WHERE brand = ? AND day = ?", [brand, day.isoformat()]).fetchone()
    return row is not None


def keep(db: Database, brand: int, travel: Travel, span: Span, now: datetime) -> None:
    """Store an index, in place of one of the same day and period. ``span``: when its stories began."""
    key = [brand, travel.day.isoformat(), travel.days]
    db.execute("DELETE FROM travel_measures WHERE brand = ? AND day = ? AND days = ?", key)
    db.execute("DELETE FROM travel WHERE brand = ? AND day = ? AND days = ?", key)
    db.execute(
        "INSERT INTO travel VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [*key, utc_text(now), *map(utc_text, span), travel.window, travel.negatives, travel.positives, travel.ratio,
         travel.low, travel.high, travel.verdict.value, travel.lack and travel.lack.value, travel.needed],
    )  # fmt: skip
    db.conn.executemany(
        "INSERT INTO travel_measures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (*key, m.measure.value, m.negatives, m.positives, m.negative_mean, m.positive_mean, m.ratio, m.low, m.high)
            for m in travel.measures
        ],
    )


def load(db: Database, brand: int, oldest: date, day: date) -> list[Travel]:
    """The indices of the newest day in [oldest, day] that has any, the shortest period first."""
    rows = db.execute(
        """SELECT b.name, t.day, t.days, t.window, t.negatives, t.positives, t.ratio, t.low, t.high, t.verdict, t.lack,
                  t.needed
           FROM travel t JOIN brands b ON b.id = t.brand
           WHERE t.brand = :brand AND t.day = (
               SELECT max(day) FROM travel WHERE brand = :brand AND day >= :oldest AND day <= :day)
           ORDER BY t.days""",
        {"brand": brand, "oldest": oldest.isoformat(), "day": day.isoformat()},
    ).fetchall()
    found = []
    for name, at, days, window, bad, good, ratio, low, high, verdict, lack, needed in rows:
        measures = _measures(db, brand, at, days)
        found.append(Travel(
            name, date.fromisoformat(at), days, window, bad, good, ratio, low, high, TravelVerdict(verdict),
            Lack(lack) if lack else None, needed, measures,
        ))  # fmt: skip
    return found


def _measures(db: Database, brand: int, day: str, days: int) -> tuple[TravelMeasure, ...]:
    rows = db.execute(
        """SELECT measure, negatives, positives, negative_mean, positive_mean, ratio, low, high FROM travel_measures
           WHERE brand = ? AND day = ? AND days = ?""",
        [brand, day, days],
    ).fetchall()
    found = {Measure(measure): TravelMeasure(Measure(measure), *numbers) for measure, *numbers in rows}
    return tuple(found[measure] for measure in Measure if measure in found)
