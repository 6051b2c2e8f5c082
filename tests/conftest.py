"""Shared fixtures, and the rule for tests that need a Debian part."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.store import open_store

PROGRAMS = {
    "chromium": "chromium", "openssl": "openssl", "sqlite3": "sqlite3", "chasquid": "chasquid",
    "dovecot-imapd": "/usr/lib/dovecot/imap",
}  # fmt: skip
"""Debian package -> the program that shows it is installed."""


def pytest_configure(config: pytest.Config) -> None:
    """Sentiment tables are built once a checkout, and never into the home of whoever runs the tests."""
    assert config.cache is not None
    os.environ["XDG_CACHE_HOME"] = str(config.cache.mkdir("xdg"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose Debian package is missing, in one line that names it; where all is required, fail."""
    for marker in item.iter_markers("debian"):
        package = marker.args[0]
        if shutil.which(PROGRAMS[package]) is None:
            reason = f"needs the Debian package {package}: apt-get install {package}"
            if os.environ.get("QIANLI_REQUIRE") == "all":
                pytest.fail(reason)
            pytest.skip(reason)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A real, migrated database file."""
    database = open_store(tmp_path / "qianli.db")
    yield database
    database.close()
