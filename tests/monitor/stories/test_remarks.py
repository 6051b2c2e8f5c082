"""What somebody adds who passes a text on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stories.remarks import own_words


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("爛透了//@小魚: 澄嵐的咖啡杯會漏", "爛透了"),
        ("太過分了 //@小魚：澄嵐的咖啡杯會漏//@大魚:真的", "太過分了"),
        ("太过分了 ／／＠小鱼：澄岚的咖啡杯会漏", "太过分了"),
        ("不買了 RT @fish: 澄嵐的咖啡杯會漏", "不買了"),
        ("回覆@大魚:我也是，氣死//@大魚:漏了//@小魚:澄嵐的咖啡杯會漏", "我也是，氣死"),
        ("轉發微博//@小魚: 澄嵐的咖啡杯會漏", ""),
        ("转发微博。//@小魚: 澄嵐的咖啡杯會漏", ""),
        ("@朋友 @同事 轉發 [怒]🔥//@小魚: 澄嵐的咖啡杯會漏", ""),
        ("https://example.test/a //@小魚: 澄嵐的咖啡杯會漏", ""),
        ("//@小魚: 澄嵐的咖啡杯會漏", ""),
        ("澄嵐的咖啡杯會漏，寫信到 a@example.test", ""),
        ("https://example.test//@fish: 澄嵐", ""),
        ("", ""),
    ],
)
def test_what_stands_before_the_first_quote(text: str, own: str) -> None:
    assert own_words(text, "post") == own


def test_a_short_repost_without_a_quote_is_its_authors_and_a_long_one_is_what_is_passed_on() -> None:
    assert own_words("太過分了", "repost") == "太過分了"
    assert own_words("轉發微博", "repost") == ""
    assert own_words("澄嵐的咖啡杯會漏，店員說這很正常", "repost") == ""
    assert own_words("太過分了", "comment") == ""


@given(st.text(alphabet="太//@：: 转发RT[]\n\x00\ud800👇", max_size=60), st.sampled_from(["post", "repost"]))
def test_whatever_is_written_the_words_are_some_of_the_text(text: str, kind: str) -> None:
    assert own_words(text, kind) in text


def test_many_beginnings_of_a_quote_take_no_time() -> None:
    assert own_words("爛//@" * 20_000, "post") == ""
