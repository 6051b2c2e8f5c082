"""The commands as a person runs them: as processes, on real files, with their exit codes and one-line errors."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO

import pytest

from monitor.config import load
from monitor.store import open_store, outbox, writing
from monitor.work.app import open_app
from tests.numbers import held
from tests.sources.loopback import Reply, Server, serving
from tests.standin import NOW, mail_server

ROOT = Path(__file__).parent.parent
CONFIG = """
timezone = "Asia/Taipei"
[[brands]]
name = "澄嵐"
terms = ["澄嵐"]
"""


def qianli(folder: Path, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "monitor", "--config", str(folder / "config.toml"), *words],
        capture_output=True, text=True, input=stdin, cwd=folder, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    return tmp_path


def posts_file(folder: Path) -> Path:
    file = folder / "posts.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text", "published_at"])
        writer.writerow(["1", "澄嵐的客服態度很差，退款拖了一個月", "2026-11-19 10:00"])
        writer.writerow(["2", "澄嵐很好用，推薦給大家", "2026-11-19 11:00"])
        writer.writerow(["3", "", "2026-11-19 12:00"])
        writer.writerow(["4", "不相干的一篇", "2026-11-19 13:00"])
    return file


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["once"], 2, "config.toml: timezone: unknown time zone 'Mars'"),
        (["import", "nowhere.csv"], 2, "config.toml: timezone"),
        (["nonsense"], 2, "No such command"),
        (["detect", "nowhere.csv"], 1, "nowhere.csv: cannot be read: No such file or directory"),
        (["detect", "config.toml", "--timezone", "Mars"], 2, "--timezone: unknown time zone 'Mars'"),
        (["score", "nowhere.csv"], 1, "nowhere.csv: No such file or directory"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(tmp_path: Path, words: list[str], code: int, message: str) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.replace("Asia/Taipei", "Mars"), "utf-8")
    run = qianli(tmp_path, *words)
    assert run.returncode == code
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_import_once_digest_status(folder: Path) -> None:
    file = posts_file(folder)
    run = qianli(folder, "import", str(file), "--platform", "survey")
    assert (run.returncode, run.stdout.splitlines()[0]) == (1, "4 rows read, 3 new posts stored, 1 rows rejected")
    assert "no text" in (folder / "posts.csv.rejected").read_text("utf-8-sig")
    again = qianli(folder, "import", str(file), "--platform", "survey")
    assert "0 new posts stored" in again.stdout
    once = qianli(folder, "once")
    assert once.returncode == 0, once.stderr
    digest = qianli(folder, "digest", "--day", "2026-11-19", "--brand", "澄嵐", "--out", "pages")
    assert digest.returncode == 0, digest.stderr
    page = (folder / digest.stdout.strip()).read_text("utf-8")
    assert "退款拖了一個月" in page
    status = json.loads(qianli(folder, "status", "--json").stdout)
    assert status["posts"] == 3
    assert status["brands"]["澄嵐"]["mentions"] == 2
    assert status["queues"] == {"match": 0, "score": 0, "signal": 0, "group": 0, "count": 0, "ledger": 0}
    db = sqlite3.connect(folder / "qianli.db")
    rows = db.execute("SELECT native_id, label, snownlp IS NOT NULL FROM v_posts ORDER BY 1").fetchall()
    db.close()
    assert [(r[0], r[2]) for r in rows] == [("1", 1), ("2", 1)]
    assert rows[0][1] == "negative"
    assert rows[1][1] in ("positive", "neutral")


def test_wrong_words_of_a_command_name_what_is_right(folder: Path) -> None:
    file = posts_file(folder)
    run = qianli(folder, "import", str(file), "--brand", "澄蘭")
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "is no brand of" in run.stderr
    run = qianli(folder, "import", str(file), "--map", "text")
    assert "--map: must be FIELD=COLUMN, not 'text'" in run.stderr
    run = qianli(folder, "digest", "--day", "yesterday")
    assert "--day: must be a date such as 2026-11-20, not 'yesterday'" in run.stderr
    run = qianli(folder, "digest", "--send")
    assert (run.returncode, run.stderr.strip().endswith("smtp: missing, so nothing can be sent")) == (2, True)


def test_a_digest_in_another_time_zone_reads_the_days_of_that_zone(folder: Path) -> None:
    """Its SQL is as the page links it: given what it says, also when no cycle ran since the config was changed."""
    assert qianli(folder, "import", str(posts_file(folder))).returncode == 1
    assert qianli(folder, "once").returncode == 0
    (folder / "config.toml").write_text(CONFIG.replace("Asia/Taipei", "America/Santiago"), "utf-8")
    run = qianli(folder, "digest", "--day", "2026-11-18")
    assert run.returncode == 0, run.stderr
    db = open_store(folder / "qianli.db")
    app = open_app(load(folder / "config.toml"))
    queries = list(held(app, db, date(2026, 11, 18)))
    (said,) = db.execute("SELECT mentions FROM v_digests WHERE day = '2026-11-18'").fetchone()
    db.close()
    assert said == 1, "10:00 in Taipei is 23:00 of the day before"
    assert queries
    assert [name for name, right in queries if not right] == []


def test_a_sheet_of_a_workbook_is_previewed_and_imported(folder: Path) -> None:
    book = str(Path(__file__).parent / "data" / "import" / "vendor_xlsxwriter.xlsx")
    run = qianli(folder, "import", book, "--preview", "--sheet", "其他")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("xlsx, ")
    assert "另一頁" in run.stdout
    run = qianli(folder, "import", book)
    assert (run.returncode, run.stdout) == (0, "3 rows read, 3 new posts stored, 0 rows rejected\n")
    run = qianli(folder, "import", book, "--sheet", "沒有")
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "no such sheet" in run.stderr


def test_preview_shows_what_a_file_is_taken_for_and_stores_nothing(folder: Path) -> None:
    run = qianli(folder, "import", str(posts_file(folder)), "--preview")
    assert run.returncode == 0, run.stderr
    assert "text <- text" in run.stdout
    assert json.loads(qianli(folder, "status", "--json").stdout)["posts"] == 0


def test_score_reads_stdin_and_keeps_the_order(folder: Path) -> None:
    run = qianli(folder, "score", "-", "--column", "內容", stdin="內容,x\n客服態度很差,1\nhello,2\n很好用,3\n")
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert [set(line) for line in lines] == [{"snownlp", "p_negative", "label"}] * 3
    assert lines[1] == {"snownlp": None, "p_negative": None, "label": "unscored"}
    assert lines[0]["p_negative"] > lines[2]["p_negative"]


BAD_ROWS = {
    "empty": b"",
    "NaN": b"NaN",
    "None": b"None",
    "bytes that are not UTF-8": "客服很差".encode()[:-1],
    "only bytes that are not UTF-8": b"\xff\xfe\xfd",
    "lone surrogate": "客服".encode() + b"\xed\xa0\x80" + "很差".encode(),
    "NUL": "客服\x00很差".encode(),
    "only NUL": b"\x00",
    "1 MB of a": b"a" * 1_000_000,
    "1 MB of NUL": b"\x00" * 1_000_000,
    "1 MB of one Han character": "哈".encode() * 333_334,
    "1 MB of <": b"<" * 1_000_000,
    "1 MB of [": b"[" * 1_000_000,
    "1 MB of glosses": "好(hǎo)".encode() * 110_000,
    "no Han": "hello ... 123 🙂 こんにちは".encode(),
    "control characters": b"\x1b[31m\x07\x7f",
    "quotes": b'"he said ""no"""',
}


