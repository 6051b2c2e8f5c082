"""Times as pages show them to a reader: 刚刚, 3分钟前, 昨天 21:08, 11-20 21:08."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo

from sources.dates import believable, read_time

_AHEAD = timedelta(hours=26)
"""A day without a year may lie this far ahead of us: the platform's day begins before ours, and clocks differ."""
_LONGEST = 80
_NOW = re.compile(r"刚刚|剛剛|刚才|剛才|just now")
_AGO = re.compile(r"(?:约|約|大约|大約)?(半|\d{1,6}|[一二两兩三四五六七八九十])\s*(?:个|個)?\s*(\w+?)\s*(?:以|之)?前")
_UNITS = {
    "秒": 1, "秒钟": 1, "秒鐘": 1, "分": 60, "分钟": 60, "分鐘": 60, "小时": 3600, "小時": 3600, "钟头": 3600,
    "鐘頭": 3600, "天": 86400, "日": 86400, "周": 604800, "週": 604800, "星期": 604800, "礼拜": 604800,
    "禮拜": 604800, "月": 30 * 86400, "年": 365 * 86400,
}  # fmt: skip
_NUMERALS = {"半": 0.5, "两": 2.0, "兩": 2.0} | {sign: float(n) for n, sign in enumerate("一二三四五六七八九十", 1)}
_DAYS_BACK = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "前天": 2, "前日": 2}
_DAY = re.compile(rf"({'|'.join(_DAYS_BACK)})\s*(\S.*)?")
_NO_YEAR = re.compile(r"(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})\s*[日号號]?(?:\s+(\S.*)|(?<=[日号號])(\S.*))?")
_CLOCK = re.compile(r"[^\d\s]{0,2}\s*\d{1,2}\s*[:時时點点]\s*\d{1,2}.*")


def read_shown_time(value: str, zone: tzinfo, now: datetime) -> datetime:
    """A moment as it was shown at ``now`` to a reader in ``zone``, as aware UTC; also all that ``read_time`` reads.

    A day without a year is the last such day that has begun anywhere; a bare clock time is today's, or yesterday's if
    that lies ahead. ``3小时前`` means three whole hours; months and years ago count 30 and 365 days. Raises ValueError
    with a reason of a few words.
    """
    if len(value) > _LONGEST:
        raise ValueError("not a time")
    text = unicodedata.normalize("NFKC", value).strip()
    here = now.astimezone(zone)
    for read in (_ago, _named_day, _without_year, _clock):
        if (moment := read(text, zone, here)) is not None:
            return believable(moment)
    return read_time(value, zone)


def _ago(text: str, zone: tzinfo, here: datetime) -> datetime | None:
    if _NOW.fullmatch(text.lower()):
        return here
    found = _AGO.fullmatch(text)
    if not found or found[2] not in _UNITS:
        return None
    count = _NUMERALS[found[1]] if found[1] in _NUMERALS else float(found[1])
    try:
        return here.astimezone(UTC) - timedelta(seconds=count * _UNITS[found[2]])
    except OverflowError as error:
        raise ValueError("a year that cannot be") from error


def _named_day(text: str, zone: tzinfo, here: datetime) -> datetime | None:
    found = _DAY.fullmatch(text)
    if not found:
        return None
    day = here.date() - timedelta(days=_DAYS_BACK[found[1]])
    return read_time(f"{day.isoformat()} {found[2] or ''}".strip(), zone)


def _without_year(text: str, zone: tzinfo, here: datetime) -> datetime | None:
    """The latest year in which this day exists and has begun; four years back there is a 29 February, but for 2100."""
    found = _NO_YEAR.fullmatch(text)
    if not found:
        return None
    rest = found[3] or found[4] or ""
    for year in range(here.year + 1, here.year - 9, -1):
        try:
            moment = read_time(f"{year}-{found[1]}-{found[2]} {rest}".strip(), zone)
        except ValueError:
            continue
        if moment <= here + _AHEAD:
            return moment
    raise ValueError("not a time")


def _clock(text: str, zone: tzinfo, here: datetime) -> datetime | None:
    if not _CLOCK.fullmatch(text):
        return None
    today = read_time(f"{here.date().isoformat()} {text}", zone)
    if today <= here + timedelta(minutes=10):
        return today
    return read_time(f"{(here.date() - timedelta(days=1)).isoformat()} {text}", zone)
