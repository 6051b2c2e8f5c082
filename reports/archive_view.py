"""The archive in words: a calendar of verdicts with the hours of each day, the feed's titles, a digest's summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from urllib.parse import quote as percent

from babel.dates import format_skeleton, get_day_names

from monitor.model import HEARD_ENOUGH, Archive, ArchivedDay, ArchivedWeek, NoDigest
from reports.incident_view import NAME_LENGTH
from reports.language import Language
from reports.revision_view import verdict_word
from reports.safe import line

TALL = 16
"""Height of a day's drawing, in its own units; an hour is one wide."""

LEAST_TOP = 4
"""An hour of fewer voices than this does not fill the height: a quiet page must not look like a storm."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of a calendar. ``column``: 1..7 from the locale's first weekday. ``verdict`` is ``none`` without one.

    ``said``: its figures, or why it has none. ``spark`` is an SVG path; ``older``: label and address of earlier
    revisions.
    """

    iso: str
    number: str
    weekday: str
    date: str
    column: int
    verdict: str
    word: str
    href: str = ""
    voices: str = ""
    said: str = ""
    spark: str = ""
    hours: int = 0
    incident: str = ""
    heard: str = ""
    revision: str = ""
    older: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MonthView:
    iso: str
    name: str
    cells: tuple[Cell, ...]
    weeks: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """``weekdays`` in the locale's order; ``years``: label and address, the one shown without an address."""

    brand: str
    title: str
    weekdays: tuple[str, ...]
    months: tuple[MonthView, ...]
    years: tuple[tuple[str, str], ...]
    legend: tuple[tuple[str, str, str], ...]
    scale: str


@dataclass(frozen=True, slots=True)
class FrontView:
    """One brand on the index of all: its newest digest, and a column a day."""

    brand: str
    folder: str
    date: str
    verdict: str
    word: str
    href: str
    counts: str
    spark: str
    width: int
    said: str


def archive_view(archive: Archive, words: Language, year: int | None = None) -> ArchiveView:
    by_day, why = {day.day: day for day in archive.days}, dict(archive.missing)
    top = max([LEAST_TOP, *(n for day in archive.days for n in day.hours)])
    months: dict[tuple[int, int], list[date]] = {}
    for at in _days(archive.first, archive.last):
        months.setdefault((at.year, at.month), []).append(at)
    brand = line(archive.brand, NAME_LENGTH)
    return ArchiveView(
        brand=brand,
        title=words.gettext("%(brand)s: archive", brand=brand),
        weekdays=tuple(_weekday(n, words) for n in _week(words)),
        months=tuple(
            _month([_cell(at, by_day.get(at), top, words, why.get(at)) for at in days], days[0], archive.weeks, words)
            for days in reversed(months.values())
        ),
        years=tuple((str(y), "" if y == year else f"{y}.html") for y in archive.years),
        legend=_legend(words),
        scale=words.ngettext(
            "Each drawing shows negative voices by the hour: its full height is %(n)s, and half of it a quarter.",
            "Each drawing shows negative voices by the hour: its full height is %(n)s, and half of it a quarter.",
            top,
        ),
    )


def front_view(archive: Archive, words: Language) -> FrontView:
    newest, brand = archive.days[-1], line(archive.brand, NAME_LENGTH)
    by_day = {day.day: day.negative_voices or 0 for day in archive.days}
    voices = [by_day.get(at, 0) for at in _days(archive.first, archive.last)]
    return FrontView(
        brand=brand,
        folder=percent(archive.folder),
        date=words.day(newest.day),
        verdict=newest.verdict,
        word=verdict_word(newest.verdict, words),
        href=f"{percent(archive.folder)}/{percent(newest.file)}",
        counts=_counts(newest, words),
        spark=spark(voices, max([LEAST_TOP, *voices])),
        width=len(voices),
        said=words.ngettext(
            "Negative voices of the last %(days)s days: %(n)s on the busiest",
            "Negative voices of the last %(days)s days: %(n)s on the busiest",
            max(voices), days=words.number(len(voices)),
        ),
    )  # fmt: skip


def week_name(last: date, words: Language) -> str:
    return f"{words.short_day(last - 6 * DAY)} – {words.short_day(last)}"


def spark(values: Sequence[int], top: int) -> str:
    """Columns as one SVG path, one wide each; heights grow with the square root, so that few still show beside many."""
    return "".join(
        f"M{x} {TALL}v-{(h := _trim(max(1.0, TALL * sqrt(n / top))))}h.8v{h}z" for x, n in enumerate(values) if n > 0
    )


