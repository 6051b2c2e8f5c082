"""Rebuilds ``monitor/data/han_fold.txt`` from OpenCC: ``python -m monitor.build_han_fold [FILE]``.

OpenCC's t2s is asked for one character at a time, over all blocks of Han characters, so no context enters. A result
that t2s would change again is followed to its end, so that the map is idempotent. ``VARIANTS`` adds pairs that t2s
leaves to context, or leaves apart, and that readers write for one another.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

VARIANTS = {"著": "着", "瞭": "了", "妳": "你", "牠": "它", "藉": "借", "佈": "布", "徵": "征"}
"""沿著 / 沿着, 瞭解 / 了解, 妳 / 你, 牠 / 它, 藉口 / 借口. For matching they are one; scoring never sees this map."""

_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))

_HEAD = """\
# Traditional or variant character, tab, the character that text.fold writes for it.
# Built by `python -m monitor.build_han_fold` from OpenCC's t2s, one character at a time, and its VARIANTS.
"""


def build() -> dict[str, str]:
    """The map in code point order; only characters that change, each result a fixed point."""
    from opencc import OpenCC

    convert = OpenCC("t2s").convert
    chars = [chr(code) for first, last in _BLOCKS for code in range(first, last)]
    once = {char: convert(char) for char in chars} | VARIANTS
    fold = {}
    for char in chars:
        end = char
        while once.get(end, end) != end:
            end = once[end]
        if end != char and len(end) == 1 and unicodedata.normalize("NFKC", char) == char:
            fold[char] = end
    return fold


def written() -> str:
    """The file's content."""
    return _HEAD + "".join(f"{char}\t{folded}\n" for char, folded in build().items())


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("data") / "han_fold.txt"
    target.write_text(written(), encoding="utf-8")
