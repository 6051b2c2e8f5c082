"""What a real browser makes of pages and mails: nothing wider than the screen, nothing refused, nothing asked for, and
nothing that a person who sees less could not use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.model import Digest, Kind
from reports.language import LOCALES
from reports.render import TEMPLATES, alert_mail, digest_mail, digest_page, incident_page, ops_mail, told_late
from reports.week_pages import week_mail
from tests.browser import Browser, Page
from tests.reports import invented_facts as facts
from tests.reports import invented_feelings as felt
from tests.reports import invented_weeks as weeks

WIDTHS = (360, 768, 1280)
WHITE = "rgb(255, 255, 255)"
PAGES = {12: "https://pr.example/incident-12.html", 13: "https://pr.example/incident-13.html"}
LINK = "https://pr.example/%E6%BE%84%E5%B5%90/2026-11-20.html"
CODES = tuple(LOCALES)

pytestmark = [pytest.mark.debian("chromium")]

DAYS: dict[str, Callable[[], Digest]] = {**facts.DAYS, **felt.FELT, "hostile": felt.hostile_feelings}


def documents() -> Iterator[tuple[str, str]]:
    """Everything in English, whose words are the longest; in Chinese what shows most, and what breaks lines most."""
    for code in CODES:
        every = code == "en"
        for name in DAYS if every else ("rich", "hostile"):
            yield f"page {name} {code}", digest_page(DAYS[name](), code, "https://data.example/qianli")
            yield f"mail {name} {code}", digest_mail(DAYS[name](), code, "2026-11-20.html").html
        for event in facts.EVENTS if every else ("escalated",):
            yield f"alert {event} {code}", alert_mail(facts.answered(event), code).html
        for kind in Kind:
            yield f"alert {kind} {code}", alert_mail(facts.alert("opened", kind), code).html
            yield f"incident {kind} {code}", incident_page(facts.answered("opened", kind), code)
        yield f"incident hostile {code}", incident_page(facts.hostile_alert(), code)
        yield f"alert hostile {code}", alert_mail(facts.hostile_alert(), code).html
        yield f"ops {code}", ops_mail(facts.OPS, code).html


def written(folder: Path, html: str) -> str:
    path = folder / "page.html"
    path.write_text(html, "utf-8")
    return path.as_uri()


def wrong(page: Page) -> list[str]:
    """What no document may do at any width, folded or not."""
    found = []
    for width in WIDTHS:
        page.show(width)
        found += [f"{width} px: {element}" for element in page.wider_than_the_screen()]
    if page.value("document.documentElement.scrollHeight") < 300:
        found.append("hardly anything is there")
    return [*found, *page.console, *(f"asked for {address}" for address in page.requests)]


def test_nothing_is_wider_than_the_screen_and_nothing_is_refused_or_asked_for(browser: Browser, tmp_path: Path) -> None:
    seen = {}
    for name, html in documents():
        with browser.opened(written(tmp_path, html)) as page:
            page.unfold()
            seen[name] = wrong(page)
    assert len(seen) == 2 * len(DAYS) + len(facts.EVENTS) + 2 * 5 + 3 * (2 * len(Kind) + 3)
    assert {name: found for name, found in seen.items() if found} == {}


BUILT = ("rich", "incident", "empty", "hostile")
"""Days whose pages are built unlike each other; the others differ from one of them in words and colours."""


@pytest.mark.npm("axe-core")
@pytest.mark.parametrize(("name", "code"), [*((n, "zh-Hant") for n in DAYS), ("rich", "zh-Hans"), ("rich", "en")])
def test_everybody_can_use_the_page(name: str, code: str, browser: Browser, tmp_path: Path) -> None:
    """Contrast, landmarks, names, order of headings: at every width, in the light and in the dark."""
    with browser.opened(written(tmp_path, digest_page(DAYS[name](), code))) as page:
        page.unfold()
        if name in BUILT and code == "zh-Hant":
            assert page.unusable(*([(360, True)] if name == "rich" else [])) == []
        else:
            assert page.pale() == []


@pytest.mark.npm("axe-core")
def test_everybody_can_use_the_page_of_an_incident(browser: Browser, tmp_path: Path) -> None:
    with browser.opened(written(tmp_path, incident_page(facts.answered(), "zh-Hant"))) as page:
        assert page.unusable() == []


def mails(code: str) -> Iterator[tuple[str, str]]:
    """One of each kind and state that looks like no other."""
    yield "digest", digest_mail(felt.rich_day(), code, LINK, PAGES).html
    yield "week", week_mail(weeks.week(), code, LINK, PAGES).html
    yield "opened", alert_mail(facts.answered(), code).html
    if code != "zh-Hant":
        return
    for event in ("grown", "escalated", "resolved"):
        yield event, alert_mail(facts.answered(event), code).html
    for kind in (Kind.BURST, Kind.TAKEOFF):
        yield str(kind), alert_mail(facts.answered("opened", kind), code).html
    late = told_late(alert_mail(facts.alert(), code), 2, facts.at(1), facts.at(3), facts.ZONE, code)
    yield "late", late.html
    yield "hostile", alert_mail(facts.hostile_alert(), code).html
    yield "ops", ops_mail(facts.OPS, code).html


class TestMails:
    @pytest.mark.npm("axe-core")
    @pytest.mark.parametrize("code", CODES)
    def test_everybody_can_use_them(self, code: str, browser: Browser, tmp_path: Path) -> None:
        """As the pages, in a mail reader that knows the dark; all of axe where they are built unlike each other."""
        found = {}
        for name, html in mails(code):
            with browser.opened(written(tmp_path, html)) as page:
                built = code == "zh-Hant" and name in (
                    "digest",
                    "week",
                    "opened",
                    "burst",
                    "resolved",
                    "hostile",
                    "ops",
                )
                found[name] = page.unusable() if built else page.pale()
        assert len(found) == (11 if code == "zh-Hant" else 3)
        assert {name: faults for name, faults in found.items() if faults} == {}

    def test_a_reader_that_keeps_only_what_is_written_on_them_shows_them_in_the_light(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        """No word takes the ink of a reader's own, whose ground may be dark: style sheet, body and all are dropped."""
        made = dict(mails("en"))
        for name in ("digest", "opened"):
            html = made[name]
            inner = re.sub(r"(?s).*<body[^>]*>|</body>.*", "", html)
            bare = f"<!doctype html><html lang=en><title>x</title><body style='background:#000;color:#010203'>{inner}"
            with browser.opened(written(tmp_path, bare), 360, dark=True) as page:
                assert page.value("document.styleSheets.length") == 0, name
                words = """[...document.body.querySelectorAll("*")].filter(e => e.checkVisibility()
                    && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))"""
                assert page.value(f"{words}.length") > 30, name
                own = f"{words}.filter(e => getComputedStyle(e).color === 'rgb(1, 2, 3)' || !e.closest('.frame'))"
                assert page.value(f"{own}.map(e => e.outerHTML)") == [], name
                assert page.value("getComputedStyle(document.querySelector('.frame')).backgroundColor") == WHITE

    def test_the_dark_changes_colours_and_nothing_else(self) -> None:
        """So what was seen of widths in the light holds in the dark."""
        for sheet in ("mail.css", "page.css"):
            css = (TEMPLATES / sheet).read_text("utf-8")
            dark = re.findall(r"@media[^{]*dark[^{]*(\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})", css)
            assert len(dark) == 1
            changed = re.findall(r"(?:^|[{;])\s*([\w-]+):([^;{}]+)", dark[0])
            assert len(changed) > 15
            for name, value in changed:
                assert name in ("color", "background") or name.endswith("-color") or name.startswith("--"), name
                assert re.fullmatch(r"#[0-9a-f]{3,6}(!important)?", value), value

    def test_a_screen_reader_is_told_of_no_table_that_only_places(self, browser: Browser, tmp_path: Path) -> None:
        """Tables of figures have a name for every row and column; all others say that they are none."""
        for name, html in mails("zh-Hans"):
            with browser.opened(written(tmp_path, html)) as page:
                tables = "[...document.querySelectorAll('table:not([role=presentation])')]"
                assert (
                    page.value(f"{tables}.filter(t => ![...t.rows].every(r => r.querySelector('th[scope]'))).length")
                    == 0
                )
                assert page.value(f"{tables}.length") > (3 if name == "digest" else 1)
                assert page.value("document.querySelector('[role=main]').lang") == "zh-Hans"


