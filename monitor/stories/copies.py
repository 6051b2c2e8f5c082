"""Near-copies: what of a text its copies share, marks by which they find one another, and the judgement of a pair.

A *core* is a stretch of a text that may be copied: folded letters and digits, without links, @mentions, hashtags,
emoji and punctuation. Of "comment//@name:original" it is the original; a comment only where it is long. *Marks* are
hashes of its runs of five characters, the lowest of which are kept: a part of a text keeps the same ones as the whole
(a bottom-k sketch), so truncated copies find it as well as edited ones do. Marks only propose; ``alike`` judges the
pair by the characters.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from monitor.stories.alignment import blocks, runs
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
"""Of a chain of quotes: the newest, and the last, which is what all of them pass on."""

LEAST_COMMENT = 40
"""Characters of a comment on a quote that may itself be passed on: no two people find so many by themselves."""

LEAST_SHARED = 0.55
"""Share of the shorter core that must stand in the other one in runs of three characters or more."""

LEAST_RUN = 6
"""Characters that the longest of these runs must have."""

LEAST_WEIGHT = 9.0
"""What the shared characters must weigh; see ``weight``."""

ENOUGH = 20.0
"""What they must weigh to show by themselves that one copied. Where it is less, they must be ``NEARLY_ALL`` of the
shorter text and ``LEAST_PART`` of the longer, for "大家自己小心，转给需要的人" stands before many a text; and
where three characters in ten are stock praise, ``NEARLY_ALL`` of the longer."""

LEAST_PART = 0.25

NEARLY_ALL = 0.75
"""Share of the longer core, in the same order and in runs of ``LONGER_THAN_A_PHRASE`` characters or more."""

LONGER_THAN_A_PHRASE = 8

TOGETHER = 0.8
"""Share of what lies between the first and the last that two have in common, where it is little: phrases of one's own
between others' are no edits."""

A_PHRASE = 3

NOISE = 4
"""Scattered edits of single characters, to each stretch that a name of two could fill, from which on it may be one:
with three, a badly read screenshot of one brand's notice passed for another brand's."""

_QUOTE_HEAD = re.compile(r"(?://|(?<![a-z0-9])rt)\s?@[^\s:@]{1,30}\s?:")
_REPLY_HEAD = re.compile(r"^\s*回[复覆]\s?@[^\s:]{1,30}\s?:")
_BOARD = re.compile(r"※\s?(?:引述|发信站|文章网址|编辑|转录[者至])[^\n]*")
"""What PTT writes around a post by itself: whom it quotes, where it was sent from."""

_NAMED = re.compile(r"(?<=[^\W_])@(?=[\w·\-]{1,30}\s+[^\s@])")
"""The sign before a name that a sentence runs on around ("关注@澄岚 并转发"): it says something there, while those who
pass a text on name their friends before or behind it."""

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
    r"(?:…|\.{3})\s*(?:(?:展开)?全文c?|(?:查看|显示)更多)|全文见评论)\s*$",
    re.S,
)
_SIGNS = ("sent from", "(转)", "侵删", "转发收藏", "via ", "来自", "…", "...", "全文见评论")
"""One of them stands in whatever ``_SIGNED`` finds: looking for them is much faster than for it."""

_LATIN = re.compile("[^a-z0-9]+")
_NUMBER = re.compile("[0-9oil](?:(?<=[0-9])|[oil]*[0-9])[0-9oil]*")
"""A run of digits and of letters that are read as digits, of which one is a digit."""
_READ_AS_DIGITS = str.maketrans("oil", "011")
_LOOK_ALIKE = (
    "人入八 己已巳 未末 日曰目 土士 大太犬天夫 自白 千干于 王玉 口囗 免兔 鸟乌 戊戌戍 贝见 我找 的旳 力刀 话活"
)
_SHAPES = str.maketrans({char: shapes[0] for shapes in _LOOK_ALIKE.split() for char in shapes[1:]})
"""Characters that a screenshot's reader takes for one another, as the first of them."""
_NUMBER_SIGNS = re.compile("[\ue000-\uf8ff]")


