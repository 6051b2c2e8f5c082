"""One round over many feeds on a slow server: seconds, memory, and how hard any one host is asked.

    python -m tests.bench.cycle_sources [--sources 100] [--hosts 50] [--latency 200] [--posts 50]

A server on loopback stands for all hosts (by name: every name leads to it) and answers each request after ``--latency``
milliseconds with a feed of ``--posts`` entries. A first round stores them all; the second, which is measured, finds two
new entries a feed, as a round of a running service does. Against it stands asking the same addresses one after the
other with the same client, and doing nothing with what comes. Each way runs in a process of its own, so that the peak
of memory is its own; it is the growth over the process with everything loaded and nothing asked.

Prints one JSON object. ``seconds``: of a round whose hosts come in turn, as in one after the other;
``seconds_neighbours``: where the sources of one host follow each other, so that they wait for each other.
``at_once_most``: requests of one host that were being answered at the same moment; ``seconds_apart_least``: between the
beginnings of two requests to one host, as the server saw them, over both orders; beside each stands the limit that
holds. Exit code 1 if a limit was passed, or a source was not heard.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpcore

from monitor import jobs
from monitor.config import parse
from monitor.jobs import Report
from monitor.model import Query
from monitor.work.app import App, Collector, open_app
from sources.feed import Feed
from sources.http import Http
from sources.politeness import APART, AT_ONCE

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PUBLIC = "93.184.215.14"
"""What every name resolves to, for private addresses are refused; the connection then goes to loopback."""
ON_THE_WAY = 0.1
"""Seconds by which two requests may come to the server closer together than they were sent."""


@dataclass
class Hosts:
    """What each host was asked, on the server's clock."""

    latency: float
    posts: int
    round: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    now: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    most: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    begun: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def asked(self, host: str) -> Iterator[None]:
        with self.lock:
            self.begun[host].append(time.monotonic())
            self.now[host] += 1
            self.most[host] = max(self.most[host], self.now[host])
        try:
            yield
        finally:
            with self.lock:
                self.now[host] -= 1

    def forget(self) -> None:
        with self.lock:
            self.most.clear()
            self.begun.clear()

    def apart_least(self) -> float:
        """Seconds; infinite where no host was asked twice."""
        return min((b - a for times in self.begun.values() for a, b in pairwise(times)), default=float("inf"))


