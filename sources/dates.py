"""Claimed times as feeds and files write them, read without guessing."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing was posted on the web before; an earlier time is a zero or a slip."""
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
TOO_FAR_AHEAD = timedelta(days=366)
"""A claimed time farther ahead of the fetch than this is a slip of the pen and not kept at all."""

_LONGEST = 80
_WEEKDAY = r"(?:\(?(?:星期|週|周|礼拜|禮拜)?[一二三四五六日天]\)?)"
_YEAR_FIRST = re.compile(
    rf"""(?P<year>\d{{4}})\s*(?:[-/.]|年)\s*(?P<month>\d{{1,2}})\s*(?:[-/.]|月)\s*(?P<day>\d{{1,2}})\s*[日号號]?
        (?:\s*{_WEEKDAY})?
        (?:(?:\s*[T,]\s*|\s+|(?<=[日号號)一二三四五六天]))
           (?P<before>上午|下午|凌晨|早上|清晨|中午|傍晚|晚上|[ap]\.?m\.?)?\s*
           (?P<hour>\d{{1,2}})\s*[:時时點点]\s*(?P<minute>\d{{1,2}})\s*分?
           (?:\s*:?\s*(?P<second>\d{{1,2}})(?:[.,](?P<fraction>\d{{1,9}}))?\s*秒?)?
           (?:\s*(?P<after>[ap]\.?m\.?))?
           \s*(?P<zone>Z|(?:UTC|GMT)?\s*[+-]\d{{1,2}}(?::?\d{{2}})?|UTC|GMT)?
        )?""",
    re.VERBOSE | re.IGNORECASE,
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{3}(?:\d{3})?)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_PACKED = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_AFTERNOON = ("下午", "傍晚", "晚上", "pm")
_DAY_OR_MONTH_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\b(.*)", re.DOTALL)


def read_time(value: str, zone: tzinfo) -> datetime:
    """A written moment as an aware UTC datetime; one without an offset is a local time of ``zone``.

    Reads ISO 8601, year-first dates with 上午/下午, Unix seconds and milliseconds, mail dates (RFC 5322) and Weibo's.
    Raises ValueError with a reason of a few words; a date without a year is never completed.
    """
    if len(value) > _LONGEST:
        raise ValueError("not a time")
    text = unicodedata.normalize("NFKC", value).strip()
    if _ISO.fullmatch(text) and (moment := _iso(text, zone)) is not None:
        return believable(moment)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return believable(_from_digits(text, zone))
    for read in (_year_first, _weibo, _day_or_month_first, _mail_date):
        if (moment := read(text, zone)) is not None:
            return believable(moment)
    if not re.search(r"\d{4}", text):
        raise ValueError("no year")
    raise ValueError("not a time")


def believable(moment: datetime) -> datetime:
    """An aware moment in UTC. Raises ValueError when nothing can have been posted then."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a year that cannot be") from error
    if not EARLIEST <= moment < LATEST:
        raise ValueError(f"the year {moment.year} cannot be")
    return moment


def next_in_sequence(
    month: int, day: int, hour: int, minute: int, zone: tzinfo, *, after: datetime, until: datetime
) -> datetime:
    """A local time without a year, known to follow ``after``: the first such moment, in UTC, also across New Year.

    Up to a day before ``after`` still counts as following it: such times are cut to the minute, and clocks differ.
    Raises ValueError when there is no such day or it lies behind ``until``.
    """
    first = after.astimezone(zone).year - 1
    for year in range(first, first + 10):  # 29 February may be eight years away
        try:
            moment = believable(datetime(year, month, day, hour, minute, tzinfo=zone))
        except ValueError:
            continue
        if moment >= after - timedelta(days=1):
            if moment > until:
                break
            return moment
    raise ValueError("no such time between")


def _iso(text: str, zone: tzinfo) -> datetime | None:
    """What most files have, read in a tenth of the time; None where the other ways say what is wrong."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _from_digits(text: str, zone: tzinfo) -> datetime:
    whole = text.partition(".")[0]
    if form := _PACKED.get(len(text)):
        return datetime.strptime(text, form).replace(tzinfo=zone)
    if len(whole) in (9, 10):
        return datetime.fromtimestamp(float(text), UTC)
    if len(whole) == 13:
        return datetime.fromtimestamp(float(text) / 1000, UTC)
    raise ValueError("a number that is neither Unix seconds nor milliseconds")


def _year_first(text: str, zone: tzinfo) -> datetime | None:
    found = _YEAR_FIRST.fullmatch(text)
    if not found:
        return None
    part = found.groupdict()
    hour = _hour(int(part["hour"] or 0), (part["before"] or part["after"] or "").lower().replace(".", ""))
    second = min(int(part["second"] or 0), 59)  # a leap second is told as the one before it
    micro = int((part["fraction"] or "0").ljust(6, "0")[:6])
    day = (int(part["year"]), int(part["month"]), int(part["day"]))
    zone = _offset(part["zone"]) if part["zone"] else zone
    return datetime(*day, hour, int(part["minute"] or 0), second, micro, tzinfo=zone)


def _hour(hour: int, half: str) -> int:
    """The hour of the day; 下午 15:00, as some forms write it, is 15:00."""
    if half in _AFTERNOON and hour < 12:
        return hour + 12
    if half in ("上午", "凌晨", "am") and hour == 12:
        return 0
    return hour


def _offset(zone: str) -> tzinfo:
    found = re.search(r"([+-])(\d{1,2}):?(\d{2})?", zone)
    if not found:
        return UTC
    width = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    if width >= timedelta(hours=24):
        raise ValueError("an offset that cannot be")
    return timezone(-width if found[1] == "-" else width)


def _weibo(text: str, _: tzinfo) -> datetime | None:
    try:
        return datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y")
    except ValueError:
        return None


def _mail_date(text: str, zone: tzinfo) -> datetime | None:
    """A mail date; one without a year (or with two digits of it) is left alone."""
    if not re.search(r"\b[A-Za-z]{3,9}\.?,?\s+\d{4}\b", text):
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _day_or_month_first(text: str, zone: tzinfo) -> datetime | None:
    """``20/11/2026`` can be read one way only, ``03/04/2026`` two ways, so it is not read."""
    found = _DAY_OR_MONTH_FIRST.fullmatch(text)
    if not found:
        return None
    first, second, year, rest = int(found[1]), int(found[2]), found[3], found[4]
    if first <= 12 and second <= 12 and first != second:
        raise ValueError("day or month first?")
    day, month = (first, second) if first > 12 else (second, first)
    return _year_first(f"{year}-{month}-{day}{rest}", zone)
