"""Story-bursts: one text copied far more often than this brand's stories are. Pure: values and closed bins in.

The spike detector counts all posts of one copy group once, so it cannot see a story that is only passed on. Here the
copies themselves are counted, bin by bin, over the last three hours. What is usual is the *median* over the last heard
days of each day's largest story: a maximum, as the published rule has it (``max(12, 1.25 x the 14-day
maximum)``), is lifted for a fortnight by each promo, old joke or incident. Copies to which many people add complaints
of their own are told far earlier: each is a voice, though all pass on one text. Numbers: (p) that rule's, (s) chosen on
the copy storms of ``tests/bench/bursts.py``, (w) on the worlds of ``tests/bench/posts``, (j) judgement about what
on-call needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from monitor.model import BIN, Finding, Kind, Label, Severity, utc_text


@dataclass(frozen=True, slots=True)
class Settings:
    window: timedelta = timedelta(hours=3)
    """Copies are counted over this long (p)."""
    fewest: int = 12
    """Copies in the window below which no story is a burst (p)."""
    times: float = 10.0
    """Times the usual largest story of a day (s)."""
    days: int = 14
    """Heard days that say what is usual (p)."""
    warm_up_days: int = 7
    """Heard days below which it is still learning (p) ..."""
    fewest_learning: int = 30
    """... and a burst needs so many copies (p)."""
    negative_share: float = 0.5
    """The least share of negative ones among the judged copies that wakes (j)."""
    old_after: timedelta = timedelta(days=7)
    """A text first seen so long before is an old one that came back: shown, and nobody is woken (j)."""
    critical_times: float = 4.0
    """Critical: so many times the threshold ... (j)"""
    critical_copies: int = 100
    """... and at least so many copies in the window (j)."""
    remarks: int = 12
    """So many authors who pass a story on with negative words of their own make it a burst by themselves (w) ..."""
    remark_times: float = 2.0
    """... if they are so many times the usual largest story of a day (j): with big brands somebody is always angry."""
    remark_share: float = 0.5
    """The share that they must be of all who add words of their own (j). What people added to 1,209
    real posts that are called positive the model takes for negative in 5 of 100 cases."""
    again_after: timedelta = timedelta(hours=72)
    """A story that goes on is not told again before this, unless it grew more severe (j)."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One post as a copy. ``author`` None: unknown, and taken to be one of its own.

    ``bare``: a repost, whose own words say nothing of what it passes on. ``live``: it arrived in time. ``post``: its
    id.
    """

    at: datetime
    story: int
    group: int
    author: str | None
    platform: str
    label: Label | None
    bare: bool
    live: bool
    post: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """A copy group up to a bin: when the brand's first post of it was counted, that one's label, and all its posts."""

    first_seen: datetime
    label: Label | None
    posts: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day of what is usual. ``peak``: the most copies that one story had in any window of it."""

    peak: int
    heard: bool


@dataclass(frozen=True, slots=True)
class Usual:
    """``typical``: the median over heard days of the day's peak. ``days``: how many were heard."""

    typical: float
    days: int


