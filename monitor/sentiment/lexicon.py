"""Words that judge, counted in a text: a list by hand, so that talk of goods or shares without one reads neutral."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

BAD = ("scorn", "fault", "harm", "grief")
GOOD = ("praise", "joy", "gain")
CLASSES = (*BAD, *GOOD, "ill", "not", "than", "asks", "first", "again", "talks")
"""What a word may be; a word of the class ``none`` only hides shorter words inside it."""

COUNTED = ("bad", "good", "not_bad", "not_good", *CLASSES)
"""What ``count`` counts, in its order; ``bad`` and ``good`` are words of any class of ``BAD`` or ``GOOD``."""

REACH = 2
"""Characters between a negation and the judging word it turns (没有 那么 差), at most."""


def lexicon_bytes() -> bytes:
    return (Path(__file__).parents[1] / "data" / "polar_words.txt").read_bytes()


@cache
def words() -> Mapping[str, frozenset[str]]:
    """Each word and its classes."""
    found: dict[str, frozenset[str]] = {}
    for line in lexicon_bytes().decode("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, listed = line.partition(":")
            for word in listed.split():
                found[word] = found.get(word, frozenset()) | {name}
    return found


@cache
def _finder() -> tuple[Any, list[tuple[int, ...]], list[tuple[int, ...]], list[bool]]:
    """The automaton; of each word what it counts as, what it counts as behind a negation, and whether it is one."""
    from ahocorasick_rs import AhoCorasick, MatchKind

    known = words()
    plain, turned = [], []
    for classes in known.values():
        sides = [side for side, members in (("bad", BAD), ("good", GOOD)) if not classes.isdisjoint(members)]
        others = [name for name in classes if name in CLASSES and name not in (*BAD, *GOOD)]
        plain.append(_places([*sides, *(name for name in classes if name in (*BAD, *GOOD)), *others]))
        turned.append(_places([*(f"not_{side}" for side in sides), *others]))
    turns = [classes == {"not"} for classes in known.values()]
    return AhoCorasick(list(known), matchkind=MatchKind.LeftmostLongest), plain, turned, turns


def _places(names: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted(COUNTED.index(name) for name in names))


def count(text: str) -> list[int]:
    """How often each of ``COUNTED`` is in a text that ``for_scoring`` made, lower case.

    The longest word from the left wins; a judging word behind a negation counts as ``not_bad`` or ``not_good`` only.
    """
    finder, plain, turned, turns = _finder()
    counts = [0] * len(COUNTED)
    turned_until = -1
    for word, start, end in finder.find_matches_as_indexes(text):
        for place in turned[word] if start <= turned_until else plain[word]:
            counts[place] += 1
        turned_until = end + REACH if turns[word] else -1 if plain[word] else turned_until
    return counts
