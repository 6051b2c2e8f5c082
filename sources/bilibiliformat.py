"""From the bytes of Bilibili's answers to posts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from monitor.errors import Blocked, NeedsCredentials, RateLimited, SourceError
from monitor.model import Author, Engagement, Post
from sources.answers import number, read_object, rows, table, text, unix_time
from sources.markup import LONGEST, html_to_text, joined, tidy
from sources.numbers import parse_count
from sources.wbi import key_of

PLATFORM = "bilibili"
COMMENTS_CLOSED = 12002
NOT_FOUND = -404
_NOT_LOGGED_IN = -101
_TOO_OFTEN = frozenset({-799, -509})
_REFUSED = frozenset({-412, -352, -403})
REFUSED_FOR = timedelta(minutes=30)
"""How long to rest at least: nobody has seen Bilibili let an address in again sooner."""
_VIDEO = re.compile(r"BV[0-9A-Za-z]{10}")


class BadSignature(SourceError):
    """Bilibili did not take the signature: its keys have changed, or it refuses without saying so."""


@dataclass(frozen=True, slots=True)
class Videos:
    """One page of a search. ``numbers``: the number by which a video's comments are listed, by its native id.

    ``last``: there are no more pages.
    """

    posts: tuple[Post, ...]
    numbers: Mapping[str, str]
    last: bool
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Replies:
    """One page of a video's comments, newest first, with the answers each shows; ``next`` is None on the last.

    ``pinned`` stand above the newest on every page. ``closed``: nobody may comment, or the video is gone.
    """

    posts: tuple[Post, ...]
    pinned: tuple[Post, ...] = ()
    next: str | None = None
    closed: bool = False
    rejected: int = 0


def parse_nav(body: bytes, *, host: str) -> tuple[str, str]:
    """The two keys of the day, which nobody has to be logged in for. Raises SourceError."""
    answer = read_object(body, host)
    if _code(answer, host) not in (0, _NOT_LOGGED_IN):
        raise _refusal(answer, host)
    images = table(table(answer, "data"), "wbi_img")
    keys = key_of(text(images, "img_url")), key_of(text(images, "sub_url"))
    if not all(keys):
        raise SourceError(f"{host}: an answer without the keys that sign a request")
    return keys


def parse_search(body: bytes, *, host: str) -> Videos:
    """One page of the video search. Raises SourceError or the refusal that the body tells, naming ``host``."""
    data = _data(read_object(body, host), host)
    page, pages, total = (parse_count(data.get(key)) for key in ("page", "numPages", "numResults"))
    if not isinstance(data.get("result", []), list) or (
        "result" not in data and (total is None or (total and page == 1))
    ):
        raise SourceError(f"{host}: an answer without results")
    posts: list[Post] = []
    numbers: dict[str, str] = {}
    found = rows(data, "result")
    for row in found:
        post = _video(row)
        if post is None:
            continue
        posts.append(post)
        numbers[post.native_id] = number(row.get("aid"))
    last = not found or (page is not None and pages is not None and page >= pages)
    return Videos(tuple(posts), numbers, last, rejected=len(found) - len(posts))


def parse_replies(body: bytes, *, host: str, video: str) -> Replies:
    """One page of the comments on ``video``, a native id. Raises as ``parse_search``."""
    answer = read_object(body, host)
    if _code(answer, host) in (COMMENTS_CLOSED, NOT_FOUND):
        return Replies((), closed=True)
    data = _data(answer, host)
    cursor = table(data, "cursor")
    if not cursor:
        raise SourceError(f"{host}: an answer without comments")
    read = list(_with_answers(rows(data, "replies"), video))
    pinned = list(_with_answers([*rows(data, "top_replies"), *_pinned(table(data, "top"))], video))
    after = number(cursor.get("next"))
    more = after and cursor.get("is_end") is not True and read
    return Replies(
        tuple(post for post in read if post),
        tuple({post.native_id: post for post in pinned if post}.values()),
        after if more else None,
        rejected=read.count(None),
    )


def _pinned(top: Mapping[str, Any]) -> list[Any]:
    return [row for row in top.values() if isinstance(row, dict)]


def _with_answers(comments: list[Any], video: str) -> Iterator[Post | None]:
    """The answers under a comment come before it: they are newer."""
    for row in comments:
        comment = _comment(row, video, parent=video)
        if comment:
            for reply in reversed(rows(row, "replies")):
                yield _comment(reply, video, parent=comment.native_id)
        yield comment


def _code(answer: Mapping[str, Any], host: str) -> int:
    code = answer.get("code")
    if isinstance(code, bool) or not isinstance(code, int) or abs(code) > 10**9:
        raise SourceError(f"{host}: an answer without a code")
    return code


def _data(answer: Mapping[str, Any], host: str) -> Mapping[str, Any]:
    if _code(answer, host) != 0:
        raise _refusal(answer, host)
    data = table(answer, "data")
    if set(data) == {"v_voucher"}:
        raise BadSignature(f"{host}: code 0 with a voucher: the signature is not accepted")
    return data


def _refusal(answer: Mapping[str, Any], host: str) -> SourceError:
    code = _code(answer, host)
    if code in _REFUSED:
        return Blocked(f"{host}: code {code}, refused", REFUSED_FOR)
    if code in _TOO_OFTEN:
        return RateLimited(f"{host}: code {code}, asked too often")
    if code == _NOT_LOGGED_IN:
        return NeedsCredentials(f"{host}: code {code}, it wants a login: set cookie_env")
    return SourceError(f"{host}: code {code}")


def _video(row: object) -> Post | None:
    if not isinstance(row, dict):
        return None
    native_id = text(row, "bvid")
    title, about = html_to_text(text(row, "title")), tidy(text(row, "description")[:LONGEST])
    seen = joined(title, "" if about == "-" else about)  # how Bilibili shows that there is none
    if not _VIDEO.fullmatch(native_id) or not seen:
        return None
    author = number(row.get("mid"))
    return Post(
        platform=PLATFORM,
        native_id=native_id,
        text=seen,
        url=f"https://www.bilibili.com/video/{native_id}",
        kind="video",
        author=Author(author, name=tidy(text(row, "author"))[:100]) if author else None,
        published_at=unix_time(row.get("pubdate")),
        engagement=Engagement(likes=parse_count(row.get("like")), comments=parse_count(row.get("review"))),
    )


def _comment(row: object, video: str, *, parent: str) -> Post | None:
    if not isinstance(row, dict):
        return None
    native_id = number(row.get("rpid_str")) or number(row.get("rpid"))
    seen = tidy(text(table(row, "content"), "message")[:LONGEST])
    if not native_id or not seen:
        return None
    member = table(row, "member")
    author = number(member.get("mid")) or number(row.get("mid"))
    return Post(
        platform=PLATFORM,
        native_id=native_id,
        text=seen,
        url=f"https://www.bilibili.com/video/{video}#reply{native_id}",
        kind="comment",
        author=Author(author, name=tidy(text(member, "uname"))[:100]) if author else None,
        published_at=unix_time(row.get("ctime")),
        parent=number(row.get("parent_str")) or number(row.get("parent")) or parent,
        root=video,
        page=video,
        engagement=Engagement(likes=parse_count(row.get("like")), comments=parse_count(row.get("rcount"))),
    )
