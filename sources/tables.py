"""Rows of CSV and JSON Lines files and of Excel sheets, one at a time, with the line each begins on.

The first two also gzipped, in any charset."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import json
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import charset_normalizer
from w3lib.encoding import read_bom, resolve_encoding

from monitor.errors import InputError, UsageError, one_line, shown
from sources.sheetxml import Row
from sources.workbooks import Sheet, open_sheet

DELIMITERS = (",", ";", "\t")
CHINESE = ("gb18030", "big5hkscs")
"""What a file is taken for that is not UTF-8, by whichever charset-normalizer finds more plausible."""

_T = TypeVar("_T")
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
_HEAD = 1 << 18
_LONGEST_LINE = 1 << 24
_LONGEST_FIELD = 1_000_000
_ENOUGH_LINES = 20_000
_SAMPLE_ROWS = 200
_TITLE_ROWS = 20
_NOT_DECODED = re.compile("[\udc80-\udcff]")
_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the physical line it begins on, its cells by column name, and its text as in the file.

    ``reason`` says why a row has no cells: it cannot be read.
    """

    line: int
    cells: Mapping[str, object]
    raw: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file as it was recognised. ``encoding_from`` is ``given``, ``mark``, ``content`` or ``guess``.

    ``sheet`` is that of a workbook, ``head`` the number of its row with the heads of the columns.
    """

    path: Path
    form: str
    encoding: str
    encoding_from: str
    columns: tuple[str, ...]
    delimiter: str = ""
    sheet: Sheet | None = None
    head: int = 0

    def records(self, progress: Callable[[int], None] | None = None) -> Iterator[Record]:
        """Every row that is not blank. ``progress`` is told the bytes of the file that were read.

        Raises InputError where the file itself ends or breaks; the rows before it have been given.
        """
        if self.sheet:
            yield from _sheet_rows(self.sheet, self.head, self.columns, progress)
            return
        with _lines(self.path, self.encoding) as (lines, position):
            rows = _json_rows(lines) if self.form == "jsonl" else _csv_rows(lines, self.delimiter, self.columns)
            for number, record in enumerate(rows):
                if progress and number % 1000 == 0:
                    progress(position())
                yield record
            if progress:
                progress(position())


def open_table(path: Path, encoding: str = "", sheet: str = "") -> Table:
    """Recognise a file: its form, charset, delimiter and columns; ``sheet`` names one of a workbook.

    Raises InputError, or UsageError for ``encoding`` and ``sheet``.
    """
    head = _head(path)
    if head[:4] == b"PK\x03\x04":
        return _sheet_table(open_sheet(path, sheet), encoding)
    if sheet:
        raise UsageError(f"--sheet {one_line(sheet)}: {one_line(str(path))} is not an Excel workbook (.xlsx)")
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise InputError(f"{path}: an Excel workbook of the old kind, or with a password; save it as .xlsx without one")
    if not head.strip():
        raise InputError(f"{path}: the file is empty")
    charset, how = _given(encoding, head) if encoding else _charset(path, head)
    if _is_jsonl(path, head.decode(charset, "replace")):
        return _jsonl_table(path, charset, how)
    with _lines(path, charset) as (lines, _):
        delimiter = _delimiter("".join(itertools.islice(_until_damage(lines), 100)))
    with _lines(path, charset) as (lines, _):
        columns = _header(lines, delimiter, path)
    return Table(path, "csv", charset, how, columns, delimiter)


def _head(path: Path) -> bytes:
    with _opened(path) as (stream, _):
        pieces = iter(lambda: stream.read1(_HEAD // 16), b"")
        return b"".join(itertools.islice(_until_damage(pieces), 16))


def _until_damage(pieces: Iterator[_T]) -> Iterator[_T]:
    """What a damaged archive still holds, to recognise the file by; reading its rows will meet the damage again."""
    try:
        yield from pieces
    except _DAMAGE:
        return


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Callable[[], int]]]:
    """The file's bytes without compression, and how many of its own bytes have been read."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream: Any = gzip.GzipFile(fileobj=file) if packed else file
            yield stream, file.tell
    except _DAMAGE as error:
        raise InputError(f"{path}: the compressed data is damaged or cut short; what came before was read") from error
    except OSError as error:
        raise InputError(f"{path}: {one_line(error.strerror or str(error))}") from error


