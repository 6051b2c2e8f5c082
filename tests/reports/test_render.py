from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import pytest

from monitor.errors import ConfigError
from monitor.model import BlindFacts, Digest, Severity, Totals
from monitor.spikes.measurement import Measurement, Span
from reports.language import LOCALES
from reports.render import Rendered, alert_mail, blind_mail, digest_mail, digest_page, ops_mail
from reports.safe import http_url
from tests.reports import invented_facts as facts

CODES = tuple(LOCALES)
EVENTS = ("opened", "raised", "continues", "resolved")
VOID = {"meta", "br", "img", "link", "hr"}


class Reader(HTMLParser):
    """What a browser would see: tags, attributes and the text between, with the nesting checked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open[-1:]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, tag: str, name: str) -> list[str]:
        return [a[name] or "" for t, a in self.tags if t == tag and name in a]


def everything_rendered() -> list[tuple[str, str]]:
    """Every kind of page and mail in every language, by name."""
    made = []
    for code in CODES:
        for name, day in facts.DAYS.items():
            made.append((f"page {name} {code}", digest_page(day(), code)))
            made.append((f"mail {name} {code}", digest_mail(day(), code, "2026-11-20.html").html))
        for event in EVENTS:
            made.append((f"alert {event} {code}", alert_mail(facts.alert(event), code).html))
        made.append((f"ops {code}", ops_mail(facts.OPS, code).html))
    return made


ALL = everything_rendered()


@pytest.mark.parametrize("html", [html for _, html in ALL], ids=[name for name, _ in ALL])
def test_html_is_whole_and_asks_nothing_of_the_network(html: str) -> None:
    read = Reader(html)
    assert read.open == []
    assert {tag for tag, _ in read.tags} & {"script", "img", "link", "iframe", "form", "object"} == set()
    assert not re.search(r"@import|url\((?!#)", html)
    assert all(http_url(link) or link == "#coverage" for link in read.values("a", "href"))
    assert read.values("html", "lang")[0] in CODES


class TestPage:
    @pytest.mark.parametrize("code", CODES)
    def test_the_policy_allows_the_one_style_sheet_and_nothing_else(self, code: str) -> None:
        html = digest_page(facts.incident_day(), code)
        styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
        assert len(styles) == 1
        digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        assert Reader(html).values("meta", "content")[0] == policy
        assert not [a for _, a in Reader(html).tags if "style" in a]
        assert not [name for _, a in Reader(html).tags for name in a if name.startswith("on")]

    def test_sections_come_in_the_order_in_which_they_are_needed(self) -> None:
        text = Reader(digest_page(facts.incident_day(), "en")).text
        order = [
            "1 incident is still open",
            "Heard: 97%",
            "Negative share",
            "Since midnight",
            "Incident 12",
            "Loudest negative stories",
            "The last 14 days",
            "By platform",
            "Beside the competitors",
            "What is not certain",
            "What was heard, and what was not",
            "Time zone",
        ]
        places = [text.index(part) for part in order]
        assert places == sorted(places)

    def test_an_incident_day_says_what_happened(self) -> None:
        text = Reader(digest_page(facts.incident_day(), "en")).text
        assert "1 incident is still open: 48 negative voices among 345 mentions (11 the day before)." in text
        assert "ptt-food was not heard from 02:00 to 05:00. Reason: HTTP 503" in text
        assert "news-tw was heard only in part from 09:30 to 10:42." in text
        assert "48 negative voices, 6.2 expected · since 14:15 · owner: 林曉彤" in text
        assert "Until 08:30: 8 negative voices among 41 mentions." in text
        assert "31 negative voices · 9 copies first seen 14:15; on ptt, threads, news-tw" in text
        assert "等了四十分鐘,店員只說「系統壞了我也沒辦法」。" in text
        assert "33 mentions are unsure" in text
        assert "No. 14 他們家的新品,只能說很「特別」。 threads · 11:12 · 31 likes" in text
        assert "and 31 more" in text
        assert "3 labels were corrected by people." in text

    def test_the_zone_is_named_once(self) -> None:
        for code in CODES:
            assert Reader(digest_page(facts.incident_day(), code)).text.count("Asia/Taipei") == 1

    def test_both_charts_are_there_with_incidents_marked_and_gaps_hatched(self) -> None:
        html = digest_page(facts.incident_day(), "zh-Hant")
        assert html.count('class="chart ') == 2
        assert html.count("▲12<") == 2
        assert html.count("▲20<") == 2
        assert 'id="unheard"' in html
        assert "只涵蓋 31%" in html

    def test_a_footer_for_the_record(self) -> None:
        text = Reader(digest_page(facts.history_day(), "en")).text
        for part in ("Fri, Nov 20, 2026 00:00–24:00", "r7-2f9a", "snownlp-0.12.3+c4", "11/21 08:30", "GMT+08:00"):
            assert part in text

    def test_a_day_without_doubt_asks_nobody(self) -> None:
        assert "qianli label" not in Reader(digest_page(facts.zero_day(), "en")).text


class TestFigures:
    def rows(self, day: Digest) -> str:
        return Reader(digest_page(day, "en")).text

    def test_changes_are_said_to_be_noise_or_not(self) -> None:
        assert "Negative voices 48 Day before 11 +37 more than noise Week before 5 +43 more than noise" in self.rows(
            facts.incident_day()
        )
        assert "Negative voices 9 Day before 11 −2 within noise Week before 5 +4 within noise" in self.rows(
            facts.calm_day()
        )

    def test_a_day_not_heard_is_not_compared(self) -> None:
        text = self.rows(facts.blind_day())
        assert "Mentions 46 Day before 262 not comparable Week before 244 not comparable" in text
        assert "−216" not in text

    def test_a_first_day_has_nothing_before_it(self) -> None:
        assert "Negative voices 12 Day before no figures" in self.rows(facts.learning_day())

    def test_shares_change_in_points(self) -> None:
        assert "20.9% Day before 5.4% +15.5 points more than noise" in self.rows(facts.incident_day())

    def test_a_share_of_nothing_is_a_dash(self) -> None:
        assert "Negative share – Day before 5.4% not comparable" in self.rows(facts.zero_day())

    def test_without_judgement_the_difference_still_stands(self) -> None:
        day = replace(facts.incident_day(), against_yesterday=(), against_last_week=())
        assert "Negative voices 48 Day before 11 +37 Week before 5 +43 Negative share" in self.rows(day)

    def test_a_rise_of_complaints_is_not_coloured_as_good_news(self) -> None:
        html = digest_page(facts.incident_day(), "en")
        assert '<span class="difference worse">+37</span>' in html
        assert '<span class="difference changed">+83</span>' in html


class TestHonestDays:
    def sentence(self, day: Digest, code: str = "en") -> str:
        found = re.search(r'<p class="sentence">(.*?)</p>', digest_page(day, code))
        assert found
        return found[1]

    def test_calm(self) -> None:
        assert (
            self.sentence(facts.calm_day())
            == "Nothing unusual: 9 negative voices among 251 mentions (11 the day before)."
        )

    def test_raised(self) -> None:
        assert self.sentence(facts.raised_day()).startswith("More negative than usual: 26 negative voices")
        assert self.sentence(facts.raised_day()).endswith("No incident was opened.")

    def test_learning(self) -> None:
        assert self.sentence(facts.learning_day()) == (
            "Still learning what is usual (days heard: 1.4; spikes are not judged before 3): "
            "12 negative voices among 118 mentions."
        )

    def test_blind_is_unknown_and_never_calm(self) -> None:
        assert self.sentence(facts.blind_day()).startswith("Unknown: too little was heard to call the day quiet.")
        text = Reader(digest_page(facts.blind_day(), "en")).text
        assert "Nothing unusual" not in text
        assert "ptt-food was not heard at all. Reason: login required" in text
        assert "Late: this digest was made at 11/21 09:10." in text

    def test_zero(self) -> None:
        assert self.sentence(facts.zero_day()) == "Nobody mentioned 澄嵐, and the sources were heard."
        text = Reader(digest_page(facts.zero_day(), "en")).text
        assert "No negative story was heard on this day." in text
        assert "No mention was unsure, unscored or corrected." in text

    def test_history_says_that_nobody_was_woken(self) -> None:
        text = Reader(digest_page(facts.history_day(), "en")).text
        assert "1 incident was found in imported or late posts: 48 negative voices" in text
        assert "Found in imported or late posts; no mail was sent." in text
        assert "Revision 2: it replaces the earlier digest of this day." in text

    def test_a_resolved_incident_is_not_called_open(self) -> None:
        resolved = replace(facts.INCIDENT, state="resolved", resolved_at=facts.at(20))
        day = facts.digest(incidents=(resolved, resolved))
        assert self.sentence(day).startswith("2 incidents, since resolved: ")

    def test_an_incident_on_a_half_blind_day_says_that_counts_are_lower_bounds(self) -> None:
        day = facts.digest(today=replace(facts.BUSY, heard=0.5))
        assert "Too little was heard: every count below is a lower bound." in digest_page(day, "en")

    def test_an_incident_while_learning_says_so(self) -> None:
        assert "spikes are not judged in the first 3 heard days" in digest_page(facts.digest(days_of_data=1.0), "en")

    def test_a_night_that_was_not_heard_is_no_calm_night(self) -> None:
        day = replace(facts.calm_day(), since_midnight=Totals(heard=0.2))
        assert "Only 20% of the usual volume was heard in it." in digest_page(day, "en")

    @pytest.mark.parametrize("code", CODES)
    @pytest.mark.parametrize("name", facts.DAYS)
    def test_mail_says_what_the_page_says(self, name: str, code: str) -> None:
        day = facts.DAYS[name]()
        mail = digest_mail(day, code, "x.html")
        sentence = self.sentence(day, code)
        assert sentence in mail.html
        assert sentence in mail.text


class TestDigestMail:
    def test_subject(self) -> None:
        subjects = [digest_mail(facts.incident_day(), code, "x").subject for code in CODES]
        assert subjects == [
            "澄嵐 11/20（週五）：有事件，48 個負面聲音",
            "澄嵐 11/20周五：有事件，48 个负面声音",
            "澄嵐 Fri, 11/20: Incident, 48 negative voices",
        ]

    @pytest.mark.parametrize("day", [facts.incident_day, facts.hostile_digest])
    def test_fits_under_what_mail_readers_clip(self, day: Callable[[], Digest]) -> None:
        for code in CODES:
            assert len(digest_mail(day(), code, "x.html").html.encode()) < 100_000

    def test_only_the_rules_for_dark_screens_stay_in_a_style_sheet(self) -> None:
        html = digest_mail(facts.incident_day(), "en", "x").html
        kept = "".join(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL))
        assert kept.lstrip().startswith("@media (prefers-color-scheme")
        assert len(kept) < 16_000
        assert 'style="' in html

    def test_the_rest_of_many_platforms_is_one_row(self) -> None:
        platforms = tuple((f"platform-{i}", Totals(10, 2, 1)) for i in range(20))
        text = digest_mail(replace(facts.incident_day(), platforms=platforms), "en", "x").text
        assert "13 more: Mentions 130 · Negative voices 13 · Negative share 20%" in text
        assert "platform-6" in text
        assert "platform-7" not in text

    def test_incidents_left_out_are_counted(self) -> None:
        mail = digest_mail(facts.digest(incidents=(facts.INCIDENT,) * 8), "en", "x")
        assert "and 2 more incidents" in mail.text
        assert "and 2 more incidents" in mail.html

    def test_the_archive_is_linked_only_where_it_can_be(self) -> None:
        assert Reader(digest_mail(facts.zero_day(), "en", "2026-11-20.html").html).values("a", "href") == []
        linked = digest_mail(facts.zero_day(), "en", "https://reports.example/2026-11-20.html")
        assert Reader(linked.html).values("a", "href") == ["https://reports.example/2026-11-20.html"]

    def test_text_part_reads_alone(self) -> None:
        text = digest_mail(facts.incident_day(), "en", "2026-11-20.html").text
        assert "\n\n\n" not in text
        assert not re.search(r"[ \t]\n|<\w+|&\w+;", text)
        assert "> 澄嵐以前不是這樣的。\nptt · 14:18 · 87 likes · 132 comments\nhttps://forum.example/bbs" in text
        assert "Negative voices: 48\n  Day before 11 (+37) · more than noise" in text
        assert text.endswith("Archived page: 2026-11-20.html\n")


class TestAlert:
    def test_one_subject_for_the_whole_thread(self) -> None:
        subjects = {alert_mail(facts.alert(event, voices=n), "zh-Hant").subject for n, event in enumerate(EVENTS)}
        assert subjects == {"澄嵐 負面聲音突增 14 個，事件 12"}
        assert alert_mail(facts.alert(), "en").subject == "澄嵐: negative spike, 14 voices, incident 12"

    def test_no_brackets_round_the_id(self) -> None:
        assert not any(re.search(r"[\[\](){}]", alert_mail(facts.alert(), code).subject) for code in CODES)

    @pytest.mark.parametrize(
        ("event", "lead"),
        [
            ("opened", "New incident: 澄嵐\nwarning · open · nobody has taken it yet"),
            ("raised", "Getting worse: 澄嵐\ncritical · open · nobody has taken it yet"),
            ("continues", "Still going on: 澄嵐\nwarning · acknowledged · owner: 林曉彤"),
            ("resolved", "Resolved: 澄嵐\nwarning · resolved"),
        ],
    )
    def test_the_state_leads(self, event: str, lead: str) -> None:
        mail = alert_mail(facts.alert(event), "en")
        assert mail.text.startswith(lead + "\n")
        assert Reader(mail.html).text.split(" · ")[0].endswith(lead.split(":")[0])

    def test_the_arithmetic_is_one_line(self) -> None:
        line = "14 negative voices in 1 h; expected 1.6 (95%: 0–5); ×8.8; 9 authors; 3 platforms; since 02:15"
        mail = alert_mail(facts.alert(), "en")
        assert line in mail.text.split("\n")
        assert line in Reader(mail.html).text

    def test_a_slow_burn_is_told_by_the_stretch_that_shows_it(self) -> None:
        evidence = {**facts.EVIDENCE, "hour": {**facts.EVIDENCE["hour"], "observed": 3, "p": 0.2}}
        evidence["since_onset"] = {**evidence["since_onset"], "observed": 40, "p": 1e-8}
        text = alert_mail(facts.alert(evidence=evidence), "en").text
        assert "40 negative voices since 02:15; expected 1.7 (95%: 0–5); ×8.2; 9 authors; 3 platforms\n" in text
        evidence["since_onset"] = None
        assert "19 negative voices in 6 h; expected 7.1" in alert_mail(facts.alert(evidence=evidence), "en").text

    def test_a_real_measurement_is_understood(self) -> None:
        span = Span(observed=30, own=2.0, expected=2.5, spread=0.3)
        measured = Measurement(
            time=facts.at(20), alert=Severity.WARNING, notice=False, known=True, learning=False, calm=False, k=8.0,
            z=5.0, z_hours=1.0, f=4.0, f_expected=2.0, hour=Span(9, 1.0, 1.2, 0.3), six_hours=Span(28, 6.0, 7.0, 0.3),
            since_onset=span, onset=facts.at(16), days_of_data=20.5, negative=30, other=60, usual_share=0.1,
        )  # fmt: skip
        text = alert_mail(facts.alert(evidence=measured.evidence()), "en").text
        assert re.search(r"30 negative voices since 11/20 16:00; expected 2\.5 \(95%: 0–\d+\); ×12; 9 authors", text)
        assert "33% (usually 10%)" in text

    def test_what_is_not_known_is_left_out(self) -> None:
        mail = alert_mail(facts.alert(evidence={}, authors=None, excess_by_platform=()), "en")
        assert "14 negative voices; expected 1.6; since 02:15" in mail.text
        assert "Authors: –" in mail.text

    def test_chance_is_said_as_odds(self) -> None:
        said = {}
        for p in (0.2, 0.04, 3.2e-9, 1e-300, 0.0):
            hour = {**facts.EVIDENCE["hour"], "p": p}
            text = alert_mail(
                facts.alert(evidence={**facts.EVIDENCE, "six_hours": None, "since_onset": None, "hour": hour}), "en"
            )
            said[p] = re.findall(r"by accident: (.*)\n", text.text)[0]
        assert said == {
            0.2: "20%",
            0.04: "about 1 in 25",
            3.2e-9: "about 1 in 310 million",
            1e-300: "less than 1 in 1 billion",
            0.0: "less than 1 in 1 billion",
        }

    def test_quotes_commands_spread_and_coverage(self) -> None:
        mail = alert_mail(facts.alert(), "en")
        read = Reader(mail.html)
        for part in ("qianli not-us ptt:M.1795 --brand 澄嵐", "ptt 62%", "38% (usually 11%)", "Copies and reposts 23"):
            assert part in read.text
        assert "news-tw was not heard from 02:15 to 02:45. Reason: timeout" in read.text
        assert read.values("a", "href") == [q.url for q in facts.QUOTES]
        assert "qianli not-us ptt:M.1795 --brand 澄嵐\n" in mail.text

    def test_small_enough_for_a_phone(self) -> None:
        assert len(alert_mail(facts.alert(), "zh-Hant").html.encode()) < 30_000


@pytest.mark.parametrize("again", [None, facts.at(5)])
def test_a_mail_about_a_blind_source_shows_hostile_answers_as_text(again: datetime | None) -> None:
    hostile = "".join(facts.HOSTILE_TEXTS)
    mail = blind_mail(BlindFacts("x\r\nBcc: a@b", facts.at(1), facts.at(3), facts.ZONE, hostile, hostile, again), "en")
    assert "\n" not in mail.subject
    assert "<script" not in mail.html
    assert len(mail.text) < 3000


def test_an_ops_mail_says_what_failed_and_where_to_look() -> None:
    mail = ops_mail(facts.OPS, "en")
    assert mail.subject == "Qianli needs care: collect failed at ptt-food"
    for part in (
        "SourceError: the page is an HTML error page",
        "a81f",
        "0.1.0",
        "11/20 03:00 (Asia/Taipei, GMT+08:00)",
    ):
        assert part in mail.text
        assert part in Reader(mail.html).text


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError):
        digest_page(facts.zero_day(), "fr")


class TestHostilePosts:
    def rendered(self) -> list[Rendered]:
        return [digest_mail(facts.hostile_digest(), "en", "x\r\ny"), alert_mail(facts.hostile_alert(), "en")]

    def test_html_holds_only_our_tags_and_links(self) -> None:
        for html in (digest_page(facts.hostile_digest(), "en"), *(r.html for r in self.rendered())):
            read = Reader(html)
            assert read.open == []
            assert {tag for tag, _ in read.tags} & {"script", "img", "iframe"} == set()
            assert [link for link in read.values("a", "href") if link != "#coverage"] == []
            assert not [name for _, a in read.tags for name in a if name.startswith("on")]
            assert "<script>alert(1)</script>" in read.text

    def test_template_language_in_a_post_is_only_text(self) -> None:
        assert (
            "{{ 7*7 }}{% raw %} %(n)s %s ${x} </bdi></blockquote>"
            in Reader(digest_page(facts.hostile_digest(), "en")).text
        )

    def test_nothing_invisible_reaches_a_reader(self) -> None:
        hidden = re.compile(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
        )
        for r in self.rendered():
            assert not hidden.search(r.html)
            assert not hidden.search(r.text)
            assert not hidden.search(r.subject)
        assert not hidden.search(digest_page(facts.hostile_digest(), "en"))

    def test_every_quoted_line_of_a_text_part_is_marked_as_quoted(self) -> None:
        for r in self.rendered():
            assert "\n== 已解決 ==" not in r.text
            assert "\nBcc:" not in r.text

    def test_endless_words_are_cut(self) -> None:
        for r in self.rendered():
            assert "壞" * 201 not in r.html
            assert "x" * 201 not in r.html

    def test_subjects_stay_on_one_line(self) -> None:
        for r in self.rendered():
            assert r.subject.isprintable()
            assert len(r.subject) <= 120
