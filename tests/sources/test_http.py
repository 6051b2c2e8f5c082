from __future__ import annotations

import gzip
import re
import socket
import ssl
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from monitor.errors import Blocked, ConfigError, NeedsCredentials, RateLimited, SourceError
from sources.http import Http
from sources.network import is_public
from sources.politeness import MAX_REST, retry_after
from tests.sources.loopback import NOW, PUBLIC, Door, Reply, Server


def fault(http: Http, url: str, **given: dict[str, str]) -> SourceError:
    """The error of a GET, which is one line and holds neither path nor query."""
    with pytest.raises(SourceError) as caught:
        http.get(url, now=NOW, **given)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    return caught.value


def test_answer_holds_what_came(server: Server, http: Http) -> None:
    server.routes["/a"] = Reply(
        200, "澄嵐".encode(), {"ETag": '"v1"', "Last-Modified": "Fri, 20 Nov 2026 23:00:00 GMT"}
    )
    answer = http.get(server.url("/a?x=1"), now=NOW)
    assert (answer.status, answer.body.decode(), answer.etag) == (200, "澄嵐", '"v1"')
    assert answer.last_modified == "Fri, 20 Nov 2026 23:00:00 GMT"
    assert answer.url == server.url("/a?x=1")
    assert not answer.not_modified


def test_says_who_asks_and_sends_no_cookie_back(server: Server, http: Http) -> None:
    server.routes["/a"] = Reply(200, b"x", {"Set-Cookie": "visitor=1; Path=/"})
    http.get(server.url("/a"), now=NOW)
    http.get(server.url("/a"), now=NOW)
    _, headers = server.seen[1]
    assert headers["user-agent"] == http.user_agent
    assert http.user_agent.startswith("Qianli/")
    assert http.user_agent.endswith(" (+pr@chenglan.example)")
    assert "cookie" not in headers


def test_a_caller_may_judge_what_else_would_be_an_error(server: Server, http: Http) -> None:
    server.routes["/quota"] = Reply(403, b'{"reason": "quota"}')
    server.routes["/moved"] = Reply(302, b"", {"Location": "/login"})
    answer = http.get(server.url("/quota"), now=NOW, expect={403})
    assert (answer.status, answer.body) == (403, b'{"reason": "quota"}')
    moved = http.get(server.url("/moved"), now=NOW, expect={302})
    assert (moved.status, moved.headers["location"]) == (302, "/login")
    assert [path for path, _ in server.seen] == ["/quota", "/moved"]
    with pytest.raises(Blocked):
        http.get(server.url("/quota"), now=NOW, expect={404})


def test_post_sends_its_body_and_follows_no_redirect(server: Server, http: Http) -> None:
    server.routes["/login"] = Reply(200, b"{}")
    server.routes["/moved"] = Reply(302, b"", {"Location": "/login"})
    answer = http.post(server.url("/login"), b'{"a": 1}', "application/json", now=NOW, headers={"X-Key": "k"})
    assert answer.status == 200
    assert server.bodies == [b'{"a": 1}']
    assert (server.seen[0][1]["content-type"], server.seen[0][1]["x-key"]) == ("application/json", "k")
    with pytest.raises(SourceError, match="not followed, for the request holds a body"):
        http.post(server.url("/moved"), b"password", "text/plain", now=NOW)
    assert len(server.seen) == 2


def test_post_is_judged_like_a_get() -> None:
    with Http("pr@chenglan.example") as strict, pytest.raises(SourceError, match="private"):
        strict.post("http://127.0.0.1:9/", b"x", "text/plain", now=NOW)


