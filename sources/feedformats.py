"""From the bytes of a feed to its entries, whatever the format, the charset and the damage."""

from __future__ import annotations

import functools
import io
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import feedparser
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom

from monitor.errors import SourceError


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the feed wrote it. ``times`` are the written times to believe, in this order. ``reply_to`` is the id
    of the entry that this one answers, where the feed says so (Atom threading, RFC 4685).
    """

    id: str = ""
    link: str = ""
    title: str = ""
    title_is_html: bool = False
    body: str = ""
    body_is_html: bool = True
    author: str = ""
    times: tuple[str, ...] = ()
    reply_to: str = ""


Entries = tuple[list[Entry], int]
"""The entries that could be read, and how many more there were."""

_CHARSETS = re.compile(r"(?:utf-8|gb|big5|cp\d|iso|windows|latin|ascii|us-ascii|euc|shift|koi8|hz|tis|mac).*")
_LATIN = re.compile(r"cp125\d|windows-125\d|iso.?8859.*|latin.*|(?:us-)?ascii|mac.*")
_HEAD = re.compile(r"^\s*<\?xml[^>]*\?>")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_OPENED = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>/]", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>", re.IGNORECASE)
_WHOLE = re.compile(r"</(?:rss|feed|(?:\w+:)?rdf)\s*>|<(?:rss|feed|(?:\w+:)?rdf)\b[^<>]*/>", re.IGNORECASE)
_SECTIONS = (("<![CDATA[", "]]>"), ("<!--", "-->"))
_TAG = re.compile(r"<(/?)([A-Za-z_][\w:.-]*)")
_DEEPEST = 1000
_MOST_TEXT, _MOST_TAGS, _MOST_ATTRIBUTES = 5_000_000, 300_000, 500
"""Of a feed. Podcasts with all of ten years' episodes are the largest that are seen: 3 MB, some 50,000 tags."""
_JSON_FEED = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/1(?:\.\d)?/?$")
# What feedparser's own code raises on markup it did not expect; all of it means "this is no feed I can read".
_PARSER_FAULTS = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, OverflowError)


def read_entries(body: bytes, content_type: str) -> Entries:
    """The entries of a feed. Raises SourceError that says what came instead; no entries at all is a valid answer."""
    if not body.strip():
        raise SourceError("an empty answer, not a feed")
    text = decode(body, content_type).lstrip("\ufeff").lstrip()
    if text[:1] in ("{", "["):
        return _json_feed(text)
    return _xml_feed(text)


def decode(body: bytes, content_type: str) -> str:
    """The text of a body: by its byte-order mark, else by the first charset that fits.

    What the body or the header names comes first, UTF-8 before all others named, and may have a few broken bytes:
    feeds cut their texts within a character. Latin-1 fits everything and is what servers say when nobody told them,
    so it comes last.
    """
    mark, _ = read_bom(body)
    if mark is None and body[:2] in (b"<\x00", b"\x00<"):
        mark = "utf-16-le" if body[:1] == b"<" else "utf-16-be"
    declared = html_body_declared_encoding(body[:4096]), http_content_type_encoding(content_type)
    named = sorted((n for n in declared if n and _CHARSETS.fullmatch(n)), key=lambda n: n != "utf-8")
    latin = [n for n in named if _LATIN.fullmatch(n)]
    firm = [*([mark] if mark else []), *(n for n in named if n not in latin), "utf-8"]
    for name in firm:
        text = body.decode(name, "replace")
        broken = text.count("\ufffd")
        if not broken or broken <= 0.05 * (len(text) - len(text.encode("ascii", "ignore"))):
            return text
    for name in ("gb18030", "big5hkscs", *latin):
        try:
            return body.decode(name)
        except UnicodeDecodeError:
            continue
    return body.decode(firm[0], "replace")


