"""Source types that are a feed or a JSON interface with everything but a word or two filled in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AfterValidator

from monitor.model import Author, Cursor, Page, Post, Query
from sources.feed import Feed
from sources.http import Http
from sources.jsonapi import JsonApi
from sources.jsonmapping import Fields
from sources.links import host_of
from sources.settings import BaseUrl, Board, Variable, secret, spelled

Region = Literal["tw", "hk", "cn"]
_GOOGLE = {
    "tw": "hl=zh-TW&gl=TW&ceid=TW:zh-Hant",
    "hk": "hl=zh-HK&gl=HK&ceid=HK:zh-Hant",
    "cn": "hl=zh-CN&gl=CN&ceid=CN:zh-Hans",
}
_BING = {"tw": "zh-TW", "hk": "zh-HK", "cn": "zh-CN"}
_MOST_REVIEW_PAGES = 10
"""Apple gives no more than 500 reviews, 50 on a page (formats/appstore)."""

Channel = Annotated[
    str, AfterValidator(spelled(r"UC[\w-]{22}", "a channel's id (UC and 22 more signs), not its @name"))
]
Route = Annotated[str, AfterValidator(spelled(r"/[^\s#]+", "a route such as /weibo/keyword/{query}"))]
AppId = Annotated[str, AfterValidator(spelled(r"\d{5,15}", "the number in the app's store address, as text"))]
Country = Annotated[str, AfterValidator(spelled(r"[a-z]{2}", "a store's two letters such as tw"))]
Node = Annotated[str, AfterValidator(spelled(r"[a-z0-9_-]{0,40}", "a node's name such as apple"))]


@dataclass(frozen=True, kw_only=True)
class Preset(ABC):
    """A source that another one does the work of. ``url`` is where its platform, or a mirror of it, is reached."""

    name: str
    http: Http = field(repr=False, compare=False)

    @abstractmethod
    def worker(self) -> Feed | JsonApi:
        """The source that is asked. Raises NeedsCredentials where a secret is not set."""

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        for page in self.worker().fetch(query, cursor):
            yield replace(page, posts=tuple(self.native(post) for post in page.posts))

    def native(self, post: Post) -> Post:
        """The post under the id that its platform gives it elsewhere, so that two sources see one post."""
        return post


@dataclass(frozen=True, kw_only=True)
class GoogleNews(Preset):
    """Google News' search for each term, of the last seven days. ``region`` is tw, hk or cn. Undocumented by Google."""

    region: Region = "tw"
    url: BaseUrl = "https://news.google.com"

    def worker(self) -> Feed:
        url = f"{self.url}/rss/search?q=%22{{query}}%22+when:7d&{_GOOGLE[self.region]}"
        return Feed(self.name, self.http, url, "google-news")


@dataclass(frozen=True, kw_only=True)
class BingNews(Preset):
    """Bing News' search for each term. ``region`` is tw, hk or cn. Undocumented by Microsoft."""

    region: Region = "tw"
    url: BaseUrl = "https://www.bing.com"

    def worker(self) -> Feed:
        url = f"{self.url}/news/search?q=%22{{query}}%22&format=rss&mkt={_BING[self.region]}"
        return Feed(self.name, self.http, url, "bing-news")


@dataclass(frozen=True, kw_only=True)
class PttAtom(Preset):
    """The newest articles of one PTT ``board``, with the first lines of each. Undocumented; its code is public.

    Ids are the articles' addresses, so that what another source reads at PTT is the same post.
    """

    board: Board
    url: BaseUrl = "https://www.ptt.cc"

    def worker(self) -> Feed:
        return Feed(self.name, self.http, f"{self.url}/atom/{self.board}.xml", "ptt")


@dataclass(frozen=True, kw_only=True)
class RssHub(Preset):
    """A ``route`` of an RSSHub that you run at ``url``, such as ``/weibo/keyword/{query}``.

    ``key_env`` names the environment variable with its access key. ``platform`` is by default ``rsshub-`` and the
    route's first word: a route's ids are its own and not the platform's.
    """

    url: BaseUrl
    route: Route
    key_env: Variable = ""
    platform: str = ""

    def worker(self) -> Feed:
        url = self.url + self.route
        if self.key_env:
            key = secret(self.key_env, "key_env", host_of(self.url))
            url += ("&" if "?" in url else "?") + "key=" + quote(key, safe="")
        return Feed(self.name, self.http, url, self.platform or "rsshub-" + self.route.split("/")[1])


