"""The lexicon: which lines tell of which feeling, read from ``data/signals`` and from the user's own themes.

Each file is one kind of signal or several, each of its tables one theme (of a kind without themes the only one)::

    [waiting]
    lines = '''
    等了{n}个?(小时|钟头)      // one pattern a line; what follows // is for people
    '''
    unless = '''               // what makes it no signal, in the clauses that the span touches
    不用
    '''
    near = '''                 // one of these has to stand within a sentence or two
    服务|店
    '''

``sets.toml`` has the words that several lines share. Format and matching: ``patterns``.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

from ahocorasick_rs import AhoCorasick, MatchKind

from monitor.model import Feeling
from monitor.signals.patterns import BadPattern, Pattern, compile_line

FILES = ("complaint", "goods", "leaving", "wish", "praise")

MOST_ALSO = 40
"""Anchors of a line's second part beyond which asking for one of them costs more than it spares."""

LONGEST_RULE = 60
"""Characters of a line that are kept as the name of its rule."""


@dataclass(frozen=True, slots=True)
class OwnTheme:
    """A theme of the user's: lines to add to a theme of this name, or a theme of its own."""

    name: str
    words: tuple[str, ...]
    kind: Feeling = Feeling.COMPLAINT
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One line of the lexicon. ``denied``: a negation before it makes it no signal. Compiled when first needed."""

    kind: Feeling
    theme: str
    rule: str
    expression: str
    forbidden: str
    company: str
    denied: bool
    anchors: frozenset[str]
    also: frozenset[str]

    @cached_property
    def search(self) -> re.Pattern[str]:
        return re.compile(self.expression)

    @cached_property
    def unless(self) -> re.Pattern[str] | None:
        return _compiled(self.forbidden) if self.forbidden else None

    @cached_property
    def near(self) -> re.Pattern[str] | None:
        return _compiled(self.company) if self.company else None


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


class Lexicon:
    """All lines, and one automaton over their anchors: only lines of which a literal stands in a text are tried."""

    def __init__(self, own: Sequence[OwnTheme] = ()) -> None:
        sections, lines = _shipped()
        self._lines = [*lines, *(line for theme in own for line in _own_lines(theme, dict(sections)["sets"]))]
        self.version = _version(sections, own)
        self._of_anchor: dict[str, list[int]] = {}
        for number, line in enumerate(self._lines):
            for anchor in sorted(line.anchors):
                self._of_anchor.setdefault(anchor, []).append(number)
            for anchor in sorted(line.also):
                self._of_anchor.setdefault(anchor, [])

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    def themes(self, kind: Feeling) -> tuple[str, ...]:
        """The themes of a kind, in the order of the files."""
        return tuple(dict.fromkeys(line.theme for line in self._lines if line.kind is kind))

    def candidates(self, folded: str) -> list[Line]:
        """The lines that may match a folded text, in the order of the files."""
        found = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        anchors = {number for number, _, _ in found}
        numbers = sorted({i for number in anchors for i in self._owners[number]})
        return [self._lines[i] for i in numbers if not (self._also[i] and self._also[i].isdisjoint(anchors))]

    @cached_property
    def _automaton(self) -> AhoCorasick:
        return AhoCorasick(list(self._of_anchor), matchkind=MatchKind.Standard)

    @cached_property
    def _also(self) -> list[frozenset[int]]:
        """Of each line the numbers of the anchors of its second sure part."""
        number_of = {anchor: number for number, anchor in enumerate(self._of_anchor)}
        return [frozenset(number_of[anchor] for anchor in line.also) for line in self._lines]

    @cached_property
    def _owners(self) -> list[list[int]]:
        return list(self._of_anchor.values())


def _lines(name: str, table: Mapping[str, Any], sets: Mapping[str, str]) -> Iterator[Line]:
    """Those of one table of a shipped file."""
    kind = Feeling(table.get("kind", "complaint"))
    theme = table.get("theme", name if kind in (Feeling.COMPLAINT, Feeling.PRAISE) else "")
    unless, near = (_any_of(list(_sources(table.get(key, ""))), sets) for key in ("unless", "near"))
    for source in _sources(table["lines"]):
        yield _line(kind, theme, compile_line(source, sets), unless, near)


def _own_lines(theme: OwnTheme, sets: Mapping[str, str]) -> Iterator[Line]:
    unless = _any_of(theme.unless, sets)
    for source in theme.words:
        yield _line(theme.kind, theme.name, compile_line(source, sets), unless, "")


def _line(kind: Feeling, theme: str, pattern: Pattern, unless: str, near: str) -> Line:
    rule = f"{theme or kind}: {pattern.source}"[:LONGEST_RULE]
    also = pattern.also if len(pattern.also) <= MOST_ALSO else frozenset[str]()
    denied = _may_be_denied(pattern)
    return Line(kind, theme, rule, pattern.expression, unless, near, denied, pattern.anchors, also)


def check_line(source: str) -> None:
    """BadPattern if a line of the user's cannot be read, or would find every clause."""
    sections, _ = _shipped()
    pattern = compile_line(source, dict(sections)["sets"])
    if all(unicodedata.category(char)[0] in "PZ" for anchor in pattern.anchors for char in anchor):
        raise BadPattern("holds punctuation only")


def _may_be_denied(pattern: Pattern) -> bool:
    """A line that begins at a clause's border or is itself a denial has none before it that could deny it."""
    return not pattern.source.startswith("<")


def _any_of(sources: Sequence[str], sets: Mapping[str, str]) -> str:
    return "|".join(compile_line(source, sets).expression for source in sources)


def _sources(text: str) -> Iterator[str]:
    for line in text.splitlines():
        source = line.partition("//")[0].strip()
        if source:
            yield source


@cache
def _shipped() -> tuple[list[tuple[str, Any]], list[Line]]:
    """The sets and every table of the files in ``FILES``, and their lines: read and compiled once a process."""
    folder = resources.files("monitor") / "data" / "signals"
    read = [(folder / f"{file}.toml").read_text("utf-8") for file in ("sets", *FILES)]
    sets = {name: "|".join(_sources(words)) for name, words in tomllib.loads(read[0]).items()}
    tables = [item for text in read[1:] for item in tomllib.loads(text).items()]
    return [*tables, ("sets", sets)], [line for name, table in tables for line in _lines(name, table, sets)]


def _version(sections: Sequence[tuple[str, Any]], own: Sequence[OwnTheme]) -> str:
    plain = [sections, [[t.name, t.kind, t.words, t.unless] for t in own]]
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()[:12]


__all__ = ["BadPattern", "Lexicon", "Line", "OwnTheme", "check_line"]