class _Lines:
    """Physical lines with their numbers. Those of a row that proves broken can be put back."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self._returned: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else self._stream.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        return line

    def put_back(self, lines: list[str]) -> None:
        self._returned.extendleft(reversed(lines))
        self.number -= len(lines)


@contextmanager
def _lines(path: Path, charset: str) -> Iterator[tuple[_Lines, Callable[[], int]]]:
    wide = charset.startswith(("utf-16", "utf-32"))
    with _opened(path) as (stream, position):
        text = io.TextIOWrapper(stream, charset, "replace" if wide else "surrogateescape", newline="")
        yield _Lines(text), position


def _given(name: str, head: bytes) -> tuple[str, str]:
    try:
        known = codecs.lookup(resolve_encoding(name) or name).name
        "a\n".encode(known).decode(known)
        head[: len(head) // 4 * 4].decode(known, "replace")
    except (LookupError, UnicodeError) as error:
        raise UsageError(f"--encoding {shown(name)}: not known; try utf-8, gb18030 or big5") from error
    mark, _ = read_bom(head)
    marked = mark is not None and known.startswith(mark.partition("-le")[0].partition("-be")[0])
    return (_with_mark(mark) if mark and marked else known), "given"


def _with_mark(mark: str) -> str:
    return "utf-8-sig" if mark == "utf-8" else mark[:6]


def _charset(path: Path, head: bytes) -> tuple[str, str]:
    """UTF-8 when nearly every line is; a few that are not will be rejected as rows."""
    mark, _ = read_bom(head)
    if mark:
        return _with_mark(mark), "mark"
    good, bad, sample = 0, 0, bytearray()
    with _opened(path) as (stream, _):
        for line in _until_damage(iter(lambda: stream.readline(_LONGEST_LINE), b"")):
            if line.isascii():
                continue
            try:
                line.decode()
                good += 1
            except UnicodeDecodeError:
                bad += 1
                sample += line if len(sample) < 65536 else b""
            if good + bad > _ENOUGH_LINES:
                break
    if good >= 10 * bad:
        return "utf-8", "content"
    best = charset_normalizer.from_bytes(bytes(sample), cp_isolation=list(CHINESE)).best()
    if best is None:
        raise InputError(f"{path}: the charset cannot be told; name it with --encoding (gb18030, big5, ...)")
    return str(best.encoding), "guess"


def _is_jsonl(path: Path, head: str) -> bool:
    start = head.lstrip("\ufeff \t\r\n")[:1]
    name = path.name.lower().removesuffix(".gz")
    if start == "[" and name.endswith(_JSON_ENDINGS):
        raise InputError(f"{path}: one JSON array; write one object on each line: jq -c '.[]' FILE")
    return start == "{" or name.endswith(_JSON_ENDINGS)


def _delimiter(sample: str) -> str:
    """The one that cuts the first lines into the most columns, and most lines into as many as the first."""
    if (named := re.match(r"\ufeff?sep=(.)\r?\n", sample, re.IGNORECASE)) and named[1] in DELIMITERS:
        return named[1]

    def columns(delimiter: str) -> float:
        try:
            rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
        except csv.Error:
            return 0.0
        widths = [len(row) for row in rows]
        alike = sum(width == widths[0] for width in widths) / len(widths) if widths else 0.0
        return widths[0] * alike if widths and widths[0] > 1 else 0.0

    return max(DELIMITERS, key=columns)


def _header(lines: _Lines, delimiter: str, path: Path) -> tuple[str, ...]:
    for record in _csv_rows(lines, delimiter, ()):
        if record.reason:
            raise InputError(f"{path}: line {record.line}: the heads of the columns: {record.reason}")
        return _named(str(cell) for cell in record.cells.values())
    raise InputError(f"{path}: the file has no rows")


def _named(cells: Iterable[str]) -> tuple[str, ...]:
    """Names of columns: trimmed, none empty, none twice."""
    names = [cell.strip().lstrip("\ufeff") for cell in cells]
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        name = name or f"column {place + 1}"
        seen[name] = seen.get(name, 0) + 1
        names[place] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return tuple(names)


def _csv_rows(lines: _Lines, delimiter: str, columns: tuple[str, ...]) -> Iterator[Record]:
    """Rows after the head; without ``columns`` all rows, their cells named by position."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    head_to_come = bool(columns)
    while True:
        lines.taken.clear()
        start = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # a stray quote swallows good rows until the next one: only its own line is at fault
            lines.put_back(lines.taken[1:])
            yield Record(start, {}, lines.taken[0].rstrip("\r\n"), _csv_reason(error))
            continue
        if not any(cell.strip("\ufeff \t") for cell in cells) or _names_delimiter(start, cells, delimiter):
            continue
        if head_to_come:
            head_to_come = False
            continue
        yield _csv_record(start, cells, "".join(lines.taken).rstrip("\r\n"), columns)


