"""Which brands a text speaks of: terms, in either script; ``require`` and ``exclude`` for homonyms.

All words are folded as the text is, so a term needs no variants in the other script, case or width. A Latin word
counts only on word borders, so that ``mac`` is not found in ``machine``. An exclude that contains a term (澄嵐山) makes
only those occurrences invalid that it covers; any other exclude refuses the whole post.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from monitor.text import fold, fold_text


@dataclass(frozen=True, slots=True)
class Rule:
    """One brand's words as configured; ``accounts`` are the author keys of its own accounts."""

    brand: int
    terms: tuple[str, ...]
    require: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    accounts: frozenset[str] = frozenset()


class Hit(NamedTuple):
    """A brand found: the term as it stands in the text, and where (characters of the original text)."""

    brand: int
    term: str
    start: int
    end: int


Span = tuple[int, int]
_Match = tuple[int, int, int]
"""Number of the word; its start and end in the folded text."""


@dataclass(slots=True)
class _Word:
    """A folded word and the brands that have it: as a term, as what they require, as an exclude.

    An exclude's value says whether it contains one of the brand's terms.
    """

    latin_start: bool
    latin_end: bool
    latin: bool
    terms: dict[int, None] = field(default_factory=dict)
    requires: set[int] = field(default_factory=set)
    excludes: dict[int, bool] = field(default_factory=dict)


class Matcher:
    """All brands' rules compiled into one automaton; its cost a text does not grow with the number of brands."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = {rule.brand: rule for rule in rules}
        self.version = _version(rules)
        self._requiring = {rule.brand for rule in rules if rule.require}
        words: dict[str, _Word] = {}
        for rule in rules:
            terms = list(_folded(rule.terms))
            for term in terms:
                _word(words, term).terms[rule.brand] = None
            for required in _folded(rule.require):
                _word(words, required).requires.add(rule.brand)
            for excluded in _folded(rule.exclude):
                covers = any(term in excluded and term != excluded for term in terms)
                _word(words, excluded).excludes[rule.brand] = covers
        self._words = list(words.values())
        self._plain = [self._only_brand(word) for word in self._words]
        self._automaton = AhoCorasick(list(words), store_patterns=False) if words else None

    def find(self, text: str) -> list[Hit]:
        """The brands that a text speaks of by its own words, each with the first valid occurrence of a term."""
        return _first(text, self.find_all(text))

    def find_all(self, text: str) -> dict[int, list[Span]]:
        """The same brands in the same order, each with all valid occurrences of its terms, first to last.

        Spans are in characters of the original text. Where terms of one brand overlap, each has its span.
        """
        if self._automaton is None:
            return {}
        folded = fold(text)
        matches = self._automaton.find_matches_as_indexes(folded.text, overlapping=True)
        return self._judge(folded.text, [(match, folded.span(match[1], match[2])) for match in matches])

    def find_many(self, texts: Sequence[str]) -> list[list[Hit]]:
        """``find`` of each text, several times as fast where they are many."""
        hits: list[list[Hit]] = [[] for _ in texts]
        for place, found in self._find_together(texts):
            if isinstance(found, tuple):
                brand, start, end = found
                hits[place] = [Hit(brand, texts[place][start:end], start, end)]
            else:
                hits[place] = _first(texts[place], found)
        return hits

    def find_all_many(self, texts: Sequence[str]) -> list[dict[int, list[Span]]]:
        """``find_all`` of each text, several times as fast where they are many."""
        every: list[dict[int, list[Span]]] = [{} for _ in texts]
        for place, found in self._find_together(texts):
            every[place] = {found[0]: [found[1:]]} if isinstance(found, tuple) else found
        return every

    def _find_together(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[int, dict[int, list[Span]] | tuple[int, int, int]]]:
        """Places among the texts and what is found there; of most texts nothing."""
        from monitor.folding import fold_together, portions  # not before: it brings numpy

        if self._automaton is None:
            return
        plain = self._plain
        for first, portion in portions(texts):
            folded = fold_together(portion)
            matches = self._automaton.find_matches_as_indexes(folded.text, overlapping=True)
            owners, starts, ends = folded.places(matches)
            its: list[tuple[_Match, Span]] = []
            for match, owner, start, end, after in zip(
                matches, owners, starts, ends, [*owners[1:], None], strict=False
            ):
                if owner == after or its:
                    its.append((match, (start, end)))
                    if owner != after:
                        yield first + owner, self._judge(folded.text, its)
                        its = []
                elif (brand := plain[match[0]]) is not None:
                    yield first + owner, (brand, start, end)
                else:
                    yield first + owner, self._judge(folded.text, [(match, (start, end))])
            for place in folded.left:  # later than what was found in what is no fold
                yield first + place, self.find_all(portion[place])

    def _only_brand(self, word: _Word) -> int | None:
        """The brand that a text speaks of which holds this word and no other: nothing further is to be looked at."""
        if word.latin or word.requires or word.excludes or len(word.terms) != 1:
            return None
        brand = next(iter(word.terms))
        return None if brand in self._requiring else brand

    def _judge(self, folded: str, matches: Sequence[tuple[_Match, Span]]) -> dict[int, list[Span]]:
        """The valid terms among one text's matches, by brand, as their places in the original."""
        if (alone := self._each_alone(matches)) is not None:
            return alone
        terms: dict[int, list[tuple[int, int, Span]]] = {}
        required: set[int] = set()
        excludes: dict[int, list[tuple[int, int, bool]]] = {}
        for (number, start, end), span in matches:
            word = self._words[number]
            if word.latin and not _on_borders(folded, start, end, word):
                continue
            for brand in word.terms:
                terms.setdefault(brand, []).append((start, end, span))
            if word.requires or word.excludes:  # which few words are
                required |= word.requires
                for brand, covers in word.excludes.items():
                    excludes.setdefault(brand, []).append((start, end, covers))
        valid = {}
        for brand in sorted(terms):
            if brand in self._requiring and brand not in required:
                continue
            places = terms[brand]
            places.sort()
            if brand in excludes:
                places = _not_excluded(places, excludes[brand])
            if places:
                valid[brand] = [span for _, _, span in places]
        return valid

    def _each_alone(self, matches: Sequence[tuple[_Match, Span]]) -> dict[int, list[Span]] | None:
        """What ``_judge`` gives where each match is a plain word of another brand, as most are; None for others."""
        found: dict[int, list[Span]] = {}
        for (number, _, _), span in matches:
            brand = self._plain[number]
            if brand is None or brand in found:
                return None
            found[brand] = [span]
        return {brand: found[brand] for brand in sorted(found)}

    def own_account(self, author_key: str | None) -> int | None:
        """The brand whose own account wrote this, if any."""
        if author_key is None:
            return None
        return next((rule.brand for rule in self.rules.values() if author_key in rule.accounts), None)


