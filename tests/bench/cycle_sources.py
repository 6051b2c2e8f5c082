"""One round over many feeds on a slow server: seconds, memory, and how hard any one host is asked.

    python -m tests.bench.cycle_sources [--sources 100] [--hosts 50] [--latency 200] [--posts 50]

A server on loopback stands for all hosts (by name: every name leads to it) and answers each request after ``--latency``
milliseconds with a feed of ``--posts`` entries. A first round stores them all; the second, which is measured, finds two
new entries a feed, as a round of a running service does. Against it stands asking the same addresses one after the
other with the same client, and doing nothing with what comes. Each way runs in a process of its own, so that the peak
of memory is its own; it is the growth over the process with everything loaded and nothing asked.

Prints one JSON object. ``at_once_most``: requests of one host that were being answered at the same moment, and beside
it the limit that holds; ``per_second_most``: requests that one host got within any second; both are counted by the
server. Exit code 1 if a limit was passed, or a source was not heard.
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
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpcore

from monitor import jobs
from monitor.config import parse
from monitor.jobs import Report
from monitor.model import Query
from monitor.work.app import App, Collector, open_app
from monitor.work.collecting import WORKERS
from sources.feed import Feed
from sources.http import Http

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PUBLIC = "93.184.215.14"
"""What every name resolves to, for private addresses are refused; the connection then goes to loopback."""
AT_ONCE = WORKERS
"""Requests to one host at the same time that are allowed: without a limit a host, all that run at once."""


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

    def per_second_most(self) -> int:
        return max(sum(t <= other < t + 1 for other in times) for times in self.begun.values() for t in times)


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


def feeds(http: Http, count: int, hosts: int) -> list[Feed]:
    """Those of one host are neighbours, so that they come up together."""
    return [Feed(f"feed-{i}", http, f"http://host-{i * hosts // count}.example.test/{i}.xml") for i in range(count)]


def connected(folder: Path, port: int, count: int, hosts: int) -> App:
    document = {"brands": [{"name": "澄嵐", "terms": ["澄嵐"]}]}
    app = open_app(parse(document, "config.toml", folder), keep_going=False)
    app.http.close()
    app.http = Http("", resolver=lambda *_: [PUBLIC], connector=Loopback(port))
    app.collectors = tuple(Collector(source.name, 600, source) for source in feeds(app.http, count, hosts))
    return app


def side_by_side(port: int, count: int, hosts: int, next_round: Callable[[], None]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        app = connected(Path(folder), port, count, hosts)
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
        return {**found, "at_once": max(hosts.most.values()), "per_second": hosts.per_second_most()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=100)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--latency", type=float, default=200.0, help="milliseconds")
    parser.add_argument("--posts", type=int, default=50, help="entries of a feed")
    args = parser.parse_args()
    ours, theirs = measure(side_by_side, args), measure(one_by_one, args)
    print(json.dumps({
        "sources": args.sources, "hosts": args.hosts, "latency_ms": args.latency, "posts_read": ours["posts"],
        "seconds": round(ours["seconds"], 2), "seconds_one_by_one": round(theirs["seconds"], 2),
        "times_as_fast": round(theirs["seconds"] / ours["seconds"], 1),
        "mb_grown": round(ours["grown"], 1), "mb_peak": round(ours["peak"], 1),
        "at_once_most": ours["at_once"], "at_once_allowed": AT_ONCE, "per_second_most": ours["per_second"],
        "heard": ours["heard"],
    }))  # fmt: skip
    return int(ours["at_once"] > AT_ONCE or ours["heard"] < args.sources or theirs["heard"] < args.sources)


if __name__ == "__main__":
    sys.exit(main())
