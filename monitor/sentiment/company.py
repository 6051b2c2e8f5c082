"""Words by the company they keep: vectors made from which words stand in the same posts. No label is needed.

Words that stand in the same posts get like vectors (positive pointwise mutual information within a piece of a post,
then a truncated singular value decomposition), so that what a fit learns of one it also believes of the others. The
vector of a text is the sum over its words, and the model is linear: the fit adds what a word's vector is worth to the
weight of the word's own run of characters. So vectors are neither shipped nor looked up when texts are scored.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from monitor.sentiment import ngrams
from monitor.sentiment.cache import tables_of
from monitor.sentiment.model_files import ModelFiles
from monitor.sentiment.segmenter import Segmenter

Vectors = NDArray[np.float32]
"""A row for each bucket of ``ngrams``; zeros where no word has one."""

WIDTH = 100
"""Numbers in a vector."""

MIN_PIECES = 8
"""Pieces that a word must be in to get a vector."""

MAX_WORDS = 30_000

PIECE = 80
"""Characters of one piece: a longer post is cut where it pauses, since its two ends are hardly each other's company."""

_CONTEXT_POWER = 0.75
"""Flattens how frequent the words beside a word are, so that rare ones do not tell too much (Levy, Goldberg and Dagan,
2015)."""

_ROUNDS = 4
_SPARE = 20
_HAN_RUN = re.compile("[\u4e00-\u9fa5]+")
_PAUSE = re.compile("(?<=[。!?;！？；，,])")


class Company:
    """The words of many (folded) texts by domain, cut once."""

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        segmenter = Segmenter(tables_of(ModelFiles.installed()))
        numbers: dict[str, int] = {}
        self._pieces = {domain: _pieces(each, segmenter, numbers) for domain, each in texts.items()}
        self._words = list(numbers)

    def vectors(self, without: str | None = None) -> Vectors:
        """The vectors that the texts of the other domains give. The same each time."""
        pieces = [each for domain, each in self._pieces.items() if domain != without]
        words, counts = (np.concatenate(column) for column in zip(*pieces, strict=True))
        shape = (len(counts), len(self._words))
        stands = csr_array((np.ones(len(words), np.float32), words, np.append(0, np.cumsum(counts))), shape=shape)
        stands.sum_duplicates()
        stands.data[:] = 1
        posts = np.bincount(stands.indices, minlength=len(self._words))
        often = np.argsort(-posts, kind="stable")[:MAX_WORDS].tolist()
        chosen = [n for n in often if posts[n] >= MIN_PIECES and len(self._words[n]) <= ngrams.LONGEST]
        rows = _reduced(_information(stands[:, chosen]))
        table = np.zeros((1 << ngrams.BITS, rows.shape[1]), dtype=np.float32)
        buckets = ngrams.whole_runs([self._words[n] for n in chosen])
        table[buckets[::-1]] = rows[::-1]  # of two words in one bucket the more frequent one stays
        return table


def _pieces(
    texts: Sequence[str], segmenter: Segmenter, numbers: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of the words of all pieces, and how many words each piece has; new words get new numbers."""
    pieces = [_HAN_RUN.findall(piece) for text in texts for piece in _cut(text)]
    runs = sorted({run for piece in pieces for run in piece})
    words = dict(zip(runs, _words(runs, segmenter), strict=True))
    found, counts = array("q"), array("q")
    for piece in pieces:
        before = len(found)
        found.extend(numbers.setdefault(word, len(numbers)) for run in piece for word in words[run])
        counts.append(len(found) - before)
    return np.array(found, dtype=np.int64), np.array(counts, dtype=np.int64)


def _words(runs: Sequence[str], segmenter: Segmenter) -> Iterator[list[str]]:
    """The words of each run, as SnowNLP cuts it."""
    for cut in segmenter.cut(runs):
        text = cut.codes.tobytes().decode("utf-16-le")
        words = iter([text[a:b] for a, b in pairwise(cut.edges.tolist())])
        for count in cut.words.tolist():
            yield list(islice(words, count))


def _cut(text: str) -> list[str]:
    if len(text) <= PIECE:
        return [text]
    pieces = [""]
    for part in _PAUSE.split(text):
        if pieces[-1] and len(pieces[-1]) + len(part) > PIECE:
            pieces.append("")
        pieces[-1] += part
    return pieces


def _information(stands: Any) -> Any:
    """Positive pointwise mutual information of words; each piece is shared out among its words."""
    sizes = np.maximum(np.asarray(stands.sum(axis=1)).ravel(), 1)
    shared = diags_array((1 / np.sqrt(sizes)).astype(np.float32)) @ stands
    together = (shared.T @ shared).tocsr()
    together.setdiag(0)
    together.eliminate_zeros()
    sums = np.maximum(np.asarray(together.sum(axis=1)).ravel(), 1e-12).astype(np.float64)
    context = sums**_CONTEXT_POWER / (sums**_CONTEXT_POWER).sum()
    pairs = together.tocoo()
    told = np.log(pairs.data / (sums[pairs.row] * context[pairs.col]))
    kept = told > 0
    return csr_array((told[kept].astype(np.float32), (pairs.row[kept], pairs.col[kept])), shape=together.shape)


def _reduced(information: Any) -> Vectors:
    """Rows of unit length: left singular vectors times the roots of their values (Halko, Martinsson, Tropp, 2011)."""
    width = min(WIDTH, information.shape[0])
    start = np.random.default_rng(0).standard_normal((information.shape[1], width + _SPARE)).astype(np.float32)
    image = information @ start
    for _ in range(_ROUNDS):
        image = information @ (information.T @ np.linalg.qr(image)[0])
    base = np.linalg.qr(image)[0]
    left, values, _ = np.linalg.svd((information.T @ base).T, full_matrices=False)
    rows = (base @ left)[:, :width] * np.sqrt(values[:width])
    unit: Vectors = (rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)).astype(np.float32)
    return unit