def _folded(words: Sequence[str]) -> Iterator[str]:
    return filter(None, (fold_text(word).strip() for word in words))


def _word(words: dict[str, _Word], folded: str) -> _Word:
    start, end = _is_latin(folded[0]), _is_latin(folded[-1])
    return words.setdefault(folded, _Word(start, end, start or end))


def _first(text: str, found: Mapping[int, Sequence[Span]]) -> list[Hit]:
    return [Hit(brand, text[start:end], start, end) for brand, ((start, end), *_) in found.items()]


def _not_excluded(
    terms: list[tuple[int, int, Span]], excludes: Sequence[tuple[int, int, bool]]
) -> list[tuple[int, int, Span]]:
    """The terms that no exclude makes invalid, of one brand and text; the terms sorted."""
    if not all(covers for _, _, covers in excludes):
        return []
    free, reach, place = [], -1, 0
    by_start = sorted(excludes)
    for term in terms:
        while place < len(by_start) and by_start[place][0] <= term[0]:
            reach = max(reach, by_start[place][1])
            place += 1
        if term[1] > reach:
            free.append(term)
    return free


def _is_latin(character: str) -> bool:
    """Letters and digits of scripts that put spaces between words."""
    return character.isalnum() and ord(character) < 0x0590


def _on_borders(text: str, start: int, end: int, word: _Word) -> bool:
    if word.latin_start and start > 0 and _is_latin(text[start - 1]):
        return False
    return not (word.latin_end and end < len(text) and _is_latin(text[end]))


def _version(rules: Sequence[Rule]) -> str:
    plain = [[r.brand, r.terms, r.require, r.exclude, sorted(r.accounts)] for r in rules]
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()[:12]
