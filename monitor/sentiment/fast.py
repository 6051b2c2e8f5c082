"""SnowNLP's number bit for bit, for many texts at once, from ``tables``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment.segmenter import Segmenter
from monitor.sentiment.tables import Tables
from monitor.sentiment.words import STOP, Words

Ints = NDArray[np.int64]

FEW_ALIVE = 6
"""Texts that are still summed up abreast: with fewer, one after the other is quicker."""

# A run of what SnowNLP segments, or what stands between white space and such runs: its tokens.
_TOKEN = re.compile("[\u4e00-\u9fa5]+|[^\\s\u4e00-\u9fa5]+")


class Fast:
    """Scores with the tables of one model; holds no other state that could change a number, so batches do not
    influence each other."""

    def __init__(self, tables: Tables) -> None:
        self._segmenter = Segmenter(tables)
        self._words = Words(tables)
        self._prior = tables.prior
        self._positive = int(tables.positive)

    def score_many(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """For each text ``SnowNLP(text).sentiments`` and how many words it was counted from."""
        tokens = [_TOKEN.findall(text) for text in texts]
        places = {token: place for place, token in enumerate({token for each in tokens for token in each})}
        rows, sizes = self._rows(list(places))
        chosen = np.array([places[token] for each in tokens for token in each], dtype=np.int64)
        rows = _gathered(rows, sizes, chosen)
        words = _sums_of(sizes[chosen], np.array([len(each) for each in tokens], dtype=np.int64))
        sums = self._sums(rows, words)
        return [(self._number(*pair), count) for pair, count in zip(sums.tolist(), words.tolist(), strict=True)]

    def _rows(self, tokens: Sequence[str]) -> tuple[Ints, Ints]:
        """The rows of the tokens' words without stop words, token after token; and how many each token has."""
        is_run = np.array(["\u4e00" <= token[0] <= "\u9fa5" for token in tokens], dtype=bool)
        sizes = np.ones(len(tokens), dtype=np.int64)
        runs = [token for token in tokens if "\u4e00" <= token[0] <= "\u9fa5"]
        cut_rows, cut_sizes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for cut in self._segmenter.cut(runs):
            cut_rows.append(self._words.rows_cut(cut))
            cut_sizes.append(cut.words)
        sizes[is_run] = np.concatenate(cut_sizes)
        rows = np.empty(sizes.sum(), dtype=np.int64)
        of_run = np.repeat(is_run, sizes)
        rows[of_run] = np.concatenate(cut_rows)
        rows[~of_run] = self._words.rows([token for token in tokens if not "\u4e00" <= token[0] <= "\u9fa5"])
        kept = rows != STOP
        return rows[kept], _sums_of(kept, sizes)

    def _sums(self, rows: Ints, words: Ints) -> NDArray[np.float64]:
        """For each text and class the prior and the values of its words, added one after the other: the order of the
        additions decides the last bit. Texts go abreast: step i adds the i-th word of every text that has one."""
        begins = np.cumsum(words) - words
        order = np.argsort(-words, kind="stable")
        alive = len(words) - np.cumsum(np.bincount(words, minlength=1))
        sums = np.tile(self._prior, (len(words), 1))
        values = self._words.values
        starts, counts = begins[order], words[order]
        step = 0
        for n in alive.tolist():
            if n <= FEW_ALIVE:
                break
            sums[:n] += values[rows[starts[:n] + step]]
            step += 1
        for place in range(int(alive[step]) if step < len(alive) else 0):
            rest = values[rows[starts[place] + step : starts[place] + counts[place]]]
            sums[place] = np.add.accumulate(np.concatenate([sums[place][None], rest]))[-1]
        ordered = np.empty_like(sums)
        ordered[order] = sums
        return ordered

    def _number(self, first: float, second: float) -> float:
        """Two-class naive Bayes as in ``classification/bayes.py``, from the two sums."""
        winner, probability = 0, 0.0
        for place, own, other in ((0, first, second), (1, second, first)):
            try:
                # e^0 = 1 for itself; the sum of two does not depend on their order
                now = 1 / (1.0 + math.exp(other - own))
            except OverflowError:
                now = 0.0
            if now > probability:
                winner, probability = place, now
        return probability if winner == self._positive else 1 - probability


def _sums_of(values: NDArray[np.int64] | NDArray[np.bool_], sizes: Ints) -> Ints:
    """The sums of consecutive portions of these sizes."""
    before = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    ends = np.cumsum(sizes)
    sums: Ints = before[ends] - before[ends - sizes]
    return sums


def _gathered(values: Ints, sizes: Ints, chosen: Ints) -> Ints:
    """The portions that were chosen, one behind the other; ``values`` holds portions of these sizes."""
    begins = (np.cumsum(sizes) - sizes)[chosen]
    taken = sizes[chosen]
    before = np.cumsum(taken) - taken
    gathered: Ints = values[np.repeat(begins - before, taken) + np.arange(taken.sum())]
    return gathered
