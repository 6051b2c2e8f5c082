"""Files in, JSON Lines out, with no database: score, signals, detect, stories."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from monitor.cli.root import bar, cli, read_zone
from monitor.errors import InputError, one_line

SCORED_AT_ONCE = 1000
"""Rows between two steps of the progress bar of ``score``."""


@cli.command()
@click.argument("file")
@click.option("--column", default="text", help="The column to score.")
def score(file: str, column: str) -> None:
    """Score a CSV FILE ('-': standard input; also .gz) as JSON Lines, in the order of its rows."""
    from monitor.sentiment import Scorer
    from monitor.sentiment.files import open_scored_file, score_lines

    notes: list[str] = []
    with open_scored_file(file) as opened, _score_bar(file, opened.size) as show:
        lines = score_lines(opened.stream, name=file, column=column, scorer=Scorer(), warn=notes.append)
        rows = 0
        for rows, line in enumerate(lines, start=1):
            sys.stdout.write(line + "\n")
            if rows % SCORED_AT_ONCE == 0:
                show(rows, opened.position())
        show(rows, opened.position())
    for note in notes:
        click.echo(f"qianli: {one_line(note)}", err=True)


@cli.command()
@click.argument("file")
@click.option("--column", default="text", help="The column to look for signals in.")
def signals(file: str, column: str) -> None:
    """Find what customers feel in a CSV FILE ('-': standard input; also .gz): JSON Lines, in the order of its rows."""
    import json

    from monitor.sentiment.files import open_scored_file, read_cells
    from monitor.signals import find

    notes: list[str] = []
    with open_scored_file(file) as opened:
        for text in read_cells(opened.stream, file, column, notes.append):
            found = [
                {"kind": s.kind, "theme": s.theme, "start": s.start, "end": s.end, "evidence": text[s.start : s.end],
                 "rule": s.rule}
                for s in find(text)
            ]  # fmt: skip
            sys.stdout.write(json.dumps({"signals": found}) + "\n")
    for note in notes:
        click.echo(f"qianli: {one_line(note)}", err=True)


@contextmanager
def _score_bar(file: str, size: int | None) -> Iterator[Callable[[int, int], None]]:
    """Told rows and bytes. A bar over the bytes where their number is known, else a count of rows; nothing where
    nobody watches, or where the lines themselves are watched."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        yield lambda rows, position: None
    elif size:
        with bar(size, f"scoring {'standard input' if file == '-' else one_line(Path(file).name)}") as at:
            yield lambda rows, position: at(position)
    else:
        yield lambda rows, position: click.echo(f"\r{rows} rows scored", err=True, nl=False)
        click.echo(err=True)


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


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def stories(file: Path) -> None:
    """Group the posts of a JSON Lines FILE: {"id", "group", "story"} for each, in the order of its rows."""
    import gc
    from datetime import UTC, datetime

    from monitor.work.grouping import group_file

    gc.freeze()  # what was imported stays, and need not be looked through again and again
    size = file.stat().st_size if file.exists() else 0
    with bar(size, f"reading {one_line(file.name)}") as at:
        for line in group_file(file, datetime.now(UTC), at):
            sys.stdout.write(line + "\n")
