"""Ninety simulated days with faults: ``python -m tests.soak.months [--days 90] [--seed 1] [--kills 12]``

What is run
    Two brands of an invented world of posts (``tests.bench.posts``), a round every 30 simulated minutes that does what
    ``qianli once`` does, with real SMTP on loopback. Platforms refuse for hours, posts come late; the mail server is
    dead for up to thirty hours, puts off (451, 452), refuses our address or a recipient (550), and cuts the line before
    and after it has kept a mail. The process is killed (SIGKILL) now and then, half of the times just when a mail was
    kept and the server had not said so, and restarted cleanly as often.

What is checked (``account.py``)
    Every owed mail was delivered once; twice only where the server had not said that it kept the first, or the process
    died before it could note that, and then the same bytes with the same Message-ID; none was lost, none given up
    that the server did not refuse for good. No incident was resolved twice or says the same words twice; each brand-day
    has one digest; ops mails are no more than outages explain. Counts equal a full recount. Flaps (an incident opened
    within 24 hours of the last one's end) are counted.

Exit code 1 if anything is wrong.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from random import Random

import click

from tests.soak.months import faults
from tests.soak.months.account import Account, settle
from tests.soak.months.run import Ran, soak
from tests.soak.months.setting import EVERY, rounds, world


def run(
    folder: Path, seed: int, days: int, kills: int, rates: tuple[float, ...] = (5.0, 2.0), every: timedelta = EVERY
) -> tuple[Ran, Account]:
    """One soak in ``folder``, which must not exist."""
    random, made = Random(seed), world(seed, days, rates)
    moments, mail = rounds(made, every), faults.mail_faults(random, made.start, days)
    ran = soak(made, folder, moments, mail, faults.blows(random, moments, kills, kills))
    return ran, settle(ran, made, mail)


@click.command()
@click.option("--days", default=90)
@click.option("--seed", default=1, help="Another seed has other posts, faults and kills.")
@click.option("--kills", default=12, help="How many kills, and how many clean restarts.")
@click.option("--every", default=30, help="Simulated minutes between rounds.")
def main(days: int, seed: int, kills: int, every: int) -> None:
    """Live through months of faults and settle the account of owed and delivered mail."""
    base = Path(tempfile.mkdtemp(prefix="qianli-months-"))
    ran, account = run(base / "soak", seed, days, kills, every=timedelta(minutes=every))
    click.echo(json.dumps({
        "days": days, "seed": seed, "rounds": len(ran.rounds), "deaths": [k for k, _ in ran.deaths],
        "restarts": ran.restarts, "mail_troubles": ran.ledger.troubles, **account.told(), "seconds": round(ran.seconds),
    }, ensure_ascii=False))  # fmt: skip
    for line in account.wrong[:20]:
        click.echo(f"  {line}")
    if account.wrong:
        click.echo(f"FAILED; what was left lies in {base}")
        sys.exit(1)
    shutil.rmtree(base)
    click.echo("passed")


if __name__ == "__main__":
    main()
