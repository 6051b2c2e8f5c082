"""The languages people read: catalogues, numbers, dates.

English texts are the msgids. The Chinese catalogues are plain ``.po`` files, compiled in memory when a language is
first used, so an edited file needs no build step. Placeholders are named: ``%(n)s``; numbers reach them formatted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from math import floor
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton, get_timezone_gmt
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_decimal, format_percent

from monitor.errors import ConfigError, nearest, shown

LOCALES = {"zh-Hant": "zh_Hant_TW", "zh-Hans": "zh_Hans_CN", "en": "en"}
FOLDER = Path(__file__).parent / "locale"


@dataclass(frozen=True)
class Language:
    """One language's words and forms. ``code`` is the HTML ``lang``."""

    code: str
    locale: Locale
    catalogue: NullTranslations

    def gettext(self, message: str, **values: object) -> str:
        return self.catalogue.gettext(message) % values

    def ngettext(self, one: str, many: str, n: int, /, **values: object) -> str:
        """The form for ``n``, which is also the placeholder ``%(n)s``, formatted unless given."""
        return self.catalogue.ngettext(one, many, n) % {"n": self.number(n), **values}

    def number(self, value: float, digits: int = 0) -> str:
        return str(format_decimal(value, "#,##0." + "#" * digits if digits else "#,##0", self.locale))

    def rough(self, value: float) -> str:
        """A large number as it is spoken, to about two digits: ``310 million``, ``3.1億``, ``4,600``."""
        digits = len(str(int(value))) - 2
        rounded = round(value, -digits) if digits > 0 else round(value)
        if rounded < 100_000:
            return self.number(rounded)
        length: Literal["long", "short"] = "long" if "long" in self.locale.compact_decimal_formats else "short"
        return str(format_compact_decimal(rounded, format_type=length, locale=self.locale, fraction_digits=1))

    def signed(self, value: float, digits: int = 0) -> str:
        """A change: ``+7``, ``−3`` or ``±0``, with a true minus sign."""
        sign = "±" if round(value, digits) == 0 else "+" if value > 0 else "−"
        return sign + self.number(abs(value), digits)

    def score(self, value: float) -> str:
        """A score of -1..1 with its sign, always to two places: ``+0.20``."""
        sign = "±" if round(value, 2) == 0 else "+" if value > 0 else "−"
        return sign + str(format_decimal(abs(value), "0.00", self.locale))

    def percent(self, share: float, digits: int = 0) -> str:
        return str(format_percent(share, "#,##0." + "#" * digits + "%" if digits else "#,##0%", self.locale))

    def heard(self, share: float) -> str:
        """A heard share, rounded down: almost everything is not everything."""
        return self.percent(floor(round(100 * share, 6)) / 100)

    def length(self, time: timedelta) -> str:
        """A stretch of time as it is said: minutes up to two hours, then hours."""
        hours = time / timedelta(hours=1)
        if hours < 2:
            return self.gettext("%(n)s min", n=self.number(time / timedelta(minutes=1)))
        return self.gettext("%(n)s h", n=self.number(hours, 1))

    def join(self, items: Sequence[str]) -> str:
        """Names in a row, the last one not set apart: their number says enough."""
        return (", " if self.code == "en" else "、").join(items)

    def sentences(self, *parts: str) -> str:
        """Sentences one after another: Chinese full stops bring their own space."""
        return (" " if self.code == "en" else "").join(part for part in parts if part)

    def day(self, day: date) -> str:
        return str(format_skeleton("yMMMEd", _noon(day), locale=self.locale))

    def short_day(self, day: date) -> str:
        return str(format_skeleton("MEd", _noon(day), locale=self.locale))

    def tick(self, day: date, first: bool) -> str:
        """A chart's label: the day of the month, with the month where it begins."""
        return f"{day.month}/{day.day}" if first or day.day == 1 else str(day.day)

    def clock(self, moment: datetime, zone: str) -> str:
        return f"{moment.astimezone(ZoneInfo(zone)):%H:%M}"

    def moment(self, moment: datetime, zone: str, day: date | None = None) -> str:
        """The time of day, with its date unless that is ``day``."""
        local = moment.astimezone(ZoneInfo(zone))
        clock = self.clock(moment, zone)
        return clock if local.date() == day else f"{format_skeleton('Md', local, locale=self.locale)} {clock}"

    def until(self, start: datetime, end: datetime, zone: str) -> str:
        """The end of a stretch whose start was said: with its date unless that is the start's."""
        return self.moment(end, zone, start.astimezone(ZoneInfo(zone)).date())

    def zone(self, zone: str, at: datetime) -> str:
        """A zone by its name and offset at that time: ``Asia/Taipei, GMT+08:00``."""
        return f"{zone}, {get_timezone_gmt(at.astimezone(ZoneInfo(zone)), locale=self.locale)}"


@lru_cache
def language(code: str) -> Language:
    """The language of a config's code: ``zh-Hant``, ``zh-Hans`` or ``en``."""
    if code not in LOCALES:
        raise ConfigError(f"language: must be one of {', '.join(LOCALES)}, not {shown(code)}{nearest(code, LOCALES)}")
    catalogue = NullTranslations() if code == "en" else _catalogue(code.replace("-", "_"))
    return Language(code, Locale.parse(LOCALES[code]), catalogue)


def _catalogue(name: str) -> NullTranslations:
    path = FOLDER / name / "LC_MESSAGES" / "qianli.po"
    with path.open("rb") as source:
        catalogue = read_po(source, locale=name, domain="qianli")
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _noon(day: date) -> datetime:
    """A moment that Babel may format as this day: it would shift a bare midnight into another zone."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("UTC"))
