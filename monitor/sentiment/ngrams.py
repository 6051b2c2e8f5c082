"""Runs of one to four characters, hashed into buckets, and what their weights add up to."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.errors import InputError

Ints = NDArray[np.int64]

LONGEST = 4
"""Characters of the longest run."""

BITS = 20
"""There are 2 ** BITS buckets."""

TARGETS = 2
"""Weights a bucket has: for negative against the rest, and for positive against the rest."""

CHUNK_CHARS = 100_000
"""Characters hashed at once: a batch of long texts needs little more memory than one of short ones."""

_EDGE = "\x02"
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD1B54A32D192ED03)
_DIGIT = re.compile("[0-9]")


def buckets(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """The buckets of all runs of all (folded) texts, text after text, and how many each text has (3 at least).

    Digits count as one and the same. A text's edges count as a character, so that a run may say that it opens or
    closes a text; no run goes over an edge.
    """
    joined = _DIGIT.sub("0", "".join(_EDGE + text + _EDGE for text in texts))
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    lengths = np.array([len(text) + 2 for text in texts], dtype=np.int64)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(codes))
    hashed = np.zeros((len(codes), LONGEST), dtype=np.int64)
    running = np.zeros(len(codes), dtype=np.uint64)
    for n in range(LONGEST):
        kept = max(0, len(codes) - n)
        running[:kept] = (running[:kept] + codes[n:] + np.uint64(n)) * _STEP
        hashed[:, n] = _bucket(running)
    counts = np.maximum(lengths[:, None] - np.arange(LONGEST), 0).sum(axis=1)
    return hashed[left[:, None] > np.arange(LONGEST)], counts


def whole_runs(words: Sequence[str]) -> Ints:
    """The bucket of each word's run of all its characters; of words longer than ``LONGEST`` no text has it."""
    running = np.zeros(len(words), dtype=np.uint64)
    for n in range(max(map(len, words), default=0)):
        longer = np.array([len(word) > n for word in words])
        codes = np.array([ord(word[n]) for word in words if len(word) > n], dtype=np.uint64)
        running[longer] = (running[longer] + codes + np.uint64(n)) * _STEP
    return _bucket(running)


def _bucket(running: NDArray[np.uint64]) -> Ints:
    return (((running ^ (running >> np.uint64(29))) * _MIX) >> np.uint64(64 - BITS)).astype(np.int64)


class Weights:
    """Whole-number weights of the buckets. Sums of whole numbers do not depend on how texts are batched."""

    def __init__(self, table: NDArray[np.int8]) -> None:
        """``table``: a row for each bucket, a column for each target."""
        self._table = table

    @property
    def table(self) -> NDArray[np.int8]:
        """As given; not to be written to."""
        return self._table

    def sums(self, texts: Sequence[str]) -> list[list[float]]:
        """For each folded text and each target the sum of its runs' weights, divided by the root of their number."""
        return [row for chunk in _chunks(texts) for row in self._sums(chunk)]

    def _sums(self, texts: Sequence[str]) -> list[list[float]]:
        found, counts = buckets(texts)
        totals = np.add.reduceat(self._table[found], np.cumsum(counts) - counts, axis=0, dtype=np.int64)
        scaled: list[list[float]] = (totals / np.sqrt(counts)[:, None]).tolist()
        return scaled


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    chars = 0
    for text in texts:
        chunk.append(text)
        chars += len(text)
        if chars >= CHUNK_CHARS:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk


def shipped_bytes() -> bytes:
    return (Path(__file__).parents[1] / "data" / "ngrams.npz").read_bytes()


def read(data: bytes, name: str | Path = "ngrams.npz") -> Weights:
    """The weights in a file's bytes; ``InputError`` if they are not weights of this shape."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            table = arrays["weights"]
    except (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{name}: not a file of weights ({type(error).__name__})") from error
    if table.dtype != np.int8 or table.shape != (1 << BITS, TARGETS):
        raise InputError(f"{name}: weights of another shape than this version reads")
    return Weights(table)


def written(table: NDArray[np.int8]) -> bytes:
    """The bytes of a file that ``read`` reads; the same table gives the same bytes."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, weights=table)
    return stream.getvalue()
