"""Answers that went wrong: bytes damaged, and nodes of JSON replaced, moved, removed and repeated."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

from monitor.model import Post

TOKENS = [
    *(b"<", b">", b"</", b"&", b"&#0;", b"&#xD800;", b"&#99999999999;", b"<![CDATA[", b"]]>", b"<!--", b"<item>"),
    *(b"</item>", b"<entry>", b"<link>", b"<guid>", b"<title type='xhtml'><div>", b"null", b"{", b"}", b"[", b'"'),
    *(b"<content type='application/octet-stream'>", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe6\xbe", b"\\ud83d"),
    *(b"9" * 400, b"http://[::1", b"<?xml version='1.0' encoding='utf-16'?>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>"),
    *(b"xml:base='http://['", b"xmlns='x'", b"2026-11-20T99:99:99Z", b"<div>" * 200, b"<geo:lat>x</geo:lat>"),
    *(b"<pubDate>Fri, 99 Foo 99999 00:00:00 +9999</pubDate>", b"<media:content url='x'/>", b"<category/>"),
    *(b"<itunes:duration>x</itunes:duration>", b"<source url=''>", b"<author>"),
    *(b"</div>", b"<span>", b"</span>", b"<pre>", b"<script>", b"<br>", b"<template>", b"<div class='push'>"),
    *(b"<div class='r-ent'>", b"<div class='r-list-sep'>", b"99/99 99:99", b"02/29 23:59", b"M.9999999999.A.1"),
    *(b"M.0.A.0", b"javascript:alert(1)", b"data-post='a/1'", b"data-before='-1'", b"true", b"-1", b"1e999", b"NaN"),
    *(b"[" * 2000, b"try{cb(", b");}catch", b"+99:99", b"9999-12-31T23:59:59-14:00", b"class=''", b"datetime=''"),
    *(b"href=''", b"\\", b",", b":", b"\\u0000"),
]
JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 1e308, 2**70, "", " ", "x", "\x00", "\ud83d", "9" * 400, "2099-01-01T00:00:00Z"),
    *("0001-01-01T00:00:00+23:59", "<p>" * 300, "http://[::1", "javascript:alert(1)", "at://x", [], {}, [[]], [None]),
    *({"id": 1}, {"$type": "x"}, ["x"], [{"id": {"id": []}}], -0.0, 10**30, "x" * 5000, "1.3万", "--", "昨天 99:99"),
    *("9" * 5000, "2026-02-30", {"a": None}, "<img src=x onerror=y>" * 9, "\u202e", float("nan"), "\x00\n"),
]


def mutated(body: bytes, chance: random.Random) -> bytes:
    data = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice([1, 2, 5, 20, 100]))
        match chance.randrange(6):
            case 0:
                del data[start:end]
            case 1:
                data[start:start] = chance.choice(TOKENS)
            case 2:
                data[start:end] = chance.randbytes(end - start)
            case 3:
                data[start:start] = data[start:end] * chance.randint(1, 4)
            case 4:
                del data[max(start, 1) :]
            case 5:
                data[start:end] = chance.choice(TOKENS)
    return bytes(data)


def junked(body: bytes, chance: random.Random) -> bytes:
    """The answer with one to four of its nodes turned into something else; one time in four, damaged bytes."""
    if chance.random() < 0.25:
        return mutated(body, chance)
    tree = {"": json.loads(body)}
    for _ in range(chance.randint(1, 4)):
        holder, key = chance.choice(list(_places(tree)))
        match chance.randrange(6):
            case 0 | 1 if holder is not tree:
                del holder[key]
            case 2 if isinstance(holder, list):
                holder.extend(deepcopy(holder) * chance.randint(1, 3))
            case 3:
                other, name = chance.choice(list(_places(tree)))
                holder[key] = deepcopy(other[name])
            case _:
                holder[key] = deepcopy(chance.choice(JUNK))
    return json.dumps(tree[""]).encode()


def _places(node: Any) -> list[tuple[Any, Any]]:
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [(node, key) for key in keys] + [place for key in keys for place in _places(node[key])]


def check(post: Post) -> None:
    """Whatever it was made from, a post holds what can be stored and shown."""
    assert post.text.strip()
    assert post.native_id
    assert post.platform
    everything = f"{post.text}{post.native_id}{post.url}{post.author}{post.kind}{post.parent}{post.root}{post.page}"
    assert "\x00" not in everything
    everything.encode()
    assert post.url == "" or post.url.startswith(("http://", "https://"))
    assert post.published_at is None or post.published_at.utcoffset() is not None
    counts = (post.engagement.likes, post.engagement.reposts, post.engagement.comments)
    assert all(count is None or 0 <= count < 2**63 for count in counts)
