"""A web server on loopback that shows the invented world as it was known at one moment, and not a post more."""

from __future__ import annotations

import hashlib
import sys
import threading
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from monitor.demo.feeds import OUTLETS, Outlet
from monitor.demo.world import MICROBLOG, PROMO_DAY, Item, local
from monitor.model import utc_text

BEFORE_ALL = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch in which a platform answers 503."""

    platform: str
    start: datetime
    end: datetime


OUTAGES = (Outage(MICROBLOG, local(PROMO_DAY, 18.6), local(PROMO_DAY, 22.9)),)
"""The microblog breaks down on the evening of the promo day. When it is back, so much has been written that the
oldest of it has left the feed for good: an honest gap."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class FeedServer:
    """Serves the feeds of ``items`` (in the order of time) from ``with`` to its end.

    ``now`` may be set at any time, here or, from another process, by ``PUT /now`` with an ISO time as the body.
    """

    def __init__(self, items: Sequence[Item], outages: Sequence[Outage] = OUTAGES) -> None:
        self.now = BEFORE_ALL
        self._outages = outages
        self._by_path = {o.path: (o, [i for i in items if i.platform == o.platform]) for o in OUTLETS}
        self._times = {path: [i.at for i in shown] for path, (_, shown) in self._by_path.items()}
        self._body = lru_cache(maxsize=64)(self._render)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.world = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="feeds", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def published(self) -> int:
        """How many posts were written by ``now``."""
        return sum(bisect_right(times, self.now) for times in self._times.values())

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """The answer to a GET with these headers (their names in lower case)."""
        if path == "/now":
            return Answer(200, {"Content-Type": "text/plain"}, utc_text(self.now).encode())
        if path not in self._by_path:
            return Answer(404, {})
        now, outlet = self.now, self._by_path[path][0]
        if any(o.platform == outlet.platform and o.start <= now < o.end for o in self._outages):
            return Answer(503, {"Content-Type": "text/plain"}, b"down for maintenance")
        until = bisect_right(self._times[path], now)
        body = self._body(path, until)
        newest = self._times[path][until - 1] if until else BEFORE_ALL
        marks = {
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"',
            "Last-Modified": format_datetime(newest, usegmt=True),
        }
        if _known(headers, marks["ETag"], newest):
            return Answer(304, marks)
        return Answer(200, {**marks, "Content-Type": outlet.content_type}, body)

    def _render(self, path: str, until: int) -> bytes:
        outlet, items = self._by_path[path]
        return outlet.render(outlet, items[max(0, until - outlet.window) : until][::-1])


def outlet_url(server_url: str, outlet: Outlet) -> str:
    return server_url + outlet.path


def _known(headers: Mapping[str, str], etag: str, newest: datetime) -> bool:
    """Whether the client has this version; an ETag, where sent, decides alone (RFC 9110, 13.2.2)."""
    if "if-none-match" in headers:
        return etag in [mark.strip() for mark in headers["if-none-match"].split(",")]
    if "if-modified-since" not in headers:
        return False
    try:
        since = parsedate_to_datetime(headers["if-modified-since"])
    except ValueError:
        return False
    return newest <= (since if since.tzinfo else since.replace(tzinfo=UTC))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    world: FeedServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, killed or content with the status, is no fault; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.server.world.answer(self.path.partition("?")[0], headers))

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            moment = datetime.fromisoformat(body.decode("ascii"))
        except ValueError:
            moment = None
        if self.path != "/now" or moment is None or moment.tzinfo is None:
            self._send(Answer(400, {"Content-Type": "text/plain"}, b"PUT /now wants an ISO time with its zone"))
            return
        self.server.world.now = moment.astimezone(UTC)
        self._send(Answer(204, {}))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: Any) -> None:
        """The demo has a log of its own."""
