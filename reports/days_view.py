"""The fourteen days of the chart, and the rows of a split by platform or brand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model import HEARD_ENOUGH, DayPoint, Totals
from reports.citing import cited
from reports.figures_view import measured
from reports.incident_view import NAME_LENGTH
from reports.language import Language
from reports.safe import line

ROWS_SHOWN = 8
"""Platforms or competitors listed; the rest is one more row. Such limits keep a mail under 100 KB."""


@dataclass(frozen=True, slots=True)
class Row:
    """One platform or brand: its counts as text, and the shares (0..1) that its bars show."""

    name: str
    mentions: str
    negative_voices: str
    negative_share: str
    mentions_share: float
    negative_of_mentions: float


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the chart, and of the table behind it."""

    date: str
    tick: str
    mentions: int
    negative_voices: int
    mentions_text: str
    voices_text: str
    incident: bool
    heard: bool
    note: str


def days(series: Sequence[DayPoint], words: Language) -> tuple[Day, ...]:
    return tuple(_day(point, index == 0, words) for index, point in enumerate(series))


def _day(point: DayPoint, first: bool, words: Language) -> Day:
    totals, heard = point.totals, point.totals.heard >= HEARD_ENOUGH
    notes = []
    if point.incident:
        notes.append(words.gettext("incident"))
    if not heard:
        notes.append(words.gettext("only %(share)s heard", share=words.heard(totals.heard)))
    return Day(
        date=words.short_day(point.day),
        tick=words.tick(point.day, first),
        mentions=totals.mentions,
        negative_voices=totals.negative_voices,
        mentions_text=cited(words.number(totals.mentions), "days"),
        voices_text=cited(words.number(totals.negative_voices), "days"),
        incident=point.incident,
        heard=heard,
        note=words.join(notes) if notes else "",
    )


def rows(named: Sequence[tuple[str, Totals]], key: str, words: Language) -> tuple[Row, ...]:
    """The first rows as given, evidenced by the proof ``key``; what does not fit is summed into one more."""
    shown = list(named)
    if len(shown) > ROWS_SHOWN:
        rest = shown[ROWS_SHOWN - 1 :]
        name = words.ngettext("%(n)s more", "%(n)s more", len(rest))
        shown = [*shown[: ROWS_SHOWN - 1], (name, _sum([totals for _, totals in rest]))]
    most = max((t.mentions for _, t in shown), default=0) or 1
    return tuple(_row(name, totals, most, key, words) for name, totals in shown)


def _row(name: str, totals: Totals, most: int, key: str, words: Language) -> Row:
    return Row(
        name=line(name, NAME_LENGTH),
        mentions=cited(words.number(totals.mentions), key),
        negative_voices=cited(words.number(totals.negative_voices), key),
        negative_share=cited(measured("negative_share", totals, words), key),
        mentions_share=totals.mentions / most,
        negative_of_mentions=totals.negative_posts / most,
    )


def _sum(several: Sequence[Totals]) -> Totals:
    return Totals(
        mentions=sum(t.mentions for t in several),
        negative_posts=sum(t.negative_posts for t in several),
        negative_voices=sum(t.negative_voices for t in several),
        unscored_posts=sum(t.unscored_posts for t in several),
        pending_posts=sum(t.pending_posts for t in several),
    )
