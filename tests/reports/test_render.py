from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from monitor.errors import ConfigError
from monitor.incidents import folded
from monitor.model import BlindFacts, Change, Digest, EventLine, Kind, Severity, Totals, utc_text
from monitor.spikes.measurement import Measurement, Span
from reports.alert_view import alert_view, event_word
from reports.language import LOCALES, language
from reports.render import (
    Rendered,
    alert_mail,
    blind_mail,
    digest_mail,
    digest_page,
    incident_page,
    ops_mail,
    told_late,
)
from reports.safe import http_url
from tests.reports import invented_facts as facts

CODES = tuple(LOCALES)
ANSWER = "mailto:qianli%2Bi12-1-k4xqabcdefghijkl@pr.example?subject="
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
        self.part(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.part(tag)

    def part(self, tag: str) -> None:
        """A block ends what was said before it; a link is no end of a word."""
        if tag != "a":
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open[-1:]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def values(self, tag: str, name: str) -> list[str]:
        return [a[name] or "" for t, a in self.tags if t == tag and name in a]


def everything_rendered() -> list[tuple[str, str]]:
    """Every kind of page and mail in every language, by name."""
    made = []
    for code in CODES:
        for name, day in facts.DAYS.items():
            made.append((f"page {name} {code}", digest_page(day(), code)))
            made.append((f"mail {name} {code}", digest_mail(day(), code, "2026-11-20.html").html))
        for event in facts.EVENTS:
            made.append((f"alert {event} {code}", alert_mail(facts.alert(event), code).html))
        for kind in Kind:
            made.append((f"answered {kind} {code}", alert_mail(facts.answered("opened", kind), code).html))
            made.append((f"incident {kind} {code}", incident_page(facts.answered("resolved", kind), code)))
        made.append((f"ops {code}", ops_mail(facts.OPS, code).html))
    return made


ALL = everything_rendered()


@pytest.mark.parametrize("html", [html for _, html in ALL], ids=[name for name, _ in ALL])
def test_html_is_whole_and_asks_nothing_of_the_network(html: str) -> None:
    read = Reader(html)
    assert read.open == []
    assert {tag for tag, _ in read.tags} & {"script", "img", "link", "iframe", "form", "object"} == set()
    assert not re.search(r"@import|url\((?!#)", html)
    assert all(http_url(a) or a.startswith(("#", ANSWER)) for a in read.values("a", "href"))
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

    @pytest.mark.parametrize(
        ("kind", "expected", "size"),
        [
            (Kind.SPIKE, 0.0, "48 negative voices · since"),
            (Kind.BURST, 6.2, "48 copies; on a usual day at most 6.2 · since"),
            (Kind.TAKEOFF, 6.2, "48 reactions · since"),
        ],
    )
    def test_an_incident_is_sized_by_what_opened_it(self, kind: Kind, expected: float, size: str) -> None:
        day = facts.incident_day()
        day = replace(day, incidents=(replace(day.incidents[0], kind=kind, expected=expected),))
        assert size in Reader(digest_page(day, "en")).text

    def test_an_incident_day_says_what_happened(self) -> None:
        text = Reader(digest_page(facts.incident_day(), "en")).text
        assert "1 incident is still open: loudest is “退費退了三個禮拜還在『處理中』,客服每次都叫我再等等”; " in text
        assert "; 48 negative voices among 345 mentions (11 the day before)." in text
        assert "ptt-food was not heard from 02:00 to 05:00. Reason: HTTP 503" in text
        assert "news-tw was heard only in part from 09:30 to 10:42." in text
        assert "48 negative voices, 6.2 expected · since 14:15, counted to 11/21 08:30 · owner: 林曉彤" in text
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
        assert re.search(r'<span class="difference worse"><a [^>]*>\+37</a></span>', html)
        assert re.search(r'<span class="difference changed"><a [^>]*>\+83</a></span>', html)


class TestHonestDays:
    def sentence(self, day: Digest, code: str = "en") -> str:
        found = re.search(r'<p class="sentence">(.*?)</p>', digest_page(day, code))
        assert found
        return re.sub(r"</?a\b[^>]*>", "", found[1])

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
        assert "1 incident was found in imported or late posts: loudest is “退費退了三個禮拜" in text
        assert "Found in imported or late posts; no mail was sent." in text
        assert "Revision 2: it replaces the earlier digest of this day." in text

    def test_a_resolved_incident_is_not_called_open(self) -> None:
        resolved = replace(facts.INCIDENT, state="resolved", resolved_at=facts.at(20))
        day = facts.digest(incidents=(resolved, resolved))
        assert self.sentence(day).startswith("2 incidents, since resolved: ")

    def test_an_incident_of_a_story_is_named_by_its_own_words(self) -> None:
        one = replace(facts.INCIDENT, kind=Kind.BURST, headline="Re: [抱怨] 氣炸鍋冒煙。客服說沒事")
        assert "聲量最大的是「氣炸鍋冒煙」；" in self.sentence(facts.digest(incidents=(one,)), "zh-Hant")
        assert "声量最大的是“氣炸鍋冒煙”；" in self.sentence(facts.digest(incidents=(one,)), "zh-Hans")

    def test_an_incident_without_words_is_told_without(self) -> None:
        one = replace(facts.INCIDENT, headline="")
        sentence = self.sentence(facts.digest(incidents=(one,), stories=()))
        assert sentence.startswith("1 incident is still open: 48 negative voices among")

    def test_a_calm_day_with_more_of_everything_is_not_called_usual(self) -> None:
        more = (Change("negative_voices", 2, True),)
        sentence = self.sentence(replace(facts.calm_day(), against_yesterday=more))
        assert sentence.startswith("More negative voices, for more was said altogether; their share did not rise: ")

    def test_an_incident_on_a_half_blind_day_says_that_counts_are_lower_bounds(self) -> None:
        day = facts.digest(today=replace(facts.BUSY, heard=0.5))
        assert "Too little was heard: every count below is a lower bound." in digest_page(day, "en")

    def test_an_incident_while_learning_says_so(self) -> None:
        assert "spikes are not judged in the first 3 heard days" in digest_page(facts.digest(days_of_data=1.0), "en")

    def test_a_night_that_was_not_heard_is_no_calm_night(self) -> None:
        day = replace(facts.calm_day(), since_midnight=Totals(heard=0.2))
        assert "Only 20% of the usual volume was heard in it." in Reader(digest_page(day, "en")).text

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
        assert set(Reader(linked.html).values("a", "href")) == {"https://reports.example/2026-11-20.html"}

    def test_text_part_reads_alone(self) -> None:
        text = digest_mail(facts.incident_day(), "en", "2026-11-20.html").text
        assert "\n\n\n" not in text
        assert not re.search(r"[ \t]\n|<\w+|&\w+;", text)
        assert "> 澄嵐以前不是這樣的。\nptt · 14:18 · 87 likes · 132 comments\nhttps://forum.example/bbs" in text
        assert "Negative voices: 48\n  Day before 11 (+37) · more than noise" in text
        assert text.endswith("Archived page: 2026-11-20.html\n")


class TestAlert:
    @pytest.mark.parametrize(
        ("kind", "hant", "hans", "en"),
        [
            (Kind.SPIKE, "澄嵐 負面聲音突增，11/21 03:00 時 14 個，事件 12",
             "澄嵐 负面声音突增，11/21 03:00 时 14 个，事件 12",
             "澄嵐: negative spike, 14 voices at 11/21 03:00, incident 12"),
            (Kind.BURST, "澄嵐 同一則內容擴散，11/21 03:00 時 23 次，事件 12",
             "澄嵐 同一条内容扩散，11/21 03:00 时 23 次，事件 12",
             "澄嵐: one story spreads, 23 copies at 11/21 03:00, incident 12"),
            (Kind.TAKEOFF, "澄嵐 單篇貼文發酵，11/21 03:00 時 132 次互動，事件 12",
             "澄嵐 单条帖子发酵，11/21 03:00 时 132 次互动，事件 12",
             "澄嵐: one post takes off, 132 reactions at 11/21 03:00, incident 12"),
        ],
    )  # fmt: skip
    def test_one_subject_for_the_whole_thread_whatever_is_found_later(
        self, kind: Kind, hant: str, hans: str, en: str
    ) -> None:
        for code, wanted in zip(CODES, (hant, hans, en), strict=True):
            views = [
                alert_view(facts.alert(event, kind, voices=n, evidence=facts.FINDINGS[other]), language(code))
                for n, event in enumerate(facts.EVENTS)
                for other in Kind
            ]
            assert {view.subject for view in views} == {wanted}
            assert alert_mail(facts.alert("resolved", kind), code).subject == wanted

    @pytest.mark.parametrize("code", CODES)
    def test_the_subjects_size_bears_its_moment_and_the_body_begins_with_the_present(self, code: str) -> None:
        words, n = language(code), 57
        for event in ("grown", "escalated", "resolved"):
            made = facts.alert(event)
            later = replace(made, incident=replace(made.incident, observed=n), evidence={
                **made.evidence, "since_onset": {**made.evidence["hour"], "observed": n, "p": 1e-30}})  # fmt: skip
            mail = alert_mail(later, code)
            assert "14" in mail.subject
            assert str(n) not in mail.subject
            assert words.moment(made.incident.opened_at, made.zone) in mail.subject
            state, _, now, *_ = mail.text.split("\n")
            assert state.startswith(event_word(event, words))
            assert str(n) in now

    def test_one_mail_says_all_that_happened_since_the_one_before(self) -> None:
        def lead(event: str, *also: str) -> str:
            return alert_view(replace(facts.alert(event), also=also), language("en")).lead

        assert lead("spread", "grown") == "At least twice as many · Spread to another platform"
        assert lead("escalated", "grown") == "Nobody took it in time · At least twice as many"
        assert lead("raised", "reopened") == "It is back"  # how severe it is says the next line
        assert lead("resolved", "opened", "raised") == "Resolved · New incident"
        assert lead("acknowledged", "escalated") == "Somebody has taken it"
        assert lead("escalated", "opened") == "Nobody took it in time · New incident"

    def test_of_several_stories_the_heading_says_which_one_the_rows_are_of(self) -> None:
        def heading(kind: Kind, stories: int, code: str = "en") -> str:
            made = replace(facts.alert("opened", kind), stories=stories, story=facts.STORY)
            view = alert_view(made, language(code))
            assert view.spread_heading in alert_mail(made, code).text
            assert view.spread_heading in alert_mail(made, code).html
            return view.spread_heading

        assert heading(Kind.SPIKE, 1) == "What it is about, and how it spread"
        assert heading(Kind.SPIKE, 4) == "The loudest of 4 stories: what it is about, and how it spread"
        assert heading(Kind.SPIKE, 4, "zh-Hant") == "4 個話題中最大的一個：在說什麼、怎麼傳開"
        assert heading(Kind.BURST, 4) == "The story that spreads: what it is about, and how"

    def test_what_goes_on_is_one_line_with_its_times_and_its_largest_size(self) -> None:
        made = facts.alert("grown")
        start, quarter = made.incident.opened_at, timedelta(minutes=15)
        spikes = (EventLine(start + (i + 1) * quarter, "continues", "", "another spike", n)
                  for i, n in enumerate((20, 44, 31)))  # fmt: skip
        rows = [EventLine(start, "opened"), *spikes,
                EventLine(start + 4 * quarter, "continues", "", "another burst", 18)]  # fmt: skip
        told = folded(rows)
        assert [(e.reason, e.size, e.until) for e in told] == [
            ("", None, None), ("another spike", 44, start + 3 * quarter), ("another burst", 18, None),
        ]  # fmt: skip
        view = alert_view(replace(made, events=told), language("en"))
        assert view.events[1:] == (
            ("03:15 to 03:45", "Still going on · at most 44 negative voices"), ("04:00", "Still going on · 18 copies"),
        )  # fmt: skip

    def test_no_brackets_round_the_id(self) -> None:
        subjects = [alert_view(facts.alert("opened", kind), language(code)).subject for code in CODES for kind in Kind]
        assert not any(re.search(r"[\[\](){}]", subject) for subject in subjects)

    @pytest.mark.parametrize(
        ("event", "lead"),
        [
            ("opened", "New incident: 澄嵐\nwarning · open · nobody has taken it yet"),
            ("raised", "Getting worse: 澄嵐\ncritical · open · nobody has taken it yet"),
            ("grown", "At least twice as many: 澄嵐\nwarning · open · nobody has taken it yet"),
            ("spread", "Spread to another platform: 澄嵐\nwarning · open · nobody has taken it yet"),
            ("escalated", "Nobody took it in time: 澄嵐\nwarning · escalated"),
            ("acknowledged", "Somebody has taken it: 澄嵐\nwarning · acknowledged · owner: 林曉彤"),
            ("silenced", "Silenced: 澄嵐\nwarning · silenced · until 07:05 · by 林曉彤"),
            ("unsilenced", "The silence is over, and it goes on: 澄嵐\nwarning · open · nobody has taken it yet"),
            ("reopened", "It is back: 澄嵐\nwarning · open · nobody has taken it yet"),
            ("continues", "Still going on: 澄嵐\nwarning · acknowledged · owner: 林曉彤"),
            ("resolved", "Resolved: 澄嵐\nwarning · resolved"),
            ("not_us", "Resolved: it was not about us: 澄嵐\nwarning · resolved · by 林曉彤"),
        ],
    )
    def test_the_state_leads(self, event: str, lead: str) -> None:
        mail = alert_mail(facts.alert(event), "en")
        assert mail.text.startswith(lead + "\n")
        assert Reader(mail.html).text.split(" · ")[0].endswith(lead.split(": 澄嵐")[0])

    @pytest.mark.parametrize("code", CODES)
    def test_every_event_and_state_has_words_of_its_own(self, code: str) -> None:
        leads = [alert_view(facts.alert(event), language(code)).lead for event in facts.EVENTS]
        assert len(set(leads)) == len(facts.EVENTS)
        assert code == "en" or not any(re.search("[a-z]", lead) for lead in leads)

    @pytest.mark.parametrize("code", CODES)
    def test_a_spike_of_one_platform_names_it_first(self, code: str) -> None:
        alone = facts.alert("opened", evidence={**facts.FINDINGS[Kind.SPIKE], "platform": "茶水間<b>\nBcc: x"})
        mail, usual = alert_mail(alone, code), alert_mail(facts.alert("opened"), code)
        (told,) = set(mail.text.split("\n")) - set(usual.text.split("\n"))
        assert told.startswith("茶水間<b> Bcc: x")
        assert told.endswith(next(iter(set(usual.text.split("\n")) - set(mail.text.split("\n")))))
        assert "茶水間<b>" not in mail.html

    def test_a_burst_shows_its_arithmetic(self) -> None:
        mail = alert_mail(facts.alert("opened", Kind.BURST), "en")
        line = (
            "23 copies of one story in 3 h; on a usual day at most 4; 31 copies in all; 19 voices; "
            "threads, ptt; since 01:20"
        )
        assert line in mail.text.split("\n")

    def test_a_burst_of_remarks_shows_them(self) -> None:
        evidence = {**facts.BURST_EVIDENCE, "remarks": 19, "negative_remarks": 14}
        text = alert_mail(facts.alert("opened", Kind.BURST, evidence=evidence), "en").text
        said = "14 of 19 authors who passed it on with words of their own complained"
        assert f"on a usual day at most 4; {said}; 31 copies in all" in text

    @pytest.mark.parametrize("kind", [Kind.BURST, Kind.TAKEOFF])
    def test_what_is_not_known_well_yet_is_said(self, kind: Kind) -> None:
        learning = alert_mail(facts.alert("opened", kind, evidence={**facts.FINDINGS[kind], "learning": True}), "en")
        assert "; what is usual is still being learned; " in learning.text
        assert "learned" not in alert_mail(facts.alert("opened", kind), "en").text

    def test_a_post_that_takes_off_shows_its_arithmetic(self) -> None:
        mail = alert_mail(facts.alert("opened", Kind.TAKEOFF), "en")
        line = (
            "One post: 132 comments in 50 min; 120 more an hour; 99 of 100 posts stay under 8 an hour; ×15; ptt; "
            "21,400 followers (usually 300)"
        )
        assert line in mail.text.split("\n")
        unknown = {**facts.TAKEOFF_EVIDENCE, "measure": "weighted", "followers": None, "age_minutes": 300, "count": 1}
        text = alert_mail(facts.alert("opened", Kind.TAKEOFF, evidence=unknown), "en").text
        assert "One post: 1 reaction in 5 h; 120 more an hour; 99 of 100 posts stay under 8 an hour; ×15; ptt\n" in text

    def test_what_is_over_is_summed_up_with_its_worst_moment(self) -> None:
        lines = alert_mail(facts.alert("resolved"), "en").text.split("\n")
        assert lines[2:4] == [
            "14 negative voices from 02:15 to 03:05; expected 1.6; ×8.8; 23 copies; 9 authors; 3 platforms",
            "At its worst: 14 negative voices in 1 h; expected 1.6 (95%: 0–5); ×8.8; since 02:15",
        ]
        burst = alert_mail(facts.alert("resolved", Kind.BURST), "en").text
        assert "\n16 negative voices from 02:15 to 03:05; 23 copies; 9 authors; 3 platforms\n" in burst
        assert "\nAt its worst: 23 copies of one story in 3 h; on a usual day at most 4" in burst

    @pytest.mark.parametrize("event", ["escalated", "acknowledged", "unsilenced"])
    def test_what_is_told_later_says_what_is_so_now(self, event: str) -> None:
        told = facts.alert(event)
        incident = replace(told.incident, observed=65, expected=5.0)
        lines = alert_mail(replace(told, incident=incident, worst=told.evidence), "en").text.split("\n")
        at = next(i for i, text in enumerate(lines) if text.startswith("65 "))
        assert lines[at] == "65 negative voices since 02:15; expected 5; ×13; 9 authors; 3 platforms"
        assert lines[at + 1].startswith("At its worst: 14 negative voices in 1 h;")
        burst = facts.alert(event, Kind.BURST)
        burst = replace(burst, incident=replace(burst.incident, observed=70))
        assert "\n70 copies of one story in 3 h" in alert_mail(burst, "en").text

    def test_the_end_of_what_began_on_another_day_has_its_date(self) -> None:
        over = facts.alert("resolved")
        since = {**over.evidence, "onset": utc_text(over.at - timedelta(days=2))}
        incident = replace(over.incident, onset=over.at - timedelta(days=2), resolved_at=over.at - timedelta(hours=1))
        text = alert_mail(replace(over, incident=incident, evidence=since, worst=since), "en").text
        line, foot = text.split("\n")[2], text.rstrip().split("\n")[-1]
        assert re.match(r"14 negative voices from 11/19 03:05 to 11/21 02:05;", line), line
        assert re.search(r"· 11/19 03:05 to 11/21 02:05 ·", foot), foot

    @pytest.mark.parametrize(
        ("event", "sentences"),
        [
            ("opened", ["The next mail comes when it becomes critical, 28 negative voices are counted, another "
                        "platform brings 30% of the excess, or when it is over.",
                        "If nobody takes it by 03:35, it also goes to lead@pr.example."]),
            ("raised", ["The next mail comes when 28 negative voices are counted, another platform brings 30% of the "
                        "excess, or when it is over.",
                        "If nobody takes it by 03:35, it also goes to lead@pr.example."]),
            ("acknowledged", ["The next mail comes when it becomes critical, 28 negative voices are counted, another "
                              "platform brings 30% of the excess, or when it is over."]),
            ("silenced", ["No mail comes until 07:05, unless a new story becomes critical."]),
            ("resolved", ["No further mail comes, unless it begins again within 24 h: then it joins this thread."]),
        ],
    )  # fmt: skip
    def test_it_says_when_the_next_mail_comes(self, event: str, sentences: list[str]) -> None:
        mail = alert_mail(facts.alert(event), "en")
        assert "\n\n" + "\n".join(sentences) + "\n\n" in mail.text
        assert " ".join(sentences) in Reader(mail.html).text

    def test_buttons_are_answers_written_already(self) -> None:
        for code, words in zip(
            CODES,
            (("收到", "靜音 4h", "不是我們", "已解決"), ("收到", "静音 4h", "不是我们", "已解决"),
             ("ack", "silence 4h", "not us", "resolve")),
            strict=True,
        ):  # fmt: skip
            mail = alert_mail(facts.answered(), code)
            links = [urlsplit(a) for a in Reader(mail.html).values("a", "href") if a.startswith("mailto:")]
            assert {unquote(link.path) for link in links} == {facts.REPLY_TO}
            asked = [parse_qs(link.query) for link in links]
            assert {q["subject"][0] for q in asked} == {f"Re: {mail.subject}"}
            not_us = words[2]
            assert [q["body"][0] for q in asked] == [*words, f"{not_us} 11", f"{not_us} 12", f"{not_us} 13"]
            assert language(code).join(words) in mail.text

    def test_buttons_offer_only_what_makes_sense_and_only_where_answers_are_read(self) -> None:
        def words(event: str) -> list[str]:
            links = Reader(alert_mail(facts.answered(event), "en").html).values("a", "href")
            asked = (parse_qs(urlsplit(a).query)["body"][0] for a in links if a.startswith("mailto:"))
            return [word for word in asked if not re.search(r"us \d", word)]

        assert words("acknowledged") == ["silence 4h", "not us", "resolve"]
        assert words("silenced") == ["ack", "not us", "resolve"]
        assert words("resolved") == []
        plain = alert_mail(facts.alert(), "en")
        assert "mailto:" not in plain.html
        assert "first line" not in plain.text

    def test_commands_can_be_pasted(self) -> None:
        text = alert_mail(facts.alert(), "en").text
        commands = [part.strip() for part in text.split("\n") if part.startswith("    ")]
        assert commands == [c.line for c in facts.COMMANDS]
        over = alert_mail(facts.alert("resolved"), "en").text
        assert "qianli incidents 12" in over
        assert "qianli ack" not in over

    @pytest.mark.parametrize("code", CODES)
    def test_what_it_is_about_and_how_it_spread(self, code: str) -> None:
        mail = alert_mail(facts.answered(), code)
        for part in ("退費", "系統壞了", "threads 01:20 → ptt 02:05", "21,400", "312,400"):
            assert part in mail.text
            assert part in Reader(mail.html).text
        assert "Doubles every: 48 min\n" in alert_mail(facts.answered(), "en").text
        assert "How it spread" not in alert_mail(facts.alert(), "en").text

    def test_a_page_is_linked_where_one_is_served(self) -> None:
        page = "https://pr.example/qianli/incident-12.html"
        mail = alert_mail(facts.answered(), "en")
        assert page in Reader(mail.html).values("a", "href")
        assert f"as it stands now:\n{page}\n" in mail.text
        assert "as it stands now" not in alert_mail(facts.alert(page="javascript:alert(1)"), "en").html

    @pytest.mark.parametrize("code", CODES)
    @pytest.mark.parametrize(
        ("replaces", "said"), [(3, "earlier ones: no mail could be delivered since 21:05"), (0, "")]
    )
    def test_a_mail_that_comes_late_says_so_below_its_lead(self, code: str, replaces: int, said: str) -> None:
        mail = alert_mail(facts.alert(), code)
        late = told_late(mail, replaces, facts.at(21 + 5 / 60), facts.at(23), facts.ZONE, code)
        first, note, second = late.text.split("\n")[:3]
        assert [first, second] == mail.text.split("\n")[:2]
        assert "21:05" in note
        assert note in Reader(late.html).text
        assert code != "en" or said in note
        assert Reader(late.html).open == []

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
        for part in (
            "qianli not-us 11 --brand 澄嵐",
            "No. 13",
            "ptt 62%",
            "38% (usually 11%)",
            "Copies and reposts 23",
        ):
            assert part in read.text
        assert "news-tw was not heard from 02:15 to 02:45. Reason: timeout" in read.text
        assert read.values("a", "href") == [q.url for q in facts.QUOTES]
        assert "qianli not-us 11 --brand 澄嵐\n" in mail.text

    def test_small_enough_for_a_phone(self) -> None:
        for code in CODES:
            for kind in Kind:
                assert len(alert_mail(facts.answered("opened", kind), code).html.encode()) < 40_000
        for event in ("opened", "resolved"):
            assert len(alert_mail(facts.hostile_alert(event), "zh-Hant").html.encode()) < 100_000


class TestIncidentPage:
    def test_it_tells_what_happened_and_lets_nobody_act(self) -> None:
        html = incident_page(facts.answered("acknowledged"), "en")
        text = Reader(html).text
        assert "03:00 New incident 03:05 Somebody has taken it" in text
        assert "14 negative voices in 1 h" in text
        assert facts.REPLY_TO not in html
        assert "mailto:" not in html

    @pytest.mark.parametrize("code", CODES)
    def test_the_policy_allows_its_style_sheet_and_nothing_else(self, code: str) -> None:
        html = incident_page(facts.answered(), code)
        (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        read = Reader(html)
        assert read.values("meta", "content")[0] == policy
        assert not [a for _, a in read.tags if "style" in a]
        assert not [name for _, a in read.tags for name in a if name.startswith("on")]


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
    @staticmethod
    @cache
    def rendered() -> list[Rendered]:
        alerts = [alert_mail(facts.hostile_alert(event), "en") for event in ("opened", "silenced", "resolved")]
        alerts.append(alert_mail(facts.hostile_alert("opened", Kind.BURST), "en"))
        late = told_late(alerts[0], 2, facts.at(1), facts.at(3), facts.ZONE, "en")
        return [digest_mail(facts.hostile_digest(), "en", "x\r\ny"), *alerts, late]

    @staticmethod
    @cache
    def pages() -> list[str]:
        return [digest_page(facts.hostile_digest(), "en"), incident_page(facts.hostile_alert(), "en")]

    def test_html_holds_only_our_tags_and_links(self) -> None:
        for html in (*self.pages(), *(r.html for r in self.rendered())):
            read = Reader(html)
            assert read.open == []
            assert {tag for tag, _ in read.tags} & {"script", "img", "iframe"} == set()
            links = [a for a in read.values("a", "href") if not a.startswith("#")]
            assert not [a for a in links if not a.startswith(ANSWER)]
            assert all(set(parse_qs(urlsplit(a).query)) == {"subject", "body"} for a in links)
            assert not any("\n" in value for a in links for values in parse_qs(urlsplit(a).query).values()
                           for value in values)  # fmt: skip
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
        assert not [page for page in self.pages() if hidden.search(page)]

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
