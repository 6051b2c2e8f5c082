"""Mastodon: hashtag timelines, and with a token of your own full-text search, of one instance."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlencode

from monitor.errors import Blocked, NeedsCredentials, SourceError, one_line
from monitor.model import Cursor, Gone, Page, Post, Query
from sources.answers import read_object, table
from sources.http import Answer, Http
from sources.links import host_of
from sources.lists import Newest, in_turns
from sources.mastodonformat import is_error, next_max_id, parse, parse_one
from sources.settings import BaseUrl, Pages, Variable, secret

LIMIT = 40
"""Statuses of one page; an instance gives no more."""
_ERRORS = frozenset({401, 403, 404, 422})
_NO_TAG = re.compile(r"[^\w·・]+")


@dataclass(frozen=True)
class Mastodon:
    """What one instance knows: its members' public posts, and those that reach it from elsewhere.

    ``url`` is the instance. Read are the timelines of ``tags`` (without ``#``), by default of the watched brands'
    terms as hashtags. ``token_env`` names an environment variable that holds a user token with ``read:search`` (and
    ``read:statuses``); with one, each term is searched for in full text too, as far as the instance can. ``local``
    leaves out other instances' posts. ``platform`` is the namespace of the ids, by default the instance's host.
    ``pages`` of 40 posts are read of each list in one run at most.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    url: BaseUrl = "https://mastodon.social"
    tags: tuple[str, ...] = ()
    token_env: Variable = ""
    local: bool = False
    platform: str = ""
    pages: Pages = 5

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One list for each tag, then with a token one for each term."""
        return in_turns(_Run(self, query, cursor).lists(), query, cursor)

    def recheck(self, posts: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        """Each post as it is now. Of other instances' posts a copy that is no longer kept says nothing."""
        host = host_of(self.url)
        for post in posts:
            answer = self.ask(f"/api/v1/statuses/{quote(post.native_id, safe='')}", now)
            if answer.status == 404 and is_error(answer.body):
                if host_of(post.url) == host:
                    yield Gone(post.platform, post.native_id)
                continue
            self.refuse(answer)
            seen = parse_one(answer.body, host=host, platform=post.platform)
            if seen is not None:
                yield seen

    def ask(self, path: str, now: datetime) -> Answer:
        """The answer to a GET; those of ``_ERRORS`` are still to be judged."""
        token = secret(self.token_env, "token_env", host_of(self.url))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.http.get(self.url + path, now=now, headers=headers, expect=_ERRORS)

    def refuse(self, answer: Answer) -> None:
        """Raise what an answer of ``_ERRORS`` means."""
        if answer.status not in _ERRORS:
            return
        host, variable = host_of(self.url), one_line(self.token_env)
        own = is_error(answer.body)
        if answer.status == 401 and variable:
            raise NeedsCredentials(f"{host}: HTTP 401: the token in {variable} is not accepted")
        if answer.status == 401 or (answer.status == 422 and own and not variable):
            raise NeedsCredentials(f"{host}: HTTP {answer.status}: it shows this only with a token; see token_env")
        if answer.status == 403 and own and variable:
            raise NeedsCredentials(f"{host}: HTTP 403: the token in {variable} may not do this; it needs read:search")
        if answer.status == 403:
            raise Blocked(f"{host}: HTTP 403")
        raise SourceError(f"{host}: HTTP {answer.status}")


class _Run:
    """One run of a Mastodon source, and what it remembers."""

    def __init__(self, source: Mastodon, query: Query, cursor: Cursor) -> None:
        self._source = source
        self._query = query
        self._host = host_of(source.url)
        self._tags = list(_hashtags(source.tags or query.terms))
        self._terms = query.terms if source.token_env else ()
        self._newest = Newest(cursor.get("newest"), query.since, [*(f"#{tag}" for tag in self._tags), *self._terms])
        self._access_known = False

    def lists(self) -> dict[str, Iterator[Page]]:
        found: dict[str, Iterator[Page]] = {}
        for tag in self._tags:
            parameters = {"limit": str(LIMIT), "local": json.dumps(self._source.local)}
            found[f"#{tag}"] = self._list(f"#{tag}", f"/api/v1/timelines/tag/{quote(tag, safe='')}", parameters)
        for term in self._terms:
            parameters = {"q": term, "type": "statuses", "limit": str(LIMIT)}
            found.setdefault(term, self._list(term, "/api/v2/search", parameters))
        return found

    def _list(self, stream: str, path: str, parameters: dict[str, str]) -> Iterator[Page]:
        """The pages of one list, from new to old, until one reaches what was heard before."""
        seen: set[str] = set()
        for _ in range(self._source.pages):
            answer = self._source.ask(f"{path}?{urlencode(parameters)}", self._query.now)
            self._source.refuse(answer)
            found = parse(answer.body, host=self._host, platform=self._source.platform or self._host)
            if not found.ids and not found.rejected and stream.startswith("#") and not seen:
                self._check_access()
            if found.ids and seen.issuperset(found.ids):
                return  # it gives the same page again
            seen.update(found.ids)
            after = next_max_id(answer.headers["link"]) if "link" in answer.headers else "".join(found.ids[-1:])
            back = self._newest.read(stream, found.posts) or not after
            yield Page(
                found.posts,
                {"newest": self._newest.kept()},
                exhausted=back,
                rejected=found.rejected,
                stream=stream,
            )
            if back:
                return
            parameters = {**parameters, "max_id": after}

    def _check_access(self) -> None:
        """An instance may answer with an empty list where it has switched hashtags off (since Mastodon 4.5).

        Raises then, so that this is not taken for silence. Other software on the same interface says nothing here.
        """
        if self._access_known:
            return
        answer = self._source.ask("/api/v2/instance", self._query.now)
        self._access_known = True
        if answer.status == 404:
            return
        self._source.refuse(answer)
        access = table(table(read_object(answer.body, self._host), "configuration"), "timelines_access")
        feeds = table(access, "hashtag_feeds")
        wanted = {str(feeds.get(of)) for of in (("local",) if self._source.local else ("local", "remote"))}
        if wanted == {"disabled"}:
            raise Blocked(f"{self._host}: the instance has switched hashtag timelines off")
        if "public" not in wanted and "authenticated" in wanted and not self._source.token_env:
            raise NeedsCredentials(f"{self._host}: it shows hashtag timelines only with a token; see token_env")


def _hashtags(words: Sequence[str]) -> Iterator[str]:
    """Each word as a hashtag can be written: without spaces and signs, in no case, and not of digits alone."""
    tags = (_NO_TAG.sub("", word).casefold() for word in words)
    return (tag for tag in dict.fromkeys(tags) if tag and not tag.isdigit())
