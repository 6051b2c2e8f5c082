"""The portions of a text that speak of each brand: what stands between its name and the next brand or topic.

A sentence that names one brand is that brand's, and so are those after it, until another brand is named or the topic
changes. A sentence that names several is cut into clauses, and each goes to the brand it names or the nearest before.
What stands before the first name, a title or a lead, belongs to the brand named first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from monitor.portions.comparison import REACH, Stance, held_against, instead, judge, opens
from monitor.text import han_fold, sentences

__all__ = ["LONG", "PORTION_RULES", "Portion", "Stance", "needs_portions", "portions"]

Span = tuple[int, int]

PORTION_RULES = 2
"""Raised with every change to which words are said of which brand: mentions' scores under other rules are another
model's."""

LONG = 300
"""Characters above which a post that names one brand is scored by sentence. Below, posts (about three sentences) are
judged best as a whole; from about six sentences on, one complaint among them drowns in half of the cases."""

LONG_LINE = 60
"""A line of more characters is a paragraph by itself; boards that break lines by hand do so at 40 Han characters."""


APART = 2
"""Letters between two names of one clause; with more of them something is said of the first."""


@dataclass(frozen=True, slots=True)
class Portion:
    """A stretch of the original text that speaks of a brand: a sentence, or clauses of one. ``named``: by its name."""

    start: int
    end: int
    stance: Stance = Stance.SAID
    named: bool = False


def needs_portions(text: str, spans: Mapping[int, Sequence[Span]]) -> bool:
    """Whether a post has to be scored by portions; else the whole post's score is each of its mentions' score.

    It has where it names several brands, compares the only one ("还不如B"), or is longer than ``LONG`` characters.
    """
    if len(spans) > 1 or len(text) > LONG:
        return bool(spans)
    text = _one_script(text)
    return any(name.stance is not Stance.SAID for name in _compared(text, _groups(text, spans)))


def portions(text: str, spans: Mapping[int, Sequence[Span]]) -> dict[int, tuple[Portion, ...]]:
    """The portions of each brand in ``spans`` (brand -> where it is named, in characters of ``text``), in their order.

    Every brand with a span gets at least one. Portions of different brands may be the same words ("A和B都不行"), those
    of one brand never overlap.
    """
    text = _one_script(text)
    names = _compared(text, _groups(text, spans))
    if not names:
        return {}
    walk = _Walk(text, names)
    for unit in _units(text):
        walk.read(unit)
    return walk.found()


@cache
def _script_table() -> dict[int, str]:
    return {ord(char): folded for char, folded in han_fold().items()}


def _one_script(text: str) -> str:
    """The text in the script the rules below are written in, each character in its place."""
    return text.translate(_script_table())


# ---------------------------------------------------------------------------------------------------------------
# Names: those that stand side by side ("A、B和C") are one group


@dataclass(frozen=True, slots=True)
class _Group:
    start: int
    end: int
    brands: frozenset[int]
    stance: Stance = Stance.SAID
    other: Stance | None = None
    opens: bool = False


_JOINS = re.compile(r"[#＃]?[^\S\n]*(?:[、/／&＆+＋·和跟与及或]|以及|或者|还有)?[^\S\n]*[@＠#＃]?")


def _groups(text: str, spans: Mapping[int, Sequence[Span]]) -> list[_Group]:
    named = sorted((start, end, brand) for brand, places in spans.items() for start, end in places)
    groups: list[_Group] = []
    for start, end, brand in named:
        last = groups[-1] if groups else None
        if last and (start <= last.end or _side_by_side(text, last.end, start, end)):
            groups[-1] = _Group(last.start, max(end, last.end), last.brands | {brand})
        else:
            groups.append(_Group(start, end, frozenset({brand})))
    return groups


def _side_by_side(text: str, first_end: int, start: int, end: int) -> bool:
    """Whether two names stand together as in "A、B"; not those of "A和B没法比"."""
    between = start - first_end <= 6 and _JOINS.fullmatch(text, first_end, start)
    return bool(between) and not held_against(text[end : end + REACH])


_ENDS = re.compile("[。！!？?；;\\n]")


def _compared(text: str, groups: Sequence[_Group]) -> list[_Group]:
    """The groups with what a comparison says of them."""
    judged: list[_Group] = []
    for group in groups:
        before = _ENDS.split(text[max(0, group.start - REACH) : group.start])[-1]
        after = _ENDS.split(text[group.end : group.end + REACH], maxsplit=1)[0]
        stance, other = judge(before, after)
        last = judged[-1] if judged else None
        if last and group.start - last.end <= REACH:
            left = text[max(0, last.start - REACH) : last.start]
            if pair := instead(left, text[last.end : group.start]):
                judged[-1] = replace(last, stance=pair[0], other=None)
                stance, other = pair[1], None
        judged.append(replace(group, stance=stance, other=other, opens=opens(before)))
    return judged


