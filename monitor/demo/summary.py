"""What a demo found, held against what was planted. Read through the public views, as any analyst would."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlite_utils import Database

from monitor.demo.mailbox import Mail, mails
from monitor.demo.world import INCIDENT, INCIDENT_START, ZONE, Item
from monitor.demo.writer import NEGATIVE
from monitor.digest import LEARNING_DAYS
from monitor.model import from_utc_text, utc_text


@dataclass(frozen=True)
class Outcome:
    """``began`` and ``ended`` are the first and last cycle. ``posts`` are (platform, native id) of all that was
    stored; ``gaps`` are the rows of ``v_coverage`` since ``began`` that were not heard in time, ``incidents`` those of
    ``v_incidents``.
    """

    folder: Path
    database: Path
    mailbox: Path
    log: Path
    began: datetime
    ended: datetime
    cycles: int
    posts: frozenset[tuple[str, str]]
    rejected: int
    unmatched: int
    answers: int
    incidents: tuple[Mapping[str, Any], ...]
    gaps: tuple[Mapping[str, Any], ...]
    failures: tuple[Mapping[str, Any], ...]
    digests: tuple[Path, ...]
    mails: tuple[Mail, ...]

    @classmethod
    def read(
        cls, folder: Path, db: Database, moments: Sequence[datetime], mailbox: str, database: str, log: str
    ) -> Self:
        unmatched = list(db["v_posts_unmatched"].rows)
        return cls(
            folder, folder / database, folder / mailbox, folder / log, moments[0], moments[-1], len(moments),
            frozenset((row["platform"], row["native_id"]) for row in db["posts"].rows),
            sum(row["rejected"] for row in db["source_runs"].rows),
            sum(row["answer_of"] is None for row in unmatched), sum(row["answer_of"] is not None for row in unmatched),
            tuple(db["v_incidents"].rows),
            tuple(
                row for row in db["v_coverage"].rows if row["state"] != "heard" and row["to"] > utc_text(moments[0])
            ),
            tuple(db["failures"].rows),
            tuple(sorted(Path(row["file"]) for row in db["digests"].rows)), tuple(mails(folder / mailbox)),
        )  # fmt: skip

    def mails_to(self, name: str) -> list[Mail]:
        """The mails to ``oncall``, ``pr`` or ``ops``, in the order of delivery."""
        return [mail for mail in self.mails if mail.to.startswith(f"{name}@")]

    def first_alert(self) -> Mail | None:
        """The first alert after the planted incident began."""
        return next((mail for mail in self.mails_to("oncall") if mail.sent_at >= INCIDENT_START), None)

    def early_alerts(self) -> list[Mail]:
        """Alerts before anything was planted: false alarms."""
        return [mail for mail in self.mails_to("oncall") if mail.sent_at < INCIDENT_START]


def tell(outcome: Outcome, items: Sequence[Item], say: Callable[[str], None]) -> None:
    """A dozen lines: what was planted, what was heard of it and when, and where to look."""
    _tell_incident(outcome, items, say)
    _tell_numbers(outcome, items, say)
    _tell_places(outcome, say)


def _tell_incident(outcome: Outcome, items: Sequence[Item], say: Callable[[str], None]) -> None:
    planted = [i for i in items if i.cause == INCIDENT and i.tone == NEGATIVE]
    if outcome.began <= INCIDENT_START <= outcome.ended:
        say(f"planted: {planted[0].title} on {planted[0].platform}, {_clock(planted[0].at)}; "
            f"{len(planted)} negative posts followed")  # fmt: skip
        alert = outcome.first_alert()
        if alert is None:
            learning = INCIDENT_START - outcome.began < timedelta(days=LEARNING_DAYS)
            say("found:   nothing" + (": still learning" if learning else ", which is a fault: please report it"))
        else:
            waited = int((alert.sent_at - planted[0].at).total_seconds() // 60)
            written = sum(i.at <= alert.sent_at for i in planted)
            say(f"found:   first alert mailed {_clock(alert.sent_at)}, {waited} min after the first post, "
                f"when {written} of the {len(planted)} had been written")  # fmt: skip
            say(f"         {alert.subject}")
    for mail in outcome.early_alerts():
        say(f"false alarm: {_clock(mail.sent_at)} {mail.subject}")
    for row in outcome.incidents:
        ended = f", resolved {_clock(row['resolved_at'])}" if row["resolved_at"] else ", still open"
        say(f"incident {row['incident']}: {row['brand']}, {row['severity']}, {row['origin']}, "
            f"onset {_clock(row['onset'])}, opened {_clock(row['opened_at'])}{ended}")  # fmt: skip


def _tell_numbers(outcome: Outcome, items: Sequence[Item], say: Callable[[str], None]) -> None:
    seen = [i for i in items if outcome.began < i.at <= outcome.ended]
    lost = sum((i.platform, i.id) not in outcome.posts for i in seen)
    say(f"posts:   {len(outcome.posts)} collected, {outcome.rejected} rejected, {outcome.unmatched} about no brand "
        f"(澄嵐山 and other noise), {outcome.answers} by the brand's own account")  # fmt: skip
    say(f"mails:   {len(outcome.mails_to('oncall'))} alerts to oncall@, {len(outcome.mails_to('pr'))} digests to pr@, "
        f"{len(outcome.mails_to('ops'))} to ops@")  # fmt: skip
    for gap in outcome.gaps:
        reason = f" ({gap['reason']})" if gap["reason"] else ""
        say(f"gap:     {gap['source']} {gap['state']} {_clock(gap['from'])} to {_clock(gap['to'])}{reason}")
    if lost:
        say(f"         {lost} posts had left the feed before it could be read again")
    for failure in outcome.failures:
        say(f"failure: {failure['stage']} of {failure['item']}: {failure['error']}, trace {failure['trace_id']}")


def _tell_places(outcome: Outcome, say: Callable[[str], None]) -> None:
    folder, page = outcome.folder, _page_to_open(outcome)
    day = INCIDENT_START.astimezone(ZONE).date()
    query = "SELECT * FROM v_daily WHERE brand = '澄嵐' ORDER BY local_day DESC LIMIT 9"
    say(f"database {outcome.database}, mailbox {outcome.mailbox}, digests {folder / 'digests'}, log {outcome.log}")
    say("look further:")
    if page is not None:
        say(f"  {page}  (open it in a browser)")
    say(f"  {_program('python')} -m monitor.demo.mailbox {outcome.mailbox}  (all mails; add a number to read one)")
    say(f"  {_program('qianli')} --config {folder / 'config.toml'} digest --day {day}")
    say(f'  {_program("sqlite-utils")} --table {outcome.database} "{query}"')


def _program(name: str) -> str:
    """How to call a program of this installation from here: by its name, or where PATH leads elsewhere, by its path."""
    beside, found = Path(sys.executable).with_name(name), shutil.which(name)
    return name if found and Path(found) == beside else os.path.relpath(beside)


def _page_to_open(outcome: Outcome) -> Path | None:
    """The digest of the incident's day, else the last one."""
    day = INCIDENT_START.astimezone(ZONE).date().isoformat()
    return next(
        (page for page in outcome.digests if page.stem == day), outcome.digests[-1] if outcome.digests else None
    )


def _clock(moment: datetime | str) -> str:
    at = from_utc_text(moment) if isinstance(moment, str) else moment
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"