@dataclass(frozen=True, slots=True)
class Said:
    """A burst already told of a story."""

    at: datetime
    severity: Severity


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody who passed a text on wrote before it. ``author`` None: unknown, and taken to be one of its own."""

    author: str | None
    negative: bool


@dataclass(frozen=True, slots=True)
class Remarks:
    """The authors who added words of their own, and those among them who ever added negative ones."""

    authors: int
    negative: int


@dataclass(frozen=True, slots=True)
class Storm:
    """What one story's copies were at the end of one bin. ``copies``: distinct authors of each group in the window,
    beyond the first of each group."""

    at: datetime
    story: int
    copies: int
    rows: Sequence[Copy]


def usual(days: Iterable[Day], settings: Settings) -> Usual:
    """From the newest day back; days not heard are skipped, for a day unheard is no quiet one."""
    peaks = [day.peak for day in days if day.heard][: settings.days]
    return Usual(float(median(peaks)) if peaks else 0.0, len(peaks))


def threshold(level: Usual, settings: Settings) -> float:
    """Copies in the window from which a story is a burst."""
    learning = level.days < settings.warm_up_days
    return max(float(settings.fewest_learning if learning else settings.fewest), settings.times * level.typical)


def remarked(remarks: Sequence[Remark]) -> Remarks:
    """By authors, for who says the same again and again is one."""
    unknown = [remark.negative for remark in remarks if remark.author is None]
    known = {remark.author for remark in remarks if remark.author is not None}
    negative = {remark.author for remark in remarks if remark.author is not None and remark.negative}
    return Remarks(len(known) + len(unknown), len(negative) + sum(unknown))


def is_outcry(said: Remarks, level: Usual, settings: Settings) -> bool:
    """Whether those who pass a story on complain of it in words of their own."""
    learning = level.days < settings.warm_up_days
    least = max(settings.fewest_learning if learning else settings.remarks, settings.remark_times * level.typical)
    return said.negative >= least and said.negative >= settings.remark_share * said.authors


def storms(copies: Sequence[Copy], ends: Iterable[datetime], settings: Settings, least: int = 1) -> list[Storm]:
    """Every story's copies in the window that closes with each of the bins ``ends`` (their starts, ascending).

    Only those with at least ``least`` copies; ``copies`` in any order.
    """
    bins = list(ends)
    able = (rows for rows in _by_story(copies) if _most(rows) >= least)
    found = [storm for rows in able for storm in _of_story(rows, bins, settings) if storm.copies >= least]
    return sorted(found, key=lambda storm: storm.at)


def _by_story(copies: Iterable[Copy]) -> list[list[Copy]]:
    """Each story's copies by time, in the order in which the stories begin."""
    found: dict[int, list[Copy]] = {}
    for copy in sorted(copies, key=lambda c: c.at):
        found.setdefault(copy.story, []).append(copy)
    return list(found.values())


def _of_story(rows: Sequence[Copy], ends: Iterable[datetime], settings: Settings) -> Iterator[Storm]:
    """What enters the window at its end is added, what leaves it at its start is taken off. ``rows`` by time."""
    window, first, last = _Window(), 0, 0
    for at in ends:
        start, end = at + BIN - settings.window, at + BIN
        while last < len(rows) and rows[last].at < end:
            window.add(rows[last])
            last += 1
        while first < last and rows[first].at < start:
            window.remove(rows[first])
            first += 1
        if window.copies:
            yield Storm(at, rows[0].story, window.copies, rows[first:last])


class _Window:
    """Distinct authors of each group in a window, and how many there are beyond the first of each group."""

    def __init__(self) -> None:
        self.copies = 0
        self._posts: dict[tuple[int, str], int] = {}
        self._authors: dict[int, int] = {}

    def add(self, row: Copy) -> None:
        if row.author is not None:
            key = row.group, row.author
            self._posts[key] = posts = self._posts.get(key, 0) + 1
            if posts > 1:
                return
        self._authors[row.group] = authors = self._authors.get(row.group, 0) + 1
        self.copies += authors > 1

    def remove(self, row: Copy) -> None:
        if row.author is not None:
            key = row.group, row.author
            self._posts[key] = posts = self._posts[key] - 1
            if posts:
                return
        self._authors[row.group] = authors = self._authors[row.group] - 1
        self.copies -= authors > 0


def peak(copies: Sequence[Copy], ends: Iterable[datetime], settings: Settings) -> int:
    """The most copies that one story had in any of the windows; stories that a brand's friends pass on do not count.

    What is positive says nothing of how far complaints usually travel, and one giveaway would deafen for days.
    """
    largest, bins = 0, list(ends)
    by_story = _by_story(copies)
    for rows in sorted(by_story, key=_most, reverse=True):
        if _most(rows) <= largest:
            break
        for storm in sorted(_of_story(rows, bins, settings), key=lambda storm: -storm.copies):
            if storm.copies <= largest:
                break
            if _share(storm.rows, {}, Label.POSITIVE) < 0.5:
                largest = storm.copies
    return largest


def _most(rows: Sequence[Copy]) -> int:
    """No part of these rows of one story has more copies."""
    return len(rows) - len({row.group for row in rows})


def copied(rows: Sequence[Copy]) -> list[Copy]:
    """The posts of those texts that stand there more than once: who asks or answers below one passes nothing on."""
    many = Counter(row.group for row in rows)
    return [row for row in rows if many[row.group] > 1]


