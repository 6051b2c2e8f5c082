"""Days on which people write less or more than usual: local date -> names and kinds.

Lunar dates are public facts of 2015 to 2050, the same as those of the package ``lunardate`` (compared once); outside
these years only the solar days are known. A holiday says that a dip or a rush is no surprise; it claims neither, for
not every brand has one, so whoever uses it looks at the volume too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Kind(StrEnum):
    """What is usual on such a day: less said than else, or more."""

    QUIET = "quiet"
    RUSH = "rush"


class Holiday(NamedTuple):
    """``name``: as people in Taiwan write it; also in the table ``calendar``."""

    name: str
    kind: Kind


FIRST_YEAR = 2015
_DAY = timedelta(days=1)


def _dates(text: str) -> dict[int, date]:
    """``text``: month and day of each year from ``FIRST_YEAR``."""
    years = enumerate(text.split(), FIRST_YEAR)
    return {year: date(year, int(cell[:2]), int(cell[2:])) for year, cell in years}


NEW_YEAR = _dates(
    "0219 0208 0128 0216 0205 0125 0212 0201 0122 0210 0129 0217 0206 0126 0213 0203 0123 0211 0131 0219 0208 0128 "
    "0215 0204 0124 0212 0201 0122 0210 0130 0217 0206 0126 0214 0202 0123"
)
"""The first day of the first lunar month."""
DRAGON_BOAT = _dates(
    "0620 0609 0530 0618 0607 0625 0614 0603 0622 0610 0531 0619 0609 0528 0616 0605 0624 0612 0601 0620 0610 0530 "
    "0618 0607 0527 0614 0603 0622 0611 0531 0619 0608 0529 0615 0604 0623"
)
"""The fifth day of the fifth."""
MID_AUTUMN = _dates(
    "0927 0915 1004 0924 0913 1001 0921 0910 0929 0917 1006 0925 0915 1003 0922 0912 1001 0919 0908 0927 0916 1004 "
    "0924 0913 1002 0920 0910 0928 0917 1005 0925 0915 1004 0922 0911 0930"
)
"""The fifteenth day of the eighth."""

_SOLAR = (
    ("元旦", Kind.QUIET, (1, 1), (1, 1)),
    ("勞動節", Kind.QUIET, (5, 1), (5, 5)),
    ("618", Kind.RUSH, (6, 1), (6, 18)),
    ("國慶", Kind.QUIET, (10, 1), (10, 7)),
    ("雙十", Kind.QUIET, (10, 10), (10, 10)),
    ("雙11", Kind.RUSH, (11, 1), (11, 11)),
    ("雙12", Kind.RUSH, (12, 10), (12, 12)),
    ("跨年", Kind.RUSH, (12, 31), (12, 31)),
)
"""Name, kind, first and last (month, day). The sales are of weeks and end with the day they are named after."""


def qingming(year: int) -> date:
    """The day of the solar term; the usual rule of thumb, right for 2001 to 2099."""
    short = year % 100
    return date(year, 4, int(short * 0.2422 + 4.81) - short // 4)


@lru_cache(maxsize=4096)
def holidays(day: date) -> tuple[Holiday, ...]:
    """The holidays that a local day belongs to; mostly none."""
    return tuple(_lunar(day)) + tuple(
        Holiday(name, kind) for name, kind, first, last in _SOLAR if first <= (day.month, day.day) <= last
    )


def _lunar(day: date) -> Iterator[Holiday]:
    new_year = NEW_YEAR.get(day.year)
    if new_year is not None and -1 <= (day - new_year).days <= 6:  # from the eve to the seventh
        yield Holiday("春節", Kind.QUIET)
    for name, feast in (
        ("清明", qingming(day.year) if 2001 <= day.year <= 2099 else None),
        ("端午", DRAGON_BOAT.get(day.year)),
        ("中秋", MID_AUTUMN.get(day.year)),
    ):
        if feast is not None and abs(day - feast) <= _DAY:
            yield Holiday(name, Kind.QUIET)


def kinds(day: date) -> frozenset[Kind]:
    """What may be usual on that day."""
    return frozenset(holiday.kind for holiday in holidays(day))
