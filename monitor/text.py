"""What is done to a post's text before it is matched, grouped, scored or cut into sentences.

Two folds, for two ends. ``fold`` is for matching, search and grouping: without context, so that a term and a text
fold alike wherever they meet, and with a way back to the original. ``for_scoring`` makes the string that SnowNLP
reads: with phrases and context, and without a way back.
"""

from __future__ import annotations

import html
import re
import unicodedata
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from monitor.glosses import find_glosses

MIN_IDENTITY = 12
"""Texts whose ``identity`` is shorter than this many characters never join a copy group."""

SCORING_RULES = 1
"""Raised with every change to what ``for_scoring`` returns: scores made under other rules are another model's."""

MAX_REPEAT = 3
"""One character in a row as ``for_scoring`` leaves it (digits are left alone)."""

MAX_HAN_RUN = 200
"""Han characters in a row as ``for_scoring`` leaves them. SnowNLP's segmenter copies its whole path at each step, so
the cost of a run of n grows with n * n: see ``tests/bench/sentiment_speed.py --runs`` for the figures."""

MAX_SCORED = 10_000
"""Characters of one text that are scored. A score is a sum over words and is saturated long before this."""


@cache
def han_fold() -> Mapping[str, str]:
    """One fixed map, Traditional or variant character -> the character it is folded to. Idempotent."""
    lines = (Path(__file__).with_name("data") / "han_fold.txt").read_text(encoding="utf-8").splitlines()
    return {line[0]: line[2] for line in lines if not line.startswith("#")}


# ---------------------------------------------------------------------------------------------------------------
# The fold for matching, search and grouping


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text and the way back.

    ``offsets[i]`` is where in the original the i-th folded character starts; one more entry, the original's length,
    closes it. ``ends[i]`` is where it ends. Both never fall. A character that became several (㎏ -> kg) gives each
    its own whole place; several that became one (e + U+0301 -> é) give it theirs together.
    """

    text: str
    offsets: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of ``text[start:end]``; what was folded away at its borders is left out."""
        first = self.offsets[start]
        return (first, self.ends[end - 1]) if end > start else (first, first)


# Unicode's Default_Ignorable_Code_Point that are no format characters (Cf): fillers, joiners, variation selectors.
_IGNORED = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_LINE_BREAKS = "\x0b\x0c\x85\u2028\u2029"


class _FoldTable(dict[int, str]):
    """Code point -> its fold, for ``str.translate``. Filled as characters are met: most of Unicode never is."""

    def __init__(self) -> None:
        super().__init__()
        self._longer_or_gone = ""
        self.find_longer_or_gone = re.compile("(?!)").finditer

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = folded = _fold_char(char)
        if len(folded) != 1:
            self._longer_or_gone += char
            self.find_longer_or_gone = re.compile(f"[{re.escape(self._longer_or_gone)}]").finditer
        return folded


def _fold_char(char: str) -> str:
    """NFKC_Casefold of one character (Unicode 3.13, R5), controls and lone surrogates out, then the Han map."""
    if char in _LINE_BREAKS:
        return "\n"
    folded = unicodedata.normalize("NFD", char).casefold()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
    return "".join(han_fold().get(c, c) for c in folded if not _is_ignored(c))


def _is_ignored(char: str) -> bool:
    category = unicodedata.category(char)
    return category in ("Cf", "Cs") or (category == "Cc" and char not in "\t\n\r") or bool(_IGNORED.match(char))


_FOLD = _FoldTable()


def fold_character(code: int) -> str:
    """The fold of one code point by itself: none, one or several characters."""
    return _FOLD[code]


def fold_text(text: str) -> str:
    """``fold(text).text``, for when no offsets are needed."""
    folded = text.translate(_FOLD)
    if not unicodedata.is_normalized("NFC", folded):
        folded = unicodedata.normalize("NFC", folded)
    while glosses := find_glosses(folded):
        folded = _without(folded, glosses)
    return folded


def fold(text: str) -> Folded:
    """NFKC, case, invisible characters and pinyin glosses out, then Traditional to Simplified without context.

    Away from two things every character folds alone, so ``fold(a + b) == fold(a) + fold(b)`` and each substring's
    fold is found in the text's fold. The two: combining marks and jamo join what stands before them (NFC), and a
    gloss is one only as a whole and behind a Han character.
    """
    folded = _fold_all_but_glosses(text)
    while glosses := find_glosses(folded.text):
        kept = _between(glosses, len(folded.text))
        folded = Folded(
            _without(folded.text, glosses),
            array("I", [n for a, b in kept for n in folded.offsets[a:b]] + [len(text)]),
            array("I", [n for a, b in kept for n in folded.ends[a:b]]),
        )
    return folded


