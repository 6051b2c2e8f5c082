"""The config doctor: each finding on posts that show it, and silence on those that do not."""

from __future__ import annotations

import tomllib

from monitor.doctor import ENOUGH_POSTS, Finding, Sample, Terms, examine

PLAIN = [Sample(f"今天第{i}次出門買菜") for i in range(ENOUGH_POSTS)]


def says(found: list[Finding]) -> list[str]:
    return [f.says for f in found]


def test_good_rules_are_left_alone() -> None:
    posts = [*PLAIN, *(Sample(f"澄嵐的店員{i}很好") for i in range(50))]
    assert examine([Terms("澄嵐", ("澄嵐", "澄岚"))], posts) == []


def test_a_term_that_finds_nothing_is_told_once_there_are_posts_enough() -> None:
    brand = Terms("澄嵐", ("澄嵐", "澄岚", "成嵐", "成岚"))
    posts = [*PLAIN, Sample("澄嵐好")]
    (found,) = examine([brand], posts)
    assert found.says == f'["成嵐", "成岚"] found nothing in {ENOUGH_POSTS + 1} stored posts: a slip of the pen?'
    assert found.change == 'terms = ["澄嵐", "澄岚"]'
    assert examine([brand], posts[-50:]) == []


def test_the_other_script_is_missed_only_by_searches() -> None:
    (found,) = examine([Terms("澄嵐", ("澄嵐",))], [])
    assert found.change == 'terms = ["澄嵐", "澄岚"]'
    assert examine([Terms("Lan", ("Chenglan",))], []) == []
    for both in (("台积电", "台積電"), ("范思哲",), ("澄嵐", "澄岚")):
        assert not any(f.change for f in examine([Terms("x", both)], [])), both
    (asked,) = examine([Terms("华为", ("华为",))], [])
    assert "is there a Traditional form?" in asked.says  # which one, a person knows: 為 or 爲
    assert asked.change == ""


def test_a_change_is_a_line_of_toml_whatever_the_words() -> None:
    found = examine([Terms("x", ('嵐"\\澄',))], [])
    assert tomllib.loads(found[0].change)["terms"][0] == '嵐"\\澄'


def test_a_longer_word_round_a_term_is_shown_with_examples() -> None:
    posts = [Sample(f"去澄嵐山{what}") for what in ("看雪", "走走", "腳下", "露營", "。", "很冷")] + [
        Sample(f"澄嵐的咖啡{i}") for i in range(9)
    ]
    brand = Terms("澄嵐", ("澄嵐", "澄岚"))
    (found,) = examine([brand], posts)
    assert found.says == '"澄嵐" stands in "澄嵐山" in 6 of 15 posts: is that 澄嵐?'
    assert found.change == 'exclude = ["澄嵐山"]'
    assert found.examples[0] == "去澄嵐山看雪"
    assert examine([Terms("澄嵐", ("澄嵐", "澄岚"), exclude=("澄嵐山",))], posts) == []


def test_a_common_word_shows_in_what_was_not_searched_for() -> None:
    unasked = [Sample(f"我想買{i}", unasked=True) for i in range(ENOUGH_POSTS)]
    (found,) = examine([Terms("想買", ("想買", "想买"))], unasked)
    assert "is in 200 of 200 posts that were not searched for" in found.says
    searched = [Sample(p.text) for p in unasked]
    assert examine([Terms("想買", ("想買", "想买"))], searched) == []


def test_one_brand_inside_another_and_short_words() -> None:
    found = examine([Terms("米", ("米",)), Terms("米店", ("米店",)), Terms("LG", ("LG",))], [])
    assert '"米" is part of "米店" of 米店: each mention of that is one of 米 too' in says(found)
    assert sum("is so short" in s for s in says(found)) == 2
    fine = [Terms("米", ("米",), require=("店",), exclude=("米店",)), Terms("米店", ("米店",))]
    assert examine(fine, []) == []


def test_hostile_posts_are_only_text() -> None:
    posts = [Sample(t) for t in ("", "\ud800澄嵐\x00", "澄嵐" * 5000, "澄嵐\u202e<script>")] * 60
    assert all(isinstance(f, Finding) for f in examine([Terms("澄嵐", ("澄嵐", "澄岚"))], posts))
