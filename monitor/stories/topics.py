"""Topics: what tellings of one happening share, though none copied the other.

A telling's *terms* are its pairs of Han characters, its Latin words and its numbers. Each weighs what it would tell
about a text to find it there: ``log2`` of how rare it is in Chinese posts at large and in headlines, whichever it is
commoner in, and, where that is less, of how rare it is in the tellings of these days, so that the name of a brand that
all of them name weighs little. Words for what may happen to any brand ("召回", "市监局") weigh little, too: they tell
what kind of happening it is, not which.

Terms only propose. Two tellings are then judged by the *pieces* that they share, stretches of characters as long as
they go in both, a number with its unit, a word; and a piece that another holds counts once. The numbers were chosen on
``tests/bench/topics/events.py``.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from operator import add
from pathlib import Path

from monitor.text import fold_text

LEAST_LENGTH = 8
"""Characters of Han in a telling; shorter ones say too little to be told apart."""

MAX_TEXT = 240
"""Characters of a text that are considered: the lead tells the happening, the rest its background."""

MAX_PAIRED = 120
"""Characters of a text whose ``pairs`` are considered."""

KEPT = 40
"""Terms of a telling that are stored, the rarest; of equally rare ones those of lowest hash, so that two tellings keep
the same ones of those they share."""

ASKED = 80
"""Terms of a telling that are looked up."""

UNHEARD = 2_000
"""Tellings that are assumed to have come before those of these days, with each term as often as posts at large have
it: three papers in an otherwise quiet hour do not make a name common."""

RARE = 8.0
"""Bits of a piece that is evidence at all: a term of one text in 256."""

EXPECTED = 5.0
"""Bits of a piece that say nothing: two texts of one field share words of one text in 32 by chance."""

LONGER = 0.2
"""Share of its weight that each further pair of a piece adds: the second half of a word follows from the first."""

NAMING = 10.0
"""Bits of the rarest piece, of Han: kinds of happenings are words of one headline in 300, names are rarer."""

LEAST_PIECES = 2

LEAST_EVIDENCE = 14.0
"""Bits above what is expected from which two texts tell one happening."""

LENGTH_COSTS = 0.5
"""Bits by which that rises each time one of the texts has twice as many terms, from ``SHORT`` on."""

SHORT = 16
"""Terms of a headline."""

TOGETHER_COST = 2.0
"""Bits by which it rises where several tellings of a story together have the pieces that no one of them has."""

MERGING = 4.0
"""Bits by which it rises for a second story, which becomes one with the first."""

SAME_FRAME = 0.55
"""Share of the shorter text's Han that may stand in the other in runs of ``FRAME_RUN``: those who tell in their own
words share names, what shares its sentences but is no copy is a template filled with another name."""

FRAME_RUN = 4

_KIND = 8.0
"""Bits of a word for what may happen to any brand, at most."""

_DATA = Path(__file__).parent.parent / "data"
_LATIN = re.compile(r"[a-z][a-z0-9]*[a-z0-9]")
_HAN = re.compile("[\u3400-\u9fff]+")
_NUMBER = re.compile("[0-9零〇一二三四五六七八九两十百千万亿]*[0-9零〇一二三四五六七八九两十][十百千万亿]*")
_STEP = re.compile("[0-9]+|.")
_DIGITS = {char: n for n, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}
_DATED = frozenset("年月日号点时")
_EMPTY = frozenset(
    "的了是我你他她它们在就不也都很还这那有没和与及或但而被把让给到去来说要会能可啊呢吧吗哦呀嘛啦个些么什怎着过得之其"
    "为因所以从对于向比又再才只最更太真并已将曾仍均则该此称逾约"
)
"""Characters that are seldom part of a name or of a word that tells a happening."""


@cache
def _common() -> tuple[dict[str, float], float]:
    """Pair -> bits, for the pairs common in Chinese posts; and the bits of any other."""
    bits = _read("common_pairs.txt")
    return bits, max(bits.values()) + 1


def _read(name: str) -> dict[str, float]:
    bits: dict[str, float] = {}
    for line in (_DATA / name).read_text("utf-8").splitlines():
        if not line.startswith("#"):
            value, _, pairs = line.partition(" ")
            bits.update((pairs[at : at + 2], float(value)) for at in range(0, len(pairs), 2))
    return bits


@cache
def _told() -> tuple[dict[str, float], float]:
    """Pair -> bits, for the pairs common in posts, in headlines or in words for what happens to brands."""
    common, rarest = _common()
    bits = dict(common)
    words = fold_text((_DATA / "event_words.txt").read_text("utf-8")).splitlines()
    kinds = {pair: _KIND for line in words if line[:1] != "#" for run in line.split() for pair in _pairs_of(run)}
    for pair, weight in [*_read("headline_pairs.txt").items(), *kinds.items()]:
        bits[pair] = min(bits.get(pair, rarest), weight)
    return bits, rarest


def _pairs_of(run: str) -> Iterable[str]:
    return map(add, run, run[1:])


@lru_cache(maxsize=8192)
def terms(core: str) -> Mapping[str, float]:
    """The terms of a folded text and the bits each weighs in Chinese posts at large; none of too short a text."""
    bits, rarest = _told()
    text = core[:MAX_TEXT]
    runs = _HAN.findall(text)
    if sum(map(len, runs)) < LEAST_LENGTH:
        return {}
    found: dict[str, float] = {}
    for run in runs:
        found.update(_weighed(run, bits, rarest))
    found.update((word, _latin_bits(word)) for word in _LATIN.findall(text))
    found.update(_numbers(text))
    return found


def _weighed(run: str, bits: Mapping[str, float], rarest: float) -> dict[str, float]:
    """The pairs of a run that may be part of a name or a word, without those between two common words, which are none:
    诉市 in 投诉市场."""
    pairs = [*_pairs_of(run)]
    weights = [bits.get(pair, rarest) for pair in pairs]
    beside = zip([rarest, *weights], [*weights[1:], rarest], strict=False)
    return {
        pair: weight
        for pair, weight, (before, after) in zip(pairs, weights, beside, strict=False)
        if (weight <= _KIND or before > _KIND or after > _KIND) and _EMPTY.isdisjoint(pair)
    }


def _latin_bits(word: str) -> float:
    """A model ("ls20") tells more than a word, of which this knows no frequencies."""
    if any(char.isdigit() for char in word):
        return 13.0 if len(word) > 2 else 11.0
    return 9.0 if len(word) > 3 else 7.0


def _numbers(text: str) -> Iterable[tuple[str, float]]:
    """Numbers from ten on with the character behind them, however they are written: 二百六十公斤 is 260公斤."""
    for found in _NUMBER.finditer(text):
        value = _value(found[0])
        if value < 10:
            continue
        unit = text[found.end() : found.end() + 1]
        weight = 5.0 + 3 * len(str(value).strip("0"))
        yield f"#{value}{unit}", min(13.0, weight) - (3.0 if unit in _DATED else 0.0)


def _value(number: str) -> int:
    total = section = last = 0
    for found in _STEP.finditer(number[:24]):
        step = found[0]
        if step in _TENS:
            section, last = section + (last or 1) * _TENS[step], 0
        elif step in _MYRIADS:
            total, section, last = total + (section + last or 1) * _MYRIADS[step], 0, 0
        else:
            last = _DIGITS[step] if step in _DIGITS else int(step)
    return total + section + last


def pairs(core: str) -> dict[str, float]:
    """The pairs of Han characters of a folded text, and the bits each weighs in Chinese posts at large."""
    bits, rare = _common()
    runs = _HAN.findall(core[:MAX_PAIRED])
    return {pair: bits.get(pair, rare) for run in runs for pair in _pairs_of(run)}


def rarest(told: Mapping[str, float], limit: int) -> dict[str, int]:
    """The terms that may be evidence and their marks, the rarest first, as many at most."""
    found = sorted([(-bits, mark(term), term) for term, bits in told.items() if bits >= RARE])
    return {term: code for _, code, term in found[:limit]}


def mark(term: str) -> int:
    """The hash (32 bits) by which a term is stored."""
    return zlib.crc32(term.encode("utf-8", "replace"))


def bits_now(bits: float, held: int, tellings: int) -> float:
    """What a term weighs among the last ``tellings``, ``held`` of whose stories have it besides the one in question."""
    if not held:
        return bits
    share = (held + UNHEARD * 2.0**-bits) / (tellings + UNHEARD)
    return min(bits, -math.log2(share))


def pieces(one: str, other: str, weigh: Callable[[str], float]) -> dict[str, float]:
    """What two cores share -> its bits, of its rarest term first and what the others add; see ``evidence``."""
    shared = terms(one).keys() & terms(other).keys()
    bits = {term: weigh(term) for term in shared}
    found: dict[str, float] = {}
    for stretch in _stretches(one[:MAX_TEXT], other[:MAX_TEXT], shared):
        weights = sorted((bits[pair] for pair in _pairs_of(stretch)), reverse=True)
        if weights[0] >= RARE:
            more = sum(weight - EXPECTED for weight in weights[1:] if weight > EXPECTED)
            found[stretch] = weights[0] + LONGER * more
    found.update((term, bits[term]) for term in shared if term[0] < "\u3400" and bits[term] >= RARE)
    return found


def _stretches(one: str, other: str, shared: Iterable[str]) -> set[str]:
    """Stretches of Han, of shared pairs, as long as they stand in both."""
    found, current, last = set(), "", -2
    for at in sorted({at for pair in shared if pair[0] >= "\u3400" for at in _places(pair, one)}):
        if at == last + 1 and current + one[at + 1] in other:
            current += one[at + 1]
        else:
            found.add(current)
            current = one[at : at + 2]
        last = at
    return (found | {current}) - {""}


def _places(pair: str, text: str) -> Iterator[int]:
    at = text.find(pair)
    while at >= 0:
        yield at
        at = text.find(pair, at + 1)


def evidence(found: Mapping[str, float]) -> float:
    """Bits above what two texts share by chance; 0 where the pieces are too few or none may be a name."""
    counted = [bits for piece, bits in found.items() if not any(piece in more and piece != more for more in found)]
    if len(counted) < LEAST_PIECES or not any(bits >= NAMING and piece[0] >= "\u3400" for piece, bits in found.items()):
        return 0.0
    return sum(counted) - EXPECTED * len(counted)


def needed(one: int, other: int) -> float:
    """Evidence from which two texts of so many terms tell one happening."""
    return LEAST_EVIDENCE + LENGTH_COSTS * sum(math.log2(max(number, SHORT) / SHORT) for number in (one, other))


def same_frame(one: str, other: str) -> bool:
    """Whether two that are no copies share too many sentences to be told by two in their own words."""
    short, long = sorted((one[:MAX_TEXT], other[:MAX_TEXT]), key=len)
    shared = [False] * len(short)
    for at in range(len(short) - FRAME_RUN + 1):
        if short[at : at + FRAME_RUN] in long:
            shared[at : at + FRAME_RUN] = [True] * FRAME_RUN
    return sum(shared) > SAME_FRAME * len(short)
