"""Mutated feeds: whatever comes, it is posts or a SourceError. QIANLI_FUZZ sets how many are tried."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from monitor.errors import SourceError
from sources.feed import parse
from tests.sources.junk import mutated
from tests.sources.loopback import NOW

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "feed").iterdir())
ROUNDS = int(os.environ.get("QIANLI_FUZZ", "2000"))
pytestmark = pytest.mark.fuzz
TYPES = ["", "text/html", "text/xml; charset=big5", "application/json; charset=utf-16", "x/y; charset=zlib", ";;;"]


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
