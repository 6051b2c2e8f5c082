"""What people know better: label, and the models that learn from it."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.root import cli, known_brand, opened
from monitor.errors import UsageError, shown


@cli.command()
@click.argument("post")
@click.argument("value")
@click.option("--brand", default="", help="Whose mention is meant; needed where the post speaks of several.")
@click.option("--by", default="", metavar="NAME", help="Who says so; default: your name on this machine.")
@click.pass_obj
def label(config_file: Path, post: str, value: str, brand: str, by: str) -> None:
    """Correct what a POST (its id, its address or platform:id) is: negative, neutral, positive or unsure."""
    from monitor.work import correcting

    said = correcting.value(value)
    with opened(config_file) as (app, db):
        if brand:
            known_brand(app, brand)
        done = correcting.label(app, db, post, said, brand, by=_person(by), now=datetime.now(UTC))
    click.echo(f"post {done.post}, {done.brand}: {done.before or 'not scored yet'} -> {done.now}")


def _person(name: str) -> str:
    if not name:
        try:
            return getpass.getuser()
        except (OSError, KeyError):  # a container's user may have no name
            raise UsageError("--by: this machine does not know your name; say who you are") from None
    if not name.isprintable() or len(name) > 100:
        raise UsageError(f"--by: must be a name on one line, not {shown(name)}")
    return name
