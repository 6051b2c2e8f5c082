"""The command group, and what several commands share."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from monitor.errors import UsageError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from monitor.work.app import App

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config_file", default="config.toml", type=click.Path(path_type=Path), help="Config file.")
@click.version_option(package_name="qianli")
@click.pass_context
def cli(context: click.Context, config_file: Path) -> None:
    """Qianli 千里 hears bad news while it is still near."""
    context.obj = config_file
    level = os.environ.get("QIANLI_LOG", "WARNING").upper()
    if level not in LEVELS:
        raise UsageError(f"QIANLI_LOG: must be one of {', '.join(LEVELS)}, not {level!r}")
    logging.basicConfig(
        stream=sys.stderr, level=level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )  # fmt: skip
    for library in ("httpx", "httpcore"):  # they write whole addresses and headers, and these may hold a secret
        logging.getLogger(library).setLevel(logging.WARNING)


@contextmanager
def opened(config_file: Path) -> Iterator[tuple[App, Database]]:
    from monitor.config import load
    from monitor.work.app import open_app

    app = open_app(load(config_file))
    db = app.open_store()
    try:
        yield app, db
    finally:
        db.close()
        app.http.close()


def read_zone(name: str) -> ZoneInfo:
    from monitor.config import zone

    try:
        return zone(name)
    except ValueError as error:
        raise UsageError(f"--timezone: {error}") from None


@contextmanager
def bar(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, told positions; elsewhere nothing is printed."""
    if not sys.stderr.isatty():
        yield lambda position: None
        return
    with click.progressbar(length=max(1, length), label=label, file=sys.stderr) as bar:
        yield lambda position: bar.update(position - bar.pos)
