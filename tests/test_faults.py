"""Everything that a server may do wrong, all in one cycle: each ends as a recorded state, and the healthy are heard.

A server on loopback stands for every host (by name), so that addresses are judged as on the open internet.
"""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from monitor import jobs
from monitor.jobs import Report
from monitor.work.app import App, Collector
from sources import build
from sources.http import Http
from tests.sources.loopback import PUBLIC, Door, Reply, Route, Server, serving
from tests.standin import HOUR, NOW, make_app

METADATA = "169.254.169.254"
JSON = {"Content-Type": "application/json"}


def rss(*titles: str, encoding: str = "utf-8", declared: str = "utf-8") -> bytes:
    items = "".join(
        f"<item><guid>{n}</guid><title>{title}</title><pubDate>Fri, 20 Nov 2026 01:{n:02}:00 GMT</pubDate></item>"
        for n, title in enumerate(titles, 1)
    )
    text = f'<?xml version="1.0" encoding="{declared}"?><rss version="2.0"><channel>{items}</channel></rss>'
    return text.encode(encoding)


def listed(*items: object, **more: object) -> Reply:
    return Reply(200, json.dumps({"data": items, **more}, ensure_ascii=False).encode(), JSON)


def item(number: object, text: str = "澄嵐的客服") -> dict[str, object]:
    return {"id": number, "text": text, "at": "2026-11-20T01:00:00Z"}