def _names_delimiter(line: int, cells: list[str], delimiter: str) -> bool:
    return line == 1 and len(cells) <= 2 and cells[0].lstrip("\ufeff").lower() in ("sep=", f"sep={delimiter}")


def _csv_record(line: int, cells: list[str], raw: str, columns: tuple[str, ...]) -> Record:
    if reason := _unreadable(raw):
        return Record(line, {}, raw, reason)
    if not columns:
        return Record(line, {str(place): cell for place, cell in enumerate(cells)}, raw)
    if any(cells[len(columns) :]):
        return Record(line, {}, raw, f"{len(cells)} cells in {len(columns)} columns")
    return Record(line, dict(zip(columns, cells, strict=False)), raw)


def _csv_reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text or "field limit" in text:
        return "a quote is opened and never closed"
    return "a quote within a cell" if "expected after" in text else one_line(text)


def _unreadable(raw: str) -> str:
    if "\x00" in raw:
        return "a NUL character"
    return "bytes that are not of the file's charset" if _NOT_DECODED.search(raw) else ""


def _json_rows(lines: _Lines) -> Iterator[Record]:
    for line in lines:
        lines.taken.clear()
        raw = line.strip("\ufeff \t\r\n")
        if not raw:
            continue
        cells: object = None
        reason = _unreadable(raw)
        if not reason:
            try:
                cells = json.loads(raw)
            except (ValueError, RecursionError):
                reason = "broken JSON"
        if not reason and not isinstance(cells, dict):
            reason = "not a JSON object"
        yield Record(lines.number, cells if isinstance(cells, dict) else {}, raw, reason)


def _jsonl_table(path: Path, charset: str, how: str) -> Table:
    with _lines(path, charset) as (lines, _):
        readable = (row for row in _until_damage(_json_rows(lines)) if not row.reason)
        rows = itertools.islice(readable, _SAMPLE_ROWS)
        columns = dict.fromkeys(itertools.chain.from_iterable(row.cells for row in rows))
    if not columns:
        raise InputError(f"{path}: no line of it is a JSON object")
    return Table(path, "jsonl", charset, how, tuple(columns))


def _sheet_table(sheet: Sheet, encoding: str) -> Table:
    """The heads are in the first row with more than one cell, if there is one near the top: a title stands alone."""
    if encoding:
        raise UsageError(f"--encoding {one_line(encoding)}: a workbook is always UTF-8")
    first = list(itertools.islice(sheet.rows(), _TITLE_ROWS))
    if not first:
        raise InputError(f"{sheet.path}: the sheet {shown(sheet.name)} has no rows")
    head = next((row for row in first if sum(map(bool, row.cells)) > 1), first[0])
    return Table(sheet.path, "xlsx", "utf-8", "content", _named(head.cells), sheet=sheet, head=head.number)


def _sheet_rows(
    sheet: Sheet, head: int, columns: tuple[str, ...], progress: Callable[[int], None] | None
) -> Iterator[Record]:
    for row in sheet.rows(progress):
        if row.number > head:
            yield _sheet_record(row, columns)


def _sheet_record(row: Row, columns: tuple[str, ...]) -> Record:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="").writerow(row.cells)
    raw = written.getvalue()
    if row.reason:
        return Record(row.number, {}, raw, row.reason)
    if any(row.cells[len(columns) :]):
        return Record(row.number, {}, raw, f"{len(row.cells)} cells in {len(columns)} columns")
    return Record(row.number, dict(zip(columns, row.cells, strict=False)), raw)
