"""complaints and complaint as a person runs them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor import jobs
from monitor.cli import cli
from monitor.config import load
from monitor.errors import UsageError
from monitor.jobs import Report
from monitor.model import Author, Post
from monitor.store import posts, writing
from monitor.work.app import open_app

CONFIG = """
[[brands]]
name = "澄嵐"
terms = ["澄嵐"]
accounts = ["forum:official"]
[[brands]]
name = "霽川"
terms = ["霽川"]
role = "competitor"
"""
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG, "utf-8")
    app = open_app(load(file))
    db = app.open_store()
    said = [
        Post("forum", "1", "澄嵐的客服\x1b[31m爛透了。退款拖了三週", "https://f.example/1", published_at=NOW,
             author=Author("a", followers=70), kind="complaint"),
        Post("forum", "2", "澄嵐送來就壞，氣死", published_at=NOW, author=Author("b"), kind="complaint"),
        Post("forum", "3", "很抱歉，請私訊", published_at=NOW + timedelta(minutes=40), author=Author("official"),
             parent="2", root="2"),
    ]  # fmt: skip
    with writing(db):
        posts.add(db, said, posts.Arrival("forum", NOW + timedelta(hours=1), timedelta(hours=2)), app.author_key)
    jobs.process(app, db, NOW, Report())
    jobs.ledger(app, db, NOW, Report())
    db.close()
    return file


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), *words])


def test_the_list(config: Path) -> None:
    lines = run(config, "complaints").output.splitlines()
    assert lines[0].split()[:4] == ["id", "brand", "state", "sev"]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2"]
    assert "https://f.example/1" in lines[1]
    assert "\x1b" not in lines[1]
    assert "answered, not recovered" in lines[2]
    assert [line.split("40 min" if "40 min" in line else " - ")[1].split()[:2] for line in lines[1:]] == [
        ["1", "70"], ["1", "-"],
    ]  # fmt: skip
    assert "40 min" in lines[2]
    assert "1 more; --limit 2 shows all" in run(config, "complaints", "--limit", "1").output
    assert run(config, "complaints", "--state", "lost").output == "no complaint\n"


def test_json_is_the_view(config: Path) -> None:
    found = json.loads(run(config, "complaints", "--json", "--state", "answered").output)
    assert [(row["complaint"], row["state"], row["time_to_answer"]) for row in found] == [(2, "answered", 2400)]


def test_a_persons_word(config: Path) -> None:
    said = run(config, "complaint", "2", "recovered", "--by", "Lan", "--note", "called him")
    assert said.output == "complaint 2: answered -> recovered\n"
    assert [r["complaint"] for r in json.loads(run(config, "complaints", "--json").output)] == [1]
    one = run(config, "complaints", "2").output
    assert "called him" in one
    assert "said by person" in one
    assert "brand" in one
    assert run(config, "complaint", "2", "--undo", "--by", "Wu").output == "complaint 2: recovered -> answered\n"
    assert run(config, "complaint", "1", "已挽回", "--by", "Wu").output == "complaint 1: new -> recovered\n"
    events = json.loads(run(config, "complaints", "2", "--json").output)["events"]
    run(config, "complaint", "1", "--undo")
    assert json.loads(run(config, "complaints", "1", "--json").output)["events"][-1]["note"] == "the rules"
    assert [(e["event"], e["by"]) for e in events] == [("state", ""), ("person", "Lan"), ("undo", "Wu"), ("state", "")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["complaint", "9", "lost"], "there is no complaint 9"),
        (["complaint", "9" * 30, "lost"], "there is no complaint"),
        (["complaints", "9"], "there is no complaint 9"),
        (["complaint", "1"], "STATE: must be"),
        (["complaint", "1", "lost", "--undo"], "STATE: must be"),
        (["complaint", "1", "recoverd"], 'did you mean "recovered"'),
        (["complaint", "1", "lost", "--by", "a\nb"], "--by: must be a name on one line"),
        (["complaint", "1", "lost", "--note", "x" * 1001], "--note: must be"),
        (["complaints", "--brand", "無名"], "is no brand of"),
        (["complaints", "1", "--brand", "霽川"], "--brand: complaint 1 is of 澄嵐, not of 霽川"),
    ],
)
def test_wrong_use_is_one_line(config: Path, words: list[str], message: str) -> None:
    error = run(config, *words).exception
    assert isinstance(error, UsageError)
    assert message in str(error)
