"""Files in, JSON Lines out, with no database: score, detect."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from monitor.cli.root import cli, read_zone
from monitor.errors import InputError


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
            for line in detect_lines(stream, name=str(file), zone=read_zone(zone), raw=raw):
                click.echo(line)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8") from None
