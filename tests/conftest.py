"""Shared fixtures, and the rule for tests that need a Debian part."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.store import open_store
from tests.browser import NODE_MODULES, Browser

PROGRAMS = {
    "chromium": "chromium", "openssl": "openssl", "sqlite3": "sqlite3", "chasquid": "chasquid",
    "dovecot-imapd": "/usr/lib/dovecot/imap",
}  # fmt: skip
"""Debian package -> the program that shows it is installed."""


def pytest_configure(config: pytest.Config) -> None:
    """Sentiment tables are built once a checkout, and never into the home of whoever runs the tests."""
    assert config.cache is not None
    os.environ["XDG_CACHE_HOME"] = str(config.cache.mkdir("xdg"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of whole processes first: they are the longest, and one worker would run them to the end alone."""
    items.sort(key=lambda item: item.path.parent != Path(__file__).parent)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose Debian or npm package is missing, in one line that names it; where all is required, fail."""
    for package in (marker.args[0] for marker in item.iter_markers("debian")):
        if shutil.which(PROGRAMS[package]) is None:
            _missing(f"needs the Debian package {package}: apt-get install {package}")
    for package in (marker.args[0] for marker in item.iter_markers("npm")):
        if not (NODE_MODULES / package).is_dir():
            _missing(f"needs {package} from npm: make axe")


def _missing(reason: str) -> None:
    if os.environ.get("QIANLI_REQUIRE") == "all":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests of a process; mark them ``debian("chromium")``."""
    with Browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without a row, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("blank") / "qianli.db"
    open_store(path).close()
    return path


@pytest.fixture
def db(blank: Path, tmp_path: Path) -> Iterator[Database]:
    """A real, migrated database file."""
    database = open_store(Path(shutil.copy(blank, tmp_path / "qianli.db")))
    yield database
    database.close()
