"""Counts from a table: CSV with the columns ``time,count[,other]`` in, one JSON line per alert out."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice, pairwise
from zoneinfo import ZoneInfo

from monitor.errors import InputError
from monitor.model import BIN, utc_text
from monitor.spikes.detector import detect
from monitor.spikes.settings import Bin, Settings

LOOK, LOOK_ROWS = timedelta(days=3), 4
"""The width of the bins is the most common difference of the rows of the first three days, of four rows at least; of
equally common ones the smallest. No alert is raised so early, so a file cut later gives the same."""
MOST = 10**12
"""Greatest count believed of one bin; sums over a fortnight of them still fit into 64 bits."""

Row = tuple[int, datetime, int, int]
"""Number of the line in the file, start in UTC, count, other."""


def read_counts(lines: Iterable[str], *, name: str, zone: ZoneInfo) -> tuple[timedelta, Iterator[Bin]]:
    """-> width of the bins and the bins. Times without offset are local ones of ``zone``; other columns are ignored.

    ``InputError`` names the file and the row (the line of the file, the header is row 1): at once for the header and
    the first rows, later rows while they are read.
    """
    rows = _rows(lines, name, zone)
    first = list(islice(rows, LOOK_ROWS))
    for row in rows:
        first.append(row)
        if row[1] - first[0][1] > LOOK:
            break
    width = _width([row[1] for row in first])
    return width, _bins(chain(first, rows), width, name)


def detect_lines(lines: Iterable[str], *, name: str, zone: ZoneInfo, raw: bool = False) -> Iterator[str]:
    """One JSON object per alert, in order: ``time`` is the row at which it is raised, then the evidence."""
    width, bins = read_counts(lines, name=name, zone=zone)
    for found in detect(bins, Settings(width=width, zone=zone, raw=raw)):
        yield json.dumps(found.evidence(), ensure_ascii=False)


def _width(starts: list[datetime]) -> timedelta:
    differences = Counter(after - before for before, after in pairwise(starts) if after > before)
    if not differences:
        return BIN
    most = max(differences.values())
    return min(difference for difference, times in differences.items() if times == most)


def _bins(rows: Iterable[Row], width: timedelta, name: str) -> Iterator[Bin]:
    before: tuple[int, datetime] | None = None
    for number, start, count, other in rows:
        if before is not None and start - before[1] < width / 2:
            kind = "the same bin as" if start > before[1] - width / 2 else "earlier than"
            raise InputError(
                f"{name}: row {number}: {utc_text(start)} is {kind} row {before[0]}, {utc_text(before[1])}"
            )
        before = number, start
        yield Bin(start, count, other)


def _rows(lines: Iterable[str], name: str, zone: ZoneInfo) -> Iterator[Row]:
    reader = csv.reader(_without_mark(lines))
    try:
        header = next(reader, None)
        if header is None:
            raise InputError(f"{name}: the file is empty; its first row must be time,count[,other]")
        columns = _columns([cell.strip().casefold() for cell in header], name)
        before: datetime | None = None
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{name}: row {reader.line_num}"
            before = _time(_cell(cells, columns, "time", where), before, zone, where)
            count = _count(_cell(cells, columns, "count", where), where, "count")
            other = _count(_cell(cells, columns, "other", where), where, "other") if "other" in columns else 0
            yield reader.line_num, before, count, other
    except csv.Error as error:
        raise InputError(f"{name}: row {reader.line_num}: not CSV: {error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{name}: row {reader.line_num + 1}: not UTF-8") from None


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line.removeprefix("\ufeff") if number == 0 else line


def _columns(header: list[str], name: str) -> dict[str, int]:
    for column in ("time", "count"):
        if column not in header:
            raise InputError(f"{name}: row 1: no column {column!r}; the first row must be time,count[,other]")
    return {column: header.index(column) for column in ("time", "count", "other") if column in header}


def _cell(cells: list[str], columns: dict[str, int], column: str, where: str) -> str:
    if columns[column] >= len(cells):
        raise InputError(f"{where}: the column {column!r} is missing")
    return cells[columns[column]].strip()


def _count(cell: str, where: str, column: str) -> int:
    """A whole number, also as tables export it: ``3.0``."""
    try:
        value = float(cell)
    except ValueError:
        raise InputError(f"{where}: {column} is not a number: {cell[:40]!r}") from None
    if not 0 <= value <= MOST or value != int(value):
        raise InputError(f"{where}: {column} is not a whole number from 0 to {MOST}: {cell[:40]!r}")
    return int(value)


def _time(cell: str, before: datetime | None, zone: ZoneInfo, where: str) -> datetime:
    """In UTC. Of a local hour that a clock change repeats, the second is meant where the first is not after
    ``before``."""
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        raise InputError(f"{where}: time is not ISO 8601: {cell[:40]!r}") from None
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        start = moment.replace(tzinfo=zone).astimezone(UTC)
        if before is not None and start <= before:
            start = max(start, moment.replace(tzinfo=zone, fold=1).astimezone(UTC))
    except OverflowError:
        raise InputError(f"{where}: time is out of range: {cell[:40]!r}") from None
    if start.astimezone(zone).replace(tzinfo=None) != moment:
        raise InputError(f"{where}: {cell[:40]} does not exist in {zone.key}: the clocks went forward")
    return start
