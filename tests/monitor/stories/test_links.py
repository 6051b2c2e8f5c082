"""Links that stand for one happening, in one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stories.links import MOST_LINKS, canonical, links

PAGE = "news.example.com/story/2026/1120"


@pytest.mark.parametrize(
    "link",
    [
        "https://news.example.com/story/2026/1120",
        "http://m.news.example.com/story/2026/1120/",
        "https://www.news.example.com/story/2026/1120?utm_source=line&fbclid=x&spm=1.2",
        "HTTPS://NEWS.example.com/story/2026/1120#comments",
        "https://amp.news.example.com/story/2026/1120/amp",
        "https://news.example.com//story/2026/1120/index.html",
        "https://www.google.com/amp/s/news.example.com/story/2026/1120",
        "https://news-example-com.cdn.ampproject.org/c/s/news.example.com/story/2026/1120",
    ],
)
def test_ways_to_one_page_are_one_link(link: str) -> None:
    assert canonical(link) == PAGE


def test_what_tells_pages_apart_stays() -> None:
    assert canonical("https://shop.example/item.htm?id=7&spm=x") == "shop.example/item.htm?id=7"
    assert canonical("https://example.com/#/t/12") == "example.com#/t/12"
    assert canonical("https://youtu.be/AbC?si=1") == canonical("https://m.youtube.com/watch?v=AbC&feature=share")
    assert canonical("https://example.com/a/B") != canonical("https://example.com/a/b")


@pytest.mark.parametrize(
    "link",
    ["https://example.com", "https://example.com/", "http://www.example.com/index.html?utm_source=x", "https://example.com/shop/lan",
     "https://example.com/about", "ftp://example.com/a", "https://localhost/a", "https://[broken/a", "https:///a"],
)  # fmt: skip
def test_standing_pages_and_no_pages_tie_nothing(link: str) -> None:
    assert canonical(link) == ""


def test_links_are_found_in_a_text_beside_chinese() -> None:
    assert links(f"看這個https://{PAGE}，太誇張（http://m.{PAGE}?from=app）") == (PAGE,)
    assert links("沒有連結//@小明:沒有") == ()
    assert len(links(" ".join(f"https://example.com/a/{n}" for n in range(20)))) == MOST_LINKS


@given(st.text(max_size=100))
def test_anything_may_be_asked_for_links(text: str) -> None:
    links("https://" + text)
    assert canonical(canonical("https://example.com/" + text)) == ""
