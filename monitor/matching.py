"""Which brands a text speaks of: terms, in either script; ``require`` and ``exclude`` for homonyms.

All words are folded as the text is, so a term needs no variants in the other script, case or width. A Latin word
counts only on word borders, so that ``mac`` is not found in ``machine``. An exclude that contains a term (澄嵐山) makes
only those occurrences invalid that it covers; any other exclude refuses the whole post.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Hit:
    """A brand found: the term as it stands in the text, and where (characters of the original text)."""

    brand: int
    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Word:
    brand: int
    role: str
    latin_start: bool
    latin_end: bool
    covers_term: bool = False


class Matcher:
    """All brands' rules compiled into one automaton; its cost a text does not grow with the number of brands."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = {rule.brand: rule for rule in rules}
        self.version = _version(rules)
        self._words: dict[str, list[_Word]] = {}
        for rule in rules:
            self._add(rule, "term", rule.terms)
            self._add(rule, "require", rule.require)
            self._add(rule, "exclude", rule.exclude)
        self._patterns = list(self._words)
        self._automaton = AhoCorasick(self._patterns, store_patterns=False) if self._patterns else None

    def _add(self, rule: Rule, role: str, words: Sequence[str]) -> None:
        terms = [fold_text(t) for t in rule.terms]
        for word in words:
            folded = fold_text(word).strip()
            if not folded:
                continue
            covers = role == "exclude" and any(t and t in folded and t != folded for t in terms)
            known = self._words.setdefault(folded, [])
            known.append(_Word(rule.brand, role, _is_latin(folded[0]), _is_latin(folded[-1]), covers))

    def find(self, text: str) -> list[Hit]:
        """The brands that a text speaks of by its own words, each with the first valid occurrence of a term."""
        return [Hit(brand, text[a:b], a, b) for brand, ((a, b), *_) in self.find_all(text).items()]

    def find_all(self, text: str) -> dict[int, list[tuple[int, int]]]:
        """The same brands in the same order, each with all valid occurrences of its terms, first to last.

        Spans are in characters of the original text. Where terms of one brand overlap, each has its span.
        """
        if self._automaton is None:
            return {}
        folded = fold(text)
        hits: dict[int, dict[str, list[tuple[int, int, bool]]]] = {}
        for pattern, start, end in self._automaton.find_matches_as_indexes(folded.text, overlapping=True):
            for word in self._words[self._patterns[pattern]]:
                if _on_borders(folded.text, start, end, word):
                    by_role = hits.setdefault(word.brand, {})
                    by_role.setdefault(word.role, []).append((start, end, word.covers_term))
        judged = ((brand, self._valid(brand, by_role)) for brand, by_role in sorted(hits.items()))
        return {brand: [folded.span(start, end) for start, end in spans] for brand, spans in judged if spans}

    def _valid(self, brand: int, by_role: Mapping[str, Sequence[tuple[int, int, bool]]]) -> list[tuple[int, int]]:
        excludes = by_role.get("exclude", ())
        if any(not covers for _, _, covers in excludes):
            return []
        if self.rules[brand].require and "require" not in by_role:
            return []
        terms = sorted({(start, end) for start, end, _ in by_role.get("term", ())})
        return _uncovered(terms, sorted((start, end) for start, end, _ in excludes))

    def own_account(self, author_key: str | None) -> int | None:
        """The brand whose own account wrote this, if any."""
        if author_key is None:
            return None
        return next((rule.brand for rule in self.rules.values() if author_key in rule.accounts), None)


def _uncovered(terms: Sequence[tuple[int, int]], covers: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The terms that lie inside none of the covers; both sorted."""
    free, reach, place = [], -1, 0
    for start, end in terms:
        while place < len(covers) and covers[place][0] <= start:
            reach = max(reach, covers[place][1])
            place += 1
        if end > reach:
            free.append((start, end))
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
