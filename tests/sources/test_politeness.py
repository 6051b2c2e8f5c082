"""How often a host is asked, and what its robots.txt permits. Time is a clock that only waiting moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from monitor.errors import Blocked, NeedsCredentials, RateLimited, SourceError
from sources.http import Http
from sources.politeness import APART, AT_ONCE, LONGEST_DELAY, MAX_REST, ROBOTS_SIZE, NoTurn, read_robots, rest_asked_for
from tests.sources.loopback import NOW, PUBLIC, Clock, Door, Reply, Server

HOST = "feeds.example.test"
DAY = timedelta(days=1)


@contextmanager
def client(clock: Clock, *, at_once: int = AT_ONCE, apart: float = APART, deadline: float = 60.0) -> Iterator[Http]:
    """A client for which every public name is the loopback server."""
    with Http(
        "pr@chenglan.example", at_once=at_once, apart=apart, deadline=deadline, clock=clock, sleep=clock.sleep,
        resolver=lambda *_: [PUBLIC], connector=Door(),
    ) as http:  # fmt: skip
        yield http


def paths(server: Server) -> list[str]:
    return [path for path, _ in server.seen]


def test_requests_to_one_host_begin_apart(server: Server, clock: Clock) -> None:
    times: list[float] = []

    def note(_: BaseHTTPRequestHandler) -> Reply:
        times.append(clock.now)
        return Reply(200, b"x")

    server.routes["/a"] = note
    with client(clock, apart=2.0) as http:
        for _ in range(4):
            http.get(server.url("/a", HOST), now=NOW)
        clock.now += 1.5  # what the fetching source itself takes is no longer waited for
        http.get(server.url("/a", HOST), now=NOW)
        clock.now += 50
        http.get(server.url("/a", HOST), now=NOW)
    assert [time - 1000 for time in times] == [0, 2, 4, 6, 8, 58]
    assert clock.slept == [2, 2, 2, 0.5]


def test_the_longest_pace_asked_for_a_host_counts_for_all_who_ask_it(server: Server, clock: Clock) -> None:
    server.routes["/a"] = Reply(200, b"x")
    server.routes["/away"] = Reply(302, b"", {"Location": server.url("/a", "other.example.test")})
    with client(clock) as http:
        for pace in (0.0, 5.0, 5.0, 2.0, 0.0):
            http.get(server.url("/a", HOST), now=NOW, pace=pace)
        http.post(server.url("/a", HOST), b"x", "text/plain", now=NOW, pace=10.0)
        http.get(server.url("/a", "other.example.test"), now=NOW)
        assert clock.slept == [5, 5, 5, 5, 10], "one that asks for a pace waits for it behind those before it too"
        clock.slept.clear()
        http.get(server.url("/away", HOST), now=NOW, pace=10.0)
        http.get(server.url("/a", "other.example.test"), now=NOW)
        assert clock.slept == [10, 1], "it is the pace of one host, not of the one it redirects to"


def test_sources_that_share_a_host_share_its_pace(server: Server, clock: Clock) -> None:
    """Two tables on one host, each in a thread of its own."""
    times: list[float] = []

    def note(_: BaseHTTPRequestHandler) -> Reply:
        times.append(clock.now)
        return Reply(200, b"x")

    server.routes["/a"] = note
    with client(clock, at_once=1) as http, ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(http.get, server.url("/a", HOST), now=NOW, pace=5.0) for _ in range(6)]:
            job.result(20)
    assert [time - 1000 for time in times] == [0, 5, 10, 15, 20, 25]


def test_a_run_waits_for_no_turn_that_comes_after_its_time(server: Server, clock: Clock) -> None:
    server.routes["/a"] = Reply(200, b"x")
    with client(clock) as http:
        with http.run(25.0):
            for _ in range(3):
                http.get(server.url("/a", HOST), now=NOW, pace=10.0)
            with pytest.raises(NoTurn, match=rf"^{HOST}: no turn came in the 5 s that were left: too much is asked"):
                http.get(server.url("/a", HOST), now=NOW, pace=10.0)
        http.get(server.url("/a", HOST), now=NOW, pace=10.0)
    assert len(server.seen) == 4
    assert clock.now == 1030


def test_another_host_does_not_wait(server: Server, clock: Clock) -> None:
    server.routes["/a"] = Reply(200, b"x")
    with client(clock) as http:
        http.get(server.url("/a", HOST), now=NOW)
        http.get(server.url("/a", "other.example.test"), now=NOW)
    assert clock.slept == []


def test_redirects_and_posts_take_their_turns(server: Server, clock: Clock) -> None:
    server.routes["/a"] = Reply(302, b"", {"Location": "/b"})
    server.routes["/b"] = Reply(200, b"x")
    with client(clock) as http:
        http.get(server.url("/a", HOST), now=NOW)
        http.post(server.url("/b", HOST), b"x", "text/plain", now=NOW)
    assert clock.slept == [1, 1]


def test_a_server_on_this_machine_is_asked_at_once(server: Server, clock: Clock) -> None:
    server.routes["/a"] = Reply(200, b"x")
    with Http("x@y.example", allow_private=True, clock=clock, sleep=clock.sleep) as http:
        for host in ("127.0.0.1", "localhost", "127.0.0.1"):
            http.get(server.url("/a", host), now=NOW)
    assert clock.slept == []


def test_a_wait_longer_than_the_deadline_is_an_error_and_no_request(server: Server, clock: Clock) -> None:
    server.routes["/a"] = Reply(200, b"x")
    with client(clock, apart=100.0, deadline=10.0) as http:
        http.get(server.url("/a", HOST), now=NOW)
        with pytest.raises(SourceError, match=rf"^{HOST}: no turn came in the 10 s that were left: too much"):
            http.get(server.url("/a?secret", HOST), now=NOW)
        clock.now += 100
        http.get(server.url("/a", HOST), now=NOW)
    assert len(server.seen) == 2, "who was not let in has not moved the time of those after it either"


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_no_more_than_so_many_run_at_once(server: Server, clock: Clock, at_once: int) -> None:
    here = threading.Semaphore(0)
    go = threading.Event()

    def hold(_: BaseHTTPRequestHandler) -> Reply:
        here.release()
        go.wait(20)
        return Reply(200, b"x")

    server.routes["/hold"] = hold
    server.routes["/other"] = Reply(200, b"x")
    with (
        client(clock, at_once=at_once, apart=0.0) as patient,
        ThreadPoolExecutor(at_once) as pool,
    ):
        running = [pool.submit(patient.get, server.url("/hold", HOST), now=NOW) for _ in range(at_once)]
        for _ in running:
            assert here.acquire(timeout=20)
        patient._seconds = 0.2
        with pytest.raises(SourceError, match="no turn came"):
            patient.get(server.url("/other", HOST), now=NOW)
        patient._seconds = 60.0
        assert paths(server) == ["/hold"] * at_once, "the one too many was never sent"
        go.set()
        assert [job.result(20).body for job in running] == [b"x"] * at_once
        assert patient.get(server.url("/other", HOST), now=NOW).body == b"x", "a turn that ends is given on"


def test_a_failed_request_gives_its_turn_back(server: Server, clock: Clock) -> None:
    server.routes["/a"] = Reply(403)
    server.routes["/b"] = Reply(200, b"x")
    with client(clock) as http:
        for _ in range(AT_ONCE + 1):
            with pytest.raises(Blocked):
                http.get(server.url("/a", HOST), now=NOW)
        assert http.get(server.url("/b", HOST), now=NOW).body == b"x"


def test_many_threads_never_exceed_either_limit(server: Server) -> None:
    """The same under a crowd: on the reserved times, because a thread may be late but never early."""
    running, peak, lock = 0, 0, threading.Lock()
    begun: list[float] = []
    clock = Clock()

    def sleep(seconds: float) -> None:
        with lock:
            begun.append(round(clock.now + seconds, 3))

    def count(_: BaseHTTPRequestHandler) -> Reply:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        body = b"x" * 200_000
        with lock:
            running -= 1
        return Reply(200, body)

    server.routes["/a"] = count
    with (
        Http("x@y.example", clock=clock, sleep=sleep, resolver=lambda *_: [PUBLIC], connector=Door()) as http,
        ThreadPoolExecutor(8) as pool,
    ):
        jobs = [pool.submit(http.get, server.url("/a", HOST), now=NOW) for _ in range(24)]
        assert all(len(job.result(30).body) == 200_000 for job in jobs)
    assert peak <= AT_ONCE
    assert sorted(begun) == [1000.0 + n for n in range(1, 24)], "each of the 24 has a second of its own"


def robots(text: str, status: int = 200) -> Reply:
    return Reply(status, text.encode())


def test_pages_ask_robots_txt_once_a_day(server: Server, clock: Clock) -> None:
    server.routes["/robots.txt"] = robots("User-agent: *\nDisallow: /private\n")
    server.routes["/a"] = Reply(200, b"x")
    with client(clock) as http:
        for at in (NOW, NOW, NOW + DAY / 2):
            http.get(server.url("/a", HOST), now=at, page=True)
        assert paths(server) == ["/robots.txt", "/a", "/a", "/a"]
        http.get(server.url("/a", HOST), now=NOW + DAY, page=True)
        http.get(server.url("/a", HOST), now=NOW - DAY, page=True)
    assert paths(server).count("/robots.txt") == 3, "and anew after a clock that was wrong"
    assert server.seen[0][1]["user-agent"] == http.user_agent


def test_machine_interfaces_do_not_ask_it(server: Server, clock: Clock) -> None:
    server.routes["/robots.txt"] = robots("User-agent: *\nDisallow: /\n")
    server.routes["/api"] = Reply(200, b"x")
    with client(clock) as http:
        http.get(server.url("/api", HOST), now=NOW)
    assert paths(server) == ["/api"]


@pytest.mark.parametrize(
    ("text", "path", "permitted"),
    [
        ("User-agent: *\nDisallow: /private", "/private/a?secret", False),
        ("User-agent: *\nDisallow: /private", "/public", True),
        ("User-agent: *\nDisallow: /", "/", False),
        ("User-agent: *\nDisallow:", "/", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),  # the longest match wins, not the first
        ("User-agent: *\nAllow: /\nDisallow: /a", "/a", False),
        ("User-agent: *\nDisallow: /*?q=", "/s/room?q=x", False),
        ("User-agent: *\nDisallow: /*.html$", "/M.1.html", False),
        ("User-agent: *\nDisallow: /*.html$", "/M.1.html?x", True),
        ("User-agent: Qianli\nDisallow: /\n\nUser-agent: *\nDisallow:", "/", False),
        ("User-agent: qianli/0.1\nDisallow: /\n\nUser-agent: *\nAllow: /", "/", False),
        ("User-agent: qianli-bot\nDisallow: /", "/", True),
        ("User-agent:\nDisallow: /", "/", True),
        ("user agent *\nDisallow: /", "/", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: QIANLI # us\nAllow: /", "/", True),
        ("User-agent: Other\nDisallow: /", "/", True),
        ("User-agent: Other\nUser-agent: *\nDisallow: /", "/", False),
        ("User-agent: A\nDisallow: /\nUser-agent: B\nDisallow: /", "/", True),
        ("\ufeffUser-agent: *\r\nDisallow: /a\r\n", "/a", False),
        ("User-agent: *\nDisallow: /bbs/%E6%BE%84", "/bbs/澄嵐", False),
        ("<html><body>404</body></html>", "/", True),
        ("", "/", True),
        ("Disallow: /", "/", True),
        ("User-agent: *\nDisallow: /" + "\x00" + "\nDisallow: /a", "/a", False),
    ],
)
def test_what_a_robots_txt_permits(server: Server, clock: Clock, text: str, path: str, permitted: bool) -> None:
    server.routes["/robots.txt"] = robots(text)
    with client(clock) as http:
        if permitted:
            with pytest.raises(SourceError, match=f"^{HOST}: HTTP 404$"):  # it was asked
                http.get(server.url(path, HOST), now=NOW, page=True)
        else:
            with pytest.raises(Blocked, match=rf"^{HOST}: its robots\.txt does not permit this page$"):
                http.get(server.url(path, HOST), now=NOW, page=True)
    assert len(server.seen) == 1 + permitted


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_host_without_rules_permits_all(server: Server, clock: Clock, status: int) -> None:
    server.routes["/robots.txt"] = robots("User-agent: *\nDisallow: /", status)
    server.routes["/a"] = Reply(200, b"x")
    with client(clock) as http:
        assert http.get(server.url("/a", HOST), now=NOW, page=True).body == b"x"


def test_while_it_cannot_be_had_no_page_is_read(server: Server, clock: Clock) -> None:
    server.routes["/robots.txt"] = Reply(500)
    server.routes["/a"] = Reply(200, b"x")
    with client(clock) as http:
        with pytest.raises(SourceError, match=rf"^{HOST}: no page is read without its robots\.txt: HTTP 500$"):
            http.get(server.url("/a", HOST), now=NOW, page=True)
        server.routes["/robots.txt"] = Reply(429, b"", {"Retry-After": "60"})
        with pytest.raises(RateLimited) as caught:
            http.get(server.url("/a", HOST), now=NOW, page=True)
        assert caught.value.retry_after == timedelta(minutes=1)
        assert "/a" not in paths(server)
        server.routes["/robots.txt"] = robots("")
        assert http.get(server.url("/a", HOST), now=NOW, page=True).body == b"x", "a failure is not remembered"


def test_an_old_one_stands_in_while_it_cannot_be_had(server: Server, clock: Clock) -> None:
    server.routes["/robots.txt"] = robots("User-agent: *\nDisallow: /private")
    server.routes["/a"] = server.routes["/private"] = Reply(200, b"x")
    with client(clock) as http:
        http.get(server.url("/a", HOST), now=NOW, page=True)
        server.routes["/robots.txt"] = Reply(503)
        assert http.get(server.url("/a", HOST), now=NOW + 2 * DAY, page=True).body == b"x"
        with pytest.raises(Blocked):
            http.get(server.url("/private", HOST), now=NOW + 2 * DAY, page=True)


def test_its_redirects_are_followed_but_not_to_private_addresses(server: Server, clock: Clock) -> None:
    server.routes["/robots.txt"] = Reply(301, b"", {"Location": server.url("/moved", "www.example.test")})
    server.routes["/moved"] = robots("User-agent: *\nDisallow: /a")
    with client(clock) as http, pytest.raises(Blocked):
        http.get(server.url("/a", HOST), now=NOW, page=True)
    server.routes["/robots.txt"] = Reply(301, b"", {"Location": "http://169.254.169.254/"})
    with (
        Http("x@y.example", resolver=lambda host, _: [host if host[0] == "1" else PUBLIC], connector=Door()) as http,
        pytest.raises(SourceError, match=r"no page is read.*private"),
    ):
        http.get(server.url("/a", HOST), now=NOW, page=True)


def test_where_a_page_redirects_to_is_asked_too(server: Server, clock: Clock) -> None:
    server.routes["/robots.txt"] = robots("User-agent: *\nDisallow: /closed")
    server.routes["/a"] = Reply(302, b"", {"Location": "/closed"})
    with client(clock) as http, pytest.raises(Blocked):
        http.get(server.url("/a", HOST), now=NOW, page=True)
    assert paths(server) == ["/robots.txt", "/a"]


def test_a_huge_one_is_read_as_far_as_the_limit(server: Server, clock: Clock) -> None:
    line = "Disallow: /closed\n"
    far = "User-agent: *\n" + "# padding\n" * (ROBOTS_SIZE // 10)
    server.routes["/a"] = Reply(200, b"x")
    server.routes["/robots.txt"] = robots("User-agent: *\n" + line + far * 3)
    with client(clock) as http, pytest.raises(Blocked):
        http.get(server.url("/closed", HOST), now=NOW, page=True)
    server.routes["/robots.txt"] = robots(far + "Disallow: /a\n" + "#" * 30_000_000)
    with client(clock) as http:
        assert http.get(server.url("/a", HOST), now=NOW, page=True).body == b"x"


def test_a_crowd_of_names_costs_no_square() -> None:
    """Protego alone takes minutes for this; here the names of others fall together."""
    others = "".join(f"User-agent: bot{n}\n" for n in range(12_000)) + "Disallow: /x\n" * 12_000
    rules = read_robots(f"{others}User-agent: *\nDisallow: /z".encode())
    assert len(rules._user_agents) == 2
    assert not rules.can_fetch(f"https://{HOST}/z", "Qianli")
    assert rules.can_fetch(f"https://{HOST}/x", "Qianli")


@pytest.mark.parametrize(
    ("delay", "waited"),
    [("5", 5.0), ("0.1", APART), ("99999", LONGEST_DELAY), ("soon", APART), ("-1", APART), ("nan", APART)],
)
def test_crawl_delay_is_heeded_within_reason(server: Server, clock: Clock, delay: str, waited: float) -> None:
    server.routes["/robots.txt"] = robots(f"User-agent: *\nCrawl-delay: {delay}\n")
    server.routes["/a"] = Reply(200, b"x")
    with client(clock) as http:
        http.get(server.url("/a", HOST), now=NOW, page=True)
        http.get(server.url("/a", HOST), now=NOW, page=True)
    assert clock.slept == [waited, waited], "the robots.txt itself was a request too"


def test_two_threads_ask_for_one_robots_txt(server: Server) -> None:
    server.routes["/robots.txt"] = robots("")
    server.routes["/a"] = Reply(200, b"x")
    with client(Clock(), apart=0.0) as http, ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(http.get, server.url("/a", HOST), now=NOW, page=True) for _ in range(8)]
        for job in jobs:
            job.result(20)
    assert paths(server).count("/robots.txt") == 1


def test_statuses_that_a_source_reads_itself(server: Server, clock: Clock) -> None:
    server.routes["/a"] = Reply(404, b'{"error": "gone"}')
    server.routes["/b"] = Reply(401, b"no")
    with client(clock) as http:
        answer = http.get(server.url("/a", HOST), now=NOW, expect={404})
        assert (answer.status, answer.body) == (404, b'{"error": "gone"}')
        with pytest.raises(NeedsCredentials):
            http.get(server.url("/b", HOST), now=NOW, expect={404})
        assert http.post(server.url("/b", HOST), b"", "text/plain", now=NOW, expect={401}).body == b"no"
        server.routes["/c"] = Reply(302, b"", {"Location": "/login"})
        assert http.get(server.url("/c", HOST), now=NOW, expect={302}).headers["location"] == "/login"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "30", "ratelimit-reset": "90"}, timedelta(seconds=30)),
        ({"x-ratelimit-reset": "2026-11-21T03:10:00.112233Z"}, timedelta(minutes=10, microseconds=112233)),
        ({"ratelimit-reset": str(int(NOW.timestamp()) + 90)}, timedelta(seconds=90)),
        ({"ratelimit-reset": "90"}, timedelta(seconds=90)),
        ({"retry-after": "soon", "ratelimit-reset": "90"}, timedelta(seconds=90)),
        ({"x-ratelimit-reset": "2026-11-21T03:10:00"}, timedelta(minutes=10)),
        ({"x-ratelimit-reset": "2026-11-21T02:10:00Z"}, timedelta(0)),
        ({"x-ratelimit-reset": "2099-11-21T02:10:00Z"}, MAX_REST),
        ({"ratelimit-reset": "9" * 11}, MAX_REST),
        ({"ratelimit-reset": "9" * 40}, None),
        ({"ratelimit-reset": "-3"}, None),
        ({"ratelimit-reset": ""}, None),
        ({}, None),
    ],
)
def test_the_rest_that_an_answer_asks_for(headers: dict[str, str], wait: timedelta | None) -> None:
    assert rest_asked_for(headers, NOW) == wait
