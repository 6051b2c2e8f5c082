"""What those who pass a text on write before it: "太過分了//@name: text" says 太過分了, "轉發微博" nothing."""

from __future__ import annotations

import re

from monitor.text import MIN_IDENTITY, bare, fold_text

_QUOTE = re.compile(r"(?:[/／]{2}|(?<![A-Za-z0-9])RT)\s?[@＠][^\s:：@＠]{1,30}\s?[:：]", re.IGNORECASE)
_REPLY = re.compile(r"^\s*回[复覆復]\s?[@＠][^\s:：]{1,30}\s?[:：]")
_NOTHING = re.compile(
    r"(?:我|帮|快|求)?(?:转|转发|转贴|转载|转发微博|快转|快转微博|转推|分享|转发理由|图片评论|扩散|repost|rt|reposted|forward|mark|马|码)+"
)
"""What a platform writes by itself for who adds nothing, and what says no more than that it is passed on."""


def own_words(text: str, kind: str) -> str:
    """What of a post its author added to what he passes on; empty: nothing, or he passes on nothing that shows.

    Where the post does not quote, a repost's whole text is his, if it is too short to be what is passed on.
    """
    quote = _QUOTE.search(text)
    own = text[: quote.start()] if quote else text
    own = _REPLY.sub("", own).strip()
    said = bare(fold_text(own))
    if not said or _NOTHING.fullmatch(said):
        return ""
    if quote is None and (kind != "repost" or len(said) >= MIN_IDENTITY):
        return ""
    return own
