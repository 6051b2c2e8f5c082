"""Matching: either script, word borders, homonyms, and the evidence that is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.matching import Hit, Matcher, Rule

MATCHER = Matcher(
    [
        Rule(1, ("澄嵐", "Chenglan"), exclude=("澄嵐山", "抽獎")),
        Rule(2, ("mac",), require=("蘋果", "Apple")),
        Rule(3, ("霽川",)),
    ]
)


@pytest.mark.parametrize(
    ("text", "brands"),
    [
        ("澄嵐的客服", [1]),
        ("澄岚的客服", [1]),
        ("ＣＨＥＮＧＬＡＮ 很吵", [1]),
        ("chenglanx 不是", []),
        ("去澄嵐山走走", []),
        ("去澄岚山走走", []),
        ("澄嵐山旁邊的澄嵐門市", [1]),
        ("澄嵐抽奖转发", []),
        ("買了 mac", []),
        ("苹果的mac好用", [2]),
        ("apple machine", []),
        ("澄\u200b嵐和霁川比", [1, 3]),
        ("客戶(hù)服務(wù)的澄(chéng)嵐(lán)很差", [1]),
        ("", []),
    ],
)
def test_brands_found(text: str, brands: list[int]) -> None:
    assert [hit.brand for hit in MATCHER.find(text)] == brands


def test_evidence_is_the_term_as_it_stands_in_the_original() -> None:
    text = "昨天ＣＨＥＮＧＬＡＮ冒煙"
    assert MATCHER.find(text) == [Hit(1, "ＣＨＥＮＧＬＡＮ", 2, 10)]
    text = "客戶(hù)說澄\u200b嵐不好"
    (hit,) = MATCHER.find(text)
    assert text[hit.start : hit.end] == hit.term == "澄\u200b嵐"


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_han_term_is_found_in_whatever_stands_around_it(before: str, after: str) -> None:
    hits = Matcher([Rule(1, ("澄嵐",))]).find(before + " 澄嵐 " + after)
    assert [h.brand for h in hits] == [1]


def test_own_account_is_known_by_its_key_only() -> None:
    matcher = Matcher([Rule(7, ("a",), accounts=frozenset({"k1"}))])
    assert matcher.own_account("k1") == 7
    assert matcher.own_account("k2") is None
    assert matcher.own_account(None) is None


def test_the_version_tells_rules_apart() -> None:
    rule = Rule(1, ("a",))
    assert Matcher([rule]).version == Matcher([rule]).version
    assert Matcher([rule]).version != Matcher([Rule(1, ("a", "b"))]).version
    assert Matcher([]).find("澄嵐") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("澄嵐和霽川，澄岚也", {1: [(0, 2), (6, 8)], 3: [(3, 5)]}),
        ("澄嵐山旁邊的澄嵐門市與澄嵐山", {1: [(6, 8)]}),
        ("澄嵐抽獎澄嵐", {}),
        ("mac 與 mac", {}),
        ("蘋果 mac 與 mac", {2: [(3, 6), (9, 12)]}),
        ("客戶(hù)的澄\u200b嵐與澄嵐", {1: [(7, 10), (11, 13)]}),
        ("", {}),
    ],
)
def test_every_valid_place_is_found(text: str, found: dict[int, list[tuple[int, int]]]) -> None:
    assert MATCHER.find_all(text) == found


@given(
    st.lists(
        st.sampled_from(["澄嵐", "澄嵐山", "Chenglan", "霽川", "抽獎", "山", "mac", "蘋果", " ", "x"]), max_size=12
    )
)
def test_find_is_the_first_of_find_all(pieces: list[str]) -> None:
    text = "".join(pieces)
    every = MATCHER.find_all(text)
    assert [(hit.brand, (hit.start, hit.end)) for hit in MATCHER.find(text)] == [
        (brand, spans[0]) for brand, spans in every.items()
    ]
    assert all(spans == sorted(set(spans)) for spans in every.values())
    assert all(not (text[a:b] == "澄嵐" and text[b : b + 1] == "山") for a, b in every.get(1, []))
