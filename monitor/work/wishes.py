"""Wishes: what an answer's command means for the incident it answers. The one place that ties the two together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.answering import Command, Verb
from monitor.errors import UsageError
from monitor.store import incidents as stored
from monitor.store import replies
from monitor.work import acting, denying
from monitor.work.acting import Outcome
from monitor.work.app import App


@dataclass(frozen=True, slots=True)
class Granted:
    """``until``: of a silence. ``posts``: how many are not us. ``changed``: False if it was so before; ``reason``: why
    something was not done."""

    changed: bool = False
    until: datetime | None = None
    posts: int = 0
    reason: str = ""


def grant(app: App, db: Database, wish: Command, incident: int, mail: int, by: str, now: datetime) -> Granted:
    """Do it, in the caller's ``together``. UsageError, one line: it cannot be done, and nothing of it was."""
    if wish.verb is Verb.SILENCE:
        done = acting.silence(app, db, str(incident), wish.lasting, by, now)
        return Granted(done.changed, until=now + wish.lasting, reason=_why_not(done))
    if wish.verb is Verb.NOT_US:
        return _deny(app, db, wish.posts, incident, mail, by, now)
    act = acting.acknowledge if wish.verb is Verb.ACKNOWLEDGE else acting.resolve
    done = act(app, db, incident, by, now)
    return Granted(done.changed, reason=_why_not(done))


def _deny(
    app: App, db: Database, posts: tuple[int, ...], incident: int, mail: int, by: str, now: datetime
) -> Granted:  # fmt: skip
    """The posts named, or those that the answered mail quotes; their copies with them."""
    alert = replies.answered(db, incident, mail)
    named = posts or (alert.posts if alert else ())
    if not named or not stored.exists(db, incident):
        raise UsageError("that mail quotes no post; write their numbers after the words")
    brand = stored.line(db, incident).brand
    done = [denying.deny(app, db, str(post), brand, by, now) for post in named]
    refused = "; ".join(d.says for d in done) if not any(d.changed for d in done) else ""
    return Granted(any(d.changed for d in done), posts=sum(d.changed for d in done), reason=refused)


def _why_not(done: Outcome) -> str:
    return "" if done.changed else done.says
