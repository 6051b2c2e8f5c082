"""What can go wrong on the way to an answer, as the error that it is, in words without an address's path or query."""

from __future__ import annotations

import re
from datetime import datetime

import httpcore
import httpx

from monitor.errors import Blocked, NeedsCredentials, RateLimited, SourceError
from sources.politeness import rest_asked_for

_REFUSALS = frozenset({403, 412, 432, 451})
FAULTS = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
"""Whatever httpx and the pool of connections raise."""


def refuse(response: httpx.Response, now: datetime) -> None:
    """Raise what a status means that is no success; ``now`` is what a Retry-After date is counted from."""
    status = response.status_code
    said = f"{response.url.host}: HTTP {status}"
    wait = response.headers.get("retry-after")
    if status == 429 or (status == 503 and wait is not None):
        raise RateLimited(said, rest_asked_for(response.headers, now))
    if status == 401:
        raise NeedsCredentials(said)
    if status in _REFUSALS:
        raise Blocked(said)
    if status != 304 and not 200 <= status < 300:
        raise SourceError(said)


def reason(error: Exception) -> str:
    """What went wrong below HTTP, in a few words that cannot hold an address's path or query."""
    text = str(error)
    if isinstance(error, httpcore.ConnectError | httpx.ConnectError):
        if found := re.search(r"certificate verify failed: ([\w ,-]+)", text):
            return f"TLS: {found[1].strip()}"
        if "ssl" in text.lower() or "tls" in text.lower():
            return "TLS: the connection cannot be secured"
        return "no connection" + (
            f" ({found[1].lower()})" if (found := re.search(r"Errno -?\d+\] ([\w ]+)", text)) else ""
        )
    if isinstance(error, httpx.InvalidURL) or "URL in location" in text:
        return "redirect to an address that cannot be read"
    if isinstance(error, httpcore.RemoteProtocolError | httpx.RemoteProtocolError):
        if "without sending a response" in text:
            return "no answer came"
        cut = "complete message body" in text or "incomplete" in text
        return "the answer is cut short" if cut else "the answer is not HTTP"
    if isinstance(error, httpcore.ProxyError | httpx.ProxyError):
        return "the proxy refused"
    return f"the connection failed ({type(error).__name__})"
