"""Check: what a person should look at before trusting the monitor: rules, secrets, who is told, sources, mail."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlite_utils import Database

from monitor import doctor
from monitor.doctor import Finding, Sample, Terms
from monitor.errors import ConfigError, MailError, QianliError, SourceError, one_line
from monitor.model import Page, Query, utc_text
from monitor.store import posts
from monitor.work.app import App, Collector
from sources.placeholders import secret_names

SAMPLE = 20_000
"""Posts that the rules are held against: the newest ones."""

Attempt = Callable[[Callable[[], Page | None]], tuple[Page | None, Exception | None]]
"""The one boundary of ``jobs``."""


def config(app: App, db: Database) -> list[Finding]:
    """What the config and the stored posts tell, without asking anybody."""
    return [*_rules(app, db), *_secrets(app), *_told(app), *_agents(app)]


def _rules(app: App, db: Database) -> list[Finding]:
    brands = [Terms(b.name, b.terms, b.require, b.exclude) for b in app.config.brands]
    return doctor.examine(brands, (Sample(*row) for row in posts.newest_texts(db, SAMPLE)))


def _secrets(app: App) -> Iterator[Finding]:
    """Every key that names an environment variable: of the config itself, and of each source."""
    named = [("service", "heartbeat_url_env", app.config.service.heartbeat_url_env)]
    if app.config.smtp is not None:
        named.append(("smtp", "password_env", app.config.smtp.password_env))
        if app.config.smtp.user and not app.config.smtp.password_env:
            yield Finding("smtp", "a user is given and no password", 'password_env = "QIANLI_SMTP_PASSWORD"')
    if app.config.mailbox is not None:
        named.append(("mailbox", "password_env", app.config.mailbox.password_env))
    for table in app.config.sources:
        where = f'sources "{table.name}"'
        named += [(where, key, str(value)) for key, value in table.settings.items() if key.endswith("_env")]
        named += [(where, key, name) for key, value in table.settings.items() for name in secret_names(value)]
    beat = os.environ.get(app.config.service.heartbeat_url_env, "https://")
    if not beat.startswith(("http://", "https://")):
        yield Finding(
            "service", "heartbeat_url_env: the variable holds no http or https address", "export ...=https://..."
        )
    for where, key, name in named:
        if name and not os.environ.get(name):
            yield Finding(where, f"{key}: the environment variable {name} is not set", f"export {name}=...")


def _told(app: App) -> Iterator[Finding]:
    """Whether anybody hears of what is found."""
    if app.config.smtp is None:
        yield Finding("smtp", "missing: nobody is told of anything", "[smtp]")
        return
    for brand, _ in app.own_brands:
        if not app.config.alerts_to(brand):
            yield Finding("alerts", f"nobody is woken for {brand.name}", 'to = ["oncall@example.com"]')
        if not app.config.digest_to(brand):
            yield Finding("digest", f"nobody gets the digest of {brand.name}", 'to = ["pr@example.com"]')
    if not app.config.alerts.ops_to:
        yield Finding("alerts", "nobody is told when a source stays blind or a stage fails", 'ops_to = ["ops@..."]')
    if not app.config.sources:
        yield Finding("sources", "none: only imports are heard", "[[sources]]")


def _agents(app: App) -> Iterator[Finding]:
    for collector in app.collectors:
        given = getattr(collector.source, "user_agent", "")
        if given:
            says = f"asks as {one_line(given)!r} and not as {app.http.user_agent!r}"
            yield Finding(f'sources "{collector.name}"', says)


def online(app: App, attempt: Attempt, now: datetime) -> Iterator[tuple[str, str, bool]]:
    """Ask each source once: its name, what it said, whether that was well. Nothing is stored, no cursor moves."""
    for collector in app.collectors:
        page, error = attempt(lambda c=collector: _first_page(app, c, now))  # type: ignore[misc]
        if error is not None:
            said = str(error) if isinstance(error, SourceError) else f"failed: {type(error).__name__}"
            yield collector.name, one_line(said), False
        else:
            yield collector.name, _seen(page), True


def mailbox(app: App, attempt: Callable[[Callable[[], str]], tuple[str | None, Exception | None]]) -> tuple[str, bool]:
    """Log in where answers are read and open the folder: what came of it, and whether that was well."""
    from monitor.work.mailbox import look

    said, error = attempt(lambda: look(app))
    if error is not None:
        return one_line(str(error) if isinstance(error, QianliError) else f"failed: {type(error).__name__}"), False
    return one_line(said or ""), True


def line_of(app: App, name: str) -> str:
    """The line of a source's table that says whom it asks, without a query, which may hold a key; else its type."""
    table = next(table for table in app.config.sources if table.name == name)
    url = str(table.settings.get("url", ""))
    address, query, _ = url.partition("?")
    address += "?…" if query else ""
    return f'url = "{address}"' if url else f'type = "{table.type}"'


def _first_page(app: App, collector: Collector, now: datetime) -> Page | None:
    return next(iter(collector.source.fetch(Query(app.terms, now), {})), None)


def _seen(page: Page | None) -> str:
    if page is None or not page.posts:
        return "answered, no posts"
    times = [post.published_at for post in page.posts if post.published_at]
    newest = f", the newest of {utc_text(max(times))}" if times else ", none with a time"
    lost = f", {page.rejected} could not be read" if page.rejected else ""
    return f"{len(page.posts)} post{'s' * (len(page.posts) > 1)}{newest}{lost}"


def test_mail(app: App, now: datetime) -> Iterator[tuple[str, str, bool]]:
    """Send a mail to everybody who would be told of something: the address, the server's reply, whether it took it."""
    settings = app.smtp
    if settings is None:
        raise ConfigError(f"{app.config.file}: smtp: missing, so nothing can be sent")
    from monitor.work.sending import connection
    from reports.mail import compose
    from reports.render import check_mail

    with connection(settings) as server:
        for recipient in _everybody(app):
            identity = hashlib.sha256(f"{recipient} {now.isoformat()}".encode()).hexdigest()[:16]
            domain = settings.sender.rpartition("@")[2].strip(" >") or "localhost"
            try:
                letter = compose(
                    sender=settings.sender, recipient=recipient, rendered=check_mail(app.config.language, app.version),
                    message_id=f"<qianli.check.{identity}@{domain}>", date=now,
                )  # fmt: skip
                yield recipient, one_line(server.send(letter, recipient)), True
            except MailError as error:
                yield recipient, one_line(str(error)), False


def _everybody(app: App) -> list[str]:
    brands = [b for b, _ in app.own_brands]
    lists = [
        app.config.alerts.ops_to,
        app.config.alerts.escalate_to,
        *map(app.config.alerts_to, brands),
        *map(app.config.digest_to, brands),
    ]
    return list(dict.fromkeys(address for addresses in lists for address in addresses))
