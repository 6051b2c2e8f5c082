"""From the bytes of the YouTube Data API's answers to posts."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitor.errors import Blocked, NeedsCredentials, RateLimited, SourceError
from monitor.model import Author, Engagement, Post
from sources.answers import identity, read_object, rows, table, text
from sources.dates import read_time
from sources.markup import LONGEST, html_to_text, joined, tidy
from sources.numbers import parse_count

PLATFORM = "youtube"
QUOTA_ZONE = ZoneInfo("America/Los_Angeles")
"""Quotas begin anew at midnight Pacific time (developers.google.com/youtube/v3/determine_quota_cost)."""
_VIDEO = re.compile(r"[\w-]{6,20}", re.ASCII)
_COMMENT = re.compile(r"[\w.-]{1,200}", re.ASCII)
_TOKEN = re.compile(r"[!-~]{1,4000}")
_OUT_OF_QUOTA = {"quotaExceeded", "dailyLimitExceeded"}
_TOO_OFTEN = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"}
_BAD_KEY = {
    "keyInvalid", "keyExpired", "accessNotConfigured", "ipRefererBlocked", "authError", "required", "forbidden",
    "API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED",
    "SERVICE_DISABLED",
}  # fmt: skip
_CLOSED = {"commentsDisabled", "videoNotFound"}


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list: its posts in their order; ``next`` is the token of the page after it, empty on the last.

    ``closed`` says why a video's comments cannot be listed: ``commentsDisabled`` or ``videoNotFound``.
    """

    posts: tuple[Post, ...]
    next: str = ""
    closed: str = ""
    rejected: int = 0


def parse_search(body: bytes, *, host: str, now: datetime) -> Listed:
    """The videos of search.list. Raises SourceError or the refusal that the body tells, naming ``host``."""
    answer = read_object(body, host)
    _raise_for_error(answer, host, now)
    items = _items(answer, host)
    posts = [_video(item) for item in items]
    return _listed(posts, answer)


def parse_comments(body: bytes, *, host: str, now: datetime, video: str) -> Listed:
    """The comments of commentThreads.list on ``video``, an answer before what it answers. Raises as parse_search."""
    answer = read_object(body, host)
    closed = _CLOSED & _reasons(answer)
    if closed:
        return Listed((), closed=min(closed))
    _raise_for_error(answer, host, now)
    posts: list[Post | None] = []
    for item in _items(answer, host):
        outer = table(item, "snippet") if isinstance(item, dict) else {}
        top = _comment(table(outer, "topLevelComment"), video, parent=video, replies=outer.get("totalReplyCount"))
        if top:
            replies = rows(table(item, "replies"), "comments")
            posts += [_comment(reply, video, parent=top.native_id) for reply in replies]
        posts.append(top)
    return _listed(posts, answer)


def parse_statistics(body: bytes, *, host: str, now: datetime) -> dict[str, Engagement]:
    """The counts that videos.list shows, by the video's id. Raises as ``parse_search``."""
    answer = read_object(body, host)
    _raise_for_error(answer, host, now)
    found = {}
    for item in _items(answer, host):
        if isinstance(item, dict) and identity(item.get("id")):
            counts = table(item, "statistics")
            likes, comments = parse_count(counts.get("likeCount")), parse_count(counts.get("commentCount"))
            found[identity(item.get("id"))] = Engagement(likes=likes, comments=comments)
    return found


def raise_unless_told(status: int, body: bytes, host: str) -> None:
    """Let pass an error whose body tells why, for whoever parses it; raise what its status alone says of any other."""
    try:
        told = "error" in read_object(body, host)
    except SourceError:
        told = False
    if told:
        return
    if status == 429:
        raise RateLimited(f"{host}: HTTP {status}")
    if status == 401:
        raise NeedsCredentials(f"{host}: HTTP {status}")
    raise Blocked(f"{host}: HTTP {status}") if status == 403 else SourceError(f"{host}: HTTP {status}")


