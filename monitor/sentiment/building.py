"""Builds ``tables`` from the files of a SnowNLP model: once for each model, then ``cache`` keeps them."""

from __future__ import annotations

import codecs
import gzip
import marshal
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment.counted import WIDE, Model, NotRead, read_model
from monitor.sentiment.tables import FIRST_HAN, LAST_HAN, Tables, UnknownModel, as_bytes

States = NDArray[np.int32]

_BOS = ("", "BOS")
_TAGS = frozenset("bmes")

_AT_ONCE = 50_000
"""Numbers that are Python objects at one time: as an object a number takes four times the memory."""


def build(segmenter: Path, classifier: Path, stop_words: Path) -> Tables:
    """The tables of a SnowNLP model from its three files. ``UnknownModel`` says what is not as expected."""
    try:
        seg_part = _segmenter_tables(_read(segmenter))
        class_part = _classifier_tables(_load(classifier))
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise UnknownModel(f"unexpected content ({type(error).__name__})") from error
    stop = {line.strip() for line in codecs.decode(stop_words.read_bytes(), "utf-8").splitlines()}
    return Tables(**seg_part, **class_part, stop=as_bytes(sorted(stop)))


def _read(path: Path) -> Model:
    try:
        return read_model(path)
    except NotRead as error:
        raise UnknownModel(f"{path.name} cannot be read ({error})") from error


def _load(path: Path) -> Any:
    data = path.read_bytes()
    try:
        return marshal.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except (ValueError, EOFError, TypeError, OSError) as error:
        raise UnknownModel(f"{path.name} cannot be read ({type(error).__name__})") from error


# ---------------------------------------------------------------------------------------------------------------
# The segmenter


def _is_han(char: str) -> bool:
    return len(char) == 1 and FIRST_HAN <= ord(char) <= LAST_HAN


def _check_segmenter(model: Mapping[str, Any]) -> None:
    if set(model["status"]) != _TAGS or len(model["status"]) != len(_TAGS):
        raise UnknownModel("the segmenter has other tags than b, m, e, s")
    if any(model[table]["none"] != 0 for table in ("uni", "bi", "tri")) or not model["uni"]["total"] > 0:
        raise UnknownModel("the segmenter counts unseen characters otherwise")
    if not all(isinstance(model[name], float) and model[name] >= 0 for name in ("l1", "l2", "l3")):
        raise UnknownModel("the segmenter's weights are no numbers from 0 up")


class _Counts:
    """The segmenter's counts by coded state, and SnowNLP's ``log_prob`` over arrays of them.

    A state is 4 * k + t for a known character's number k and its tag's place t; 4 * (K + 1) for the beginning.
    """

    def __init__(self, read: Model, known: Sequence[str]) -> None:
        model = read.members
        self.width, self.begin = 4 * (len(known) + 2), 4 * (len(known) + 1)
        self._l1, self._l2, self._l3 = model["l1"], model["l2"], model["l3"]
        code = {(char, tag): 4 * k + t for k, char in enumerate(known) for t, tag in enumerate(model["status"])}
        code[_BOS] = self.begin
        self._codes = np.array([code.get(state, -1) for state in read.states], dtype=np.int32)
        self._total = model["uni"]["total"]
        one, counts = self._coded(read, "uni")
        self._uni = np.zeros(self.width)
        self._uni[one[:, 0]] = counts
        self.pairs, counts = self._coded(read, "bi")
        keys = self._pair_key(self.pairs[:, 0], self.pairs[:, 1])
        order = np.argsort(keys)
        self._pair_keys, self._pair_counts = keys[order], counts[order]
        self.triples, self._triple_counts = self._coded(read, "tri")

    def _coded(self, read: Model, name: str) -> tuple[States, NDArray[np.float64]]:
        """States (a row each) and counts of what consists of known characters. Takes the table out of ``read``."""
        counted = read.tables.pop(name)
        states = self._codes[np.frombuffer(counted.states, dtype=np.intc)].reshape(-1, WIDE[name])
        kept = (states >= 0).all(axis=1)
        return states[kept], np.frombuffer(counted.counts)[kept]

    def _pair_key(self, s1: States, s2: States) -> NDArray[np.int64]:
        return s1.astype(np.int64) * self.width + s2

    def _bi(self, s1: States, s2: States) -> NDArray[np.float64]:
        wanted = self._pair_key(s1, s2)
        places = np.minimum(np.searchsorted(self._pair_keys, wanted), len(self._pair_keys) - 1)
        counts: NDArray[np.float64] = np.where(self._pair_keys[places] == wanted, self._pair_counts[places], 0.0)
        return counts

    def single(self, s3: States) -> NDArray[np.float64]:
        """log_prob where neither the pair nor the triple was counted."""
        return _logs(self._l1 * (self._uni[s3] / self._total))

    def double(self, s2: States, s3: States) -> NDArray[np.float64]:
        """log_prob where the triple was not counted."""
        return _logs(self._below_three(s2, s3))

    def triple(self) -> NDArray[np.float64]:
        """log_prob of the counted ``triples``."""
        s1, s2, s3 = self.triples.T
        return _logs(self._below_three(s2, s3) + _divided(self._l3 * self._triple_counts, self._bi(s1, s2)))

    def _below_three(self, s2: States, s3: States) -> NDArray[np.float64]:
        one: NDArray[np.float64] = self._l1 * (self._uni[s3] / self._total)
        return one + _divided(self._l2 * self._bi(s2, s3), self._uni[s2])


