"""Rows of Excel workbooks (.xlsx, .xlsm), one at a time and in bounded memory, however the file is made.

Read with expat as a stream, not through a library. Tried on 2026-11-21: openpyxl 3.1.5 gives the dates of Chinese
Excel's own formats (numFmtId 27-36, 50-58) as bare numbers, builds each row as a tree, and one cell it cannot read ends
the sheet; python-calamine 0.9.1 allocates the whole grid, so a sheet with cells A1 and XFD1048576 aborts the process.
Format: ECMA-376 part 1, 18.2 (workbooks), 18.8 (styles).
"""

from __future__ import annotations

import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

from monitor.errors import InputError, UsageError, nearest, one_line, shown
from sources.sheetxml import LAST_ROW, Row, SheetReader, StringReader, column_number

_SMALL_PART = 16_000_000
_LARGEST_PART = 2_000_000_000
_MOST_SHARED = 100_000_000
_MOST_MERGED = 100_000
_PIECE = 1 << 16
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ExpatError)
# Built-in formats of dates and times; 27-36 and 50-58 are those of Chinese, Japanese and Korean Excel.
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)})
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook. ``dates``: styles (by number) that show a date; ``epoch``: the day of number 0."""

    path: Path
    name: str
    part: str
    others: tuple[str, ...]
    strings: str
    dates: frozenset[int]
    epoch: datetime

    def rows(self, progress: Callable[[int], None] | None = None) -> Iterator[Row]:
        """Its rows in their order; a merged cell's value stands in each row it covers, in its first column.

        Raises InputError where the file is damaged; the rows before it have been given.
        """
        with _opened(self.path) as (archive, file):
            strings = tuple(_shared_strings(archive, self.strings)) if self.strings else ()
            fill = _Filled(_merged(archive, self.part))
            reader = SheetReader(strings, self.dates, self.epoch)
            for piece in _pieces(archive, self.part):
                reader.feed(piece)
                yield from map(fill, reader.take())
                if progress:
                    progress(file.tell())
            reader.end()
        if progress:
            progress(self.path.stat().st_size)


def open_sheet(path: Path, name: str = "") -> Sheet:
    """The sheet of that name, by default the first that is not hidden.

    Raises InputError for a file that is no workbook, UsageError for a name that it does not have.
    """
    with _opened(path) as (archive, _):
        workbook = _related(archive, "", "_rels/.rels").get("officeDocument", "")
        root = _tree(archive, workbook) if workbook.endswith(".xml") else None
        if root is None or root.tag.rpartition("}")[2] != "workbook":
            raise InputError(f"{path}: a ZIP archive, but not an Excel workbook (.xlsx)")
        folder, file = posixpath.split(workbook)
        by_kind, by_id = {}, {}
        for kind, identifier, target in _relations(archive, folder, f"{folder}/_rels/{file}.rels".lstrip("/")):
            by_kind[kind] = by_id[identifier] = target
        sheets = [s for s in _all(root, "sheet") if by_id.get(_attribute(s, "id"))]
        chosen = _chosen(path, sheets, name)
        return Sheet(
            path=path,
            name=chosen.get("name", ""),
            part=by_id[_attribute(chosen, "id")],
            others=tuple(s.get("name", "") for s in sheets if s is not chosen),
            strings=by_kind.get("sharedStrings", ""),
            dates=_date_styles(_tree(archive, by_kind["styles"])) if "styles" in by_kind else frozenset(),
            epoch=_epoch(root),
        )


def _chosen(path: Path, sheets: list[ElementTree.Element], name: str) -> ElementTree.Element:
    names = [sheet.get("name", "") for sheet in sheets]
    if not sheets:
        raise InputError(f"{path}: the workbook has no sheets")
    if name and name not in names:
        listed = nearest(name, names) or "; the workbook has " + ", ".join(map(shown, names[:12]))
        raise UsageError(f"--sheet {one_line(name)}: no such sheet{listed}")
    if name:
        return sheets[names.index(name)]
    return next((s for s in sheets if s.get("state", "visible") == "visible"), sheets[0])


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, IO[bytes]]]:
    try:
        with path.open("rb") as file, _archive(file) as archive:
            yield archive, file
    except _DAMAGE as error:
        raise InputError(f"{path}: the workbook is damaged or cut short; what came before was read") from error
    except KeyError as error:
        raise InputError(f"{path}: a part of the workbook is missing") from error
    except RuntimeError as error:
        raise InputError(f"{path}: the workbook is encrypted or packed in an unknown way") from error
    except OSError as error:
        raise InputError(f"{path}: {one_line(error.strerror or str(error))}") from error


def _archive(file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (ValueError, struct.error) as error:  # what zipfile raises for damage in its directory
        raise zipfile.BadZipFile("directory") from error


def _part(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RuntimeError("packed in a way that Excel does not use")
    try:
        return archive.open(name)
    except ValueError as error:
        raise zipfile.BadZipFile("name") from error


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """A part's bytes. Bounded by what is really unpacked, for what the archive says of its sizes may be a lie."""
    left = _LARGEST_PART
    with _part(archive, part) as stream:
        while piece := stream.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise InputError(f"{archive.filename}: a sheet of more than {_LARGEST_PART} bytes")
            yield piece


