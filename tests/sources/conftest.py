from __future__ import annotations

from collections.abc import Iterator

import pytest

from sources.http import Http
from tests.sources.loopback import Clock, Door, Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def http() -> Iterator[Http]:
    with Http("pr@chenglan.example", allow_private=True, connect=5, read=5, deadline=10) as client:
        yield client


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def clock() -> Clock:
    return Clock()
