"""The archive as an Atom feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote as percent
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree

from monitor.model import FeedEntry, utc_text
from reports.archive_view import week_name
from reports.incident_view import NAME_LENGTH
from reports.language import Language, language
from reports.revision_view import verdict_word
from reports.safe import inert, line

NAMESPACE = "http://www.w3.org/2005/Atom"


def feed(brand: str, entries: Sequence[FeedEntry], *, identity: str, base: str, code: str) -> str:
    """The pages made last, one entry a revision, newest first.

    ``identity`` is the database's own name: with an entry's it makes an id that stays, wherever the archive is served.
    ``base``: the address of the brand's folder, ending in a slash; empty where nobody serves it: links are then
    relative to the feed.
    """
    words, name = language(code), line(brand, NAME_LENGTH)
    root = ElementTree.Element("feed", {"xmlns": NAMESPACE, "xml:lang": words.code})
    _add(root, "id", _id(identity, f"feed {brand}"))
    _add(root, "title", words.gettext("%(brand)s: digests", brand=name))
    _add(root, "updated", utc_text(max((e.made_at for e in entries), default=datetime(1970, 1, 1, tzinfo=UTC))))
    _add(_add(root, "author"), "name", "Qianli 千里")
    _add(root, "link", rel="alternate", type="text/html", href=f"{base}index.html")
    if base:
        _add(root, "link", rel="self", type="application/atom+xml", href=f"{base}feed.atom")
    for entry in entries:
        _entry(_add(root, "entry"), entry, name, identity, base, words)
    ElementTree.indent(root, "")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _entry(node: ElementTree.Element, entry: FeedEntry, brand: str, identity: str, base: str, words: Language) -> None:
    when = week_name(entry.day, words) if entry.week else words.day(entry.day)
    title = words.gettext(
        "%(brand)s, %(day)s: %(badge)s", brand=brand, day=when, badge=verdict_word(entry.verdict, words)
    )
    if entry.revision > 1:
        number = words.number(entry.revision)
        title = words.gettext("%(title)s (revision %(number)s)", title=title, number=number)
    _add(node, "id", _id(identity, entry.name))
    _add(node, "title", title)
    _add(node, "published", utc_text(entry.made_at))
    _add(node, "updated", utc_text(entry.made_at))
    _add(node, "link", rel="alternate", type="text/html", href=base + percent(entry.file))
    _add(node, "summary", entry.summary or verdict_word(entry.verdict, words))


def _add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    node = ElementTree.SubElement(parent, tag, attributes)
    if text:
        node.text = inert(text)  # XML cannot hold control characters, escaped or not
    return node


def _id(identity: str, name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'qianli:{identity}:{name}')}"
