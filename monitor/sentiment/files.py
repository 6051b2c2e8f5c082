"""``qianli score FILE``: CSV in, JSON Lines out in the order of the rows, in constant memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from stat import S_ISREG
from typing import IO, Protocol, cast

from monitor.errors import InputError
from monitor.model import Score

BATCH_ROWS = 2_000
BATCH_CHARS = 400_000
"""A batch is scored when it holds this many rows or, with long texts, this many characters."""

MAX_CELL = 2**31 - 1
"""Characters of the longest cell: as many as the csv module allows."""

_NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""What "surrogateescape" makes of bytes that are not UTF-8."""

_HAN = re.compile("[\u3400-\u9fff]")

_log = logging.getLogger(__name__)


class ScoresMany(Protocol):
    def score_many(self, texts: Sequence[str]) -> list[Score]: ...


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """An opened file. ``size`` in bytes as it lies on disk, None where nobody knows it; ``position`` how many of
    them are read."""

    stream: IO[bytes]
    size: int | None
    position: Callable[[], int]


@contextmanager
def open_scored_file(file: str) -> Iterator[ScoredFile]:
    """The bytes of a file, unpacked if its name ends in ``.gz``; ``-`` is standard input."""
    if file == "-":
        yield _with_size(sys.stdin.buffer, sys.stdin.buffer)
        return
    try:
        raw = open(file, "rb")  # noqa: SIM115
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or 'cannot be read'}") from error
    with raw:
        yield _with_size(cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if file.endswith(".gz") else raw, raw)


def _with_size(stream: IO[bytes], raw: IO[bytes]) -> ScoredFile:
    try:
        found = os.fstat(raw.fileno())
    except OSError:  # not a file of the operating system's
        return ScoredFile(stream, None, int)
    return ScoredFile(stream, found.st_size, raw.tell) if S_ISREG(found.st_mode) else ScoredFile(stream, None, int)


def score_lines(
    stream: IO[bytes],
    *,
    name: str,
    column: str = "text",
    scorer: ScoresMany,
    warn: Callable[[str], None] = _log.warning,
) -> Iterator[str]:
    """One JSON object for each row of a CSV file in UTF-8: ``snownlp``, ``p_negative`` and ``label``; no line ends.

    ``name`` is what errors call the file. A row whose cell is empty or missing is unscored: no row is left out, and
    the rows before an error have their lines. ``warn`` is told of damage that is no error, in one line.
    """
    for batch in _batches(read_cells(stream, name, column, warn)):
        for score in scorer.score_many(batch):
            line = {"snownlp": score.snownlp, "p_negative": score.p_negative, "label": score.label.value}
            yield json.dumps(line)


def read_cells(stream: IO[bytes], name: str, column: str, warn: Callable[[str], None]) -> Iterator[str]:
    """The cells of one column. ``InputError`` names the file and, where there is one, the line."""
    csv.field_size_limit(MAX_CELL)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(text)
    try:
        place, columns = _place(next(reader, None), name, column)
        cells = (
            row[place] if place < len(row) else ""
            for row in reader
            if row or columns == 1  # of a file with one column, an empty line is an empty answer
        )
        yield from _checked(cells, name, lambda: reader.line_num, warn)
    except csv.Error as error:
        raise InputError(f"{name}: line {reader.line_num}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name}: cannot be unpacked after line {reader.line_num}") from error
    finally:
        text.detach()  # the stream is the caller's to close


def _place(head: list[str] | None, name: str, column: str) -> tuple[int, int]:
    """Where the column is, and how many there are."""
    if head is None:
        raise InputError(f"{name}: empty, so it has no column {column!r}")
    if any(map(_NOT_UTF8.search, head)):
        raise InputError(f"{name}: not UTF-8 in line 1")
    if column not in head:
        raise InputError(f"{name}: no column {column!r}; it has {', '.join(map(repr, head))}")
    return head.index(column), len(head)


def _checked(cells: Iterator[str], name: str, line: Callable[[], int], warn: Callable[[str], None]) -> Iterator[str]:
    """The cells; ``InputError`` where the first beyond ASCII shows that the file is in another encoding.

    Cells damaged on their way, often cut in the middle of a character, are scored without the bytes that are no UTF-8,
    and one warning says so. Lone surrogates that some programs write are damage of the text, not of the encoding.
    """
    is_utf8 = False
    damaged = first = 0
    for cell in cells:
        if not cell.isascii():
            if not _NOT_UTF8.search(cell):
                is_utf8 = True
            elif not _is_surrogates(cell):
                is_utf8 = is_utf8 or len(_HAN.findall(cell)) > len(_NOT_UTF8.findall(cell))
                if not is_utf8:
                    raise InputError(f"{name}: not UTF-8 in line {line()}")
                damaged, first = damaged + 1, first or line()
        yield cell
    if damaged:
        warn(f"{name}: {damaged} rows with bytes that are not UTF-8 scored without these, the first in line {first}")


def _is_surrogates(cell: str) -> bool:
    try:
        cell.encode("utf-8", "surrogateescape").decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _batches(cells: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    chars = 0
    try:
        for cell in cells:
            batch.append(cell)
            chars += len(cell)
            if len(batch) >= BATCH_ROWS or chars >= BATCH_CHARS:
                yield batch
                batch, chars = [], 0
    except InputError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