@dataclass(frozen=True, kw_only=True)
class YouTubeChannel(Preset):
    """The newest 15 videos of one ``channel``: titles and descriptions. No key needed."""

    channel: Channel
    url: BaseUrl = "https://www.youtube.com"

    def worker(self) -> Feed:
        return Feed(self.name, self.http, f"{self.url}/feeds/videos.xml?channel_id={self.channel}", "youtube")

    def native(self, post: Post) -> Post:
        """As ``youtube`` gives it: the bare id of the video, and the channel as its author."""
        name = post.author.name if post.author else ""
        native_id = post.native_id.removeprefix("yt:video:")
        return replace(post, native_id=native_id, kind="video", author=Author(self.channel, name=name))


@dataclass(frozen=True, kw_only=True)
class V2ex(Preset):
    """V2EX's newest topics, or those of one ``node``. There is no search: what speaks of no brand is kept apart."""

    node: Node = ""
    url: BaseUrl = "https://www.v2ex.com"

    def worker(self) -> JsonApi:
        path = f"show.json?node_name={self.node}" if self.node else "latest.json"
        return JsonApi(
            name=self.name,
            http=self.http,
            url=f"{self.url}/api/topics/{path}",
            items="[?deleted != `1`]",
            fields=Fields(
                id="id",
                url="url",
                title="title",
                text="content_rendered || content",
                author_id="member.id",
                author_name="member.username",
                created_at="created",
                comments="replies",
            ),
            markup=("text",),
            platform="v2ex",
        )


@dataclass(frozen=True, kw_only=True)
class AppStore(Preset):
    """The newest reviews of one ``app`` (its number) in the store of one ``country``, 50 on each of ``pages``.

    ``brand``: whose app it is. Reviews of an app hardly ever name it, so each is taken for a mention of that brand.
    """

    app: AppId
    country: Country = "tw"
    brand: str = ""
    pages: int = 2
    url: BaseUrl = "https://itunes.apple.com"

    def __post_init__(self) -> None:
        if not 1 <= self.pages <= _MOST_REVIEW_PAGES:
            raise ValueError(f"pages: must be 1 to {_MOST_REVIEW_PAGES}")

    def worker(self) -> JsonApi:
        return JsonApi(
            name=self.name,
            http=self.http,
            url=f"{self.url}/{self.country}/rss/customerreviews/page={{page}}/id={self.app}/sortBy=mostRecent/json",
            ok="feed",
            # One review is an object instead of a list; an entry without a rating is the app itself.
            items='[feed.entry][] | [?"im:rating"]',
            fields=Fields(
                id="id.label",
                url="link.attributes.href",
                title="title.label",
                text="content.label",
                author_id="author.uri.label",
                author_name="author.name.label",
                created_at="updated.label",
                likes='"im:voteSum".label',
                kind="'review'",
                page_id=f"'{self.app}'",
            ),
            pages=self.pages,
            platform="app-store",
            brand=self.brand,
            never_empty=True,  # Apple's lists are at times empty for hours (formats/appstore)
        )


@dataclass(frozen=True, kw_only=True)
class HackerNews(Preset):
    """Stories and comments of Hacker News by Algolia's search, 100 on each of ``pages`` for each term."""

    pages: int = 5
    url: BaseUrl = "https://hn.algolia.com"

    def __post_init__(self) -> None:
        if not 1 <= self.pages <= 10:  # Algolia gives no more than 1000 hits (formats/hackernews)
            raise ValueError("pages: must be 1 to 10")

    def worker(self) -> JsonApi:
        return JsonApi(
            name=self.name,
            http=self.http,
            url=f"{self.url}/api/v1/search_by_date",
            params={
                "query": '"{keyword}"',
                "tags": "(story,comment)",
                "numericFilters": "created_at_i>{since_ts}",
                "hitsPerPage": 100,
                "page": "{page}",
            },
            ok="hits",
            items="hits",
            total_pages="nbPages",
            first_page=0,
            fields=Fields(
                id="objectID",
                url="join('', ['https://news.ycombinator.com/item?id=', objectID])",
                title="title",
                text="comment_text || story_text",
                author_id="author",
                author_name="author",
                created_at="created_at_i || created_at",
                likes="points",
                comments="num_comments",
                kind="contains(_tags, 'comment') && 'comment' || 'post'",
                parent_id="parent_id",
                root_id="story_id",
            ),
            markup=("text",),
            pages=self.pages,
            platform="hackernews",
        )