def test_score_gives_every_bad_row_a_label(folder: Path) -> None:
    rows = [each for n, row in enumerate(BAD_ROWS.values()) for each in (f"第一次用{n}".encode(), row)]
    (folder / "bad.csv").write_bytes(b"text,n\n" + b",1\n".join(rows) + b",1\n")
    run = qianli(folder, "score", "bad.csv")
    assert run.returncode == 0, run.stderr
    labels = [json.loads(line)["label"] for line in run.stdout.splitlines()]
    assert len(labels) == 2 * len(BAD_ROWS)
    assert "unscored" not in labels[::2], "the good row before each bad one keeps its place"
    by_name = dict(zip(BAD_ROWS, labels[1::2], strict=True))
    scored = {"bytes that are not UTF-8", "lone surrogate", "NUL", "1 MB of one Han character", "1 MB of glosses"}
    assert {name for name, label in by_name.items() if label != "unscored"} == scored
    assert run.stderr == (
        "qianli: bad.csv: 2 rows with bytes that are not UTF-8 scored without these, the first in line 9\n"
    )


def watched(folder: Path, *words: str, stdin: IO[bytes] | None = None) -> tuple[int, list[str]]:
    """The lines on standard output, and what a terminal on standard error was shown, redraw after redraw."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "monitor", *words],
        stdin=stdin, stdout=subprocess.PIPE, stderr=theirs, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as running:  # fmt: skip
        os.close(theirs)
        shown = bytearray()
        reader = threading.Thread(target=lambda: shown.extend(read_terminal(ours)))
        reader.start()
        lines = running.communicate(timeout=120)[0].count(b"\n")
        reader.join()
    os.close(ours)
    assert running.returncode == 0
    return lines, shown.decode().split("\r")


def read_terminal(end: int) -> bytes:
    parts = []
    while True:
        try:
            part = os.read(end, 4096)
        except OSError:  # how Linux says that the other end is closed
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


def test_score_shows_how_far_it_is(folder: Path) -> None:
    rows = 4500
    (folder / "a.csv").write_text("text\n" + "".join(f"第{n}次买\n" for n in range(rows)), "utf-8")
    (folder / "a.csv.gz").write_bytes(gzip.compress((folder / "a.csv").read_bytes()))
    for name in ("a.csv", "a.csv.gz"):
        lines, shown = watched(folder, "score", name)
        assert lines == rows
        percents = [int(found[1]) for each in shown if (found := re.search(rf"scoring {name} .*?(\d+)%", each))]
        assert percents == sorted(percents)
        assert percents[-1] == 100
        # a packed file this small is read in one piece
        assert name.endswith(".gz") or any(0 < percent < 100 for percent in percents)
    with subprocess.Popen(["cat", "a.csv"], cwd=folder, stdout=subprocess.PIPE) as cat:
        lines, shown = watched(folder, "score", "-", stdin=cat.stdout)
    assert lines == rows
    assert [each for each in shown if "rows" in each] == [f"{n} rows scored" for n in (1000, 2000, 3000, 4000, 4500)]


def test_detect_prints_an_object_for_each_alert(folder: Path) -> None:
    rows = ["time,count,other"]
    for i in range(14 * 96):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_760_000_000 // 900 * 900 + i * 900))
        rows.append(f"{stamp},{12 if 1000 <= i < 1020 else i % 3 == 0:d},{5}")
    (folder / "counts.csv").write_text("\n".join(rows), "utf-8")
    run = qianli(folder, "detect", "counts.csv")
    alerts = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0, run.stderr
    assert alerts
    assert rows[1000] <= alerts[0]["time"] <= rows[1020]


@contextmanager
def service(folder: Path, *, mail: int = 0) -> Iterator[tuple[subprocess.Popen[str], Server]]:
    """``qianli run`` with a source that answers and one that stalls far longer than the service may take to end."""
    with serving() as server:
        server.routes["/fine"] = Reply(200, b'{"version":"https://jsonfeed.org/version/1.1","items":[]}')
        server.routes["/stalls"] = lambda handler: time.sleep(8)
        feeds = "".join(
            f'[[sources]]\nname = "{n}"\ntype = "feed"\nurl = "{server.url("/" + n)}"\n' for n in ("fine", "stalls")
        )
        smtp = (
            f'[smtp]\nhost = "127.0.0.1"\nport = {mail}\nsecurity = "none"\nfrom = "q@example.test"\n' if mail else ""
        )
        network = '[network]\ncontact = "a@example.test"\nallow_private = true\n'
        (folder / "config.toml").write_text(CONFIG + feeds + smtp + network, "utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "--config", str(folder / "config.toml"), "run"],
            cwd=folder, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        try:
            yield process, server
        finally:
            process.kill()
            process.wait()
            if process.stderr:
                process.stderr.close()


def test_sigterm_ends_the_service_cleanly_in_the_middle_of_a_cycle(folder: Path) -> None:
    with service(folder) as (process, _):
        wait_for(lambda: ("fine", "ok") in run_states(folder) and ("stalls", "running") in run_states(folder))
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
        waited = time.monotonic() - asked
    assert process.returncode == 0, log
    assert "Traceback" not in log
    assert waited < 8  # it did not wait for the source: that is what is tested, not a speed
    db = sqlite3.connect(folder / "qianli.db")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("SELECT count(*) FROM lease").fetchone() == (0,)
    db.close()
    assert run_states(folder) == {("fine", "ok"), ("stalls", "interrupted")}


def test_owed_mail_leaves_while_a_source_hangs_and_a_second_service_is_refused(folder: Path) -> None:
    db = open_store(folder / "qianli.db")
    with writing(db):
        letter = outbox.Letter("<1@example.test>", "alert", "事件", "text", "<p>html</p>", ("a@example.test",))
        outbox.owe(db, letter, NOW)
    db.close()
    with mail_server() as box, service(folder, mail=box.port) as (process, server):
        wait_for(lambda: bool(box.messages) and any(path == "/stalls" for path, _ in server.seen))
        second = qianli(folder, "once")
        assert process.poll() is None
    assert (second.returncode, second.stderr.count("\n")) == (1, 1)
    assert "works on this database" in second.stderr
    assert box.recipients == ["a@example.test"]


def stories_file(folder: Path, *rows: object) -> Path:
    file = folder / "told.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return file


def test_stories_prints_the_group_and_story_of_each_row_in_order(folder: Path) -> None:
    text = "澄嵐氣炸鍋用了不到一個月就冒煙，客服還叫我自己寄回去"
    rows = [
        {"id": 3, "text": text, "published_at": "2026-11-19T08:00:00Z"},
        *({"id": f"x{n}", "text": f"第{n}則無關的話" + "甲乙丙丁戊己庚辛壬癸"[n % 10] * (n + 3)} for n in range(300)),
        {"id": "b", "text": f"轉發//@路人:{text[:20]}…"},
        {"id": "c", "text": "退錢", "thread": "3", "parent": "3"},
        {"id": "d", "text": "看這個 https://news.example/s/1?utm_source=x"},
        {"id": "e", "text": "天啊 https://m.news.example/s/1/"},
    ]  # fmt: skip
    done = qianli(folder, "stories", str(stories_file(folder, *rows)))
    assert (done.returncode, done.stderr) == (0, "")
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in out] == [row["id"] for row in rows]
    assert all(set(row) == {"id", "group", "story"} for row in out)
    first, *_, copy, reply, one, other = out
    assert copy["group"] == first["group"] != reply["group"]
    assert reply["story"] == copy["story"] == first["story"]
    assert one["story"] == other["story"] != first["story"]
    assert one["group"] != other["group"]
    assert not (folder / "qianli.db").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [('{"id": 1, "text": "好"}\n{"id": 2}\n', "row 2: no text"),
     ('{"id": 1, "text": "好"}\nnot json\n', "row 2: broken JSON"),
     ('{"id": 1, "text": "好"}\n\n[1]\n', "row 3: not a JSON object"),
     ('{"id": 1, "text": "好", "published_at": "soon"}\n', "row 1: published_at: "), ("", "the file is empty")],
)  # fmt: skip
def test_stories_names_the_first_row_that_is_no_post(folder: Path, content: str, said: str) -> None:
    file = folder / "told.jsonl"
    file.write_text(content, "utf-8")
    done = qianli(folder, "stories", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"qianli: {file}: {said}")
    assert done.stderr.count("\n") == 1


def test_stories_of_no_file_is_one_line(folder: Path) -> None:
    done = qianli(folder, "stories", "missing.jsonl")
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1
    assert "missing.jsonl" in done.stderr


def run_states(folder: Path) -> set[tuple[str, str]]:
    """Every (source, state) of the runs so far; nothing before the service has made its database."""
    if not (folder / "qianli.key").exists():
        return set()
    db = sqlite3.connect(folder / "qianli.db")
    try:
        return set(db.execute("SELECT source, state FROM source_runs"))
    finally:
        db.close()


def wait_for(condition, seconds: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    """Poll until something outside this process is so; fail if it never is."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_label_corrects_a_post_and_says_what_changed(folder: Path) -> None:
    qianli(folder, "import", str(posts_file(folder)), "--platform", "survey")
    qianli(folder, "once")
    done = qianli(folder, "label", "survey:1", "中性", "--by", "Lan")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "post 1, 澄嵐: negative -> neutral\n"
    for words in (
        ("survey:9", "neutral"),
        ("1", "bad"),
        ("1", "neutral", "--by", "a\nb"),
        ("1", "neutral", "--brand", "x"),
    ):
        wrong = qianli(folder, "label", *words)
        assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_purge_says_what_goes_before_and_when_it_does(folder: Path) -> None:
    qianli(folder, "import", str(posts_file(folder)), "--platform", "survey", "--timezone", "Asia/Taipei")
    qianli(folder, "once")
    db = sqlite3.connect(folder / "qianli.db")
    db.execute("UPDATE sightings SET seen_at = '2020-01-01T00:00:00Z'")
    db.commit()
    before = db.execute("SELECT * FROM v_hourly").fetchall()
    dry, done = qianli(folder, "purge", "--dry-run"), qianli(folder, "purge")
    assert (dry.returncode, done.returncode) == (0, 0)
    assert dry.stdout.splitlines()[:2] == [
        "2 posts would be emptied of text, author and engagement; what they were counted as stays",
        "1 posts that mention no brand would be removed",
    ]
    assert done.stdout == dry.stdout.replace("would be ", "")
    assert db.execute("SELECT text, purged_at IS NULL FROM posts").fetchall() == [("", 0)] * 2
    assert db.execute("SELECT * FROM v_hourly").fetchall() == before
    db.close()


