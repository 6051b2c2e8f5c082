"""How far posts reach: the looks at them, what a brand's posts usually reach, and which posts may take off now.

Every query is bounded by a day of a brand's mentions or by its newest ``SAMPLE`` ones, whatever the database's age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlite_utils import Database

from monitor.model import BIN, Kind, Severity, bin_start, from_utc_text, utc_text
from monitor.takeoff import REPLIES, Level, Look, Seen

SAMPLE = 4000
"""The newest mentions of a brand that say what is usual."""
SURE = 0.6
"""P(negative) at which a post's label is trusted to wake; a person's label always is."""
REPLIERS = 10
"""Replies in a thread from which ..."""
ANGRY = 0.6
"""... this share of negative ones says of its first post what its own words may not."""

_POST = """p.id, coalesce(st.merged_into, st.id, 0), p.platform, p.native_id, p.counted_at, p.followers"""
_STORY = """LEFT JOIN group_members gm ON gm.post = p.id LEFT JOIN groups g ON g.id = gm."group"
    LEFT JOIN stories st ON st.id = g.story"""
_ABLE = "p.live AND p.gone_at IS NULL AND p.purged_at IS NULL"
_COUNTED = "coalesce(e.likes, e.reposts, e.comments) IS NOT NULL"
_REPLY = "r.root <> '' AND r.native_id <> r.root AND r.kind <> 'repost'"
_LOOKED_AT = f"""
    SELECT e.post FROM engagement e WHERE e.seen_at >= :since AND e.seen_at < :end AND {_COUNTED}
    UNION SELECT p.id FROM (
        SELECT r.platform, r.root, max(r.counted_at) AS newest FROM posts r
        WHERE r.counted_at >= :answered AND r.counted_at < :end AND {_REPLY} AND r.live GROUP BY r.platform, r.root) a
    CROSS JOIN posts p ON p.platform = a.platform AND p.native_id = a.root AND p.counted_at <= a.newest
    WHERE NOT EXISTS (SELECT 1 FROM engagement e WHERE e.post = p.id AND e.seen_at < :end AND {_COUNTED})"""
"""Of a post whose counts are shown; of another, the replies since ``:answered`` are the looks (``_seen``). In most
quarters of an hour there are few, so that all else begins with them."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """One post that says what is usual."""

    post: Seen
    negative: bool


def until(db: Database, brand: int) -> datetime | None:
    """Up to when the looks at this brand's posts have been judged."""
    row = db.execute("SELECT until FROM reach_watches WHERE brand = ?", [brand]).fetchone()
    return from_utc_text(row[0]) if row else None


def judged(db: Database, brand: int, end: datetime) -> None:
    db.execute(
        "INSERT INTO reach_watches VALUES (?, ?) ON CONFLICT DO UPDATE SET until = excluded.until",
        [brand, utc_text(end)],
    )


def candidates(db: Database, brand: int, since: datetime, end: datetime, young: timedelta) -> list[Seen]:
    """Negative posts that are young, came live, are still there, and were looked at (or answered) in [since, end)."""
    span = {"brand": brand, "since": utc_text(since), "end": utc_text(end), "young": utc_text(since - young),
            "answered": utc_text(bin_start(since))}  # fmt: skip
    rows = db.execute(
        f"""WITH looked AS ({_LOOKED_AT})
            SELECT {_POST} FROM looked CROSS JOIN mentions m ON m.post = looked.post AND m.brand = :brand
            CROSS JOIN posts p ON p.id = m.post {_STORY}
            WHERE m.counted_at >= :young AND m.counted_at < :end AND m.label = 'negative' AND {_ABLE}
            AND (m.p_negative >= {SURE} OR EXISTS (SELECT 1 FROM labels l WHERE l.post = m.post
                                                   AND (l.brand = m.brand OR l.brand IS NULL)))""",
        span,
    ).fetchall()
    threads = db.execute(
        f"""WITH looked AS ({_LOOKED_AT})
            SELECT {_POST} FROM looked CROSS JOIN posts p ON p.id = looked.post {_STORY}
            WHERE p.counted_at >= :young AND p.counted_at < :end AND {_ABLE} AND (
                SELECT count(DISTINCT coalesce(r.author_key, r.id)) >= {REPLIERS}
                    AND avg(m.label = 'negative') >= {ANGRY}
                FROM posts r CROSS JOIN mentions m ON m.post = r.id AND m.brand = :brand
                WHERE r.platform = p.platform AND r.root = p.native_id AND {_REPLY}
                AND m.counted_at >= :young AND m.counted_at < :end)""",
        span,
    ).fetchall()
    found = (_seen(db, row, end) for row in {row[0]: row for row in [*rows, *threads]}.values())
    return sorted((s for s in found if any(since <= look.at < end for look in s.looks)), key=lambda s: s.id)


def _seen(db: Database, row: tuple[int, int, str, str, str, int | None], end: datetime) -> Seen:
    """A post with the looks at it before ``end``; where its platform shows no counts, with the replies heard."""
    identity, story, platform, native_id, counted, followers = row
    published = from_utc_text(counted)
    looks = _looks(db, identity, end)
    if looks:
        return Seen(identity, story, platform, published, followers, looks)
    replies = db.execute(
        f"""SELECT r.counted_at, coalesce(r.author_key, r.id) FROM posts r
            WHERE r.platform = ? AND r.root = ? AND {_REPLY} AND r.live
            AND r.counted_at >= ? AND r.counted_at < ? ORDER BY r.counted_at""",
        [platform, native_id, counted, utc_text(end)],
    ).fetchall()
    return Seen(identity, story, platform, published, followers, _as_looks(replies), REPLIES)


