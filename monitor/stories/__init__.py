"""Copy groups and stories: which posts are the same text, and which groups are one happening.

Both are unions of keys. Posts that share a group key are copies of one another; groups of posts that share a story key
are one story. Near-copies and tellings of one topic come to share keys by being compared (see ``copies`` and
``topics``). A reply is a voice of its own, never a copy, whatever it says; a text of fewer than 12 folded characters
("退钱") is never a copy of another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from monitor.stories.copies import cores
from monitor.stories.links import canonical, links


@dataclass(frozen=True, slots=True)
class Keys:
    """What ties one post to others. Every post has its own key, so that a repost finds it.

    ``group``: its own key first, then those of its text. ``threads`` tie stories, and so do ``links``, while they are
    new. ``cores``: what near-copies of it share; empty: it is a reply, or too short. ``tells``: whether other tellings
    of its happening are looked for: no reply does, nor a comment under somebody's page.
    """

    group: tuple[str, ...]
    threads: tuple[str, ...]
    links: tuple[str, ...] = ()
    cores: tuple[str, ...] = ()
    tells: bool = False


def keys(
    platform: str, native_id: str, kind: str, text: str, parent: str, root: str, *, url: str = "", page: str = ""
) -> Keys:
    """The keys of one post; ``parent``, ``root`` and ``page`` are native ids, empty where there are none; ``url`` is
    the post's own address."""
    own = f"post:{platform}:{native_id}"
    # Its own thread too: a reply to a reply may know no more than what it answers.
    threads = tuple([f"thread:{platform}:{i}" for i in dict.fromkeys((root, native_id)) if i])
    is_repost = kind == "repost" and bool(parent)
    if not is_repost and (parent or root not in ("", native_id)):
        return Keys((own,), threads)
    found = cores(text)
    group = (own, *[f"text:{_hash(core)}" for core in found], *([f"post:{platform}:{parent}"] if is_repost else []))
    shared = links(text) + ((canonical(url),) if url and not page else ())
    return Keys(
        group, threads, tuple([f"link:{_hash(link)}" for link in dict.fromkeys(shared) if link]), found, not page
    )


def _hash(text: str) -> str:
    """Keys outlive what they were made of, which is not to be kept for as long."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
