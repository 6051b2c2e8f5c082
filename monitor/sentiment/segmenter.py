"""Cuts runs of Han characters into words exactly as SnowNLP does, many at once, from ``tables``.

A second-order Viterbi search over 16 states (tag before, tag), all runs of Han characters of a batch abreast: step i
looks at the i-th character of every run that has one. Where SnowNLP's loops leave a tie or a hole, the order of its
loops decides, so that is kept: see the comments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment.tables import FIRST_HAN, Tables

Ints = NDArray[np.int64]
Whole = TypeVar("Whole", np.int64, np.uint64)

CHUNK_CHARS = 60_000
"""Han characters searched abreast: enough to hide numpy's cost per call, few enough to stay in the processor's cache.
Found with ``tests/bench/sentiment_speed.py``."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Some runs, one behind the other, and their words.

    ``codes``: the characters' code points. ``edges``: where each word begins, and the end of the last.
    ``words``: how many words each run has.
    """

    codes: NDArray[np.uint16]
    edges: Ints
    words: Ints


@dataclass(frozen=True, slots=True)
class _Steps:
    """Runs by falling length, and their characters by step: step i holds the i-th character of the longest n_i runs.

    ``order``: the runs' places. ``begins[i]``: where step i begins. ``to_step``: for each character, run after run,
    its place by step.
    """

    order: Ints
    begins: Ints
    to_step: Ints

    @classmethod
    def of(cls, lengths: Ints) -> _Steps:
        order = np.argsort(-lengths, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        alive = len(lengths) - np.cumsum(np.bincount(lengths))[:-1]
        begins = np.concatenate([[0], np.cumsum(alive)])
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return cls(order, begins, begins[within] + np.repeat(rank, lengths))


@dataclass(frozen=True, slots=True)
class _Cases:
    """Values for single cases of a step: ``value`` belongs at ``case``, in the column ``column``; step i's are those
    from ``begins[i]`` on."""

    column: Ints
    case: Ints
    value: NDArray[np.float64]
    begins: list[int]

    def put(self, step: int, target: NDArray[np.float64], *, before: NDArray[np.float64] | None = None) -> None:
        """Writes a step's values into ``target`` (cases by columns), added to the paths ``before`` if given."""
        a, b = self.begins[step], self.begins[step + 1]
        case, column, value = self.case[a:b], self.column[a:b], self.value[a:b]
        if before is not None:
            value = before.reshape(-1)[(case >> 2) * before.shape[-1] + column] + value
        target.reshape(-1)[case * target.shape[-1] + column] = value


