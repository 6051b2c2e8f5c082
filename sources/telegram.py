"""Telegram's public channels, as the preview at ``t.me/s/`` shows them without an account.

The preview is a page for people; Telegram does not document it as an interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from pydantic import AfterValidator, Field
from selectolax.lexbor import LexborHTMLParser, LexborNode

from monitor.errors import SourceError
from monitor.model import Author, Cursor, Page, Post, Query
from sources.answers import what_came
from sources.dates import read_time
from sources.http import Http
from sources.links import host_of
from sources.lists import in_turns, reach
from sources.markup import clean, html_to_text, joined, read_page
from sources.numbers import parse_count
from sources.settings import BaseUrl, spelled

HOME = "https://t.me"
PLATFORM = "telegram"
PACE = 5.0
"""Seconds between two requests: about as fast as a person pages on; nobody says a limit."""
_REMEMBERED = 20
"""Newest messages of a list that its cursor knows: as many as stand on one page."""
_MESSAGE = re.compile(r"([A-Za-z0-9_]{1,64})/([0-9]{1,18})(?![0-9])")
_LINK = re.compile(r"https?://(?:t|telegram)\.me/(?:s/)?([A-Za-z0-9_]{1,64})/([0-9]{1,18})(?![0-9])")

Channel = Annotated[
    str, AfterValidator(spelled("[A-Za-z0-9_]{1,64}", "a public channel's name as in t.me/NAME, without @"))
]


@dataclass(frozen=True)
class Telegram:
    """Messages of public ``channels``, newest first; Telegram offers no search over all of them.

    Each channel is asked for each watched term. ``search = false`` reads whatever is new in it instead: fewer requests
    where there are more terms than pages, and more posts that are no mention. ``pages`` (of about twenty messages) of
    each list are asked for at most in one run. ``url`` is for a mirror.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]
    search: bool = True
    pages: Annotated[int, Field(ge=1, le=20)] = 3
    url: BaseUrl = HOME

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One page for each page of each list. A channel that fails does not silence the others."""
        lists = [(channel, term) for channel in self.channels for term in (query.terms if self.search else ("",))]
        kept = {_stream(*one): _ids(cursor.get(_stream(*one))) for one in lists}
        return in_turns({_stream(*one): self._read(*one, query, kept) for one in lists}, query, cursor)

    def _read(self, channel: str, term: str, query: Query, kept: dict[str, list[str]]) -> Iterator[Page]:
        """One list from its newest page back to what was heard before. ``kept`` is brought up to date on the way."""
        stream, since = _stream(channel, term), reach(query)
        known, before, newest = set(kept[stream]), "", list[str]()
        for _ in range(self.pages):
            found = self._ask(channel, term, before, query.now)
            newest += [post.native_id for post in found.posts]
            kept[stream] = list(dict.fromkeys(newest))[:_REMEMBERED] or kept[stream]
            reached = any(
                post.native_id in known or (post.published_at is not None and post.published_at < since)
                for post in found.posts
            )
            exhausted = reached or not found.older
            if found.posts or found.rejected or exhausted:  # an empty page would say that nothing is new
                marks = {name: list(ids) for name, ids in kept.items()}
                yield Page(found.posts, marks, exhausted=exhausted, rejected=found.rejected, stream=stream)
            if exhausted or found.older == before:
                return
            before = found.older

    def _ask(self, channel: str, term: str, before: str, now: datetime) -> Parsed:
        asked = {name: value for name, value in (("q", term), ("before", before)) if value}
        url = f"{self.url}/s/{channel}" + (f"?{urlencode(asked)}" if asked else "")
        answer = self.http.get(url, now=now, page=True, pace=PACE, expect=(302,))
        host = host_of(self.url)
        if answer.status == 302:
            if "/s/" in answer.headers.get("location", ""):
                raise SourceError(f"{host}: redirects the preview of channel {channel}; correct its name")
            raise SourceError(f"{host}: channel {channel} has no public preview: private, restricted or not there")
        return parse(answer.body, host=host)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Messages, newest first; ``older`` is the ``before`` of the page behind it, ``""`` at the channel's beginning."""

    posts: tuple[Post, ...]
    older: str = ""
    rejected: int = 0


def parse(body: bytes, *, host: str) -> Parsed:
    """The messages of a preview page. Service messages and those without words (pictures alone) are left out.

    Raises SourceError for any other page.
    """
    tree = read_page(body, host)
    if tree.css_first(".tgme_channel_history") is None:
        raise what_came(body.decode("utf-8", "replace"), host, "a channel's preview")
    followers = _followers(tree)
    posts: list[Post] = []
    rejected = 0
    for node in tree.css(".tgme_widget_message[data-post]"):
        if "service_message" in _classes(node):
            continue
        found = _MESSAGE.match(node.attributes.get("data-post") or "")
        text = _words(node)
        if found is None:
            rejected += 1
        elif text:
            posts.append(_post(node, found[1], found[2], text, followers))
    more = (node.attributes.get("data-before") or "" for node in tree.css("a.tme_messages_more[data-before]"))
    older = next((before for before in more if re.fullmatch(r"[0-9]{1,18}", before)), "")
    return Parsed(tuple(reversed(posts)), older, rejected)


def _post(node: LexborNode, channel: str, number: str, text: str, followers: int | None) -> Post:
    forwarded = node.css_first(".tgme_widget_message_forwarded_from_name")
    origin = _linked(forwarded) if forwarded is not None else ""
    answered = _linked(node.css_first("a.tgme_widget_message_reply"))
    name = node.css_first(".tgme_widget_message_owner_name")
    return Post(
        platform=PLATFORM,
        native_id=f"{channel}/{number}",
        text=text,
        url=f"{HOME}/{channel}/{number}",
        kind="repost" if forwarded is not None else "post",
        author=Author(channel, clean(name.text()).strip() if name is not None else channel, followers),
        published_at=_time(node),
        parent=origin or answered,
        root="" if forwarded is not None else answered,
    )


def _words(node: LexborNode) -> str:
    """All texts of a message but what it quotes of another; some stand one within the other."""
    texts: list[str] = []
    for found in node.css(".tgme_widget_message_text"):
        above = found.parent
        while above is not None and "tgme_widget_message" not in _classes(above):
            if _classes(above) & {"tgme_widget_message_text", "tgme_widget_message_reply"}:
                break
            above = above.parent
        else:
            texts.append(html_to_text(found.html or ""))
    text = ""
    for more in texts:
        text = joined(text, more)
    return text


def _time(node: LexborNode) -> datetime | None:
    found = node.css_first("a.tgme_widget_message_date time[datetime]")
    try:
        return read_time(found.attributes.get("datetime") or "", UTC) if found is not None else None
    except ValueError:
        return None


def _linked(node: LexborNode | None) -> str:
    """The native id of the message that a link leads to."""
    found = _LINK.match(node.attributes.get("href") or "") if node is not None else None
    return f"{found[1]}/{found[2]}" if found else ""


def _followers(tree: LexborHTMLParser) -> int | None:
    for counter in tree.css(".tgme_channel_info_counter"):
        value, unit = counter.css_first(".counter_value"), counter.css_first(".counter_type")
        if value is not None and unit is not None and unit.text().strip() in ("subscribers", "subscriber", "members"):
            return parse_count(value.text())
    return None


def _classes(node: LexborNode) -> set[str]:
    return set((node.attributes.get("class") or "").split()) if node.is_element_node else set()


def _stream(channel: str, term: str) -> str:
    return f"{channel}:{term}"


def _ids(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
