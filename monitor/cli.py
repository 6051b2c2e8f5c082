"""The command line. Each command reads its words, opens what it needs, calls one job and prints what it did.

Exit codes: 0 done, 1 found a problem, 2 wrong use. An error is one line on standard error, never a traceback. Heavy
modules are imported inside the commands that need them, so that ``qianli --help`` answers at once.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from monitor.errors import ConfigError, InputError, QianliError, StoreError, UsageError, one_line

if TYPE_CHECKING:
    from sqlite_utils import Database

    from monitor.config import Brand
    from monitor.work.app import App


FIRST_DAY = date(2000, 1, 1)
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


def main() -> None:
    """Run the command line and turn every foreseen error into one line and an exit code."""
    try:
        result = cli.main(standalone_mode=False)
    except QianliError as error:
        click.echo(f"qianli: {one_line(str(error))}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"qianli: {one_line(error.format_message())} (qianli --help)", err=True)
        sys.exit(2)
    except click.Abort:
        click.echo("qianli: stopped", err=True)
        sys.exit(130)
    except sqlite3.DatabaseError as error:
        click.echo(f"qianli: the database cannot be used now: {one_line(str(error))}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has seen enough
        sys.exit(1)
    except OSError as error:
        click.echo(f"qianli: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


@contextmanager
def _opened(config_file: Path) -> Iterator[tuple[App, Database]]:
    from monitor.config import load
    from monitor.work.app import open_app

    app = open_app(load(config_file))
    db = app.open_store()
    try:
        yield app, db
    finally:
        db.close()
        app.http.close()


@cli.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path("demo"), help="Where to put it.")
def demo(folder: Path) -> None:
    """The whole journey with no account and no network: 30 invented days, collected, flagged, mailed, digested."""
    from monitor.demo import run_demo

    run_demo(folder, click.echo)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Work on a copy: store nothing, send nothing, and say what would be.")
@click.pass_obj
def once(config_file: Path, dry_run: bool) -> None:
    """One cycle: collect, score, watch, digest, send."""
    from monitor import jobs
    from monitor.schedule import leased

    with _opened(config_file) as (app, db):
        now = datetime.now(UTC)
        _ = app.smtp  # a missing password should be known now, not when the first alert is owed
        if dry_run:
            _print_report(jobs.rehearse(app, db, now, _bars()), dry_run=True)
            return
        with leased(db, now):
            report = jobs.cycle(app, db, now, _bars())
        _print_report(report, dry_run=False)
        if report.refused or report.failed:
            sys.exit(1)


@cli.command()
@click.pass_obj
def run(config_file: Path) -> None:
    """The service: works until it gets SIGTERM or SIGINT."""
    from monitor import schedule

    with _opened(config_file) as (app, _):
        logging.getLogger("qianli").setLevel(logging.INFO)
        _ = app.smtp  # as above
        schedule.run(app)


@cli.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--platform", default="", help="Whose ids these are; default: the row's own source, else 'import'.")
@click.option("--brand", default="", help="Every row mentions this brand.")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Where a field is; text=A+B joins columns.")
@click.option("--encoding", default="", help="Force it, for example gb18030 or big5.")
@click.option("--timezone", "zone", default="", help="Of times without one; default: the config's.")
@click.option("--preview", is_flag=True, help="Show what the file was taken for and its first rows; store nothing.")
@click.pass_obj
def import_(
    config_file: Path, file: Path, platform: str, brand: str, maps: tuple[str, ...], encoding: str, zone: str,
    preview: bool,
) -> None:  # fmt: skip
    """Read posts from a CSV or JSON Lines FILE, also .gz; rows it cannot read go to FILE.rejected."""
    from monitor.work.importing import import_file
    from sources.importer import Options
    from sources.importer import preview as look

    with _opened(config_file) as (app, db):
        if brand:
            _brand(app, brand)
        options = Options(
            zone=_zone(zone) if zone else app.config.timezone, platform=platform, brand=brand,
            mapping=_mapping(maps), encoding=encoding,
        )  # fmt: skip
        if preview:
            _print_preview(look(file, options))
            return
        size = file.stat().st_size if file.exists() else 0
        with _bar(size, f"reading {file.name}") as at:
            done = import_file(app, db, file, options, datetime.now(UTC), at)
    click.echo(f"{done.rows} rows read, {done.new} new posts stored, {done.rejected} rows rejected")
    if done.rejected_file:
        click.echo(f"rejected rows, with line and reason: {done.rejected_file}")
        sys.exit(1)


@cli.command()
@click.option("--day", "day_text", default="", metavar="YYYY-MM-DD", help="Default: yesterday.")
@click.option("--brand", "names", multiple=True, help="Default: every own brand.")
@click.option("--send", is_flag=True, help="Mail it too.")
@click.option("--out", type=click.Path(path_type=Path), help="Another folder than the archive.")
@click.pass_obj
def digest(config_file: Path, day_text: str, names: tuple[str, ...], send: bool, out: Path | None) -> None:
    """Render the digest of a day as a page, and send it if asked to."""
    from datetime import timedelta

    from monitor import jobs

    with _opened(config_file) as (app, db):
        now = datetime.now(UTC)
        today = now.astimezone(app.config.timezone).date()
        day = _day(day_text, today) if day_text else today - timedelta(days=1)
        chosen = [_brand(app, n) for n in names] or [b for b, _ in app.own_brands]
        if send and app.smtp is None:
            raise ConfigError(f"{app.config.file}: smtp: missing, so nothing can be sent")
        _warn_of_queues(db)
        for brand in chosen:
            page = jobs.make_digest(app, db, brand, app.brands[brand.name], day, now, send=send, folder=out)
            click.echo(page)
        if send:
            _send_now(app, db, now)


@cli.command()
@click.argument("file")
@click.option("--column", default="text", help="The column to score.")
def score(file: str, column: str) -> None:
    """Score a CSV FILE ('-': standard input; also .gz) as JSON Lines, in the order of its rows."""
    from monitor.sentiment import Scorer
    from monitor.sentiment.files import open_scored_file, score_lines

    with open_scored_file(file) as stream:
        for lines, line in enumerate(score_lines(stream, name=file, column=column, scorer=Scorer()), start=1):
            sys.stdout.write(line + "\n")
            if lines % 1000 == 0 and sys.stderr.isatty() and not sys.stdout.isatty():
                click.echo(f"\r{lines} rows scored", err=True, nl=False)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--raw", is_flag=True, help="Volumes whose copies cannot be grouped.")
@click.option("--timezone", "zone", default="UTC", help="Of the hours of the day, and of times without a zone.")
def detect(file: Path, raw: bool, zone: str) -> None:
    """Find spikes in a CSV FILE with time,count[,other]: one JSON object for each alert."""
    from monitor.spikes.table import detect_lines

    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            for line in detect_lines(stream, name=str(file), zone=_zone(zone), raw=raw):
                click.echo(line)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8") from None


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def status(config_file: Path, as_json: bool) -> None:
    """Coverage, queues, failures, incidents, outbox. Exit code 1 if something needs a person."""
    from monitor.store.overview import overview

    with _opened(config_file) as (app, db):
        found = overview(db, [c.name for c in app.collectors], app.brands, datetime.now(UTC))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print_status(found)
    unwell = any(s["state"] not in ("ok", "running", "interrupted", "never asked") for s in found["sources"])
    if unwell or found["trouble"] or found["failures"] or found["outbox"]["failed"]:
        sys.exit(1)


def _send_now(app: App, db: Database, now: datetime) -> None:
    """Hand over what is owed, unless the service runs: it does so itself, and two would send twice."""
    from monitor import jobs
    from monitor.schedule import leased
    from monitor.store import outbox

    report = jobs.Report()
    try:
        with leased(db, now):
            jobs.send(app, db, now, report)
    except StoreError:
        click.echo("owed; the service that runs on this database sends it")
        return
    click.echo(f"{report.sent} messages handed over")
    if trouble := outbox.last_trouble(db):
        click.echo(f"still owed: {one_line(trouble)}")
        sys.exit(1)


def _brand(app: App, name: str) -> Brand:
    from monitor.errors import nearest

    brand = app.config.brand(name)
    if brand is None:
        known = [b.name for b in app.config.brands]
        raise UsageError(f"--brand: {name!r} is no brand of {app.config.file}{nearest(name, known)}")
    return brand


def _zone(name: str) -> ZoneInfo:
    from monitor.config import zone

    try:
        return zone(name)
    except ValueError as error:
        raise UsageError(f"--timezone: {error}") from None


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--day: must be a date such as 2026-11-20, not {text!r}") from None
    if not FIRST_DAY <= day <= today:
        raise UsageError(f"--day: must lie between {FIRST_DAY} and today, {today}, not {text!r}")
    return day


def _mapping(maps: tuple[str, ...]) -> dict[str, str]:
    pairs = [m.partition("=") for m in maps]
    wrong = next((m for m, (key, _, column) in zip(maps, pairs, strict=True) if not key or not column), None)
    if wrong is not None:
        raise UsageError(f"--map: must be FIELD=COLUMN, not {wrong!r}")
    return {key: column for key, _, column in pairs}


@contextmanager
def _bar(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, told positions; elsewhere nothing is printed."""
    if not sys.stderr.isatty():
        yield lambda position: None
        return
    with click.progressbar(length=max(1, length), label=label, file=sys.stderr) as bar:
        yield lambda position: bar.update(position - bar.pos)