def _looks(db: Database, post: int, end: datetime) -> tuple[Look, ...]:
    rows = db.execute(
        """SELECT seen_at, likes, reposts, comments FROM engagement WHERE post = ? AND seen_at < ?
           AND coalesce(likes, reposts, comments) IS NOT NULL ORDER BY seen_at""",
        [post, utc_text(end)],
    )
    return tuple(Look(from_utc_text(at), *counts) for at, *counts in rows.fetchall())


def _as_looks(replies: Iterable[tuple[str, object]]) -> tuple[Look, ...]:
    """Replies heard, as looks at the end of each bin that brought a new author: who answers twice is one."""
    authors: set[object] = set()
    looks: dict[datetime, Look] = {}
    for counted, author in replies:
        if author not in authors:
            authors.add(author)
            # The bin's last second: what was heard in a bin is judged with it.
            at = bin_start(from_utc_text(counted)) + BIN - timedelta(seconds=1)
            looks[at] = Look(at, None, None, len(authors))
    return tuple(looks.values())


def sample(db: Database, brand: int, since: datetime, end: datetime) -> list[Sampled]:
    """The brand's newest posts of [since, end) of which counts were seen, and threads that were answered."""
    newest = """SELECT m.post, m.label FROM mentions m
        WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ? ORDER BY m.counted_at DESC LIMIT ?"""
    values = [brand, utc_text(since), utc_text(end), SAMPLE]
    looks: dict[int, list[Look]] = {}
    for post, at, *counts in db.execute(
        f"""WITH newest AS ({newest}) SELECT e.post, e.seen_at, e.likes, e.reposts, e.comments
            FROM newest n CROSS JOIN engagement e ON e.post = n.post
            WHERE e.seen_at < ? AND coalesce(e.likes, e.reposts, e.comments) IS NOT NULL ORDER BY e.post, e.seen_at""",
        [*values, utc_text(end)],
    ).fetchall():
        looks.setdefault(post, []).append(Look(from_utc_text(at), *counts))
    answers: dict[tuple[str, str], list[tuple[str, object]]] = {}
    for platform, root, at, author in db.execute(
        f"""WITH newest AS ({newest}) SELECT r.platform, r.root, r.counted_at, coalesce(r.author_key, r.id)
            FROM newest n CROSS JOIN posts r ON r.id = n.post
            WHERE {_REPLY} ORDER BY r.counted_at""",
        values,
    ).fetchall():
        answers.setdefault((platform, root), []).append((at, author))
    found = []
    for identity, platform, native_id, counted, followers, label in db.execute(
        f"""WITH newest AS ({newest}) SELECT p.id, p.platform, p.native_id, p.counted_at, p.followers, n.label
            FROM newest n CROSS JOIN posts p ON p.id = n.post""",
        values,
    ).fetchall():
        replies = answers.get((platform, native_id), [])
        shown = tuple(looks.get(identity, ()))
        post = Seen(
            identity, 0, platform, from_utc_text(counted), followers, shown or _as_looks(replies),
            None if shown else REPLIES,
        )  # fmt: skip
        found.append(Sampled(post, label == "negative"))
    return found


def known(db: Database, brand: int, day: date) -> bool:
    """Whether what is usual as of that day has been reckoned."""
    row = db.execute("SELECT 1 FROM reach_days WHERE brand = ? AND day = ?", [brand, day.isoformat()])
    return row.fetchone() is not None


def keep(
    db: Database, brand: int, day: date, levels: Mapping[tuple[str, str, int], Level],
    platforms: Mapping[str, tuple[float, int | None]],
) -> None:  # fmt: skip
    """What is usual as of a day, in place of what was as of others. ``levels`` by platform, measure and age;
    ``platforms``: negative posts a month, and the followers of the usual author."""
    db.execute("DELETE FROM reach_levels WHERE brand = ?", [brand])
    db.execute("DELETE FROM reach_days WHERE brand = ?", [brand])
    db.conn.executemany(
        "INSERT INTO reach_levels VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(brand, day.isoformat(), *key, v.posts, v.high, v.tail) for key, v in levels.items()],
    )
    db.conn.executemany(
        "INSERT INTO reach_days VALUES (?, ?, ?, ?, ?)",
        [(brand, day.isoformat(), platform, *numbers) for platform, numbers in {"": (0.0, None), **platforms}.items()],
    )


def levels(db: Database, platform: str, measure: str, age: int) -> dict[int, Level]:
    """What is usual at one age, by brand, as each brand's was reckoned last."""
    rows = db.execute(
        """SELECT l.brand, l.posts, l.high, l.tail FROM reach_levels l JOIN brands b ON b.id = l.brand
           WHERE b.role = 'own' AND l.platform = ? AND l.measure = ? AND l.age = ?""",
        [platform, measure, age],
    )
    return {brand: Level(*level) for brand, *level in rows.fetchall()}


def of_platform(db: Database, brand: int, platform: str) -> tuple[float, int | None]:
    """Negative posts a month of a brand on a platform, and the followers of the usual author there."""
    row = db.execute(
        "SELECT negative, followers FROM reach_days WHERE brand = ? AND platform = ? ORDER BY day DESC LIMIT 1",
        [brand, platform],
    ).fetchone()
    return (row[0], row[1]) if row else (0.0, None)


def told(db: Database, brand: int, post: int, since: datetime) -> Severity | None:
    """How severe the worst early warning of this post was that has been told; None if none was."""
    rows = db.execute(
        "SELECT severity FROM spikes WHERE brand = ? AND bin >= ? AND kind = ? AND subject = ?",
        [brand, utc_text(bin_start(since)), Kind.TAKEOFF.value, post],
    )
    return max((Severity(s) for (s,) in rows.fetchall()), key=lambda s: s.rank, default=None)