@lru_cache(maxsize=8192)
def cores(text: str) -> tuple[str, ...]:
    """The stretches of a text that its copies may share, each of ``MIN_IDENTITY`` characters by weight at least.

    What is quoted behind "//@name:" counts by itself, whoever quotes it; a comment before it only if it is long enough
    to be passed on for its own sake, for two who say "大家来看看这是真的假的" of two things copied nothing. Where no
    stretch is long enough, the whole.
    """
    folded = fold_text(text)
    folded = _BOARD.sub(" ", folded) if "※" in folded else folded
    if "@" not in folded:
        return tuple(_cores(folded))
    pieces = [_REPLY_HEAD.sub("", piece) for piece in _QUOTE_HEAD.split(folded)]
    *comments, original = map(_cores, pieces)
    found = [core for cores in comments for core in cores if len(core) >= LEAST_COMMENT] + original
    if not found and len(pieces) > 1 and weighs(whole := bare(folded)):
        found = [whole]
    return tuple(dict.fromkeys(found if len(found) <= MAX_CORES else [*found[: MAX_CORES - 1], found[-1]]))


def _cores(piece: str) -> list[str]:
    """Without hashtags, which those who pass it on add, unless too little else is left."""
    if head := _CAPTION.match(piece):
        piece = piece[head.end() :]
    if any(map(piece.__contains__, _SIGNS)):
        piece = _SIGNED.sub("", piece)
    piece = _NAMED.sub("", piece) if "@" in piece else piece
    core = bare(_HASHTAG.sub(" ", piece)) if "#" in piece else bare(piece)
    if len(core) < MIN_IDENTITY and "#" in piece:
        core = bare(piece)
    return [core[:MAX_CORE]] if weighs(core) else []


@lru_cache(maxsize=4096)
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
    # CRC is linear, so its lowest values are no fair sample: multiplied by 2^32 over the golden ratio they are.
    return sorted([code * 2654435769 & 0xFFFFFFFF for code in found])[:ASKED]


def alike(one: str, other: str) -> bool:
    """Whether two cores are near-copies: the shorter stands in the longer but for scattered edits.

    Not if all that differs is what a template leaves open: a name, a number.
    """
    short, long = _by_length(one, other)
    if len(short) < LEAST_COMMENT and one != other and _NUMBER.sub("", one) == _NUMBER.sub("", other):
        return False  # 第1号 and 第11号, where a digit more would look like an edit; long texts are misread
    if short in long and not _praises(short):
        return len(short) >= ENOUGH or len(short) >= LEAST_PART * len(long)
    found = runs(short, long, 3 if len(long) < 400 else 4)
    shared = sum(end - start for start, end in found)
    if shared < LEAST_SHARED * len(short) or max(end - start for start, end in found) < LEAST_RUN:
        return False
    carried = _carried("·".join([short[start:end] for start, end in found]))
    if carried < LEAST_WEIGHT or (carried < ENOUGH and shared < max(NEARLY_ALL * len(short), LEAST_PART * len(long))):
        return False
    if carried < ENOUGH and _praises(short):
        shared = _in_order(short, long, found)
        if shared < NEARLY_ALL * len(long):
            return False
    short, long = _to_compare(short, long)
    return _stands_together(short, long, carried) and not _same_template(short, long)


def _by_length(one: str, other: str) -> tuple[str, str]:
    return (one, other) if (len(one), one) <= (len(other), other) else (other, one)


def _carried(common: str) -> float:
    """What shared characters weigh: Latin letters little, for a few of them make a word."""
    if len(common) < LEAST_WEIGHT:
        return 0.0  # whatever stands in it: praise and Latin letters only weigh less
    latin = 0.6 * len(_LATIN.sub("", common))
    least = len(common) / 2 - latin  # if all of it were praise
    return least if least >= ENOUGH else weight(common) - latin


def _stands_together(short: str, long: str, carried: float) -> bool:
    """Whether what the two share follows one another alike and, where it is little, with no phrase of their own
    between: so it does for who copies, but not for two who put the same phrases together."""
    if len(long) > LONGEST_ALIGNED:
        return True
    common = blocks(short, long)
    shared = sum(size for _, _, size in common)
    if shared < LEAST_SHARED * len(short):
        return False
    between = (max(c - a - size, d - b - size) for (a, b, size), (c, d, _) in pairwise(common))
    return carried >= ENOUGH or shared >= TOGETHER * (shared + sum(n for n in between if n >= A_PHRASE))


def closely(one: str, other: str) -> bool:
    """Whether one is all but the whole of the other, so that what is like the one may stand for the other."""
    short, long = _by_length(one, other)
    if short in long:
        return True
    shared = sum(end - start for start, end in runs(short, long, 3))
    return shared >= 0.85 * len(short)


