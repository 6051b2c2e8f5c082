"""Counts as platforms show them."""

from __future__ import annotations

import re
import unicodedata

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "w": 10**4}
_UNITS |= {"千": 10**3, "万": 10**4, "萬": 10**4, "億": 10**8, "亿": 10**8}
_COUNT = re.compile(r"(\d+(?:\.\d+)?)([kmbw千万萬億亿]?)\+?")
_LARGEST = 2**63 - 1
_LONGEST = 40


def parse_count(value: object) -> int | None:
    """A count such as ``12``, ``"1,204"``, ``"1.3万"``, ``"12.4K"`` or ``"100万+"``; None for ``"--"`` and all else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value <= _LARGEST else None
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        return None
    found = _COUNT.fullmatch(unicodedata.normalize("NFKC", value).replace(",", "").replace(" ", "").lower())
    if not found:
        return None
    count = round(float(found[1]) * _UNITS[found[2]])
    return count if count <= _LARGEST else None
