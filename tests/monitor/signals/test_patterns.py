"""The lexicon's language: what each mark means, what is refused, and that nothing repeats without a bound."""

from __future__ import annotations

import re

import pytest

from monitor.signals.lexicon import check_line
from monitor.signals.patterns import MANY, BadPattern, compile_line
from monitor.text import fold_text

SETS = {"who": "店員|客服(人员)?"}


def matches(line: str, text: str) -> bool:
    return re.search(compile_line(line, SETS).expression, fold_text(text)) is not None


@pytest.mark.parametrize(
    ("line", "yes", "no"),
    [
        ("退錢", "快退钱", "退一点钱"),
        ("(态度|口气)很?差", "口氣差", "口气太差"),
        ("等了{n}个?小时", "等了兩個小時", "等了个小时"),
        ("好*吃", "好好好吃", "好喝"),
        ("(很|好)+差", "很好差", "差"),
        ("[!不没]失望", "好失望", "不失望"),
        ("贵[!人宾]", "太贵了", "贵人"),
        ("{who}~不理", "店员都不理我", "店员、不理"),
        ("客服…骂人", "客服在电话里直接骂人", "客服很好,别骂人"),
        ("<求>", "好,求", "要求"),
        ("<求>", "求!", "求人"),
        ("cold ?call", "Cold Call", "cold--call"),
    ],
)
def test_marks(line: str, yes: str, no: str) -> None:
    assert matches(line, yes)
    assert not matches(line, no)


def test_a_gap_ends_with_its_clause_and_its_width() -> None:
    assert matches("客服…差", "客服" + "很" * MANY + "差")
    assert not matches("客服…差", "客服" + "很" * (MANY + 1) + "差")


@pytest.mark.parametrize("line", ["", "…", "停?", "(停", "停)", "{none}停", "[停]车", "停{n", "…停……停…停…"])
def test_what_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(BadPattern):
        compile_line(line, SETS)


@pytest.mark.parametrize("line", ["。。", "*", "...", "?!|,", "、+"])
def test_punctuation_alone_is_no_line_of_a_user(line: str) -> None:
    with pytest.raises(BadPattern, match="punctuation only"):
        check_line(line)
    check_line(line + "差|🤮")


def test_any_match_holds_an_anchor() -> None:
    pattern = compile_line("(客服|店员)…(不理|骂人)", SETS)
    assert {pattern.anchors, pattern.also} == {frozenset({"客服", "店员"}), frozenset({"不理", "骂人"})}
    assert compile_line("客服?(不理|骂人)?差", SETS).also == frozenset({"差"})
