"""What all jobs share: the config made real. Built once, never changed while jobs run."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils import Database

import sources
from monitor.answering import reply_address
from monitor.config import Brand, Config
from monitor.errors import ConfigError, InputError, StoreError, UsageError
from monitor.matching import Matcher, Rule
from monitor.model import Feeling
from monitor.privacy import answer_key, author_key, load_key
from monitor.signals import BadPattern, OwnTheme, check_line
from monitor.store import brand_ids, fact, models, open_store, service, set_fact, writing
from monitor.work.trails import Trails
from sources.http import Http

if TYPE_CHECKING:
    from monitor.sentiment import Scorer
    from monitor.sentiment.model_files import ModelFiles
    from monitor.signals import Lexicon
    from reports.mail import SmtpSettings

VERSION = version("qianli")
log = logging.getLogger("qianli")


@dataclass(frozen=True, slots=True)
class Collector:
    """One configured source, ready to fetch."""

    name: str
    every_seconds: int
    source: sources.Source
    blind_after: timedelta = timedelta(hours=2)
    recheck: int = 30
    keep: timedelta | None = None


@dataclass
class App:
    """The service's parts. ``keep_going`` False makes the one boundary raise what it would record, as in a replay.
    ``failed``: how often something was recorded since the last heartbeat.

    ``hanging``: sources that gave no answer in time and are still at it; ``looking``: those that look again at posts.
    ``quiet``: of each brand that gave the watch nothing to do, all that was looked at: the same gives nothing again.
    ``trails``: what the detectors said of the last bins.
    ``reading_mail``: held by who visits the mailbox: two at once would take the same answer in twice.
    ``trained``: the files of the model that the user trained and chose; None: the shipped one scores.
    """

    config: Config
    http: Http
    collectors: tuple[Collector, ...]
    matcher: Matcher
    brands: dict[str, int]
    author_key: Callable[[str, str], str]
    keep_going: bool = True
    version: str = VERSION
    stop: threading.Event = field(default_factory=threading.Event)
    hanging: set[str] = field(default_factory=set)
    looking: set[str] = field(default_factory=set)
    started: datetime | None = None
    trained: tuple[bytes, bytes] | None = None
    themes: tuple[OwnTheme, ...] = ()
    last_beat: datetime | None = None
    failed: int = 0
    done: dict[str, datetime] = field(default_factory=dict)
    quiet: dict[int, object] = field(default_factory=dict)
    trails: Trails = field(default_factory=dict)
    reading_mail: threading.Lock = field(default_factory=threading.Lock)

    @property
    def database(self) -> Path:
        return self.config.path(self.config.database)

    def judging_by(self, config: Config, matcher: Matcher, brands: dict[str, int]) -> App:
        """The same sources and models with another config's rules; what fails in it is raised."""
        other = replace(self, config=config, matcher=matcher, brands=brands, keep_going=False, quiet={}, trails={})
        other.__dict__.update({name: self.__dict__[name] for name in ("scorer", "snownlp") if name in self.__dict__})
        return other

    def open_store(self) -> Database:
        """A connection of its own for each job: SQLite's may not be used from another thread."""
        return open_store(self.database)

    @cached_property
    def scorer(self) -> Scorer:
        from monitor.sentiment import Scorer  # only now: what only imports or sends mail should start at once

        try:
            return Scorer(self.snownlp, trained=self.trained)
        except InputError as error:
            if self.trained is None:
                raise
            log.error("the trained model is not of this version, so the shipped one scores: %s", error)
            return Scorer(self.snownlp)

    @cached_property
    def lexicon(self) -> Lexicon:
        from monitor.signals import Lexicon

        return Lexicon(self.themes)

    @cached_property
    def snownlp(self) -> ModelFiles:
        """The files of SnowNLP's model: the installed package's, or the user's own."""
        from monitor.sentiment.model_files import ModelFiles

        table = self.config.sentiment
        try:
            return ModelFiles.installed(
                segmenter=self.config.path(table.segmenter) if table.segmenter else None,
                classifier=self.config.path(table.classifier) if table.classifier else None,
            )
        except UsageError as error:
            raise ConfigError(f"{self.config.file}: sentiment: {error}") from error

    def follow_model(self, db: Database) -> None:
        """Score with what ``train`` has chosen since; it may run while the service does."""
        chosen = models.chosen(db)
        if chosen != self.trained:
            self.trained = chosen
            self.__dict__.pop("scorer", None)

    @property
    def own_brands(self) -> list[tuple[Brand, int]]:
        return [(b, self.brands[b.name]) for b in self.config.brands if b.role == "own"]

    @property
    def terms(self) -> tuple[str, ...]:
        """What sources that search are asked for: every term of every brand."""
        return tuple(dict.fromkeys(term for brand in self.config.brands for term in brand.terms))

    @cached_property
    def heartbeat_url(self) -> str:
        return secret(self.config, "service.heartbeat_url_env", self.config.service.heartbeat_url_env)

    @cached_property
    def answer_key(self) -> bytes:
        db = self.open_store()
        try:
            return answer_key(load_key(self.config.path(self.config.privacy.key_file)), service.identity(db))
        finally:
            db.close()

    def reply_address(self, incident: int, mail: int) -> str:
        """Where one mail of an incident is to be answered (``mail``: its number there); empty without a mailbox."""
        table = self.config.mailbox
        return reply_address(self.answer_key, parseaddr(table.address)[1], incident, mail) if table else ""

    @cached_property
    def smtp(self) -> SmtpSettings | None:
        from reports.mail import SmtpSettings

        table = self.config.smtp
        if table is None:
            return None
        return SmtpSettings(
            host=table.host, port=table.port, security=table.security, user=table.user,
            password=secret(self.config, "smtp.password_env", table.password_env), sender=table.sender,
            timeout=table.timeout.total_seconds(), allow_plaintext=table.allow_plaintext,
            cafile=str(self.config.path(table.ca_file)) if table.ca_file else "",
        )  # fmt: skip


