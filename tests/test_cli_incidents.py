"""The commands for incidents, run as a person runs them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlite_utils import Database

from monitor import jobs
from monitor.cli import cli
from monitor.errors import QianliError
from monitor.jobs import Report
from monitor.model import Page
from monitor.work.app import App
from tests.monitor.test_life import ALERTS, find
from tests.standin import NOW, make_app, post

CONFIG = """
timezone = "Asia/Taipei"
[[brands]]
name = "澄嵐"
terms = ["澄嵐"]
exclude = ["澄嵐街"]
[[brands]]
name = "霽川"
terms = ["霽川"]
role = "competitor"
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    posts = (post(1, "澄嵐的客服\n真的 很爛", NOW, url="https://forum.example/1"), post(2, "澄嵐山的步道爛掉了", NOW))
    brands = tomllib.loads(CONFIG)["brands"]
    return make_app(tmp_path, {"forum": lambda query: [Page(posts)]}, mail=9, alerts=ALERTS, brands=brands)


@pytest.fixture
def db(app: App) -> Iterator[Database]:
    database = app.open_store()
    jobs.collect(app, database, NOW, Report())
    jobs.process(app, database, NOW, Report())
    find(app, database, NOW)
    yield database
    database.close()


def run(app: App, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(app.config.folder / "config.toml"), *words])


def refused(app: App, *words: str) -> str:
    found = run(app, *words)
    assert isinstance(found.exception, QianliError), found.output
    assert found.exception.exit_code == 2
    assert "\n" not in str(found.exception)
    return str(found.exception)


def test_the_table_of_what_stands(app: App, db: Database) -> None:
    head, row = run(app, "incidents").output.splitlines()
    assert head.split() == ["id", "brand", "state", "severity", "since", "size", "owner", "next", "headline"]
    assert row.split("  ")[0] == "1"
    for part in (
        "澄嵐",
        "open",
        "warning",
        "11-20 09:00",
        "10/1.0 voices",
        "escalates 11-20 10:30",
        "澄嵐的客服 真的 很爛",
    ):
        assert part in row


@pytest.mark.parametrize("command", ["incidents", "ack", "resolve"])
def test_a_number_beyond_what_the_database_takes_is_no_incident(app: App, db: Database, command: str) -> None:
    assert refused(app, command, "9" * 30).startswith("there is no incident 1.000e+30")


@pytest.mark.parametrize(("kind", "size"), [("burst", "10 copies"), ("takeoff", "10 reactions")])
def test_a_size_is_in_the_unit_of_what_opened_it(app: App, db: Database, kind: str, size: str) -> None:
    db.execute("UPDATE incidents SET kind = ?", [kind])
    db.conn.commit()
    (_, row) = run(app, "incidents").output.splitlines()
    assert size in row
    assert json.loads(run(app, "incidents", "--json").output)[0]["kind"] == kind


def test_taking_resolving_and_listing(app: App, db: Database) -> None:
    assert run(app, "ack", "1", "--by", "Lan").output == "incident 1: acknowledged by Lan\n"
    assert run(app, "ack", "1", "--by", "Lan").output == "incident 1 was acknowledged by Lan before\n"
    assert " Lan " in run(app, "incidents", "--brand", "澄嵐").output
    assert run(app, "resolve", "1", "--by", "Lan").output == "incident 1: resolved by Lan\n"
    assert run(app, "resolve", "1", "--by", "Lan").output == "incident 1 is resolved already\n"
    assert run(app, "incidents").output == "no incident stands\n"
    assert "ended " in run(app, "incidents", "--all").output
    assert run(app, "incidents", "--all", "--brand", "霽川").output == "no incident\n"


def test_silence_and_lift(app: App, db: Database) -> None:
    said = run(app, "silence", "澄嵐", "--for", "4h", "--by", "Lan").output
    assert said.startswith("澄嵐: silenced by Lan until ")
    assert "silent to " in run(app, "incidents").output
    assert run(app, "silence", "1", "--for", "2d", "--by", "Lan").exit_code == 0
    assert run(app, "silence", "澄嵐", "--lift", "--by", "Lan").output == "澄嵐: silence lifted by Lan\n"
    assert run(app, "silence", "1", "--lift", "--by", "Lan").output == "incident 1 is not silenced\n"


