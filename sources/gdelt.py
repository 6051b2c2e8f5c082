"""GDELT's DOC 2.0: headlines of the world's news, some minutes to hours after they appeared. Best effort."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import AfterValidator

from monitor.errors import RateLimited, SourceError, shown
from monitor.model import Author, Cursor, Page, Post, Query
from sources.answers import is_html, read_json, what_came
from sources.dates import TOO_FAR_AHEAD, believable
from sources.http import Http
from sources.links import bounded_id, canonical, host_of
from sources.lists import FIRST_REACH, in_turns
from sources.markup import LONGEST, clean, html_to_text
from sources.settings import BaseUrl, spelled

MOST = 250
"""Articles of one answer, GDELT's own limit; there are no further pages."""
PACE = 5.0
"""Seconds between two requests, as GDELT itself asks for."""
LONGEST_QUERY = 250
"""Characters of terms that one query may hold. GDELT refuses longer ones without saying where it begins to."""
WINDOW = timedelta(days=80)
"""GDELT searches the last three months."""
OVERLAP = timedelta(hours=3)
"""How far a run reaches back behind the last: GDELT's index lags behind the times it shows."""
_LONGEST_TITLE = 2000
_TOKEN = 3.0
"""Mean characters of the pieces between spaces up to which a Chinese title is taken for one that GDELT cut into words:
words of Chinese text are 1.5 to 2 characters long, the clauses that authors part by a space seldom less than 4."""
_HAN = "\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WIDE = f"{_HAN}\u3000-\u303f\uff00-\uffef“”‘’…—·"
_PIECES = re.compile(f"[{_HAN}]+")
_GAP = re.compile(f"(?<=[{_WIDE}]) +| +(?=[{_WIDE}])")
_LONE_BACKSLASH = re.compile(r"\\(?:([\"\\/bfnrt]|u[0-9a-fA-F]{4})|)")
_TOO_OFTEN = re.compile(r"limit requests|too many requests|rate limit", re.IGNORECASE)

Language = Annotated[str, AfterValidator(spelled(r"[a-z]*", "a language's English name such as chinese"))]
Places = Annotated[str, AfterValidator(spelled(r"[A-Z]{2}", "a FIPS country code such as CH, TW or HK"))]


@dataclass(frozen=True, kw_only=True)
class Gdelt:
    """Searches for all terms of all brands, or for ``terms``, in articles of one ``language`` (``""``: any).

    ``countries`` are FIPS codes of the papers' countries (CH China, TW Taiwan, HK Hong Kong, MY, SN Singapore); none:
    all. A post is a headline, its author the paper, its time the one at which GDELT saw it. ``url`` is where the
    interface is reached.
    """

    name: str
    http: Http = field(repr=False, compare=False)
    terms: tuple[str, ...] = ()
    language: Language = "chinese"
    countries: tuple[Places, ...] = ()
    url: BaseUrl = "https://api.gdeltproject.org"

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """One request for as many terms as GDELT takes at once: it refuses whoever asks twice within five seconds."""
        searches = list(self._searches(self.terms or query.terms))
        if not searches:
            raise SourceError(f"{host_of(self.url)}: there is no term to search for")
        return in_turns({_key(words): self._search(words, query) for words in searches}, query, cursor)

    def _search(self, words: str, query: Query) -> Iterator[Page]:
        params = {
            "query": " ".join([words, *self._places()]),
            "mode": "artlist",
            "format": "json",
            "maxrecords": str(MOST),
            "sort": "datedesc",
            "startdatetime": f"{_since(query):%Y%m%d%H%M%S}",
            "enddatetime": f"{query.now:%Y%m%d%H%M%S}",
        }
        answer = self.http.get(f"{self.url}/api/v2/doc/doc?{urlencode(params)}", now=query.now, pace=PACE)
        parsed = parse(answer.body, url=answer.url, fetched_at=query.now, secret=self.terms or query.terms)
        whole = len(parsed.posts) + parsed.rejected < MOST
        yield Page(parsed.posts, {}, exhausted=whole, rejected=parsed.rejected, stream=_key(words))

    def _searches(self, terms: Sequence[str]) -> Iterator[str]:
        """The terms in as few searches as they fit into, each within ``LONGEST_QUERY``.

        Brackets round a single phrase are an error to GDELT, and quotes cannot be escaped.
        """
        phrases = list(dict.fromkeys(f'"{plain}"' for term in terms if (plain := _plain(term))))
        group: list[str] = []
        for phrase in phrases:
            if len(phrase) > LONGEST_QUERY:
                raise SourceError(
                    f"{host_of(self.url)}: a term of {len(phrase)} characters is longer than the {LONGEST_QUERY} of a "
                    "query: name others in this source's terms"
                )
            if len(" OR ".join([*group, phrase])) > LONGEST_QUERY:
                yield _either(group)
                group = []
            group.append(phrase)
        if group:
            yield _either(group)

    def _places(self) -> Iterator[str]:
        if self.language:
            yield f"sourcelang:{self.language}"
        if self.countries:
            yield _either([f"sourcecountry:{code}" for code in self.countries])


