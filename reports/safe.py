"""Making a stranger's text harmless without changing what it says.

HTML escaping is the templates' part (autoescape). Here goes what escaping does not catch: characters that cannot be
seen but change how the rest is read, lines that would pass for ours, and links that are not links.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

QUOTE_LENGTH = 200
"""Characters of a post that are shown."""

OPENING_LENGTH = 32
"""Characters of a post that name what a day is about."""

LINK_LENGTH = 2000
SUBJECT_LENGTH = 120
_MARKS = 3
"""Combining marks kept in a row; more would paint over the lines around."""

_EMOJI_JOINER = re.compile(
    "(?<=[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2600-\u27bf\U0001f000-\U0001faff])"
)
_KEPT_JOINER = "\ue0ff"
_CHANGED = frozenset({"Mn", "Me", "Cs", "Cc", "Cf"})
_PLAIN = frozenset("\n\t")
_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def inert(text: str) -> str:
    """``text`` without control, direction, zero-width and other invisible format characters; lines end in ``\\n``.

    The joiner inside an emoji stays, lone surrogates become U+FFFD, and a pile of combining marks is cut to three.
    """
    text = _EMOJI_JOINER.sub(_KEPT_JOINER, _BREAKS.sub("\n", text.replace(_KEPT_JOINER, "")))
    if not any(unicodedata.category(char) in _CHANGED for char in set(text) - _PLAIN):
        return text.replace(_KEPT_JOINER, "\u200d")  # as nearly every text
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category == "Cs":
            kept.append("\ufffd")
        elif marks <= _MARKS and (char in "\n\t" or category not in ("Cc", "Cf")):
            kept.append(char)
    return "".join(kept).replace(_KEPT_JOINER, "\u200d")


def line(text: str, limit: int | None = None) -> str:
    """``text`` inert and on one line, cut to ``limit`` characters with an ellipsis."""
    return cut(" ".join(inert(text).split()), limit)


def quotation(text: str, limit: int = QUOTE_LENGTH) -> str:
    """A post's words for a quotation: inert, its line breaks kept but no empty lines, cut with an ellipsis."""
    lines = (" ".join(part.split()) for part in inert(text).split("\n"))
    return cut("\n".join(part for part in lines if part), limit)


_ANSWERING = r"(?:re|fw|fwd|轉|转)\s*[:：]\s*|回[覆复復] *@[^\s:：]{1,40}\s*[:：]\s*"
_TAGS = re.compile(rf"\A\s*(?:{_ANSWERING}|\[[^\]\n]{{1,12}}\]\s*|【[^】\n]{{1,12}}】\s*)+", re.IGNORECASE)
_ENDS = re.compile(r"[。！？!?；;…\n]|\.(?=\s|$)")
_TAIL = re.compile(r"[^\w」』”’）)%％]+$")
_TITLE = re.compile("(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
"""Where the title of a forum's post ends, once its line break has become a space."""

LEAST_OPENING = 8


def opening(text: str, limit: int = OPENING_LENGTH) -> str:
    """What a post says first, to be named by it: one line without the tags of a forum, to the end of its first
    sentence, or of a clause where that is too long; empty where nothing is said in letters."""
    said = _TAGS.sub("", inert(text))
    first = next((part for part in _ENDS.split(said) if sum(map(str.isalnum, part)) > 1), "")
    said = line(_TAIL.sub("", first))
    title = next((m.start() for m in _TITLE.finditer(said) if m.start() >= LEAST_OPENING), len(said))
    said = said[:title]
    clause = max(said.rfind(mark, LEAST_OPENING, limit) for mark in ",，、：")
    return said[:clause] + "…" if len(said) > limit and clause > 0 else cut(said, limit)


def cut(text: str, limit: int | None) -> str:
    """``text`` in at most ``limit`` characters, the last an ellipsis if it was cut; never inside a joined character."""
    if limit is None or len(text) <= limit:
        return text
    end = limit - 1
    while end > 1 and (unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f" or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + "…"


def http_url(text: str) -> str:
    """``text`` if it is a plain http or https link to some host, else nothing: only then may it be made a link."""
    if len(text) > LINK_LENGTH or inert(text) != text or any(c.isspace() or c in '<>"\\' for c in text):
        return ""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and host and "@" not in parts.netloc else ""


def subject(text: str) -> str:
    """A mail subject: one line, cut to a length that phones and header folding bear."""
    return line(text, SUBJECT_LENGTH)
