"""Signals: what customers feel, found by the lexicon's lines as spans of what they write.

A theme's word alone is no signal: a line carries what hurt, is wished for or was liked. What denies it ("不用排队"),
asks ("质量差吗") or only imagines it ("万一送错") is none either. Of a post that names several brands each signal
goes to the brand of whose portion it is. Figures: ``tests/bench/signals.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from monitor.model import Feeling, Signal
from monitor.portions import Stance, needs_portions, portions
from monitor.signals.lexicon import BadPattern, Lexicon, Line, OwnTheme, check_line
from monitor.signals.patterns import BREAKS
from monitor.text import Folded, fold

__all__ = ["RULES", "BadPattern", "Lexicon", "OwnTheme", "check_line", "find", "of_brands", "shipped"]

RULES = 2
"""Raised with every change of how lines are applied: signals found by other rules are found again."""

LONGEST = 20_000
"""Characters of one text that are read."""

MOST = 60
"""Signals kept of one text: a pasted novel must not fill the table."""

Span = tuple[int, int]

GRAVE = frozenset({"safety", "hygiene", "privacy"})
"""Themes that no other takes the place of: whoever fell ill must not be lost in a longer line of the user's."""

_GOOD = frozenset({Feeling.PRAISE, Feeling.MOVED})
_HYPOTHETICAL = re.compile(
    "(?:如果|要是|假如|假设|万一|倘若|若是|[就哪即]算|即使|哪怕|除非|[生害不就只]怕|怕是|担心|以为|会不会|是不是|有没有|算不算"
    "|怎么[才可]能|怎样[才可]能|想知道|请问|谁说|传说|据说|听说)"
)
_DENIED = re.compile(
    "(?:不|没|无|未|别|勿|免|非|冇|唔|毋须|没有|不会|不用|不必|不需要?|不要|不再|不是|不算|不太|没什么|没啥|没怎么|毫无|并无"
    "|从来?没有?|从不|绝不|避免|防止|拒绝|再也没有?|没有?[遇碰见]到?过?|少了|不存在|告别|不曾|未曾|杜绝|解决了?)(?:[的得过太很]|任何|出现|发生|什么)?$"
)
_REACH = 12
"""Characters before a span, in its clause, in which a denial or a supposition is looked for."""

_BREAK = re.compile(f"[{BREAKS}]")


@cache
def shipped() -> Lexicon:
    """The lexicon of the package, without the user's own themes."""
    return Lexicon()


def find(
    text: str, lexicon: Lexicon | None = None, *, named: Sequence[Span] = (), keep_names: bool = False
) -> tuple[Signal, ...]:  # fmt: skip
    """The signals of a text, by place; of one kind no two overlap. Never raises; the cost grows with the length.

    ``named``: where the text names a watched brand, which is as good as any word that has to be near a signal.
    ``keep_names``: show praise of staff with the free words between the lexicon's, where a name may stand.
    """
    lexicon = lexicon or shipped()
    folded = fold(text[:LONGEST])
    found = [
        (start, end, line)
        for line in lexicon.candidates(folded.text)
        for start, end in _spans(folded.text, line, keep_names)
        if _has_company(folded, start, end, line, named)
    ]
    signals = (
        Signal(line.kind, line.theme, *folded.span(start, end), line.rule)
        for start, end, line in _apart(found, len(folded.text))
    )
    return tuple(sorted(signals, key=lambda s: (s.start, s.end)))[:MOST]


def of_brands(
    text: str, spans: Mapping[int, Sequence[Span]], signals: Sequence[Signal]
) -> dict[int, tuple[Signal, ...]]:  # fmt: skip
    """Whose each signal of a text is: brand -> its own. ``spans``: where the text names which (``Matcher.find_all``).

    Where the text has to be read by portions a brand has those that lie in its own; else each brand has all.
    """
    if not signals or not needs_portions(text, spans):
        return dict.fromkeys(spans, tuple(signals))
    return {
        brand: tuple(s for s in signals if any(_is_of(s, p.start, p.end, p.stance) for p in kept))
        for brand, kept in portions(text, spans).items()
    }


def _is_of(signal: Signal, start: int, end: int, stance: Stance) -> bool:
    """Whether a portion's words say this of its brand: what praises in a comparison praises the better one only."""
    if not start <= signal.start < end:
        return False
    if signal.kind in _GOOD:
        return stance in (Stance.SAID, Stance.BETTER)
    return stance in (Stance.SAID, Stance.WORSE) or signal.kind is Feeling.WISH


def _spans(folded: str, line: Line, keep_names: bool) -> Iterator[Span]:
    for match in line.search.finditer(folded):
        start, end = match.span()
        if start == end or _is_denied(folded, start, end, line):
            continue
        if not keep_names and line.theme == "staff":
            start = max((stop for begin, stop in match.regs[1:] if stop > begin), default=start)
        if start < end:
            yield start, end


def _has_company(folded: Folded, start: int, end: int, line: Line, named: Sequence[Span]) -> bool:
    """Whether one of the words that the line wants near it is there, or a brand's name."""
    left, right = max(0, start - _NEAR), end + _NEAR
    if line.near is None or line.near.search(folded.text, left, right):
        return True
    first, last = folded.span(left, min(right, len(folded.text)))
    return any(first <= at < last for at, _ in named)


def _is_denied(folded: str, start: int, end: int, line: Line) -> bool:
    """Whether the clause takes back what the line says: it denies, asks or imagines it."""
    left = _clause_start(folded, start)
    right = _clause_end(folded, end)
    before = folded[max(left, start - _REACH) : start]
    if line.unless is not None and line.unless.search(folded, left, right):
        return True
    if line.denied and _DENIED.search(before):
        return True
    if line.kind in (Feeling.WISH, Feeling.TELLING):
        return False
    return bool(_HYPOTHETICAL.search(before)) or _asks(folded, end, right)


_ASKS = re.compile("(?:吗|嘛|么|咩|没有|没)$")


def _asks(folded: str, end: int, right: int) -> bool:
    """Whether what follows the span ends its clause as a question."""
    return right - end <= _REACH and bool(_ASKS.search(folded, end, right)) and folded[right : right + 1] in ("?", "")


def _clause_start(folded: str, place: int) -> int:
    """Where the clause of a place begins, at most ``_FAR`` characters before it."""
    first = max(0, place - _FAR)
    breaks = [m.end() for m in _BREAK.finditer(folded, first, place)]
    return breaks[-1] if breaks else first


def _clause_end(folded: str, place: int) -> int:
    found = _BREAK.search(folded, place, place + _FAR)
    return found.start() if found else min(len(folded), place + _FAR)


_NEAR = 60
"""Characters on either side of a span in which what must be near it is looked for."""

_FAR = 40
"""Characters beyond which a clause is not followed: a text without punctuation is one clause."""


def _apart(found: Sequence[tuple[int, int, Line]], length: int) -> Iterator[tuple[int, int, Line]]:
    """Of each kind those that do not overlap, the grave and then the longest of them first."""
    taken: dict[Feeling, bytearray] = {}
    for start, end, line in sorted(found, key=lambda f: (f[2].theme not in GRAVE, f[0] - f[1], f[0])):
        of_kind = taken.setdefault(line.kind, bytearray(length))
        if of_kind.find(1, start, end) < 0:
            of_kind[start:end] = b"\1" * (end - start)
            yield start, end, line
