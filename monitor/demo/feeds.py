"""How three platforms show their newest posts: a news site as RSS 2.0, a forum as Atom, a microblog as JSON Feed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from xml.etree import ElementTree as ET

from monitor.demo.world import FORUM, MICROBLOG, NEWS, Item
from monitor.model import utc_text

Render = Callable[["Outlet", Sequence[Item]], bytes]

_ATOM, _THREADING = "http://www.w3.org/2005/Atom", "http://purl.org/syndication/thread/1.0"


@dataclass(frozen=True)
class Outlet:
    """One platform's feed. ``window``: how many posts it shows, newest first. ``host``: a reserved name."""

    source: str
    platform: str
    path: str
    host: str
    content_type: str
    window: int
    render: Render

    def link(self, item_id: str) -> str:
        return f"https://{self.host}/p/{item_id}"


def rss(outlet: Outlet, items: Sequence[Item]) -> bytes:
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    _add(channel, "title", outlet.platform)
    _add(channel, "link", f"https://{outlet.host}/")
    _add(channel, "description", f"{outlet.platform} 最新消息")
    for item in items:
        entry = ET.SubElement(channel, "item")
        _add(entry, "title", item.title)
        _add(entry, "link", outlet.link(item.id))
        _add(entry, "guid", item.id, isPermaLink="false")
        _add(entry, "pubDate", format_datetime(item.at, usegmt=True))
        _add(entry, "author", item.author)
        _add(entry, "description", _html(item.text))
    return _document(root)


def atom(outlet: Outlet, items: Sequence[Item]) -> bytes:
    """Replies carry ``thr:in-reply-to`` (RFC 4685)."""
    root = ET.Element("feed", {"xmlns": _ATOM, "xmlns:thr": _THREADING})
    _add(root, "id", f"tag:{outlet.host},2026:feed")
    _add(root, "title", outlet.platform)
    _add(root, "updated", utc_text(items[0].at) if items else "2026-01-01T00:00:00Z")
    for item in items:
        entry = ET.SubElement(root, "entry")
        _add(entry, "id", item.id)
        _add(entry, "title", item.title)
        ET.SubElement(entry, "link", rel="alternate", href=outlet.link(item.id))
        _add(entry, "published", utc_text(item.at))
        _add(entry, "updated", utc_text(item.at))
        _add(ET.SubElement(entry, "author"), "name", item.author)
        if item.reply_to:
            ET.SubElement(entry, "thr:in-reply-to", ref=item.reply_to, href=outlet.link(item.reply_to))
        _add(entry, "content", _html(item.text), type="html")
    return _document(root)


def json_feed(outlet: Outlet, items: Sequence[Item]) -> bytes:
    entries = [
        {
            "id": item.id, "url": outlet.link(item.id), "content_text": item.text, "date_published": utc_text(item.at),
            "authors": [{"name": item.author}], "language": "zh-Hans" if item.script == "hans" else "zh-Hant",
        }
        for item in items
    ]  # fmt: skip
    feed = {
        "version": "https://jsonfeed.org/version/1.1", "title": outlet.platform,
        "home_page_url": f"https://{outlet.host}/", "items": entries,
    }  # fmt: skip
    return json.dumps(feed, ensure_ascii=False).encode()


# A feed shows somewhat more than its busiest hour brings, so that asking every hour leaves no hole.
OUTLETS = (
    Outlet("news", NEWS, "/news.rss", "daodu.example", "application/rss+xml; charset=utf-8", 15, rss),
    Outlet("forum", FORUM, "/forum.atom", "chashuijian.example", "application/atom+xml; charset=utf-8", 35, atom),
    Outlet("microblog", MICROBLOG, "/microblog.json", "fuping.example", "application/feed+json", 50, json_feed),
)


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = text


def _html(text: str) -> str:
    """Text as the HTML that a feed's description holds; the document escapes it once more."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "<p>" + escaped.replace("\n", "<br>") + "</p>"


def _document(root: ET.Element) -> bytes:
    markup: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>{markup}'.encode()