def test_the_story_of_one(app: App, db: Database) -> None:
    run(app, "ack", "1", "--by", "Lan")
    told = run(app, "incidents", "1").output
    assert "events:" in told
    assert "11-20 10:00  opened        -    first spike" in told
    assert "acknowledged  Lan  taken" in told
    assert "oncall@example.test" in told
    found = json.loads(run(app, "incidents", "1", "--json").output)
    assert (found["state"], found["owner"], found["onset"]) == ("acknowledged", "Lan", "2026-11-20T01:00:00Z")
    assert [e["event"] for e in found["events"]] == ["opened", "acknowledged"]
    assert [m["recipient"] for m in found["mails"]] == ["oncall@example.test"]
    assert found["replies"] == []
    (line,) = json.loads(run(app, "incidents", "--json").output)
    assert line["incident_id"] == 1


def test_not_us_offers_the_line_and_undo_takes_it_back(app: App, db: Database) -> None:
    done = run(app, "not-us", "forum:2", "--by", "Lan").output
    assert "post 2 does not count for 澄嵐 any more" in done
    assert "incident 1 is judged anew in the next cycle" in done
    assert 'exclude = ["澄嵐街", "澄嵐山"]' in done
    assert "0 of 1 stored mentions" in done
    assert db.execute("SELECT post FROM v_posts_unmatched").fetchall() == [(2,)]
    assert run(app, "not-us", "2", "--by", "Lan").output == "post 2 does not count for 澄嵐 already\n"
    assert run(app, "not-us", "2", "--undo").output == "post 2 may count for 澄嵐 again\n"
    assert db.execute("SELECT post FROM v_posts_unmatched").fetchall() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["incidents", "9"], "there is no incident 9"),
        (["incidents", "--brand", "無名"], "is no brand of"),
        (["ack", "9", "--by", "Lan"], "there is no incident 9"),
        (["resolve", "9", "--by", "Lan"], "there is no incident 9"),
        (["silence", "9", "--for", "4h", "--by", "Lan"], "there is no incident 9"),
        (["silence", "澄", "--for", "4h", "--by", "Lan"], "neither the number of an incident nor a brand"),
        (["silence", "1", "--by", "Lan"], "say how long"),
        (["silence", "1", "--for", "4 h", "--by", "Lan"], "--for: must be a duration"),
        (["silence", "1", "--for", "0h", "--by", "Lan"], "--for: must be a duration"),
        (["silence", "1", "--for", "4h", "--lift", "--by", "Lan"], "--lift"),
        (["not-us", "9", "--by", "Lan"], "is no post here"),
        (["not-us", "1", "--undo"], "nobody said of post 1"),
        (["ack", "1", "--by", "a\nb"], "must be a name on one line"),
    ],
)
def test_wrong_use_is_one_line(app: App, db: Database, words: list[str], message: str) -> None:
    assert message in refused(app, *words)


def test_what_a_stranger_wrote_cannot_steer_a_terminal(app: App, db: Database) -> None:
    db.execute("UPDATE posts SET text = '澄嵐' || char(27) || '[2J' || char(10) || '爛' WHERE id = 1")
    db.conn.commit()
    assert "\x1b" not in run(app, "incidents").output
    assert len(run(app, "incidents").output.splitlines()) == 2


def test_a_number_with_another_brand_is_refused(app: App, db: Database) -> None:
    assert refused(app, "incidents", "1", "--brand", "霽川") == "--brand: incident 1 is of 澄嵐, not of 霽川"
    assert run(app, "incidents", "1", "--brand", "澄嵐").output.startswith("id       1")


def test_a_brand_is_known_by_its_name_in_the_other_script(app: App, db: Database) -> None:
    assert "澄嵐: silenced by Lan" in run(app, "silence", "澄岚", "--for", "4h", "--by", "Lan").output
    assert run(app, "incidents", "1", "--brand", " 澄岚").output.startswith("id       1")
    said = run(app, "not-us", "1", "--brand", "澄岚", "--by", "Lan").output
    assert said.startswith("post 1 does not speak of 澄嵐") or "澄嵐" in said.splitlines()[0]
    assert 'did you mean "澄嵐"?' in refused(app, "silence", "澄岚山庄", "--for", "4h")
    assert 'did you mean "澄嵐"?' in refused(app, "digest", "--brand", "澄岚山庄")