class TestTheJudges:
    """That they can see at all."""

    BAD = """<!doctype html><html lang=en><title>x</title><main><h1>x</h1>
        <div style="width:2000px;height:400px">wide</div>
        <p style="color:#ccc;background:#fff">pale</p><img src="https://elsewhere.example/x.png">
        <script>console.error("trouble")</script></main>"""

    def test_width_requests_and_the_console(self, browser: Browser, tmp_path: Path) -> None:
        with browser.opened(written(tmp_path, self.BAD), 768) as page:
            assert any("2000" in found or "2008" in found for found in page.wider_than_the_screen())
            assert page.requests == ["https://elsewhere.example/x.png"]
            assert any("trouble" in line for line in page.console)

    @pytest.mark.npm("axe-core")
    def test_accessibility(self, browser: Browser, tmp_path: Path) -> None:
        with browser.opened(written(tmp_path, self.BAD)) as page:
            assert {line.split(":")[0] for line in page.judged()} >= {"color-contrast", "image-alt"}


class TestHostilePosts:
    def test_nothing_of_them_runs_restyles_or_leaves(self, browser: Browser, tmp_path: Path) -> None:
        with browser.opened(written(tmp_path, digest_page(felt.hostile_feelings(), "zh-Hant"))) as page:
            page.unfold()
            assert wrong(page) == []
            assert page.value("document.scripts.length + document.images.length + document.forms.length") == 0
            assert page.value("document.styleSheets.length") == 1
            links = page.value("[...document.links].map(a => a.protocol + (a.target || ''))")
            assert set(links) == {"file:"}  # only to the page's own evidence: none of their addresses is a link
            visible = page.value("document.body.innerText")
        assert "<script>alert(1)</script>" in visible
        assert "\u202e" not in visible

    def test_a_policy_stands_behind_the_escaping(self, browser: Browser, tmp_path: Path) -> None:
        """Even markup that slipped through does nothing, and the console tells of it."""
        html = digest_page(facts.calm_day(), "en")
        inject = '<img src="https://elsewhere.example/x.png"><script>document.title = "taken"</script>'
        with browser.opened(written(tmp_path, html.replace("</main>", inject + "</main>"))) as page:
            assert page.value("document.title") != "taken"
            assert any("Content Security Policy" in line for line in page.console)
            assert page.value("performance.getEntriesByType('resource').filter(r => r.transferSize > 0).length") == 0


