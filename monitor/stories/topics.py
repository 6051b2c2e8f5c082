"""Topics: what tellings of one happening share, though none copied the other.

A telling's *terms* are its pairs of Han characters and its Latin words and numbers. Each weighs what it would tell
about a text to find it there: ``log2`` of how rare it is in Chinese posts at large, and, where that is less, of how
rare it is among the stories of these days, so that the name of a brand that all of them name weighs little. The numbers
were chosen on half 0 and seed 1 of ``tests/bench/stories.py``.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping, Set
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

LEAST_LENGTH = 12
"""Characters of Han in a telling; shorter ones say too little to be told apart."""

MAX_TEXT = 120
"""Characters of a text that are considered: the lead tells the happening, the rest its background."""

KEPT = 20
"""Terms of a telling that are stored, the rarest."""

ASKED = 32
"""Terms of a telling that are looked up."""

UNHEARD = 100
"""Stories that are assumed to have been without a term before any was seen."""

LEAST_LIKENESS = 0.18
"""Cosine of two tellings' weighed terms from which they tell one happening."""

LEAST_SHARED = 4
"""Terms that must be shared that are rare in both senses; see ``RARE``."""

RARE = 4.5
"""Bits: a term of one story in 23, or of one post in 23."""

_LATIN = re.compile(r"[a-z0-9][a-z0-9.\-]*[a-z0-9]|[0-9]")
_HAN = re.compile("[\u3400-\u9fff]+")


@cache
def _common() -> tuple[dict[str, float], float]:
    """Pair -> bits, for the pairs common in Chinese posts; and the bits of any other."""
    lines = (Path(__file__).parent.parent / "data" / "common_pairs.txt").read_text("utf-8").splitlines()
    bits: dict[str, float] = {}
    for line in lines:
        if not line.startswith("#"):
            value, _, pairs = line.partition(" ")
            bits.update((pairs[at : at + 2], float(value)) for at in range(0, len(pairs), 2))
    return bits, max(bits.values()) + 1


@lru_cache(maxsize=8192)
def terms(core: str) -> Mapping[int, float]:
    """The terms (as hashes of 32 bits) of a folded text, and the bits each weighs in Chinese posts at large."""
    bits, rare = _common()
    text = core[:MAX_TEXT]
    runs = _HAN.findall(text)
    if sum(map(len, runs)) < LEAST_LENGTH:
        return {}
    found = {pair for run in runs for pair in map("".join, pairwise(run))}
    weighed = [(-bits.get(pair, rare), pair) for pair in found]
    weighed += [(3 - rare if len(word) > 2 else -rare / 2, word) for word in set(_LATIN.findall(text))]
    return {zlib.crc32(term.encode()): -minus for minus, term in sorted(weighed)[:ASKED]}


def pairs(core: str) -> dict[str, float]:
    """The pairs of Han characters of a folded text, and the bits each weighs in Chinese posts at large."""
    bits, rare = _common()
    runs = _HAN.findall(core[:MAX_TEXT])
    return {pair: bits.get(pair, rare) for run in runs for pair in map("".join, pairwise(run))}


def weigh(told: Mapping[int, float], held: Mapping[int, int], stories: int) -> dict[int, float]:
    """The terms' bits among ``stories`` of these days, of which ``held`` says how many tell of each term."""
    return {term: min(bits, math.log2((stories + UNHEARD) / (held.get(term, 0) + 1))) for term, bits in told.items()}


def likeness(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    """Cosine of two tellings' terms, 0..1; 0 where they share too few rare ones."""
    shared: Set[int] = one.keys() & other.keys()
    if sum(min(one[term], other[term]) >= RARE for term in shared) < LEAST_SHARED:
        return 0.0
    return sum(one[term] * other[term] for term in shared) / math.sqrt(_square(one) * _square(other))


def _square(weighed: Mapping[int, float]) -> float:
    return sum(bits * bits for bits in weighed.values())
