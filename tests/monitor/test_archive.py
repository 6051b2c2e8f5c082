"""The archive: what was written stays as it is, and the index and feed tell of all of it."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import feedparser
import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from monitor import jobs
from monitor.cli import cli
from monitor.errors import StoreError
from monitor.jobs import Report
from monitor.model import Page, utc_text
from monitor.store import archive, coverage, service, writing
from monitor.store import incidents as stored
from monitor.work import archiving, describing, digesting, missed, summing
from monitor.work.app import App
from tests.standin import DAY, HOUR, Mailbox, mail_server, make_app, post

TAIPEI = ZoneInfo("Asia/Taipei")
THE_19TH = date(2026, 11, 19)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI)


MORNING = at("2026-11-20T08:35")


@pytest.fixture
def app(tmp_path: Path) -> App:
    old = post(1, "澄嵐", at("2026-11-10T00:00"))
    return make_app(tmp_path, {"forum": lambda q: [Page((old, post(2, "澄嵐的退款", at("2026-11-19T14:05"))))]})


@pytest.fixture
def db(app: App) -> Iterator[Database]:
    db = app.open_store()
    yield db
    db.close()


def folder(app: App) -> Path:
    return archiving.folder(app) / "澄嵐"


def pages(app: App) -> dict[str, bytes]:
    """The pages of digests and weeks, by name."""
    return {p.name: p.read_bytes() for p in folder(app).glob("????-??-??*.html")}


def again(app: App, db: Database, day: date = THE_19TH, when: datetime = MORNING + HOUR) -> Path:
    page = digesting.make(app, db, app.config.brands[0], 1, day, when, send=False)
    jobs.keep_index(app, db, when)
    return page


def backfill(db: Database, last: date, days: int, brand: int = 1) -> None:
    """Rows of digests as older days left them."""
    with writing(db):
        for n in range(days):
            day = (last - n * DAY).isoformat()
            db.execute(
                """INSERT INTO digests (brand, day, revision, made_at, late, owed, file, verdict, mentions,
                       negative_voices, heard, incidents, hours, summary)
                   VALUES (?, ?, 1, ?, 0, 1, ?, 'calm', 9, 3, 1.0, 0, '[0, 3]', 'Nothing unusual.')""",
                [brand, day, utc_text(MORNING - (n + 1) * DAY), f"digests/澄嵐/{day}.html"],
            )


class TestWrittenOnce:
    def test_a_correction_is_a_new_revision_that_says_so_and_the_older_page_stays(self, app: App, db: Database) -> None:
        jobs.cycle(app, db, MORNING)
        first = pages(app)
        assert list(first) == ["2026-11-19.html"]
        with writing(db):
            db.execute("UPDATE mentions SET label = 'negative', opens_voice = 1 WHERE post = 2")
        page = again(app, db)
        assert page.name == "2026-11-19-r2.html"
        later = pages(app)
        assert later["2026-11-19.html"] == first["2026-11-19.html"]
        said = later["2026-11-19-r2.html"].decode()
        assert "第 2 版，取代 11/20 08:35 產生的第 1 版，舊版仍留在存檔中。" in said
        assert "負面貼文 0 → 1" in said
        assert "負面聲音 0 → 1" in said
        again(app, db)
        assert "第 3 版" in pages(app)["2026-11-19-r3.html"].decode()
        assert "數字沒有變動" in pages(app)["2026-11-19-r3.html"].decode()
        assert {name: pages(app)[name] for name in later} == later

    def test_a_name_that_is_taken_is_never_written_to(self, app: App, db: Database) -> None:
        """A database restored from before the page was made."""
        folder(app).mkdir(parents=True)
        (folder(app) / "2026-11-19.html").write_text("what was sent then")
        jobs.cycle(app, db, MORNING)
        assert (folder(app) / "2026-11-19.html").read_text() == "what was sent then"
        assert db.execute("SELECT revision FROM digests").fetchall() == [(2,)]
        assert "2026-11-19-r2.html" in pages(app)

    def test_two_who_make_one_digest_at_once_make_two_revisions(self, app: App, db: Database) -> None:
        jobs.cycle(app, db, MORNING)

        def make() -> None:
            own = app.open_store()
            again(app, own)
            own.close()

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows = db.execute("SELECT revision, file FROM digests ORDER BY revision").fetchall()
        assert [r for r, _ in rows] == [1, 2, 3, 4, 5]
        assert all(f"第 {n} 版" in Path(file).read_text("utf-8") for n, file in rows[1:])

    def test_a_crash_before_the_row_leaves_no_page_and_the_next_try_makes_it(
        self, app: App, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(archive, "add_digest", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                again(app, db)
        assert pages(app) == {}
        again(app, db)
        assert list(pages(app)) == ["2026-11-19.html"]
        assert list(folder(app).glob("*.part")) == []

    def test_a_crash_after_the_row_leaves_a_draft_that_the_next_cycle_names(
        self, app: App, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(archiving, "publish", lambda page: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                again(app, db)
        assert pages(app) == {}
        (folder(app) / "2026-11-01.part").write_text("a draft that has no row")
        jobs.digest(app, db, MORNING + 2 * HOUR, Report())
        assert "2026-11-19.html" in pages(app)
        assert "2026-11-01.html" not in pages(app)

    def test_a_page_to_look_at_leaves_the_archive_alone(self, app: App, db: Database, tmp_path: Path) -> None:
        jobs.cycle(app, db, MORNING)
        before = pages(app)
        page = digesting.make(app, db, app.config.brands[0], 1, THE_19TH, MORNING, send=False, folder=tmp_path / "o")
        assert page == tmp_path / "o" / "澄嵐" / "2026-11-19-preview.html"
        assert pages(app) == before
        assert db.execute("SELECT count(*) FROM digests").fetchone() == (1,)

    def test_a_folder_that_cannot_be_written_is_told_in_one_line(self, app: App, db: Database) -> None:
        archiving.folder(app).write_text("a file where the folder should be")
        with pytest.raises(StoreError, match="cannot be written"):
            again(app, db)
        assert db.execute("SELECT count(*) FROM digests").fetchone() == (0,)

    def test_what_was_not_mailed_by_hand_still_comes_in_the_morning(self, tmp_path: Path) -> None:
        with mail_server() as box:
            app = make_app(tmp_path, {"forum": lambda q: [Page((post(1, "澄嵐", q.now - 3 * DAY),))]}, mail=box.port)
            db = app.open_store()
            jobs.collect(app, db, at("2026-11-20T07:00"), Report())
            again(app, db, when=at("2026-11-20T07:00"))
            assert box.messages == []
            jobs.cycle(app, db, MORNING)
            assert ["第 2 版" in text(box, n) for n in range(len(box.messages))] == [True]
            db.close()

    def test_the_mail_links_its_own_revision(self, tmp_path: Path) -> None:
        with mail_server() as box:
            app = make_app(
                tmp_path, {"forum": lambda q: [Page((post(1, "澄嵐", q.now - 3 * DAY),))]}, mail=box.port,
                service={"deadline": "1s", "base_url": "https://pr.example/q/"},
            )  # fmt: skip
            db = app.open_store()
            jobs.cycle(app, db, MORNING)
            digesting.make(app, db, app.config.brands[0], 1, THE_19TH, MORNING + HOUR)
            jobs.send(app, db, MORNING + HOUR, Report())
            base = "https://pr.example/q/%E6%BE%84%E5%B5%90/2026-11-19"
            assert f"{base}.html" in text(box, 0)
            assert f"{base}-r2.html" in text(box, 1)
            db.close()

    def test_an_incident_is_linked_where_its_page_is_written(self, app: App, db: Database) -> None:
        """From the archived page by the way through the folder; not from one that nobody serves."""
        served = app.config.service.model_copy(update={"base_url": "https://pr.example/q"})
        with writing(db):
            db.execute(
                """INSERT INTO incidents (id, brand, origin, state, severity, onset, first_bin, last_bin, opened_at,
                       observed, expected, subject_size, kind)
                   VALUES (7, 1, 'live', 'open', 'warning', :at, :at, :at, :at, 9, 1.0, 9, 'spike')""",
                {"at": utc_text(at("2026-11-19T14:15"))},
            )
            db.execute("INSERT INTO incident_events (incident, at, event) VALUES (7, ?, 'opened')", [utc_text(MORNING)])
        alone = again(app, db)
        assert "incident-7.html" not in alone.read_text("utf-8")
        known = replace(app, config=app.config.model_copy(update={"service": served}))
        page = again(known, db)
        jobs.pages(known, db, MORNING)
        assert 'href="../incident-7.html"' in page.read_text("utf-8")
        assert (page.parent / "../incident-7.html").resolve().is_file()
        week = summing.make(known, db, app.config.brands[0], 1, date(2026, 11, 22), MORNING + 3 * DAY, send=False)
        assert 'href="../incident-7.html"' in week.read_text("utf-8")
        assert describing.page_links(known, stored.lines_between(db, 1, MORNING - DAY, MORNING), mailed=True) == {
            7: "https://pr.example/q/incident-7.html"
        }


def text(box: Mailbox, number: int) -> str:
    body = box.messages[number].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


class TestIndex:
    def test_it_shows_each_day_its_revisions_and_the_days_without_a_digest(self, app: App, db: Database) -> None:
        backfill(db, date(2026, 11, 17), 3)
        jobs.cycle(app, db, MORNING)  # the 18th is made up for, too
        with writing(db):
            db.execute("DELETE FROM digests WHERE day = '2026-11-18'")  # as if it had been down for longer
        again(app, db)
        html = (folder(app) / "index.html").read_text("utf-8")
        assert 'href="2026-11-19-r2.html"' in html
        assert '<a class="remark" href="2026-11-19.html">第 1 版</a>' in html
        assert 'href="2026-11-15.html"' in html
        assert 'href="2026-11-18.html"' not in html
        assert html.count('class="day c4 none"') == 1  # Wednesday, in a week that begins on Sunday
        assert list(folder(app).glob("*.part")) == []
        assert "澄嵐" in (archiving.folder(app) / "index.html").read_text("utf-8")

    def test_a_day_without_a_digest_says_why(self, app: App, db: Database) -> None:
        jobs.cycle(app, db, MORNING)
        backfill(db, date(2026, 11, 10), 1)
        with writing(db):
            db.execute("UPDATE source_runs SET started_at = '2026-11-20T00:35:00Z'")
            for moment in ("2026-11-08T12:00", "2026-11-12T23:50"):
                db.execute("INSERT INTO source_runs (source, started_at, state) VALUES ('board', ?, 'ok')",
                           [utc_text(at(moment))])  # fmt: skip
            service.add_failure(db, "digest", "澄嵐 2026-11-14", "ValueError: no", "0.1.0", "1", MORNING)
        again(app, db, date(2026, 11, 5))  # by hand, of a day before all that is known
        (key, brand), last = (1, app.config.brands[0]), date(2026, 11, 19)
        made = archive.days(db, key, date(2026, 11, 5), last)
        why = {day.day: word.value for day, word in missed.reasons(app, db, brand, key, date(2026, 11, 5), last, made)}
        assert why == {
            6: "before", 7: "before", 8: "unwatched", 9: "unwatched", 11: "stopped", 12: "missed", 13: "stopped",
            14: "failed", 15: "stopped", 16: "stopped", 17: "stopped", 18: "stopped",
        }  # fmt: skip
        html = (folder(app) / "index.html").read_text("utf-8")
        assert html.count("沒有查詢任何來源：千里沒有執行") == 6
        assert html.count("當時還沒追蹤這個品牌") == 2

    def test_an_archive_of_imports_alone_gives_no_reason_that_it_does_not_know(self, tmp_path: Path) -> None:
        app = make_app(tmp_path, {})
        db = app.open_store()
        for day in (1, 9):
            again(app, db, date(2026, 11, day))
        made = archive.days(db, 1, date(2026, 11, 1), date(2026, 11, 9))
        brand = app.config.brands[0]
        assert len(made) == 2
        why = missed.reasons(app, db, brand, 1, date(2026, 11, 1), date(2026, 11, 9), made)
        assert {word for _, word in why} <= {"unwatched"}
        db.close()

    def test_the_next_run_is_the_first_of_any_source(self, db: Database) -> None:
        with writing(db):
            for source, moment in (("b", "2026-11-02T01:00"), ("a", "2026-11-03T01:00"), ("c", "2026-11-05T01:00")):
                db.execute("INSERT INTO source_runs (source, started_at, state) VALUES (?, ?, 'ok')",
                           [source, utc_text(at(moment))])  # fmt: skip
        found = [coverage.next_run(db, at(f"2026-11-0{n}T00:00")) for n in (1, 3, 4, 6)]
        assert found == [at("2026-11-02T01:00"), at("2026-11-03T01:00"), at("2026-11-05T01:00"), None]

    def test_only_the_last_thirteen_months_and_the_years_concerned_are_written(self, app: App, db: Database) -> None:
        backfill(db, date(2026, 11, 18), 3 * 365)
        jobs.cycle(app, db, MORNING)
        years = {p.name: p for p in folder(app).glob("20??.html")}
        assert set(years) == {"2023.html", "2024.html", "2025.html", "2026.html"}
        assert years["2024.html"].read_text().count('class="day ') == 366
        index = (folder(app) / "index.html").read_text("utf-8")
        assert "2025-11-01.html" in index
        assert "2025-10-31.html" not in index
        for page in years.values():
            page.write_text("as it was")
        again(app, db)
        assert [n for n, p in sorted(years.items()) if p.read_text("utf-8") != "as it was"] == ["2026.html"]
        again(app, db, date(2025, 5, 5))
        assert years["2025.html"].read_text("utf-8") != "as it was"

    def test_an_index_that_could_not_be_written_is_written_by_the_next_cycle(self, app: App, db: Database) -> None:
        app = replace(app, keep_going=True)
        (folder(app) / "index.html").mkdir(parents=True)
        jobs.cycle(app, db, MORNING)
        assert [f[:2] for f in db.execute("SELECT stage, item FROM failures").fetchall()] == [("archive", "澄嵐")]
        (folder(app) / "index.html").rmdir()
        jobs.digest(app, db, MORNING + HOUR, Report())
        assert "2026-11-19.html" in (folder(app) / "index.html").read_text("utf-8")
        assert db.execute("SELECT count(*) FROM failures").fetchone() == (0,)

    def test_nothing_is_written_while_nothing_is_new(self, app: App, db: Database) -> None:
        jobs.cycle(app, db, MORNING)
        for page in folder(app).glob("*"):
            page.write_text("as it was")
        jobs.digest(app, db, MORNING + HOUR, Report())
        assert {p.read_text() for p in folder(app).glob("*")} == {"as it was"}

    def test_digests_of_an_older_version_are_shown_by_their_verdict(self, app: App, db: Database) -> None:
        with writing(db):
            db.execute(
                """INSERT INTO digests (brand, day, revision, made_at, late, owed, file, verdict) VALUES
                   (1, '2026-11-18', 1, '2026-11-19T00:30:00Z', 0, 1, 'digests/澄嵐/2026-11-18.html', 'raised')"""
            )
        again(app, db)
        again(app, db, date(2026, 11, 18))
        html = (folder(app) / "index.html").read_text("utf-8")
        assert '<a class="remark" href="2026-11-18.html">第 1 版</a>' in html
        assert "第 2 版，取代 11/19 08:30 產生的第 1 版" in pages(app)["2026-11-18-r2.html"].decode()

    def test_the_hours_of_a_day_are_those_of_its_counts(self, app: App, db: Database) -> None:
        jobs.cycle(app, db, MORNING)
        with writing(db):
            db.execute("UPDATE counts SET negative_voices = 7 WHERE bin = '2026-11-19T06:00:00Z'")
        again(app, db)
        (hours,) = [d.hours for d in archive.days(db, 1, THE_19TH, THE_19TH)]
        assert hours == (0,) * 14 + (7,) + (0,) * 9

    @pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-07-01", 24)])
    def test_days_of_a_clock_change_have_their_own_length(self, tmp_path: Path, day: str, hours: int) -> None:
        app = make_app(tmp_path, {}, timezone="America/New_York")
        db = app.open_store()
        digesting.make(app, db, app.config.brands[0], 1, date.fromisoformat(day), MORNING, send=False)
        assert [len(d.hours) for d in archive.days(db, 1, date(2026, 1, 1), THE_19TH)] == [hours]
        db.close()


class TestFeed:
    def read(self, app: App) -> tuple[feedparser.FeedParserDict, ElementTree.Element]:
        raw = (folder(app) / "feed.atom").read_bytes()
        return feedparser.parse(raw), ElementTree.fromstring(raw)

    def test_it_is_an_atom_feed_with_an_entry_a_revision(self, app: App, db: Database) -> None:
        jobs.cycle(app, db, MORNING)
        again(app, db)
        feed, tree = self.read(app)
        assert not feed.bozo
        assert feed.version == "atom10"
        assert [e.link for e in feed.entries] == ["2026-11-19-r2.html", "2026-11-19.html"]
        assert "第 2 版" in feed.entries[0].title
        assert "1 則提及中有 0 個負面聲音" in feed.entries[1].summary
        assert feed.feed.updated == feed.entries[0].updated == "2026-11-20T01:35:00Z"
        atom = "{http://www.w3.org/2005/Atom}"
        for node in (tree, *tree.iter(f"{atom}entry")):
            for tag in ("id", "title", "updated"):
                assert len(node.findall(atom + tag)) == 1
        assert len(tree.findall(f"{atom}author")) == 1
        assert len({e.id for e in feed.entries} | {feed.feed.id}) == 3

    def test_ids_stay_when_the_archive_moves_to_an_address(self, app: App, db: Database) -> None:
        jobs.cycle(app, db, MORNING)
        before, _ = self.read(app)
        served = app.config.service.model_copy(update={"base_url": "https://pr.example/日報/"})
        moved = replace(app, config=app.config.model_copy(update={"service": served}))
        again(moved, db)
        after, tree = self.read(app)
        assert after.feed.id == before.feed.id
        assert after.entries[1].id == before.entries[0].id
        assert after.entries[0].link.startswith("https://pr.example/")
        links = [n.attrib for n in tree.findall("{http://www.w3.org/2005/Atom}link")]
        assert {"self", "alternate"} == {n["rel"] for n in links}

    def test_it_holds_the_last_thirty(self, app: App, db: Database) -> None:
        backfill(db, date(2026, 11, 18), 50)
        jobs.cycle(app, db, MORNING)
        feed, _ = self.read(app)
        assert len(feed.entries) == 30
        assert feed.entries[0].link == "2026-11-19.html"
        assert feed.entries[29].link == "2026-10-21.html"

    @pytest.mark.parametrize("name", ["澄嵐 & <b>茶</b> \"'", "../../澄嵐", "]]>&#x7;<!--澄嵐", "%(n)s {{ 7*7 }}"])
    def test_hostile_names_are_words_and_nothing_else(self, tmp_path: Path, name: str) -> None:
        app = make_app(tmp_path, {}, brands=[{"name": name, "terms": ["澄嵐"]}])
        db = app.open_store()
        digesting.make(app, db, app.config.brands[0], 1, THE_19TH, MORNING, send=False)
        jobs.keep_index(app, db, MORNING)
        made = [p for p in tmp_path.rglob("*") if p.suffix in (".html", ".atom")]
        assert {p.parent.parent for p in made if p.parent.name != "digests"} == {archiving.folder(app)}
        feed = next(p for p in made if p.suffix == ".atom").read_bytes()
        assert not feedparser.parse(feed).bozo
        assert name in (ElementTree.fromstring(feed)[1].text or "")
        assert all("<b>" not in p.read_text("utf-8") and "49" not in (p.read_text("utf-8").split("<h1>")[1][:60])
                   for p in made if p.suffix == ".html" and "preview" not in p.name)  # fmt: skip
        db.close()


LONG = "澄" * 90


@pytest.mark.parametrize(
    "names",
    [("Chenglan", "CHENGLAN"), ("Cafe\u0301", "Caf\u00e9"), ("Straße", "STRASSE"), ("index.html", "INDEX.html"),
     (LONG, LONG + "嵐"), ("a/b", "a_b", "A/B"), ("..", ".", "/")],
)  # fmt: skip
def test_no_disk_lets_two_brands_share_a_folder(tmp_path: Path, names: tuple[str, ...]) -> None:
    app = make_app(tmp_path, {}, brands=[{"name": name, "terms": [f"澄嵐{n}"]} for n, name in enumerate(names)])
    made = [archiving.folder_name(app, name) for name in names]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in made}) == len(names)
    assert all(len(name.encode()) < 140 and not name.endswith(".html") for name in made)
    turned = make_app(tmp_path, {}, brands=[{"name": n, "terms": [f"澄嵐{n}"]} for n in reversed(names)])
    assert [archiving.folder_name(turned, name) for name in names] == made, "whatever their order in the config"


def test_the_command_archives_anew_and_looks_elsewhere(app: App, db: Database, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[[brands]]\nname = "澄嵐"\nterms = ["澄嵐"]\n', "utf-8")
    day = (datetime.now(TAIPEI).date() - timedelta(days=3)).isoformat()

    def run(*words: str) -> str:
        result = CliRunner().invoke(cli, ["--config", str(tmp_path / "config.toml"), "digest", "--day", day, *words])
        assert result.exit_code == 0, result.output
        return Path(result.output.strip().splitlines()[-1]).name

    assert [run(), run(), run("--week")] == [f"{day}.html", f"{day}-r2.html", f"{day}-week.html"]
    assert run("--out", str(tmp_path / "o")) == f"{day}-preview.html"
    assert run("--week", "--out", str(tmp_path / "o")) == f"{day}-week-preview.html"
    index = (folder(app) / "index.html").read_text("utf-8")
    assert f'href="{day}-r2.html"' in index
    assert f'href="{day}-week.html"' in index