def secret(config: Config, key: str, name: str) -> str:
    """The value of the environment variable that a ``*_env`` key names; empty if the key is."""
    if not name:
        return ""
    value = os.environ.get(name)
    if value is None:
        raise ConfigError(f"{config.file}: {key}: the environment variable {name} is not set")
    return value


def open_app(config: Config, *, keep_going: bool = True) -> App:
    """Make a config real: its database, key, rules and sources. ConfigError or StoreError, one line, if it cannot."""
    db = open_store(config.path(config.database))
    try:
        ids = brand_ids(db, {b.name: b.role for b in config.brands})
    finally:
        db.close()
    key = author_key(load_key(config.path(config.privacy.key_file)))
    _same_key(config, key)
    http = Http(
        config.network.contact, proxy=config.network.proxy,
        allow_private=config.network.allow_private,
    )  # fmt: skip
    collectors = tuple(
        Collector(
            table.name, int(table.every.total_seconds()),
            sources.build(table.type, table.name, table.settings, http, f"{config.file}: sources.{table.name}"),
            table.blind_after, table.recheck, table.keep,
        )
        for table in config.sources
    )  # fmt: skip
    app = App(
        config, http, collectors, Matcher(rules(config, ids, key)), ids, key, keep_going, themes=own_themes(config)
    )
    _ = app.snownlp  # a file that is missing should be known now, not when the first post is scored
    return app


def _same_key(config: Config, key: Callable[[str, str], str]) -> None:
    """With another key every author would count as a new one, and the own accounts would be strangers."""
    db, mark = open_store(config.path(config.database)), key("qianli", "key")[:16]
    try:
        known = fact(db, "key")
        if known is None:
            with writing(db):
                set_fact(db, "key", mark)
        elif known != mark:
            path = config.path(config.privacy.key_file)
            raise StoreError(f"{path}: not the key that this database was made with; restore that one")
    finally:
        db.close()


def rules(config: Config, ids: dict[str, int], key: Callable[[str, str], str]) -> list[Rule]:
    """What makes a post speak of each brand of the config, or be its own answer."""
    return [_rule(brand, ids[brand.name], key) for brand in config.brands]


def own_themes(config: Config) -> tuple[OwnTheme, ...]:
    """The user's themes of signals; ConfigError naming the line that cannot be read."""
    for place, table in enumerate(config.themes):
        for key, lines in (("words", table.words), ("unless", table.unless)):
            for number, line in enumerate(lines):
                try:
                    check_line(line)
                except BadPattern as error:
                    raise ConfigError(f"{config.file}: themes[{place}].{key}[{number}]: {line!r} {error}") from None
    return tuple(OwnTheme(t.name, t.words, Feeling(t.kind), t.unless) for t in config.themes)


def _rule(brand: Brand, identity: int, key: Callable[[str, str], str]) -> Rule:
    accounts = frozenset(key(*account.split(":", 1)) for account in brand.accounts)
    return Rule(identity, brand.terms, brand.require, brand.exclude, accounts)