def _bars() -> Callable[[str, int, int], None]:
    """A bar for the stage under way, on a terminal that watches."""
    if not sys.stderr.isatty():
        return lambda stage, done, left: None

    def show(stage: str, done: int, left: int) -> None:
        filled = round(30 * done / max(1, done + left))
        click.echo(f"\r\x1b[K{stage:6} [{'#' * filled:30}] {done}/{done + left}", err=True, nl=left == 0)

    return show


def _warn_of_queues(db: Database) -> None:
    from monitor.store.posts import waiting

    left = sum(waiting(db).values())
    if left:
        click.echo(
            f"{left} steps of posts are still to be done, so the numbers are not complete: qianli once", err=True
        )


def _print_report(report: Any, *, dry_run: bool) -> None:
    would = "would have " if dry_run else ""
    click.echo(f"{would}collected {report.posts} posts on {report.pages} pages")
    for stage, done in report.stages.items():
        click.echo(f"{would}{stage}: {done}")
    if report.failed:
        click.echo(f"failed: {report.failed} (qianli status tells what)")
    for name in report.refused:
        click.echo(f"not heard: {name} (qianli status tells why)")
    for page in report.digests:
        click.echo(f"digest: {page}")
    for line in report.notes:
        click.echo(line)
    click.echo(f"{would}sent {report.sent} messages" if not dry_run else f"owed mails, not sent: {report.owed}")


def _print_preview(found: Any) -> None:
    guess = " (a guess: force it with --encoding if the text below is wrong)" if found.encoding_is_guess else ""
    click.echo(f"{found.form}, {found.encoding}{guess}; columns: {', '.join(map(one_line, found.columns))}")
    for name, columns in found.mapping.items():
        click.echo(f"  {name} <- {' + '.join(map(one_line, columns))}")
    for note in found.notes:
        click.echo(f"note: {one_line(note)}")
    for row in found.rows:
        click.echo(f"  {one_line(repr(row))[:300]}")


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
    click.echo("queues: " + ", ".join(f"{k} {v}" for k, v in found["queues"].items()))
    click.echo("outbox: " + ", ".join(f"{k} {v}" for k, v in found["outbox"].items()))
    for line in found["trouble"]:
        click.echo(f"trouble: {one_line(line)}")
    for f in found["failures"]:
        click.echo(f"failure: {f['stage']} of {f['item']}: {f['error']} at {f['at']}, trace {f['trace_id']}")
