"""Signals: the words that carry a feeling, and none where they are denied, asked, imagined or another brand's."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Feeling
from monitor.signals import LONGEST, MOST, Lexicon, OwnTheme, find, of_brands, shipped

COMPLAINTS = {
    "service": ["客服态度很差", "店員愛理不理", "客服一直不回覆"],
    "waiting": ["物流慢的要死", "外卖等了两个小时才送到", "點餐排隊排了好久"],
    "runaround": ["客服互相推诿", "客服說沒辦法處理", "商家不给退换"],
    "refund": ["商家拒绝退款", "东西退货太麻烦了", "快點退錢!"],
    "quality": ["质量太差了", "菜真的很難吃", "买了三天就坏了"],
    "safety": ["外卖吃完就拉肚子", "產品用了之後過敏", "手机突然爆炸"],
    "delivery": ["快递丢了", "外卖的汤都洒了", "又送错餐"],
    "stock": ["客服告诉我没货", "订单被取消", "商家說沒貨了還接單"],
    "app": ["App老是閃退", "手机登不上去", "服务器又炸了"],
    "price": ["价格太贵了", "刚买就降价", "這東西不值這個價"],
    "promise": ["商家虚假宣传", "買东西说好的赠品都没有送", "活動是騙人的"],
    "hygiene": ["饭里有头发", "餐具好髒", "收到的麵包發霉了"],
    "privacy": ["商家洩露我的個資", "平台泄露用户信息", "买了之后天天接到骚扰电话"],
}
OTHERS = {
    Feeling.DISAPPOINTMENT: ["這家店有點失望", "味道還好而已", "以前比較好吃,現在不行了", "好吃,但是太贵"],
    Feeling.LEAVING: ["再也不買了", "以後不會再來這家店", "准备退订", "呢間店唔會再嚟"],
    Feeling.TELLING: ["大家千万别买", "避雷這家", "蘭州店大家別去", "商家太坑,我要找媒体曝光"],
    Feeling.EXIT: ["游戏已经卸载了", "早就不喝蒙牛了"],
    Feeling.WISH: ["要是能送个保护套就好了", "希望店家改进", "为什么不能退货", "学学人家海底捞的服务"],
    Feeling.PRAISE: ["店員很親切", "质量非常好", "物流很快!"],
    Feeling.MOVED: ["味道比想象中好吃", "质量完全超出预期", "收到产品很惊喜"],
}


@pytest.mark.parametrize(("theme", "text"), [(theme, text) for theme, texts in COMPLAINTS.items() for text in texts])
def test_complaints_have_their_theme(theme: str, text: str) -> None:
    assert (Feeling.COMPLAINT, theme) in {(s.kind, s.theme) for s in find(text)}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in OTHERS.items() for text in texts])
def test_other_kinds(kind: Feeling, text: str) -> None:
    assert kind in {s.kind for s in find(text)}


BY_GOODS = {
    "quality": [
        "菜太油了", "肉還是生的", "雞排咬不動", "筷子都沒給", "餃子都黏在一起了", "米饭没熟", "量有點少,沒吃飽",
        "橙子一點都不甜", "裤子有点短", "衣服起球很嚴重", "扣子掉了", "手机有点卡", "平板經常黑屏", "散熱有點差",
        "手機沒有充電器", "洗完頭髮很油", "用完完全沒有效果", "這遊戲卡池太摳", "劇情稀爛,對不起玩家", "包装被拆过了",
        "这店有够雷", "這間好伏,啲嘢唔好食", "什么破手机", "裤子味道特别大",
    ],
    "waiting": ["两个小时才送到", "送餐时间太长了", "外賣好久才送到", "還沒有人接單"],
    "delivery": ["外卖根本没送", "包裹被压坏了", "点的牛腩结果送来的是鸡排", "让我下楼去取外卖"],
    "service": ["售后没人理", "客服電話打不通", "外賣小哥甩臉"],
    "promise": ["备注不要香菜完全没看", "商家就是骗子,上当了", "没收到赠品"],
    "hygiene": ["汤里吃出一只苍蝇", "蛋糕都发霉了"],
    "stock": ["付款后告诉我没货", "订单被取消了"],
}  # fmt: skip


@pytest.mark.parametrize(("theme", "text"), [(theme, text) for theme, texts in BY_GOODS.items() for text in texts])
def test_what_is_wrong_with_goods_meals_and_games(theme: str, text: str) -> None:
    assert theme in {s.theme for s in find(text)}


@pytest.mark.parametrize("text", ["裤子味道特别大", "苹果味道很大"])
def test_a_strong_smell_is_no_praise(text: str) -> None:
    assert Feeling.PRAISE not in {s.kind for s in find(text)}


@pytest.mark.parametrize(
    "text",
    ["手机不卡", "衣服没有起球", "苹果一点都不酸", "系统不难装", "肉不硬", "包装没有破损", "手机没有黑屏", "饼不油腻"],
)
def test_a_fault_denied_is_none(text: str) -> None:
    assert Feeling.COMPLAINT not in {s.kind for s in find(text)}


@pytest.mark.parametrize(
    "text",
    [
        "不用排隊", "没有等很久", "态度很好", "客服在吗", "质量差吗?", "万一送错怎么办", "如果送错可以退款",
        "退款很快到账了", "没有洒出来", "不会失望", "沒有讓我失望", "這家不貴", "客服電話是多少", "",
    ],
)  # fmt: skip
def test_a_word_alone_or_denied_or_asked_is_no_complaint(text: str) -> None:
    kinds = {s.kind for s in find(text)}
    assert not kinds & {Feeling.COMPLAINT, Feeling.DISAPPOINTMENT, Feeling.LEAVING, Feeling.TELLING, Feeling.EXIT}


def test_a_brand_named_near_it_is_company_enough() -> None:
    text = "澄嵐吃完就拉肚子"
    assert find(text) == ()
    assert [s.theme for s in find(text, named=[(0, 2)])] == ["safety"]


def test_both_scripts_and_glosses_give_the_same_signals_at_their_own_places() -> None:
    plain, marked = "客戶服務很差,客服態度很差", "客戶(hù)服務(wù)很差,客服態度很差"
    of_plain, of_marked = find(plain), find(marked)
    assert [(s.kind, s.theme, s.rule) for s in of_plain] == [(s.kind, s.theme, s.rule) for s in of_marked]
    assert marked[of_marked[-1].start : of_marked[-1].end] == "客服態度很差"


def test_praise_of_staff_is_shown_without_a_name() -> None:
    text = "店員小王真的很親切"
    (praise,) = [s for s in find(text) if s.theme == "staff"]
    assert "小王" not in text[praise.start : praise.end]
    (named,) = [s for s in find(text, keep_names=True) if s.theme == "staff"]
    assert "小王" in text[named.start : named.end]


def test_signals_go_to_the_brand_of_their_portion() -> None:
    text = "霽川的質量非常好。澄嵐的客服態度很差,再也不買了。"
    found = of_brands(text, {1: [(0, 2)], 2: [(9, 11)]}, find(text))
    assert {s.kind for s in found[1]} == {Feeling.PRAISE}
    assert {s.kind for s in found[2]} == {Feeling.COMPLAINT, Feeling.LEAVING}


def test_own_lines_extend_a_theme_or_make_one() -> None:
    lexicon = Lexicon((OwnTheme("停車", ("停車…難",), unless=("好停",)), OwnTheme("waiting", ("上桌慢",))))
    assert [(s.theme, s.rule) for s in find("停车真的难,上桌慢", lexicon)] == [
        ("停車", "停車: 停車…難"),
        ("waiting", "waiting: 上桌慢"),
    ]
    assert find("停车好停不难", lexicon) == ()
    assert lexicon.version != shipped().version


def test_a_theme_of_the_users_takes_the_place_of_no_grave_one() -> None:
    lexicon = Lexicon((OwnTheme("異物", ("湯裡…異物",)), OwnTheme("腸胃", ("餐點…拉肚子",))))
    assert [s.theme for s in find("店裡的湯裡有隻蟑螂,是異物", lexicon)] == ["hygiene"]
    assert [s.theme for s in find("餐點吃完我就拉肚子了", lexicon)] == ["safety"]


def test_no_line_stands_twice_and_none_escapes_a_letter() -> None:
    lines = [(line.kind, line.theme, line.expression, line.company) for line in shipped().lines]
    assert len(set(lines)) == len(lines)
    assert not [line.rule for line in shipped().lines if "\\" in line.rule]


def test_every_shipped_line_compiles_and_is_named() -> None:
    lines = shipped().lines
    assert all(line.search and line.rule for line in lines)
    assert {line.kind for line in lines} == set(Feeling)
    assert set(shipped().themes(Feeling.COMPLAINT)) == set(COMPLAINTS)


@given(st.text(st.sampled_from("客服态度很差不等了两个小时退款,。 \n失望但e\u0301(hù)店员王"), max_size=80))
@settings(deadline=None, max_examples=200)
def test_spans_lie_in_the_text_and_do_not_overlap_within_a_kind(text: str) -> None:
    found = find(text)
    for kind in Feeling:
        spans = [(s.start, s.end) for s in found if s.kind is kind]
        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize(
    "unit", ["等了两个小时", "客服态度很差", "客服很", "但是好吃", "e\u0301", "啊", "不", "(hù)", "希望能"]
)
def test_a_hostile_text_is_read_to_its_bound(unit: str) -> None:
    """Nothing here backtracks without a bound: ten thousand letters of one kind end in a moment."""
    found = find(unit * 10_000)
    assert len(found) <= MOST
    assert all(s.end <= LONGEST for s in found)
