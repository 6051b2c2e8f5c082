"""The archive's index pages and the weekly roll-up, as a browser and a mail reader get them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from monitor.model import Archive, Totals, Week
from reports.archive_pages import archive_page, front_page
from reports.archive_view import archive_view, spark
from reports.language import LOCALES, language
from reports.safe import http_url
from reports.week_pages import week_mail, week_page
from tests.browser import Browser
from tests.reports import invented_weeks as facts
from tests.reports.invented_facts import HOSTILE_TEXTS

CODES = tuple(LOCALES)
VOID = ("meta", "br", "link", "path", "rect")


class Seen(HTMLParser):
    """Tags with their attributes, and the words between them; the nesting is checked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open[-1:]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def pages(code: str) -> dict[str, str]:
    brands = [facts.archive(), facts.archive(HOSTILE_TEXTS[0]), replace(facts.archive(), days=())]
    return {
        "index": archive_page(facts.archive(), code),
        "year": archive_page(facts.archive(), code, 2026),
        "hostile": archive_page(facts.archive(HOSTILE_TEXTS[0]), code),
        "front": front_page(brands, code),
        **{f"week {name}": week_page(week(), code) for name, week in facts.WEEKS.items()},
        "week hostile": week_page(facts.hostile_week(), code),
    }


@pytest.mark.parametrize("code", CODES)
def test_pages_are_whole_without_script_and_allow_one_style_sheet(code: str) -> None:
    for name, html in pages(code).items():
        seen = Seen(html)
        assert {tag for tag, _ in seen.tags} & {"script", "img", "link", "iframe", "form", "object"} == set(), name
        assert not [a for _, a in seen.tags for key in a if key == "style" or key.startswith("on")], name
        (css,) = re.findall(r"<style>(.*?)</style>", html, re.S)
        allowed = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
        policy = next(a["content"] for t, a in seen.tags if t == "meta" and a.get("http-equiv"))
        assert policy == f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
        links = [a["href"] or "" for t, a in seen.tags if t == "a"]
        assert all(http_url(h) or re.fullmatch(r"(\.\./)?([\w%.-]+/)?[\w.%-]+\.(html|atom)|#[\w-]+", h) for h in links)
        assert next(a for t, a in seen.tags if t == "html")["lang"] == code


@pytest.mark.parametrize(
    ("code", "first", "column"), [("zh-Hant", "週日", 6), ("zh-Hans", "周一", 5), ("en", "Mon", 5)]
)
def test_a_week_begins_where_the_locale_begins_it(code: str, first: str, column: int) -> None:
    view = archive_view(facts.archive(), language(code))
    assert view.weekdays[0] == first
    assert [m.iso for m in view.months] == ["2026-11", "2026-10", "2026-09"]
    friday = view.months[0].cells[-1]
    assert (friday.iso, friday.column) == ("2026-11-20", column)


def test_each_day_says_its_verdict_in_a_word_and_in_colour() -> None:
    view = archive_view(facts.archive(), language("en"))
    cells = {c.iso: c for m in view.months for c in m.cells}
    assert len(cells) == 53
    assert {c.verdict: c.word for c in cells.values()} == {
        "calm": "Calm", "raised": "Raised", "incident": "Incident", "unknown": "Unknown", "learning": "Learning",
        "empty": "No mentions", "none": "No digest",
    }  # fmt: skip
    storm = next(c for c in cells.values() if c.verdict == "incident")
    assert (storm.voices, storm.incident, storm.said) == (
        "61", "1 incident", "61 negative voices among 488 mentions",
    )  # fmt: skip
    assert [c.iso for c in cells.values() if not c.href] == ["2026-10-10", "2026-10-11", "2026-10-12"]
    assert [c.said for c in cells.values() if not c.href] == [
        "Qianli stood still when it was due, for over a week",
        "no source was asked: Qianli did not run, or had none", "",
    ]  # fmt: skip
    assert {c.heard for c in cells.values() if c.verdict == "unknown"} == {"only 40% heard"}
    assert cells["2026-09-30"].voices == ""  # an older version noted no number
    corrected = cells["2026-10-07"]
    assert (corrected.revision, corrected.href) == ("Revision 3", "2026-10-07-r3.html")
    assert corrected.older == (("Revision 1", "2026-10-07.html"), ("Revision 2", "2026-10-07-r2.html"))


def test_the_legend_explains_every_verdict_that_there_is() -> None:
    for code in CODES:
        html = archive_page(facts.archive(), code)
        legend = html[html.index('class="legend"') :]
        assert all(f'<dt class="{verdict}">' in legend for verdict in (*facts.VERDICTS, "none"))


def test_weeks_are_listed_where_they_end_with_their_revisions() -> None:
    text = Seen(archive_page(facts.archive(), "en")).text
    assert "Mon, 11/9 – Sun, 11/15 · Incident · 98 negative voices Revision 1" in text


class TestSpark:
    def test_columns_stand_at_their_hour_and_the_largest_fills_the_height(self) -> None:
        assert spark((0, 16, 0, 4), 16) == "M1 16v-16h.8v16zM3 16v-8h.8v8z"

    def test_nothing_is_drawn_for_nothing(self) -> None:
        assert spark((0,) * 24, 4) == ""

    def test_one_voice_shows_beside_ten_thousand(self) -> None:
        assert "v-1h" in spark((1, 10_000), 10_000)