def until_quota(now: datetime) -> timedelta:
    """How long until the quota of the day begins anew; a local day has 23 to 25 hours."""
    here = now.astimezone(QUOTA_ZONE)
    tomorrow = here.date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=QUOTA_ZONE)
    return midnight.astimezone(UTC) - now.astimezone(UTC)


def _raise_for_error(answer: Mapping[str, Any], host: str, now: datetime) -> None:
    if "error" not in answer:
        return
    reasons, code = _reasons(answer), parse_count(table(answer, "error").get("code"))
    said = f"{host}: error {code or 'without a code'}" + (f", {', '.join(sorted(reasons))}" if reasons else "")
    if reasons & _OUT_OF_QUOTA:
        raise RateLimited(said, until_quota(now))
    if reasons & _TOO_OFTEN or code == 429:
        raise RateLimited(said)
    if reasons & _BAD_KEY or code == 401:
        raise NeedsCredentials(f"{said}: see the key that key_env names")
    raise Blocked(said) if code == 403 else SourceError(said)


def _reasons(answer: Mapping[str, Any]) -> set[str]:
    """The words for machines in an error; its sentences are not repeated."""
    error = table(answer, "error")
    given = [row.get("reason") for key in ("errors", "details") for row in rows(error, key) if isinstance(row, dict)]
    return {reason for reason in given if isinstance(reason, str) and re.fullmatch(r"[A-Za-z_]{1,40}", reason)}


def _items(answer: Mapping[str, Any], host: str) -> list[Any]:
    if not isinstance(answer.get("items"), list):
        raise SourceError(f"{host}: an answer without items")
    return rows(answer, "items")


def _listed(posts: list[Post | None], answer: Mapping[str, Any]) -> Listed:
    token = text(answer, "nextPageToken")
    return Listed(tuple(p for p in posts if p), token if _TOKEN.fullmatch(token) else "", rejected=posts.count(None))


def _video(item: object) -> Post | None:
    if not isinstance(item, dict):
        return None
    native_id, snippet = text(table(item, "id"), "videoId"), table(item, "snippet")
    title = tidy(html.unescape(text(snippet, "title")[:LONGEST]))  # titles come escaped, descriptions do not
    about = tidy(text(snippet, "description")[:LONGEST])
    if not _VIDEO.fullmatch(native_id) or not (title or about):
        return None
    channel = identity(snippet.get("channelId"))
    return Post(
        platform=PLATFORM,
        native_id=native_id,
        text=joined(title, about),
        url=f"https://www.youtube.com/watch?v={native_id}",
        kind="video",
        author=Author(channel, name=tidy(html.unescape(text(snippet, "channelTitle")))[:100]) if channel else None,
        published_at=_time(snippet),
    )


def _comment(item: object, video: str, *, parent: str, replies: object = None) -> Post | None:
    if not isinstance(item, dict):
        return None
    native_id, snippet = text(item, "id"), table(item, "snippet")
    seen = tidy(text(snippet, "textOriginal")[:LONGEST]) or html_to_text(text(snippet, "textDisplay"))
    if not _COMMENT.fullmatch(native_id) or not seen:
        return None
    author = identity(table(snippet, "authorChannelId").get("value"))
    return Post(
        platform=PLATFORM,
        native_id=native_id,
        text=seen,
        url=f"https://www.youtube.com/watch?v={video}&lc={native_id}",
        kind="comment",
        author=Author(author, name=tidy(text(snippet, "authorDisplayName"))[:100]) if author else None,
        published_at=_time(snippet),
        parent=identity(snippet.get("parentId")) or parent,
        root=video,
        page=video,
        engagement=Engagement(likes=parse_count(snippet.get("likeCount")), comments=parse_count(replies)),
    )


def _time(snippet: Mapping[str, Any]) -> datetime | None:
    try:
        return read_time(text(snippet, "publishedAt"), UTC)
    except ValueError:
        return None
