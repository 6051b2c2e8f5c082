"""The copies of a brand's stories: which bins changed, what they hold, and the largest story of each day.

Every query is bounded by a stretch of event time or by one copy group, whatever the age of the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlite_utils import Database

from monitor.bursts import Copy, Origin, Said
from monitor.model import Kind, Label, Severity, from_utc_text, utc_text

BARE = 12
"""A repost of fewer characters than this says nothing of its own ("转发微博")."""

HEAD = 1_000
"""Characters of a post in which the beginning of what it quotes is looked for."""


@dataclass(frozen=True, slots=True)
class PassedOn:
    """How a post passes something on. ``label``: a person's word on it, if there is one."""

    author: str | None
    kind: str
    head: str
    label: Label | None


def touched(db: Database, brand: int, end: datetime) -> list[datetime]:
    """The bins before ``end`` whose counts changed since they were last looked at, oldest first."""
    rows = db.execute("SELECT bin FROM burst_bins WHERE brand = ? AND bin < ? ORDER BY bin", [brand, utc_text(end)])
    return [from_utc_text(at) for (at,) in rows.fetchall()]


def looked_at(db: Database, brand: int, bins: Iterable[datetime]) -> None:
    db.conn.executemany("DELETE FROM burst_bins WHERE brand = ? AND bin = ?", [(brand, utc_text(at)) for at in bins])


def forget_days(db: Database, brand: int, bins: Iterable[datetime]) -> None:
    """These bins have changed, so the largest story of their days may be another."""
    days = sorted({at.date().isoformat() for at in bins})
    db.conn.executemany("DELETE FROM burst_days WHERE brand = ? AND day = ?", [(brand, day) for day in days])


def copies(db: Database, brand: int, start: datetime, end: datetime, least: int = 0) -> list[Copy]:
    """The brand's posts counted in [start, end), as copies of their groups; only of stories with at least ``least``
    posts beyond the first of each group, for no others can have as many copies in any part of that time."""
    rows = db.execute(
        """WITH told AS MATERIALIZED (
               SELECT m.counted_at, m.post, m.label, m.copies, g.story FROM mentions m JOIN groups g ON g.id = m.copies
               WHERE m.brand = ? AND m.counted_at >= ? AND m.counted_at < ?),
           able AS (SELECT story FROM told GROUP BY story HAVING count(*) - count(DISTINCT copies) >= ?)
           SELECT told.counted_at, told.story, told.copies, p.author_key, p.platform, told.label,
                  p.kind = 'repost' AND length(p.text) < ?, p.live, p.id
           FROM told CROSS JOIN posts p ON p.id = told.post WHERE told.story IN (SELECT story FROM able)""",
        [brand, utc_text(start), utc_text(end), least, BARE],
    )
    return [
        Copy(from_utc_text(at), story, group, author, platform, _label(label), bool(bare), bool(live), post)
        for at, story, group, author, platform, label, bare, live, post in rows.fetchall()
    ]


def passed_on(db: Database, brand: int, posts: Iterable[int]) -> Iterator[PassedOn]:
    """Those of these posts that may add words to what they pass on: reposts, and whatever quotes a name. Not those that
    could not be scored as a whole."""
    rows = db.execute(
        f"""SELECT p.author_key, p.kind, substr(p.text, 1, {HEAD}),
                   (SELECT l.label FROM labels l WHERE l.post = p.id AND (l.brand = ? OR l.brand IS NULL)
                    ORDER BY l.brand IS NULL, l.id DESC LIMIT 1)
            FROM json_each(?) j CROSS JOIN posts p ON p.id = j.value
            JOIN mentions m ON m.post = p.id AND m.brand = ? AND m.label IS NOT NULL
            WHERE p.kind = 'repost' OR p.text LIKE '%@%' OR p.text LIKE '%＠%' ORDER BY p.id""",
        [brand, json.dumps(list(posts)), brand],
    )
    for author, kind, head, label in rows.fetchall():
        yield PassedOn(author, kind, head, _label(label))


def _label(label: str | None) -> Label | None:
    return Label(label) if label is not None else None


def origins(db: Database, brand: int, groups: Iterable[int], end: datetime) -> dict[int, Origin]:
    """How these copy groups began, as far as they speak of the brand, and how many posts they have before ``end``."""
    found = {}
    for group in sorted(set(groups)):
        row = db.execute(
            """SELECT m.counted_at, m.label, count(*) OVER () FROM group_members gm
               CROSS JOIN mentions m ON m.post = gm.post AND m.brand = ?
               WHERE gm."group" = ? AND m.counted_at < ? ORDER BY m.counted_at, m.post LIMIT 1""",
            [brand, group, utc_text(end)],
        ).fetchone()
        if row is not None:
            found[group] = Origin(from_utc_text(row[0]), _label(row[1]), row[2])
    return found


def said(db: Database, brand: int, story: int, origin: str, since: datetime) -> list[Said]:
    """What bursts of this story, or of one merged into it, were told of bins from ``since`` on."""
    rows = db.execute(
        """SELECT s.bin, s.severity FROM spikes s JOIN stories t ON t.id = s.subject
           WHERE s.brand = ? AND s.bin >= ? AND s.origin = ? AND s.kind = ? AND coalesce(t.merged_into, t.id) = ?""",
        [brand, utc_text(since), origin, Kind.BURST.value, story],
    )
    return [Said(from_utc_text(at), Severity(severity)) for at, severity in rows.fetchall()]


def peaks(db: Database, brand: int, first: date, last: date) -> dict[date, int]:
    """The largest stories of the days first .. last, as far as they are known."""
    rows = db.execute(
        "SELECT day, peak FROM burst_days WHERE brand = ? AND day >= ? AND day <= ?",
        [brand, first.isoformat(), last.isoformat()],
    )
    return {date.fromisoformat(day): peak for day, peak in rows.fetchall()}


def keep_peak(db: Database, brand: int, day: date, peak: int) -> None:
    db.execute(
        "INSERT INTO burst_days VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET peak = excluded.peak",
        [brand, day.isoformat(), peak],
    )
