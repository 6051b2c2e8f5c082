"""Bilibili's request signature, as the public interface notes describe it (docs/misc/sign/wbi.md)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

# fmt: off
_ORDER = (
    46, 47, 18, 2, 53, 8, 23, 32, 15, 50, 10, 31, 58, 3, 45, 35, 27, 43, 5, 49, 33, 9, 42, 19, 29, 28, 14, 39, 12, 38,
    41, 13, 37, 48, 7, 16, 24, 55, 40, 61, 26, 17, 0, 1, 60, 51, 30, 4, 22, 25, 54, 21, 56, 59, 6, 63, 57, 62, 11, 36,
    20, 34, 44, 52,
)
# fmt: on
_KEY = re.compile(r"/([0-9a-f]{32})\.\w{1,5}$")
_LEFT_OUT = str.maketrans("", "", "!'()*")


def key_of(address: str) -> str:
    """The key that is the file name of an image address in ``wbi_img``, ``""`` if there is none."""
    found = _KEY.search(address)
    return found[1] if found else ""


def mixin(img_key: str, sub_key: str) -> str:
    """The 32 characters that are hashed with a query; each key has 32 hexadecimal digits."""
    both = img_key + sub_key
    return "".join(both[place] for place in _ORDER)[:32]


def signed(parameters: Mapping[str, str], mixin_key: str, seconds: int) -> str:
    """The query string with ``wts`` (Unix seconds) and its signature ``w_rid``."""
    whole = {**parameters, "wts": str(seconds)}
    values = {name: whole[name].translate(_LEFT_OUT) for name in sorted(whole)}
    query = urlencode(values, quote_via=quote, safe="")
    digest = hashlib.md5((query + mixin_key).encode(), usedforsecurity=False).hexdigest()
    return f"{query}&w_rid={digest}"
