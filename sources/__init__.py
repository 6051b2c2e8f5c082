"""What a source is, which kinds there are, and how a ``[[sources]]`` table becomes one.

A source is a frozen dataclass. Its fields are the keys of its table, except ``name`` and ``http``, which every source
has too, and except ``type``, ``every``, ``blind_after``, ``recheck`` and ``keep``, which only say which source is
asked, when, when to worry, how often to look again, and for how long to keep. A third party adds a kind by an entry
point of the group ``qianli.sources`` that names its class.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, NotRequired, Protocol, Required, get_type_hints, runtime_checkable

from monitor.errors import ConfigError, Location, first_problem, nearest, one_line, shown
from monitor.model import Cursor, Gone, Page, Post, Query

if TYPE_CHECKING:
    from sources.http import Http

GROUP = "qianli.sources"
COMMON = ("name", "type", "every", "blind_after", "recheck", "keep")
_BUILT_IN = {
    "feed": "sources.feed:Feed",
    "google-news": "sources.presets:GoogleNews",
    "bing-news": "sources.presets:BingNews",
    "ptt-atom": "sources.presets:PttAtom",
    "rsshub": "sources.presets:RssHub",
    "youtube-channel": "sources.presets:YouTubeChannel",
    "v2ex": "sources.presets:V2ex",
    "app-store": "sources.presets:AppStore",
    "hackernews": "sources.presets:HackerNews",
    "json_api": "sources.jsonapi:JsonApi",
    "bilibili": "sources.bilibili:Bilibili",
    "bluesky": "sources.bluesky:Bluesky",
    "gdelt": "sources.gdelt:Gdelt",
    "heimao": "sources.heimao:Heimao",
    "mastodon": "sources.mastodon:Mastodon",
    "plurk": "sources.plurk:Plurk",
    "ptt": "sources.ptt:Ptt",
    "telegram": "sources.telegram:Telegram",
    "weibo": "sources.weibo:Weibo",
    "youtube": "sources.youtube:YouTube",
}


class Source(Protocol):
    """One configured collector. ``name`` is its table's, unique in a config."""

    @property
    def name(self) -> str: ...

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        """Ask for what is new. Each page carries the cursor to keep once that page's posts are stored.

        Raises only SourceError, RateLimited, NeedsCredentials and Blocked; never sleeps, writes or tries again.
        Pages yielded before an error stand.
        """
        ...


@runtime_checkable
class Rechecks(Protocol):
    """A source that can also look again at posts it gave before."""

    def recheck(self, posts: Sequence[Post], now: datetime) -> Iterator[Post | Gone]:
        """Each post as it is now, or Gone when the platform itself says that it no longer exists.

        The posts come as they are stored, without their authors. A post given back has the text that ``fetch`` would
        show: another one is an edit; where only counts are known, the text it came with. What the platform does not
        show, and does not call gone either, is passed over. Raises as ``fetch``; answers before an error stand.
        """
        ...


def kinds() -> dict[str, type]:
    """The class of every source type: the built-in ones and those of installed entry points.

    Raises ConfigError when an entry point cannot be loaded or takes the name of another type.
    """
    points = [EntryPoint(kind, target, GROUP) for kind, target in _BUILT_IN.items()]
    found: dict[str, type] = {}
    for point in [*points, *entry_points(group=GROUP)]:
        if point.name in found:
            raise ConfigError(f"entry point {GROUP}: {shown(point.name)} ({point.value}) is taken by another source")
        found[point.name] = _load(point)
    return found


def build(kind: str, name: str, settings: Mapping[str, object], http: Http, where: str) -> Source:
    """The source that a ``[[sources]]`` table describes; ``settings`` are its keys without the common ones.

    ``where`` names file and table: ``config.toml: sources.news-tw``. Raises ConfigError with one line.
    """
    known = kinds()
    if kind not in known:
        raise ConfigError(f"{where}.type: unknown source type {shown(kind)}{nearest(kind, known)}")
    checked = _checked(known[kind], settings, where)
    try:
        source: Source = known[kind](name=name, http=http, **checked)
    except ValueError as error:
        raise ConfigError(f"{where}: {one_line(str(error))}") from error
    return source


def settings_of(kind: type) -> tuple[str, ...]:
    """The keys that a source type understands in its table, beside the common ones."""
    return tuple(f.name for f in dataclasses.fields(kind) if f.init and f.name not in ("name", "http"))


def _load(point: EntryPoint) -> type:
    try:
        kind = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"entry point {GROUP}: {shown(point.name)} cannot be loaded: {one_line(str(error))}"
        ) from error
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise ConfigError(f"entry point {GROUP}: {shown(point.name)} ({point.value}) is not a dataclass")
    return kind


def _checked(kind: type, settings: Mapping[str, object], where: str) -> dict[str, Any]:
    """The settings with the types of the dataclass's fields.

    They are checked as a TypedDict made from those fields, so that ``http``, which no file can give, stays outside.
    They go through JSON because pydantic's strict mode takes a list for a tuple only there, as TOML needs it.
    """
    from pydantic import ConfigDict, TypeAdapter, ValidationError
    from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

    hints = get_type_hints(kind, vars(import_module(kind.__module__)), include_extras=True)
    keys = settings_of(kind)
    needed = {f.name for f in dataclasses.fields(kind) if _has_no_default(f)}
    typed_dict: Any = TypedDict
    shape = typed_dict("Settings", {key: (Required if key in needed else NotRequired)[hints[key]] for key in keys})
    shape.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    try:
        checked: dict[str, Any] = TypeAdapter(shape).validate_json(json.dumps(dict(settings), default=str))
    except ValidationError as error:
        file, _, table = where.rpartition(": ")
        inside: list[Mapping[str, Any]] = [{**p, "loc": (table, *p["loc"])} for p in error.errors()]
        raise ConfigError(first_problem(inside, file, lambda at: _known(at, table, keys, hints))) from error
    return checked


def _known(at: Location, table: str, keys: Sequence[str], hints: Mapping[str, Any]) -> Sequence[str]:
    """The names that may stand at a place of the table: its keys, or those of a setting that is a dataclass itself."""
    if at == (table,):
        return (*keys, *COMMON)
    inner = hints.get(str(at[1])) if len(at) == 2 else None
    return [f.name for f in dataclasses.fields(inner)] if dataclasses.is_dataclass(inner) else ()


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
