"""Mastodon's statuses, as its documented API writes them (docs.joinmastodon.org/entities/Status)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from monitor.errors import SourceError
from monitor.model import Author, Engagement, Post
from sources.answers import identity, read_json, read_object, rows, table, text
from sources.dates import read_time
from sources.links import canonical
from sources.markup import html_to_text, joined, tidy
from sources.numbers import parse_count

_PUBLIC = ("public", "unlisted")
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next\b')


@dataclass(frozen=True, slots=True)
class Statuses:
    """The posts of one answer in its order. ``ids``: of all it held, also those that are not kept."""

    posts: tuple[Post, ...]
    ids: tuple[str, ...]
    rejected: int = 0


class _Unreadable(Exception):
    """A status that lacks what every status has."""


def parse(body: bytes, *, host: str, platform: str) -> Statuses:
    """A timeline or a search's answer. Raises SourceError that says what came instead.

    Posts that are not public, of accounts that do not want to be found (``noindex``), or without any text are left
    out; what cannot be read is counted.
    """
    found, ids, rejected = [], [], 0
    for status in _statuses(body, host):
        try:
            post, native_id = _post(status, platform)
        except _Unreadable:
            rejected += 1
            continue
        ids.append(native_id)
        if post is not None:
            found.append(post)
    return Statuses(tuple(found), tuple(ids), rejected)


def parse_one(body: bytes, *, host: str, platform: str) -> Post | None:
    """A single status, None if it is one that is left out. Raises SourceError when it is none."""
    try:
        return _post(read_json(body, host), platform)[0]
    except _Unreadable as error:
        raise SourceError(f"{host}: JSON, but not a status") from error


def is_error(body: bytes) -> bool:
    """Whether this is Mastodon's own error and not that of a server in front of it."""
    try:
        return bool(text(read_object(body, ""), "error"))
    except SourceError:
        return False


def next_max_id(link: str) -> str:
    """The ``max_id`` of the next, older page that a Link header names, ``""`` if it names none."""
    found = _NEXT.search(link[:4000])
    if not found:
        return ""
    try:
        return (parse_qs(urlsplit(found[1]).query).get("max_id") or [""])[0][:100]
    except ValueError:
        return ""


def _statuses(body: bytes, host: str) -> Sequence[object]:
    found = read_json(body, host)
    if isinstance(found, dict):
        found = found.get("statuses")
    if not isinstance(found, list):
        raise SourceError(f"{host}: JSON, but not a list of statuses")
    return found


def _post(status: object, platform: str) -> tuple[Post | None, str]:
    """The post, or None for one that is left out, and its id."""
    if not isinstance(status, dict):
        raise _Unreadable
    native_id = identity(status.get("id"))
    if not native_id or not isinstance(status.get("content"), str):
        raise _Unreadable
    shared = table(status, "reblog")
    words = _text(shared or status)
    hidden = table(status, "account").get("noindex") is True or table(shared, "account").get("noindex") is True
    if not words or hidden or status.get("visibility") not in _PUBLIC:
        return None, native_id
    parent = identity(shared.get("id") if shared else status.get("in_reply_to_id"))
    post = Post(
        platform=platform,
        native_id=native_id,
        text=words,
        url=canonical(text(status, "url")) or canonical(text(status, "uri")),
        kind="repost" if shared else "comment" if parent else "post",
        author=_author(table(status, "account")),
        published_at=_time(text(status, "created_at")),
        parent=parent,
        root=parent,
        engagement=Engagement(
            likes=parse_count(status.get("favourites_count")),
            reposts=parse_count(status.get("reblogs_count")),
            comments=parse_count(status.get("replies_count")),
        ),
    )
    return post, native_id


def _text(status: Mapping[str, Any]) -> str:
    """The warning in front, the text, and the choices of a poll: what stands on the page."""
    words = joined(tidy(text(status, "spoiler_text")), html_to_text(text(status, "content")))
    choices = [tidy(text(option, "title")) for option in rows(table(status, "poll"), "options") if _is_table(option)]
    return "\n".join(line for line in (words, *choices) if line)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _author(account: Mapping[str, Any]) -> Author | None:
    """``acct`` is the id: it never changes, and people can write it in a config, unlike the number."""
    acct = identity(account.get("acct")).lower()
    if not acct:
        return None
    name = tidy(text(account, "display_name"))[:200] or acct
    return Author(acct, name=name, followers=parse_count(account.get("followers_count")))


def _time(written: str) -> datetime | None:
    try:
        return read_time(written, UTC)
    except ValueError:
        return None
