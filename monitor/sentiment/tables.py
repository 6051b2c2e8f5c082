"""SnowNLP's model as flat arrays: everything ``fast`` looks up, with all logarithms already taken.

SnowNLP's segmenter (``seg/y09_2047.py``) gives each Han character one of four tags; the log-probability of a tag for
character w3, after tag t1 on w1 and t2 on w2, is log((l1*uni/total + l2*bi/uni2) + l3*tri/bi12). Most of the 64 cases
of a position share a few values: without a counted bigram only (w3, t3) matters, without a counted trigram only the
pair. So three layers are kept: a value for each (w3, t3), those of the counted pairs, those of the counted triples.
The logarithms are ``math.log``'s, as SnowNLP's are: numpy's own differ in the last bit.
"""

from __future__ import annotations

import codecs
import gzip
import marshal
import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_HAN, LAST_HAN = 0x4E00, 0x9FA5
"""The characters that SnowNLP segments; it splits all else on white space."""

_BOS = ("", "BOS")
_TAGS = frozenset("bmes")


class UnknownModel(Exception):
    """The model is not of the kind that these tables describe; plain SnowNLP may still know it."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All of the model. K known characters have the numbers 0..K-1; K stands for any other, K+1 for the beginning.

    ``tags``: the four tags' code points in SnowNLP's order. ``char``: number of each Han character (from FIRST_HAN).
    ``start[k, t]``: log-probability of tag t on a first character. ``single[k, t3]``: the value without counted pair.
    ``pair_key``: k1 * (K + 2) + k2, sorted; the pair's values are ``pair_value[pair_from[i]:pair_from[i + 1]]`` for
    the cases ``pair_case`` = 4 * t2 + t3. ``triple_*``: the same, with key i(pair) * (K + 2) + k3 and case
    16 * t1 + 4 * t2 + t3. ``words``: the classifier's words, UTF-8, one a line; ``word_value[i, class]`` the log of
    their frequency. ``stop``: stop words, one a line. ``prior``, ``unseen``: by class, in the model's order, in which
    ``positive`` is the place of "pos".
    """

    tags: NDArray[np.int64]
    char: NDArray[np.int32]
    start: NDArray[np.float64]
    single: NDArray[np.float64]
    pair_key: NDArray[np.int64]
    pair_from: NDArray[np.int32]
    pair_case: NDArray[np.uint8]
    pair_value: NDArray[np.float64]
    triple_key: NDArray[np.int64]
    triple_from: NDArray[np.int32]
    triple_case: NDArray[np.uint8]
    triple_value: NDArray[np.float64]
    words: NDArray[np.uint8]
    word_value: NDArray[np.float64]
    stop: NDArray[np.uint8]
    prior: NDArray[np.float64]
    unseen: NDArray[np.float64]
    positive: NDArray[np.int64]

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def build(segmenter: Path, classifier: Path, stop_words: Path) -> Tables:
    """The tables of a SnowNLP model from its three files. ``UnknownModel`` says what is not as expected."""
    try:
        seg_part = _segmenter_tables(_load(segmenter))
        class_part = _classifier_tables(_load(classifier))
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise UnknownModel(f"unexpected content ({type(error).__name__})") from error
    stop = {line.strip() for line in codecs.decode(stop_words.read_bytes(), "utf-8").splitlines()}
    return Tables(**seg_part, **class_part, stop=_as_bytes(sorted(stop)))


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

    def __init__(self, model: Mapping[str, Any], known: Sequence[str]) -> None:
        self.width, self.begin = 4 * (len(known) + 2), 4 * (len(known) + 1)
        self._l1, self._l2, self._l3 = model["l1"], model["l2"], model["l3"]
        self._code = {(char, tag): 4 * k + t for k, char in enumerate(known) for t, tag in enumerate(model["status"])}
        self._code[_BOS] = self.begin
        self._total = model["uni"]["total"]
        one, counts = self._coded(model["uni"]["d"], 1)
        self._uni = np.zeros(self.width)
        self._uni[one[:, 0]] = counts
        self.pairs, counts = self._coded(model["bi"]["d"], 2)
        keys = self._pair_key(self.pairs[:, 0], self.pairs[:, 1])
        order = np.argsort(keys)
        self._pair_keys, self._pair_counts = keys[order], counts[order]
        self.triples, self._triple_counts = self._coded(model["tri"]["d"], 3)

    def _coded(self, counted: Mapping[Any, float], wide: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """States (a row each) and counts of what consists of known characters."""
        states, counts = array("q"), array("d")
        find = self._code.get
        for key, count in counted.items():
            coded = [find(key)] if wide == 1 else list(map(find, key))
            if None not in coded:
                states.extend(coded)  # type: ignore[arg-type]
                counts.append(count)
        return np.array(states, dtype=np.int64).reshape(-1, wide), np.array(counts)

    def _pair_key(self, s1: NDArray[np.int64], s2: NDArray[np.int64]) -> NDArray[np.int64]:
        return s1 * self.width + s2

    def _bi(self, s1: NDArray[np.int64], s2: NDArray[np.int64]) -> NDArray[np.float64]:
        wanted = self._pair_key(s1, s2)
        places = np.minimum(np.searchsorted(self._pair_keys, wanted), len(self._pair_keys) - 1)
        counts: NDArray[np.float64] = np.where(self._pair_keys[places] == wanted, self._pair_counts[places], 0.0)
        return counts

    def single(self, s3: NDArray[np.int64]) -> NDArray[np.float64]:
        """log_prob where neither the pair nor the triple was counted."""
        return _logs(self._l1 * (self._uni[s3] / self._total))

    def double(self, s2: NDArray[np.int64], s3: NDArray[np.int64]) -> NDArray[np.float64]:
        """log_prob where the triple was not counted."""
        return _logs(self._below_three(s2, s3))

    def triple(self) -> NDArray[np.float64]:
        """log_prob of the counted ``triples``."""
        s1, s2, s3 = self.triples.T
        return _logs(self._below_three(s2, s3) + _divided(self._l3 * self._triple_counts, self._bi(s1, s2)))

    def _below_three(self, s2: NDArray[np.int64], s3: NDArray[np.int64]) -> NDArray[np.float64]:
        one: NDArray[np.float64] = self._l1 * (self._uni[s3] / self._total)
        return one + _divided(self._l2 * self._bi(s2, s3), self._uni[s2])


def _divided(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """SnowNLP's division: by 0 it is 0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def _logs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([math.log(value) if value != 0 else -math.inf for value in values.tolist()])


def _segmenter_tables(model: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    _check_segmenter(model)
    total = model["uni"]["total"]
    known = sorted(
        {c for (c, t), n in model["uni"]["d"].items() if _is_han(c) and t in _TAGS and float(n) / total != 0}
    )
    char = np.full(LAST_HAN - FIRST_HAN + 1, len(known), dtype=np.int32)
    char[[ord(c) - FIRST_HAN for c in known]] = range(len(known))
    counts = _Counts(model, known)
    states = np.arange(4 * len(known))
    begin = np.full_like(states, counts.begin)
    triples, triple_values = counts.triples, counts.triple()
    start = counts.double(begin, states)
    is_start = (triples[:, :2] == counts.begin).all(axis=1)
    start[triples[is_start, 2]] = triple_values[is_start]
    nothing = np.zeros((1, 4))  # an unknown character adds nothing to any path
    return {
        "tags": np.array([ord(tag) for tag in model["status"]]),
        "char": char,
        "start": np.concatenate([start.reshape(-1, 4), nothing]),
        "single": np.concatenate([counts.single(states).reshape(-1, 4), nothing]),
        **_flat(counts, triples[~is_start], triple_values[~is_start]),
    }


def _flat(counts: _Counts, triples: NDArray[np.int64], triple_values: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Pairs and triples by the keys of their characters. Pairs at the beginning hold no values: ``start`` does."""
    width = counts.width // 4
    pairs = counts.pairs[counts.pairs[:, 0] != counts.begin]
    pair_keys, first_keys = ((each[:, 0] >> 2) * width + (each[:, 1] >> 2) for each in (pairs, triples))
    all_keys = np.unique(np.concatenate([pair_keys, first_keys]))
    triple_keys = np.searchsorted(all_keys, first_keys) * width + (triples[:, 2] >> 2)
    return {
        **_by_key("pair", all_keys, pair_keys, pairs, counts.double(*pairs.T)),
        **_by_key("triple", np.unique(triple_keys), triple_keys, triples, triple_values),
    }


def _by_key(
    name: str,
    all_keys: NDArray[np.int64],
    keys: NDArray[np.int64],
    states: NDArray[np.int64],
    values: NDArray[np.float64],
) -> dict[str, NDArray[Any]]:
    """Key, from, case and value arrays, in the order of the keys. The tag of the beginning counts as the first."""
    order = np.argsort(keys, kind="stable")
    cases = (states & 3) @ (4 ** np.arange(states.shape[1])[::-1])
    return {
        f"{name}_key": all_keys,
        f"{name}_from": np.searchsorted(keys[order], np.append(all_keys, np.iinfo(np.int64).max)).astype(np.int32),
        f"{name}_case": cases[order].astype(np.uint8),
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
        "words": _as_bytes(words),
        "word_value": np.array(values, dtype=np.float64).reshape(len(words), 2),
        "prior": np.array([math.log(each["total"]) - math.log(model["total"]) for each in classes.values()]),
        "unseen": np.array([math.log(float(each["none"]) / each["total"]) for each in classes.values()]),
        "positive": np.array(list(classes).index("pos")),
    }


def _as_bytes(lines: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode("utf-8", "surrogatepass"), dtype=np.uint8)


def as_lines(data: NDArray[np.uint8]) -> list[str]:
    """The inverse of how ``words`` and ``stop`` are kept."""
    return data.tobytes().decode("utf-8", "surrogatepass").split("\n")