def _xml_feed(text: str) -> Entries:
    text = _REFERENCE.sub(_possible, _ILLEGAL.sub("", _HEAD.sub("", text)))
    _check_size(text)
    cut = not _WHOLE.search(text)
    if cut:
        text = _up_to_last_tag(text)
    # Without a location feedparser leaves relative ids alone; links are made absolute later.
    headers = {"content-type": "application/xml; charset=utf-8"}
    whole = (text + _closers(text) if cut else text).encode()
    try:
        found = feedparser.parse(
            io.BytesIO(whole), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
        entries = [_from_feedparser(entry) for entry in found.entries]
    except _PARSER_FAULTS as error:
        raise SourceError(f"{_what_came(text)} that cannot be read as a feed ({type(error).__name__})") from error
    if not found.get("version"):
        raise SourceError(f"{_what_came(text)}, not a feed")
    lost = max(len(_OPENED.findall(text)) - len(entries), 0) if found.bozo else 0
    if cut:
        half = entries[-1] if len(entries) > len(_CLOSED.findall(text)) else None
        if half and not (half.id or half.link):  # under another name it would come again, whole, as a second post
            entries, lost = entries[:-1], lost + 1
        if not entries:
            raise SourceError("a feed that is cut short before its first entry")
    return entries, lost


def _check_size(text: str) -> None:
    """Raises SourceError for what would keep feedparser busy for minutes: it spends 20 µs on each tag, and on a tag the
    square of its attributes.
    """
    if len(text) > _MOST_TEXT or text.count("<") > _MOST_TAGS:
        raise SourceError("larger than any feed ought to be")

    def counted(_name: str, attributes: Mapping[str, str]) -> None:
        if len(attributes) > _MOST_ATTRIBUTES:
            raise SourceError("a tag with more attributes than a feed ought to have")

    reader = expat.ParserCreate("utf-8")  # whatever the feed says it was in: it is text by now
    reader.StartElementHandler = counted
    with suppress(expat.ExpatError):  # such a feed feedparser reads in another way, to which attributes are cheap
        reader.Parse(text.encode(), True)


def _possible(reference: re.Match[str]) -> str:
    """A character reference, or nothing where no such character exists: one of them fails feedparser as a whole."""
    digits, base = (reference[1], 16) if reference[1] else (reference[2], 10)
    code = int(digits, base) if len(digits) < 10 else 0
    exists = code in (9, 10, 13) or (32 <= code < 0x110000 and not _ILLEGAL.match(chr(code)))
    return reference[0] if exists else ""


def _up_to_last_tag(text: str) -> str:
    """A cut feed without the text that was cut: all of a text is known only when a tag follows it."""
    unclosed = max((text.rfind(a) for a, z in _SECTIONS if text.rfind(a) > text.rfind(z)), default=-1)
    if unclosed >= 0:
        return text[:unclosed]
    return text if text.rstrip().endswith(">") else text[: text.rfind("<")]


def _closers(text: str) -> str:
    """The end tags that a cut feed lacks. Walks forward only: a hostile feed must not cost its square in time."""
    still_open: list[str] = []
    place = text.find("<")
    while place >= 0:
        section = next((end for start, end in _SECTIONS if text.startswith(start, place)), ">")
        end = text.find(section, place)
        if end < 0:
            break
        if section == ">" and (tag := _TAG.match(text, place, end)):
            _step(still_open, tag[2], closes=bool(tag[1]), empty=text[end - 1] == "/")
        place = text.find("<", end)
    return "".join(f"</{name}>" for name in reversed(still_open))


def _step(still_open: list[str], name: str, *, closes: bool, empty: bool) -> None:
    if closes and name in still_open:
        while still_open.pop() != name:
            pass
    elif not closes and not empty and len(still_open) < _DEEPEST:
        still_open.append(name)


def _from_feedparser(entry: Any) -> Entry:
    """feedparser's dictionary is read past its own look-up, which warns and offers one date for another."""
    get = functools.partial(dict.get, entry)
    title = get("title_detail") or {}
    contents = get("content") or []
    body = contents[0] if contents else get("summary_detail") or {}
    person = get("author_detail") or {}
    own_id, link = _text(get("id")), _text(get("link"))
    if link == own_id and not link.startswith(("http://", "https://")):
        link = ""  # RSS takes every guid for a link unless told otherwise
    return Entry(
        id=own_id,
        link=link,
        title=_text(title.get("value") or get("title")),
        title_is_html=_is_html(title),
        body=_text(body.get("value") or get("summary")),
        body_is_html=_is_html(body),
        author=_text(person.get("name") or get("author")),
        times=tuple(filter(None, (_text(get("published")), _text(get("updated")), _text(get("created"))))),
        reply_to=_text((get("thr_in-reply-to") or {}).get("ref")),
    )


def _is_html(detail: Mapping[str, Any]) -> bool:
    return bool(detail.get("type", "text/plain") != "text/plain")


def _json_feed(text: str) -> Entries:
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError("JSON that cannot be read, not a feed") from error
    version = feed.get("version") if isinstance(feed, dict) else None
    if not isinstance(version, str) or not _JSON_FEED.match(version) or not isinstance(feed.get("items"), list):
        raise SourceError("JSON, but not a feed")
    items = [item for item in feed["items"] if isinstance(item, dict)]
    return [_from_json(item) for item in items], len(feed["items"]) - len(items)


def _from_json(item: Mapping[str, Any]) -> Entry:
    html = _text(item.get("content_html"))
    authors = item.get("authors")
    people = [*(authors if isinstance(authors, list) else []), item.get("author")]
    names = (_text(person.get("name")) or _text(person.get("url")) for person in people if isinstance(person, dict))
    return Entry(
        id=_text(item.get("id")),
        link=_text(item.get("url")) or _text(item.get("external_url")),
        title=_text(item.get("title")),
        body=html or _text(item.get("content_text")) or _text(item.get("summary")),
        body_is_html=bool(html),
        author=next(filter(None, names), ""),
        times=tuple(filter(None, (_text(item.get("date_published")), _text(item.get("date_modified"))))),
    )


def _text(value: object) -> str:
    """A text or a number as text; nothing else can be an id, a title or a date."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _what_came(text: str) -> str:
    start = text[:2000].lower()
    if "<!doctype html" in start or "<html" in start:
        return "an HTML page"
    return "XML" if start.startswith("<") else "plain text"
