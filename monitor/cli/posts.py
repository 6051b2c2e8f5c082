"""Posts in, digests out: import, digest."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.root import bar, cli, opened, read_zone
from monitor.errors import ConfigError, StoreError, UsageError, one_line

if TYPE_CHECKING:
    from sqlite_utils import Database

    from monitor.work.app import App

FIRST_DAY = date(2000, 1, 1)


@cli.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--platform", default="", help="Whose ids these are; default: the row's own source, else 'import'.")
@click.option("--brand", default="", help="Every row mentions this brand.")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Where a field is; text=A+B joins columns.")
@click.option("--encoding", default="", help="Force it, for example gb18030 or big5.")
@click.option("--sheet", default="", help="Of a workbook; default: the first that is not hidden.")
@click.option("--timezone", "zone", default="", help="Of times without one; default: the config's.")
@click.option("--preview", is_flag=True, help="Show what the file was taken for and its first rows; store nothing.")
@click.pass_obj
def import_(
    config_file: Path, file: Path, platform: str, brand: str, maps: tuple[str, ...], encoding: str, sheet: str,
    zone: str, preview: bool,
) -> None:  # fmt: skip
    """Read posts from a CSV, JSON Lines (both also .gz) or .xlsx FILE; rows it cannot read go to FILE.rejected."""
    from monitor.work.importing import import_file
    from monitor.work.naming import known_brand
    from sources.importer import Options
    from sources.importer import preview as look

    with opened(config_file) as (app, db):
        brand = known_brand(app, brand).name if brand else ""
        options = Options(
            zone=read_zone(zone) if zone else app.config.timezone, platform=platform, brand=brand,
            mapping=_mapping(maps), encoding=encoding, sheet=sheet,
        )  # fmt: skip
        if preview:
            _print_preview(look(file, options))
            return
        size = file.stat().st_size if file.exists() else 0
        with bar(size, f"reading {file.name}") as at:
            done = import_file(app, db, file, options, datetime.now(UTC), at)
    click.echo(f"{done.rows} rows read, {done.new} new posts stored, {done.rejected} rows rejected")
    if done.rejected_file:
        click.echo(f"rejected rows, with line and reason: {done.rejected_file}")
        sys.exit(1)


@cli.command()
@click.option("--day", "day_text", default="", metavar="YYYY-MM-DD", help="Default: yesterday.")
@click.option("--week", is_flag=True, help="The roll-up of the seven days that end with --day.")
@click.option("--brand", "names", multiple=True, help="Default: every own brand.")
@click.option("--send", is_flag=True, help="Mail it too.")
@click.option("--out", type=click.Path(path_type=Path), help="Only a page to look at, in this folder.")
@click.pass_obj
def digest(
    config_file: Path, day_text: str, week: bool, names: tuple[str, ...], send: bool, out: Path | None
) -> None:  # fmt: skip
    """Archive the digest of a day or week as its newest revision, and send it if asked to."""
    from datetime import timedelta

    from monitor import jobs
    from monitor.work import digesting, stages, summing
    from monitor.work.naming import known_brand

    if send and out:
        raise UsageError("--out: a page to look at is not sent; leave --out or --send away")
    with opened(config_file) as (app, db):
        now = datetime.now(UTC)
        today = now.astimezone(app.config.timezone).date()
        day = _day(day_text, today) if day_text else today - timedelta(days=1)
        chosen = [known_brand(app, n) for n in names] or [b for b, _ in app.own_brands]
        if send and app.smtp is None:
            raise ConfigError(f"{app.config.file}: smtp: missing, so nothing can be sent")
        _warn_of_queues(db)
        stages.follow_zone(app, db)
        make = summing.make if week else digesting.make
        for brand in chosen:
            click.echo(make(app, db, brand, app.brands[brand.name], day, now, send=send, folder=out))
        jobs.keep_index(app, db, now)
        if send:
            _send_now(app, db, now)


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


def _warn_of_queues(db: Database) -> None:
    from monitor.store.posts import waiting

    left = sum(waiting(db).values())
    if left:
        click.echo(
            f"{left} steps of posts are still to be done, so the numbers are not complete: qianli once", err=True
        )


def _print_preview(found: Any) -> None:
    guess = " (a guess: force it with --encoding if the text below is wrong)" if found.encoding_is_guess else ""
    click.echo(f"{found.form}, {found.encoding}{guess}; columns: {', '.join(map(one_line, found.columns))}")
    for name, columns in found.mapping.items():
        click.echo(f"  {name} <- {' + '.join(map(one_line, columns))}")
    for note in found.notes:
        click.echo(f"note: {one_line(note)}")
    for row in found.rows:
        click.echo(f"  {one_line(repr(row))[:300]}")
