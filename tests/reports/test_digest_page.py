"""What the page says of complaints, themes, competitors and feelings, and in what order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from monitor.model import Digest, Feeling
from reports.citing import linked
from reports.digest_view import digest_view
from reports.language import LOCALES, language
from reports.ledger_view import age
from reports.render import digest_mail, digest_page
from tests.reports import invented_facts as facts
from tests.reports import invented_feelings as felt

CODES = tuple(LOCALES)


def page(day: Digest, code: str = "en") -> HTMLParser:
    """Cells and terms end with a space, as they are seen."""
    return HTMLParser(re.sub("(</(?:dt|th|td)>)", r"\1 ", digest_page(day, code)))


def text(tree: HTMLParser, place: str) -> str:
    """The words of the first place, or nothing."""
    node = tree.css_first(place)
    return " ".join(node.text(separator="").split()) if node is not None else ""


def texts(tree: HTMLParser, place: str) -> list[str]:
    return [" ".join(node.text(separator="").split()) for node in tree.css(place)]


SECTIONS = [
    "answer", "incidents", "stories", "days", "platforms", "themes", "rivals", "good", "unmet", "going", "travel",
    "unknowns", "coverage", "evidence",
]  # fmt: skip


class TestOrder:
    def test_a_day_of_which_everything_is_known(self) -> None:
        assert [n.attributes["id"] for n in page(felt.rich_day()).css("main > section[id]")] == SECTIONS

    def test_what_has_nothing_to_say_is_not_there(self) -> None:
        shown = [n.attributes["id"] for n in page(facts.zero_day()).css("main > section[id]")]
        assert shown == ["stories", "days", "unknowns", "coverage", "evidence"]

    def test_a_silent_day_says_in_one_line_that_nobody_waits(self) -> None:
        tree = page(felt.silent_day())
        assert text(tree, "#answer") == "What to answer today No complaint waits for an answer."
        assert tree.css_first(".waiting") is None

    @pytest.mark.parametrize("code", CODES)
    @pytest.mark.parametrize("name", felt.FELT)
    def test_headings_step_down_one_at_a_time(self, name: str, code: str) -> None:
        levels = [int(n.tag[1]) for n in page(felt.FELT[name](), code).css("h1, h2, h3, h4")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b - a <= 1 for a, b in pairwise(levels))

    def test_five_hundred_characters_tell_the_day(self) -> None:
        """The verdict, what waits, what was not heard, and the four numbers; without the quotes below them."""
        tree = page(felt.rich_day(), "zh-Hant")
        top = "".join(text(tree, place) for place in ("header", ".verdict", ".figures", ".midnight"))
        assert 200 < len(re.sub(r"\s", "", top)) < 420
        most_pressing = "".join(texts(tree, "#answer > ol > li")[:1])
        assert len(re.sub(r"\s", "", top + most_pressing)) < 540


class TestWhatToAnswer:
    def answers(self, day: Digest | None = None) -> list[str]:
        return texts(page(day or felt.rich_day()), "#answer > ol > li")

    def test_each_has_its_sentence_source_time_reach_theme_and_what_changed(self) -> None:
        first, second, *_ = self.answers()
        for part in (
            "退費退了三個禮拜還在「處理中」", "threads", "15:48", "21,400 followers", "New since yesterday",
            "refunds · service", "Reach 42,310", "Pace 96.4 an hour", "Waiting 8.2 h", "231 posts · 12 voices",
        ):  # fmt: skip
            assert part in first, part
        assert "Since yesterday: +31 posts, +15,254 reach" in second
        assert "Waiting 33.7 h" in second

    def test_in_the_order_given_with_their_rank_and_link(self) -> None:
        tree = page(felt.rich_day())
        assert texts(tree, "#answer .rank") == ["1", "2", "3", "4", "5", "6", "7"]
        links = [n.attributes["href"] for n in tree.css("#answer > ol > li a.post")]
        assert links == [c.quote.url for c in felt.TO_ANSWER[:5]]

    def test_five_stand_open_and_the_others_are_folded_and_counted(self) -> None:
        tree = page(felt.rich_day())
        assert len(tree.css("#answer > ol > li")) == 5
        assert len(tree.css("#answer > details > ol > li")) == 2
        assert tree.css_first("#answer > details > ol").attributes["start"] == "6"  # type: ignore[union-attr]
        assert texts(tree, "#answer > p.meta") == ["and 2 more complaints"]

    def test_nothing_new_is_said_too(self) -> None:
        assert "Since yesterday: nothing new" in self.answers()[4]

    def test_reach_that_fell_has_a_minus(self) -> None:
        less = replace(felt.TO_ANSWER[1], posts_before=40, reach_before=20_000)
        day = replace(felt.rich_day(), ledger=replace(felt.LEDGER, to_answer=(less,), waiting=1))
        assert "Since yesterday: −1,796 reach" in self.answers(day)[0]

    def test_reach_that_no_platform_shows_is_not_zero(self) -> None:
        unknown = replace(felt.TO_ANSWER[1], reach=None, reach_before=None, velocity=0.1)
        day = replace(felt.rich_day(), ledger=replace(felt.LEDGER, to_answer=(unknown,), waiting=1))
        (said,) = self.answers(day)
        assert "Reach – Pace" in said
        assert "Since yesterday: +31 posts About" in said
        assert "Pace 2.4 a day" in said

    def test_the_verdict_says_how_many_wait(self) -> None:
        assert text(page(felt.rich_day()), ".verdict .waiting").startswith(
            "9 complaints wait for an answer (6 new on this day)."
        )

    def test_where_none_that_waits_is_at_hand_it_says_so(self) -> None:
        """They are older than four weeks, removed, or forgotten: no heading stands over nothing."""
        day = replace(felt.rich_day(), ledger=replace(felt.LEDGER, to_answer=(), waiting=24))
        said = "Of none of them was anything heard in the last four weeks that is still there to be quoted."
        assert said in text(page(day), "#answer")
        assert said in digest_mail(day, "en", "x").text

    def test_calm_is_not_read_from_what_was_not_heard(self) -> None:
        blind = replace(facts.blind_day(), ledger=felt.nothing())
        assert "Nothing waits for an answer in what was heard; too little was heard" in text(page(blind), "#answer")

    @pytest.mark.parametrize(
        ("hours", "said"), [(0.4, "24 min"), (8.2, "8.2 h"), (47.9, "47.9 h"), (48, "2 days"), (130, "5 days")]
    )
    def test_ages(self, hours: float, said: str) -> None:
        assert age(timedelta(hours=hours), language("en")) == said


class TestLedger:
    def test_an_answer_is_not_a_recovery(self) -> None:
        tree = page(felt.rich_day())
        assert texts(tree, ".pair tr") == ["Answered 5", "Made good 2"]
        widths = [n.attributes["width"] for n in tree.css(".pair rect")]
        assert widths == ["100%", "40%"]
        assert "only the customer can say that it was made good" in text(tree, ".pair caption")

    def test_its_arithmetic(self) -> None:
        states = texts(page(felt.rich_day()), ".states > div")
        assert states == ["Arrived 6", "Waiting now 9", "Answered, not made good 7", "Lost 1"]

    def test_medians_are_said_in_words_and_only_where_there_are_enough(self) -> None:
        ledger = text(page(felt.rich_day()), ".ledger")
        assert "Half of the complaints were answered within 5.4 h." in ledger
        assert "Half of those made good were so within 2 days." in ledger
        assert "made good were" not in text(page(felt.quiet_day()), ".ledger")

    def test_what_was_made_good_is_shown_with_our_answer(self) -> None:
        good = text(page(felt.rich_day()), ".ledger details")
        for part in ("錢收到了", "已私訊您訂單編號", "Answered after 22 h", "Made good after 2 days"):
            assert part in good, part


class TestThemes:
    def test_each_has_its_voices_posts_week_and_sentence(self) -> None:
        first, *_ = texts(page(felt.rich_day()), ".theme")
        for part in ("waiting", "26 voices", "34 posts", "Week before 4 +22 more than noise", "等了四十分鐘", "14:18"):
            assert part in first, part

    def test_noise_and_missing_figures_are_said(self) -> None:
        rows = texts(page(felt.rich_day()), ".theme")
        assert "Week before 3 +2 within noise" in rows[2]
        assert "no figures" in rows[4]
        assert "Week before 3 not comparable" in text(page(felt.deaf_day()), ".theme")

    def test_fourteen_days_are_drawn_and_told_to_who_does_not_see_them(self) -> None:
        tree = page(felt.rich_day())
        spark = tree.css(".spark")[0]
        assert len(spark.css("rect")) == 14
        assert spark.attributes["aria-label"] == "Voices of the last 14 days: 2, 3, 1, 2, 3, 4, 2, 4, 1, 2, 3, 2, 5, 26"
        heights = [float(r.attributes["height"] or 0) for r in spark.css("rect")]
        assert max(heights) == heights[-1] == 23.0

    def test_a_theme_without_a_voice_is_shown_only_where_it_is_copied(self) -> None:
        silent = replace(felt.THEMES[0], theme="price", voices=0, posts=1)
        copied = replace(felt.THEMES[0], theme="taste", voices=0, posts=40)
        day = replace(felt.rich_day(), themes=(felt.THEMES[0], copied, silent))
        assert texts(page(day), ".theme h3")[1:] == ["taste"]

    def test_a_theme_of_the_users_own_keeps_its_name(self) -> None:
        own = replace(felt.THEMES[0], theme="外帶杯蓋")
        assert text(page(replace(felt.rich_day(), themes=(own,))), ".theme h3") == "外帶杯蓋"


class TestRivals:
    def test_shares_and_net_sentiment(self) -> None:
        rows = texts(page(felt.rich_day()), ".rivals tbody tr")
        assert rows == ["澄嵐 43.6% 7,141 +0.20", "霧青茶 49.6% 8,120 +0.28", "晚汀 6.8% 1,120 –"]
        assert len(page(felt.rich_day()).css("tr.own")) == 1

    def test_what_they_do_better(self) -> None:
        said = text(page(felt.rich_day()), "#rivals > ul")
        assert "霧青茶 does better on waiting: 1.1% of its mentions complain of it, 4.3% of ours." in said

    def test_wishes_that_a_rival_fulfils(self) -> None:
        one, two = texts(page(felt.rich_day()), "#rivals article")
        assert "要是有半糖以下的選項" in one
        assert "霧青茶 is praised for it:" in one
        assert "三分糖剛剛好" in one
        assert "The wish names 晚汀 itself." in two

    def test_without_four_weeks_the_day_alone_is_shown(self) -> None:
        tree = page(facts.incident_day())
        assert tree.css_first(".rivals") is None
        assert len(tree.css("#rivals .split tbody tr")) == 2


class TestFeelings:
    def test_each_kind_with_its_count_and_words(self) -> None:
        tree = page(felt.rich_day())
        assert texts(tree, "#good h3") == [
            "Praise 38 posts · 35 the day before",
            "Moved beyond what they expected 3 posts",
        ]
        assert texts(tree, "#going h3")[0] == "Will not come back 9 posts · 1 the day before"
        assert len(tree.css("#going h3")) == 4
        assert "大雨天店員特地跑出來" in text(tree, "#good")
        assert "拜託出小杯" in text(tree, "#unmet")

    def test_complaints_have_a_section_of_their_own(self) -> None:
        shown = {n.attributes["class"] for n in page(felt.rich_day()).css(".felt")}
        assert shown == {f"felt {kind}" for kind in Feeling if kind is not Feeling.COMPLAINT}


class TestWords:
    @pytest.mark.parametrize("code", ["zh-Hant", "zh-Hans"])
    @pytest.mark.parametrize("name", felt.FELT)
    def test_chinese_pages_have_no_english_left(self, name: str, code: str) -> None:
        tree = page(felt.FELT[name](), code)
        tree.strip_tags(["style", "bdi", "pre", "code", "title"])
        left = set(re.findall(r"[A-Za-z]{3,}", text(tree, "body")))
        assert left <= {"App", "Asia", "Taipei", "GMT", "HTTP", "threads", "ptt", "dcard", "news", "food", "login",
                        "required", "drink", "facebook", "plurk"}  # fmt: skip

    @pytest.mark.parametrize("code", CODES)
    def test_page_mail_and_view_say_the_same_of_a_number(self, code: str) -> None:
        view = digest_view(felt.rich_day(), language(code))
        assert str(linked(view.figures[0].value)) == '<a class="number" href="#proof-day">345</a>'

    def test_a_quote_on_an_english_page_is_said_to_be_chinese(self) -> None:
        assert {n.attributes.get("lang") for n in page(felt.rich_day()).css("blockquote, q")} == {"zh"}
        assert {n.attributes.get("lang") for n in page(felt.rich_day(), "zh-Hans").css("blockquote, q")} == {None}


@pytest.mark.parametrize("day", [*facts.DAYS.values(), *felt.FELT.values(), felt.hostile_feelings])
def test_every_link_in_the_page_has_an_end(day: Callable[[], Digest]) -> None:
    for code in CODES:
        tree = page(day(), code)
        ends = [n.attributes["id"] for n in tree.css("[id]")]
        assert len(ends) == len(set(ends))
        assert {(n.attributes["href"] or "")[1:] for n in tree.css("a[href^='#']")} <= set(ends)