class Loopback(httpcore.SyncBackend):
    """Goes to the server, whatever the address."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        return super().connect_tcp("127.0.0.1", self.port, timeout, local_address, socket_options)


@contextmanager
def serving(hosts: Hosts) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            with hosts.asked(self.headers["Host"]):
                body = feed(f"{self.headers['Host']}{self.path}", hosts.round, hosts.posts)
                time.sleep(hosts.latency)  # this is what the server is for
                self.send_response(200)
                self.send_header("Content-Type", "application/rss+xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
            self.wfile.write(body)  # a host may be asked again once its answer begins to leave

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def feed(address: str, round_: int, posts: int) -> bytes:
    """The newest entries of a made-up feed, one every ten minutes; two more a round."""
    newest = posts + 2 * round_
    items = "".join(
        f"<item><guid>{address}#{i}</guid><title>澄嵐第 {i} 則</title><link>http://{address}/{i}</link>"
        f"<description>今天換了新的包裝，客服也回得很快，先記在這裡。{address}</description>"
        f"<pubDate>{NOW - timedelta(minutes=10 * (posts + 4 - i)):%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        for i in range(newest, newest - posts, -1)
    )
    head = "<?xml version='1.0' encoding='utf-8'?><rss version='2.0'><channel><title>t</title>"
    return f"{head}{items}</channel></rss>".encode()


def feeds(http: Http, count: int, hosts: int, together: bool = False) -> list[Feed]:
    """``together``: those of one host are neighbours, and wait for each other; else the hosts come in turn."""
    places = [i * hosts // count if together else i % hosts for i in range(count)]
    return [Feed(f"feed-{i}", http, f"http://host-{n}.example.test/{i}.xml") for i, n in enumerate(places)]


def connected(folder: Path, port: int, count: int, hosts: int, together: bool) -> App:
    document = {"brands": [{"name": "澄嵐", "terms": ["澄嵐"]}]}
    app = open_app(parse(document, "config.toml", folder), keep_going=False)
    app.http.close()
    app.http = Http("", resolver=lambda *_: [PUBLIC], connector=Loopback(port))
    app.collectors = tuple(Collector(source.name, 600, source) for source in feeds(app.http, count, hosts, together))
    return app


def side_by_side(
    port: int, count: int, hosts: int, next_round: Callable[[], None], together: bool = False
) -> dict[str, Any]:  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        app = connected(Path(folder), port, count, hosts, together)
        db = app.open_store()
        before = peak()
        jobs.collect(app, db, NOW, Report())
        next_round()
        begun, report = time.perf_counter(), Report()
        jobs.collect(app, db, NOW + timedelta(minutes=20), report)
        seconds = time.perf_counter() - begun
        grown = peak() - before
        heard = db.execute("SELECT count(*) FROM source_runs WHERE state = 'ok' AND added = 2").fetchone()[0]
        db.close()
        app.http.close()
    return {"seconds": seconds, "grown": grown, "peak": peak(), "heard": heard, "posts": report.posts}


def neighbours(port: int, count: int, hosts: int, next_round: Callable[[], None]) -> dict[str, Any]:
    return side_by_side(port, count, hosts, next_round, together=True)


def one_by_one(port: int, count: int, hosts: int, next_round: Callable[[], None]) -> dict[str, Any]:
    with Http("", resolver=lambda *_: [PUBLIC], connector=Loopback(port)) as http:
        asked = feeds(http, count, hosts)
        next_round()
        before, begun, heard, posts = peak(), time.perf_counter(), 0, 0
        for source in asked:
            pages = list(source.fetch(Query(("澄嵐",), NOW + timedelta(minutes=20)), {}))
            heard += bool(pages)
            posts += sum(len(page.posts) for page in pages)
        seconds = time.perf_counter() - begun
    return {"seconds": seconds, "grown": peak() - before, "peak": peak(), "heard": heard, "posts": posts}


def peak() -> float:
    """MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _apart(pipe: Connection, way: Callable[..., dict[str, Any]], port: int, count: int, hosts: int) -> None:
    def next_round() -> None:
        pipe.send("next round")
        pipe.recv()

    pipe.send(way(port, count, hosts, next_round))


def measure(way: Callable[..., dict[str, Any]], args: argparse.Namespace) -> dict[str, Any]:
    """In a process of its own, with a server of its own here, so that neither counts for the other."""
    hosts = Hosts(args.latency / 1000, args.posts)
    with serving(hosts) as port:
        here, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_apart, args=(there, way, port, args.sources, args.hosts))
        process.start()
        there.close()
        here.recv()
        hosts.round = 1
        hosts.forget()
        here.send("go on")
        found: dict[str, Any] = here.recv()
        process.join()
        return {**found, "at_once": max(hosts.most.values()), "apart": hosts.apart_least()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=100)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--latency", type=float, default=200.0, help="milliseconds")
    parser.add_argument("--posts", type=int, default=50, help="entries of a feed")
    args = parser.parse_args()
    ours, crowded, theirs = (measure(way, args) for way in (side_by_side, neighbours, one_by_one))
    at_once, apart = max(ours["at_once"], crowded["at_once"]), min(ours["apart"], crowded["apart"])
    print(json.dumps({
        "sources": args.sources, "hosts": args.hosts, "latency_ms": args.latency, "posts_read": ours["posts"],
        "seconds": round(ours["seconds"], 2), "seconds_neighbours": round(crowded["seconds"], 2),
        "seconds_one_by_one": round(theirs["seconds"], 2),
        "times_as_fast": round(theirs["seconds"] / ours["seconds"], 1),
        "mb_grown": round(ours["grown"], 1), "mb_peak": round(ours["peak"], 1),
        "at_once_most": at_once, "at_once_allowed": AT_ONCE,
        "seconds_apart_least": round(apart, 3), "seconds_apart_allowed": APART,
        "heard": ours["heard"],
    }))  # fmt: skip
    rude = at_once > AT_ONCE or apart < APART - ON_THE_WAY
    return int(rude or min(way["heard"] for way in (ours, crowded, theirs)) < args.sources)


if __name__ == "__main__":
    sys.exit(main())
