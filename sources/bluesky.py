"""Bluesky: the search for posts, with an app password of your own account."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from pydantic import Field

from monitor.errors import NeedsCredentials, SourceError, one_line
from monitor.model import Cursor, Page, Post, Query, utc_text
from sources.blueskyformat import Found, Tokens, error_code, parse, parse_followers, parse_session
from sources.http import Answer, Http
from sources.links import host_of
from sources.lists import REFUSALS, Newest, in_turns
from sources.settings import BaseUrl, Pages, Variable, secret

LIMIT = 100
"""Posts of one page of a search; the lexicon allows no more."""
BATCH = 25
"""Posts or profiles that are asked for at once; the lexicons allow no more."""
OVERLAP = timedelta(hours=1)
"""How far behind the last run a search begins: some posts are found only a while after they were written."""
_ERRORS = frozenset({400, 401})
_STALE = frozenset({"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired"})
_LOGIN = "com.atproto.server.createSession"
_REFRESH = "com.atproto.server.refreshSession"


@dataclass
class _Session:
    """The login of one source. It lives in memory alone: a cursor is stored and shown, and no place for secrets."""

    tokens: Tokens | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Bluesky:
    """Public posts that Bluesky's search finds for each term, newest first.

    ``identifier`` is the handle of your account, ``password_env`` names the environment variable with an app password
    of it (never the account's own). ``url`` is your server (PDS). ``lang`` keeps posts that say they are in this
    language, such as ``zh``; many say nothing or something else. ``followers``: authors' followers are asked for too,
    25 at a time. ``pages`` of 100 posts are read of one term in one run at most.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    identifier: Annotated[str, Field(min_length=1)]
    password_env: Annotated[Variable, Field(min_length=1)]
    url: BaseUrl = "https://bsky.social"
    lang: str = ""
    followers: bool = True
    pages: Pages = 3
    session: _Session = field(default_factory=_Session, init=False, repr=False, compare=False)

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One list a term."""
        newest = Newest(cursor.get("newest"), query.since, query.terms)
        return in_turns({term: self._search(term, query, newest) for term in query.terms}, query, cursor)

    def recheck(self, posts: Sequence[Post], now: datetime) -> Iterator[Post]:
        """Each post as it is now. One that the answer leaves out may be hidden as well as deleted: it is not gone."""
        for start in range(0, len(posts), BATCH):
            uris = [("uris", post.native_id) for post in posts[start : start + BATCH]]
            yield from self._posts("app.bsky.feed.getPosts", uris, now).posts

    def _search(self, term: str, query: Query, newest: Newest) -> Iterator[Page]:
        asked = {"q": term, "sort": "latest", "limit": str(LIMIT)}
        if self.lang:
            asked["lang"] = self.lang
        if query.since:
            asked["since"] = utc_text(query.since - OVERLAP)
        for _ in range(self.pages):
            found = self._posts("app.bsky.feed.searchPosts", asked.items(), query.now)
            last = not found.next or not (found.posts or found.rejected)
            back = newest.read(term, found.posts)
            posts = self._with_followers(found.posts, query.now) if self.followers else found.posts
            kept = {"newest": newest.kept()}
            yield Page(posts, kept, exhausted=last or back, rejected=found.rejected, stream=term)
            if last or back or found.next == asked.get("cursor"):
                return
            asked["cursor"] = found.next

    def _posts(self, method: str, parameters: Iterable[tuple[str, str]], now: datetime) -> Found:
        return parse(self._ask(method, parameters, now), host=host_of(self.url))

    def _with_followers(self, posts: tuple[Post, ...], now: datetime) -> tuple[Post, ...]:
        """The posts with their authors' followers; without them where they cannot be had this time."""
        dids = list(dict.fromkeys(post.author.id for post in posts if post.author))
        counts: dict[str, int] = {}
        try:
            for start in range(0, len(dids), BATCH):
                actors = [("actors", did) for did in dids[start : start + BATCH]]
                body = self._ask("app.bsky.actor.getProfiles", actors, now)
                counts |= parse_followers(body, host=host_of(self.url))
        except REFUSALS:
            raise
        except SourceError:
            pass  # the posts are what was asked for
        return tuple(
            replace(post, author=replace(post.author, followers=counts.get(post.author.id))) if post.author else post
            for post in posts
        )

    def _ask(self, method: str, parameters: Iterable[tuple[str, str]], now: datetime) -> bytes:
        """What a method answers. A login that has run out is renewed once; see ``_tokens``."""
        url = f"{self.url}/xrpc/{method}?{urlencode(list(parameters))}"
        tokens = self._tokens(now)
        answer = self._get(url, tokens, now)
        if answer.status in _ERRORS and self._code(answer) in _STALE:
            answer = self._get(url, self._tokens(now, instead_of=tokens), now)
        self._refuse(answer)
        return answer.body

    def _get(self, url: str, tokens: Tokens, now: datetime) -> Answer:
        return self.http.get(url, now=now, headers={"Authorization": f"Bearer {tokens.access}"}, expect=_ERRORS)

    def _tokens(self, now: datetime, instead_of: Tokens | None = None) -> Tokens:
        """The login. Renewed by its refresh token as long as that is good: only 100 to 300 logins a day are allowed."""
        with self.session.lock:
            known = self.session.tokens
            if known is None or known is instead_of:
                known = (self._refreshed(known, now) if known else None) or self._login(now)
                self.session.tokens = known
            return known

    def _refreshed(self, tokens: Tokens, now: datetime) -> Tokens | None:
        headers = {"Authorization": f"Bearer {tokens.refresh}"}
        answer = self._post(_REFRESH, b"", headers, now)
        return None if answer.status in _ERRORS else parse_session(answer.body, host=host_of(self.url))

    def _login(self, now: datetime) -> Tokens:
        host, variable = host_of(self.url), one_line(self.password_env)
        password = secret(self.password_env, "password_env", host)
        body = json.dumps({"identifier": self.identifier, "password": password}).encode()
        answer = self._post(_LOGIN, body, {}, now)
        if self._code(answer) == "AuthFactorTokenRequired":
            raise NeedsCredentials(f"{host}: {variable} must hold an app password, not the account's own")
        if answer.status == 401:
            raise NeedsCredentials(f"{host}: HTTP 401: identifier and the app password in {variable} are not accepted")
        self._refuse(answer)
        tokens = parse_session(answer.body, host=host)
        if tokens is None:
            raise NeedsCredentials(f"{host}: the account is not active")
        return tokens

    def _post(self, method: str, body: bytes, headers: dict[str, str], now: datetime) -> Answer:
        url = f"{self.url}/xrpc/{method}"
        return self.http.post(url, body, "application/json", now=now, headers=headers, expect=_ERRORS)

    def _code(self, answer: Answer) -> str:
        return error_code(answer.body, host=host_of(self.url)) if answer.status in _ERRORS else ""

    def _refuse(self, answer: Answer) -> None:
        """Raise what an answer of ``_ERRORS`` means."""
        if answer.status not in _ERRORS:
            return
        code = self._code(answer)
        said = f"{host_of(self.url)}: HTTP {answer.status} {code}".strip()
        if answer.status == 401 or code in _STALE:
            raise NeedsCredentials(f"{said}: the login is not accepted")
        raise SourceError(said)
