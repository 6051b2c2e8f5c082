"""The ledger of complaints: complaints, and complaint, by which a person says how one stands."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from monitor.cli.corrections import person
from monitor.cli.incidents import LARGEST
from monitor.cli.root import cli, opened
from monitor.cli.tables import columns, local
from monitor.errors import UsageError, nearest, one_line, shown
from monitor.model import Recovery

WORDS = {
    **{state.value: state for state in Recovery},
    "未回覆": Recovery.NEW, "未回复": Recovery.NEW, "已回覆": Recovery.ANSWERED, "已回复": Recovery.ANSWERED,
    "已挽回": Recovery.RECOVERED, "已解決": Recovery.RECOVERED, "已解决": Recovery.RECOVERED, "流失": Recovery.LOST,
}  # fmt: skip
STANDING = (Recovery.NEW, Recovery.ANSWERED)
SHOWN = {Recovery.ANSWERED: "answered, not recovered"}
HEAD = ("id", "brand", "state", "sev", "first seen", "answer after", "posts", "reach", "themes", "what hurts", "link")
WIDTH = 60
"""Characters of what hurts in a list."""


@cli.command()
@click.argument("number", type=int, required=False)
@click.option("--brand", default="", help="Only those of this brand.")
@click.option("--state", default="", help="Only new, answered, recovered or lost ones; default: new and answered.")
@click.option("--all", "every", is_flag=True, help="Recovered and lost ones, too.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def complaints(
    config_file: Path, number: int | None, brand: str, state: str, every: bool, limit: int, as_json: bool
) -> None:  # fmt: skip
    """Complaints that were not made good, the unanswered first; with a NUMBER all that is known of one."""
    from monitor.store import complaint_list
    from monitor.work.naming import stored_brands

    states = [said.value for said in ([_state(state)] if state else Recovery if every else STANDING)]
    with opened(config_file) as (app, db):
        zone = app.config.timezone
        names = stored_brands(app, db, brand) if brand else None
        if number is not None:
            known = _known(complaint_list.current(db, number) if abs(number) <= LARGEST else None, number)
            row = {**complaint_list.find(db, known), "events": complaint_list.events(db, known)}
            if names is not None and row["brand"] not in names:
                raise UsageError(f"--brand: complaint {known} is of {row['brand']}, not of {names[0]}")
            said = complaint_list.posts(db, known, 10)
            click.echo(_dumped(row) if as_json else _told(row, said, zone))
            return
        rows = complaint_list.list_them(db, names, states, limit)
        total = complaint_list.count(db, names, states)
    if as_json:
        click.echo(_dumped(rows))
    elif rows:
        click.echo("\n".join(columns([HEAD, *(_row(row, zone) for row in rows)])))
        if total > len(rows):
            click.echo(f"{total - len(rows)} more; --limit {total} shows all")
    else:
        click.echo("no complaint")


@cli.command()
@click.argument("number", type=int)
@click.argument("state", required=False, default="")
@click.option("--by", default="", metavar="NAME", help="Who says so; default: your name on this machine.")
@click.option("--note", default="", metavar="TEXT", help="Why; kept with it.")
@click.option("--undo", is_flag=True, help="Take back what people said: the rules speak again.")
@click.pass_obj
def complaint(config_file: Path, number: int, state: str, by: str, note: str, undo: bool) -> None:
    """Say that complaint NUMBER is new, answered, recovered or lost; no rule overrides it."""
    from monitor.store import complaint_list
    from monitor.work import correcting

    if undo == bool(state):
        raise UsageError("STATE: must be new, answered, recovered or lost; or --undo without one")
    if len(note) > 1000:
        raise UsageError("--note: must be at most 1,000 characters")
    said = None if undo else _state(state)
    with opened(config_file) as (_, db):
        known = _known(complaint_list.current(db, number) if abs(number) <= LARGEST else None, number)
        before, after = correcting.complaint(db, known, said, person(by), note, datetime.now(UTC))
    click.echo(f"complaint {known}: {before} -> {after}")


def _state(word: str) -> Recovery:
    found = WORDS.get(word.strip().lower())
    if found is None:
        raise UsageError(f"STATE: must be new, answered, recovered or lost, not {shown(word)}{nearest(word, WORDS)}")
    return found


def _known(complaint: int | None, number: int) -> int:
    if complaint is None:
        raise UsageError(f"there is no complaint {number if abs(number) <= LARGEST else f'{number:.3e}'}; "
                         "qianli complaints --all lists them")  # fmt: skip
    return complaint


def _row(row: dict[str, Any], zone: ZoneInfo) -> tuple[str, ...]:
    words = one_line(row["evidence"] or "…")
    return (
        str(row["complaint"]), row["brand"], SHOWN.get(Recovery(row["state"]), row["state"]), str(row["severity"]),
        _at(row["first_seen"], zone), _span(row["time_to_answer"]), str(row["posts"]), _known_or_dash(row["reach"]),
        row["themes"] or "-", words if len(words) <= WIDTH else words[: WIDTH - 1] + "…", row["url"] or "-",
    )  # fmt: skip


def _told(row: dict[str, Any], said: list[dict[str, Any]], zone: ZoneInfo) -> str:
    lines = [f"{name:14}{one_line(value)}" for name, value in zip(HEAD, _row(row, zone), strict=True)]
    if row["recovered_at"]:
        took = _span(row["time_to_recovery"])
        lines.append(f"{'recovered':14}{_at(row['recovered_at'], zone)}, after {took}, said by {row['recovered_by']}")
    if row["corrected_by"]:
        lines.append(f"{'corrected by':14}{one_line(row['corrected_by'])}")
    posts = [(_at(p["at"], zone), "brand" if p["own"] else p["platform"], p["text"] or "…") for p in said]
    events = [(_at(e["at"], zone), e["event"], e["state"], e["by"] or "-", e["note"]) for e in row["events"]]
    for title, rows in (("posts", posts), ("events", events)):
        if rows:
            lines += ["", f"{title}:", *("  " + line for line in columns(rows))]
    return "\n".join(lines)


def _at(text: str, zone: ZoneInfo) -> str:
    return local(datetime.fromisoformat(text), zone)


def _known_or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


def _span(seconds: int | None) -> str:
    """As people say it: minutes below two hours, hours below two days."""
    if seconds is None:
        return "-"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} d"


def _dumped(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2)
