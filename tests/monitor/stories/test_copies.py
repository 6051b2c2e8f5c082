"""Which pairs of texts are near-copies, and which only look like it."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stories.copies import ASKED, KEPT, MAX_CORE, MAX_CORES, alike, cores, marks, weight
from monitor.stories.praise import STOCK

TEXT = "昨天在澄嵐門市買的氣炸鍋，用了不到一個月就開始冒煙，打客服電話沒人接，最後叫我自己寄回去，運費還要我出。"
SIMPLE = "昨天在澄岚门市买的气炸锅，用了不到一个月就开始冒烟，打客服电话没人接，最后叫我自己寄回去，运费还要我出。"


def same(one: str, other: str) -> bool:
    return any(alike(a, b) for a in cores(one) for b in cores(other))


@pytest.mark.parametrize(
    "told",
    [
        SIMPLE,
        f"转发微博//@小明:{TEXT}",
        f"太離譜了//@路人甲：哈哈//@小明：{SIMPLE}",
        f"【轉】{TEXT} #消費維權# 😡😡[怒]",
        f"12:30 5G 85%\n微博正文\n{TEXT[:20]}\n{TEXT[20:]}",
        TEXT[:26] + "……展開全文",
        TEXT[20:],
        TEXT.replace("昨天", "前天").replace("冒煙", "冒烟了").replace("最後", "最后竟"),
        TEXT.replace("氣", "汽").replace("客服", "客 服").replace("，", " "),
        "昨天在澄嵐门市买旳气炸锅，用了不到—个月就开始冒烟，打客服电活没人接，最后叫我白己寄回去",
        f"看看這個 https://example.test/a?b=1 {TEXT} via 論壇",
    ],
)
def test_reposts_are_copies(told: str) -> None:
    assert same(TEXT, told)
    assert same(told, TEXT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEXT, TEXT.replace("澄嵐", "霽川")),
        (TEXT, "搬運一下：" + TEXT.replace("昨天在澄嵐", "昨天在海底撈")),
        (TEXT, TEXT.replace("澄嵐", "霽川").replace("炸", "作").replace("煙", "胭").replace("運", "暈")),  # badly read
        (
            "澄嵐的售後真是一言難盡，打了五個電話都沒人接，最後說要我自己寄回去",
            "Chenglan的售后真是一言难尽，打了五个电话都没人接，最后说要我自己寄回去",
        ),
        (
            "小米的售后真的不行，小米客服打了五个电话都没人接，建议别买",
            "小鹏的售后真的不行，小鹏客服打了五个电话都没人接，建议别买",
        ),
        (
            "轉發抽獎：十一月三十日抽出3位送澄嵐氣炸鍋一台祝大家好運",
            "轉發抽獎：十一月三十日抽出8位送澄嵐氣炸鍋一台祝大家好運",
        ),
        (
            "台中一名陳姓婦人昨晚使用澄嵐氣炸鍋時突然冒煙，消防局獲報派員前往",
            "氣炸鍋起火，澄嵐回應了：將配合消防局鑑定，並主動聯繫台中消費者",
        ),
        (
            "物流很快，质量很好，非常满意，下次还来",
            "质量很好，物流很快，服务态度很好，非常满意，五星好评，下次还来",
        ),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_copy(one: str, other: str) -> None:
    assert not same(one, other)
    assert not same(other, one)


def test_no_number_is_a_scattered_edit_of_another() -> None:
    said = [f"澄嵐山第{n}號步道又封閉了真的很爛" for n in (0, 1, 2, 10, 11, 12, 101, 110, 111)]
    assert not any(same(one, other) for one, other in combinations(said, 2))


def test_words_of_the_other_side_of_the_strait_are_no_other_names() -> None:
    assert same(
        "澄岚的会员信息全部泄露了，网络上到处都能查到我的电话和住址",
        "澄嵐的會員資訊全部洩露了，網路上到處都能查到我的電話和住址",
    )


def test_stock_praise_is_found_whatever_it_begins_with() -> None:
    asked_first, _, alternatives = STOCK.pattern.partition("])")
    assert asked_first.startswith("(?=[")
    without = re.compile(alternatives)
    for word in re.findall("[\u4e00-\u9fff]+", alternatives):
        for text in (word, f"{word}好", f"{word}很好了", f"{word}购买", f"{word}好评"):
            assert [found.span() for found in STOCK.finditer(text)] == [
                found.span() for found in without.finditer(text)
            ]


def test_short_texts_and_stock_praise_have_no_core() -> None:
    assert cores("退錢退錢退錢退錢退錢退") == ()
    assert cores("退錢退錢退錢退錢退錢退錢") == ("退钱" * 6,)
    assert cores("物流很快，质量很好，非常满意") == ()
    assert weight("物流很快质量很好") == 4
    assert cores("哈哈//@小明:退钱//@小红:退款") == ()


def test_what_is_quoted_counts_by_itself() -> None:
    assert cores(f"說得太好了我也遇過一樣的事情啊//@小明:{TEXT}") == cores(TEXT)
    own = "我在另一家門市遇過一模一樣的事，店長還說是我自己弄壞的，錄影給他看了才肯退錢，說下次再這樣就報警"
    assert cores(f"{own}//@小明:{TEXT}") == (*cores(own), *cores(TEXT))
    long = "第{}個人都說過一樣的話不是嗎對吧，為什麼到今天還沒有人出來負責任，難道要等到有人受傷了才肯道歉"
    assert len(cores("//@某人:".join(map(long.format, "一二三四五六七")))) == MAX_CORES


def test_a_remark_on_two_things_ties_neither_to_the_other() -> None:
    remark, other = "昨天群裡有人發的，我覺得應該讓更多人看到", "澄嵐南港店明天起停業三天，說是更換空調設備"
    assert not same(f"{remark}//@小明:{TEXT}", f"{remark}//@小紅:{other}")
    assert not same(f"{remark}//@小明:{TEXT}", remark)


def test_what_a_board_writes_around_a_post_is_no_part_of_it() -> None:
    around = "※ 引述《kk77 (小K)》之銘言：\n: {}\n--\n※ 發信站: 批踢踢實業坊(ptt.cc), 來自: 203.0.113.7 (臺灣)\n"
    assert cores(around.format(TEXT)) == cores(TEXT)
    assert cores(around.format("澄嵐退錢")) == ()


def test_a_name_that_the_sentence_runs_on_around_says_something() -> None:
    promotion = "關注@{} 並轉發本條微博，本月底抽三位朋友各送氣炸鍋一台"
    assert not same(promotion.format("澄嵐"), promotion.format("霽川家電"))
    assert same(TEXT, f"{TEXT} @小明 @小紅")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("行程合理，吃得好，不虚此行，导游幽默", "酒店舒服，讲解清楚，不虚此行，导游幽默，吃得好"),
        ("湯頭清甜、肉質軟嫩、老闆親切、便宜大碗", "肉質軟嫩，老闆親切，小菜好吃，便宜大碗"),
        (
            "澄岚今日发布财报，营收同比增长百分之34，净利润同比下滑百分之2，管理层表示将加大投入",
            "看这个！霁川今日发布财报，营收同比增长百分之53，净利润同比下滑百分之35，管理层表示加大投入",
        ),
    ],
)
def test_phrases_in_another_order_and_other_numbers_are_no_copies(one: str, other: str) -> None:
    assert not same(one, other)
    assert not same(other, one)


def test_a_part_keeps_the_marks_of_the_whole() -> None:
    core = cores(TEXT * 3)[0]
    whole, part = marks(core), marks(core[: len(core) // 3])
    assert len(whole) <= ASKED
    assert set(whole[:KEPT]) & set(part)


@given(st.text(max_size=300))
def test_any_text_has_cores_that_can_be_compared(text: str) -> None:
    for core in cores(text):
        assert 12 <= len(core) <= MAX_CORE
        assert alike(core, core)
        assert marks(core)


@given(st.text(alphabet="退錢爛好用的了我a1 ", max_size=60), st.text(alphabet="退錢爛好用的了我a1 ", max_size=60))
def test_likeness_does_not_depend_on_the_order(one: str, other: str) -> None:
    for a in cores(one):
        for b in cores(other):
            assert alike(a, b) == alike(b, a)