def _trim(value: float) -> str:
    return f"{min(value, TALL):.1f}".removesuffix(".0")


def _days(first: date, last: date) -> list[date]:
    return [first + n * DAY for n in range((last - first).days + 1)]


def _week(words: Language) -> list[int]:
    """The days of the week as the locale begins it; Monday is 0."""
    return [(words.locale.first_week_day + n) % 7 for n in range(7)]


def _weekday(number: int, words: Language) -> str:
    return str(get_day_names("abbreviated", "stand-alone", words.locale)[number])


def _month(cells: Sequence[Cell], first: date, weeks: Sequence[ArchivedWeek], words: Language) -> MonthView:
    ended = [w for w in weeks if (w.day.year, w.day.month) == (first.year, first.month)]
    name = str(format_skeleton("yMMMM", first, locale=words.locale))
    return MonthView(first.strftime("%Y-%m"), name, tuple(cells), tuple(_ended(w, words) for w in reversed(ended)))


def _ended(week: ArchivedWeek, words: Language) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    voices = words.ngettext("%(n)s negative voice", "%(n)s negative voices", week.negative_voices)
    said = f"{week_name(week.day, words)} · {verdict_word(week.verdict, words)} · {voices}"
    return said, percent(week.file), _older(week.older, words)


def _cell(at: date, day: ArchivedDay | None, top: int, words: Language, why: NoDigest | None = None) -> Cell:
    weekday = _weekday(at.weekday(), words)
    column = (at.weekday() - words.locale.first_week_day) % 7 + 1
    shown = (at.isoformat(), str(at.day), weekday, words.day(at), column)
    if day is None:
        return Cell(*shown, "none", words.gettext("No digest"), said=_why(why, words))
    little = day.heard is not None and day.heard < HEARD_ENOUGH
    return Cell(
        *shown, day.verdict, verdict_word(day.verdict, words),
        href=percent(day.file),
        voices="" if day.negative_voices is None else words.number(day.negative_voices),
        said=_counts(day, words),
        spark=spark(day.hours, top),
        hours=len(day.hours),
        incident=words.ngettext("%(n)s incident", "%(n)s incidents", day.incidents) if day.incidents else "",
        heard=words.gettext("only %(share)s heard", share=words.heard(day.heard or 0.0)) if little else "",
        revision=words.gettext("Revision %(number)s", number=words.number(day.revision)) if day.revision > 1 else "",
        older=_older(day.older, words),
    )  # fmt: skip


def _why(why: NoDigest | None, words: Language) -> str:
    """Why there is no digest, in few words: they stand in a square of the calendar."""
    if why is None:
        return ""
    return {
        NoDigest.BEFORE: words.gettext("nothing was collected yet"),
        NoDigest.UNWATCHED: words.gettext("the brand was not watched yet"),
        NoDigest.STOPPED: words.gettext("no source was asked: Qianli did not run, or had none"),
        NoDigest.MISSED: words.gettext("Qianli stood still when it was due, for over a week"),
        NoDigest.FAILED: words.gettext("it could not be made: see qianli status"),
    }[why]


def _counts(day: ArchivedDay, words: Language) -> str:
    if day.negative_voices is None or day.mentions is None:
        return ""
    voices = words.ngettext("%(n)s negative voice", "%(n)s negative voices", day.negative_voices)
    mentions = words.ngettext("%(n)s mention", "%(n)s mentions", day.mentions)
    return words.gettext("%(voices)s among %(mentions)s", voices=voices, mentions=mentions)


def _older(older: Sequence[tuple[int, str]], words: Language) -> tuple[tuple[str, str], ...]:
    return tuple((words.gettext("Revision %(number)s", number=words.number(n)), percent(file)) for n, file in older)


def _legend(words: Language) -> tuple[tuple[str, str, str], ...]:
    meanings = {
        "incident": words.gettext("one was open on that day"),
        "raised": words.gettext("more negative than usual, beyond noise"),
        "calm": words.gettext("nothing unusual"),
        "learning": words.gettext("fewer than 3 days heard: nothing is judged yet"),
        "unknown": words.gettext("too little was heard to say"),
        "empty": words.gettext("all was heard, and nobody spoke"),
    }
    known = [(verdict, verdict_word(verdict, words), meaning) for verdict, meaning in meanings.items()]
    none = ("none", words.gettext("No digest"), words.gettext("none was made; where it is known why, the day says so"))
    return (*known, none)
