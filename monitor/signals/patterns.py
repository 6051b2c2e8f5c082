"""The small language that the lexicon's lines are written in, and its translation to ``re``.

A line is read from left to right, in either script; spaces around it do not count::

    等了{n}个?小时          letters stand for themselves; ``?`` makes the letter or group before it optional,
                            ``*`` lets it stand up to ``TIMES`` times, ``+`` as often but at least once
    (态度|口气)~(差|恶劣)   one of several; ``~`` is up to ``FEW`` characters and ``…`` up to ``MANY``, of one clause
    [!不没]失望             the letter before (in the middle or at the end: the next one) is none of these
    <求(个|一个)?>          ``<`` is where a clause begins, ``>`` where it ends
    {staff}                 a set of ``sets.toml``; ``{n}`` is a number in digits or Chinese

Nothing repeats without a bound, so what a line costs grows with the text and no faster.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.text import fold_text

FEW = 4
MANY = 12
TIMES = 3

BREAKS = r"\s,。.!?;:、~…\"'“”()\[\]{}<>《》【】「」『』/|\\"
"""Where a clause ends, as the inside of a character class for folded text."""

WIDEST = 3000
"""Ways in which the gaps of one line may stretch at one place: bounds what a hostile text can cost."""

_NUMBER = "(?:[0-9]{1,4}|[一二两三四五六七八九十几半数好多百]{1,3})"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A line: its source, its ``re`` source, and literals of which any text it matches holds at least one.

    ``also``: others of which it holds one as well, none where the line has no second part that is sure.
    Each gap of the expression is a group, so that a match tells where the free characters lie.
    """

    source: str
    expression: str
    anchors: frozenset[str]
    also: frozenset[str] = frozenset()


class BadPattern(ValueError):
    """A line that is not of this language; the message says what is wrong with it."""


def compile_line(source: str, sets: Mapping[str, str]) -> Pattern:
    """Translate one line. BadPattern if it is not well-formed or would match almost anywhere."""
    reader = _Reader(source.strip(), sets)
    node = reader.alternatives()
    if reader.place < len(reader.source):
        raise BadPattern("a ) without its (")
    if not node.anchors or min(map(len, node.anchors)) < 1:
        raise BadPattern("needs a letter that is not optional")
    if node.ways > WIDEST:
        raise BadPattern("has too many gaps")
    return Pattern(source.strip(), node.expression, node.anchors, node.also)


@dataclass(frozen=True, slots=True)
class _Node:
    """``anchors`` is empty where nothing is sure to be there; ``ways``: in how many ways its gaps may stretch."""

    expression: str
    anchors: frozenset[str] = frozenset()
    ways: int = 1
    also: frozenset[str] = frozenset()


def _sequence(nodes: list[_Node]) -> _Node:
    if len(nodes) == 1:
        return nodes[0]
    sure = sorted(
        (found for node in nodes for found in (node.anchors, node.also) if found), key=_sureness, reverse=True
    )
    best, also, *_ = [*sure, frozenset[str](), frozenset[str]()]
    return _Node("".join(node.expression for node in nodes), best, math.prod(node.ways for node in nodes), also)


def _sureness(anchors: frozenset[str]) -> tuple[int, int]:
    return (min(map(len, anchors), default=0), -len(anchors))


def _either(nodes: list[_Node]) -> _Node:
    if len(nodes) == 1:
        return nodes[0]
    sure = all(node.anchors for node in nodes)
    anchors = frozenset().union(*(node.anchors for node in nodes)) if sure else frozenset()
    return _Node(f"(?:{'|'.join(node.expression for node in nodes)})", anchors, max(n.ways for n in nodes))


class _Reader:
    """Reads one line by recursive descent."""

    def __init__(self, source: str, sets: Mapping[str, str], inside: tuple[str, ...] = ()) -> None:
        self.source, self.place = source, 0
        self._sets, self._inside = sets, inside

    def alternatives(self) -> _Node:
        branches = [self._branch()]
        while self._at("|"):
            self.place += 1
            branches.append(self._branch())
        return _either(branches)

    def _branch(self) -> _Node:
        nodes: list[_Node] = []
        letters = ""
        first = self.place == 0
        while self.place < len(self.source) and self.source[self.place] not in "|)":
            char = self.source[self.place]
            if char not in "({[~…<>":
                self.place += 1
                if (often := self._often()) is None:
                    letters += char
                    continue
                nodes += [*_literal(letters), _repeated(_literal(char)[0], often)]
            else:
                nodes += [*_literal(letters), self._special(char, first and not nodes and not letters)]
            letters = ""
        return _sequence([*nodes, *_literal(letters)])

    def _special(self, char: str, first: bool) -> _Node:
        self.place += 1
        if char in "~…":
            width = FEW if char == "~" else MANY
            self._often()
            return _Node(f"([^{BREAKS}]{{0,{width}}}?)", ways=width + 1)
        if char == "<":
            return _Node(f"(?<![^{BREAKS}])")
        if char == ">":
            return _Node(f"(?![^{BREAKS}])")
        if char == "[":
            return self._none_of(first)
        node = self._group() if char == "(" else self._set()
        often = self._often()
        return node if often is None else _repeated(node, often)

    def _none_of(self, first: bool) -> _Node:
        letters = fold_text(self._until("]"))
        if not letters.startswith("!") or len(letters) < 2:
            raise BadPattern("[ must be [!letters]")
        return _Node(f"(?{'<' if first else ''}![{re.escape(letters[1:])}])")

    def _group(self) -> _Node:
        node = self.alternatives()
        if not self._at(")"):
            raise BadPattern("a ( without its )")
        self.place += 1
        return node

    def _set(self) -> _Node:
        name = self._until("}")
        if name == "n":
            return _Node(_NUMBER)
        if name not in self._sets or name in self._inside:
            raise BadPattern(f"there is no set {{{name}}}")
        inner = _Reader(self._sets[name], self._sets, (*self._inside, name))
        node = inner.alternatives()
        return _Node(f"(?:{node.expression})", node.anchors, node.ways, node.also)

    def _until(self, closing: str) -> str:
        end = self.source.find(closing, self.place)
        if end < 0:
            raise BadPattern(f"a {closing} is missing")
        inside, self.place = self.source[self.place : end], end + 1
        return inside

    def _often(self) -> str | None:
        """The ? * or + that stands next, as ``re`` writes it."""
        for mark in "?？*+":
            if self._at(mark):
                self.place += 1
                return _OFTEN[mark]
        return None

    def _at(self, char: str) -> bool:
        return self.source.startswith(char, self.place)


def _literal(letters: str) -> list[_Node]:
    folded = fold_text(letters)
    return [_Node(re.escape(folded), frozenset({folded}))] if folded else []


_OFTEN = {"?": "?", "？": "?", "*": f"{{0,{TIMES}}}", "+": f"{{1,{TIMES}}}"}


def _repeated(node: _Node, often: str) -> _Node:
    sure = node.anchors if often == _OFTEN["+"] else frozenset[str]()
    return _Node(f"(?:{node.expression}){often}", sure, node.ways + 1 if node.ways > 1 else 1)
