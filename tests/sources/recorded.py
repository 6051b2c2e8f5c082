"""Recorded answers: the files under ``tests/data``, some of them with their status line and headers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sources.loopback import Reply, Server

DATA = Path(__file__).parents[1] / "data"


def body(source: str, name: str) -> bytes:
    return (DATA / source / name).read_bytes()


def tree(source: str, name: str) -> Any:
    return json.loads(body(source, name))


def reply(source: str, name: str) -> Reply:
    """The answer of a ``.http`` file (status line, headers, an empty line, the body), or a body of JSON."""
    if not name.endswith(".http"):
        return Reply(200, body(source, name), {"Content-Type": "application/json; charset=utf-8"})
    head, _, content = body(source, name).replace(b"\r\n", b"\n").partition(b"\n\n")
    status, *lines = head.decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines if not line.startswith("Content-Length"))
    return Reply(int(status.split()[1]), content, headers)


def json_reply(value: object) -> Reply:
    content = json.dumps(value, ensure_ascii=False).encode()
    return Reply(200, content, {"Content-Type": "application/json; charset=utf-8"})


def asked(server: Server) -> list[tuple[str, dict[str, str]]]:
    """Path and headers of each request but those for the host's rules."""
    return [(path, headers) for path, headers in server.seen if path != "/robots.txt"]
