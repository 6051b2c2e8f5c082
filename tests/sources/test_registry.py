from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint

import pytest

import sources
from monitor.errors import ConfigError
from monitor.model import Cursor, Page, Query
from sources import build, kinds, settings_of
from sources.feed import Feed
from sources.http import Http

WHERE = "config.toml: sources.news-tw"


@dataclass(frozen=True)
class Forum:
    """A source of a third party: with a list, a nested table and a rule of its own."""

    name: str
    http: Http = field(repr=False, compare=False)
    boards: tuple[str, ...]
    limits: dict[str, int] = field(default_factory=dict)
    pages: int = 1

    def __post_init__(self) -> None:
        if self.pages > 9:
            raise ValueError("pages: no more than 9")

    def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
        yield Page((), cursor)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    module = types.ModuleType("third_party_forum")
    module.Forum = Forum  # type: ignore[attr-defined]
    module.number = 3  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "third_party_forum", module)
    points = [EntryPoint("forum", "third_party_forum:Forum", sources.GROUP)]
    monkeypatch.setattr(sources, "entry_points", lambda *, group: points if group == sources.GROUP else [])
    return points


def refusal(http: Http, kind: str, settings: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        build(kind, "news-tw", settings, http, WHERE)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_feed_is_built_in(http: Http) -> None:
    assert kinds()["feed"] is Feed
    source = build("feed", "news-tw", {"url": "https://a.example.test/f", "platform": "news"}, http, WHERE)
    assert source == Feed("news-tw", http, "https://a.example.test/f", "news")
    assert "Http" not in repr(source)


@pytest.mark.parametrize(
    ("kind", "settings", "line"),
    [
        ("feeed", {}, f'{WHERE}.type: unknown source type "feeed"; did you mean "feed"?'),
        ("feed", {}, f"{WHERE}.url: missing"),
        ("feed", {"url": 3}, f"{WHERE}.url: must be text, not 3"),
        ("feed", {"uri": "https://a.example.test"}, f'{WHERE}.uri: unknown key; did you mean "url"?'),
        ("feed", {"url": "https://a.example.test", "evry": "5m"}, f'{WHERE}.evry: unknown key; did you mean "every"?'),
        ("feed", {"url": "https://a.example.test", "http": 1}, f"{WHERE}.http: unknown key"),
        ("feed", {"url": "file:///etc/passwd"}, f"{WHERE}.url: must be an http or https address"),
        ("feed", {"url": "https://"}, f"{WHERE}.url: must be an http or https address"),
        ("feed", {"url": "https://{query}/"}, f"{WHERE}.url: must be an http or https address"),
        ("feed", {"url": ["\n\x1b[2J" + "x" * 99]}, f"{WHERE}.url: must be text, not ['\\n\\x1b[2Jxxxx"),
        ("feed", {"url": "https://a.example.test", "a\nb": 1}, f"{WHERE}.a\\nb: unknown key"),
        (
            "feed",
            {"url": "https://a.example.test", "keep_query": "no"},
            f'{WHERE}.keep_query: must be true or false, not "no"',
        ),
    ],
)
def test_one_line_for_each_slip(http: Http, kind: str, settings: dict[str, object], line: str) -> None:
    assert refusal(http, kind, settings).startswith(line)


def test_a_third_party_adds_a_kind(http: Http, plugins: list[EntryPoint]) -> None:
    source = build("forum", "f", {"boards": ["a", "b"], "limits": {"a": 1}}, http, WHERE)
    assert source == Forum("f", http, ("a", "b"), {"a": 1})
    assert settings_of(Forum) == ("boards", "limits", "pages")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"boards": "a"}, f'{WHERE}.boards: must be a list, not "a"'),
        ({"boards": ["a", 3]}, f"{WHERE}.boards[1]: must be text, not 3"),
        ({"boards": [], "limits": {"a": "x"}}, f'{WHERE}.limits.a: must be a whole number, not "x"'),
        ({"boards": [], "pages": 10}, f"{WHERE}: pages: no more than 9"),
    ],
)
def test_a_third_partys_settings_are_checked_alike(
    http: Http, plugins: list[EntryPoint], settings: dict[str, object], line: str
) -> None:
    assert refusal(http, "forum", settings) == line


@pytest.mark.parametrize(
    ("name", "target", "words"),
    [
        ("feed", "third_party_forum:Forum", "is taken by another source"),
        ("gone", "no_such_module:X", "cannot be loaded"),
        ("gone", "third_party_forum:Missing", "cannot be loaded"),
        ("odd", "third_party_forum:number", "is not a dataclass"),
    ],
)
def test_a_broken_entry_point_is_named(plugins: list[EntryPoint], name: str, target: str, words: str) -> None:
    plugins.append(EntryPoint(name, target, sources.GROUP))
    with pytest.raises(ConfigError, match=f'^entry point qianli.sources: "{name}".*{words}'):
        kinds()


def test_kinds_load_no_heavy_library() -> None:
    """Importing the registry must stay cheap: the command line does it for every command."""
    heavy = ("numpy", "scipy", "httpx", "pydantic", "feedparser")
    code = f"import sys, sources; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("weibo", {"cookie_env": "SUB=abc; SUBP=def"}),
        ("bilibili", {"cookie_env": "SESSDATA=abc"}),
        ("heimao", {"companies": ["1"], "cookie_env": "a b"}),
        ("mastodon", {"token_env": "tok-en"}),
        ("youtube", {"key_env": "AIza-abc"}),
        ("bluesky", {"identifier": "a.example", "password_env": "abcd-efgh-ijkl-mnop"}),
        ("rsshub", {"url": "https://r.example", "route": "/weibo/keyword/{query}", "key_env": "k-k"}),
    ],
)
def test_a_secret_in_place_of_its_variables_name_is_refused_and_not_repeated(
    kind: str, settings: dict[str, object], http: Http
) -> None:
    with pytest.raises(ConfigError) as refused:
        build(kind, "x", settings, http, "config.toml: sources.x")
    said = str(refused.value)
    assert said.endswith("_env: must be the name of an environment variable, not what it holds")
