"""What of a text is shown: one line of it, cut to length, and never inside what reads as one character. Pure."""

from __future__ import annotations

import re
import unicodedata

from monitor.text import UNSEEN


def plain(text: str) -> str:
    """Visible text on one line: control, invisible and direction marks out, line breaks and runs of space to one
    space. What joins an emoji (U+200D, variation selectors) stays. It is not escaped for any format."""
    return " ".join(UNSEEN.sub("", text).split())


def excerpt(text: str, start: int, end: int, width: int) -> str:
    """At most ``width`` characters of ``plain`` text around ``text[start:end]``, with … where something was cut.

    A place longer than the window shows its beginning. Nothing is cut inside what reads as one character.
    """
    if len(text) <= width:
        return plain(text)
    room = max(0, width - 2)
    left = min(start, max(0, start - max(0, room - (end - start)) // 2))
    right = min(len(text), left + room)
    left = max(0, min(left, right - room))
    while left < right and not _may_cut(text, left):
        left += 1
    while right > left and not _may_cut(text, right):
        right -= 1
    shown = plain(text[left:right])
    return ("…" if plain(text[:left]) else "") + shown + ("…" if plain(text[right:]) else "")


_EXTENDS = re.compile("[\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


def _may_cut(text: str, place: int) -> bool:
    """Whether one may cut before ``text[place]``: not in a letter with its marks, a joined emoji or a flag."""
    if place in (0, len(text)):
        return True
    before, after = text[place - 1], text[place]
    if unicodedata.category(after).startswith("M") or _EXTENDS.match(after) or before == "\u200d":
        return False
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return False
    return not (_is_flag_letter(after) and _flag_letters_before(text, place) % 2)


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flag_letters_before(text: str, place: int) -> int:
    first = place
    while first and _is_flag_letter(text[first - 1]):
        first -= 1
    return place - first
