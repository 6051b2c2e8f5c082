"""Posts from files: surveys, vendors' exports, archives. CSV, JSON Lines and Excel workbooks; nothing is lost."""

from __future__ import annotations

import csv
import functools
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from monitor.errors import InputError, one_line, shown
from monitor.model import Author, Engagement, Post
from sources.cells import fields, read_row
from sources.columns import Plan, plan
from sources.dates import believable, read_time
from sources.links import canonical
from sources.numbers import parse_count
from sources.tables import Table, open_table

Progress = Callable[[int], None]
"""Told how many bytes of the file (as it lies on the disk) have been read."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says about a file. ``zone``: of times without an offset. ``mapping``: field -> column.
    ``sheet``: of a workbook, by default the first that is not hidden. ``also``: fields that later rows may have and the
    first ones lack.
    """

    zone: ZoneInfo
    platform: str = ""
    brand: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    sheet: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is no post: the physical line it begins on, why, and the row as it stands in the file."""

    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file was taken for. ``mapping``: for each field the columns it is read from. ``notes``: what to check."""

    form: str
    encoding: str
    encoding_is_guess: bool
    delimiter: str
    columns: tuple[str, ...]
    mapping: Mapping[str, tuple[str, ...]]
    rows: tuple[Post | Rejected, ...]
    notes: tuple[str, ...]


def read(path: Path, options: Options, progress: Progress | None = None) -> Iterator[Post | Rejected]:
    """Each row of a file as a post, or as rejected with its reason, in the file's order and one at a time.

    A row without an id gets a hash of its mapped fields and of how often they have come before, so the same file
    adds nothing when it is read again, and two equal rows are two posts. Raises InputError or UsageError with one
    line before the first row, and InputError where a compressed file is cut.
    """
    return (row for _, row in read_with_ids(path, options, progress))


def read_with_ids(
    path: Path, options: Options, progress: Progress | None = None
) -> Iterator[tuple[object, Post | Rejected]]:
    """``read``, and with each row its id as it stands in the file: text, a number, None where there is none."""
    table = open_table(path, options.encoding, options.sheet)
    columns = tuple(dict.fromkeys((*table.columns, *options.also)))
    return _rows(table, plan(columns, options.mapping, path), options, progress)


def preview(path: Path, options: Options, rows: int = 5) -> Preview:
    """What ``read`` would do, and its first rows."""
    table = open_table(path, options.encoding, options.sheet)
    places = plan(table.columns, options.mapping, path)
    return Preview(
        form=table.form,
        encoding=table.encoding,
        encoding_is_guess=table.encoding_from == "guess",
        delimiter=table.delimiter,
        columns=table.columns,
        mapping={name: found[0] for name, found in places.items()},
        rows=tuple(row for _, row in itertools.islice(_rows(table, places, options, None), rows)),
        notes=_notes(table, places),
    )


def write_rejected(path: Path, rejected: Iterable[Rejected]) -> int:
    """Write ``line,reason,row`` as CSV and say how many; no file without rows. Cells that a spreadsheet would take
    for a formula get a leading apostrophe. Raises InputError when the file cannot be written."""
    rows = iter(rejected)
    first = next(rows, None)
    if first is None:
        return 0
    count = 0
    try:
        with path.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("line", "reason", "row"))
            for row in itertools.chain([first], rows):
                writer.writerow((row.line, harmless_cell(row.reason), harmless_cell(row.raw)))
                count += 1
    except OSError as error:
        raise InputError(f"{path}: {one_line(error.strerror or str(error))}") from error
    return count


def harmless_cell(text: str) -> str:
    """A cell that no spreadsheet runs."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _notes(table: Table, places: Plan) -> tuple[str, ...]:
    notes = []
    if table.encoding_from == "guess":
        notes.append(f"the charset {table.encoding} is a guess: look at the text, and name another with --encoding")
    if "published_at" not in places:
        notes.append("no column is known to hold the time: every row counts at the moment of the import")
    if "id" not in places:
        notes.append("no column is known to hold an id: rows are told apart by their content")
    if table.sheet and table.sheet.others:
        others = ", ".join(map(shown, table.sheet.others[:12]))
        notes.append(f"only the sheet {shown(table.sheet.name)} is read; the workbook has {others} too: see --sheet")
    if table.sheet and table.head > 1:
        notes.append(f"the heads of the columns are in row {table.head}; what stands above is left out")
    if len(places["text"][0]) > 1:
        notes.append("the text is joined from " + " + ".join(one_line(name) for name in places["text"][0]))
    return tuple(notes)


def _rows(
    table: Table, places: Plan, options: Options, progress: Progress | None
) -> Iterator[tuple[object, Post | Rejected]]:
    """Each row's id as it stands in the file, and the row."""
    wanted = fields(places)
    seen: dict[bytes, int] = {}
    for record in table.records(progress):
        given = record.cells.get("id") or None
        if record.reason:
            yield given, Rejected(record.line, record.reason, record.raw)
            continue
        try:
            yield given, _post(read_row(record.cells, wanted), options, seen)
        except ValueError as error:
            yield given, Rejected(record.line, one_line(str(error)), record.raw)


def _post(cells: Mapping[str, str], options: Options, seen: dict[bytes, int]) -> Post:
    get = cells.get
    text = get("text", "")
    if not text:
        raise ValueError("no text")
    written = get("published_at", "")
    published = _time(written, options.zone) if written else None
    parent = get("parent", "")
    return Post(
        platform=options.platform or get("source", "") or "import",
        native_id=get("id", "") or _id_of(cells, seen),
        text=text,
        url=canonical(get("url", "")),
        kind=get("kind", "") or ("comment" if parent else "post"),
        author=_author(cells),
        published_at=published,
        parent=parent,
        root=get("thread", ""),
        page=get("page", ""),
        engagement=Engagement(*(parse_count(get(name, "")) for name in ("likes", "reposts", "comments"))),
        brands=(options.brand,) if options.brand else (),
    )


def _author(cells: Mapping[str, str]) -> Author | None:
    name = cells.get("author", "")
    return Author(name, name=name, followers=parse_count(cells.get("followers", ""))) if name else None


def _id_of(cells: Mapping[str, str], seen: dict[bytes, int]) -> str:
    """``HASH.N``: the row's fields, and the how many-th row with just these it is.

    Remembered are eight bytes of each hash: should two ever agree, the second row still has a hash of its own.
    """
    digest = hashlib.sha256(json.dumps(cells, sort_keys=True, ensure_ascii=False).encode())
    key = digest.digest()[:8]
    seen[key] = seen.get(key, 0) + 1
    return f"{digest.hexdigest()[:32]}.{seen[key]}"


def _time(written: str, zone: tzinfo) -> datetime:
    try:
        return read_time(written, zone)
    except ValueError as error:
        moment = _in_words(written) if str(error) == "not a time" else None
        if moment is None:
            raise ValueError(f"published_at: {error}") from error
        return believable(moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


@functools.lru_cache(maxsize=4096)
def _in_words(written: str) -> datetime | None:
    """A date in words that is whole: no part of it is taken from today."""
    found = _date_parser().get_date_data(written[:80]).date_obj
    return found if isinstance(found, datetime) else None


@functools.cache
def _date_parser() -> Any:
    # Slow to import and seldom needed.
    from dateparser.date import DateDataParser  # type: ignore[import-untyped]

    settings = {"REQUIRE_PARTS": ["year", "month", "day"], "PARSERS": ["absolute-time"]}
    return DateDataParser(languages=["zh", "en"], settings=settings)
