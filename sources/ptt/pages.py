"""PTT's two kinds of pages: a list of articles, and an article with its pushes."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from selectolax.lexbor import LexborNode

from monitor.errors import NeedsCredentials, SourceError
from monitor.model import Author, Engagement, Post
from sources.answers import what_came
from sources.dates import believable, next_in_sequence
from sources.markup import LONGEST, clean, joined, read_page, tidy

ZONE = ZoneInfo("Asia/Taipei")
"""Pushes carry the server's local time. An article's own time is the Unix time in its file name."""
HOME = "https://www.ptt.cc"
PLATFORM = "ptt"
KINDS = {"推": "comment:push", "噓": "comment:boo", "→": "comment:arrow"}
_PATH = re.compile(r"/bbs/([A-Za-z0-9_-]{1,40})/([MG]\.([0-9]{9,10})\.A\.[0-9A-Fa-f]{1,8})\.html")
_WHEN = re.compile(r"(\d{1,2})/(\d{1,2})(?:\s+(\d{1,2}):(\d{2}))?\s*$")
_TITLE_TAIL = re.compile(r"\s+- 看板 \S+ - 批踢踢實業坊\s*$")
_NOT_BODY = re.compile(r"※ (?:發信站|編輯|轉錄者|文章網址)\s*:")  # the server's lines; they tell the author's address
_CLOCK_SLACK = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Row:
    """An article as a list names it. ``mark`` is its count of pushes as shown: ``""``, ``23``, ``爆``, ``X2``."""

    board: str
    file: str
    published_at: datetime
    mark: str = ""
    author: str = ""

    @property
    def path(self) -> str:
        return f"/bbs/{self.board}/{self.file}.html"

    @property
    def native_id(self) -> str:
        """The id that PTT's own Atom feed gives the article: its address."""
        return HOME + self.path


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, newest first; ``older`` is the path of the page behind it, ``""`` at the end."""

    rows: tuple[Row, ...]
    older: str = ""
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """An article and its pushes in their order, and how many pushes could not be read."""

    posts: tuple[Post, ...]
    rejected: int = 0


def row_of(address: str) -> Row | None:
    """The article that an address or path names, None if it names none."""
    found = _PATH.search(address)
    if not found:
        return None
    try:
        moment = believable(datetime.fromtimestamp(int(found[3]), UTC))
    except ValueError:
        return None
    return Row(found[1], found[2], moment)


def parse_list(body: bytes, *, host: str, board: str) -> Listing:
    """The rows of a board's list or search. Pinned rows (below ``.r-list-sep``) and deleted ones are left out.

    Raises NeedsCredentials for the age gate, Blocked for a browser check, SourceError for anything else.
    """
    tree = read_page(body, host)
    container = tree.css_first(".r-list-container")
    if container is None:
        raise _not_a(body, host, f"the list of board {board}")
    rows: list[Row] = []
    rejected = 0
    for node in container.iter():
        classes = _classes(node)
        if "r-list-sep" in classes:
            break
        link = node.css_first(".title a[href]") if "r-ent" in classes else None
        if link is None:
            continue
        row = row_of(link.attributes.get("href") or "")
        if row is None:
            rejected += 1
        else:
            rows.append(Row(row.board, row.file, row.published_at, _text(node, ".nrec"), _text(node, ".author")))
    rows.sort(key=lambda row: row.published_at, reverse=True)
    older = (_href(a) for a in tree.css("a.btn.wide") if "上頁" in a.text() and "disabled" not in _classes(a))
    return Listing(tuple(rows), next((path for path in older if path.startswith("/bbs/")), ""), rejected)


def parse(body: bytes, row: Row, *, host: str, fetched_at: datetime) -> Parsed:
    """An article and its pushes. A push without words is counted in the article's engagement and is no post.

    Raises as ``parse_list``.
    """
    tree = read_page(body, host)
    main = tree.css_first("#main-content")
    if main is None:
        raise _not_a(body, host, f"an article of board {row.board}")
    meta = _meta(main)
    heading = _TITLE_TAIL.sub("", _text(tree.root, "title")) if tree.root else ""
    text = joined(tidy(meta.get("標題") or heading), _body(main))
    pushes, rejected = _pushes(main)
    posts = list(_comments(pushes, row, fetched_at))
    author = tidy(meta.get("作者", "")) or row.author
    article = Post(
        platform=PLATFORM,
        native_id=row.native_id,
        text=text,
        url=row.native_id,
        author=Author(author.split()[0], name=author) if author and author != "-" else None,
        published_at=row.published_at,
        engagement=Engagement(likes=sum(push.tag == "推" for push in pushes), comments=len(pushes)),
    )
    return Parsed((article, *posts), rejected) if text else Parsed(tuple(posts), rejected + 1)


def is_not_found(body: bytes, host: str) -> bool:
    """Whether PTT itself says that a page does not exist; a cache or a firewall on the way says it otherwise."""
    content = read_page(body, host).css_first(".bbs-content")
    return content is not None and content.text().strip().startswith("404 - Not Found")


@dataclass(frozen=True, slots=True)
class _Push:
    tag: str
    user: str
    content: str
    when: str


def _not_a(body: bytes, host: str, wanted: str) -> SourceError:
    if read_page(body, host).css_first(".over18-notice") is not None:
        return NeedsCredentials(f"{host}: {wanted} is for adults; if you are one, say so by over18 = true")
    return what_came(body.decode("utf-8", "replace"), host, wanted)


def _meta(main: LexborNode) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in main.css(".article-metaline, .article-metaline-right"):
        found.setdefault(_text(line, ".article-meta-tag"), _text(line, ".article-meta-value"))
    return found


def _body(main: LexborNode) -> str:
    """What the author wrote: up to the first push, without the head, the server's lines and the ``--`` before them."""
    pieces: list[str] = []
    for node in main.iter(include_text=True):
        classes = _classes(node)
        if "push" in classes:
            break
        if not classes & {"article-metaline", "article-metaline-right", "richcontent"}:
            pieces.append(node.text(deep=True))
    lines = clean("".join(pieces)[:LONGEST]).split("\n")
    ends = [number for number, line in enumerate(lines) if line.startswith("※ 發信站")]
    if ends:
        lines = lines[: ends[-1]]
        while lines and not lines[-1].strip():
            lines.pop()
        if lines and lines[-1].strip() == "--":
            lines.pop()
    return tidy("\n".join(line for line in lines if not _NOT_BODY.match(line)))