def dripping(request: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for ever: no pause is long enough for a time-out."""
    pause = threading.Event()
    with suppress(OSError):
        request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not pause.wait(0.02):
            request.wfile.write(b" ")
            request.wfile.flush()


def stalled(request: BaseHTTPRequestHandler) -> None:
    """It takes the request, and then nothing."""
    request.connection.settimeout(10)
    with suppress(OSError):
        request.connection.recv(1)  # ends when the client leaves


def truncated(request: BaseHTTPRequestHandler) -> None:
    body = rss("澄嵐 a", "澄嵐 b")
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + 9) + body[:-50])


def fifty_megabytes(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
    with suppress(OSError):
        for _ in range(50):
            request.wfile.write(b"<item>" * 166_666 + b"1234")


def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()


@dataclass
class Case:
    """What a server does wrong, who asks it, and the state and words in which that ends; ``texts``: what was read."""

    route: Route
    state: str
    words: str = ""
    kind: str = "feed"
    settings: dict[str, Any] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    rejected: int = 0
    path: str = "/"
    scheme: str = "http"


MAPPING: dict[str, Any] = {"items": "data", "fields": {"id": "id", "text": "text", "created_at": "at"}}
PAGED = {**MAPPING, "params": {"c": "{cursor}"}, "next_cursor": "next"}
WEIBO = {"cookie_env": "WEIBO_COOKIE"}
SEARCH = "/api/container/getIndex"

CASES = {
    "slow": Case(dripping, "failed", "no whole answer within 1 s"),
    "stalled": Case(stalled, "failed", "timed out (read)"),
    "truncated": Case(truncated, "failed", "the answer is cut short"),
    "fifty-megabytes": Case(fifty_megabytes, "failed", "the body is larger than 20000000 bytes"),
    "gzip-bomb": Case(Reply(200, bomb(), {"Content-Encoding": "gzip"}), "failed", "larger than 20000000 bytes"),
    "gzip-cut": Case(
        Reply(200, gzip.compress(rss("澄嵐"), mtime=0)[:-9], {"Content-Encoding": "gzip"}), "failed", "cut short"
    ),
    "wrong-charset": Case(Reply(200, rss("澄岚的客服", encoding="gbk")), "ok", texts=("澄岚的客服",)),
    "html-for-a-feed": Case(Reply(200, b"<!doctype html><title>login</title>"), "failed", "an HTML page, not a feed"),
    "html-for-json": Case(
        Reply(200, b"<!doctype html><title>login</title>"), "failed", "HTML page", "json_api", MAPPING
    ),
    "nulls": Case(
        listed(None, {"id": None, "text": None, "at": None}, item(1)), "ok", kind="json_api", settings=MAPPING,
        texts=("澄嵐的客服",), rejected=2,
    ),
    "null-for-all": Case(Reply(200, b"null", JSON), "failed", "", "json_api", MAPPING),
    "ids-as-numbers": Case(
        listed(item(7), item(7.0), item(8, "澄嵐的店")), "ok", kind="json_api", settings=MAPPING,
        texts=("澄嵐的客服", "澄嵐的店"),
    ),
    "empty-pages": Case(listed(next="again"), "ok", kind="json_api", settings=PAGED),
    "repeating-cursor": Case(
        listed(item(1), next="same"), "ok", kind="json_api", settings=PAGED, texts=("澄嵐的客服",)
    ),
    "empty-answer": Case(Reply(200, b""), "failed", "an empty answer"),
    "redirect-loop": Case(Reply(302, headers={"Location": "/"}), "failed", "more than 5 redirects"),
    "redirect-to-metadata": Case(
        Reply(302, headers={"Location": f"http://{METADATA}/latest/meta-data"}), "failed",
        f"{METADATA}: is a private or reserved address",
    ),
    "redirect-to-a-name-of-it": Case(
        Reply(302, headers={"Location": "http://metadata.example.test/"}), "failed",
        f"metadata.example.test: is at {METADATA}, a private or reserved address",
    ),
    "redirect-to-mapped-loopback": Case(
        Reply(302, headers={"Location": "http://[::ffff:127.0.0.1]/"}), "failed", "is a private or reserved address"
    ),
    "redirect-to-a-file": Case(
        Reply(302, headers={"Location": "file:///etc/passwd"}), "failed", 'not http or https, but "file"'
    ),
    "http-429": Case(Reply(429, headers={"Retry-After": "3600"}), "rate_limited", "HTTP 429"),
    "http-429-until": Case(
        Reply(429, headers={"Retry-After": f"{NOW + HOUR:%a, %d %b %Y %H:%M:%S} GMT"}), "rate_limited", "HTTP 429"
    ),
    "http-503": Case(Reply(503), "failed", "HTTP 503"),
    "http-503-until": Case(Reply(503, headers={"Retry-After": "7200"}), "rate_limited", "HTTP 503"),
    "http-412": Case(
        Reply(412), "blocked", "HTTP 412", "bilibili", path="/x/web-interface/nav"
    ),
    "http-432": Case(Reply(432), "needs_credentials", "HTTP 432", "weibo", WEIBO, path=SEARCH),
    "http-401": Case(Reply(401), "needs_credentials", "HTTP 401"),
    "http-403": Case(Reply(403), "blocked", "HTTP 403"),
    "no-tls": Case(Reply(200, rss("澄嵐")), "failed", "TLS", scheme="https"),
    "error-in-the-body": Case(
        Reply(200, b'{"ok":-100,"errno":"-100","msg":"login"}', JSON), "needs_credentials", "", "weibo", WEIBO,
        path=SEARCH,
    ),
    "healthy": Case(Reply(200, rss("澄嵐的客服", "澄嵐的店")), "ok", texts=("澄嵐的客服", "澄嵐的店")),
    "healthy-json": Case(listed(item("x")), "ok", kind="json_api", settings=MAPPING, texts=("澄嵐的客服",)),
}  # fmt: skip


def host(name: str) -> str:
    return f"{name}.example.test"


def routed(routes: dict[str, Route]) -> Callable[[BaseHTTPRequestHandler], Reply | None]:
    """One path at many hosts."""

    def route(request: BaseHTTPRequestHandler) -> Reply | None:
        found = routes.get((request.headers["Host"] or "").partition(":")[0], Reply(404))
        return found if isinstance(found, Reply) else found(request)

    return route


def collector(name: str, case: Case, server: Server, http: Http) -> Collector:
    where = f"config.toml: sources.{name}"
    url = f"{case.scheme}://{host(name)}:{server.port}" + (case.path if case.kind in ("feed", "json_api") else "")
    return Collector(name, 900, build(case.kind, name, {"url": url, **case.settings}, http, where))


@dataclass
class World:
    app: App
    door: Door
    server: Server


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("WEIBO_COOKIE", "SUB=invented")
    door = Door()

    def resolver(name: str, port: int) -> list[str]:
        if name in ("metadata.example.test", METADATA):
            return [METADATA]
        return [name] if ":" in name else [PUBLIC]

    with (
        serving() as server,
        Http("x@y.example", read=0.5, deadline=1.0, apart=0.0, resolver=resolver, connector=door) as http,
    ):
        for path in {case.path for case in CASES.values()}:
            server.routes[path] = routed({host(n): c.route for n, c in CASES.items() if c.path == path})
        app = make_app(tmp_path, service={"deadline": "1m"})
        collectors = tuple(collector(name, case, server, http) for name, case in CASES.items())
        yield World(replace(app, http=http, collectors=collectors), door, server)


def test_every_fault_is_a_recorded_state_and_the_others_go_on(world: World) -> None:
    db = world.app.open_store()
    jobs.collect(world.app, db, NOW, Report())
    rows = {
        source: (state, detail, rejected)
        for source, state, detail, rejected in db.execute("SELECT source, state, detail, rejected FROM source_runs")
    }
    texts = db.execute("SELECT s.source, p.text FROM sightings s JOIN posts p ON p.id = s.post ORDER BY p.text")
    read: dict[str, list[str]] = {}
    for source, text in texts.fetchall():
        read.setdefault(source, []).append(text)
    for name, case in CASES.items():
        state, detail, rejected = rows.pop(name)
        assert (name, state, rejected) == (name, case.state, case.rejected), detail
        assert case.words in detail, name
        assert (detail == "") == (case.state == "ok"), name
        assert "\n" not in detail, name
        assert tuple(read.get(name, ())) == tuple(sorted(case.texts)), name
    assert not rows
    assert set(world.door.asked) == {PUBLIC}, "nothing else was ever connected to"
    assert db.execute("SELECT count(*) FROM failures").fetchone() == (0,), "none of it is a bug of ours"
    db.close()


def test_after_the_cycle_each_is_due_when_its_fault_allows(world: World) -> None:
    db = world.app.open_store()
    jobs.collect(world.app, db, NOW, Report())
    due = dict(db.execute("SELECT source, due_at FROM cursors").fetchall())
    rests = {name: f"{NOW + rest:%Y-%m-%dT%H:%M:%SZ}" for name, rest in {
        "healthy": timedelta(minutes=15), "slow": timedelta(minutes=15), "http-503": timedelta(minutes=15),
        "http-403": timedelta(minutes=30), "http-432": timedelta(minutes=30), "http-412": timedelta(minutes=30),
        "http-429": HOUR, "http-429-until": HOUR, "http-503-until": 2 * HOUR,
    }.items()}  # fmt: skip
    assert {name: due[name] for name in rests} == rests
    db.close()


def test_the_next_cycle_goes_on_from_where_the_faults_left_it(world: World) -> None:
    """Servers that are mended are heard again, and their time of faults is made up for as far as they reach back."""
    db = world.app.open_store()
    jobs.collect(world.app, db, NOW, Report())
    mended = Reply(200, rss("澄嵐的客服", "澄嵐的店"))
    world.server.routes["/"] = mended
    jobs.collect(world.app, db, NOW + 3 * HOUR, Report())
    ok = {
        source
        for (source,) in db.execute(
            "SELECT source FROM source_runs WHERE state = 'ok' AND started_at > ?", [f"{NOW:%Y-%m-%dT%H:%M:%SZ}"]
        )
    }
    feeds = {name for name, case in CASES.items() if case.kind == "feed" and case.scheme == "http"}
    assert feeds <= ok
    db.close()
