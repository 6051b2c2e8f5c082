from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.safe import QUOTE_LENGTH, cut, http_url, inert, line, opening, quotation, subject
from tests.reports.invented_facts import HOSTILE_URLS


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    left = {c for c in inert(text) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert left <= {"\n", "\t", "\u200d"}
    inert(text).encode()


@given(st.text())
def test_inert_text_stays_as_it_is(text: str) -> None:
    assert inert(inert(text)) == inert(text)


def test_plain_words_are_verbatim() -> None:
    text = "等了 40 分鐘…店員說「沒辦法」😡 cafe\u0301 ﾟДﾟ"
    assert inert(text) == text


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("a\u202egnp.exe", "agnp.exe"),
        ("\u2066退\u2069款", "退款"),
        ("退\u200b款\ufeff", "退款"),
        ("a\x00\x1b[31mb", "a[31mb"),
        ("a\r\nb\u2028c\x85d\ve", "a\nb\nc\nd\ne"),
        ("\U000e0041tag", "tag"),
        ("half \ud83d", "half \ufffd"),
        ("Z" + "\u0301" * 40, "Z" + "\u0301" * 3),
    ],
)
def test_inert(hostile: str, harmless: str) -> None:
    assert inert(hostile) == harmless


def test_the_joiner_stays_only_inside_an_emoji() -> None:
    assert inert("👩\u200d👧 退\u200d款") == "👩\u200d👧 退款"


def test_a_private_character_cannot_pass_for_a_joiner() -> None:
    assert inert("退\ue0ff款") == "退款"


def test_a_quotation_keeps_its_lines_but_no_empty_ones() -> None:
    assert quotation("標題\r\n\r\n\n  第二行\t尾 ") == "標題\n第二行 尾"


def test_a_quotation_is_cut_to_length() -> None:
    assert quotation("壞" * 10_000) == "壞" * (QUOTE_LENGTH - 1) + "…"
    assert quotation("壞" * QUOTE_LENGTH) == "壞" * QUOTE_LENGTH


def test_a_cut_never_splits_a_joined_character() -> None:
    assert cut("ab👩\u200d👧c", 5) == "ab…"
    assert cut("abe\u0301xyz", 4) == "ab…"


def test_a_line_is_one_line() -> None:
    assert line("Subject: a\r\nBcc: b\u2028c") == "Subject: a Bcc: b c"


def test_a_subject_is_short_and_on_one_line() -> None:
    assert subject("a\nb" * 400).count("\n") == 0
    assert len(subject("壞" * 400)) == 120


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_no_link_from(url: str) -> None:
    assert http_url(url) == ""


@pytest.mark.parametrize("url", ["https://forum.example/a?b=1&c=%20#d", "http://例子.example/帖", "http://[::1]:8000/"])
def test_a_link_from(url: str) -> None:
    assert http_url(url) == url


def test_an_endless_link_is_none() -> None:
    assert http_url("https://a.example/" + "x" * 3000) == ""


@pytest.mark.parametrize(
    ("post", "said"),
    [
        ("[問題] 退費問題 打電話都沒人接", "退費問題 打電話都沒人接"),
        ("[問題] 我家的澄嵐氣炸鍋也冒煙 看完文去檢查，底部真的有焦痕", "我家的澄嵐氣炸鍋也冒煙"),
        ("Re: [抱怨] 退費拖了三週\n打三次電話", "退費拖了三週"),
        ("回复 @用户 :差点着火，太差了。[失望]", "差点着火，太差了"),
        ("還在「處理中」 🙃", "還在「處理中」"),
        ("一" * 50, "一" * 31 + "…"),
        ("等了很久很久很久，" + "一" * 50, "等了很久很久很久…"),
        ("\u202e[失望]", ""),
        ("…", ""),
    ],
)
def test_an_opening_names_a_post(post: str, said: str) -> None:
    assert opening(post) == said
