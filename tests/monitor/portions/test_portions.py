"""Portions: which stretches of a text speak of which brand, and that hostile text breaks nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.matching import Matcher, Rule
from monitor.portions import LONG, Portion, Stance, needs_portions, portions
from monitor.text import sentences

MATCHER = Matcher([Rule(1, ("澄嵐", "Chenglan")), Rule(2, ("霽川",)), Rule(3, ("望舒",))])


def said(text: str) -> dict[int, list[str]]:
    return {brand: [text[p.start : p.end] for p in kept] for brand, kept in found(text).items()}


def found(text: str) -> dict[int, tuple[Portion, ...]]:
    return portions(text, MATCHER.find_all(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("澄嵐很吵。充電也慢！霽川安靜。", {1: ["澄嵐很吵。", "充電也慢！"], 2: ["霽川安靜。"]}),
        ("等了三天。沒人理。澄嵐的客服睡著了。", {1: ["等了三天。", "沒人理。", "澄嵐的客服睡著了。"]}),
        ("澄嵐很吵，霽川安靜，也便宜。", {1: ["澄嵐很吵"], 2: ["霽川安靜，也便宜。"]}),
        ("澄嵐很吵但霽川安靜", {1: ["澄嵐很吵"], 2: ["但霽川安靜"]}),
        ("澄嵐很吵 霽川安靜", {1: ["澄嵐很吵"], 2: ["霽川安靜"]}),
        ("澄嵐订单三天没发霽川当天就到", {1: ["澄嵐订单三天没发"], 2: ["霽川当天就到"]}),
        ("用完了澄嵐又买了霽川", {1: ["用完了澄嵐"], 2: ["又买了霽川"]}),
        ("澄嵐、霽川和望舒都差", {brand: ["澄嵐、霽川和望舒都差"] for brand in (1, 2, 3)}),
        ("澄嵐，霽川都不行", {1: ["澄嵐，霽川都不行"], 2: ["澄嵐，霽川都不行"]}),
        ("澄嵐好，霽川差，澄嵐值得", {1: ["澄嵐好", "澄嵐值得"], 2: ["霽川差"]}),
        ("推 abc: 澄嵐爛 推 de12: 霽川好", {1: ["推 abc: 澄嵐爛"], 2: ["推 de12: 霽川好"]}),
        ("澄嵐太差//@某人:霽川新品", {1: ["澄嵐太差"], 2: ["//@某人:霽川新品"]}),
        ("說話的人。\n\n澄嵐漲價。\n\n雨下了一天。", {1: ["說話的人。", "澄嵐漲價。"]}),
        ("A欄。\n\nB欄。\n\n澄嵐漲價。另外，雨下了一天。", {1: ["澄嵐漲價。"]}),
        ("澄嵐客服\n\n打了三通電話。\n\n都沒人接。", {1: ["澄嵐客服", "打了三通電話。", "都沒人接。"]}),
        ("客戶(hù)說澄(chéng)嵐(lán)差。霽川好。", {1: ["客戶(hù)說澄(chéng)嵐(lán)差。"], 2: ["霽川好。"]}),
        ("沒有名字", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_each_brand_has_what_is_said_of_it(text: str, expected: dict[int, list[str]]) -> None:
    assert said(text) == expected


def test_a_portion_knows_whether_it_names_its_brand() -> None:
    kept = found("澄嵐很吵。充電也慢。")[1]
    assert [portion.named for portion in kept] == [True, False]


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("澄嵐不如霽川", Stance.WORSE, Stance.BETTER),
        ("澄嵐輸給霽川", Stance.WORSE, Stance.BETTER),
        ("澄嵐比霽川差遠了", Stance.WORSE, Stance.BETTER),
        ("澄嵐比霽川強多了", Stance.BETTER, Stance.WORSE),
        ("澄嵐沒有霽川好用", Stance.WORSE, Stance.BETTER),
        ("澄嵐和霽川没法比", Stance.WORSE, Stance.BETTER),
        ("澄嵐吊打霽川", Stance.BETTER, Stance.WORSE),
        ("澄嵐被霽川吊打", Stance.WORSE, Stance.BETTER),
        ("不买澄嵐买霽川", Stance.WORSE, Stance.BETTER),
        ("买澄嵐不买霽川", Stance.BETTER, Stance.WORSE),
        ("澄嵐不比霽川差", Stance.BETTER, Stance.MEASURE),
        ("澄嵐比霽川大一圈", Stance.SAID, Stance.MEASURE),
        ("澄嵐像霽川", Stance.SAID, Stance.MEASURE),
        ("澄嵐让我羨慕霽川用戶", Stance.SAID, Stance.BETTER),
        ("澄嵐和霽川都买过", Stance.SAID, Stance.SAID),
        ("澄嵐比较吵，霽川好", Stance.SAID, Stance.SAID),
        ("不是澄嵐还是霽川", Stance.SAID, Stance.SAID),
        ("是澄嵐好用还是霽川好用", Stance.SAID, Stance.SAID),
        ("澄嵐没有霽川的香味", Stance.SAID, Stance.SAID),
        ("澄嵐太吵，还是霽川好", Stance.SAID, Stance.BETTER),
    ],
)
def test_a_comparison_puts_one_above_the_other(text: str, first: Stance, second: Stance) -> None:
    kept = found(text)
    assert (kept[1][0].stance, kept[2][0].stance) == (first, second)


def test_what_is_compared_may_stand_in_the_sentence_before_or_behind() -> None:
    assert found("比起霽川，澄嵐好用多了")[2][0].stance is Stance.WORSE
    kept = found("澄嵐充電慢。还不如霽川。客服也差。")
    assert [p.stance for p in kept[1]] == [Stance.SAID, Stance.WORSE, Stance.SAID]
    assert [p.stance for p in kept[2]] == [Stance.BETTER]


def test_what_stands_before_a_yardstick_is_not_said_of_it() -> None:
    assert said("屏幕很差，真不如买霽川。") == {2: ["真不如买霽川。"]}


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("澄嵐很好", False),
        ("澄嵐很好，霽川也是", True),
        ("还不如霽川", True),
        ("還不如霽川", True),
        ("澄嵐" + "好" * LONG, True),
        ("澄嵐" + "好" * (LONG - 2), False),
        ("沒有名字" * LONG, False),
    ],
)
def test_short_posts_about_one_brand_need_no_portions(text: str, needed: bool) -> None:
    assert needs_portions(text, MATCHER.find_all(text)) is needed


PIECES = st.sampled_from(
    ["澄嵐", "霽川", "望舒", "Chenglan", "澄\u200b嵐",
     "不如", "比", "差", "好", "，", "。", "、", " ", "\n", "\n\n", "但", "推 ab: ",
     "//@a:", "客戶(hù)", "另外", "不买", "买", "\x00", "\ud800", "😡", "「", "」", "(", "！", "e\u0301", "1,000", "和"]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=60))


@given(TEXTS)
def test_portions_lie_in_order_inside_the_text(text: str) -> None:
    spans = MATCHER.find_all(text)
    kept = portions(text, spans)
    assert set(kept) == set(spans)
    for each in kept.values():
        assert each
        edges = [edge for portion in each for edge in (portion.start, portion.end)]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= len(text)
        assert all(portion.start < portion.end for portion in each)


@given(TEXTS)
def test_where_a_brand_is_named_is_its_portion(text: str) -> None:
    spans = MATCHER.find_all(text)
    kept = portions(text, spans)
    for brand, places in spans.items():
        for start, end in places:
            assert any(p.start < end and start < p.end and p.named for p in kept[brand]), (brand, start, end)


@given(TEXTS)
def test_a_sentence_that_names_only_one_brand_is_whole_that_brands(text: str) -> None:
    spans = {brand: places for brand, places in MATCHER.find_all(text).items() if brand == 1}
    kept = portions(text, spans).get(1, ())
    if any(portion.stance is not Stance.SAID for portion in kept) or ":" in text or "：" in text:
        return  # what stands before a yardstick is not said of it; another speaker's words are another unit
    covered = {at for p in kept for at in range(p.start, p.end)}
    for start, end in sentences(text):
        if any(start <= a < end for a, _ in spans.get(1, ())):
            words = [at for at in range(start, end) if text[at].isalnum()]
            assert covered.issuperset(words), text[start:end]


@pytest.mark.parametrize("unit", ["澄嵐比霽川差，", "澄嵐" + " " * 999, "//@a:"])
def test_a_megabyte_is_read(unit: str) -> None:
    text = ("澄嵐" + unit * (1_000_000 // len(unit)))[:1_000_000]
    assert portions(text, MATCHER.find_all(text))[1]


@pytest.mark.parametrize(
    "text",
    [
        "澄嵐不會比霽川好",
        "澄嵐沒有比霽川好",
        "澄嵐未必比霽川好用",
        "澄嵐不見得比霽川好",
        "澄嵐哪有比霽川好",
        "澄嵐不可能比霽川強",
        "澄嵐會比霽川好嗎",
        "難道霽川就比澄嵐好嗎",
    ],
)
def test_a_comparison_that_is_denied_or_asked_puts_nobody_above(text: str) -> None:
    stances = {p.stance for kept in found(text).values() for p in kept}
    assert not stances & {Stance.BETTER, Stance.WORSE}


@pytest.mark.parametrize("text", ["澄嵐就是比霽川好", "霽川沒澄嵐好用"])
def test_one_that_is_asserted_does(text: str) -> None:
    stances = {brand: {p.stance for p in kept} for brand, kept in found(text).items()}
    assert Stance.BETTER in stances[1]
    assert Stance.WORSE in stances[2]


@pytest.mark.parametrize("text", ["@澄嵐 @霽川 客服太爛,退錢", "退錢!騙子! @澄嵐 @霽川", "#澄嵐# #霽川# 兩家都爛"])
def test_brands_that_are_tagged_side_by_side_share_what_is_said(text: str) -> None:
    assert len(set(map(tuple, said(text).values()))) == 1
