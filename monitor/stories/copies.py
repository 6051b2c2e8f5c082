"""Near-copies: what of a text its copies share, marks by which they find one another, and the judgement of a pair.

A *core* is a stretch of a text that may be copied: folded letters and digits, without links, @mentions, hashtags,
emoji and punctuation. A repost "comment//@name:original" has several. *Marks* are hashes of its runs of five
characters, the lowest of which are kept: a part of a text keeps the same ones as the whole (a bottom-k sketch), so
truncated copies find it as well as edited ones do. Marks only propose; ``alike`` judges the pair by the characters.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

from monitor.stories.praise import EVERYDAY, STOCK
from monitor.text import MIN_IDENTITY, bare, fold_text, to_mainland

RUN = 5
"""Characters of a run that is hashed to a mark: short enough to lie between two edits, long enough to be rare."""

KEPT = 24
"""Marks of a core that are stored."""

ASKED = 48
"""Marks of a core that are looked up."""

MAX_CORE = 2_000
"""Characters of a core that are compared; copies of longer texts share their beginnings."""

MAX_CORES = 4

LEAST_SHARED = 0.55
"""Share of the shorter core that must stand in the other one in runs of three characters or more."""

LEAST_RUN = 6
"""Characters that the longest of these runs must have."""

LEAST_WEIGHT = 9.0
"""What the shared characters must weigh; see ``weight``."""

ENOUGH_OF_PRAISE = 20.0
"""The same where three characters in ten are stock praise, unless the two are ``NEARLY_ALL`` the same."""

NEARLY_ALL = 0.75
LONGER_THAN_A_PHRASE = 8

NOISE = 3
"""Scattered edits of single characters, to each stretch that a name could fill, from which on it may be one more."""

_QUOTE_HEAD = re.compile(r"(?://|(?<![a-z0-9])rt)\s?@[^\s:@]{1,30}\s?:")
_REPLY_HEAD = re.compile(r"^\s*回复\s?@[^\s:]{1,30}\s?:")
_HASHTAG = re.compile(r"#[^#\s]{1,40}#|#[\w·\-]{1,20}")
_CAPTION = re.compile(
    r"^\s*(?:转贴|转载|【(?:转|转载|转发|转贴|(?:网友)?投稿|爆料|搬运|分享|截图|求?扩散)】|"
    r"(?:zt|转|转发|转贴|转载|搬运|分享|截图|图|图片)[^\s,。!?:]{0,6}[:\s]|"
    r"(?:刚刚?)?(?:刷到|看到)[^\s,。!?:]{0,8}[:\s]|(?:微博)?正文\s|[\d.]+万?\s?阅读\s|\d{1,2}:\d\d(?:\s[345]g)?(?:\s\d+%)?\s)+"
)
"""What stands before a text that is passed on: that it is, or what a phone shows above it."""

_SIGNED = re.compile(
    r"-{2,}\s*sent from.*|(?:\bsent from (?:my )?[\w .\-]{1,60}|\(转\)|侵删|转发收藏|\bvia \S+|"
    r"来自\s?[\w ]{1,20}客户端|"
    r"(?:…|\.{3})\s*(?:展开)?全文|全文见评论)\s*$",
    re.S,
)
_LATIN = re.compile("[^a-z0-9]+")
_DIGITS = frozenset("0123456789")


@lru_cache(maxsize=8192)
def cores(text: str) -> tuple[str, ...]:
    """The stretches of a text that its copies may share, each of ``MIN_IDENTITY`` characters by weight at least.

    What is quoted behind "//@name:" counts by itself, whoever quotes it; where no stretch is long enough, the whole.
    """
    folded = _REPLY_HEAD.sub("", fold_text(text))
    pieces = _QUOTE_HEAD.split(folded)
    found = [core for piece in pieces for core in _cores(piece)]
    if not found and len(pieces) > 1 and weighs(whole := bare(folded)):
        found = [whole]
    return tuple(dict.fromkeys(found if len(found) <= MAX_CORES else [*found[: MAX_CORES - 1], found[-1]]))


def _cores(piece: str) -> list[str]:
    """Without hashtags, which those who pass it on add, unless too little else is left."""
    piece = _SIGNED.sub("", _CAPTION.sub("", piece))
    core = bare(_HASHTAG.sub(" ", piece)) if "#" in piece else bare(piece)
    if len(core) < MIN_IDENTITY and "#" in piece:
        core = bare(piece)
    return [core[:MAX_CORE]] if weighs(core) else []


def weight(core: str) -> float:
    """Characters, those of stock praise half: many people write "物流很快质量很好" by themselves."""
    return len(core) - sum(len(found[0]) for found in STOCK.finditer(core)) / 2


def weighs(core: str) -> bool:
    return len(core) >= 2 * MIN_IDENTITY or (len(core) >= MIN_IDENTITY and weight(core) >= MIN_IDENTITY)


def marks(core: str) -> list[int]:
    """Hashes (32 bits) of the core's runs, lowest first: ``KEPT`` of them to store, ``ASKED`` to look up."""
    coded = core.encode("utf-32-le", "replace")
    step = 4 * RUN
    found = {zlib.crc32(coded[at : at + step]) for at in range(0, len(coded) - step + 1, 4)}
    return sorted(map(_scatter, found))[:ASKED]


