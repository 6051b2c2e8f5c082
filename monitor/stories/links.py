"""Links that stand for one happening, in one form: without what tells only how somebody came there."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

MOST_LINKS = 4
"""Links of one post that are considered; a list of more is a directory."""

_LINK = re.compile(r"https?://(?:(?!//@)[!#$%&'()*+,\-./:;=?@\[\]_~0-9A-Za-z])+", re.I)
_TRACKING = re.compile(
    r"utm_\w+|\w*clid|mc_[ce]id|igsh\w*|spm\w*|scm|_ga|ref|ref_src|refer|referrer|from|from_source|src|source|share\w*|"
    r"sharefrom|isappinstalled|vd_source|bbid|ts|timestamp|unique_k|si|feature|wfr|nsukey|weibo_id|amp|outputtype|"
    r"is_from_\w+|wx_\w+|xsec_\w+|app_\w+|track\w*|campaign|cmpid|ncid|_t|_r",
    re.I,
)
_MOBILE = re.compile(r"^(?:(?:www\d?|m|mobile|amp|wap|3g|h5|touch)\.)+(?=[^.]+\.)")
_INDEX = re.compile(r"/(?:index|default)\.(?:s?html?|php|aspx?)$", re.I)
_AMP = re.compile(r"/amp(?=/|$)|\.amp(?=\.html?$|$)", re.I)
_STANDING = frozenset(
    """
    shop shops store stores mall product products goods about about-us contact login signin register signup user
    users profile search tag tags category categories download downloads app apps help faq support home index main
    cart checkout member members account privacy terms sitemap careers jobs
    """.split()  # noqa: SIM905
)
"""First words of paths to pages that stand for years: what links to them has nothing else in common."""


def links(text: str) -> tuple[str, ...]:
    """The canonical links of a text, those to standing pages left out."""
    if "//" not in text:
        return ()
    found = dict.fromkeys(canonical(match[0].rstrip(".,;:!?'\")]")) for match in _LINK.finditer(text))
    found.pop("", None)
    return tuple(found)[:MOST_LINKS]


@lru_cache(maxsize=4096)
def canonical(link: str) -> str:
    """``host/path?query`` without scheme, tracking, mobile hosts, AMP, fragment and trailing slash; "" for a home page,
    a shop or another standing page, and for what is no web address."""
    try:
        parts = urlsplit(link.strip())
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or "." not in host:
        return ""
    host, path = _out_of_caches(host, parts.path)
    host = _MOBILE.sub("", host)
    path = _INDEX.sub("", _AMP.sub("", re.sub("/{2,}", "/", quote(unquote(path))))).rstrip("/")
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(k)]
    if host == "youtu.be" and path:
        host, path, query = "youtube.com", "/watch", [("v", path[1:])]
    elif host == "youtube.com" and path == "/watch":
        query = [(k, v) for k, v in query if k == "v"]
    routed = parts.fragment.rstrip("/") if parts.fragment.startswith(("!/", "/")) else ""
    if not (routed or query) and path.lower().partition("/")[2].partition("/")[0] in {"", *_STANDING}:
        return ""
    return host + path + ("?" + urlencode(sorted(query)) if query else "") + (f"#{routed}" if routed else "")


def _out_of_caches(host: str, path: str) -> tuple[str, str]:
    """The page behind an address of an AMP cache."""
    if host.endswith(".cdn.ampproject.org") or (host in ("google.com", "www.google.com") and path.startswith("/amp/")):
        kept = re.match(r"/(?:[cvi]|amp)/(?:s/)?([^/]+\.[^/]+)(/.*)?$", path)
        if kept:
            return kept[1].lower(), kept[2] or ""
    return host, path
