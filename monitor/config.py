"""config.toml, typed. Every mistake is one line that names the file, the key and what would be right.

Secrets are never written here: ``*_env`` keys name environment variables. Settings of a single source are checked by
the source itself (``sources.build``); this module knows only the keys all sources share.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from monitor.errors import ConfigError, first_problem, shown

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(value: object) -> timedelta:
    """``"30s"``, ``"10m"``, ``"2h"`` or ``"7d"`` as a timedelta; ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d{1,6})([smhd])", value) if isinstance(value, str) else None
    if not found or int(found[1]) == 0:
        raise ValueError(f"must be a duration such as 30s, 10m, 2h or 7d, not {value!r}")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def clock(value: object) -> time:
    """``"08:30"`` as a local time of day."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError(f"must be a time of day such as 08:30, not {value!r}")
    return time.fromisoformat(value)


def zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):  # ZoneInfo raises OSError for names that are folders, such as "Asia"
        raise ValueError(f"unknown time zone {value!r}; use a name such as Asia/Taipei") from None


def address(value: object) -> str:
    """A mail address, perhaps with a name before it: a slip here would lose alerts for good."""
    _, found = parseaddr(value) if isinstance(value, str) else ("", "")
    if (
        not isinstance(value, str)
        or not re.fullmatch(r"[!-;=?A-~]+@[A-Za-z0-9.\-\[\]:]+", found)
        or not value.isprintable()
    ):
        raise ValueError(f"not a mail address: {value!r}")
    return value


def variable(name: str) -> str:
    """The name of an environment variable: who writes the secret itself there must not find it in a log."""
    if not re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)?", name):
        raise ValueError("must be the name of an environment variable, not what it holds")
    return name


def web_address(value: str) -> str:
    """Where something is served, as links begin: anything else would end in links that lead nowhere."""
    try:
        parts = urlsplit(value)
        served = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        served = False
    if value and (not served or not re.fullmatch(r"[^\s<>\"\\?#]+", value) or not value.isprintable()):
        raise ValueError(f"must be an address such as https://pr.example/reports, without ? or #, not {shown(value)}")
    return value


def place(value: str) -> str:
    if "\x00" in value:
        raise ValueError(f"no file can have a name with a NUL character: {shown(value)}")
    return value


LONGEST_USER = 32
"""Characters before the @ of ``mailbox.address``: with the token behind them no more than the 64 of RFC 5321."""

Address = Annotated[str, BeforeValidator(address)]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Clock = Annotated[time, BeforeValidator(clock)]
Zone = Annotated[ZoneInfo, BeforeValidator(zone)]
Text = Annotated[str, Field(min_length=1)]
Variable = Annotated[str, AfterValidator(variable)]
WebAddress = Annotated[str, AfterValidator(web_address)]
Place = Annotated[str, AfterValidator(place)]


class Table(BaseModel):
    """A TOML table: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, strict=True)


