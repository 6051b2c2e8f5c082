"""Mutated feeds: whatever comes, it is posts or a SourceError. QIANLI_FUZZ sets how many are tried."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from monitor.errors import SourceError
from sources.feed import parse
from tests.sources.loopback import NOW

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "feed").iterdir())
ROUNDS = int(os.environ.get("QIANLI_FUZZ", "2000"))
pytestmark = pytest.mark.fuzz
TOKENS = [
    *(b"<", b">", b"</", b"&", b"&#0;", b"&#xD800;", b"&#99999999999;", b"<![CDATA[", b"]]>", b"<!--", b"<item>"),
    *(b"</item>", b"<entry>", b"<link>", b"<guid>", b"<title type='xhtml'><div>", b"null", b"{", b"}", b"[", b'"'),
    *(b"<content type='application/octet-stream'>", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe6\xbe", b"\\ud83d"),
    *(b"9" * 400, b"http://[::1", b"<?xml version='1.0' encoding='utf-16'?>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>"),
    *(b"xml:base='http://['", b"xmlns='x'", b"2026-11-20T99:99:99Z", b"<div>" * 200, b"<geo:lat>x</geo:lat>"),
    *(b"<pubDate>Fri, 99 Foo 99999 00:00:00 +9999</pubDate>", b"<media:content url='x'/>", b"<category/>"),
    *(b"<itunes:duration>x</itunes:duration>", b"<source url=''>", b"<author>"),
]
TYPES = ["", "text/html", "text/xml; charset=big5", "application/json; charset=utf-16", "x/y; charset=zlib", ";;;"]


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


@pytest.mark.parametrize("part", range(10))
def test_mutated_feeds_raise_nothing_but_source_errors(part: int) -> None:
    chance = random.Random(f"feed {part}")
    read = 0
    lines: list[str] = []
    for _ in range(max(ROUNDS // 10, 1)):
        body = mutated(chance.choice(SAMPLES).read_bytes(), chance)
        try:
            parsed = parse(
                body, url="https://h.example.test/f", platform="p", content_type=chance.choice(TYPES), fetched_at=NOW
            )
        except SourceError as error:
            lines.append(str(error))
            continue
        read += len(parsed.posts)
        for post in parsed.posts:
            assert post.text.strip()
            assert post.native_id
            everything = f"{post.text}{post.native_id}{post.url}{post.author}"
            assert "\x00" not in everything
            everything.encode()
            assert post.published_at is None or post.published_at.tzinfo
            assert post.url == "" or post.url.startswith(("http://", "https://"))
    assert not any("\n" in line for line in lines)
    assert read, "mutations leave some feeds readable"
