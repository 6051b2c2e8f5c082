"""Pinyin glosses: copied pages carry 客戶(hù)服務(wù), put between the characters to spoil copying.

All of this reads folded text (see ``monitor.text``): composed, lower case, half-width brackets.
"""

from __future__ import annotations

import re
import unicodedata

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
"""Han characters as the inside of a regular expression's set, after NFKC."""

_PLAIN_LETTER = {
    ord(composed): letter
    for letter in "aeiounmü"
    for mark in "\u0304\u0301\u030c\u0300"  # the four tones
    if len(composed := unicodedata.normalize("NFC", letter + mark)) == 1
} | {ord("ɑ"): "a", ord("ɡ"): "g"}
_TONED = "".join(chr(code) for code, letter in _PLAIN_LETTER.items() if chr(code) not in "ɑɡ")
_HAS_TONE = re.compile(f"[{_TONED}]")
_GLOSS = re.compile(rf"(?<=[{HAN}])(?:\(|(?P<damaged>\?))\s?(?P<pinyin>[a-zɑɡü' {_TONED}]{{1,40}}?)\s?\)")
_SYLLABLE = (
    "(?:(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?"
    "(?:i(?:ang?|ao|ong|ng|[aenu])?|u(?:ang?|ai|[aeino])?|üe?|a(?:ng?|[io])?|e(?:ng?|[ir])?|o(?:ng|u)?)|m|ng?)"
)
_NEUTRAL_TONE = frozenset(
    ["a", "ba", "bo", "de", "ge", "la", "le", "lo", "ma", "me", "men", "ne", "tou", "ya", "zhe", "zi"]
)
_IS_HAN = re.compile(f"[{HAN}]+")


def has_tone(folded: str) -> bool:
    """Whether this has a letter that carries a tone, without which no text has a gloss."""
    return _HAS_TONE.search(folded) is not None


def find_glosses(folded: str) -> list[tuple[int, int]]:
    """Where the glosses of a folded text stand; toneless or damaged ones only beside a whole toned one.

    Damaged: pages that lost bytes have ``?`` for the bracket and what stood before it, as in 周?chē).
    """
    if ")" not in folded or not _HAS_TONE.search(folded):
        return []
    found = list(_GLOSS.finditer(folded))
    toned = [gloss for gloss in found if _is_read_aloud(gloss, folded)]
    if all(gloss["damaged"] for gloss in toned):
        return []
    neutral = [gloss for gloss in found if gloss["pinyin"] in _NEUTRAL_TONE and not gloss["damaged"]]
    return sorted(gloss.span() for gloss in toned + neutral)


def _is_read_aloud(gloss: re.Match[str], folded: str) -> bool:
    """One toned syllable for each Han character before it: "(café)" and "(résumé)" are no glosses."""
    tones = len(_HAS_TONE.findall(gloss["pinyin"]))
    before = folded[max(0, gloss.start() - tones) : gloss.start()]
    if tones == 0 or len(before) < tones or not _IS_HAN.fullmatch(before):
        return False
    plain = gloss["pinyin"].translate(_PLAIN_LETTER).replace(" ", "")
    return re.fullmatch(f"(?:{_SYLLABLE}'?){{{tones}}}", plain) is not None
