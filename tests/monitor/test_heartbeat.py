"""The sign of life goes out after a good round only, and nothing of its address reaches a log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import jobs, schedule
from monitor.errors import ConfigError
from monitor.model import Page
from monitor.work.app import App
from monitor.work.failing import fail
from tests.sources.loopback import Reply, Server, serving
from tests.standin import HOUR, MINUTE, NOW, make_app


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        running.routes["/ping/secret"] = Reply(200, b"OK")
        yield running


@pytest.fixture
def app(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setenv("BEAT", server.url("/ping/secret"))
    made = make_app(
        tmp_path, {"forum": lambda query: [Page((), exhausted=True)]}, keep_going=True,
        service={"deadline": "1s", "heartbeat_url_env": "BEAT"}, network={"allow_private": True},
    )  # fmt: skip
    yield made
    made.http.close()


def test_a_good_cycle_calls_and_calls_at_most_once_a_minute(app: App, server: Server) -> None:
    db = app.open_store()
    for seconds in (0, 20, 70):
        jobs.cycle(app, db, NOW + timedelta(seconds=seconds))
    assert [path for path, _ in server.seen] == ["/ping/secret"] * 2
    db.close()


def test_a_failure_of_a_slow_job_is_not_missed(app: App, server: Server) -> None:
    """It bears the time at which its job began, which may lie before the last call."""
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    fail(app, db, "watch", "x", RuntimeError("x"), NOW - MINUTE)
    jobs.cycle(app, db, NOW + 2 * MINUTE)
    assert len(server.seen) == 1
    db.close()


def test_a_bad_cycle_is_silent_and_the_next_good_one_is_not(app: App, server: Server) -> None:
    db = app.open_store()
    fail(app, db, "watch", "x", RuntimeError("x"), NOW)
    jobs.cycle(app, db, NOW)
    assert server.seen == []
    jobs.cycle(app, db, NOW + 5 * MINUTE)
    assert len(server.seen) == 1
    db.close()


@pytest.mark.parametrize("status", [500, 404])
def test_a_call_that_fails_harms_nothing_and_tells_no_secret(
    app: App, server: Server, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.routes["/ping/secret"] = Reply(status)
    db = app.open_store()
    with caplog.at_level(logging.WARNING):
        report = jobs.cycle(app, db, NOW)
    assert report.failed == 0
    assert f"HTTP {status}" in caplog.text
    assert "secret" not in caplog.text
    db.close()


def test_the_service_calls_only_while_every_job_still_ends(app: App, server: Server) -> None:
    db = app.open_store()
    schedule._beat(app, db, NOW)
    assert server.seen == []
    app.done.update(dict.fromkeys(schedule.WORK, NOW))
    schedule._beat(app, db, NOW + MINUTE)
    assert len(server.seen) == 1
    app.done["send"] = NOW + HOUR
    schedule._beat(app, db, NOW + HOUR)
    assert len(server.seen) == 1
    db.close()


def test_an_address_that_is_not_there_is_said_by_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEAT", raising=False)
    app = make_app(tmp_path, service={"heartbeat_url_env": "BEAT"})
    with pytest.raises(ConfigError, match=r"service.heartbeat_url_env: the environment variable BEAT is not set"):
        _ = app.heartbeat_url
