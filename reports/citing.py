"""Numbers that name their evidence: text in which a stretch points at one of the page's proofs.

The mark around it is made of characters that nobody sees and that ``inert`` takes out (tag characters, category Cf).
So a post cannot bring one, mails and text parts show the words alone, and only the page's ``linked`` filter makes of
the stretch a link to its proof (``reports.evidence``).
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from reports.safe import inert

_BASE = 0xE0000
_END = "\U000e007f"
_CITED = re.compile("([\U000e0020-\U000e007e]+)([^\U000e0020-\U000e007f]*)\U000e007f")
_KEY = re.compile(r"[a-z][a-z0-9-]*\Z")


def cited(text: str, key: str) -> str:
    """``text`` marked as evidenced by the proof ``key``; ``linked`` makes it a link, ``inert`` drops the mark."""
    if not _KEY.match(key):
        raise ValueError(f"not a key of a proof: {key!r}")
    return "".join(chr(_BASE + ord(c)) for c in key) + text + _END if text else ""


def linked(text: str) -> Markup:
    """HTML of a text: escaped and inert, what was ``cited`` in it as links to ``#proof-KEY``."""
    parts, at = [], 0
    for found in _CITED.finditer(text):
        key = "".join(chr(ord(c) - _BASE) for c in found[1])
        parts += [escape(inert(text[at : found.start()]))]
        parts += [Markup('<a class="number" href="#proof-{}">{}</a>').format(key, inert(found[2]))]
        at = found.end()
    return Markup("").join([*parts, escape(inert(text[at:]))])
