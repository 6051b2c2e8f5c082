"""Bursting: which closed bins' copies have changed, what is usual, which stories burst; findings go to ``handling``.

Only bins whose counts changed are looked at, and the windows that reach over them, so a quiet brand costs one query.
A bin is judged by the days before its own: it gives the same whenever it is looked at, as long as no more came for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from sqlite_utils import Database

from monitor import bursts as rules
from monitor.bursts import Day, Remark, Said, Settings, Storm, Usual
from monitor.config import Brand
from monitor.incidents import HISTORY, LIVE
from monitor.model import BIN, HEARD_ENOUGH, Finding, Label
from monitor.store import bursts, counts, coverage, story_voices, writing
from monitor.store import incidents as stored
from monitor.stories.remarks import own_words
from monitor.work import handling
from monitor.work.app import App

SETTINGS = Settings()
LOOK_BACK = 28
"""Days before a bin among which the heard ones are sought that say what is usual."""
HEARD = 0.75
"""The share of a day's bins that must have been heard for it to say what is usual."""
AT_ONCE = timedelta(days=7)
"""Copies of a long stretch, as after an import, are read by so much."""
REMARKS_READ = 500
"""Copies of one story in one window, the newest, whose authors' own words are scored: a thirtieth of a second."""


def watch(app: App, db: Database, brand: Brand, brand_id: int, now: datetime) -> None:
    """Judge the copies of every closed bin of one brand that has changed; each finding is a transaction of its own."""
    end = counts.closed_until(db, now)
    touched = bursts.touched(db, brand_id, end)
    if not touched:
        return
    with writing(db):  # first: what is usual is not what it was
        bursts.forget_days(db, brand_id, touched)
    held = stored.holds(db, brand_id)
    for ends in _stretches(touched, end):
        judged = [at for at in ends if not any(hold.learn_from <= at < hold.held_to for hold in held)]
        if judged:
            _judge(app, db, brand, brand_id, judged, now)
        if app.stop.is_set():
            return
    with writing(db):
        bursts.looked_at(db, brand_id, touched)


def _stretches(touched: Sequence[datetime], end: datetime) -> Iterator[list[datetime]]:
    """The closed bins at whose end a window reaches over a touched one, in stretches without a gap."""
    ends = sorted({at + i * BIN for at in touched for i in range(SETTINGS.window // BIN) if at + i * BIN < end})
    for _, run in groupby(enumerate(ends), key=lambda item: (item[1] - item[0] * BIN, (item[1] - ends[0]) // AT_ONCE)):
        yield [at for _, at in run]


def _judge(app: App, db: Database, brand: Brand, brand_id: int, ends: Sequence[datetime], now: datetime) -> None:
    """Both series: the live one of copies that came in time, which may wake, and that of all copies, which shows."""
    everything = bursts.copies(db, brand_id, ends[0] + BIN - SETTINGS.window, ends[-1] + BIN, SETTINGS.fewest)
    found = [
        (storm, origin)
        for origin, copies in ((LIVE, rules.live_only(everything)), (HISTORY, everything))
        for storm in rules.storms(copies, ends, SETTINGS, SETTINGS.fewest)
    ]
    remarks = _Remarks(app, db, brand_id)
    levels = {day: usual(db, brand_id, day) for day in {storm.at.date() for storm, _ in found}}
    newest: dict[tuple[int, str], Storm] = {}
    for storm, origin in sorted(found, key=lambda item: (item[0].at, item[1] == HISTORY)):
        said = bursts.said(db, brand_id, storm.story, origin, storm.at - SETTINGS.again_after)
        finding = _find(remarks, storm, levels[storm.at.date()], origin, said)
        if finding is not None:
            handling.take_in(app, db, brand, brand_id, finding, now)
        newest[storm.story, origin] = storm
    for (_, origin), storm in newest.items():  # only what is so now: after a standstill many bins are judged at once
        going_on = _find(remarks, storm, levels[storm.at.date()], origin, ())
        if going_on is not None:
            handling.swell(app, db, brand, brand_id, going_on, now)


class _Remarks:
    """What those add who pass stories of one brand on. Scored anew from what is stored: what is kept is the score of
    the whole post, in which what it passes on speaks louder."""

    def __init__(self, app: App, db: Database, brand: int) -> None:
        self.db, self.brand = db, brand
        self._app = app
        self._negative: dict[str, bool] = {}

    def __call__(self, storm: Storm) -> list[Remark]:
        newest = [row.post for row in rules.copied(storm.rows)][-REMARKS_READ:]
        rows = [(row, own_words(row.head, row.kind)) for row in bursts.passed_on(self.db, self.brand, newest)]
        added = [(row, words) for row, words in rows if words]
        self._score({words for _, words in added} - self._negative.keys())
        return [
            Remark(row.author, self._negative[words] if row.label is None else row.label is Label.NEGATIVE)
            for row, words in added
        ]

    def _score(self, words: Set[str]) -> None:
        texts = sorted(words)
        if texts:
            scores = self._app.scorer.score_many(texts)
            self._negative |= {text: score.label is Label.NEGATIVE for text, score in zip(texts, scores, strict=True)}


def _find(remarks: _Remarks, storm: Storm, level: Usual, origin: str, said: Sequence[Said]) -> Finding | None:
    db, brand_id, end = remarks.db, remarks.brand, storm.at + BIN
    return rules.find(
        storm, level, origin,
        lambda s: bursts.origins(db, brand_id, (row.group for row in s.rows), end), said,
        lambda s: story_voices.voices(db, brand_id, s.story, end=end), SETTINGS, remarks,
    )  # fmt: skip


def usual(db: Database, brand_id: int, today: date) -> Usual:
    """What was usual before a day (UTC). The largest story of each is reckoned once, and kept."""
    days = [today - timedelta(days=i) for i in range(1, LOOK_BACK + 1)]
    heard = coverage.heard_share(db, brand_id, _midnight(days[-1]), _midnight(today))
    known = bursts.peaks(db, brand_id, days[-1], days[0])
    found: list[Day] = []
    for day in days:
        bins = [_midnight(day) + i * BIN for i in range(timedelta(days=1) // BIN)]
        enough = sum(heard.get(b, 0.0) >= HEARD_ENOUGH for b in bins) >= HEARD * len(bins)
        if enough and day not in known:
            known[day] = _measure(db, brand_id, day, bins)
        found.append(Day(known.get(day, 0), enough))
        if sum(d.heard for d in found) == SETTINGS.days:
            break
    return rules.usual(found, SETTINGS)


def _measure(db: Database, brand_id: int, day: date, bins: Sequence[datetime]) -> int:
    copies = bursts.copies(db, brand_id, bins[0] + BIN - SETTINGS.window, bins[-1] + BIN, 1)
    peak = rules.peak(copies, bins, SETTINGS)
    with writing(db):
        bursts.keep_peak(db, brand_id, day, peak)
    return peak


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
