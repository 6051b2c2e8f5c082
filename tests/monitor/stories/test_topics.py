"""What two tellings of one happening share, and what it weighs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stories.copies import cores
from monitor.stories.topics import (
    ASKED,
    LEAST_EVIDENCE,
    RARE,
    bits_now,
    evidence,
    needed,
    pieces,
    rarest,
    same_frame,
    terms,
)

FIRE = "台中一名陳姓婦人昨晚使用澄嵐氣炸鍋時突然冒煙，消防局獲報派員前往，所幸無人受傷"
AGAIN = "澄嵐氣炸鍋起火，台中陳姓婦人：才用了兩次就燒起來"
PRICE = "原物料上漲，澄嵐宣布電鍋售價下月調漲百分之二十，消基會要求說明"


def core(text: str) -> str:
    return max(cores(text), key=len)


def shared(one: str, other: str) -> dict[str, float]:
    return pieces(core(one), core(other), terms(core(one)).__getitem__)


def test_two_tellings_share_names_and_the_brands_other_news_does_not() -> None:
    assert evidence(shared(FIRE, AGAIN)) >= needed(len(terms(core(FIRE))), len(terms(core(AGAIN))))
    assert evidence(shared(FIRE, PRICE)) < LEAST_EVIDENCE


def test_words_for_what_may_happen_to_any_brand_are_no_name() -> None:
    one = "甲牌奶粉遭消費者投訴，市場監管局要求全面下架召回，公司致歉並表示將配合調查"
    other = "乙社面包被顧客投訴，市監局責令下架，企業道歉並召回，配合市場監管局調查"
    assert len(shared(one, other)) > 3
    assert evidence(shared(one, other)) == 0


def test_a_name_alone_is_not_enough() -> None:
    assert evidence({"澄岚": 13.0}) == 0
    assert evidence({"澄岚": 13.0, "澄岚气炸锅": 14.0}) == 0, "a piece in another counts once"
    assert evidence({"澄岚": 13.0, "台中": 13.0}) == 16


@pytest.mark.parametrize(
    ("one", "other", "number"),
    [
        ("店裡當場封存二百六十公斤豬肉", "被查封的豬肉一共有260公斤", "#260公"),
        ("果農說拖欠四千七百万元貨款", "公司承認欠款4700万元還沒付清", "#47000000元"),
        ("大火燒毀包裹二十萬件之多", "網購的20萬件包裹付之一炬", "#200000件"),
        ("即日起召回1萬4千台除濕機", "標檢局：一萬四千台除濕機回收", "#14000台"),
    ],
)
def test_a_number_is_the_same_however_it_is_written(one: str, other: str, number: str) -> None:
    assert number in shared(one, other)


def test_what_is_told_of_these_days_weighs_less_and_what_few_tell_no_less_than_before() -> None:
    assert bits_now(13.0, 0, 5_000) == 13.0
    weights = [bits_now(13.0, held, 5_000) for held in range(0, 2_000, 50)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] < 2
    assert all(bits_now(4.0, held, 100) <= 4.0 for held in range(100))


def test_of_a_long_text_the_same_terms_are_kept_whatever_else_it_says() -> None:
    told = terms(core(FIRE + PRICE + "桃園觀音工業區物流中心凌晨起火延燒十二小時燒毀八千坪二十萬件包裹付之一炬" * 2))
    kept = list(rarest(told, 20))
    assert len(kept) == 20
    assert min(told[term] for term in kept) >= max(told[term] for term in told if term not in kept)
    fewer = {term: bits for term, bits in told.items() if term in kept or bits < RARE}
    assert list(rarest(fewer, ASKED))[:20] == kept


def test_a_template_with_another_name_shares_its_frame_and_a_telling_does_not() -> None:
    filled = [
        core(f"提醒大家，最近有人冒充{b}客服打电话说要退款，千万不要点短信里的链接") for b in ("澄岚", "霁川科技")
    ]
    assert same_frame(*filled)
    assert not same_frame(core(FIRE), core(AGAIN))


@given(
    st.text("澄岚气炸锅冒烟台中消防局260万元ab3，。", max_size=60),
    st.text("澄岚气炸锅起火台中婦260万ab3。", max_size=60),
)
def test_what_two_share_is_the_same_either_way_and_stands_in_both(one: str, other: str) -> None:
    weigh = lambda term: 13.0  # noqa: E731
    found = pieces(one, other, weigh)
    assert all(piece in one and piece in other for piece in found if piece[0] >= "\u3400")
    assert math.isclose(evidence(found), evidence(pieces(one, other, weigh)))
    assert found.keys() & terms(one).keys() <= terms(other).keys()
    assert evidence(found) >= 0
