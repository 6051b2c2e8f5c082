"""The config doctor: check."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.root import cli, opened
from monitor.errors import one_line


@cli.command()
@click.option("--online", is_flag=True, help="Ask each source once, and log in to the mailbox; nothing is stored.")
@click.option("--send-test", is_flag=True, help="Send a mail to everybody who would be told of something.")
@click.pass_obj
def check(config_file: Path, online: bool, send_test: bool) -> None:
    """Look for rules, secrets and addresses that are likely wrong, and show the line to change."""
    from monitor.jobs import attempt
    from monitor.work import checking

    unwell = False
    with opened(config_file) as (app, db):
        now = datetime.now(UTC)
        for finding in checking.config(app, db):
            unwell |= bool(finding.change)
            click.echo(f"{app.config.file}: {finding.where}: {one_line(finding.says)}")
            for example in finding.examples:
                click.echo(f"    | {one_line(example)}")
            if finding.change:
                click.echo(f"    -> {one_line(finding.change)}")
        for name, said, well in checking.online(app, attempt, now) if online else ():
            unwell |= not well
            click.echo(f'sources "{name}": {said}')
            if not well:
                click.echo(f"    -> {one_line(checking.line_of(app, name))}")
        if online and app.config.mailbox is not None:
            said, well = checking.mailbox(app, attempt)
            unwell |= not well
            click.echo(f"mailbox: {said}")
        for name, said, well in checking.test_mail(app, now) if send_test else ():
            unwell |= not well
            click.echo(f"mail to {name}: {said}")
    if unwell:
        sys.exit(1)
    click.echo("nothing to change")
