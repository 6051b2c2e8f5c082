"""From a JSON answer to posts, as JMESPath expressions say where each field stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, tzinfo
from typing import Annotated, Any

import jmespath
from pydantic import AfterValidator, ConfigDict

from monitor.errors import Blocked, NeedsCredentials, RateLimited, SourceError, shown
from monitor.model import Author, Engagement, Post
from sources.answers import read_json, unix_time
from sources.dates import TOO_FAR_AHEAD
from sources.feedformats import decode
from sources.links import bounded_id, canonical, host_of
from sources.markup import LONGEST, clean, html_to_text, joined, tidy
from sources.numbers import parse_count
from sources.shown_times import read_shown_time

_LONGEST_NAME = 100
_LONGEST_CURSOR = 4000
_SAID = 80
"""Characters of a platform's own error message that are shown."""
_MILLISECONDS = 1e11
"""A number above it is milliseconds since 1970 (as seconds it would be the year 5138); formats/jsonapi."""
_NO = frozenset({"", "0", "false", "no", "n", "null", "none"})
# What JMESPath's functions raise on values they were not written for (contains('x', `1`) is a TypeError).
_MISFITS = (ValueError, TypeError, OverflowError, RecursionError)


def _compiles(expression: str) -> str:
    try:
        if expression:
            jmespath.compile(expression)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not a JMESPath expression: {shown(expression, 60)}") from error
    return expression


Expression = Annotated[str, AfterValidator(_compiles)]
"""A JMESPath expression, or ``""``."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Where each field of a post stands, from one item of the list; ``""``: nowhere.

    ``text`` or ``title`` is needed. Without ``id`` the address is the id. ``created_at``: ISO, ``2026-11-20 21:08``,
    Unix seconds or milliseconds, or as shown to a reader (``3分钟前``). ``location`` is checked but not kept yet.
    """

    id: Expression = ""
    url: Expression = ""
    title: Expression = ""
    text: Expression = ""
    author_id: Expression = ""
    author_name: Expression = ""
    followers: Expression = ""
    verified: Expression = ""
    created_at: Expression = ""
    likes: Expression = ""
    comments: Expression = ""
    reposts: Expression = ""
    platform: Expression = ""
    kind: Expression = ""
    parent_id: Expression = ""
    root_id: Expression = ""
    page_id: Expression = ""
    location: Expression = ""

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        if not (self.text or self.title):
            raise ValueError("text: missing")
        if not (self.id or self.url):
            raise ValueError("id: missing")


