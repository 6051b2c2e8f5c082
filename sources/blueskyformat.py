"""Bluesky's answers, as the lexicons ``app.bsky.feed.defs`` and ``com.atproto.server`` describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitor.errors import SourceError
from monitor.model import Author, Engagement, Post
from sources.answers import identity, read_object, rows, table, text
from sources.dates import read_time
from sources.markup import tidy
from sources.numbers import parse_count

PLATFORM = "bluesky"
_URI = re.compile(r"at://(did:[a-z]+:[\w.:%-]{1,200})/app\.bsky\.feed\.post/([\w.:~-]{1,100})", re.ASCII)
_CODE = re.compile(r"[A-Za-z]{1,60}")
_HIDDEN = "!no-unauthenticated"


@dataclass(frozen=True, slots=True)
class Found:
    """The posts of one answer in its order, and where the next page begins (``""``: there is none)."""

    posts: tuple[Post, ...]
    next: str = ""
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login gives: for about two hours, and to get the next such pair."""

    access: str
    refresh: str


class _Unreadable(Exception):
    """A post view that lacks what every one has."""


def parse(body: bytes, *, host: str) -> Found:
    """The answer of searchPosts or getPosts. Raises SourceError that says what came instead.

    Posts without any text are left out, as are those of accounts that are not to be shown to people who are not logged
    in; what cannot be read is counted.
    """
    answer = read_object(body, host)
    if not isinstance(answer.get("posts"), list):
        raise SourceError(f"{host}: JSON, but not a list of posts")
    found, rejected = [], 0
    for view in rows(answer, "posts"):
        try:
            post = _post(view)
        except _Unreadable:
            rejected += 1
            continue
        if post is not None:
            found.append(post)
    return Found(tuple(found), text(answer, "cursor")[:500], rejected)


def parse_session(body: bytes, *, host: str) -> Tokens | None:
    """The tokens of createSession or refreshSession; None when the account is not active."""
    answer = read_object(body, host)
    tokens = Tokens(text(answer, "accessJwt"), text(answer, "refreshJwt"))
    if not all(t and t.isascii() and t.isprintable() for t in (tokens.access, tokens.refresh)):
        raise SourceError(f"{host}: JSON, but not a session")
    return None if answer.get("active") is False else tokens


def parse_followers(body: bytes, *, host: str) -> dict[str, int]:
    """The number of followers by DID, of getProfiles; without those it does not know."""
    profiles = [p for p in rows(read_object(body, host), "profiles") if isinstance(p, dict)]
    counts = {identity(p.get("did")): parse_count(p.get("followersCount")) for p in profiles}
    return {did: count for did, count in counts.items() if did and count is not None}


def error_code(body: bytes, *, host: str) -> str:
    """The platform's word for what went wrong, such as ``ExpiredToken``; ``""`` if this is no error of its own."""
    try:
        code = text(read_object(body, host), "error")
    except SourceError:
        return ""
    return code if _CODE.fullmatch(code) else ""


def _post(view: object) -> Post | None:
    if not isinstance(view, dict):
        raise _Unreadable
    place = _URI.fullmatch(text(view, "uri"))
    record, author = table(view, "record"), table(view, "author")
    did = identity(author.get("did"))
    if not place or not did or not isinstance(record.get("text"), str):
        raise _Unreadable
    words = _text(record, view)
    if not words or _is_hidden(author):
        return None
    reply = table(record, "reply")
    parent, root = (_uri(table(reply, end)) for end in ("parent", "root"))
    return Post(
        platform=PLATFORM,
        native_id=place[0],
        text=words,
        url=f"https://bsky.app/profile/{place[1]}/post/{place[2]}",
        kind="comment" if parent else "post",
        author=Author(
            did,
            name=tidy(text(author, "displayName"))[:200] or text(author, "handle")[:200],
            followers=parse_count(author.get("followersCount")),
            verified="verified" if table(author, "verification").get("verifiedStatus") == "valid" else "",
        ),
        published_at=_published(text(record, "createdAt"), text(view, "indexedAt")),
        parent=parent,
        root=root or parent,
        engagement=Engagement(
            likes=parse_count(view.get("likeCount")),
            reposts=parse_count(view.get("repostCount")),
            comments=parse_count(view.get("replyCount")),
        ),
    )


def _text(record: Mapping[str, Any], view: Mapping[str, Any]) -> str:
    """The text, and the headline of the page it links to, which stands below it as a card."""
    words = tidy(record["text"])
    headline = tidy(text(table(table(view, "embed"), "external"), "title"))
    return words if headline in words else f"{words}\n{headline}".strip()


def _is_hidden(author: Mapping[str, Any]) -> bool:
    return any(isinstance(label, dict) and label.get("val") == _HIDDEN for label in rows(author, "labels"))


def _uri(reference: Mapping[str, Any]) -> str:
    found = _URI.fullmatch(text(reference, "uri"))
    return found[0] if found else ""


def _published(created: str, indexed: str) -> datetime | None:
    """The earlier of the author's claim and the first sight of it, as Bluesky itself sorts (``sortAt``)."""
    return min(filter(None, (_time(created), _time(indexed))), default=None)


def _time(written: str) -> datetime | None:
    try:
        return read_time(written, UTC)
    except ValueError:
        return None
