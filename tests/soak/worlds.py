"""What is run through: a week of the demo, half a week of it for the test suite, or a file that is imported."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from monitor.demo.mailbox import USER
from monitor.demo.run import PASSWORD_ENV, steps
from monitor.demo.server import Outage
from monitor.demo.world import INCIDENT_START, MICROBLOG, ZONE, local, world
from monitor.model import Post, utc_text
from sources.importer import Options, read
from tests.soak.arena import World

SMTP = f"""\
[smtp]
host = "127.0.0.1"
port = {{port}}
security = "none"
user = "{USER}"
password_env = "{PASSWORD_ENV}"
from = "qianli@example.test"
"""
"""The config's table for a mail server on loopback, whose ``port`` is still to be filled in."""

OWN_BRAND = "澄嵐"
WEEK = (date(2026, 11, 10), 7)
HALF_WEEK = (date(2026, 11, 11), 4)
"""(first day, days); both end on a morning after the incident, whose digest is the last thing owed."""


def week() -> World:
    """Two-hourly steps, quarter-hourly ones where the incident begins, so that it is found, raised and resolved.

    On the first day the microblog is away for so long that its feed has moved on when it is back: an honest gap.
    """
    first, days = WEEK
    close = (INCIDENT_START - timedelta(minutes=30), INCIDENT_START + timedelta(hours=4))
    moments = tuple(m for m in steps(first, days) if _on_the_hour(m, 2) or close[0] <= m < close[1])
    return World(moments, world(), (Outage(MICROBLOG, local(first, 10), local(first, 33)),))


def half_week() -> World:
    """Six-hourly steps and one for each digest, half-hourly ones where the incident begins."""
    first, days = HALF_WEEK
    close = (INCIDENT_START + timedelta(minutes=30), INCIDENT_START + timedelta(hours=3))
    moments = tuple(
        m for m in steps(first, days)
        if _is_morning(m) or (m < close[1] and (_on_the_hour(m, 6) or (close[0] <= m and m.minute in (0, 30))))
    )  # fmt: skip
    return World(moments, world())


def after_the_outage(of: World) -> int:
    """The first step at which the platform that was away answers again."""
    return next(n for n, moment in enumerate(of.moments) if moment >= of.outages[0].end)


def imported(file: Path, brand: str, *, every_row: bool) -> World:
    """A step that imports the file and one that works through it. Alerts have an address, so that owing would show.

    ``every_row``: each row speaks of the brand, as ``import --brand`` says; else its own words decide.
    """
    now = day_after_last(file)
    config = _CONFIG.replace("<brand>", brand)
    return World((now, now), file=str(file), brand=brand if every_row else "", config=config)


def export(path: Path) -> str:
    """The demo's month as somebody might have exported it, to be imported; its brand."""
    with path.open("w", encoding="utf-8") as lines:
        for item in world():
            row = {
                "id": item.id, "source": item.platform, "author": item.author, "published_at": utc_text(item.at),
                "text": "\n".join(filter(None, (item.title, item.text))),
            }  # fmt: skip
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return OWN_BRAND


def day_after_last(file: Path) -> datetime:
    """Noon, in UTC, of the day after the last post of a file."""
    rows = read(file, Options(zone=ZONE))
    last = max(row.published_at for row in rows if isinstance(row, Post) and row.published_at)
    return datetime.combine(last.date() + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=12)


def _on_the_hour(moment: datetime, every: int) -> bool:
    here = moment.astimezone(ZONE)
    return here.minute == 30 and here.hour % every == 0


def _is_morning(moment: datetime) -> bool:
    here = moment.astimezone(ZONE)
    return (here.hour, here.minute) == (8, 30)


_CONFIG = f"""\
timezone = "Asia/Shanghai"
language = "zh-Hans"

[[brands]]
name = "<brand>"
terms = ["<brand>"]

{SMTP}
[alerts]
to = ["oncall@example.test"]
"""