def test_once_reaches_back_and_says_how_far(folder: Path) -> None:
    feed = """<rss version="2.0"><channel><item><guid>1</guid><title>澄嵐 開幕</title>
        <pubDate>Sun, 01 Nov 2026 08:00:00 GMT</pubDate></item></channel></rss>"""
    with serving() as server:
        server.routes["/feed"] = Reply(body=feed.encode(), headers={"Content-Type": "application/rss+xml"})
        table = f"""
[network]
contact = "a@example.test"
allow_private = true
[[sources]]
name = "feed"
type = "feed"
url = "{server.url("/feed")}"
"""
        (folder / "config.toml").write_text(CONFIG + table, "utf-8")
        done = qianli(folder, "once", "--since", "2020-11-02")
    assert "reached back: feed to 20" in done.stdout, done
    for day, message in (("soon", "must be a day such as 2026-11-01"), ("2999-01-01", "lies ahead")):
        wrong = qianli(folder, "once", "--since", day)
        assert (wrong.returncode, message in wrong.stderr) == (2, True)


def test_a_snownlp_model_of_ones_own_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "config.toml").write_text(CONFIG + '[sentiment]\nclassifier = "mine.marshal.3"\n', "utf-8")
    done = qianli(folder, "status")
    assert done.returncode == 2
    assert "config.toml: sentiment: " in done.stderr
    assert "mine.marshal.3: no model file" in done.stderr
    assert done.stderr.count("\n") == 1


