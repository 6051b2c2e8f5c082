"""An IMAP server in this process that misbehaves as a test says. For what a well-behaved one does, see post_office."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[["Line"], None]


class Line:
    """One connection: ``hear`` a command as (tag, words), ``say`` lines."""

    def __init__(self, handler: socketserver.StreamRequestHandler) -> None:
        self._handler = handler

    def say(self, *lines: str | bytes) -> None:
        for line in lines:
            self._handler.wfile.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def hear(self) -> tuple[str, str]:
        words = self._handler.rfile.readline().decode().strip()
        tag, _, command = words.partition(" ")
        return tag, command

    def wait(self) -> None:
        """Say nothing until the other side has gone."""
        while self._handler.rfile.readline():
            pass


def polite(line: Line, *, until: str = "", then: Callable[[Line, str], None] = lambda line, tag: None) -> None:
    """Answer as a server with one message does, up to the command that begins with ``until``."""
    line.say("* OK ready")
    said = {
        "CAPABILITY": ["* CAPABILITY IMAP4rev1"], "LOGIN": [],
        "EXAMINE": ["* 1 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 2] x"],
        "UID SEARCH": ["* SEARCH 1"], "LOGOUT": ["* BYE"],
    }  # fmt: skip
    while True:
        tag, command = line.hear()
        if not tag:
            return
        if until and command.startswith(until):
            then(line, tag)
            return
        found = next((name for name in said if command.startswith(name)), "")
        line.say(*said.get(found, []), f"{tag} OK done")


@contextmanager
def imap_server(talk: Talk) -> Iterator[int]:
    """The port it listens on, on this machine, in plain text."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the client had enough
                talk(Line(self))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