def _pushes(main: LexborNode) -> tuple[list[_Push], int]:
    """The pushes in their order, and how many could not be read. A notice of the server between them is neither."""
    found, rejected = [], 0
    for node in main.css(".push"):
        if "warning-box" in _classes(node):
            continue
        words = _text(node, ".push-content").removeprefix(":")
        push = _Push(
            _text(node, ".push-tag"), _text(node, ".push-userid"), tidy(words), _text(node, ".push-ipdatetime")
        )
        if push.user and push.tag in KINDS:
            found.append(push)
        else:
            rejected += 1
    return found, rejected


def _comments(pushes: list[_Push], row: Row, fetched_at: datetime) -> Iterator[Post]:
    """Each push as a comment. One whose time cannot be read took place no earlier than the one before it, and is told
    at that one's time: taken for new, the pushes of an old article would look like a storm.
    """
    last, alike = row.published_at, Counter[str]()
    for push in pushes:
        moment = _moment(push.when, last, fetched_at)
        last = max(last, moment)
        seed = "\n".join((push.user, _clock(push.when), push.tag, push.content))
        alike[seed] += 1
        digest = hashlib.sha256(f"{seed}\n{alike[seed]}".encode()).hexdigest()[:16]
        if push.content:
            yield Post(
                platform=PLATFORM,
                native_id=f"{row.native_id}#{digest}",
                text=push.content,
                url=row.native_id,
                kind=KINDS[push.tag],
                author=Author(push.user, name=push.user),
                published_at=moment,
                parent=row.native_id,
                root=row.native_id,
            )


def _moment(when: str, after: datetime, fetched_at: datetime) -> datetime:
    found = _WHEN.search(when)
    if not found:
        return after
    month, day, hour, minute = (int(part or 0) for part in found.groups())
    try:
        moment = next_in_sequence(month, day, hour, minute, ZONE, after=after, until=fetched_at + _CLOCK_SLACK)
    except ValueError:
        return after
    return moment if found[3] else max(moment, after)  # a day alone says nothing of the hour


def _clock(when: str) -> str:
    """The time of a push without the network address that some boards show before it, and not to everybody."""
    found = _WHEN.search(when)
    return found[0].strip() if found else ""


def _text(node: LexborNode, selector: str) -> str:
    found = node.css_first(selector)
    return clean(found.text()).strip() if found is not None else ""


def _href(node: LexborNode) -> str:
    return node.attributes.get("href") or ""


def _classes(node: LexborNode) -> set[str]:
    return set((node.attributes.get("class") or "").split()) if node.is_element_node else set()