def _either(choices: Sequence[str]) -> str:
    return f"({' OR '.join(choices)})" if len(choices) > 1 else choices[0]


def _key(words: str) -> str:
    """A search in the cursor and as the name of its list."""
    return hashlib.sha256(words.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Parsed:
    """The posts of one answer in its order, and how many articles could not be read."""

    posts: tuple[Post, ...]
    rejected: int = 0


def parse(body: bytes, *, url: str, fetched_at: datetime, secret: Sequence[str] = ()) -> Parsed:
    """The headlines of an answer; ``{}`` is none. Raises RateLimited or SourceError with what GDELT says instead, in
    plain text with HTTP 200, without the texts of ``secret``.
    """
    host = host_of(url)
    text = body.decode("utf-8-sig", "replace").strip()
    if not text:
        raise SourceError(f"{host}: an empty answer, not JSON")
    if text[:1] != "{":
        raise _said(text, host, secret)
    articles = _read(text, host).get("articles", [])
    if not isinstance(articles, list):
        raise SourceError(f"{host}: JSON without a list of articles")
    posts = [_post(article, fetched_at) if isinstance(article, dict) else None for article in articles]
    kept = tuple(post for post in posts if post is not None)
    return Parsed(kept, len(posts) - len(kept))


def _read(text: str, host: str) -> dict[str, Any]:
    """GDELT writes titles into its JSON as papers spell them, backslashes and control characters unescaped."""
    found = read_json(_LONE_BACKSLASH.sub(lambda sign: sign[0] if sign[1] else r"\\", text), host)
    assert isinstance(found, dict)  # it begins with a brace
    return found


def _said(text: str, host: str, secret: Sequence[str]) -> SourceError:
    if is_html(text):
        return what_came(text, host, "JSON")
    for term in sorted(filter(None, secret), key=len, reverse=True):
        text = text.replace(term, "…")
    kind = RateLimited if _TOO_OFTEN.search(text) else SourceError
    return kind(f"{host}: says {shown(text, 80)}")


def _post(article: dict[str, Any], fetched_at: datetime) -> Post | None:
    """A headline under its address: GDELT has no ids."""
    link, title, paper = (_text(article.get(key)) for key in ("url", "title", "domain"))
    url, text = canonical(clean(link)), whole_title(html_to_text(title[:LONGEST])[:_LONGEST_TITLE])
    if not url or not text:
        return None
    return Post(
        platform="gdelt",
        native_id=bounded_id(url),
        text=text,
        url=url,
        kind="news",
        author=Author(paper, name=paper) if (paper := html_to_text(paper[:200])) else None,
        published_at=_time(_text(article.get("seendate")), fetched_at),
    )


def whole_title(title: str) -> str:
    """A title without the spaces that GDELT puts between the words of Chinese; those an author wrote stay."""
    pieces = _PIECES.findall(title)
    if len(pieces) < 2 or sum(map(len, pieces)) / len(pieces) > _TOKEN:
        return title
    return _GAP.sub("", title)


def _time(seen: str, fetched_at: datetime) -> datetime | None:
    try:
        moment = believable(datetime.strptime(seen, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))
    except ValueError:
        return None
    return moment if moment <= fetched_at + TOO_FAR_AHEAD else None


def _since(query: Query) -> datetime:
    start = min(query.since, query.now) - OVERLAP if query.since else query.now - FIRST_REACH
    return max(start, query.now - WINDOW).astimezone(UTC)


def _plain(term: str) -> str:
    return " ".join(term.replace('"', " ").split())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
