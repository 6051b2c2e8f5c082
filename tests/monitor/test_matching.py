"""Matching: either script, word borders, homonyms, and the evidence that is kept."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor import folding
from monitor.matching import Hit, Matcher, Rule
from monitor.text import fold_text

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


# --- many at once

PIECES = [
    "澄嵐", "澄岚", "Chenglan", "ＣＨＥＮＧＬＡＮ", "山", "抽獎", "mac", "蘋果", "客戶(hù)服務(wù)", "澄(chéng)嵐(lán)",
    "(de)", "é", "e\u0301", "\u0301", "ǖ\u0323", "´", "カ\uff9e", "가", "\u1100\u1161", "\u11a8", "\uffa0", "\ud800",
    "\udc00", "\x00", "\x01", "…", "㎏", "\ufdfa", "\u200b", "\ufe0f", "\U0001f468\u200d\U0001f469", "🏽", "(", ")",
    "ǎ", "霽", "川", " ", "\n", "x",
]  # fmt: skip
wild_texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(), max_size=3)), max_size=14).map(
    "".join
)
WILD = Matcher(
    [
        Rule(1, ("澄嵐", "Chenglan", "é", "…"), exclude=("澄嵐山", "抽獎")),
        Rule(2, ("mac", "kg"), require=("蘋果", "ガ", "ǖ")),
        Rule(3, ("霽川", "가", "客戶服務", "각", "山", "x")),
    ]
)


@given(st.lists(wild_texts, max_size=12), st.sampled_from([1, 9, 60, folding.MAX_TOGETHER]))
@example(["…\u0301x澄嵐"], 60)
@example(["ﾞ澄嵐", "\u0301", "가", "\u11a8澄嵐"], 60)
def test_many_texts_give_what_each_gives(texts: list[str], together: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "MAX_TOGETHER", together)
        assert WILD.find_all_many(texts) == [WILD.find_all(text) for text in texts]
        assert WILD.find_many(texts) == [WILD.find(text) for text in texts]


@given(st.lists(wild_texts, min_size=1, max_size=12))
def test_texts_fold_together_as_alone(texts: list[str]) -> None:
    folded = folding.fold_together(texts)
    folds = folded.text.split(folding.SEPARATOR)
    assert folds.pop() == ""
    for place, (one, text) in enumerate(zip(folds, texts, strict=True)):
        assert place in folded.left or one == fold_text(text)


def test_a_megabyte_is_found_as_it_is_alone() -> None:
    text = (
        "".join(piece * 20 for piece in PIECES if "(" not in piece)
        + "普通的一段話，沒有什麼。" * 90_000
        + "Cafe\u0301澄嵐"
    )
    assert len(text) > 1_000_000
    found = WILD.find_all_many(["澄嵐", text, "x"])
    assert found == [{1: [(0, 2)]}, WILD.find_all(text), {3: [(0, 1)]}]
    assert found[1][3]


def test_texts_do_not_run_into_one_another() -> None:
    matcher = Matcher([Rule(1, ("澄嵐",)), Rule(2, ("mac",)), Rule(3, ("é",))])
    texts = ["澄", "嵐", "x mac", "mac", "", "e", "\u0301", "服", "(hù)", "澄嵐"]
    places = [(place, list(found)) for place, found in enumerate(matcher.find_all_many(texts)) if found]
    assert places == [(2, [2]), (3, [2]), (9, [1])]


def test_marks_at_the_start_of_a_text_are_its_own() -> None:
    folded = folding.fold_together(["a", "\u0301\u0323", "…e\u0301"])
    assert folded.text.split(folding.SEPARATOR) == ["a", "\u0323\u0301", "...é", ""]
    assert folded.places([(0, 2, 4), (0, 2, 3), (0, 6, 9)]) == ([1, 1, 2], [0, 0, 0], [2, 2, 3])


def test_portions_hold_every_text_once_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MAX_TOGETHER", 5)
    texts = ["abc", "de", "f", "", "a long one", "", "g", "abcde"]
    parts = list(folding.portions(texts))
    assert [text for _, portion in parts for text in portion] == texts
    assert [first for first, _ in parts] == [0, 2, 4, 5, 7]
    assert list(folding.portions([])) == []
    assert Matcher([]).find_many(["a", "b"]) == [[], []]


# --- what a text is found by

UNITS = st.sampled_from(
    ["澄", "嵐", "裏", "里", "臺", "服務", "ＱＲ ", " Chenglan ", "㎏ ", "…", "，", "。", "👍🏽", "❤️", "\u200b", "7 ",
     "e\u0301 ", "\n", "［", "戶(hù)", "가"]
)  # fmt: skip
"""Nothing in one of these may be cut: a Latin word, a letter and its mark, a character and its gloss."""


@given(st.lists(UNITS, min_size=1, max_size=20), st.data())
def test_every_substring_of_a_post_finds_that_post(units: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(units) - 1))
    last = data.draw(st.integers(first, len(units) - 1))
    post, term = "".join(units), "".join(units[first : last + 1])
    if not fold_text(term).strip():
        return
    matcher = Matcher([Rule(1, (term,))])
    (hit,) = matcher.find(post)
    assert fold_text(hit.term).strip() == fold_text(term).strip()
    assert matcher.find_many([post, "", post]) == [[hit], [], [hit]]


@given(wild_texts, wild_texts, st.sampled_from(["澄嵐", "澄岚", "霽川"]))
def test_every_text_around_a_han_term_is_found_by_it(before: str, after: str, term: str) -> None:
    matcher, text = Matcher([Rule(1, ("澄嵐", "霽川"))]), before + term + after
    assert matcher.find_many([text]) == [matcher.find(text)]
    assert [hit.brand for hit in matcher.find(text)] == [1]
