"""The demo itself: a folder made afresh, thirty days stepped through, and what came of them."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from monitor.demo.feeds import OUTLETS
from monitor.demo.mailbox import PASSWORD, USER, MailSink
from monitor.demo.server import FeedServer, outlet_url
from monitor.demo.summary import Outcome, tell
from monitor.demo.world import (
    DAYS,
    FIRST_DAY,
    FORUM,
    INCIDENT_START,
    MICROBLOG,
    OWN_ACCOUNT,
    SEED,
    SERVICE_ACCOUNT,
    ZONE,
    local,
    world,
)
from monitor.errors import UsageError

PASSWORD_ENV = "QIANLI_DEMO_PASSWORD"
MARKER, CONFIG, DATABASE, MAILBOX, LOG = ".qianli-demo", "config.toml", "qianli.db", "mailbox.mbox", "qianli.log"
OURS = (CONFIG, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "qianli.key", MAILBOX, LOG, "digests")
"""All that a demo leaves in its folder; only these are removed before the next one."""

QUARTER = timedelta(minutes=15)
WATCHED_CLOSELY = (local(INCIDENT_START.astimezone(ZONE).date(), 12), timedelta(days=1))
"""From noon of the incident's day on, for how long cycles are quarter-hourly."""


def steps(first: date = FIRST_DAY, days: int = DAYS) -> list[datetime]:
    """The demo's moments, in UTC: half past every hour, every quarter round the incident; the last one is half past
    eight on the morning after the last day, when its digest is due."""
    end = local(first + timedelta(days=days), 8.5)
    close_from, close_for = WATCHED_CLOSELY
    moments, at = [], local(first, 0.5)
    while at <= end:
        if at.minute == 30 or close_from <= at < close_from + close_for:
            moments.append(at)
        at += QUARTER
    return moments


def run_demo(
    folder: Path, say: Callable[[str], None], *, first: date = FIRST_DAY, days: int = DAYS, seed: int = SEED
) -> Outcome:
    """Play ``days`` days from ``first`` in ``folder`` and tell what was found. UsageError for a folder in use."""
    make_afresh(folder)
    items = world(seed)
    moments = steps(first, days)
    with ExitStack() as stack:
        feeds = stack.enter_context(FeedServer(items))
        mail = stack.enter_context(MailSink(folder / MAILBOX))
        write_config(folder, feeds.url, mail.port)
        stack.enter_context(_environment(PASSWORD_ENV, PASSWORD))
        stack.enter_context(_log_to(folder / LOG))
        say(f"{days} invented days from {first}: {len(moments)} cycles over real HTTP and SMTP on this machine")
        outcome = _play(folder, feeds, moments)
    tell(outcome, items, say)
    return outcome


def make_afresh(folder: Path) -> None:
    """An empty folder with the mark of a demo. What a former demo left is removed; anything else is not touched."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / MARKER).exists():
            raise UsageError(f"{folder}: is not empty and was not made by a former demo; --dir names another folder")
        (folder / MARKER).write_text("made by qianli demo, which may remove its files here\n", "utf-8")
        for name in OURS:
            left = folder / name
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be used: {error.strerror}") from None


def write_config(folder: Path, feeds_url: str, mail_port: int) -> Path:
    """The demo's config: two brands, three feeds, one mail server."""
    sources = "\n".join(
        f'[[sources]]\nname = "{o.source}"\ntype = "feed"\nurl = "{outlet_url(feeds_url, o)}"\n'
        f'platform = "{o.platform}"\nevery = "15m"\n'
        for o in OUTLETS
    )
    path = folder / CONFIG
    path.write_text(_CONFIG.format(sources=sources, port=mail_port), "utf-8")
    return path


_CONFIG = f"""\
# Written by `qianli demo`. Its feeds and its mail server lived in that process and are gone.
language = "zh-Hant"
timezone = "{ZONE.key}"
database = "{DATABASE}"

[[brands]]
name = "澄嵐"
terms = ["澄嵐", "Chenglan"]
exclude = ["澄嵐山"]
accounts = ["{MICROBLOG}:{OWN_ACCOUNT}", "{FORUM}:{SERVICE_ACCOUNT}"]

[[brands]]
name = "霽川"
terms = ["霽川"]
role = "competitor"

{{sources}}
[network]
contact = "pr@chenglan.example"
allow_private = true

[smtp]
host = "127.0.0.1"
port = {{port}}
security = "none"
user = "{USER}"
password_env = "{PASSWORD_ENV}"
from = "千里 <qianli@chenglan.example>"

[alerts]
to = ["oncall@chenglan.example"]
ops_to = ["ops@chenglan.example"]

[digest]
at = "08:30"
to = ["pr@chenglan.example"]
dir = "digests"
"""


def _play(folder: Path, feeds: FeedServer, moments: list[datetime]) -> Outcome:
    """A cycle at every moment. Heavy modules are imported here, so that ``--help`` stays light."""
    from monitor import jobs
    from monitor.config import load
    from monitor.work.app import open_app

    log = logging.getLogger("qianli.demo")
    app = open_app(load(folder / CONFIG))
    db = app.open_store()
    try:
        with click.progressbar(moments, label="cycles", file=sys.stderr,
                               hidden=not sys.stderr.isatty()) as watched:  # fmt: skip
            for now in watched:
                feeds.now = now
                report = jobs.cycle(app, db, now)
                log.info("%s: %d posts on %d pages, %d mails sent, %d digests, refused: %s", now.astimezone(ZONE),
                         report.posts, report.pages, report.sent, len(report.digests), report.refused)  # fmt: skip
        return Outcome.read(folder, db, moments, MAILBOX, DATABASE, LOG)
    finally:
        db.close()
        app.http.close()


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """The service's log goes to a file of the demo, not to the terminal."""
    log, handler = logging.getLogger("qianli"), logging.FileHandler(path, encoding="utf-8")
    before = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.level, log.propagate = before
        log.removeHandler(handler)
        handler.close()
