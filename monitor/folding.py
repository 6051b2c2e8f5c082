"""The fold of many texts at once: what ``monitor.text.fold`` gives, looked up in one table for all their characters.

Most characters fold to one and alone, so those of many texts are one array and their folds another. What is else is
patched in: characters that fold to none or several, and letters with the marks that join them. A text with pinyin
glosses is left to ``fold``.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain, groupby

import numpy as np
from numpy.typing import NDArray

from monitor.glosses import find_glosses, has_tone
from monitor.text import fold_character, joins

MAX_TOGETHER = 1 << 17
"""Characters folded together: so many that the cost of a call is nothing beside theirs and that the automaton, which
the fold's table drives out of the cache, comes back into it seldom; few enough for some megabytes of memory."""

SEPARATOR = "\x01"
"""Stands behind each text's fold. No fold leaves it in a text, so no folded word holds it or reaches over it."""

_UNICODE = 0x110000
_ODD, _TONED, _JOINS = 1 << 29, 1 << 30, 1 << 31
_COUNT, _MOST, _REST = 24, 31, (1 << 24) - 1
"""An entry of the table is the character that the code point folds to; or, if that is none or several, ``_ODD``, from
bit ``_COUNT`` how many, and in ``_REST`` where they stand in the pool. With ``_TONED`` one of them carries a tone as
glosses do, with ``_JOINS`` the first may join what stands before it."""

