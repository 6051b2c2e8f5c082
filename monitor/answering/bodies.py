"""The first line that a person wrote: of the text part, or of the HTML part where there is no text."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import BytesParser
from itertools import islice
from typing import cast

from monitor.answering.commands import Command, read_command
from monitor.answering.headers import Ignored, Reason

LONGEST_READ = 256 * 1024
"""Bytes of a message that are fetched and read. The text must be whole within them; what is attached need not."""

MOST_PARTS = 100
DEEPEST = 20
"""Parts of one part that are looked at, and how deep: no mail program makes nearly as many, who means harm does."""

_CHARSETS = {"gb2312": "gb18030", "gbk": "gb18030", "hz": "hz", "big5": "big5hkscs", "cp950": "big5hkscs"}
_KNOWN = re.compile(
    r"utf-(8|16|16-le|16-be)$|ascii$|gb18030$|big5hkscs$|hz$|iso8859|cp\d+$|koi8|euc_|shift_jis|iso2022_"
)
_GUESSES = ("utf-8", "gb18030", "big5hkscs")
_QUOTE = re.compile(r"<blockquote\b[^<>]*>", re.IGNORECASE)
_BREAK = re.compile(
    r"</?(?:address|article|br|blockquote|center|dd|div|dl|dt|footer|h[1-6]|header|hr|li|main|ol|p|pre|section|table|td|th|tr|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_UNSEEN = re.compile(r"<!--|<(head|style|script|title|template)\b", re.IGNORECASE)


def read_body(message: bytes, *, whole: bool) -> Command | Ignored:
    """What the first line that is not empty asks for. ``whole``: False if the message was cut at ``LONGEST_READ``."""
    try:
        parsed = BytesParser(policy=policy.compat32).parsebytes(message)
        leaves = list(_leaves(parsed))
    except RecursionError:  # parts nested by the thousand
        return Ignored(Reason.BROKEN)
    part = _written(leaves)
    if part is None:
        return Ignored(Reason.NO_COMMAND if whole else Reason.TOO_LARGE)
    if not whole and part is leaves[-1]:
        return Ignored(Reason.TOO_LARGE)
    commands = (read_command(_first_line(text, part)) for text in _decoded(part))
    return next((c for c in commands if c is not None), Ignored(Reason.NO_COMMAND))


def _leaves(part: Message, depth: int = 0) -> Iterator[Message]:
    """Parts that hold no others, in order. A forwarded message is one of them: its lines are somebody else's."""
    if part.get_content_maintype() != "multipart" or not part.is_multipart() or depth > DEEPEST:
        yield part
        return
    for inner in islice(cast(list[Message], part.get_payload()), MOST_PARTS):
        yield from _leaves(inner, depth + 1)


def _written(leaves: list[Message]) -> Message | None:
    shown = [p for p in leaves if p.get_content_disposition() != "attachment"]
    texts = [p for p in shown if p.get_content_type() == "text/plain" and not p.is_multipart()]
    pages = [p for p in shown if p.get_content_type() == "text/html" and not p.is_multipart()]
    return next((p for p in texts if _payload(p).strip()), next(iter(pages), None))


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decoded(part: Message) -> Iterator[str]:
    """The part's text as its charset says; where none is named or it is unknown, as each of the likely ones."""
    payload, named = _payload(part), _codec(part.get_content_charset())
    for codec in [named] if named else _GUESSES:
        yield payload.decode(codec, "replace")


def _codec(charset: str | None) -> str | None:
    """Python's codec for a charset's name; None for what is no charset of mail: Python also knows rot13 and zip."""
    try:
        name = codecs.lookup(charset or "").name
    except (LookupError, ValueError):
        return None
    name = _CHARSETS.get(name, name)
    return name if _KNOWN.match(name) else None


def _first_line(text: str, part: Message) -> str:
    lines = _lines_of_page(text) if part.get_content_type() == "text/html" else text
    return next(
        (line for line in re.split(r"[\r\n\u2028\u2029]+", lines) if line.strip("\ufeff\u200b \t\xa0\u3000")), ""
    )


def _lines_of_page(markup: str) -> str:
    """The lines that a page shows, what it quotes marked as quoted. In one pass: markup is a stranger's."""
    seen = _QUOTE.sub("\n> ", re.sub(r"[\r\n]+", " ", "".join(_seen(markup))))
    return html.unescape(re.sub(r"<[^<>]*>", "", _BREAK.sub("\n", seen)))


def _seen(markup: str) -> Iterator[str]:
    at = 0
    while found := _UNSEEN.search(markup, at):
        yield markup[at : found.start()]
        closing = re.compile(rf"</{found[1]}\s*>" if found[1] else "-->", re.IGNORECASE)
        end = closing.search(markup, found.end())
        if end is None:
            return  # the rest is inside of it
        at = end.end()
    yield markup[at:]
