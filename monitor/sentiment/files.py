"""``qianli score FILE``: CSV in, JSON Lines out in the order of the rows, in constant memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Protocol, cast

from monitor.errors import InputError
from monitor.model import Score

BATCH_ROWS = 2_000
BATCH_CHARS = 400_000
"""A batch is scored when it holds this many rows or, with long texts, this many characters."""

MAX_CELL = 2**31 - 1
"""Characters of the longest cell: as many as the csv module allows."""


class ScoresMany(Protocol):
    def score_many(self, texts: Sequence[str]) -> list[Score]: ...


@contextmanager
def open_scored_file(file: str) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked if its name ends in ``.gz``; ``-`` is standard input."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = cast(IO[bytes], gzip.open(file, "rb") if file.endswith(".gz") else open(file, "rb"))  # noqa: SIM115
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or 'cannot be read'}") from error
    with stream:
        yield stream


def score_lines(stream: IO[bytes], *, name: str, column: str = "text", scorer: ScoresMany) -> Iterator[str]:
    """One JSON object for each row of a CSV file in UTF-8: ``snownlp``, ``p_negative`` and ``label``; no line ends.

    ``name`` is what errors call the file. A row whose cell is empty or missing is unscored: no row is left out.
    """
    for batch in _batches(_cells(stream, name, column)):
        for score in scorer.score_many(batch):
            line = {"snownlp": score.snownlp, "p_negative": score.p_negative, "label": score.label.value}
            yield json.dumps(line)


def _cells(stream: IO[bytes], name: str, column: str) -> Iterator[str]:
    """The cells of one column. ``InputError`` names the file and, where there is one, the line."""
    csv.field_size_limit(MAX_CELL)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    reader = csv.reader(text)
    try:
        head = next(reader, None)
        if head is None:
            raise InputError(f"{name}: empty, so it has no column {column!r}")
        if column not in head:
            raise InputError(f"{name}: no column {column!r}; it has {', '.join(map(repr, head))}")
        place = head.index(column)
        for row in reader:
            if row or len(head) == 1:  # of a file with one column, an empty line is an empty answer
                yield row[place] if place < len(row) else ""
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 after line {reader.line_num}") from error
    except csv.Error as error:
        raise InputError(f"{name}: line {reader.line_num}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name}: cannot be unpacked after line {reader.line_num}") from error
    finally:
        text.detach()  # the stream is the caller's to close


def _batches(cells: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    chars = 0
    for cell in cells:
        batch.append(cell)
        chars += len(cell)
        if len(batch) >= BATCH_ROWS or chars >= BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch
