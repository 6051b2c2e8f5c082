"""The README says what there is: every command, config key, source and setting, every view with its columns."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import click
import pytest
from pydantic import BaseModel
from sqlite_utils import Database

import sources
from monitor.cli import cli
from monitor.config import Config, SourceTable, keys, table_at
from monitor.schema import VIEWS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def section(title: str) -> str:
    """One ``## title`` of the README."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.S | re.M)
    assert found, f"README has no section {title!r}"
    return found[1]


def config_keys(model: type[BaseModel] = Config, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every key as ``table.key``."""
    for key in keys(model):
        inner = table_at((*path, key))
        if inner is None or key == "settings":
            yield ".".join((*path, key))
        else:
            yield from config_keys(inner, (*path, key))


@pytest.mark.parametrize("key", [k for k in config_keys() if k != "sources.settings"])
def test_every_config_key_is_documented(key: str) -> None:
    assert f"`{key}`" in section("Config"), key


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_and_option_is_documented(command: str) -> None:
    text = section("Commands")
    assert f"`qianli {command}" in text
    for parameter in cli.commands[command].params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in text, f"{command} {parameter.opts[0]}"


@pytest.mark.parametrize("kind", sorted(sources.kinds()))
def test_every_source_and_its_settings_are_documented(kind: str) -> None:
    text = section("Sources")
    assert f"`{kind}`" in text
    hints = get_type_hints(sources.kinds()[kind])
    for setting in sources.settings_of(sources.kinds()[kind]):
        assert f"`{setting}`" in text, f"{kind}.{setting}"
        for inner in dataclasses.fields(hints[setting]) if dataclasses.is_dataclass(hints[setting]) else ():
            assert f"`{inner.name}`" in text, f"{kind}.{setting}.{inner.name}"
    for shared in SourceTable.model_fields:
        assert shared == "settings" or f"`{shared}`" in text


def test_the_example_tables_of_sources_are_valid() -> None:
    from sources.http import Http

    blocks = re.findall(r"```toml\n(.*?)```", section("Sources"), re.S)
    tables = [table for block in blocks for table in tomllib.loads(block)["sources"]]
    assert tables
    with Http("you@example.com") as http:
        for table in tables:
            settings = {key: value for key, value in table.items() if key not in sources.COMMON}
            sources.build(table["type"], table["name"], settings, http, "README.md")


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_every_view_is_documented_column_by_column(view: str, db: Database) -> None:
    found = re.search(rf"^### `{view}`\n(.*?)(?=^### |^## |\Z)", section("Database"), re.S | re.M)
    assert found, f"README does not describe {view}"
    columns = [row[1] for row in db.execute(f"PRAGMA table_info({view})")]
    missing = [c for c in columns if f"`{c}`" not in found[1]]
    assert not missing, f"{view}: {missing}"


def test_nothing_is_documented_that_is_not_there() -> None:
    assert set(re.findall(r"`qianli ([a-z-]+)", section("Commands"))) == set(cli.commands)
    assert set(re.findall(r"^### `(v_\w+)`", section("Database"), re.M)) == set(VIEWS)


def test_the_first_two_commands_are_make_demo_and_make_test() -> None:
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", README, re.S)
    commands = [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]
    assert [c.split("  ")[0].strip() for c in commands[:2]] == ["make demo", "make test"]


def test_the_example_config_is_valid_and_needs_no_login() -> None:
    from monitor.config import load
    from sources.http import Http

    config = load(ROOT / "config.toml")
    with Http(config.network.contact) as http:
        for table in config.sources:
            sources.build(table.type, table.name, table.settings, http, "config.toml")
    assert config.brands
    assert "password" not in str(config.sources)
