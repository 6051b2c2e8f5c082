"""Kill -9, again and again: ``python -m tests.soak [--kills 200] [--seed 1] [--real FILE --real-kills 25] [--control]``

What is run
    A week of the invented world of ``qianli demo``, over real HTTP and SMTP on loopback, step by step: the process
    under test (``driver.py``) does for each step what ``qianli once`` does. First undisturbed; that run is the measure.
    Then again and again under SIGKILL, each time started anew until it finishes, with the real scorer throughout.
    Then the whole invented month is imported as a file and worked through under kills, as is the file of ``--real``.

Where the kills fall
    Drawn from the seed (``plan.py``): before single SQL statements in and between the transactions of every stage
    (collect, match, score, group, count, watch, digest, send), before files are written or put into place, at
    start-up, right after a cursor's commit; and from outside by the harness: while a feed is asked, between RCPT and
    DATA, after the mail server kept a message and before it said so, and at random times.

What is checked (``reading.py``)
    Posts, sightings, mentions, scores, copy groups, stories, counts, heard time and gaps, spikes, incidents and their
    events, digests and their pages, and letters equal those of the undisturbed run; counts equal a recount of the
    rows; nothing is left queued, failed or owed; every owed mail was delivered, at most twice, and then the same
    message with the same Message-ID. An import owes no mail, and its incidents are of origin history.

The control
    A driver that commits the cursor first and the posts in a second transaction must fail this check under kills that
    the product passes. ``--control`` runs only that; otherwise it is part of every run.

Exit code 1 if anything differs, or if the control does not. Everything lives in a temporary folder, which is kept and
named when something differs; processes are ended by their id.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from tests.soak import soak, worlds
from tests.soak.arena import World
from tests.soak.plan import after_each_cursor
from tests.soak.soak import Findings, Undisturbed

KILLS_OF_IMPORT = 15
A_PASS_OF_IMPORT = 15


@click.command()
@click.option("--kills", default=200, help="How many on the stepped demo.")
@click.option("--seed", default=1, help="Another seed kills elsewhere.")
@click.option("--real", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file to import, too.")
@click.option("--real-kills", default=25, help="How many on that import.")
@click.option("--brand", default="明日方舟", help="Whom that file speaks of.")
@click.option("--control", "only_control", is_flag=True, help="Only show that the check can fail.")
def main(kills: int, seed: int, real: Path | None, real_kills: int, brand: str, only_control: bool) -> None:
    """Kill Qianli at every stage and hold what is left against an undisturbed run."""
    base = Path(tempfile.mkdtemp(prefix="qianli-soak-"))
    started = time.monotonic()
    wrong = _stepped(base, 0 if only_control else kills, seed)
    if not only_control:
        wrong += _invented(base, KILLS_OF_IMPORT, seed)
    if real is not None:
        wrong += _real(base, real, brand, real_kills, seed)
    click.echo(f"{time.monotonic() - started:.0f} s")
    if wrong:
        click.echo(f"FAILED: {len(wrong)} differences; what was left lies in {base}")
        sys.exit(1)
    shutil.rmtree(base)
    click.echo("passed")


def _stepped(base: Path, kills: int, seed: int) -> list[str]:
    of = soak.undisturbed(worlds.week(), base / "undisturbed")
    _introduce("stepped demo", of)
    findings = Findings(wrong=[f"undisturbed: {fault}" for fault in of.left.faults])
    steps = _where_cursors_matter(of.world)
    if kills:
        soak.disturbed(of, base / "cursor-pass", after_each_cursor(steps), findings, click.echo)
        soak.until(kills, of, base, seed, click.echo, findings)
        _sum_up(findings)
    if not soak.control(of, base / "control", steps, click.echo):
        findings.wrong.append("the control passed the check, so the check cannot fail")
    return findings.wrong


def _where_cursors_matter(world: World) -> list[int]:
    """The first and last step, the one after the outage, and some between: what a page brought may leave the feed."""
    last = len(world.moments) - 1
    return sorted({0, worlds.after_the_outage(world), last // 3, last // 2, last - 1, last})


def _invented(base: Path, kills: int, seed: int) -> list[str]:
    file = base / "invented.jsonl"
    brand = worlds.export(file)
    wrong, incidents = _imported(base, worlds.imported(file, brand, every_row=False), kills, seed)
    return wrong if incidents else [*wrong, "the invented import has no incident, so it shows nothing"]


def _real(base: Path, file: Path, brand: str, kills: int, seed: int) -> list[str]:
    copy = base / file.name  # what is rejected is written beside it
    shutil.copyfile(file, copy)
    return _imported(base, worlds.imported(copy, brand, every_row=True), kills, seed)[0]


def _imported(base: Path, world: World, kills: int, seed: int) -> tuple[list[str], int]:
    """An import under kills; what is wrong, and how many incidents it has."""
    name = Path(world.file).name
    of = soak.undisturbed(world, base / f"{name}-undisturbed")
    _introduce(f"import of {name}", of)
    findings = Findings(wrong=[f"{name}: {fault}" for fault in of.left.faults])
    soak.until(kills, of, base, seed, click.echo, findings, a_pass=A_PASS_OF_IMPORT)
    _sum_up(findings)
    origins = Counter(incident[5] for incident in of.left.facts["incidents"])
    click.echo(f"incidents by origin: {dict(origins)}; owed mails: {of.left.owed_mails}")
    if of.left.owed_mails or set(origins) - {"history"}:
        findings.wrong.append("the import owed mail or opened an incident that pages")
    return findings.wrong, origins.total()


def _introduce(name: str, of: Undisturbed) -> None:
    facts = of.left.facts
    click.echo(f"{name}: {len(of.world.moments)} steps, {of.ran.seconds:.0f} s undisturbed; "
               f"{facts['posts'].total()} posts, {facts['mentions'].total()} mentions, "
               f"{facts['incidents'].total()} incidents, {facts['digests'].total()} digests, "
               f"{of.left.owed_mails} owed mails")  # fmt: skip


def _sum_up(findings: Findings) -> None:
    for line in soak.table(findings.deaths):
        click.echo(line)
    click.echo(f"{len(findings.deaths)} kills in {findings.passes} passes, {len(findings.wrong)} differences; "
               f"{findings.doubled} mails delivered twice, {findings.most_copies} copies at most")  # fmt: skip


if __name__ == "__main__":
    main()
