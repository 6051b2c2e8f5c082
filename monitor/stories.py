"""Copy groups and stories: which posts are the same text, and which groups are one happening.

Both are unions of keys. Posts that share a group key are copies of one another; groups of posts that share a story key
are one story. So the order in which posts arrive cannot matter. A reply is a voice of its own, never a copy, whatever
it says; a text of fewer than 12 folded characters ("退钱") is never a copy of another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from monitor.text import MIN_IDENTITY, identity


@dataclass(frozen=True, slots=True)
class Keys:
    """What ties one post to others. Every post has its own key, so that a repost finds it."""

    group: tuple[str, ...]
    story: tuple[str, ...]


def keys(platform: str, native_id: str, kind: str, text: str, parent: str, root: str) -> Keys:
    """The keys of one post; ``parent`` and ``root`` are native ids, empty where there are none."""
    own = f"post:{platform}:{native_id}"
    # Its own thread too: a reply to a reply may know no more than what it answers.
    threads = tuple(dict.fromkeys(f"thread:{platform}:{i}" for i in (root, native_id) if i))
    if kind == "repost" and parent:
        return Keys((own, f"post:{platform}:{parent}"), threads)
    is_reply = bool(parent) or root not in ("", native_id)
    folded = "" if is_reply else identity(text)
    if len(folded) < MIN_IDENTITY:
        return Keys((own,), threads)
    digest = hashlib.blake2b(folded.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return Keys((own, f"text:{digest}"), threads)
