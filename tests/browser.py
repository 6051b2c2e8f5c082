"""A real Chromium for tests: opens documents as a reader would, and tells what went wrong in them.

It speaks the DevTools protocol over the browser's own pipe (file descriptors 3 and 4), so it needs no driver, no port
and no library. One browser serves many pages; each page has a tab of its own.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NODE_MODULES = Path(__file__).parent / "axe" / "node_modules"
"""What ``make axe`` brings, which ``make test`` does where npm is there. Tests that need it: ``npm("axe-core")``."""

SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]

PATIENCE = 60.0
"""Seconds that one answer may take: a slow machine is no failure of the page."""

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOURS = ("color-contrast", "link-in-text-block")
PLACES = ("target-size", "scrollable-region-focusable")
"""The rules of axe-core that depend on what the light changes, and on what the width does. All others read the
document, which neither changes: once is enough for them."""

Message = dict[str, Any]


@dataclass
class Page:
    """One open tab. ``console``: errors, warnings and refusals by policy; ``requests``: addresses it asked for beyond
    its own document."""

    browser: Browser
    session: str
    target: str
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, method: str, **params: object) -> Message:
        return self.browser.ask(method, self.session, **params)

    def unfold(self) -> None:
        """Open everything that is folded away."""
        self.value("document.querySelectorAll('details').forEach(d => d.open = true)")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives, also a promise's."""
        done = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def show(self, width: int, dark: bool = False, print_: bool = False) -> None:
        """The page as a screen of that width sees it, or on paper."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", media="print" if print_ else "screen", features=scheme)

    def wider_than_the_screen(self) -> list[str]:
        """Elements that stick out of the viewport and of every box that could scroll them."""
        return list(self.value(_OVERFLOW))

    def judged(self, *rules: str) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA and good practice, or against these rules, one line each."""
        if not self.value("typeof window.axe === 'object'"):
            self.value((NODE_MODULES / "axe-core" / "axe.min.js").read_text("utf-8") + ";0")
        only = json.dumps({"type": "rule", "values": rules} if rules else {"type": "tag", "values": WCAG})
        found = self.value(
            f"""axe.run(document, {{runOnly: {only}, resultTypes: ["violations"]}}).then(r => r.violations.flatMap(
                v => v.nodes.map(n => `${{v.id}}: ${{n.html.slice(0, 160)}} ${{n.failureSummary}}`)))"""
        )
        return list(found)

    def unusable(self, *also: tuple[int, bool]) -> list[str]:
        """What ``judged`` finds on a phone in the light; of that, what places change on a wider screen; what both
        change on a wide screen in the dark, and colours at ``also``: (width, dark)."""
        self.show(360)
        found = self.judged()
        for (width, dark), rules in {
            (768, False): PLACES, (1280, True): (*PLACES, *COLOURS), **dict.fromkeys(also, COLOURS),
        }.items():  # fmt: skip
            self.show(width, dark)
            found += [f"{width} px{', dark' if dark else ''}: {fault}" for fault in self.judged(*rules)]
        return found

    def pale(self) -> list[str]:
        """What of it colours alone decide, in both lights."""
        found = []
        for width, dark in ((360, False), (1280, True)):
            self.show(width, dark)
            found += self.judged(*COLOURS)
        return found

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


_OVERFLOW = """(() => {
  const wide = document.documentElement.clientWidth, found = [];
  const all = document.scrollingElement.scrollWidth;
  const clips = e => ["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX);
  if (all > wide) found.push(`page: ${all} > ${wide}`);
  for (const e of document.body.querySelectorAll("*")) {
    const box = e.getBoundingClientRect();
    if (!box.width || box.right <= wide + 1 || e.closest(".unseen")) continue;
    let inside = e.parentElement;
    while (inside && !clips(inside)) inside = inside.parentElement;
    if (!inside) found.push(`${e.tagName} ${e.className.baseVal ?? e.className} ${Math.round(box.right)} > ${wide}`);
  }
  return found;
})()"""


class Browser:
    """A running Chromium with a profile of its own; use it as a context."""

    def __init__(self, profile: Path) -> None:
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()

        def pipes() -> None:
            # First out of the way: either may already be 3 or 4.
            high = os.dup(to_read), os.dup(to_write)
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            ["chromium", *SWITCHES, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self._number = 0
        self._rest = b""
        self._pages: dict[str, Page] = {}
        self._idle: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._to)  # the browser ends when its pipe does
        os.close(self._from)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def opened(self, address: str, width: int = 1280, dark: bool = False) -> Iterator[Page]:
        """A page, loaded with its fonts."""
        target, session = self._idle.pop() if self._idle else self._new_tab()
        page = self._pages[session] = Page(self, session, target)
        try:
            page.show(width, dark)
            self._load(page, address)
            page.ask("Runtime.evaluate", expression="document.fonts.ready.then(() => 0)", awaitPromise=True)
            yield page
            self._idle.append((target, session))
        finally:
            del self._pages[session]

    def _new_tab(self) -> tuple[str, str]:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable", session)
        return target, session

    def _load(self, page: Page, address: str) -> None:
        self._loaded = False
        if "loaderId" not in page.ask("Page.navigate", url=address):  # the same page, elsewhere in it
            page.ask("Page.reload")
        while not self._loaded:
            self._next()

    def ask(self, method: str, session: str = "", **params: object) -> Message:
        """One command and its answer; what the pages tell meanwhile is kept with them."""
        self._number += 1
        message: Message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._send(message)
        while (answer := self._next()).get("id") != self._number:
            pass
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: Message = answer["result"]
        return result

    def _send(self, message: Message) -> None:
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]

    def _next(self) -> Message:
        """The next message of the browser, noted if it is an event of a page."""
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            piece = os.read(self._from, 1 << 16)
            assert piece, "the browser has ended"
            self._rest += piece
        raw, _, self._rest = self._rest.partition(b"\0")
        message: Message = json.loads(raw)
        page = self._pages.get(message.get("sessionId", ""))
        if page is not None and "method" in message:
            self._note(page, message["method"], message["params"])
        return message

    def _note(self, page: Page, event: str, params: Mapping[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Page.frameNavigated" and "parentId" not in params["frame"]:
            page.console.clear()  # of what the tab showed before
            page.requests.clear()
        elif event == "Log.entryAdded":
            page.console.append(f"{params['entry']['level']}: {params['entry']['text']}")
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            page.console.append(f"{params['type']}: {params['args']}")
        elif event == "Runtime.exceptionThrown":
            page.console.append(f"exception: {params['exceptionDetails']['text']}")
        elif event == "Network.requestWillBeSent" and params["type"] != "Document":
            page.requests.append(params["request"]["url"])
