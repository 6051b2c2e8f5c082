"""The classifier's words: which row of its values each word has."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment.segmenter import Cut, find
from monitor.sentiment.tables import FIRST_HAN, LAST_HAN, Tables, as_lines

Ints = NDArray[np.int64]

STOP = -1
"""The row of a stop word, whatever its counts."""

FEW_WORDS = 1000
"""Words looked up one by one before an index is made: one takes 15 microseconds, the index as long as all of these."""

_PACKED = 4
"""Characters of 16 bits that make one number of 64."""


class Words:
    """``values``: for each row the word's values by class; the last row is that of every unseen word."""

    def __init__(self, tables: Tables) -> None:
        self.values = np.concatenate([tables.word_value, tables.unseen[None]])
        self._lines = tables.words
        self._ends = np.append(np.flatnonzero(tables.words == ord("\n")), len(tables.words))
        self._unseen = len(tables.word_value)
        self._stop = frozenset(as_lines(tables.stop))
        self._left = FEW_WORDS
        self._index: _Index | None = None

    def rows(self, words: Sequence[str]) -> list[int]:
        """The row of each word."""
        index = self._index_for(len(words))
        if index is None:
            return list(map(self._look_up, words))
        return [index.of.get(word, self._unseen) for word in words]

    def rows_cut(self, cut: Cut) -> Ints:
        """The row of each word of a cut."""
        index = self._index_for(len(cut.edges) - 1)
        if index is None:
            text, edges = cut.codes.tobytes().decode("utf-16-le"), cut.edges.tolist()
            words = [text[a:b] for a, b in pairwise(edges)]
            return np.array(list(map(self._look_up, words)), dtype=np.int64)
        return index.rows(cut, self._unseen)

    def _index_for(self, words: int) -> _Index | None:
        if self._index is None:
            self._left -= words
            if self._left < 0:
                self._index = _Index(as_lines(self._lines) if self._unseen else [], self._stop)
        return self._index

    def _look_up(self, word: str) -> int:
        if word in self._stop:
            return STOP
        wanted = word.encode("utf-8", "surrogatepass")  # these sort as the words themselves do
        row = bisect_left(range(self._unseen), wanted, key=self._line)
        return row if row < self._unseen and self._line(row) == wanted else self._unseen

    def _line(self, row: int) -> bytes:
        start = self._ends[row - 1] + 1 if row else 0
        return self._lines[start : self._ends[row]].tobytes()


class _Index:
    """``of``: the row of each word. Han words of up to four characters are also found many at once, as numbers."""

    def __init__(self, words: Sequence[str], stop: frozenset[str]) -> None:
        self.of = {word: row for row, word in enumerate(words)} | dict.fromkeys(stop, STOP)
        short = [word for word in self.of if 0 < len(word) <= _PACKED]
        chars = np.array(short, dtype=f"<U{_PACKED}").view(np.uint32).reshape(-1, _PACKED).astype(np.uint64)
        is_han = (chars >= FIRST_HAN) & (chars <= LAST_HAN)
        kept = is_han.sum(axis=1) == [len(word) for word in short]
        keys = _packed(chars[kept].T)
        order = np.argsort(keys)
        self._keys = keys[order]
        self._rows = np.append(np.array([self.of[word] for word in short], dtype=np.int64)[kept][order], 0)

    def rows(self, cut: Cut, unseen: int) -> Ints:
        starts, lengths = cut.edges[:-1], np.diff(cut.edges)
        codes = np.concatenate([cut.codes, np.zeros(_PACKED, dtype=np.uint16)]).astype(np.uint64)
        keys = _packed([np.where(lengths > n, codes[starts + n], np.uint64(0)) for n in range(_PACKED)])
        places = find(self._keys, keys)
        rows = np.where(places >= 0, self._rows[places], unseen)
        for place in np.flatnonzero(lengths > _PACKED).tolist():
            word = cut.codes[cut.edges[place] : cut.edges[place + 1]].tobytes().decode("utf-16-le")
            rows[place] = self.of.get(word, unseen)
        return rows


def _packed(chars: Sequence[NDArray[np.uint64]] | NDArray[np.uint64]) -> NDArray[np.uint64]:
    key = np.zeros_like(chars[0])
    for n in range(_PACKED):
        key |= chars[n] << np.uint64(16 * n)
    return key
