"""What people know better: label, and the models that learn from it."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.root import cli, opened
from monitor.errors import UsageError, shown

if TYPE_CHECKING:
    from monitor.work.teaching import Taught


@cli.command()
@click.argument("post")
@click.argument("value")
@click.option("--brand", default="", help="Whose mention is meant; needed where the post speaks of several.")
@click.option("--by", default="", metavar="NAME", help="Who says so; default: your name on this machine.")
@click.pass_obj
def label(config_file: Path, post: str, value: str, brand: str, by: str) -> None:
    """Correct what a POST (its id, its address or platform:id) is: negative, neutral, positive or unsure."""
    from monitor.work import correcting
    from monitor.work.naming import known_brand

    said = correcting.value(value)
    with opened(config_file) as (app, db):
        if brand:
            known_brand(app, brand)
        done = correcting.label(app, db, post, said, brand, by=person(by), now=datetime.now(UTC))
    click.echo(f"post {done.post}, {done.brand}: {done.before or 'not scored yet'} -> {done.now}")


@cli.command()
@click.argument("files", nargs=-1)
@click.option("--alone", is_flag=True, help="From the labels alone, without the shipped weights.")
@click.option("--sample", is_flag=True, help="The labels are a random sample, not only corrections.")
@click.option("--dry-run", is_flag=True, help="Show the table; install nothing.")
@click.option("--shipped", is_flag=True, help="Train nothing: let the shipped model score again.")
@click.pass_obj
def train(
    config_file: Path, files: tuple[str, ...], alone: bool, sample: bool, dry_run: bool, shipped: bool
) -> None:  # fmt: skip
    """Learn from the corrections, and from labelled CSV FILES (text,label); a model that is no better is refused."""
    from monitor.sentiment.people import read_labelled_csv
    from monitor.work import teaching

    if shipped and (files or alone or sample or dry_run):
        raise UsageError("--shipped: goes with no file and no other option; it trains nothing")
    with opened(config_file) as (app, db):
        if shipped:
            changed = teaching.go_back(db)
            click.echo("the shipped model scores again" if changed else "the shipped model scores already")
            return
        app.follow_model(db)
        more = [each for file in files for each in read_labelled_csv(file)]
        taught = teaching.teach(
            app, db, more, datetime.now(UTC), alone=alone, sample=sample, install=not dry_run
        )  # fmt: skip
    _print_taught(taught, dry_run=dry_run)
    if not taught.outcome.better:
        sys.exit(1)


@cli.command()
@click.argument("file", required=False)
@click.pass_obj
def evaluate(config_file: Path, file: str | None) -> None:
    """How well the model does on what people labelled: by `label`, or in a CSV FILE (text,label); beside SnowNLP."""
    from monitor.sentiment.judging import evaluate as judged
    from monitor.sentiment.judging import table_lines
    from monitor.sentiment.people import read_labelled_csv
    from monitor.work import teaching

    with opened(config_file) as (app, db):
        app.follow_model(db)
        rows = teaching.judge(app, db) if file is None else judged(read_labelled_csv(file), app.scorer)
        click.echo(f"model: {app.scorer.version}")
    for line in table_lines(rows):
        click.echo(line)


def _print_taught(taught: Taught, *, dry_run: bool) -> None:
    from monitor.sentiment.judging import table_lines

    outcome = taught.outcome
    used = ", ".join(f"{n} {label}" for label, n in outcome.labels.items()) or "none"
    click.echo(f"labels used: {used}")
    if outcome.left_out:
        click.echo("left out: " + ", ".join(f"{n} {why}" for why, n in outcome.left_out.items()))
    for line in table_lines(outcome.rows) if outcome.rows else ():
        click.echo(line)
    click.echo(outcome.reason)
    if taught.before is not None and taught.after is not None:
        click.echo(
            f"of the newest {taught.posts} posts it calls {taught.after:.1%} negative; until now {taught.before:.1%}"
        )
    if taught.version:
        click.echo(f"{taught.version} scores from now on, and speaks once it has scored the last 28 days")
    elif outcome.better and dry_run:
        click.echo("better, and not installed (--dry-run)")


def person(name: str) -> str:
    if not name:
        try:
            return getpass.getuser()
        except (OSError, KeyError):  # a container's user may have no name
            raise UsageError("--by: this machine does not know your name; say who you are") from None
    if not name.isprintable() or len(name) > 100:
        raise UsageError(f"--by: must be a name on one line, not {shown(name)}")
    return name