_Codes = NDArray[np.uint32]
_Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FoldedTogether:
    """The folds of several texts in one, and the way back.

    ``left`` are the places, among the texts, of those that must be folded alone: here they are not folded wholly.
    """

    text: str
    left: Sequence[int]
    _starts: _Places
    _patches: _Patches | None

    def places(self, matches: Sequence[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
        """Of the ``(anything, start, end)`` in ``text``: whose each is among the texts, its start and end in that text.

        Where they come in the order of their ends, so do the texts.
        """
        flat = np.fromiter(chain.from_iterable(matches), dtype=np.int64, count=3 * len(matches))
        first, end = flat[1::3], flat[2::3]
        if self._patches is not None:
            first, end = self._patches.origins(first)[0], self._patches.origins(end - 1)[1]
        owners = np.searchsorted(self._starts, first, side="right") - 1
        begin = self._starts[owners]
        return owners.tolist(), (first - begin).tolist(), (end - begin).tolist()


def fold_together(texts: Sequence[str]) -> FoldedTogether:
    """Fold these texts as one; ``portions`` says how many are best taken together."""
    ends = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 1)
    starts = np.concatenate(([0], ends[:-1]))
    joined = SEPARATOR.join(texts) + SEPARATOR
    table = _table()
    entries = table.entries(np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4"))
    entries[ends - 1] = ord(SEPARATOR)
    if entries.max() < _ODD:
        return FoldedTogether(_text(entries), (), starts, None)
    special = np.flatnonzero(entries >= _ODD)
    marks = entries[special]
    is_odd, may_join = marks & _ODD != 0, marks & _JOINS != 0
    entries[special[~is_odd]] &= _REST
    clusters, unclear = _composed(entries, special[may_join & ~is_odd].tolist())
    patches = _Patches(entries, special[is_odd], clusters)
    text = _text(patches.applied(entries, table.pool))
    left = {*_owners(starts, unclear), *_owners(starts, special[may_join & is_odd])}
    if ")" in text and (toned := _owners(starts, special[marks >= _TONED])):
        folds = text.split(SEPARATOR)
        left |= {owner for owner in toned if find_glosses(folds[owner])}
    return FoldedTogether(text, sorted(left), starts, patches)


def _owners(starts: _Places, places: Sequence[int] | _Places) -> list[int]:
    """To which of the texts that start there these places belong, each text once."""
    owners: list[int] = np.unique(np.searchsorted(starts, places, side="right") - 1).tolist()
    return owners


def portions(texts: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """The texts in portions of at most ``MAX_TOGETHER`` characters or one text, each with its first text's place."""
    ends = [0, *accumulate(map(len, texts))]
    first = 0
    while first < len(texts):
        last = max(first + 1, bisect_right(ends, ends[first] + MAX_TOGETHER) - 1)
        yield first, texts[first:last]
        first = last


# ---------------------------------------------------------------------------------------------------------------
# What does not fold one to one


class _Patches:
    """Pieces of the joined texts that become more or fewer characters; the others are as many, each in its place."""

    def __init__(self, entries: _Codes, odd: _Places, clusters: Sequence[tuple[int, int, int]]) -> None:
        """``odd`` are the places of odd entries; ``clusters`` starts, ends, and the lengths they were composed to."""
        self._clusters = clusters
        counts = entries[odd] >> _COUNT & _MOST
        pieces = [
            np.zeros((1, 4), dtype=np.int64),
            np.stack((odd, odd + 1, counts, entries[odd] & _REST), axis=1).astype(np.int64),
            np.array([(*cluster, 0) for cluster in clusters], dtype=np.int64).reshape(-1, 4),
        ]
        rows = np.concatenate(pieces)
        self._starts, self._ends, lengths, self._in_pool = rows[np.argsort(rows[:, 0], kind="stable")].T
        self._folded_ends = self._ends + np.cumsum(lengths - (self._ends - self._starts))
        self._folded_starts = self._folded_ends - lengths

    def applied(self, entries: _Codes, pool: _Codes) -> _Codes:
        """The characters of the folded text."""
        odd = entries[self._starts] >= _ODD
        lengths = (self._folded_ends - self._folded_starts)[odd]
        nth = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        places = np.repeat(self._folded_starts[odd], lengths) + nth
        kept = np.ones(len(entries), dtype=np.bool_)
        kept[self._starts[odd]] = False
        for start, end, length in self._clusters:
            kept[start + length : end] = False
        plain = entries[kept]
        codes = np.empty(len(plain) + len(places), dtype="<u4")
        one = np.ones(len(codes), dtype=np.bool_)
        one[places] = False
        codes[one] = plain
        codes[places] = pool[np.repeat(self._in_pool[odd], lengths) + nth]
        return codes

    def origins(self, places: _Places) -> tuple[_Places, _Places]:
        """Start and end in the joined texts of what became the characters at these places of the folded text."""
        last = self._last(places)
        inside = places < self._folded_ends[last]
        after = self._ends[last] + places - self._folded_ends[last]
        return np.where(inside, self._starts[last], after), np.where(inside, self._ends[last], after + 1)

    def _last(self, places: _Places) -> _Places:
        return np.searchsorted(self._folded_starts, places, side="right") - 1


def _composed(entries: _Codes, joining: Sequence[int]) -> tuple[list[tuple[int, int, int]], list[int]]:
    """Compose in place each run of joining characters with what stands before it in its text.

    Returns where that changed something and to what length, and where it cannot be done: behind an odd character, or
    where it would become longer (a mark may take apart what is composed).
    """
    clusters, unclear = [], []
    for first, end in _runs(joining):
        start = first - (first > 0 and entries[first - 1] != ord(SEPARATOR))
        if entries[start] >= _ODD:
            unclear.append(start)
            continue
        cluster = "".join(map(chr, entries[start:end].tolist()))
        composed = unicodedata.normalize("NFC", cluster)
        if len(composed) > len(cluster):
            unclear.append(start)
        elif composed != cluster:
            entries[start : start + len(composed)] = list(map(ord, composed))
            clusters.append((start, end, len(composed)))
    return clusters, unclear


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Start and end of each run of places that follow one another."""
    for _, run in groupby(enumerate(places), lambda each: each[1] - each[0]):
        its = [place for _, place in run]
        yield its[0], its[-1] + 1


# ---------------------------------------------------------------------------------------------------------------
# The table


class _Table:
    """The entry of each code point. It is filled as they are met: most never are, and their part is not touched."""

    def __init__(self) -> None:
        self._entries = np.zeros(_UNICODE, dtype="<u4")
        self.pool: _Codes = np.zeros(0, dtype="<u4")

    def entries(self, codes: _Codes) -> _Codes:
        """A new array of the entries of these code points."""
        entries = self._entries.take(codes)
        if not entries.all():
            for code in np.unique(codes[entries == 0]).tolist():
                self._entries[code] = self._entry(fold_character(code))
            entries = self._entries.take(codes)
        return entries

    def _entry(self, folded: str) -> int:
        marks = (_TONED if has_tone(folded) else 0) | (_JOINS if folded and joins(folded[0]) else 0)
        if len(folded) == 1:
            return marks | ord(folded)
        place = len(self.pool)
        self.pool = np.append(self.pool, np.frombuffer(folded.encode("utf-32-le"), dtype="<u4"))
        return marks | _ODD | len(folded) << _COUNT | place


@cache
def _table() -> _Table:
    return _Table()


def _text(codes: _Codes) -> str:
    return codes.tobytes().decode("utf-32-le")
