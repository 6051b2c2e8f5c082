"""The ledger as a digest shows it: what to answer today, and what was made good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.complaints import pressure
from monitor.excerpts import excerpt
from monitor.model import LEDGER_DAYS, LEDGER_FEWEST, ComplaintLine, Ledger, Quote, utc_text
from monitor.store import complaint_turns
from monitor.store import ledger as stored
from monitor.store.complaint_turns import Extent
from monitor.store.ledger import Row, Waiting
from monitor.work.quoting import REMOVED, WIDTH

TO_ANSWER, MADE_GOOD = 8, 8
"""Lines that a page shows: as many as a team can answer in a morning."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def ledger(db: Database, brand: int, start: datetime, end: datetime, now: datetime) -> Ledger:
    """The complaints of a brand in the day [start, end), as of its end or of now, if that is earlier."""
    until = min(end, now).replace(microsecond=0)  # as times are stored, so that a query can give the same
    count = stored.happened(db, brand, start, until)
    waiting, unrecovered = stored.standing(db, brand, until)
    since = until - LEDGER_DAYS * DAY
    return Ledger(
        **count, waiting=waiting, unrecovered=unrecovered,
        time_to_answer=stored.usual_time(db, brand, "answered", since, until, LEDGER_FEWEST),
        time_to_recovery=stored.usual_time(db, brand, "recovered", since, until, LEDGER_FEWEST),
        to_answer=tuple(_to_answer(db, stored.waiting(db, brand, since, until), until)),
        made_good=tuple(
            line for c in stored.made_good(db, brand, start, until, MADE_GOOD) if (line := _line(db, c, until))
        ),
    )  # fmt: skip


def _to_answer(db: Database, waiting: list[Waiting], until: datetime) -> list[ComplaintLine]:
    """The most pressing ones. Each is looked at only if it may be among them: it cannot have gained more
    than it has come to."""

    def most(one: Waiting) -> float:
        hours = min(DAY, max(HOUR, until - one.since)) / HOUR
        return _pressure(one, one.reach, (one.posts + one.engagement) / hours, one.last_seen, until)

    ranked: list[tuple[float, datetime, int]] = []
    for bound, one in sorted(((most(one), one) for one in waiting), key=lambda b: (-b[0], b[1].complaint)):
        if len(ranked) == TO_ANSWER and -ranked[-1][0] >= bound:
            break
        went = _went(db, one.complaint, one.first_seen, until)
        if went is not None:
            presses = _pressure(one, went.now.reach or 0, went.velocity, went.now.last, until)
            ranked = sorted([*ranked, (-presses, one.first_seen, one.complaint)])[:TO_ANSWER]
    return [line for *_, complaint in ranked if (line := _line(db, complaint, until))]


@dataclass(frozen=True, slots=True)
class _Went:
    """How far a complaint went by a moment, and by a day before; what it gained an hour in that day."""

    now: Extent
    before: Extent | None
    velocity: float


def _went(db: Database, complaint: int, first_seen: datetime, until: datetime) -> _Went | None:
    """None if nothing of it had been written then."""
    now = complaint_turns.extent(db, complaint, utc_text(until))
    if now is None:
        return None
    before = complaint_turns.extent(db, complaint, utc_text(until - DAY))
    had = before.posts + before.engagement if before else 0
    hours = min(DAY, max(HOUR, until - first_seen)) / HOUR
    return _Went(now, before, max(0, now.posts + now.engagement - had) / hours)


def _pressure(one: Waiting, reach: int, velocity: float, last_seen: datetime, until: datetime) -> float:
    waits, quiet = until - one.since, max(timedelta(0), until - last_seen)
    return pressure(one.severity, reach, velocity, waits, quiet)


def _line(db: Database, complaint: int, until: datetime) -> ComplaintLine | None:
    """A complaint as of a moment; None if nothing of it had been written then."""
    row = stored.row(db, complaint)
    went = _went(db, complaint, row.first_seen, until)
    if went is None:
        return None
    now, before = went.now, went.before
    state = row.state(until)
    answer = stored.post(db, row.answer) if row.answer and row.answered_at and row.answered_at < until else None
    return ComplaintLine(
        complaint_id=complaint, story_id=row.story, themes=row.themes, severity=row.severity, state=state,
        first_seen=row.first_seen, last_seen=now.last, posts=now.posts, voices=now.voices, reach=now.reach,
        velocity=went.velocity,
        posts_before=before.posts if before else None, reach_before=before.reach if before else None,
        quote=_sentence(row), answered_at=row.answered_at if row.answered_at and row.answered_at < until else None,
        recovered_at=row.recovered_at if row.recovered_at and row.recovered_at < until else None,
        answer=answer and replace(answer, text=_short(answer.text)),
    )  # fmt: skip


def _sentence(row: Row) -> Quote:
    """The sentence that hurts, in place of the whole post."""
    start, end = row.span
    return replace(row.quote, text=_short((row.quote.text[start:end] or row.quote.text).lstrip(",，、.。;；:： ")))


def _short(text: str) -> str:
    return excerpt(text, 0, 0, WIDTH) or REMOVED
