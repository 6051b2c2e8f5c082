"""A web server on loopback whose answers the test writes, and ways to reach it under a public name."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpcore

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PUBLIC = "93.184.215.14"


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Route = Reply | Callable[[BaseHTTPRequestHandler], Reply | None]


@dataclass
class Server:
    """``routes``: path without query -> reply, or a function that may write the answer itself and return None.

    ``seen``: path and headers of each request; ``bodies``: what each POST held.
    """

    port: int
    routes: dict[str, Route] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def serving() -> Iterator[Server]:
    failures: list[BaseException] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            here.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            route = here.routes.get(self.path.partition("?")[0], Reply(404))
            reply = route if isinstance(route, Reply) else route(self)
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def do_POST(self) -> None:
            here.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that hangs up is what many tests are about; anything else is a fault of the test itself."""
            error = sys.exc_info()[1]
            if error and not isinstance(error, OSError):
                failures.append(error)

    running = Quiet(("127.0.0.1", 0), Handler)
    here = Server(running.server_address[1])
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield here
    running.shutdown()
    running.server_close()
    thread.join()
    assert not failures


class Clock:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Door(httpcore.NetworkBackend):
    """Stands for the network: writes down the address asked for and connects to loopback instead."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        self.asked.append(host)
        return self._real.connect_tcp("127.0.0.1", port, timeout, local_address, socket_options)