def _scatter(code: int) -> int:
    """CRC is linear, so its lowest values are no fair sample: multiplied by 2^32 over the golden ratio they are."""
    return code * 2654435769 & 0xFFFFFFFF


def alike(one: str, other: str) -> bool:
    """Whether two cores are near-copies: the shorter stands in the longer but for scattered edits.

    Not if all that differs is what a template leaves open: a name, a number.
    """
    short, long = sorted((one, other), key=lambda core: (len(core), core))
    if short in long and not _praises(short):
        return True
    runs = _runs(short, long, 3 if len(long) < 400 else 4)
    shared = sum(end - start for start, end in runs)
    if shared < LEAST_SHARED * len(short) or max(end - start for start, end in runs) < LEAST_RUN:
        return False
    common = "·".join(short[start:end] for start, end in runs)
    carried = weight(common) - 0.6 * len(_LATIN.sub("", common))
    if carried < LEAST_WEIGHT:
        return False
    if carried < ENOUGH_OF_PRAISE and _praises(short):
        shared = _in_order(short, long, runs)
        if shared < NEARLY_ALL * len(long):
            return False
    return not _same_template(short, long)


def _praises(core: str) -> bool:
    return len(core) < 4 * ENOUGH_OF_PRAISE and len(core) - weight(core) >= 0.15 * len(core)


def _runs(text: str, other: str, size: int) -> list[tuple[int, int]]:
    """Stretches of ``text`` made of runs of ``size`` characters that stand in ``other``, too."""
    there = {other[at : at + size] for at in range(len(other) - size + 1)}
    found: list[tuple[int, int]] = []
    start = end = -1
    for at in range(len(text) - size + 1):
        if text[at : at + size] in there:
            if at > end:
                if end > 0:
                    found.append((start, end))
                start = at
            end = at + size
    if end > 0:
        found.append((start, end))
    return found


def _in_order(text: str, other: str, runs: Sequence[tuple[int, int]]) -> int:
    """Characters of the runs longer than a phrase that follow one another in ``other`` as they do in ``text``."""
    shared, after = 0, 0
    for start, end in runs:
        at = other.find(text[start:end], after) if end - start >= LONGER_THAN_A_PHRASE else -1
        if at >= 0:
            shared, after = shared + end - start, at + end - start
    return shared


def _same_template(one: str, other: str) -> bool:
    """Whether the differences are slots (other words at the same place) rather than scattered edits."""
    swaps, edits = _differences(one, other)
    if swaps:  # 资讯 for 信息 is neither
        swaps, edits = _differences(to_mainland(one), to_mainland(other))
    slots = [swap for swap in swaps if _is_slot(*swap)]
    if len(set(swaps)) == 1 and len(swaps) > 1:  # 小米 for 小鹏, twice
        return not any(map(_is_everyday, swaps[0]))
    return len(slots) > len(set(slots)) or (bool(slots) and len(swaps) - len(slots) + edits < NOISE * len(slots))


def _is_slot(x: str, y: str) -> bool:
    """Whether one may be a name or a number in the place of another."""
    if not _DIGITS.isdisjoint(x) and not _DIGITS.isdisjoint(y):
        return True
    if max(len(x), len(y)) == 1 or 2 * len(set(x) & set(y)) >= min(len(set(x)), len(set(y))):
        return False
    return not (_is_everyday(x) or _is_everyday(y))


def _is_everyday(word: str) -> bool:
    return word in EVERYDAY or EVERYDAY.issuperset(word)


def _differences(one: str, other: str) -> tuple[list[tuple[str, str]], int]:
    """What stands in ``one`` where something else stands in ``other``, between the same two characters on each side;
    and how many other differences lie within."""
    theirs = {_sides(other, *gap): other[slice(*gap)] for gap in _gaps(other, one)}
    swaps, edits = [], 0
    for start, end in _gaps(one, other):
        instead = theirs.pop(_sides(one, start, end), "")
        if instead and _same_kind(one[start:end], instead, begins=not start, ends=end == len(one)):
            swaps.append(_unlike(one[start:end], instead))
        else:
            edits += start > 0 and end < len(one)
    return swaps, edits + sum(bool(left and right) for left, right in theirs)


def _sides(text: str, start: int, end: int) -> tuple[str, str]:
    return text[max(0, start - 2) : start], text[end : end + 2]


def _unlike(x: str, y: str) -> tuple[str, str]:
    """The two without what they begin and end with in common."""
    while x and y and x[0] == y[0]:
        x, y = x[1:], y[1:]
    while x and y and x[-1] == y[-1]:
        x, y = x[:-1], y[:-1]
    return x, y


def _same_kind(x: str, y: str, *, begins: bool, ends: bool) -> bool:
    """At a text's border a name may stand for another; what is longer, or of another length at the end, is a comment
    or a cut."""
    if ends:
        return max(len(x), len(y)) <= LONGEST_SLOT and abs(len(x) - len(y)) <= 1
    return not begins or min(len(x), len(y)) <= LONGEST_SLOT


LONGEST_SLOT = 8
"""Characters of a name at the beginning or end of a text."""


def _gaps(text: str, other: str) -> Sequence[tuple[int, int]]:
    """The stretches of ``text`` between its pairs of characters that stand in ``other``, too."""
    runs = _runs(text, other, 2)
    edges = [0, *(edge for run in runs for edge in run), len(text)]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
