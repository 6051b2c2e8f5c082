"""Addresses in one form, so that the same page is the same post."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, parse_qsl, urljoin, urlsplit, urlunsplit

from w3lib.url import canonicalize_url, url_query_cleaner

# fmt: off
_TRACKING = {
    "fbclid", "gclid", "dclid", "msclkid", "yclid", "mc_cid", "mc_eid", "igshid", "igsh", "spm", "scm",
    "share_token", "share_source", "ref_src", "_ga",
}
# fmt: on


_LONGEST = 8000
_LONGEST_ID = 400


def canonical(link: str, base: str = "", *, keep_query: bool = True) -> str:
    """An http or https address without tracking parameters, its query sorted; ``""`` for anything else.

    Bing's news links are unwrapped to the page they lead to. Google's news links are opaque and stay. A fragment is
    dropped unless it is an address within the page (``#!/t/1``, ``#/t/1``).
    """
    if not link.strip() or len(link) > _LONGEST:
        return ""
    try:
        whole = unwrapped(urljoin(base, link.strip()))
        parts = urlsplit(whole)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return ""
        routed = parts.fragment.startswith(("!", "/"))
        if not keep_query:
            return canonicalize_url(urlunsplit(parts._replace(query="")), keep_fragments=routed)
        names = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        tracking = sorted(n for n in names if n.lower().startswith("utm_") or n.lower() in _TRACKING)
        if tracking:
            whole = url_query_cleaner(whole, tracking, remove=True, unique=False, keep_fragments=routed)
        return canonicalize_url(whole, keep_fragments=routed)
    except ValueError:
        return ""


def unwrapped(link: str) -> str:
    """The page behind Bing's ``apiclick.aspx?...&url=``, or the link itself."""
    parts = urlsplit(link)
    host = (parts.hostname or "").lower()
    if (host == "bing.com" or host.endswith(".bing.com")) and parts.path.lower().endswith("/apiclick.aspx"):
        return (parse_qs(parts.query).get("url") or [link])[0]
    return link


def bounded_id(text: str) -> str:
    """A native id, or where it is longer than any id (an address with a session in it), its hash."""
    return text if len(text) <= _LONGEST_ID else "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:32]


def host_of(link: str) -> str:
    """The host of an address in lower case, ``""`` if it has none."""
    try:
        return (urlsplit(link).hostname or "").lower()
    except ValueError:
        return ""
