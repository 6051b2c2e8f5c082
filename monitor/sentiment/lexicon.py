"""Words that judge, counted in a text: a list by hand, so that talk of goods or shares without one reads neutral."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

CLASSES = ("bad", "good", "not", "than", "asks", "first", "again", "talks")
"""What a word may be; a word of the class ``none`` only hides shorter words inside it."""

COUNTED = ("bad", "good", "not_bad", "not_good", *CLASSES[2:])
"""What ``count`` counts, in its order."""

REACH = 2
"""Characters between a negation and the judging word it turns (没有 那么 差), at most."""

_PLACE = {name: place for place, name in enumerate(COUNTED)}


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
def _finder() -> tuple[Any, list[tuple[int, ...]], list[bool]]:
    from ahocorasick_rs import AhoCorasick, MatchKind

    known = words()
    places = [tuple(sorted(_PLACE[name] for name in classes if name != "none")) for classes in known.values()]
    turns = [classes == {"not"} for classes in known.values()]
    return AhoCorasick(list(known), matchkind=MatchKind.LeftmostLongest), places, turns


def count(text: str) -> list[int]:
    """How often each of ``COUNTED`` is in a text that ``for_scoring`` made, lower case.

    The longest word from the left wins; a word behind a negation counts as ``not_bad`` or ``not_good`` instead.
    """
    finder, places, turns = _finder()
    counts = [0] * len(COUNTED)
    turned_until = -1
    for word, start, end in finder.find_matches_as_indexes(text):
        for place in places[word]:
            counts[place + 2 if place < 2 and start <= turned_until else place] += 1
        turned_until = end + REACH if turns[word] else -1 if places[word] else turned_until
    return counts
