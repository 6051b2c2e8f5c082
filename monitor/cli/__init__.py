"""The command line. Each command reads its words, opens what it needs, calls one job and prints what it did.

Exit codes: 0 done, 1 found a problem, 2 wrong use. An error is one line on standard error, never a traceback. Heavy
modules are imported inside the commands that need them, so that ``qianli --help`` answers at once.
"""

from __future__ import annotations

import os
import sys

import click

from monitor.cli import (  # noqa: F401  (each adds its commands to the group)
    check,
    complaints,
    corrections,
    files,
    incidents,
    posts,
    replay,
    service,
)
from monitor.cli.root import cli
from monitor.errors import QianliError, one_line

__all__ = ["cli", "main"]


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
    except _database_errors() as error:
        click.echo(f"qianli: the database cannot be used now: {one_line(str(error))}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has seen enough
        sys.exit(1)
    except OSError as error:
        click.echo(f"qianli: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def _database_errors() -> type[Exception]:
    import sqlite3  # most commands that end well never touch a database

    return sqlite3.DatabaseError