def _tree(archive: zipfile.ZipFile, part: str) -> ElementTree.Element:
    with _part(archive, part) as stream:
        content = stream.read(_SMALL_PART + 1)
    if len(content) > _SMALL_PART or b"<!DOCTYPE" in content:
        raise InputError(f"{archive.filename}: not as Excel writes workbooks")
    try:
        return ElementTree.fromstring(content, ElementTree.XMLParser(encoding="utf-8"))
    except ElementTree.ParseError as error:
        raise zipfile.BadZipFile("XML") from error


def _all(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Elements by name in any namespace: ``strict`` workbooks have others than the usual ones."""
    return root.iterfind(".//{*}" + name)


def _attribute(element: ElementTree.Element, name: str) -> str:
    return next((value for key, value in element.items() if key.endswith("}" + name)), "")


def _relations(archive: zipfile.ZipFile, folder: str, part: str) -> Iterator[tuple[str, str, str]]:
    """Kind, id and target of each relation that a part has."""
    for relation in _all(_tree(archive, part), "Relationship"):
        target = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/")
        yield relation.get("Type", "").rpartition("/")[2], relation.get("Id", ""), target


def _related(archive: zipfile.ZipFile, folder: str, part: str) -> Mapping[str, str]:
    return {kind: target for kind, _, target in _relations(archive, folder, part)}


def _epoch(workbook: ElementTree.Element) -> datetime:
    """Excel counts days from 1900, its old versions for the Mac from 1904."""
    settings = next(_all(workbook, "workbookPr"), None)
    from_1904 = settings is not None and settings.get("date1904") in ("1", "true")
    return datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)  # noqa: DTZ001  (a wall clock's)


def _date_styles(styles: ElementTree.Element) -> frozenset[int]:
    own = {f.get("numFmtId", ""): f.get("formatCode", "") for f in _all(styles, "numFmt")}
    cells = next(_all(styles, "cellXfs"), None)
    formats = [xf.get("numFmtId", "") for xf in cells] if cells is not None else []
    return frozenset(place for place, number in enumerate(formats) if _shows_date(number, own.get(number)))


def _shows_date(number: str, code: str | None) -> bool:
    if code is None:
        return number.isdecimal() and int(number) in _DATE_FORMATS
    bare = re.sub(r'"[^"]*"|\\.|[_*].', "", code.partition(";")[0])
    if re.search(r"\[(h+|m+|s+)\]", bare, re.IGNORECASE):
        return False  # a length of time
    return bool(re.search("[ymdhs]", re.sub(r"\[[^\]]*\]", "", bare), re.IGNORECASE))


def _shared_strings(archive: zipfile.ZipFile, part: str) -> Iterator[str]:
    reader = StringReader()
    for piece in _pieces(archive, part):
        reader.feed(piece)
        if reader.length > _MOST_SHARED:
            raise InputError(f"{archive.filename}: more text than can be read at once; split the workbook")
        yield from reader.done
        reader.done.clear()
    reader.end()


def _merged(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[int, int, int]]:
    """First row, last row and first column of the merged cells that cover several rows; they stand behind the rows."""
    tail, count = b"", 0
    for piece in _pieces(archive, part):
        text = tail + piece
        end = 0
        for found in _MERGED.finditer(text):
            end = found.end()
            first, last = int(found[2]), int(found[4])
            if first < last <= LAST_ROW and count < _MOST_MERGED:
                count += 1
                yield first, last, column_number(found[1].decode())
        tail = text[max(end, len(text) - 300) :]


class _Filled:
    """Puts a merged cell's value into the rows it covers, in its first column."""

    def __init__(self, merged: Iterable[tuple[int, int, int]]) -> None:
        self._by_row: dict[int, list[tuple[int, int]]] = {}
        for first, last, column in merged:
            self._by_row.setdefault(first, []).append((last, column))
        self._open: dict[int, tuple[int, str]] = {}

    def __call__(self, row: Row) -> Row:
        cells = list(row.cells)
        for column, (last, value) in list(self._open.items()):
            if last < row.number:
                del self._open[column]
            elif column > len(cells) or not cells[column - 1]:
                cells += [""] * (column - len(cells))
                cells[column - 1] = value
        for last, column in self._by_row.get(row.number, ()):
            if column <= len(row.cells) and row.cells[column - 1]:
                self._open[column] = (last, row.cells[column - 1])
        return Row(row.number, tuple(cells), row.reason)
