"""What people do about incidents: incidents, ack, resolve, silence, not-us."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from monitor.cli.corrections import person
from monitor.cli.root import cli, opened
from monitor.cli.tables import columns, local
from monitor.errors import UsageError, one_line
from monitor.model import EventLine, IncidentLine, Kind, State, utc_text

if TYPE_CHECKING:
    from monitor.store.incident_list import Shown

LARGEST = 2**63 - 1
"""The largest number that SQLite takes."""


def _incident(_context: click.Context, _parameter: click.Parameter, number: int | None) -> int | None:
    if number is not None and abs(number) > LARGEST:
        raise UsageError(f"there is no incident {number:.3e}; qianli incidents --all lists them")
    return number


BY = click.option("--by", default="", metavar="NAME", help="Who does so; default: your name on this machine.")


@cli.command()
@click.argument("number", type=int, required=False, callback=_incident)
@click.option("--all", "ended", is_flag=True, help="Resolved ones, too.")
@click.option("--brand", default="", help="Only those of this brand.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def incidents(config_file: Path, number: int | None, ended: bool, brand: str, as_json: bool) -> None:
    """The incidents that stand; with a NUMBER the story of one: its events, mails and answers."""
    from monitor.incidents import folded
    from monitor.store import alerts, incident_list
    from monitor.work.naming import known_brand

    with opened(config_file) as (app, db):
        zone, asked = app.config.timezone, known_brand(app, brand).name if brand else ""
        if number is not None:
            shown = incident_list.find(db, number)
            if shown is None:
                raise UsageError(f"there is no incident {number}; qianli incidents --all lists them")
            if asked not in ("", shown.line.brand):
                raise UsageError(f"--brand: incident {number} is of {shown.line.brand}, not of {asked}")
            story = {
                "events": incident_list.events(db, number), "mails": incident_list.mails(db, number),
                "replies": incident_list.replies(db, number),
            }  # fmt: skip
            if as_json:
                click.echo(_dumped({**_plain(shown), **story}))
            else:
                click.echo(_told(shown, folded(alerts.events(db, number)), story, zone))
            return
        brand_id = app.brands[asked] if asked else None
        found = incident_list.list_them(db, brand_id, ended=ended)
    if as_json:
        click.echo(_dumped([_plain(shown) for shown in found]))
    elif found:
        rows = [_row(shown, zone) for shown in found]
        click.echo("\n".join(columns([HEAD, *rows])))
    else:
        click.echo("no incident" if ended else "no incident stands")


@cli.command()
@click.argument("number", type=int, callback=_incident)
@BY
@click.pass_obj
def ack(config_file: Path, number: int, by: str) -> None:
    """Take incident NUMBER: nobody else is called for it."""
    from monitor.work import acting

    with opened(config_file) as (app, db):
        click.echo(acting.acknowledge(app, db, number, person(by), datetime.now(UTC)).says)


@cli.command()
@click.argument("number", type=int, callback=_incident)
@BY
@click.pass_obj
def resolve(config_file: Path, number: int, by: str) -> None:
    """End incident NUMBER; it begins again only if it gets more severe, or after it was calm."""
    from monitor.work import acting

    with opened(config_file) as (app, db):
        click.echo(acting.resolve(app, db, number, person(by), datetime.now(UTC)).says)


@cli.command()
@click.argument("what", metavar="NUMBER-OR-BRAND")
@click.option("--for", "length", default="", metavar="TIME", help="How long: 30m, 4h, 2d.")
@click.option("--lift", is_flag=True, help="End the silence now.")
@BY
@click.pass_obj
def silence(config_file: Path, what: str, length: str, lift: bool, by: str) -> None:
    """Have an incident, or all of a brand, mail nothing for a while; a new story that is critical mails still."""
    from monitor.work import acting

    if lift == bool(length):
        raise UsageError("--for: say how long, such as --for 4h; or --lift to end a silence")
    span = None if lift else _span(length)
    with opened(config_file) as (app, db):
        now = datetime.now(UTC)
        if span is None:
            click.echo(acting.lift(app, db, what, person(by), now).says)
        else:
            click.echo(acting.silence(app, db, what, span, person(by), now).says)


@cli.command("not-us")
@click.argument("post")
@click.option("--brand", default="", help="Which brand it is not about; needed where the post mentions several.")
@click.option("--undo", is_flag=True, help="Take it back: the post and its copies are matched again.")
@BY
@click.pass_obj
def not_us(config_file: Path, post: str, brand: str, undo: bool, by: str) -> None:
    """Say that a POST (its id, its address or platform:id) is not about the brand: it and its copies count no more."""
    from monitor.work import denying

    with opened(config_file) as (app, db):
        if undo:
            click.echo(denying.take_back(app, db, post, brand).says)
            return
        done = denying.deny(app, db, post, brand, person(by), datetime.now(UTC))
    click.echo(done.says)
    for incident in done.incidents:
        click.echo(f"incident {incident} is judged anew in the next cycle")
    if done.exclude is not None:
        click.echo(f"{config_file}: [[brands]] {done.brand}: to keep such posts out, of which {done.exclude.removes} "
                   f"of {done.exclude.of} stored mentions would be:")  # fmt: skip
        click.echo(f"    {one_line(done.line)}")
    elif done.changed:
        click.echo("no phrase round the name would keep it out without taking posts that seem to be yours")


def _span(length: str) -> timedelta:
    from monitor.config import duration

    try:
        return duration(length)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None


# -- how it is shown -----------------------------------------------------------------------------------------------

HEAD = ("id", "brand", "state", "severity", "since", "size", "owner", "next", "headline")


def _row(shown: Shown, zone: ZoneInfo) -> tuple[str, ...]:
    line = shown.line
    return (
        str(line.incident_id), line.brand, str(line.state), str(line.severity), local(line.onset, zone),
        _size(line), line.owner or "-", _next(shown, zone), line.headline,
    )  # fmt: skip


def _size(line: IncidentLine) -> str:
    if line.kind is Kind.SPIKE:
        return f"{line.observed}/{line.expected:.1f} voices" if line.expected else f"{line.observed} voices"
    return f"{line.observed} {'copies' if line.kind is Kind.BURST else 'reactions'}"


def _next(shown: Shown, zone: ZoneInfo) -> str:
    """What happens to it if nobody does anything."""
    if shown.line.state is State.RESOLVED and shown.line.resolved_at is not None:
        return f"ended {local(shown.line.resolved_at, zone)}"
    if shown.silenced_until is not None:
        return f"silent to {local(shown.silenced_until, zone)}"
    if shown.escalate_at is not None:
        return f"escalates {local(shown.escalate_at, zone)}"
    return "ends when calm" if shown.line.origin == "live" else "of history"


def _told(shown: Shown, happened: Sequence[EventLine], story: dict[str, list[dict[str, Any]]], zone: ZoneInfo) -> str:
    lines = [f"{name:9}{one_line(value)}" for name, value in zip(HEAD, _row(shown, zone), strict=True)]
    events = [(local(e.at, zone), e.event, e.by or "-", _reason(e, zone)) for e in happened]
    mails = [(_at(m["owed_at"], zone), m["state"], m["recipient"], m["reply"]) for m in story["mails"]]
    replies = [(_at(r["at"], zone), r["outcome"], r["by"] or "-", r["action"]) for r in story["replies"]]
    for title, rows in (("events", events), ("mails", mails), ("replies", replies)):
        if rows:
            lines += ["", f"{title}:", *("  " + line for line in columns(rows))]
    return "\n".join(lines)


def _reason(event: EventLine, zone: ZoneInfo) -> str:
    """Of several alike that are told as one: until when, and how large at most."""
    if event.until is None:
        return event.reason
    largest = "" if event.size is None else f", at most {event.size}"
    return f"{event.reason}, again until {local(event.until, zone)}{largest}"


def _at(text: str, zone: ZoneInfo) -> str:
    return local(datetime.fromisoformat(text), zone)


def _plain(shown: Shown) -> dict[str, Any]:
    """JSON-able, with times as stored."""
    found = {**dataclasses.asdict(shown.line), **dataclasses.asdict(shown)}
    found.pop("line")
    return {k: utc_text(v) if isinstance(v, datetime) else v for k, v in found.items()}


def _dumped(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2)