def _divided(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """SnowNLP's division: by 0 it is 0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def _logs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    logs = np.empty(len(values))
    for at in range(0, len(values), _AT_ONCE):
        some = values[at : at + _AT_ONCE].tolist()
        logs[at : at + _AT_ONCE] = [math.log(value) if value != 0 else -math.inf for value in some]
    return logs


def _known(read: Model) -> list[str]:
    """The Han characters that SnowNLP takes for seen: those with a tag whose share is above 0."""
    uni = read.tables["uni"]
    total = read.members["uni"]["total"]
    states = [read.states[place] for place in uni.states]
    return sorted(
        {c for (c, t), n in zip(states, uni.counts, strict=True) if _is_han(c) and t in _TAGS and float(n) / total != 0}
    )


def _segmenter_tables(read: Model) -> dict[str, NDArray[Any]]:
    model = read.members
    _check_segmenter(model)
    known = _known(read)
    char = np.full(LAST_HAN - FIRST_HAN + 1, len(known), dtype=np.int32)
    char[[ord(c) - FIRST_HAN for c in known]] = range(len(known))
    counts = _Counts(read, known)
    states = np.arange(4 * len(known), dtype=np.int32)
    begin = np.full_like(states, counts.begin)
    start = counts.double(begin, states)
    triple_values = counts.triple()
    is_start = (counts.triples[:, :2] == counts.begin).all(axis=1)
    start[counts.triples[is_start, 2]] = triple_values[is_start]
    counts.triples = counts.triples[~is_start]
    nothing = np.zeros((1, 4))  # an unknown character adds nothing to any path
    return {
        "tags": np.array([ord(tag) for tag in model["status"]]),
        "char": char,
        "start": np.concatenate([start.reshape(-1, 4), nothing]),
        "single": np.concatenate([counts.single(states).reshape(-1, 4), nothing]),
        **_flat(counts, triple_values[~is_start]),
    }


def _flat(counts: _Counts, triple_values: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Pairs and triples by the keys of their characters. Pairs at the beginning hold no values: ``start`` does."""
    width = counts.width // 4
    pairs = counts.pairs[counts.pairs[:, 0] != counts.begin]
    pair_values = counts.double(*pairs.T)
    pair_keys, triple_keys = (
        (each[:, 0] >> 2).astype(np.int64) * width + (each[:, 1] >> 2) for each in (pairs, counts.triples)
    )
    all_keys = np.unique(np.concatenate([np.unique(pair_keys), np.unique(triple_keys)]))
    triple_keys = np.searchsorted(all_keys, triple_keys) * width
    triple_keys += counts.triples[:, 2] >> 2
    return {
        **_by_key("pair", all_keys, pair_keys, pairs, pair_values),
        **_by_key("triple", np.unique(triple_keys), triple_keys, counts.triples, triple_values),
    }


def _by_key(
    name: str, all_keys: NDArray[np.int64], keys: NDArray[np.int64], states: States, values: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Key, from, case and value arrays, in the order of the keys. The tag of the beginning counts as the first."""
    order = np.argsort(keys, kind="stable")
    cases = np.zeros(len(states), dtype=np.uint8)
    for column in states.T:
        cases = cases * np.uint8(4) + (column & 3).astype(np.uint8)
    keys = keys[order]
    ends = np.append(np.searchsorted(keys, all_keys), len(keys))
    return {
        f"{name}_key": all_keys,
        f"{name}_from": ends.astype(np.int32),
        f"{name}_case": cases[order],
        f"{name}_value": values[order],
    }


# ---------------------------------------------------------------------------------------------------------------
# The classifier


def _classifier_tables(model: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    classes = model["d"]
    if set(classes) != {"neg", "pos"}:
        raise UnknownModel("the classifier has other classes than neg and pos")
    numbers = [n for each in classes.values() for n in (each["total"], each["none"], *each["d"].values())]
    if not all(n > 0 for n in numbers) or not model["total"] > 0:
        raise UnknownModel("the classifier has counts that are not above 0")
    # White space ends a token, so a word that holds some is never asked for.
    words = sorted(word for word in {w for each in classes.values() for w in each["d"]} if len(word.split()) == 1)
    values = [
        [math.log(float(each["d"].get(word, each["none"])) / each["total"]) for each in classes.values()]
        for word in words
    ]
    return {
        "words": as_bytes(words),
        "word_value": np.array(values, dtype=np.float64).reshape(len(words), 2),
        "prior": np.array([math.log(each["total"]) - math.log(model["total"]) for each in classes.values()]),
        "unseen": np.array([math.log(float(each["none"]) / each["total"]) for each in classes.values()]),
        "positive": np.array(list(classes).index("pos")),
    }
