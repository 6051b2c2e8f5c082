"""RSS 2.0, Atom, RDF and JSON Feed: the format that half of the web still speaks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from monitor.errors import SourceError
from monitor.model import Author, Cursor, Page, Post, Query
from sources.dates import TOO_FAR_AHEAD, read_time
from sources.feedformats import Entry, read_entries
from sources.http import Answer, Http
from sources.links import bounded_id, canonical, host_of
from sources.lists import in_turns
from sources.markup import LONGEST, clean, html_to_text, joined, tidy
from sources.settings import WebAddress


@dataclass(frozen=True)
class Feed:
    """A feed, or a search that answers with one.

    ``url`` is asked once; where it holds ``{query}``, once for each term of the watched brands. ``platform`` is the
    namespace of its posts' ids, by default the host of ``url``. ``keep_query = false`` is for feeds whose links carry
    a session or a counter in their query: they are then compared and kept without it.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    url: WebAddress
    platform: str = ""
    keep_query: bool = True

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One page per address. A term that fails does not silence the others; its error is raised at the end.

        A refusal ends the run at once: the other terms would be refused by the same host.
        """
        urls = self._urls(query)
        kept = {key: cursor[key] for key in map(_key, urls) if isinstance(cursor.get(key), Mapping)}
        yield from in_turns({_key(url): self._ask(url, query.now, kept) for url in urls}, query, cursor)

    def _urls(self, query: Query) -> list[str]:
        if "{query}" not in self.url:
            return [self.url]
        return list(dict.fromkeys(self.url.replace("{query}", quote(term, safe="")) for term in query.terms))

    def _ask(self, url: str, now: datetime, kept: dict[str, Any]) -> Iterator[Page]:
        """The one page of an address. ``kept`` is brought up to date."""
        known = kept.get(_key(url), {})
        answer = self.http.get(url, now=now, etag=known.get("etag"), last_modified=known.get("last_modified"))
        if answer.not_modified:
            yield Page((), dict(kept), unchanged=True, stream=_key(url))
            return
        parsed = parse(
            answer.body,
            url=answer.url,
            platform=self.platform or host_of(self.url),
            content_type=answer.content_type,
            fetched_at=now,
            keep_query=self.keep_query,
        )
        empty = not parsed.posts and not parsed.rejected
        kept[_key(url)] = _marks(answer)
        yield Page(parsed.posts, dict(kept), exhausted=empty, rejected=parsed.rejected, stream=_key(url))


@dataclass(frozen=True, slots=True)
class Parsed:
    """The posts of one answer in its order, and how many entries could not be read."""

    posts: tuple[Post, ...]
    rejected: int = 0


def parse(
    body: bytes, *, url: str, platform: str, content_type: str = "", fetched_at: datetime, keep_query: bool = True
) -> Parsed:
    """The posts of a feed. Raises SourceError that says what came when it is no feed or is cut before its entries."""
    try:
        entries, lost = read_entries(body, content_type)
    except SourceError as error:
        raise SourceError(f"{host_of(url)}: {error}") from error
    posts = [_post(entry, url, platform, fetched_at, keep_query) for entry in entries]
    kept = [post for post in posts if post is not None]
    return Parsed(tuple(_threaded(kept)), lost + len(posts) - len(kept))


def _threaded(posts: Sequence[Post]) -> Iterator[Post]:
    """Each reply with the start of its thread: as far up as this answer tells."""
    parents = {post.native_id: post.parent for post in posts if post.parent}
    for post in posts:
        root, seen = post.parent, {post.native_id}
        while root in parents and root not in seen:
            seen.add(root)
            root = parents[root]
        yield replace(post, root=root) if root else post


def _post(entry: Entry, base: str, platform: str, fetched_at: datetime, keep_query: bool) -> Post | None:
    title = html_to_text(entry.title) if entry.title_is_html else tidy(entry.title[:LONGEST])
    body = html_to_text(entry.body) if entry.body_is_html else tidy(entry.body[:LONGEST])
    text = joined(title, body)
    if not text:
        return None
    link = canonical(clean(entry.link), base, keep_query=keep_query)
    author = tidy(entry.author)
    return Post(
        platform=platform,
        native_id=_native_id(tidy(entry.id), link, title or text, entry.times),
        text=text,
        url=link,
        kind="comment" if entry.reply_to else "post",
        parent=_native_id(tidy(entry.reply_to), "", "", ()) if entry.reply_to else "",
        author=Author(author, name=author) if author else None,
        published_at=_claimed(entry.times, fetched_at),
    )


def _native_id(given: str, link: str, title: str, times: Sequence[str]) -> str:
    if found := given or link:
        return bounded_id(found)
    return "sha256:" + hashlib.sha256("\n".join((title, *times[:1])).encode()).hexdigest()[:32]


def _claimed(times: Sequence[str], fetched_at: datetime) -> datetime | None:
    """The first time that can be believed; one without a zone is UTC, as the formats' specifications have it."""
    for written in times:
        try:
            moment = read_time(written, UTC)
        except ValueError:
            continue
        if moment <= fetched_at + TOO_FAR_AHEAD:
            return moment
    return None


def _key(url: str) -> str:
    """An address in the cursor. Hashed, for it may hold a key to the feed, and the cursor is stored and shown."""
    return hashlib.sha256(url.encode()).hexdigest()[:24]


def _marks(answer: Answer) -> dict[str, str]:
    marks = {"etag": answer.etag, "last_modified": answer.last_modified}
    return {name: mark for name, mark in marks.items() if mark}
