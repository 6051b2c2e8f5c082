"""The digest's mail: below what mail readers clip, whatever the day brings, and a text part that reads alone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.model import Digest, Quote
from reports.language import LOCALES
from reports.mail import compose
from reports.render import digest_mail
from reports.shortening import ROOM
from reports.week_pages import week_mail
from tests.reports import invented_feelings as felt
from tests.reports import invented_weeks as weeks
from tests.reports.invented_facts import at

CODES = tuple(LOCALES)
LINK = "https://pr.example/%E6%BE%84%E5%B5%90/2026-11-20.html"


def worst(letter: str, link: int) -> Digest:
    """The longest of everything, in letters that take the most bytes, behind the longest links."""
    url = ("https://e.example/?" + "&" * 2000)[:link]
    quote = Quote(1, letter * 10_000, letter * 100, at(1), url, 10**9, 10**9, 10**9, 10**9)
    day = felt.hostile_feelings()
    assert day.ledger is not None
    return replace(
        day,
        stories=tuple(replace(s, quote=quote, platforms=(letter * 100,) * 9) for s in day.stories),
        ledger=replace(
            day.ledger,
            to_answer=tuple(replace(c, quote=quote, themes=(letter * 99,) * 9) for c in day.ledger.to_answer),
        ),
        feelings=tuple(replace(f, quotes=((letter * 99, quote),) * 9) for f in day.feelings),
        themes=tuple(replace(t, theme=letter * 99) for t in day.themes),
        platforms=tuple((letter * 99, totals) for _, totals in day.platforms),
        competitors=tuple((letter * 99, totals) for _, totals in day.competitors),
        incidents=tuple(replace(i, headline=letter * 999, owner=letter * 99) for i in day.incidents),
        coverage=tuple(replace(s, source=f"{n}{letter * 99}") for n, s in enumerate(day.coverage)),
    )


@pytest.mark.parametrize("link", [60, 2000])
@pytest.mark.parametrize("letter", ["壞", '"', "&", "😡"])
@pytest.mark.parametrize("code", CODES)
def test_the_worst_day_fits_below_what_mail_readers_clip(code: str, letter: str, link: int) -> None:
    base = "https://pr.example/" + "&" * 270
    mail = digest_mail(worst(letter, link), code, base, {12: base})
    assert len(mail.html.encode()) <= ROOM
    styles = "".join(re.findall(r"<style[^>]*>(.*?)</style>", mail.html, re.S))
    assert len(styles.encode()) < 16_000
    assert 'class="sentence"' in mail.html


def test_a_shortened_mail_says_so_and_keeps_every_number() -> None:
    whole, short = digest_mail(felt.hostile_feelings(), "en", LINK), digest_mail(worst("&", 2000), "en", LINK)
    said = "Shortened to fit into a mail; everything is on the page."
    assert (said in whole.html, said in short.html, said in short.text) == (False, True, True)
    assert short.html.count('class="quote"') < whole.html.count('class="quote"')
    figures = re.compile(r'class="value"[^>]*>(.*?)<')
    assert figures.findall(short.html) == figures.findall(whole.html)


def test_a_rich_day_is_whole_and_leaves_room() -> None:
    for code in CODES:
        mail = digest_mail(felt.rich_day(), code, LINK)
        assert len(mail.html.encode()) < 60_000
        assert "2026-11-20.html" in mail.html


def test_an_incident_is_linked_where_somebody_serves_its_page() -> None:
    page = "https://pr.example/q/incident-12.html"
    for mail in (digest_mail(felt.rich_day(), "en", LINK, {12: page}), week_mail(weeks.week(), "en", LINK, {12: page})):
        assert mail.html.count(f'href="{page}"') == 1
        assert f"\n  {page}\n" in mail.text
    assert "incident-12" not in digest_mail(felt.rich_day(), "en", LINK).html


def test_what_to_answer_comes_before_what_is_only_to_be_known() -> None:
    mail = digest_mail(felt.rich_day(), "en", LINK)
    order = (
        "9 complaints wait for an answer", "What to answer today", "Incident 12", "Negative share",
        "Loudest negative stories", "What they complain of", "How complaints stand", "Who leaves, and who warns others",
        "Needs that nobody met", "Praise worth amplifying", "The last 14 days", "By platform", "What is not certain",
        "What was heard", "Archived page",
    )  # fmt: skip
    for body in (mail.text, re.sub(r"<style.*?</style>|<[^>]+>", "", mail.html, flags=re.S)):
        places = [body.index(part) for part in order]
        assert places == sorted(places)


def test_the_text_part_reads_alone() -> None:
    text = digest_mail(felt.rich_day(), "en", LINK).text
    for part in (
        "1 incident is still open: loudest is “退費退了三個禮拜還在『處理中』,客服每次都叫我再等等”; ",
        "; 48 negative voices among 345 mentions (11 the day before).",
        "9 complaints wait for an answer (6 new on this day).",
        f"Open as a page: {LINK}",
        "== What to answer today ==\n\n1. New since yesterday · refunds · service · Reach 42,310 · Pace 96.4 an hour",
        "> 退費退了三個禮拜還在「處理中」,客服每次都叫我再等等 🙃\nthreads · 15:48",
        "https://social.example/@mist/post/9",
        "waiting: 26 voices · Week before 4 (+22) · more than noise",
        "Answered: 5\nMade good: 2",
        "ptt-food was not heard from 02:00 to 05:00. Reason: HTTP 503",
        "霧青茶 does better on waiting: 1.1% of its mentions complain of it, 4.3% of ours.",
    ):
        assert part in text, part
    assert "\n\n\n" not in text
    assert not re.search(r"[ \t]\n|<\w+|&\w+;|[\U000e0000-\U000e007f]", text)


def test_the_first_lines_that_an_inbox_shows_are_the_verdict_and_who_waits() -> None:
    html = digest_mail(felt.rich_day(), "zh-Hant", LINK).html
    hidden = re.search(r'<div class="hidden"[^>]*>(.*?)</div>', html, re.S)
    assert hidden
    assert hidden[1].startswith("1 起事件尚未結束") or "個負面聲音" in hidden[1]
    assert "9" in hidden[1]
    assert html.index(hidden[0]) < html.index("<h1")


@pytest.mark.parametrize("code", CODES)
def test_days_on_which_nobody_waits_or_nothing_was_heard_are_whole(code: str) -> None:
    for day in (felt.quiet_day(), felt.silent_day(), felt.deaf_day()):
        mail = digest_mail(day, code, "2026-11-20.html")
        assert "<script" not in mail.html
        assert mail.text.strip()
    deaf = digest_mail(felt.deaf_day(), "en", "x").text
    assert deaf.index("Unknown: too little was heard") < deaf.index("What to answer today")
    silent = digest_mail(felt.silent_day(), "en", "x").text
    assert "No complaint waits for an answer." in silent


def test_bars_are_tables_that_need_no_picture() -> None:
    html = digest_mail(felt.rich_day(), "en", LINK).html
    assert "<img" not in html
    assert "<svg" not in html
    assert re.search(r'<td class="ink bar-negative" width="100%"[^>]*background:#b42318', html)


def test_no_header_can_be_smuggled_in() -> None:
    mail = digest_mail(replace(felt.hostile_feelings(), brand="澄\r\nBcc: all@victim.example\r\n\r\n嵐"), "en", "x")
    raw = compose(
        sender="q@pr.example", recipient="a@pr.example", rendered=mail, message_id="<1@pr.example>",
        date=datetime(2026, 11, 21, tzinfo=UTC),
    )  # fmt: skip
    head = raw.split(b"\r\n\r\n", 1)[0]
    assert b"\r\nBcc" not in head
    assert head.count(b"\r\nSubject:") == 1