def _said_by(rows: Sequence[Copy], origins: Mapping[int, Origin]) -> list[Label]:
    """The label of each copy that could be judged; bare reposts speak with their group's first post."""
    labels: list[Label] = []
    for row in copied(rows):
        origin = origins.get(row.group)
        label = origin.label if row.bare and origin is not None else row.label
        if label is not None and label is not Label.UNSCORED:
            labels.append(label)
    return labels


def _share(rows: Sequence[Copy], origins: Mapping[int, Origin], which: Label) -> float:
    labels = _said_by(rows, origins)
    return labels.count(which) / len(labels) if labels else 0.0


def _severity(
    storm: Storm, limit: float, origins: Mapping[int, Origin], outcry: bool, settings: Settings
) -> Severity | None:  # fmt: skip
    """None: nothing to tell (a promo). Notice: shown only (an old text come back, or one the model cannot judge)."""
    negative = _share(storm.rows, origins, Label.NEGATIVE)
    if negative < settings.negative_share and not outcry:
        unsure = _share(storm.rows, origins, Label.UNSURE)
        return Severity.NOTICE if negative + unsure >= settings.negative_share else None
    passed_on = copied(storm.rows)
    if 2 * sum(_is_old(storm, r, origins, settings) for r in passed_on) > len(passed_on):
        return Severity.NOTICE
    critical = max(settings.critical_times * limit, float(settings.critical_copies))
    return Severity.CRITICAL if storm.copies >= critical else Severity.WARNING


def _is_old(storm: Storm, row: Copy, origins: Mapping[int, Origin], settings: Settings) -> bool:
    origin = origins.get(row.group)
    return origin is not None and origin.first_seen <= storm.at - settings.old_after


def find(
    storm: Storm, level: Usual, origin: str, origins: Callable[[Storm], Mapping[int, Origin]],
    said: Sequence[Said], voices: Callable[[Storm], int], settings: Settings,
    remarks: Callable[[Storm], Sequence[Remark]] = lambda _: (),
) -> Finding | None:  # fmt: skip
    """The finding of one story at one bin, or None. ``said``: what was told of this story in the same series.

    ``remarks`` (the own words of those who pass it on) are asked of the fewest copies on, ``origins`` and ``voices``
    (the story's negative voices so far) only once either threshold is reached.
    """
    limit = threshold(level, settings)
    added = remarked(remarks(storm) if storm.copies >= settings.fewest else ())
    outcry = is_outcry(added, level, settings)
    if storm.copies < limit and not outcry:
        return None
    begun = origins(storm)
    severity = _severity(storm, limit, begun, outcry, settings)
    near = [s.severity.rank for s in said if abs(s.at - storm.at) < settings.again_after]
    if severity is None or severity.rank <= max(near, default=-1):
        return None
    return Finding(
        Kind.BURST, storm.story, storm.at, origin, severity, min(r.at for r in storm.rows), storm.copies,
        round(level.typical, 2),
        _evidence(storm, level, limit, begun, voices(storm), settings) | (_said(added) if outcry else {}),
    )  # fmt: skip


def _said(added: Remarks) -> dict[str, object]:
    return {"remarks": added.authors, "negative_remarks": added.negative}


def _evidence(
    storm: Storm, level: Usual, limit: float, origins: Mapping[int, Origin], voices: int, settings: Settings
) -> dict[str, object]:
    """``total_copies``: since the texts were first seen, ``copies`` in the window; ``usual_max``: the largest story of
    a usual day."""
    return {
        "kind": Kind.BURST.value,
        "story": storm.story,
        "copies": storm.copies,
        "usual_max": round(level.typical, 1),
        "threshold": round(limit, 1),
        "total_copies": max(storm.copies, sum(o.posts - 1 for o in origins.values())),
        "voices": voices,
        "first_seen": utc_text(min((o.first_seen for o in origins.values()), default=storm.rows[0].at)),
        "platforms": sorted({row.platform for row in storm.rows}),
        "hours": round(settings.window / timedelta(hours=1)),
        "learning": level.days < settings.warm_up_days,
        "negative_share": round(_share(storm.rows, origins, Label.NEGATIVE), 3),
    }


def live_only(copies: Iterable[Copy]) -> list[Copy]:
    """What may wake people: copies that arrived in time."""
    return [copy for copy in copies if copy.live]
