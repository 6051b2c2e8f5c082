"""The XML inside Excel workbooks, read with expat as a stream: one row at a time, however the file is made.

Format: ECMA-376 part 1, 18.3 (sheets) and 18.4 (shared strings).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from xml.parsers import expat

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
"""A sheet's size, by Excel's own limits."""
_LONGEST_CELL = 1_000_000
_LONGEST_NUMBER = 400
_LONGEST_TAG = 1 << 22
_DEEPEST = 64
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class Rounded(str):
    """A number of more than 15 digits that ends in 0: no id, for Excel keeps 15 of them, others 16 or 17."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a sheet that is not blank: its number, its cells as text, and why it cannot be read, if so."""

    number: int
    cells: tuple[str, ...]
    reason: str = ""


class _Reader:
    """Expat as a stream. A file of its own making could hold a document type, whose entities grow without end, or tags
    that are never closed: it is refused before they fill the memory."""

    def __init__(self) -> None:
        self._inside: list[str] = []
        self._fed = 0
        self._parser = expat.ParserCreate("utf-8", " ")  # whatever the part itself claims: Excel writes no other
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse
        self._parser.StartElementHandler = self._opening
        self._parser.EndElementHandler = self._closing
        self._parser.CharacterDataHandler = self.text

    def feed(self, piece: bytes) -> None:
        self._fed += len(piece)
        self._parser.Parse(piece)
        if self._fed - self._parser.CurrentByteIndex > _LONGEST_TAG:
            _refuse()

    def end(self) -> None:
        self._parser.Parse(b"", True)

    def _opening(self, name: str, attributes: Mapping[str, str]) -> None:
        self._inside.append(name.rpartition(" ")[2])
        if len(self._inside) > _DEEPEST:
            _refuse()
        self.opens(self._inside[-1], attributes)

    def _closing(self, _: str) -> None:
        self.closes(self._inside.pop())

    def opens(self, name: str, attributes: Mapping[str, str]) -> None:
        pass

    def closes(self, name: str) -> None:
        raise NotImplementedError

    def text(self, text: str) -> None:
        raise NotImplementedError

    def in_text(self) -> bool:
        """Whether what comes is a cell's text or value, and not how a word of it is pronounced (``rPh``)."""
        return self._inside[-1] in ("t", "v") and "rPh" not in self._inside


def _refuse(*_: object) -> None:
    raise zipfile.BadZipFile("not as Excel writes XML")


class StringReader(_Reader):
    """Texts of the shared strings, and how many characters (with one more for each) they have had so far."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.length = 0
        self._words: list[str] = []

    def closes(self, name: str) -> None:
        if name == "si":
            self.done.append(_unescaped("".join(self._words)))
            self._words.clear()
            self.length += 1

    def text(self, text: str) -> None:
        if self.in_text():
            self._words.append(text)
            self.length += len(text)


class SheetReader(_Reader):
    """The rows of a sheet, as far as it has been fed. Of a row it holds no more than a sheet can have."""

    def __init__(self, strings: tuple[str, ...], dates: frozenset[int], epoch: datetime) -> None:
        super().__init__()
        self._strings = strings
        self._dates = dates
        self._epoch = epoch
        self._rows: list[Row] = []
        self._number = 0
        self._column = 0
        self._cells: dict[int, str] = {}
        self._reason = ""
        self._cell: Mapping[str, str] = {}
        self._words: list[str] = []
        self._length = 0

    def take(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def opens(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "row":
            given, after = attributes.get("r", ""), self._number + 1
            self._number = int(given) if given.isdecimal() and after <= int(given[:9]) <= LAST_ROW else after
            self._column, self._cells, self._reason = 0, {}, ""
        elif name == "c":
            place = _PLACE.fullmatch(attributes.get("r", ""))
            self._column = column_number(place[1]) if place else self._column + 1
            self._cell, self._length = attributes, 0
            self._words.clear()

    def text(self, text: str) -> None:
        if not self.in_text():
            return
        self._length += len(text)
        if self._length > _LONGEST_CELL:
            self._reason = f"a cell of more than {_LONGEST_CELL} characters"
        else:
            self._words.append(text)

    def closes(self, name: str) -> None:
        if name == "c":
            self._end_cell()
        elif name == "row":
            width = max(self._cells, default=0)
            cells = tuple(self._cells.get(column, "") for column in range(1, width + 1))
            if any(cell.strip() for cell in cells) or self._reason:
                self._rows.append(Row(self._number, cells, self._reason))
            self._cells = {}

    def _end_cell(self) -> None:
        if not 1 <= self._column <= LAST_COLUMN:
            self._reason = f"more than {LAST_COLUMN} columns"
            return
        value = self._value("".join(self._words))
        if value:
            self._cells[self._column] = value

    def _value(self, written: str) -> str:
        match self._cell.get("t", "n"):
            case "s":
                return self._shared(written)
            case "str" | "inlineStr":
                return _unescaped(written)
            case "b":
                return {"1": "TRUE", "0": "FALSE"}.get(written.strip(), "")
            case "e":
                return ""  # #N/A and its like: the cell holds no answer
            case "d":
                return written.strip()
        style = self._cell.get("s", "0")
        is_date = style.isdecimal() and int(style[:6]) in self._dates
        return number_text(written.strip(), self._epoch if is_date else None)

    def _shared(self, written: str) -> str:
        place = written.strip()
        if place.isdecimal() and len(place) < 10 and int(place) < len(self._strings):
            return self._strings[int(place)]
        self._reason = "a cell names a text that the workbook does not hold"
        return ""


def number_text(written: str, epoch: datetime | None) -> str:
    """A number as a person saw it: whole ones without ``.0``, others to Excel's 15 digits, days from ``epoch`` as a
    local date and time. What is no number stays as it stands."""
    if len(written) > _LONGEST_NUMBER:
        return written
    try:
        number = Decimal(written)
    except InvalidOperation:
        return written
    if not number.is_finite() or abs(number.adjusted()) > 300:
        return written
    if epoch is not None and (moment := _moment(float(number), epoch)):
        return moment
    if number != number.to_integral_value() or number.adjusted() > 20:
        return f"{float(number):.15g}"
    whole = str(int(number))
    return Rounded(whole) if len(whole.lstrip("-")) > 15 and whole.endswith("0") else whole


def _moment(days: float, epoch: datetime) -> str:
    """Excel's 1900 has a 29 February (as Lotus 1-2-3 had), so the days before it are one further from its epoch."""
    if days < 1 and epoch.year == 1899:
        return ""  # a time of the day alone
    if days < 60 and epoch.year == 1899:
        days += 1
    try:
        return f"{epoch + timedelta(seconds=round(days * 86400)):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return ""


def _unescaped(text: str) -> str:
    """Text with ``_x000D_`` and its like, by which Excel writes what XML cannot hold."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