# ---------------------------------------------------------------------------------------------------------------
# Units: sentences, cut again where another person speaks


@dataclass(frozen=True, slots=True)
class _Unit:
    start: int
    end: int
    breaks: bool
    """Whether the topic may have changed before it."""


_SPEAKER = re.compile(r"(?:(?<=\s)|^)(?:[推嘘→]\s?[A-Za-z]\w{1,14}\s?[:：])|//\s?@[^\s:：]{1,30}\s?[:：]")
_TURN = re.compile(
    r"(?:另外|此外|除此之外|至于|话说回来|再说|再来|题外话|顺便|言归正传|另一方面|"
    r"[一二三四五六七八九十]{1,2}[、，.．]|第[一二三四五六七八九十][、，点點,])"
)
_BLANK = re.compile(r"\n\s*\n")


def _units(text: str) -> Iterator[_Unit]:
    before = 0
    for start, end in sentences(text):
        gap = text[before:start] if before else ""
        paragraph = bool(_BLANK.search(gap)) or ("\n" in gap and _line_before(text, before) > LONG_LINE)
        breaks = paragraph or bool(_TURN.match(text, start))
        for cut_start, cut_end, spoken in _by_speaker(text, start, end):
            yield _Unit(cut_start, cut_end, breaks or spoken)
            breaks = False
        before = end


def _line_before(text: str, end: int) -> int:
    return end - max(text.rfind("\n", max(0, end - LONG_LINE - 1), end) + 1, end - LONG_LINE - 1)


