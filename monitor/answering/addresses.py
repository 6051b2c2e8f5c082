"""The address an alert asks to be answered at: ``qianli+i12-3-k4xq…@example.com``, of incident 12, its mail 3.

The token is the first 80 bits of an HMAC-SHA-256 of both numbers, in base32. Nobody who has not seen that mail can
make it: 2**80 tries, each of them a mail that has to arrive.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator

_TOKEN_BYTES = 10


def reply_address(key: bytes, address: str, incident: int, mail: int) -> str:
    """Where one mail of an incident is to be answered. ``key``: see ``privacy.answer_key``; ``mail``: its number.

    ``address`` is bare, and short enough that this fits the 64 characters of RFC 5321 (the config sees to it).
    """
    user, _, domain = address.rpartition("@")
    return f"{user}+i{incident}-{mail}-{_token(key, incident, mail)}@{domain}"


def read_address(key: bytes, address: str, text: str) -> tuple[int, int] | None:
    """The (incident, mail) of the reply addresses in a header's text; None unless they are ours and all the same."""
    found = {
        (incident, mail)
        for incident, mail, token in _shaped(address, text)
        if hmac.compare_digest(_token(key, incident, mail), token)
    }
    return found.pop() if len(found) == 1 else None


def has_shape(address: str, text: str) -> bool:
    """Whether something in a header's text looks like a reply address, genuine or not."""
    return next(_shaped(address, text), None) is not None


def _shaped(address: str, text: str) -> Iterator[tuple[int, int, str]]:
    user, _, domain = (re.escape(part) for part in address.rpartition("@"))
    numbers = r"([1-9]\d{0,11})-([1-9]\d{0,5})"
    shape = rf"(?<![\w.+-]){user}\+i{numbers}-([a-z2-7]{{16}})@{domain}(?![\w.-])"
    for found in re.finditer(shape, text, re.IGNORECASE | re.ASCII):
        yield int(found[1]), int(found[2]), found[3].lower()


def _token(key: bytes, incident: int, mail: int) -> str:
    digest = hmac.new(key, f"{incident}:{mail}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:_TOKEN_BYTES]).decode().lower()