@dataclass(frozen=True, slots=True)
class Shape:
    """How to read an answer. The expressions are those of ``sources.jsonapi.JsonApi``; ``secret`` are texts that no
    error may repeat: tokens, and what was searched for.
    """

    items: str
    fields: Fields
    platform: str
    zone: tzinfo
    ok: str = ""
    error_message: str = ""
    needs_credentials: str = ""
    rate_limited: str = ""
    blocked: str = ""
    next_cursor: str = ""
    has_more: str = ""
    total_pages: str = ""
    markup: Sequence[str] = ()
    brand: str = ""
    secret: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The posts of one answer, how many items could not be read, and what it says of those that follow.

    ``more`` and ``pages`` are None where it says nothing.
    """

    posts: tuple[Post, ...]
    rejected: int = 0
    next_cursor: str = ""
    more: bool | None = None
    pages: int | None = None


def parse(body: bytes, shape: Shape, *, url: str, content_type: str = "", fetched_at: datetime) -> Parsed:
    """The posts of an answer. Raises SourceError or one of its kinds where the body itself says that it is an error,
    or holds no list where ``shape.items`` points.
    """
    host = host_of(url)
    answer = _json(body, content_type, host)
    _raise_for_body(answer, shape, host)
    items = _items(answer, shape, host)
    posts = [_post(item, shape, url, fetched_at) for item in items]
    kept = tuple(post for post in posts if post is not None)
    more = _look(shape.has_more, answer)
    return Parsed(
        kept,
        rejected=len(posts) - len(kept),
        next_cursor=_cursor(_look(shape.next_cursor, answer), host),
        more=None if more is None else _yes(more),
        pages=parse_count(_look(shape.total_pages, answer)),
    )


def _json(body: bytes, content_type: str, host: str) -> Any:
    try:
        text = body.decode("utf-8-sig")  # what JSON is by RFC 8259, whatever a header says
    except UnicodeDecodeError:
        text = decode(body, content_type)
    return read_json(text, host)


def _raise_for_body(answer: Any, shape: Shape, host: str) -> None:
    """An error that came with HTTP 200: of the kind whose expression holds, else a plain one if ``ok`` does not."""
    kinds = ((NeedsCredentials, shape.needs_credentials), (RateLimited, shape.rate_limited), (Blocked, shape.blocked))
    for kind, expression in kinds:
        if expression and _yes(_look(expression, answer)):
            raise kind(f"{host}: {_said(answer, shape)}")
    if shape.ok and not _yes(_look(shape.ok, answer)):
        raise SourceError(f"{host}: {_said(answer, shape)}")


def _said(answer: Any, shape: Shape) -> str:
    """What the platform says went wrong, without anything that was sent to it."""
    message = _look(shape.error_message, answer)
    if not isinstance(message, str | int | float) or isinstance(message, bool) or message == "":
        return "the answer is an error"
    text = str(message)
    for secret in sorted(filter(None, shape.secret), key=len, reverse=True):
        text = text.replace(secret, "…")
    return f"says {shown(text, _SAID)}"


def _items(answer: Any, shape: Shape, host: str) -> list[Any]:
    """The list of items; one item alone is a list of one. Nothing at all is an empty list only if ``ok`` vouched."""
    try:
        items = jmespath.search(shape.items, answer)
    except _MISFITS as error:
        raise SourceError(f"{host}: items does not fit the answer") from error
    if items is None and shape.ok:
        return []
    if isinstance(items, dict):
        return [items]
    if not isinstance(items, list):
        what = f", but {_named(items)}" if items is not None else ""
        raise SourceError(f"{host}: no list where items points{what}")
    return items


def _named(value: object) -> str:
    kinds = {str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), "nothing")


def _look(expression: str, data: Any) -> Any:
    """What an expression finds; None where it finds nothing or does not fit the data."""
    if not expression:
        return None
    try:
        return jmespath.search(expression, data)
    except _MISFITS:
        return None


def _yes(value: object) -> bool:
    return str(value).strip().lower() not in _NO if isinstance(value, str | int | float) else bool(value)


def _cursor(value: object, host: str) -> str:
    """The mark of the next page; 0 and -1 are how some interfaces say that there is none."""
    if value is None or value is False or value in ("", 0, -1):
        return ""
    text = clean(_text(value))
    if not text or len(text) > _LONGEST_CURSOR:
        raise SourceError(f"{host}: next_cursor points at something that is no cursor")
    return text


def _post(item: Any, shape: Shape, url: str, fetched_at: datetime) -> Post | None:
    """An item as a post; None if it has no id or no text, for it would come again under another id."""
    found = {f.name: _look(getattr(shape.fields, f.name), item) for f in fields(Fields)}
    link = canonical(clean(_text(found["url"])), url)
    native_id = bounded_id(tidy(_text(found["id"])) if shape.fields.id else link)
    text = joined(*(_seen(name, found[name], shape) for name in ("title", "text")))
    if not native_id or not text:
        return None
    parent, root, page = (bounded_id(tidy(_text(found[name]))) for name in ("parent_id", "root_id", "page_id"))
    parent, root = (above if above not in (native_id, "0") else "" for above in (parent, root))
    return Post(
        platform=_name(found["platform"]) or shape.platform,
        native_id=native_id,
        text=text,
        url=link,
        kind=_name(found["kind"]) or ("comment" if parent else "post"),
        author=_author(found),
        published_at=_time(found["created_at"], shape.zone, fetched_at),
        parent=parent,
        root=root or parent,
        page=page,
        engagement=Engagement(*(parse_count(found[name]) for name in ("likes", "reposts", "comments"))),
        brands=(shape.brand,) if shape.brand else (),
    )


def _seen(name: str, value: object, shape: Shape) -> str:
    text = _text(value)
    return html_to_text(text) if name in shape.markup else tidy(text[:LONGEST])


def _author(found: Mapping[str, Any]) -> Author | None:
    name = _name(found["author_name"])
    identity = bounded_id(tidy(_text(found["author_id"]))) or name
    if not identity:
        return None
    verified = found["verified"]
    kind = ("verified" if verified else "") if isinstance(verified, bool) else _name(verified)
    return Author(identity, name=name, followers=parse_count(found["followers"]), verified=kind)


def _name(value: object) -> str:
    return tidy(_text(value))[:_LONGEST_NAME].replace("\n", " ")


def _text(value: object) -> str:
    """A text or a number as text; nothing else can be an id or a name. A whole number has no point."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _time(value: object, zone: tzinfo, fetched_at: datetime) -> datetime | None:
    """A claimed time in UTC, or None if there is none that can be believed."""
    try:
        moment = _moment(value, zone, fetched_at)
    except _MISFITS:
        return None
    return moment if moment is not None and moment <= fetched_at + TOO_FAR_AHEAD else None


def _moment(value: object, zone: tzinfo, fetched_at: datetime) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        return read_shown_time(value, zone, fetched_at)
    return unix_time(value / 1000 if value > _MILLISECONDS else value)