def _by_speaker(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    cuts = [match.start() for match in _SPEAKER.finditer(text, start, end) if match.start() > start]
    spoken = bool(_SPEAKER.match(text, start, end))
    for a, b in zip([start, *cuts], [*cuts, end], strict=True):
        yield a, b, spoken
        spoken = True


# ---------------------------------------------------------------------------------------------------------------
# Clauses of a sentence that names several brands

_CUT = re.compile(
    r"(?<!\d)[，,](?!\d)|[，；;、~～]+|(?<=[^A-Za-z0-9\s])\s+(?=[^A-Za-z0-9\s])"
    r"|(?=但是|但(?!是)|然而|可是|不过|反观|相比之下|而(?![且已言])|却|倒是|至于|反倒|反而|结果|只是)"
)


def _clauses(text: str, unit: _Unit, names: Sequence[_Group]) -> Iterator[Span]:
    """Spans of the clauses that hold something; no name is cut, nor names that stand side by side."""
    start, place = unit.start, 0
    for cut in _CUT.finditer(text, unit.start, unit.end):
        while place < len(names) and names[place].end <= cut.start():
            place += 1
        inside = place < len(names) and names[place].start < cut.end()
        bare = (
            place > 0 and names[place - 1].start <= start and not _WORD.search(text, names[place - 1].end, cut.start())
        )
        if inside or bare or cut.start() == start:
            continue
        yield start, cut.start()
        start = cut.end()
    if start < unit.end:
        yield start, unit.end


class _Walk:
    """Reads the units in their order and keeps in mind of whom the text speaks."""

    def __init__(self, text: str, names: Sequence[_Group]) -> None:
        self._text, self._names = text, names
        self._kept: dict[int, list[Portion]] = {brand: [] for group in names for brand in sorted(group.brands)}
        self._place = 0
        self._owner: frozenset[int] = frozenset()
        self._head: frozenset[int] = frozenset()
        self._lead: list[Span] = []
        self._titled = True

    def read(self, unit: _Unit) -> None:
        seen = self._place > 0
        names = self._names_in(unit)
        if unit.breaks:
            self._turn(names)
        if not names and seen:
            self._keep(self._owner, (unit.start, unit.end), Stance.SAID)
        elif not names:
            self._lead.append((unit.start, unit.end))
        elif not seen:
            self._begin(unit, names)
        else:
            self._read_clauses(unit, names)

    def _turn(self, names: Sequence[_Group]) -> None:
        """The topic may have changed. A title stays the lead of the paragraph behind it."""
        self._owner = next((name.brands for name in names if name.stance is Stance.SAID), self._head)
        self._titled = self._titled and len(self._lead) == 1
        if not self._titled:
            self._lead.clear()

    def found(self) -> dict[int, tuple[Portion, ...]]:
        for group in self._names:
            for brand in group.brands:
                if not self._kept[brand]:
                    self._kept[brand].append(Portion(group.start, group.end, named=True))
        return {brand: tuple(kept) for brand, kept in sorted(self._kept.items())}

    def _names_in(self, unit: _Unit) -> Sequence[_Group]:
        first = self._place
        while self._place < len(self._names) and self._names[self._place].start < unit.end:
            self._place += 1
        return self._names[first : self._place]

    def _begin(self, unit: _Unit, names: Sequence[_Group]) -> None:
        """The first sentence with a name: what stands before it is its own, a title's brand is the text's."""
        title = self._titled and not self._lead
        self._owner = next((name.brands for name in self._names if name.stance is Stance.SAID), frozenset())
        for span in self._lead:
            self._keep(self._owner, span, Stance.SAID)
        self._read_clauses(unit, names)
        if title:
            self._head = self._owner

    def _read_clauses(self, unit: _Unit, names: Sequence[_Group]) -> None:
        place = 0
        for start, end in _clauses(self._text, unit, names):
            first = place
            while place < len(names) and names[place].start < end:
                place += 1
            if place == first:
                self._keep(self._owner, (start, end), Stance.SAID, unit)
            else:
                self._read_named((start, end), unit, names, range(first, place))

    def _read_named(self, clause: Span, unit: _Unit, names: Sequence[_Group], places: range) -> None:
        judged, subject = self._judged(names, places)
        if any(stance is not Stance.SAID for stance in judged.values()):
            here = {brand for place in places for brand in names[place].brands}
            for brand, stance in judged.items():
                self._keep(frozenset({brand}), clause, stance, unit, named=brand in here)
        else:
            for span, brands in _shares(self._text, clause, [names[place] for place in places]):
                self._keep(brands, span, Stance.SAID, unit, named=True)
        self._owner = subject

    def _judged(self, names: Sequence[_Group], places: range) -> tuple[dict[int, Stance], frozenset[int]]:
        """The stance of each brand in one clause, and of whom the text speaks behind it."""
        judged: dict[int, Stance] = {}
        subject = self._owner
        for place in places:
            name = names[place]
            stance, other = name.stance, name.other
            if other is not None:
                if name.opens and place + 1 < len(names):
                    subject = names[place + 1].brands
                for brand in subject - name.brands:
                    judged[brand] = _stronger(judged.get(brand), other)
            for brand in name.brands:
                judged[brand] = _stronger(judged.get(brand), stance)
            if stance is Stance.SAID:
                subject = name.brands
        return judged, subject

    def _keep(
        self, brands: frozenset[int], span: Span, stance: Stance, unit: _Unit | None = None, named: bool = False
    ) -> None:
        span = _trimmed(self._text, span)
        for brand in brands:
            kept = self._kept[brand]
            last = kept[-1] if kept else None
            if last and unit and last.start >= unit.start and self._goes_on(last, span[0], stance):
                kept[-1] = Portion(last.start, span[1], stance, last.named or named)
            elif span[0] < span[1] and (not last or span[0] >= last.end):
                kept.append(Portion(*span, stance, named))

    def _goes_on(self, last: Portion, start: int, stance: Stance) -> bool:
        said = last.stance is stance is Stance.SAID
        return said and last.end <= start and not _WORD.search(self._text, last.end, start)


def _trimmed(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _stronger(known: Stance | None, stance: Stance) -> Stance:
    return stance if known in (None, Stance.SAID) else known


def _shares(text: str, clause: Span, names: Sequence[_Group]) -> Iterator[tuple[Span, frozenset[int]]]:
    """A clause that names several and compares none: cut before each name that others do not directly precede."""
    start, brands = clause[0], names[0].brands
    for last, name in pairwise(names):
        if len(_WORD.findall(text, last.end, name.start)) > APART:
            cut = _before_name(text, last.end, name.start)
            yield (start, cut), brands
            start, brands = cut, name.brands
        else:
            brands |= name.brands
    yield (start, clause[1]), brands


def _before_name(text: str, start: int, end: int) -> int:
    """Where what is said of the name at ``end`` begins: with the verb and the negation before it."""
    tied = _TIED.search(text, max(start, end - REACH), end)
    return max(start, tied.start()) if tied else end


_TIED = re.compile(
    r"(?:再也|坚决|打死|从来|绝对|以后|以前|之前|上次|这次|今天|昨天|后来|结果|下次|现在|原来|人家|[绝只就还又再也都我他])*"
    r"[不没别]?(?:抵制|支持|[买喝用吃选玩去换是把跟和被])?[了过]?[「『“《（]?\Z"
)
_WORD = re.compile(r"\w")