def test_check_names_what_to_change_and_its_line(folder: Path) -> None:
    done = qianli(folder, "check")
    assert done.returncode == 1
    assert 'brands "澄嵐": posts in the other script are matched' in done.stdout
    assert '    -> terms = ["澄嵐", "澄岚"]' in done.stdout
    assert "smtp: missing: nobody is told of anything" in done.stdout


def test_check_names_each_secret_that_is_not_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QIANLI_TEST_TOKEN", raising=False)
    monkeypatch.setenv("QIANLI_TEST_SET", "x")
    table = """[[sources]]
name = "vendor"
type = "json_api"
url = "https://vendor.example.test/${QIANLI_TEST_SET}"
headers = { X-Token = "${QIANLI_TEST_TOKEN}" }
items = "list"
fields = { id = "id", text = "text" }
[network]
contact = "a@example.test"
"""
    (folder / "config.toml").write_text(CONFIG + table, "utf-8")
    done = qianli(folder, "check")
    assert 'sources "vendor": headers: the environment variable QIANLI_TEST_TOKEN is not set' in done.stdout
    assert "QIANLI_TEST_SET" not in done.stdout


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_no_secret_of_a_source_reaches_the_log(folder: Path, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setenv("QIANLI_TEST_TOKEN", "t0p-secret")
    monkeypatch.setenv("QIANLI_LOG", level)
    with serving() as server:
        server.routes["/a"] = Reply(200, b'{"list": [{"id": 1, "text": "x"}]}')
        table = f"""[[sources]]
name = "vendor"
type = "json_api"
url = "{server.url("/a")}"
params = {{ key = "${{QIANLI_TEST_TOKEN}}" }}
headers = {{ X-Token = "${{QIANLI_TEST_TOKEN}}" }}
items = "list"
fields = {{ id = "id", text = "text" }}
[network]
contact = "a@example.test"
allow_private = true
"""
        (folder / "config.toml").write_text(CONFIG + table, "utf-8")
        done = qianli(folder, "once")
        assert server.seen[0][0] == "/a?key=t0p-secret"
    assert done.returncode == 0, done.stderr
    assert "t0p-secret" not in done.stdout + done.stderr
    assert b"t0p-secret" not in (folder / "qianli.db").read_bytes()


def test_check_asks_each_source_once_and_sends_a_mail(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = '<rss version="2.0"><channel><item><guid>1</guid><title>澄嵐好</title></item></channel></rss>'
    with serving() as server, mail_server() as box:
        server.routes["/feed"] = Reply(200, feed.encode(), {"Content-Type": "application/rss+xml"})
        (folder / "config.toml").write_text(
            f"""{CONFIG.replace('["澄嵐"]', '["澄嵐", "澄岚"]')}
[[sources]]
name = "good"
type = "feed"
url = "{server.url("/feed")}"
[[sources]]
name = "gone"
type = "feed"
url = "{server.url("/none?key=hidden")}"
[network]
contact = "pr@chenglan.example"
allow_private = true
[smtp]
host = "127.0.0.1"
port = {box.port}
security = "none"
from = "qianli@example.test"
user = ""
[alerts]
to = ["oncall@example.test"]
ops_to = ["oncall@example.test"]
[digest]
to = ["pr@example.test"]
""",
            "utf-8",
        )
        done = qianli(folder, "check", "--online", "--send-test")
        assert done.returncode == 1
        assert 'sources "good": 1 post, none with a time' in done.stdout
        address = server.url("/none")
        assert f'sources "gone": 127.0.0.1: HTTP 404\n    -> url = "{address}?…"\n' in done.stdout
        assert "mail to pr@example.test: 250 kept" in done.stdout
        assert sorted(box.recipients) == ["oncall@example.test", "pr@example.test"]
        assert str(box.messages[0]["Subject"]) == "你收得到千里寄出的郵件"
        assert (
            not (folder / "qianli.db").exists()
            or not open_store(folder / "qianli.db").execute("SELECT 1 FROM posts").fetchone()
        )


def test_train_and_evaluate_print_their_tables_and_refuse_what_is_no_better(folder: Path) -> None:
    from tests.monitor.test_teaching import labelled_file

    file = labelled_file(folder)
    before = qianli(folder, "evaluate", str(file))
    assert (before.returncode, before.stderr) == (0, "")
    assert "SnowNLP" in before.stdout
    assert "macro-F1" in before.stdout
    made = qianli(folder, "train", str(file))
    assert (made.returncode, made.stderr) == (0, "")
    assert "better: the log loss falls" in made.stdout
    assert "speaks once it has scored the last 28 days" in made.stdout
    assert qianli(folder, "evaluate", str(file)).stdout.splitlines()[0] != before.stdout.splitlines()[0]
    assert "the shipped model scores again" in qianli(folder, "train", "--shipped").stdout
    refused = qianli(folder, "train")
    assert refused.returncode == 1
    assert refused.stderr == ""
    (folder / "bad.csv").write_text("text,label\nx,1\n", "utf-8")
    wrong = qianli(folder, "train", "bad.csv")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "bad.csv: line 2" in wrong.stderr


def test_signals_are_found_row_by_row(folder: Path) -> None:
    run = qianli(folder, "signals", "-", "--column", "內容", stdin="內容,x\n店裡的客服態度很差,1\nhello,2\n")
    assert run.returncode == 0
    first, second = map(json.loads, run.stdout.splitlines())
    assert [(s["kind"], s["theme"], s["evidence"]) for s in first["signals"]] == [
        ("complaint", "service", "客服態度很差")
    ]
    assert second == {"signals": []}
    assert qianli(folder, "signals", "nowhere.csv").returncode == 1
