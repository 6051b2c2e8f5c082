"""From the bytes of Weibo's answers to posts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from monitor.errors import NeedsCredentials, RateLimited, SourceError
from monitor.model import Author, Engagement, Post
from sources.answers import identity, number, read_object, rows, table, text
from sources.markup import html_to_text, tidy
from sources.numbers import parse_count
from sources.shown_times import read_shown_time

PLATFORM = "weibo"
ZONE = timezone(timedelta(hours=8))
"""Weibo tells Beijing time to everyone."""
LOGIN, TOO_OFTEN = -100, "100005"
_VERIFIED = {
    0: "person", 1: "government", 2: "enterprise", 3: "media", 4: "school", 5: "site", 6: "app", 7: "organisation",
}  # fmt: skip
_CUT = re.compile(r"\s*(?:\.{3}|…)?\s*全文$")


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search: its posts in their order, and the originals that reposts among them show.

    ``long``: ids of those whose text is cut. ``end``: Weibo has no more; a session it wants a captcha from hears the
    same. ``rejected``: cards that could not be read. Deleted posts are in none of these.
    """

    posts: tuple[Post, ...]
    reposted: tuple[Post, ...] = ()
    long: frozenset[str] = frozenset()
    end: bool = False
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Comments:
    """One page of a post's comments with the replies it shows; ``next`` is max_id and max_id_type, None at the end."""

    posts: tuple[Post, ...]
    next: tuple[str, str] | None = None
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class LongText:
    text: str
    engagement: Engagement


def parse_search(body: bytes, *, host: str, now: datetime) -> Found:
    """One page of the search. Raises SourceError or the refusal that the body tells, naming ``host``."""
    answer = _checked(body, host)
    if answer.get("ok") != 1:
        if "cards" in table(answer, "data"):
            return Found((), end=True)
        raise SourceError(f"{host}: {_code(answer)}")
    if not isinstance(table(answer, "data").get("cards"), list):
        raise SourceError(f"{host}: an answer without cards")
    posts: dict[str, Post] = {}
    reposted: dict[str, Post] = {}
    long: set[str] = set()
    rejected = 0
    blogs = list(_blogs(rows(table(answer, "data"), "cards")))
    for blog in blogs:
        if _is_gone(blog):
            continue
        post = _post(blog, now)
        if post is None:
            rejected += 1
            continue
        posts.setdefault(post.native_id, post)
        original = table(blog, "retweeted_status")
        shown = _post(original, now) if original and not _is_gone(original) else None
        if shown:
            reposted[shown.native_id] = shown
        long |= {number(b.get("id")) for b in (blog, original) if b.get("isLongText") is True}
    rest = tuple(post for post in reposted.values() if post.native_id not in posts)
    return Found(tuple(posts.values()), rest, frozenset(long), end=not blogs, rejected=rejected)


def parse_comments(body: bytes, *, host: str, now: datetime, post: str) -> Comments:
    """One page of the comments on ``post``, a native id. Raises as ``parse_search``."""
    answer = _checked(body, host)
    if answer.get("ok") != 1:
        if "errno" in answer:
            raise SourceError(f"{host}: {_code(answer)}")
        return Comments(())  # nobody has commented, or nobody may read it
    data = table(answer, "data")
    posts: list[Post] = []
    rejected = 0
    for row in rows(data, "data"):
        comment = _comment(row, now, post, parent=post)
        if comment is None:
            rejected += 1
            continue
        posts.append(comment)
        replies = [_comment(reply, now, post, parent=comment.native_id) for reply in rows(row, "comments")]
        posts += [reply for reply in replies if reply]
        rejected += replies.count(None)
    after = number(data.get("max_id"))
    kind = number(data.get("max_id_type")) or "0"
    return Comments(tuple(posts), (after, kind) if after and posts else None, rejected)


def parse_long_text(body: bytes, *, host: str) -> LongText | None:
    """The whole text of one post, None where Weibo gives none. Raises as ``parse_search``."""
    answer = _checked(body, host)
    data = table(answer, "data")
    whole = html_to_text(text(data, "longTextContent"))
    if answer.get("ok") != 1 or not (whole or _engagement(data)):
        return None
    return LongText(whole, _engagement(data))