class TestNumbers:
    def test_each_number_leads_to_its_query_and_opens_it(self, browser: Browser, tmp_path: Path) -> None:
        address = written(tmp_path, digest_page(felt.rich_day(), "zh-Hant"))
        with browser.opened(address) as page:
            dead = "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.querySelector(a.hash))"
            assert page.value(f"{dead}.map(a => a.hash)") == []
            assert page.value("document.querySelectorAll('a.number').length") > 100
        with browser.opened(f"{address}#proof-themes") as page:
            box = page.value(
                "(b => [b.top, b.bottom])(document.querySelector('#proof-themes').getBoundingClientRect())"
            )
            assert 0 <= box[0] < box[1] <= 900
            query = "document.querySelector('#proof-themes').parentElement.querySelector('pre')"
            assert page.value(f"{query}.getBoundingClientRect().height") > 40

    def test_no_number_of_the_day_stands_without_one(self, browser: Browser, tmp_path: Path) -> None:
        """Every digit in the places that hold numbers is inside a link to its evidence."""
        places = (
            ".sentence, .waiting, .value, .before, .difference, .midnight p, .states dd, .facts dd, .pair td, "
            ".split td, .rivals td, .theme .count, .week, .felt h3, #stories .size strong, "
            "#unknowns > ul, #days td:not(.words), #coverage td, #coverage > p"
        )
        script = f"""[...document.querySelectorAll({places!r})].flatMap(place => {{
            const copy = place.cloneNode(true);
            copy.querySelectorAll("a.number").forEach(a => a.remove());
            const left = copy.textContent.replace(/\\d\\d:\\d\\d/, "");
            return /[0-9]/.test(left) ? [place.className + ": " + place.textContent] : [];
        }})"""
        for code in CODES:
            with browser.opened(written(tmp_path, digest_page(felt.rich_day(), code))) as page:
                page.unfold()
                assert page.value(f"document.querySelectorAll({places!r}).length") > 60
                assert page.value(script) == []


def test_paper_gets_the_quotes_and_their_addresses_but_no_queries(browser: Browser, tmp_path: Path) -> None:
    with browser.opened(written(tmp_path, digest_page(felt.rich_day(), "zh-Hant")), 794) as page:
        page.show(794, print_=True)
        assert page.wider_than_the_screen() == []
        assert page.value("getComputedStyle(document.querySelector('#evidence')).display") == "none"
        assert page.value("getComputedStyle(document.querySelector('.complaint blockquote')).display") == "block"
        after = "getComputedStyle(document.querySelector('.complaint a.post'), '::after').content"
        assert "https://" in page.value(after)
