"""What a browser makes of the pages and mails: nothing may be wider than the screen, and nothing be refused."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

import pytest

from monitor.model import Kind
from reports.render import alert_mail, digest_mail, digest_page, incident_page, ops_mail
from tests.reports import invented_facts as facts

WIDTHS = (360, 1280)

pytestmark = pytest.mark.debian("chromium")

MEASURE = """
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument.scrollingElement;
    const tall = page.scrollHeight;
    return {name: frame.title, width: frame.clientWidth, scroll: page.scrollWidth, tall: tall};
  });
  document.querySelector("#found").textContent = JSON.stringify(found);
});
"""


def documents() -> dict[str, str]:
    made = {}
    for code in ("zh-Hant", "zh-Hans", "en"):
        for name, day in (*facts.DAYS.items(), ("hostile", facts.hostile_digest)):
            made[f"page {name} {code}"] = digest_page(day(), code)
            made[f"mail {name} {code}"] = digest_mail(day(), code, "2026-11-20.html").html
        for event in facts.EVENTS:
            made[f"alert {event} {code}"] = alert_mail(facts.answered(event), code).html
        for kind in Kind:
            made[f"alert {kind} {code}"] = alert_mail(facts.alert("opened", kind), code).html
            made[f"incident {kind} {code}"] = incident_page(facts.answered("opened", kind), code)
        made[f"incident hostile {code}"] = incident_page(facts.hostile_alert(), code)
        made[f"alert hostile {code}"] = alert_mail(facts.hostile_alert(), code).html
        made[f"ops {code}"] = ops_mail(facts.OPS, code).html
    return made


def wrapped(pages: dict[str, str]) -> str:
    """Each page in a frame of each width, where its own media rules see that width, and a script that measures."""
    frames = "".join(
        f'<iframe title="{html.escape(name)}" style="width:{width}px;height:800px;border:0" '
        f'srcdoc="{html.escape(page)}"></iframe>'
        for name, page in pages.items()
        for width in WIDTHS
    )
    return f'<!doctype html><meta charset="utf-8"><body>{frames}<pre id="found"></pre><script>{MEASURE}</script>'


def opened(page: Path, profile: Path) -> tuple[str, str]:
    """The page's DOM after loading, and what the browser wrote to its console."""
    switches = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-logging=stderr --window-size=1400,900"
    )
    done = subprocess.run(
        ["chromium", *switches.split(), f"--user-data-dir={profile}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


def test_nothing_is_wider_than_the_screen_and_nothing_is_refused(tmp_path: Path) -> None:
    pages = documents()
    page = tmp_path / "frames.html"
    page.write_text(wrapped(pages), "utf-8")
    dom, console = opened(page, tmp_path / "profile")
    match = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    assert match
    found = json.loads(html.unescape(match[1]))
    assert len(found) == len(pages) * len(WIDTHS)
    assert [f for f in found if f["scroll"] > f["width"]] == []
    assert [f for f in found if f["tall"] < 300] == []
    assert [line for line in console.splitlines() if "CONSOLE" in line] == []