def _fold_all_but_glosses(text: str) -> Folded:
    folded = text.translate(_FOLD)
    if not unicodedata.is_normalized("NFC", folded):
        return _fold_by_clusters(text)
    moved = [match.start() for match in _FOLD.find_longer_or_gone(text)]
    if not moved:
        return Folded(folded, range(len(text) + 1), range(1, len(text) + 1))
    offsets, done = array("I"), 0
    for place in moved:
        offsets.extend(range(done, place))
        offsets.extend([place] * len(_FOLD[ord(text[place])]))
        done = place + 1
    offsets.extend(range(done, len(text) + 1))
    return Folded(folded, offsets, array("I", [place + 1 for place in offsets[:-1]]))


def _fold_by_clusters(text: str) -> Folded:
    """Composed cluster by cluster, so that each character keeps its place where marks join others."""
    out: list[str] = []
    offsets, ends = array("I"), array("I")
    cluster, places = "", array("I")
    for place, char in enumerate(text):
        for piece in _FOLD[ord(char)]:
            if cluster and not joins(piece):
                _close(cluster, places, out, offsets, ends)
                cluster, places = "", array("I")
            cluster += piece
            places.append(place)
    _close(cluster, places, out, offsets, ends)
    offsets.append(len(text))
    return Folded("".join(out), offsets, ends)


def _close(cluster: str, places: array[int], out: list[str], offsets: array[int], ends: array[int]) -> None:
    composed = unicodedata.normalize("NFC", cluster)
    out.append(composed)
    if composed == cluster:
        offsets.extend(places)
        ends.extend(place + 1 for place in places)
    else:
        offsets.extend(places[:1] * len(composed))
        ends.extend([places[-1] + 1] * len(composed))


def joins(char: str) -> bool:
    """Whether NFC may compose or reorder this character with the one before it."""
    return unicodedata.combining(char) != 0 or char in _composing_starters()


@cache
def _composing_starters() -> frozenset[str]:
    """Starters that are the second half of a canonical composition (all in the first two planes), and the jamo."""
    decompositions = (unicodedata.decomposition(chr(code)).split() for code in range(0x20000))
    seconds = {chr(int(d[1], 16)) for d in decompositions if len(d) == 2 and not d[0].startswith("<")}
    return frozenset(seconds | set(map(chr, range(0x1161, 0x1176))) | set(map(chr, range(0x11A8, 0x11C3))))