def test_conditional_get(server: Server, http: Http) -> None:
    server.routes["/a"] = Reply(304)
    answer = http.get(server.url("/a"), now=NOW, etag='"v1"', last_modified="Fri, 20 Nov 2026 23:00:00 GMT")
    assert answer.not_modified
    assert answer.body == b""
    _, headers = server.seen[0]
    assert headers["if-none-match"] == '"v1"'
    assert headers["if-modified-since"] == "Fri, 20 Nov 2026 23:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {}, NeedsCredentials),
        (403, {}, Blocked),
        (412, {}, Blocked),
        (432, {}, Blocked),
        (451, {}, Blocked),
        (429, {}, RateLimited),
        (503, {"Retry-After": "30"}, RateLimited),
        (503, {}, SourceError),
        (404, {}, SourceError),
        (500, {}, SourceError),
        (300, {}, SourceError),
        (302, {}, SourceError),
    ],
)
def test_status_decides_the_error(
    server: Server, http: Http, status: int, headers: dict[str, str], kind: type[SourceError]
) -> None:
    server.routes["/a"] = Reply(status, b"no", headers)
    error = fault(http, server.url("/a?key=secret"))
    assert type(error) is kind
    assert str(error) == f"127.0.0.1: HTTP {status}"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta(0)),
        ("Sat, 21 Nov 2026 03:05:00 GMT", timedelta(minutes=5)),
        ("Sat, 21 Nov 2026 11:05:00 +0800", timedelta(minutes=5)),
        ("Sat, 21 Nov 2026 02:00:00 GMT", timedelta(0)),
        ("Sat, 21 Nov 2099 02:00:00 GMT", MAX_REST),
        ("9" * 400, MAX_REST),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, wait: timedelta | None) -> None:
    assert retry_after(header, NOW) == wait


def test_rate_limit_carries_its_wait(server: Server, http: Http) -> None:
    server.routes["/a"] = Reply(429, b"", {"Retry-After": "Sat, 21 Nov 2026 03:10:00 GMT"})
    error = fault(http, server.url("/a"))
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(minutes=10)


def test_redirects_are_followed_up_to_five(server: Server, http: Http) -> None:
    for step in range(6):
        server.routes[f"/{step}"] = Reply(302, b"", {"Location": f"/{step + 1}"})
    server.routes["/6"] = Reply(200, b"there")
    assert http.get(server.url("/1"), now=NOW).body == b"there"
    assert http.get(server.url("/1"), now=NOW).url == server.url("/6")
    assert "more than 5 redirects" in str(fault(http, server.url("/0")))


def test_redirect_loop_ends(server: Server, http: Http) -> None:
    server.routes["/a"] = Reply(301, b"", {"Location": "/a?secret"})
    fault(http, server.url("/a"))
    assert len(server.seen) == 6


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x.example/", "javascript:alert(1)", "//[::1"])
def test_redirect_to_another_scheme_is_refused(server: Server, http: Http, target: str) -> None:
    server.routes["/a"] = Reply(302, b"", {"Location": target})
    assert "redirect to" in str(fault(http, server.url("/a")))
    assert len(server.seen) == 1


def test_credentials_stay_with_their_host(server: Server, http: Http) -> None:
    server.routes["/a"] = Reply(302, b"", {"Location": server.url("/b", host="localhost")})
    server.routes["/b"] = Reply(200, b"ok")
    error = fault(http, server.url("/a"), headers={"X-Token": "secret"})
    assert "credentials" in str(error)
    assert len(server.seen) == 1
    assert http.get(server.url("/a"), now=NOW, headers={"User-Agent": "other"}).body == b"ok"


def test_credentials_follow_on_the_same_host(server: Server, http: Http) -> None:
    server.routes["/a"] = Reply(307, b"", {"Location": "/b"})
    server.routes["/b"] = Reply(200, b"ok")
    assert http.get(server.url("/a"), now=NOW, headers={"X-Token": "t"}).body == b"ok"
    assert server.seen[1][1]["x-token"] == "t"


def test_gzip_is_opened(server: Server, http: Http) -> None:
    body = gzip.compress("澄嵐".encode()) + gzip.compress(b" two", mtime=0)
    server.routes["/a"] = Reply(200, body, {"Content-Encoding": "gzip"})
    assert http.get(server.url("/a"), now=NOW).body.decode() == "澄嵐 two"


@pytest.mark.parametrize(
    ("coding", "body", "words"),
    [
        ("gzip", gzip.compress(b"x" * 100, mtime=0)[:-9], "cut short"),
        ("gzip", b"plain", "cannot be read"),
        ("br", b"x", 'unknown compression "br"'),
        ("gzip, gzip", gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), "unknown compression"),
    ],
)
def test_damaged_compression(server: Server, http: Http, coding: str, body: bytes, words: str) -> None:
    server.routes["/a"] = Reply(200, body, {"Content-Encoding": coding})
    assert words in str(fault(http, server.url("/a")))


def test_gzip_bomb_stops_at_the_cap(server: Server) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    server.routes["/a"] = Reply(200, bomb, {"Content-Encoding": "gzip"})
    with Http("x@y.example", allow_private=True, max_body=1_000_000) as http:
        assert "larger than 1000000 bytes" in str(fault(http, server.url("/a")))


