"""What a config would have said of the past: replay."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from monitor.cli.root import bar, cli, opened
from monitor.model import utc_text

if TYPE_CHECKING:
    from monitor.store.replays import Told

STEPS = 1000
"""Of the progress bar."""

LINES = 3
"""Of a mail's text: its state, who has it, and the arithmetic."""


@cli.command()
@click.option("--days", type=click.IntRange(1, 400), default=30, show_default=True, help="How far back.")
@click.option("--with", "other", type=click.Path(path_type=Path), help="Another config to judge the history by.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each alert, with its evidence.")
@click.pass_obj
def replay(config_file: Path, days: int, other: Path | None, as_json: bool) -> None:
    """The alerts that this config (or --with OTHER.toml) would have sent on stored history. Nothing is sent."""
    from monitor import rehearsing
    from monitor.config import load

    now = datetime.now(UTC)
    with opened(config_file) as (app, db):
        config = load(other) if other else app.config
        told = 0
        with bar(STEPS, "replay") as show:
            past = rehearsing.replay(
                app, db, config, now - timedelta(days=days), now,
                lambda _, done, left: show(STEPS * done // max(1, done + left)),
            )  # fmt: skip
            for each in past:
                told += 1
                click.echo(_line(each) if as_json else _shown(each, config.timezone))
    if not as_json:
        click.echo(f"{told} alert{'s' * (told != 1)} in the last {days} day{'s' * (days != 1)}")


def _line(told: Told) -> str:
    row = asdict(told)
    return json.dumps({**row, "at": utc_text(told.at)}, ensure_ascii=False)


def _shown(told: Told, zone: ZoneInfo) -> str:
    lines = [line for line in told.text.splitlines() if line.strip()][:LINES]
    return f"{told.at.astimezone(zone):%Y-%m-%d %H:%M}  {told.subject}\n" + "\n".join(f"    {line}" for line in lines)
