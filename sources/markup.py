"""Text as a person saw it, from what a platform sent."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from monitor.errors import SourceError

_UNSEEN = {"script", "style", "noscript", "template", "iframe", "object", "svg", "title"}
# fmt: off
_BLOCKS = {
    "address", "article", "aside", "blockquote", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tr", "ul",
}
# fmt: on
LONGEST = 200_000
"""Characters of one post's markup that are read."""
_DEEPEST, _DEEPEST_POST = 5000, 500
"""Tags nested in each other, of a page and of a post: they cost the parser the square of their depth in time, and an
answer may hold thousands of posts."""
_TAG = "<(/?)(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\\b)[a-z]"
_TAGS, _PAGE_TAGS = re.compile(_TAG, re.IGNORECASE), re.compile(_TAG.encode(), re.IGNORECASE)
_ANY_TAG = re.compile("<[^<>]{0,2000}>")
_BREAK = "\n"  # as a piece of its own: a line ends here
_EDGE = "\v"  # a line ends here if there is one
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """``text`` that can be stored: no control characters but line break and tab, no half of an emoji."""
    if text.isprintable():
        return text  # as most cells and titles are: none of what is looked for below is printable
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def tidy(text: str) -> str:
    """Clean text with each line trimmed and at most one empty line in a row."""
    lines = [re.sub(r"[ \t\xa0\u2002\u2003]+", " ", line).strip() for line in clean(text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def html_to_text(markup: str) -> str:
    """What a browser would show: ``<br>`` and blocks break lines, an image is its ``alt``, entities decoded once.

    Of markup nested deeper than any post's only the tags are taken out.
    """
    if "<" not in markup:
        return tidy(html.unescape(markup[:LONGEST]))
    markup = markup[:LONGEST]
    if _is_deeper(_TAGS.finditer(markup), _DEEPEST_POST):
        return tidy(html.unescape(_ANY_TAG.sub("\n", markup)))
    root = LexborHTMLParser(clean(markup)).root
    lines: list[str] = []
    line: list[str] = []
    for piece in _pieces(root) if root else ():
        if piece not in (_BREAK, _EDGE):
            line.append(piece)
        elif piece == _BREAK or "".join(line).strip():
            lines.append("".join(line))
            line.clear()
    return tidy("\n".join([*lines, "".join(line)]))


def read_page(body: bytes, host: str) -> LexborHTMLParser:
    """The tree of an HTML page in UTF-8; nearly any bytes give one.

    Raises SourceError for tags nested deeper than any page's: they cost the parser the square of their depth in time.
    """
    if _is_deeper(_PAGE_TAGS.finditer(body), _DEEPEST):
        raise SourceError(f"{host}: an HTML page nested too deep to be read")
    return LexborHTMLParser(body.decode("utf-8", "replace"))


def _is_deeper(tags: Iterable[re.Match[str]] | Iterable[re.Match[bytes]], most: int) -> bool:
    depth = 0
    for tag in tags:
        depth = max(depth + (-1 if tag[1] else 1), 0)
        if depth > most:
            return True
    return False


def _pieces(root: LexborNode) -> Iterator[str]:
    """The text of a tree in its order, with the two marks. Walked without recursion, for pages can nest very deep.

    The tree is never changed: selectolax frees nodes that are still in hand when one is replaced during a walk.
    """
    waiting: list[LexborNode | str] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            yield node
        elif node.is_text_node:
            yield from _text(node)
        elif node.tag == "br":
            yield _BREAK
        elif node.tag == "img":
            yield node.attributes.get("alt") or ""
        elif node.tag not in _UNSEEN and node.is_element_node:
            mark = _EDGE if node.tag in _BLOCKS else " " if node.tag in ("td", "th") else ""
            yield mark
            waiting.append(mark)
            waiting.extend(_children_reversed(node))


def _text(node: LexborNode) -> Iterator[str]:
    text = node.text_content or ""
    if node.parent is not None and node.parent.tag == "pre":
        for number, line in enumerate(text.split("\n")):
            yield from (_BREAK, line) if number else (line,)
    else:
        yield re.sub(r"[ \t\n\f]+", " ", text)


def _children_reversed(node: LexborNode) -> list[LexborNode]:
    children = []
    child = node.child
    while child is not None:
        children.append(child)
        child = child.next
    return children[::-1]


def joined(title: str, body: str) -> str:
    """Title, then body, unless one says the other again: feeds repeat the title in the body or start with it."""
    if not title or not body:
        return title or body
    if _bare(body) in _bare(title):
        return title
    start = title.rstrip(".… ")
    if start and " ".join(body.split()).startswith(" ".join(start.split())):
        return body
    return f"{title}\n{body}"


def _bare(text: str) -> str:
    """Text without white space, punctuation and case; symbols stay, since an emoji says something."""
    return "".join(c for c in text.casefold() if unicodedata.category(c)[0] not in "PZC")