class TestWeek:
    def text(self, week: Week, code: str = "en") -> str:
        return Seen(week_page(week, code)).text

    @pytest.mark.parametrize(
        ("before", "said"), [(66, "A week like the one before: "), (240, "No incident in this week: ")]
    )
    def test_a_calm_week_is_like_the_one_before_only_if_it_is(self, before: int, said: str) -> None:
        calm = facts.week(verdict="calm", incidents=(), totals=Totals(400, 70, 60), before=Totals(900, 260, before))
        assert f"{said}60 negative voices among 400 mentions ({before} the week before)." in self.text(calm)

    def test_it_says_what_happened_against_the_week_before(self) -> None:
        text = self.text(facts.week())
        for part in (
            "2 incidents in this week: loudest is “等了四十分鐘,店員只說『系統壞了我也沒辦法』”; ",
            "; 98 negative voices among 1,812 mentions (41 the week before).",
            "Negative voices 98 The week before 41 +57 more than noise",
            "Mentions 1,812 The week before 1,720 +92 within noise",
            "5 alerts were sent about 2 incidents; people judged 1 of them to be not about us.",
            "taken after 12 min · over after 9.2 h",
            "not over yet",
            "31 negative voices · 9 copies · first seen 11/20 14:15",
            "waiting 26 voices +22 · more than noise",
            "New in the week 6",
            "Waiting now 9",
            "ptt-food was not heard from 11/20 02:00 to 11/20 05:00. Reason: HTTP 503",
        ):
            assert part in text, part

    def test_seven_columns_with_the_incident_marked(self) -> None:
        html = week_page(facts.week(), "en")
        assert html.count('class="chart ') == 2
        assert len(re.findall(r'class="day(?: marked)?"[^>]*>', html[html.index('class="chart ') :])) == 14

    def test_an_empty_week_says_so_and_is_whole(self) -> None:
        text = self.text(facts.quiet_week())
        for part in (
            "Nobody mentioned 澄嵐 in this week.", "No alert was sent.", "No incident in this week.",
            "No negative story was heard in this week.", "The week before no figures",
        ):  # fmt: skip
            assert part in text, part

    def test_a_deaf_week_is_unknown_and_late_ones_and_revisions_say_so(self) -> None:
        text = self.text(facts.deaf_week())
        assert "Unknown: too little of the week was heard to judge it." in text
        assert "Late: this roll-up was made at 11/21 08:36." in text
        assert "Revision 2: it replaces revision 1, made at 11/21 08:30, which stays in the archive." in text
        assert "not comparable" in text

    @pytest.mark.parametrize("code", CODES)
    def test_mail_and_text_say_what_the_page_says_and_fit(self, code: str) -> None:
        for week in (*(w() for w in facts.WEEKS.values()), facts.hostile_week()):
            mail = week_mail(week, code, "https://pr.example/w.html")
            found = re.search(r'<p class="sentence">(.*?)</p>', week_page(week, code))
            assert found
            assert len(mail.html.encode()) < 100_000
            assert "\n" not in mail.subject
            assert "https://pr.example/w.html" in mail.text
            Seen(mail.html)
        mail = week_mail(facts.week(), code, "w.html")
        assert Seen(week_page(facts.week(), code)).text.split("98")[0][-20:] in " ".join(mail.text.split()) + mail.text


def documents() -> Iterator[tuple[str, str]]:
    for code in CODES:
        for name, page in pages(code).items():
            yield f"{name} {code}", page
        yield f"week mail {code}", week_mail(facts.week(), code, "w.html").html
        yield f"hostile week mail {code}", week_mail(facts.hostile_week(), code, "w.html").html


@pytest.mark.debian("chromium")
def test_nothing_is_wider_than_the_screen_and_nothing_is_refused_or_asked_for(browser: Browser, tmp_path: Path) -> None:
    found = {}
    for name, html in documents():
        (tmp_path / "page.html").write_text(html, "utf-8")
        with browser.opened((tmp_path / "page.html").as_uri()) as page:
            for width in (360, 768, 1280):
                page.show(width)
                if wrong := [*page.wider_than_the_screen(), *page.console, *page.requests]:
                    found[f"{name} at {width}"] = wrong
    assert found == {}


@pytest.mark.debian("chromium")
@pytest.mark.npm("axe-core")
def test_everybody_can_use_the_pages(browser: Browser, tmp_path: Path) -> None:
    """At every width and in both lights; of what is built like another page, whether it can be seen."""
    found = {}
    built = ("index", "hostile", "front", "week incident", "week hostile")
    for name, html in [*pages("zh-Hant").items(), ("index en", pages("en")["index"])]:
        (tmp_path / "page.html").write_text(html, "utf-8")
        with browser.opened((tmp_path / "page.html").as_uri()) as page:
            found[name] = page.unusable(*([(360, True)] if name == "index" else [])) if name in built else page.pale()
    assert set(found) > set(built)
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_an_archive_of_one_day_is_a_page() -> None:
    alone = Archive("澄嵐", "澄嵐", date(2026, 2, 28), date(2026, 2, 28), (facts.archived(date(2026, 2, 28)),))
    assert archive_page(alone, "zh-Hant").count('class="day ') == 1
    assert "澄嵐" in front_page([alone], "zh-Hans")
