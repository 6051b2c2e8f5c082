"""SnowNLP's model as flat arrays: everything ``fast`` looks up, with all logarithms already taken.

SnowNLP's segmenter (``seg/y09_2047.py``) gives each Han character one of four tags; the log-probability of a tag for
character w3, after tag t1 on w1 and t2 on w2, is log((l1*uni/total + l2*bi/uni2) + l3*tri/bi12). Most of the 64 cases
of a position share a few values: without a counted bigram only (w3, t3) matters, without a counted trigram only the
pair. So three layers are kept: a value for each (w3, t3), those of the counted pairs, those of the counted triples.
The logarithms are ``math.log``'s, as SnowNLP's are: numpy's own differ in the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_HAN, LAST_HAN = 0x4E00, 0x9FA5
"""The characters that SnowNLP segments; it splits all else on white space."""


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


def as_bytes(lines: list[str]) -> NDArray[np.uint8]:
    """How ``words`` and ``stop`` are kept."""
    return np.frombuffer("\n".join(lines).encode("utf-8", "surrogatepass"), dtype=np.uint8)


def as_lines(data: NDArray[np.uint8]) -> list[str]:
    """The inverse of ``as_bytes``."""
    return data.tobytes().decode("utf-8", "surrogatepass").split("\n")