def _checked(body: bytes, host: str) -> Mapping[str, Any]:
    answer = read_object(body, host)
    if answer.get("ok") == LOGIN:
        raise NeedsCredentials(f"{host}: ok -100, it wants a login: the cookie is missing or no longer accepted")
    if identity(answer.get("errno")) == TOO_OFTEN:
        raise RateLimited(f"{host}: errno {TOO_OFTEN}, asked too often")
    return answer


def _code(answer: Mapping[str, Any]) -> str:
    """What a refusing answer says in numbers; its words are not repeated."""
    ok, errno = answer.get("ok"), identity(answer.get("errno"))
    number = str(ok) if isinstance(ok, int) and abs(ok) < 10**9 else "missing"
    return f"ok {number}" + (f", errno {errno[:20]}" if errno else "")


def _blogs(cards: list[Any]) -> Iterator[Mapping[str, Any]]:
    """The posts among the cards, those of a group too; the other cards are headings and people."""
    for card in cards:
        if not isinstance(card, dict):
            continue
        if card.get("card_type") == 9:
            yield table(card, "mblog")
        elif card.get("card_type") == 11:
            for inner in rows(card, "card_group"):
                if isinstance(inner, dict) and inner.get("card_type") == 9:
                    yield table(inner, "mblog")


def _is_gone(blog: Mapping[str, Any]) -> bool:
    """A placeholder of a deleted post: it has an id, but nobody wrote it."""
    return bool(number(blog.get("id"))) and (blog.get("deleted") == "1" or blog.get("user") in (None, {}))


def _post(blog: Mapping[str, Any], now: datetime) -> Post | None:
    native_id = number(blog.get("id")) or number(blog.get("mid"))
    seen = html_to_text(text(blog, "text"))
    if blog.get("isLongText") is True:
        seen = _CUT.sub("", seen)
    if not native_id or not seen:
        return None
    original = number(table(blog, "retweeted_status").get("id"))
    return Post(
        platform=PLATFORM,
        native_id=native_id,
        text=seen,
        url=_url(blog, native_id),
        kind="repost" if original else "post",
        author=_author(table(blog, "user")),
        published_at=_time(blog, now),
        parent=original,
        root=original,
        engagement=_engagement(blog),
    )


def _comment(row: object, now: datetime, post: str, *, parent: str) -> Post | None:
    if not isinstance(row, dict):
        return None
    native_id, seen = number(row.get("id")), html_to_text(text(row, "text"))
    if not native_id or not seen:
        return None
    answered = number(row.get("reply_id"))
    return Post(
        platform=PLATFORM,
        native_id=native_id,
        text=seen,
        url=f"https://m.weibo.cn/detail/{post}",
        kind="comment",
        author=_author(table(row, "user")),
        published_at=_time(row, now),
        parent=answered if answered and answered != native_id else parent,
        root=post,
        page=post,
        engagement=Engagement(likes=parse_count(row.get("like_count")), comments=parse_count(row.get("total_number"))),
    )


def _url(blog: Mapping[str, Any], native_id: str) -> str:
    author, short = number(table(blog, "user").get("id")), text(blog, "bid")
    if author and re.fullmatch(r"[0-9A-Za-z]{1,20}", short):
        return f"https://weibo.com/{author}/{short}"
    return f"https://m.weibo.cn/detail/{native_id}"


def _author(user: Mapping[str, Any]) -> Author | None:
    native_id = number(user.get("id"))
    if not native_id:
        return None
    kind = user.get("verified_type")
    verified = _VERIFIED.get(kind, "other") if isinstance(kind, int) else "other"
    return Author(
        native_id,
        name=tidy(text(user, "screen_name"))[:100],
        followers=parse_count(user.get("followers_count")),
        verified=verified if user.get("verified") is True else "",
    )


def _time(item: Mapping[str, Any], now: datetime) -> datetime | None:
    try:
        return read_shown_time(text(item, "created_at"), ZONE, now)
    except ValueError:
        return None


def _engagement(item: Mapping[str, Any]) -> Engagement:
    return Engagement(
        likes=parse_count(item.get("attitudes_count")),
        reposts=parse_count(item.get("reposts_count")),
        comments=parse_count(item.get("comments_count")),
    )
