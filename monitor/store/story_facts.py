"""What is known of one story: read by its groups, so that it costs what the story has, not what the database has."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.model import STORY_HOURS, StoryFacts, from_utc_text, utc_text
from monitor.stories.telling import doubling_time, telling_words

USUAL = timedelta(days=28)
"""How far back the brand's usual talk is read: four weeks, so that each weekday counts alike."""

STORY_TEXTS = 300
USUAL_TEXTS = 1_500
"""Texts of the story and of the usual talk that are read for its words; beyond these they change little."""

MOST_POSTS = 20_000
"""Posts of a story that are looked at, the newest; its first post is always known."""

_MEMBERS = """
    SELECT p.id, p.platform, p.counted_at, p.author_key, p.followers, gm."group", m.opens_voice
    FROM groups g JOIN group_members gm ON gm."group" = g.id JOIN mentions m ON m.post = gm.post AND m.brand = :brand
    JOIN posts p ON p.id = gm.post WHERE g.story = :story AND p.counted_at <= :now"""


def story_facts(db: Database, brand_id: int, story_id: int, now: datetime) -> StoryFacts | None:
    """The facts of a story, or of what it was merged into, for one brand, as far as told by ``now``; None without a
    post that mentions the brand."""
    row = db.execute("SELECT coalesce(merged_into, id) FROM stories WHERE id = ?", [story_id]).fetchone()
    story = int(row[0]) if row else story_id
    asked: dict[str, object] = {"brand": brand_id, "story": story, "now": utc_text(now), "most": MOST_POSTS}
    rows = db.execute(f"{_MEMBERS} ORDER BY p.counted_at DESC, p.id DESC LIMIT :most", asked).fetchall()
    if not rows:
        return None
    times = [from_utc_text(at) for _, _, at, *_ in rows]
    first = from_utc_text(db.execute(f"SELECT min(counted_at) FROM ({_MEMBERS})", asked).fetchone()[0])
    followers = {author: 0 for *_, author, _, _, _ in rows}
    for *_, author, number, _, _ in rows:
        followers[author] = max(followers[author], number or 0)
    known = [(author, number) for author, number in followers.items() if author is not None and number]
    return StoryFacts(
        story_id=story, first_seen=first, last_seen=max(times), posts=len(rows),
        copies=len(rows) - len({group for *_, group, _ in rows}), voices=sum(opens for *_, opens in rows),
        by_hour=_by_hour(times), doubling=doubling_time(times), platforms=_platforms(db, asked),
        loudest=max(known, key=lambda who: (who[1], who[0]), default=None), reach=sum(followers.values()),
        engagement=_engagement(db, asked), terms=_terms(db, asked, first),
    )  # fmt: skip


def _by_hour(times: list[datetime]) -> tuple[tuple[datetime, int], ...]:
    found: dict[datetime, int] = {}
    for time in sorted(times):
        hour = time.replace(minute=0, second=0, microsecond=0)
        found[hour] = found.get(hour, 0) + 1
    return tuple(found.items())[-STORY_HOURS:]


def _platforms(db: Database, asked: dict[str, object]) -> tuple[tuple[str, datetime], ...]:
    rows = db.execute(
        f"SELECT platform, min(counted_at) FROM ({_MEMBERS}) GROUP BY platform ORDER BY 2, 1", asked
    ).fetchall()
    return tuple((platform, from_utc_text(at)) for platform, at in rows)


def _engagement(db: Database, asked: dict[str, object]) -> int:
    row = db.execute(
        f"""SELECT coalesce(sum(coalesce(e.likes, 0) + coalesce(e.comments, 0) + coalesce(e.reposts, 0)), 0)
            FROM ({_MEMBERS} ORDER BY p.counted_at DESC, p.id DESC LIMIT :most) t JOIN engagement e ON e.post = t.id
            AND e.seen_at = (SELECT max(seen_at) FROM engagement WHERE post = t.id AND seen_at <= :now)""",
        asked,
    ).fetchone()
    return int(row[0])


def _terms(db: Database, asked: dict[str, object], first: datetime) -> tuple[tuple[str, float], ...]:
    """One text of each copy group: what is said often must be said by many, not be copied."""
    story = db.execute(
        f"""SELECT p.text FROM (SELECT min(id) AS id FROM ({_MEMBERS}) GROUP BY "group" ORDER BY id LIMIT :texts) t
            JOIN posts p ON p.id = t.id WHERE p.purged_at IS NULL""",
        {**asked, "texts": STORY_TEXTS},
    ).fetchall()
    usual = db.execute(
        """SELECT p.text FROM mentions m JOIN posts p ON p.id = m.post
           WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ? AND p.purged_at IS NULL
           ORDER BY m.counted_at DESC LIMIT ?""",
        [asked["brand"], utc_text(first - USUAL), utc_text(first), USUAL_TEXTS],
    ).fetchall()
    own = db.execute(
        "SELECT DISTINCT term FROM mentions WHERE brand = ? AND counted_at >= ? AND counted_at <= ? AND term <> ''",
        [asked["brand"], utc_text(first), asked["now"]],
    ).fetchall()
    words = telling_words([t for (t,) in story], [t for (t,) in usual], [t for (t,) in own])
    return tuple(words)