def _between(spans: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    edges = [0, *(n for span in spans for n in span), length]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    return "".join(text[a:b] for a, b in _between(spans, len(text)))


# ---------------------------------------------------------------------------------------------------------------
# What copy groups compare

_URL = re.compile(r"(?:https?://|www\.)(?:(?!//@|@[^!-~])[!#$%&'()*+,\-./:;=?@\[\]_~0-9A-Za-z])+", re.I)
_MENTION = re.compile(r"(?<![A-Za-z0-9._])[@＠][\w\-·]{1,30}")
_QUOTED_TAIL = re.compile(r"//\s?@[^\s:]{1,30}\s?:.*", re.S)
_PLATFORM_EMOJI = re.compile(r"\[[\w ·!?~+]{1,20}\]")
_NO_WORD = re.compile(r"[\W_]+")


def identity(text: str) -> str:
    """What of a text its copies share: folded letters and digits.

    Away are links, @mentions, hashtag marks, what is quoted behind "//@name:", punctuation, space and emoji.
    """
    return bare(_QUOTED_TAIL.sub("", fold_text(text)))


def bare(folded: str) -> str:
    """Letters and digits of a folded text: away are links, @mentions, platform emoji, punctuation and space."""
    if "//" in folded or "www." in folded:
        folded = _URL.sub(" ", folded)
    if "@" in folded:
        folded = _MENTION.sub("", folded)
    if "[" in folded:
        folded = _PLATFORM_EMOJI.sub("", folded)
    return _NO_WORD.sub("", folded)


# ---------------------------------------------------------------------------------------------------------------
# What SnowNLP is fed

_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>|<!--.{0,300}?-->", re.S)
_ENTITY = re.compile(r"&#?\w{1,10};")
_REPLY_HEAD = re.compile(r"^\s*(?:回[复覆復]|reply)\s*@[^\s:：]{1,30}\s*[:：]?", re.I)
_MARKS = re.compile("[#＃]")
_FULL_WIDTH = {code: code - 0xFEE0 for a, z in ("０９", "ＡＺ", "ａｚ") for code in range(ord(a), ord(z) + 1)}
_ANY_FULL_WIDTH = re.compile("[０-９Ａ-Ｚａ-ｚ]")
_MAY_HAVE_URL = re.compile(r"//|www\.", re.I)
_REPEATED = re.compile(rf"(\D)\1{{{MAX_REPEAT},}}")
_LONG_RUN = re.compile(f"[\u4e00-\u9fa5]{{{MAX_HAN_RUN}}}(?=[\u4e00-\u9fa5])")  # the characters SnowNLP segments
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u180e\u200b\u2060-\u2065\ufeff\ufff9-\ufffb\ud800-\udfff"
_JOINERS = "\u200c\u200d\ufe00-\ufe0f\U000e0000-\U000e0fff"
UNSEEN = re.compile(f"[{_CONTROL}{_BIDI}{_INVISIBLE}]")
"""What no reader is shown; what joins an emoji is none of it."""

_UNSEEN_OR_JOINER = re.compile(f"[{_CONTROL}{_BIDI}{_INVISIBLE}{_JOINERS}]")

# Simplified texts write these too (乾隆, 瞭望, 慰藉, 徵羽): alone they make no text Traditional.
_IN_BOTH_SCRIPTS = frozenset("乾夥徵藉瞭鍾於著妳牠祇")


def for_scoring(text: str) -> str:
    """The one string that SnowNLP is given for this text; "" when nothing is left. Never raises.

    Away are control characters, lone surrogates, invisible marks, HTML residue, pinyin glosses, links, @mentions,
    hashtag marks and platform emoji such as [怒]; full-width Latin becomes plain (punctuation stays full-width:
    SnowNLP's stop words are). Traditional text goes through OpenCC with Taiwan's phrases; Simplified text stays.
    White space is one space.
    Repeats, unbroken Han runs and the whole are capped: ``MAX_REPEAT``, ``MAX_HAN_RUN``, ``MAX_SCORED``.
    """
    seen = _UNSEEN_OR_JOINER.sub("", text[: 4 * MAX_SCORED])
    if "<" in seen or "&" in seen:
        seen = _UNSEEN_OR_JOINER.sub("", _TAG.sub(" ", _ENTITY.sub(lambda m: html.unescape(m[0]), seen)))
    # what most texts lack is looked for in a cheaper way first
    if _MAY_HAVE_URL.search(seen):
        seen = _URL.sub(" ", seen)
    if "@" in seen or "＠" in seen:
        seen = _MENTION.sub(" ", _REPLY_HEAD.sub("", seen))
    if "[" in seen:
        seen = _PLATFORM_EMOJI.sub(" ", seen)
    seen = _MARKS.sub(" ", seen)
    if _ANY_FULL_WIDTH.search(seen):
        seen = seen.translate(_FULL_WIDTH)
    seen = _without_glosses(seen)
    seen = _REPEATED.sub(lambda m: m[1] * MAX_REPEAT, " ".join(seen.split()))[:MAX_SCORED]
    return _LONG_RUN.sub(r"\g<0> ", to_simplified(seen)).strip()


def to_simplified(text: str) -> str:
    """Taiwan's words to the mainland's (軟體 -> 软件) where the text holds Traditional characters; else unchanged."""
    if _traditional().isdisjoint(text):
        return text
    converted: str = _converter().convert(text)
    return converted


def to_mainland(folded: str) -> str:
    """A folded word in the mainland's terms: 资讯, which is Taiwan's word in the mainland's script, is 信息."""
    converted: str = _converter().convert(_to_taiwan().convert(folded))
    return converted


def _without_glosses(text: str) -> str:
    if ")" not in text and "）" not in text:
        return text
    folded = _fold_all_but_glosses(text)
    return _without(text, [folded.span(*gloss) for gloss in find_glosses(folded.text)])


@cache
def _traditional() -> frozenset[str]:
    return frozenset(han_fold()) - _IN_BOTH_SCRIPTS


@cache
def _converter() -> Any:
    from opencc import OpenCC  # imported when first needed: many runs see no Traditional text

    return OpenCC("tw2sp")


@cache
def _to_taiwan() -> Any:
    from opencc import OpenCC

    return OpenCC("s2tw")


# ---------------------------------------------------------------------------------------------------------------
# Sentences

_SENTENCE_END = re.compile(r"""(?:[。！？!?；;…｡]|(?<![A-Za-z0-9])\.(?=\s|$))+|[\r\n\x0b\x0c\x85\u2028\u2029]+""")
_CLOSING = "」』”’）)】》〉]"


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences, without the space around them. They end at 。！？；… and at line breaks.

    Closing quotes and brackets stay with the sentence they close; so does a straight quote that an earlier one of
    the same sentence opened. A mark inside a Latin word (a link's ``?``) ends nothing.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for mark in _SENTENCE_END.finditer(text):
        if mark.start() < start or _inside_latin(text, mark):
            continue
        end = _past_closing(text, start, mark.end()) if not mark[0].isspace() else mark.start()
        _add_trimmed(spans, text, start, end)
        start = max(end, mark.end())
    _add_trimmed(spans, text, start, len(text))
    return spans


def _inside_latin(text: str, mark: re.Match[str]) -> bool:
    before, after = text[max(0, mark.start() - 1) : mark.start()], text[mark.end() : mark.end() + 1]
    return mark[0] in ("?", "!", ";") and before.isascii() and before.isalnum() and after.isascii() and after.isalnum()


def _past_closing(text: str, start: int, end: int) -> int:
    while end < len(text) and (text[end] in _CLOSING or (text[end] == '"' and text.count('"', start, end) % 2)):
        end += 1
    return end


def _add_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end = start + len(piece.strip())
    if end > start:
        spans.append((start, end))
