"""Running the monitor: demo, once, run, status, purge."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from monitor.cli.root import cli, opened
from monitor.errors import UsageError, one_line, shown
from monitor.model import utc_text


@cli.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path("demo"), help="Where to put it.")
def demo(folder: Path) -> None:
    """The whole journey with no account and no network: 30 invented days, collected, flagged, mailed, digested."""
    from monitor.demo import run_demo

    run_demo(folder, click.echo)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Work on a copy: store nothing, send nothing, and say what would be.")
@click.option("--since", default="", metavar="DAY", help="Ask all sources to reach back to then: 2026-11-01.")
@click.pass_obj
def once(config_file: Path, dry_run: bool, since: str) -> None:
    """One cycle: collect, score, watch, digest, send."""
    from monitor import jobs, rehearsing
    from monitor.schedule import leased
    from monitor.work import mailbox

    with opened(config_file) as (app, db):
        now = datetime.now(UTC)
        start = _start_of(since, app.config.timezone, now) if since else None
        _ = (
            app.smtp,
            mailbox.settings(app),
            app.heartbeat_url,
        )  # a missing password should be known now, not when the first alert is owed
        if dry_run:
            _print_report(rehearsing.rehearse(app, db, now, _bars(), start), dry_run=True)
            return
        with leased(db, now):
            report = jobs.cycle(app, db, now, _bars(), start)
        _print_report(report, dry_run=False)
        if report.refused or report.failed:
            sys.exit(1)


@cli.command()
@click.pass_obj
def run(config_file: Path) -> None:
    """The service: works until it gets SIGTERM or SIGINT."""
    from monitor import schedule
    from monitor.work import mailbox

    with opened(config_file) as (app, _):
        logging.getLogger("qianli").setLevel(logging.INFO)
        _ = app.smtp, mailbox.settings(app), app.heartbeat_url  # as above
        schedule.run(app)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def status(config_file: Path, as_json: bool) -> None:
    """Coverage, queues, failures, incidents, outbox, replies to alerts. Exit code 1 if something needs a person."""
    from monitor.store.overview import overview

    with opened(config_file) as (app, db):
        found = overview(db, [c.name for c in app.collectors], app.brands, datetime.now(UTC))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print_status(found)
    unwell = any(s["state"] not in ("ok", "running", "interrupted", "never asked") for s in found["sources"])
    if unwell or found["trouble"] or found["failures"]:
        sys.exit(1)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing, and say what would be.")
@click.pass_obj
def purge(config_file: Path, dry_run: bool) -> None:
    """Remove what is not to be kept any longer; the service does so once a day. Counts stay as they are."""
    from monitor.work import purging

    with opened(config_file) as (app, db):
        done = purging.purge(app, db, datetime.now(UTC), dry_run=dry_run)
    would = "would be " if dry_run else ""
    click.echo(f"{done.emptied} posts {would}emptied of text, author and engagement; what they were counted as stays")
    click.echo(f"{done.removed} posts that mention no brand {would}removed")
    click.echo(f"{done.letters} mails {would}emptied of what they said")
    click.echo(f"{done.notes} notes on complaints {would}emptied of their words and of who wrote them")


def _start_of(day: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The beginning of a local day, or a moment with its time, in UTC."""
    try:
        moment = datetime.fromisoformat(day)
    except ValueError:
        raise UsageError(f"--since: must be a day such as 2026-11-01, not {shown(day)}") from None
    start = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    if start >= now:
        raise UsageError(f"--since: {shown(day)} lies ahead")
    return start


def _bars() -> Callable[[str, int, int], None]:
    """A bar for the stage under way, on a terminal that watches."""
    if not sys.stderr.isatty():
        return lambda stage, done, left: None

    def show(stage: str, done: int, left: int) -> None:
        filled = round(30 * done / max(1, done + left))
        click.echo(f"\r\x1b[K{stage:6} [{'#' * filled:30}] {done}/{done + left}", err=True, nl=left == 0)

    return show


def _print_report(report: Any, *, dry_run: bool) -> None:
    would = "would have " if dry_run else ""
    click.echo(f"{would}collected {report.posts} posts on {report.pages} pages")
    if report.answers:
        click.echo(f"messages read in the mailbox: {report.answers} (qianli status tells what they did)")
    if report.looked:
        click.echo(f"looked again at {report.looked} posts")
    for stage, done in report.stages.items():
        click.echo(f"{would}{stage}: {done}")
    if report.failed:
        click.echo(f"failed: {report.failed} (qianli status tells what)")
    for name, reached in report.reached.items():
        click.echo(f"reached back: {name} to {utc_text(reached)}")
    for name in report.refused:
        click.echo(f"not heard: {name} (qianli status tells why)")
    for page in report.digests:
        click.echo(f"digest: {page}")
    for line in report.notes:
        click.echo(line)
    click.echo(f"{would}sent {report.sent} messages" if not dry_run else f"owed mails, not sent: {report.owed}")


def _print_status(found: dict[str, Any]) -> None:
    for s in found["sources"]:
        heard = f"heard to {s['heard_to']}, {s['heard_24h']:.0%} of 24 h" if s["heard_to"] else "nothing heard yet"
        detail = f": {one_line(s['detail'])}" if s["detail"] else ""
        click.echo(f"source {s['source']}: {s['state']}{detail}; {heard}; due {s['due_at']}")
    for name, b in found["brands"].items():
        click.echo(f"brand {name}: {b['mentions']} mentions, {b['days_heard']} days heard, "
                   f"last digest {b['last_digest'] or 'none'}")  # fmt: skip
    for i in found["open_incidents"]:
        click.echo(f"incident {i['incident']}: {i['brand']}, {i['severity']}, {i['state']}, {i['origin']}")
    model = found["model"]
    waits = model["chosen"] is not None and model["chosen"] != model["speaks"]
    click.echo(f"model: {model['speaks'] or 'none yet'}" + (f"; {model['chosen']} waits to speak" if waits else ""))
    click.echo("queues: " + ", ".join(f"{k} {v}" for k, v in found["queues"].items()))
    click.echo("outbox: " + ", ".join(f"{k} {v}" for k, v in found["outbox"].items()))
    if found["answers"]:
        click.echo("answers: " + ", ".join(f"{k} {v}" for k, v in found["answers"].items()))
    for line in found["trouble"]:
        click.echo(f"trouble: {one_line(line)}")
    for f in found["failures"]:
        click.echo(f"failure: {f['stage']} of {f['item']}: {f['error']} at {f['at']}, trace {f['trace_id']}")