class Segmenter:
    """Cuts runs of Han characters into words as SnowNLP does."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables
        self._unknown = len(tables.single) - 1
        self._width = len(tables.single) + 1
        tags = "".join(map(chr, tables.tags.tolist()))
        self._opens = np.array([tag in "bs" for tag in tags])
        self._closes = np.array([tag == "e" for tag in tags])

    def cut(self, runs: Sequence[str]) -> Iterator[Cut]:
        """The words of each run (none empty, only Han characters), in portions."""
        chunk: list[str] = []
        chars = 0
        for run in runs:
            chunk.append(run)
            chars += len(run)
            if chars >= CHUNK_CHARS:
                yield self._cut_chunk(chunk)
                chunk, chars = [], 0
        if chunk:
            yield self._cut_chunk(chunk)

    def _cut_chunk(self, runs: Sequence[str]) -> Cut:
        codes = np.frombuffer("".join(runs).encode("utf-16-le"), dtype="<u2")
        lengths = np.array([len(run) for run in runs])
        begins = np.cumsum(lengths) - lengths
        tags = self._tags(codes, lengths, begins)
        # SnowNLP starts a word at b and s, and behind e; s itself does not end one
        starts = self._opens[tags]
        starts[1:] |= self._closes[tags[:-1]]
        starts[begins] = True
        edges = np.append(np.flatnonzero(starts), len(codes))
        return Cut(codes, edges, np.diff(np.searchsorted(edges, np.append(begins, len(codes)))))

    def _tags(self, codes: NDArray[np.uint16], lengths: Ints, begins: Ints) -> Ints:
        """The tag (as its place in the model's order) of each character."""
        steps = _Steps.of(lengths)
        numbers = self._t.char[codes - FIRST_HAN].astype(np.int64)
        before = np.concatenate([[0], numbers[:-1]])
        before[begins] = self._unknown + 1
        pairs = find(self._t.pair_key, before * self._width + numbers)
        pair_before = np.concatenate([[-1], pairs[:-1]])
        pair_before[begins] = -1
        triples = find(self._t.triple_key, np.where(pair_before < 0, -1, pair_before * self._width + numbers))
        from_step = np.empty_like(steps.to_step)
        from_step[steps.to_step] = np.arange(len(numbers))
        pair_cases = _cases(pairs[from_step], self._t.pair_from, self._t.pair_case, self._t.pair_value, steps)
        triple_cases = _cases(triples[from_step], self._t.triple_from, self._t.triple_case, self._t.triple_value, steps)
        tags_by_step = self._search(numbers[from_step], steps, pair_cases, triple_cases)
        return tags_by_step[steps.to_step]

    def _search(self, numbers: Ints, steps: _Steps, pairs: _Cases, triples: _Cases) -> Ints:
        """Viterbi forward, then back along the best path of each run."""
        begins = steps.begins.tolist()
        runs = begins[1]
        single = np.ascontiguousarray(self._t.single[numbers].T)
        unknown = numbers == self._unknown
        any_unknown = bool(unknown.any())
        back = np.empty((4, 4, len(numbers)), dtype=np.uint8)
        last_tags = np.empty((2, runs), dtype=np.int64)
        # paths[t1, t2]: log-probability of the best path that ends in tags t1, t2. At first there is one for each t2,
        # kept at t1 = 0; the others cannot be.
        paths = np.full((4, 4, runs), -np.inf)
        paths[0] = self._t.start[numbers[:runs]].T
        values, ways = np.empty((4, 4, runs)), np.empty((4, 4, 4, runs))
        for step, (a, b, c) in enumerate(zip(begins, begins[1:], [*begins[2:], begins[-1]], strict=False)):
            n, alive = b - a, c - b
            if step:
                values[:, :, :n] = single[:, a:b]
                pairs.put(step, values)
                np.add(paths[:, :, None, :n], values[:, :, :n], out=ways[..., :n])
                triples.put(step, ways, before=paths)
                held = unknown[a:b] if any_unknown else None
                _best(ways, n, paths, back[:, :, a:b], held, 0 if step == 1 else 3)
            if alive < n:
                # the final maximum goes over the last tag first, then the tag before; the first of equals wins
                best = paths[:, :, alive:n].transpose(1, 0, 2).reshape(16, -1).argmax(axis=0)
                last_tags[:, alive:n] = best & 3, best >> 2
        return _walk_back(back, last_tags, begins)


def _best(
    ways: NDArray[np.float64],
    n: int,
    paths: NDArray[np.float64],
    back: NDArray[np.uint8],
    unknown: NDArray[np.bool_] | None,
    last: int,
) -> None:
    """For each pair of tags the best of four ways to it, and which; of equals the first, as SnowNLP's ``>`` has it.

    Where the character is unknown SnowNLP adds nothing, and the ``last`` way overwrites the others.
    """
    held = paths[last][:, None, :n][:, :, unknown].repeat(4, axis=1) if unknown is not None and unknown.any() else None
    one, two, three, four = ways[..., :n]
    second = two > one
    fourth = (four > three).view(np.uint8)
    early, late = np.maximum(one, two), np.maximum(three, four)
    np.maximum(early, late, out=paths[:, :, :n])
    back[:] = np.where(late > early, fourth + np.uint8(2), second.view(np.uint8))
    if held is not None:
        paths[:, :, :n][:, :, unknown] = held
        back[:, :, unknown] = last


def _walk_back(back: NDArray[np.uint8], last_tags: Ints, begins: list[int]) -> Ints:
    tags = np.empty(begins[-1], dtype=np.int64)
    before, tag = last_tags
    for step in range(len(begins) - 2, -1, -1):
        a, b = begins[step], begins[step + 1]
        n = b - a
        tags[a:b] = tag[:n]
        if step:
            earlier = back[:, :, a:b].reshape(16, n)[before[:n] * 4 + tag[:n], np.arange(n)]
            before[:n], tag[:n] = earlier, before[:n].copy()
    return tags


def find(keys: NDArray[Whole], wanted: NDArray[Whole]) -> Ints:
    """The place of each wanted key among the sorted keys, -1 where it is none of them."""
    if not len(keys):
        return np.full(len(wanted), -1)
    order = np.argsort(wanted)  # neighbours are then found in what the processor has at hand: thrice as fast
    ordered = wanted[order]
    places = np.minimum(np.searchsorted(keys, ordered), len(keys) - 1)
    found = np.empty(len(wanted), dtype=np.int64)
    found[order] = np.where(keys[places] == ordered, places, -1)
    return found


def _cases(
    rows: Ints, starts: NDArray[np.int32], cases: NDArray[np.uint8], values: NDArray[np.float64], steps: _Steps
) -> _Cases:
    """The cases of the found rows (-1: none), a row for each character by step."""
    kept = np.flatnonzero(rows >= 0)
    begin = starts[rows[kept]].astype(np.int64)
    size = starts[rows[kept] + 1] - begin
    total = np.cumsum(size)
    chosen = np.repeat(begin - (total - size), size) + np.arange(total[-1] if len(total) else 0)
    step_begins = np.concatenate([[0], total])[np.searchsorted(kept, steps.begins)]
    step_of = np.searchsorted(steps.begins, kept, side="right") - 1
    column = np.repeat(kept - steps.begins[step_of], size)
    return _Cases(column, cases[chosen].astype(np.int64), values[chosen], step_begins.tolist())