def test_body_past_the_cap_is_not_read_to_its_end(server: Server) -> None:
    written: list[int] = []
    hung_up = threading.Event()

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        try:
            while True:
                written.append(request.wfile.write(bytes(65536)))
        except OSError:
            hung_up.set()

    server.routes["/a"] = endless
    with Http("x@y.example", allow_private=True, max_body=1_000_000) as http:
        assert "larger than" in str(fault(http, server.url("/a")))
        assert hung_up.wait(10)
    assert sum(written) < 50_000_000


def drip(first: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """A route that sends ``first`` and then one byte at a time until the client leaves."""

    def route(request: BaseHTTPRequestHandler) -> None:
        pause = threading.Event()
        try:
            request.wfile.write(first)
            while not pause.wait(0.02):
                request.wfile.write(b"x")
                request.wfile.flush()
        except OSError:
            pass

    return route


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: "])
def test_slow_answer_ends_at_the_deadline(server: Server, first: bytes) -> None:
    server.routes["/a"] = drip(first)
    with Http("x@y.example", allow_private=True, read=5, deadline=0.4) as http:
        assert str(fault(http, server.url("/a"))) == "127.0.0.1: no whole answer within 0.4 s"


def test_silent_server_times_out(server: Server) -> None:
    released = threading.Event()

    def silent(request: BaseHTTPRequestHandler) -> None:
        released.wait(10)

    server.routes["/a"] = silent
    with Http("x@y.example", allow_private=True, read=0.2) as http:
        assert str(fault(http, server.url("/a"))) == "127.0.0.1: timed out (read)"
    released.set()


def test_truncated_body(server: Server, http: Http) -> None:
    def cut(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    server.routes["/a"] = cut
    assert str(fault(http, server.url("/a"))) == "127.0.0.1: the answer is cut short"


def test_server_that_speaks_no_http(server: Server, http: Http) -> None:
    def greet(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"220 smtp ready\r\n\r\n")

    server.routes["/a"] = greet
    assert str(fault(http, server.url("/a"))) == "127.0.0.1: the answer is not HTTP"


@pytest.mark.debian("openssl")
def test_certificate_nobody_vouches_for(server: Server, door: Door, tmp_path: Path) -> None:
    """Also: the judged address is connected to under the name that was asked for."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=feeds.example.test", "-days", "2"]
    subprocess.run([*made, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.sni_callback = lambda _, name, __: names.append(name)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Http("x@y.example", resolver=lambda *_: [PUBLIC], connector=door) as http,
        ThreadPoolExecutor(1) as pool,
    ):

        def shake_hands() -> None:
            with suppress(OSError), listener.accept()[0] as plain:
                context.wrap_socket(plain, server_side=True).close()

        ended = pool.submit(shake_hands)
        error = fault(http, f"https://feeds.example.test:{listener.getsockname()[1]}/?secret")
        ended.result(10)
    assert re.fullmatch(r"feeds\.example\.test: TLS: self.signed certificate", str(error))
    assert names == ["feeds.example.test"]
    assert door.asked == [PUBLIC]


def test_tls_that_is_none(server: Server, http: Http) -> None:
    url = server.url("/a?secret").replace("http:", "https:")
    assert str(fault(http, url)).startswith("127.0.0.1: TLS")


def test_nobody_listens(http: Http) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/?secret"
        assert str(fault(http, url)).startswith("127.0.0.1: no connection")


@pytest.mark.parametrize("url", ["", "x", "file:///etc/passwd", "gopher://x.example", "http://[::1", "http:///path"])
def test_wrong_address(http: Http, url: str) -> None:
    fault(http, url)


def test_header_that_cannot_be_sent(server: Server, http: Http) -> None:
    server.routes["/a"] = Reply(200)
    fault(http, server.url("/a"), headers={"X-Token": "secret\nX: y"})
    fault(http, server.url("/a"), headers={"X-Token": "secret澄"})
    assert not server.seen


@pytest.mark.parametrize("contact", ["a@b.example\nX: y", "澄嵐", "a) evil"])
def test_contact_that_cannot_stand_in_a_header(contact: str) -> None:
    with pytest.raises(ConfigError, match=r"^network\.contact: "):
        Http(contact)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "127.0.0.1:3128", "http://"])
def test_wrong_proxy(proxy: str) -> None:
    with pytest.raises(ConfigError, match=r"^network\.proxy: "):
        Http("x@y.example", proxy=proxy)


def test_proxy_is_asked_and_private_targets_are_not_given_to_it(server: Server) -> None:
    server.routes["http://feeds.example.test/a"] = Reply(200, b"through the proxy")
    with Http("x@y.example", proxy=server.url("")) as http:
        assert http.get("http://feeds.example.test/a", now=NOW).body == b"through the proxy"
        assert "private" in str(fault(http, "http://169.254.169.254/latest/meta-data?secret"))
        assert "private" in str(fault(http, "http://localhost/"))
    assert len(server.seen) == 1


def test_environment_names_no_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.routes["/a"] = Reply(200, b"direct")
    with Http("x@y.example", allow_private=True) as http:
        assert http.get(server.url("/a"), now=NOW).body == b"direct"


def public_then(*answers: str) -> Iterator[str]:
    yield PUBLIC
    yield from answers


def test_redirect_to_link_local_is_refused_before_a_connection(server: Server, door: Door) -> None:
    server.routes["/a"] = Reply(302, b"", {"Location": "http://169.254.169.254/latest/meta-data"})
    with Http("x@y.example", resolver=lambda host, _: [PUBLIC if host[0] != "1" else host], connector=door) as http:
        error = fault(http, server.url("/a", host="feeds.example.test"))
    assert str(error).startswith("169.254.169.254: is a private or reserved address")
    assert door.asked == [PUBLIC]


def test_name_that_turns_private_is_refused_at_the_next_connection(server: Server, door: Door) -> None:
    answers = public_then("10.0.0.7")
    server.routes["/a"] = Reply(200, b"first", {"Connection": "close"})
    with Http("x@y.example", apart=0, resolver=lambda *_: [next(answers)], connector=door) as http:
        url = server.url("/a", host="feeds.example.test")
        assert http.get(url, now=NOW).body == b"first"
        assert "10.0.0.7" in str(fault(http, url))
    assert door.asked == [PUBLIC]
    assert server.seen[0][1]["host"].startswith("feeds.example.test")


def test_one_private_address_among_public_ones_refuses_the_name(door: Door) -> None:
    with Http("x@y.example", resolver=lambda *_: [PUBLIC, "::ffff:127.0.0.1"], connector=door) as http:
        fault(http, "http://feeds.example.test/")
    assert not door.asked


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:7f00:1]", "localhost"])
def test_loopback_in_disguise_is_refused(server: Server, host: str) -> None:
    with Http("x@y.example") as http:
        fault(http, server.url("/a", host=host))
    assert not server.seen


@pytest.mark.parametrize(
    ("address", "public"),
    [
        (PUBLIC, True),
        ("2606:4700:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.0.2.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_unknown_name(door: Door) -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with Http("x@y.example", resolver=nobody, connector=door) as http:
        assert str(fault(http, "http://no.example.test/?secret")) == "no.example.test: the name is not known"


def test_a_name_that_is_not_found_in_time_ends_the_request_and_keeps_one_thread(door: Door) -> None:
    asked, found = [], threading.Event()

    def slow(host: str, port: int) -> list[str]:
        asked.append(host)
        found.wait()
        return [PUBLIC]

    with Http("x@y.example", resolver=slow, connector=door, connect=0.1) as http, ThreadPoolExecutor(4) as pool:
        errors = list(pool.map(lambda _: str(fault(http, "http://slow.example.test:1/?secret")), range(4)))
        assert errors == ["slow.example.test: its name was not found in time"] * 4
        assert asked == ["slow.example.test"]
        found.set()
        assert not door.asked


def test_second_address_is_tried_when_the_first_is_dead(server: Server) -> None:
    server.routes["/a"] = Reply(200, b"ok")
    with Http("x@y.example", allow_private=True, resolver=lambda *_: ["127.0.0.2", "127.0.0.1"]) as http:
        assert http.get(server.url("/a", host="feeds.example.test"), now=NOW).body == b"ok"


def test_many_threads_share_it(server: Server, http: Http) -> None:
    for n in range(40):
        server.routes[f"/{n}"] = Reply(200, str(n).encode())
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda n: http.get(server.url(f"/{n}"), now=NOW).body, range(40)))
    assert bodies == [str(n).encode() for n in range(40)]


def test_now_is_not_the_clock() -> None:
    assert retry_after("Sat, 01 Jan 2000 00:01:00 GMT", datetime(2000, 1, 1, tzinfo=UTC)) == timedelta(minutes=1)