def _praises(core: str) -> bool:
    return len(core) < 4 * ENOUGH and len(core) - weight(core) >= 0.15 * len(core)


def _in_order(text: str, other: str, stretches: Sequence[tuple[int, int]]) -> int:
    """Characters of the stretches longer than a phrase that follow one another in ``other`` as they do in ``text``."""
    shared, after = 0, 0
    for start, end in stretches:
        at = other.find(text[start:end], after) if end - start >= LONGER_THAN_A_PHRASE else -1
        if at >= 0:
            shared, after = shared + end - start, at + end - start
    return shared


def _same_template(one: str, other: str) -> bool:
    """Whether the differences are slots (other words at the same place) rather than scattered edits."""
    differences = _differences if max(len(one), len(other)) <= LONGEST_ALIGNED else _differences_of_long
    if not _are_slots(*differences(one, other)):
        return False
    return _are_slots(*differences(_mainland(one), _mainland(other)))  # 资讯 for 信息 is neither


def _are_slots(swaps: Sequence[tuple[str, str]], edits: int) -> bool:
    slots = [swap for swap in swaps if _is_slot(*swap)]
    if len(set(swaps)) == 1 and len(swaps) > 1:  # 小米 for 小鹏, twice
        return not any(map(_is_everyday, swaps[0]))
    named = sum(max(1.0, min(map(len, slot)) / 2) for slot in slots)  # scattered edits seldom meet in a long one
    return len(slots) > len(set(slots)) or (bool(slots) and len(swaps) - len(slots) + edits < NOISE * named)


@lru_cache(maxsize=4096)
def _mainland(core: str) -> str:
    """Kept, because the text that a group began with is compared with all that may be its copies."""
    return to_mainland(core)


def _is_slot(x: str, y: str) -> bool:
    """Whether one may be a name or a number in the place of another."""
    if _NUMBER_SIGNS.search(x) and _NUMBER_SIGNS.search(y):
        return True
    if max(len(x), len(y)) == 1 or 2 * len(set(x) & set(y)) >= min(len(set(x)), len(set(y))):
        return False
    return not (_is_everyday(x) or _is_everyday(y))


def _is_everyday(word: str) -> bool:
    return word in EVERYDAY or EVERYDAY.issuperset(word)


def _to_compare(one: str, other: str) -> tuple[str, str]:
    """The two with what a screenshot's reader takes for one another made one, and each number as one sign of its own,
    so that 34 and 53 have nothing in common. A longer one with a digit lost or put in is the same number."""
    one, other = one.translate(_SHAPES), other.translate(_SHAPES)
    signs: dict[str, str] = {}

    def sign(found: re.Match[str]) -> str:
        number = found[0].translate(_READ_AS_DIGITS)
        same = number if number in signs else next((n for n in signs if _same_number(n, number)), number)
        return signs.setdefault(same, chr(0xE000 + len(signs) % 0x1900))

    return _NUMBER.sub(sign, one), _NUMBER.sub(sign, other)


def _same_number(x: str, y: str) -> bool:
    short, long = sorted((x, y), key=len)
    return len(short) + 1 == len(long) >= 3 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def _differences(one: str, other: str) -> tuple[list[tuple[str, str]], int]:
    """What stands in ``one`` where something else stands in ``other``, and how many other differences lie within."""
    swaps, edits, at, there = [], 0, 0, 0
    for start, begun, size in [*blocks(one, other), (len(one), len(other), 0)]:
        x, y = one[at:start], other[there:begun]
        begins, ends = not (at or there), not size
        if x and y and _same_kind(x, y, begins=begins, ends=ends):
            swaps.append(_unlike(x, y))
        elif (x or y) and not (begins or ends):  # a letter doubled never makes one name of another
            edits += (x or y) != one[at - len(x or y) : at]
        at, there = start + size, begun + size
    return swaps, edits


def _differences_of_long(one: str, other: str) -> tuple[list[tuple[str, str]], int]:
    """The same without an alignment, which takes too long for them: what stands in ``one`` where something else stands
    in ``other``, between the same two characters on each side; and how many other differences lie within."""
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

LONGEST_ALIGNED = 400
"""Characters of texts whose differences are found by aligning the two."""


def _gaps(text: str, other: str) -> Sequence[tuple[int, int]]:
    """The stretches of ``text`` between its pairs of characters that stand in ``other``, too."""
    edges = [0, *(edge for run in runs(text, other, 2) for edge in run), len(text)]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