class Brand(Table):
    """Who is watched, and the words that mean it."""

    name: Text
    terms: tuple[Text, ...] = Field(default=(), strict=False)
    require: tuple[Text, ...] = Field(default=(), strict=False)
    exclude: tuple[Text, ...] = Field(default=(), strict=False)
    role: Literal["own", "competitor"] = "own"
    accounts: tuple[Text, ...] = Field(default=(), strict=False)
    alerts_to: tuple[Address, ...] = Field(default=(), strict=False)
    digest_to: tuple[Address, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _can_match(self) -> Brand:
        blank = next((w for w in (*self.terms, *self.require, *self.exclude) if not any(c.isalnum() for c in w)), None)
        if blank is not None:
            raise ValueError(f"brand {self.name!r}: {blank!r} holds no letter or digit, so it would never be found")
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError(f"name {self.name!r} must be printable text on one line")
        if not self.terms:
            rule = "has only excludes" if self.exclude else "has no terms"
            raise ValueError(f"brand {self.name!r} {rule}; write the words that mean it: terms = [{self.name!r}]")
        for account in self.accounts:
            if not re.fullmatch(r"[^:\s]+:\S+", account):
                raise ValueError(f"account {account!r} must be platform:id, such as weibo:123456")
        return self


class SourceTable(Table):
    """One ``[[sources]]`` table: the shared keys, and ``settings``: all others, checked by the source's own type."""

    name: Text
    type: Text
    every: Duration = timedelta(minutes=10)
    blind_after: Duration = timedelta(hours=2)
    recheck: int = Field(default=30, ge=0, le=1000)
    keep: Duration | None = None
    settings: dict[str, Any] = Field(default_factory=dict)


class SmtpTable(Table):
    """How mail leaves. The password is read from the environment variable that ``password_env`` names."""

    host: Text
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_env: Variable = ""
    sender: Address = Field(alias="from")
    timeout: Duration = timedelta(seconds=30)
    allow_plaintext: bool = False
    ca_file: Place = ""


class MailboxTable(Table):
    """IMAP, to acknowledge by answering. ``address``: where answers go, a name with ``+token`` before its @ is made of
    it. ``people``: who may act besides those whom alerts are sent to."""

    host: Text
    port: int = Field(default=993, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    user: Text
    password_env: Annotated[Variable, Field(min_length=1)]
    folder: Text = "INBOX"
    address: Address
    people: tuple[Address, ...] = Field(default=(), strict=False)
    every: Duration = timedelta(minutes=1)
    timeout: Duration = timedelta(seconds=30)
    allow_plaintext: bool = False
    ca_file: Place = ""

    @model_validator(mode="after")
    def _leaves_room(self) -> MailboxTable:
        user = parseaddr(self.address)[1].rpartition("@")[0]
        if len(user) > LONGEST_USER:
            raise ValueError(
                f"address: {user!r} has {len(user)} characters; {LONGEST_USER} leave room for what alerts put behind it"
            )
        return self


class AlertsTable(Table):
    to: tuple[Address, ...] = Field(default=(), strict=False)
    escalate_to: tuple[Address, ...] = Field(default=(), strict=False)
    escalate_after: Duration = timedelta(minutes=30)
    reopen_within: Duration = timedelta(hours=24)
    minimum: Literal["warning", "critical"] = "warning"
    ops_to: tuple[Address, ...] = Field(default=(), strict=False)


class DigestTable(Table):
    at: Clock = time(8, 30)
    to: tuple[Address, ...] = Field(default=(), strict=False)
    dir: Annotated[Place, Field(min_length=1)] = "digests"
    weekly: Literal["", "mon", "tue", "wed", "thu", "fri", "sat", "sun"] = ""


class NetworkTable(Table):
    contact: str = ""
    proxy: str = ""
    allow_private: bool = False


class PrivacyTable(Table):
    keep_authors: bool = False
    keep_names: bool = False
    key_file: Annotated[Place, Field(min_length=1)] = "qianli.key"
    keep_posts: Duration = timedelta(days=400)
    keep_unmatched: Duration = timedelta(days=30)


class ThemeTable(Table):
    """One ``[[themes]]`` table: lines to add to a theme of this name, or a theme of the user's own."""

    name: Text
    words: tuple[Text, ...] = Field(min_length=1, strict=False)
    kind: Literal["complaint", "disappointment", "leaving", "telling", "exit", "wish", "praise", "moved"] = "complaint"
    unless: tuple[Text, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _can_be_shown(self) -> ThemeTable:
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError(f"name {self.name!r} must be printable text on one line")
        return self


class SentimentTable(Table):
    """The user's own SnowNLP model, as its ``save`` leaves it (it adds ".3"); empty: that of the installed package."""

    segmenter: Place = ""
    classifier: Place = ""


class ServiceTable(Table):
    heartbeat_url_env: Variable = ""
    base_url: WebAddress = ""
    explore_url: WebAddress = ""
    live_within: Duration = timedelta(hours=2)
    deadline: Duration = timedelta(minutes=2)


class Config(Table):
    """The whole file. Paths in it are relative to the folder the file lies in."""

    language: Literal["zh-Hant", "zh-Hans", "en"] = "zh-Hant"
    timezone: Zone = ZoneInfo("Asia/Taipei")
    database: Annotated[Place, Field(min_length=1)] = "qianli.db"
    brands: tuple[Brand, ...] = Field(default=(), strict=False)
    sources: tuple[SourceTable, ...] = Field(default=(), strict=False)
    smtp: SmtpTable | None = None
    mailbox: MailboxTable | None = None
    alerts: AlertsTable = AlertsTable()
    digest: DigestTable = DigestTable()
    network: NetworkTable = NetworkTable()
    privacy: PrivacyTable = PrivacyTable()
    service: ServiceTable = ServiceTable()
    sentiment: SentimentTable = SentimentTable()
    themes: tuple[ThemeTable, ...] = Field(default=(), strict=False)
    folder: Path = Field(default=Path(), exclude=True)
    file: str = Field(default="config.toml", exclude=True)

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if not self.brands:
            raise ValueError("no brand to watch; add a [[brands]] table with name and terms")
        _each_once("brands", "brand", [b.name for b in self.brands])
        _each_once("sources", "source", [s.name for s in self.sources])
        if self.sources and not self.network.contact:
            raise ValueError("network.contact is missing; sites want to know whom to write to: an address or a page")
        recipients = [self.alerts.to, self.alerts.escalate_to, self.alerts.ops_to, self.digest.to]
        recipients += [to for b in self.brands for to in (b.alerts_to, b.digest_to)]
        if not self.smtp and any(recipients):
            raise ValueError("mail is to be sent but there is no [smtp] table")
        return self

    def path(self, name: str) -> Path:
        """A path of this file, seen from the folder the file lies in."""
        return self.folder / Path(name).expanduser()

    def alerts_to(self, brand: Brand) -> tuple[str, ...]:
        return brand.alerts_to or self.alerts.to

    def digest_to(self, brand: Brand) -> tuple[str, ...]:
        return brand.digest_to or self.digest.to

    def brand(self, name: str) -> Brand | None:
        return next((b for b in self.brands if b.name == name), None)


def _each_once(table: str, what: str, names: list[str]) -> None:
    doubled = next((n for n in names if names.count(n) > 1), None)
    if doubled is not None:
        raise ValueError(f"{table}: two of them are named {doubled!r}; each {what} needs a name of its own")


def load(path: Path) -> Config:
    """Read and check a config file; ConfigError, one line, on the first thing that is wrong."""
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file; --config names another, README shows one to start from"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    return parse(document, str(path), path.parent)


def parse(document: Mapping[str, Any], where: str, folder: Path) -> Config:
    """The typed form of a TOML document; ``where`` is the file's name for messages."""
    own = {"folder", "file"} & document.keys()
    if own:
        raise ConfigError(f"{where}: {min(own)}: unknown key")
    shaped = {**document, "sources": _with_settings(document.get("sources", ()))}
    try:
        return Config.model_validate({**shaped, "folder": folder, "file": where})
    except ValidationError as error:
        raise ConfigError(first_problem(error.errors(), where, _known)) from None


def _with_settings(tables: Any) -> Any:
    """Split each source's table into the shared keys and its own; anything else than tables is left to be refused."""
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        return tables
    shared = set(SourceTable.model_fields) - {"settings"}
    return [
        {**{k: v for k, v in t.items() if k in shared}, "settings": {k: v for k, v in t.items() if k not in shared}}
        for t in tables
    ]


def keys(model: type[BaseModel] = Config) -> Iterable[str]:
    """The keys of a table as written in the file."""
    return [f.alias or name for name, f in model.model_fields.items() if not f.exclude]


def table_at(path: tuple[int | str, ...], model: type[BaseModel] = Config) -> type[BaseModel] | None:
    """The model of the table at a key path such as ``("brands", 0)``; None if there is no table."""
    for part in path:
        if isinstance(part, int):
            continue
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        inner = _tables_in(field.annotation) if field else []
        if not inner:
            return None
        model = inner[0]
    return model


def _tables_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _tables_in(argument)]


def _known(path: tuple[int | str, ...]) -> Iterable[str]:
    model = table_at(path)
    return keys(model) if model else ()
