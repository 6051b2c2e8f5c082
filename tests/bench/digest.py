"""How long a brand-day's digest takes, and how much memory, in databases of growing age.

    python -m tests.bench.digest [--posts 100000 300000 1000000] [--a-day 2500] [--days 5]

Each size is a process of its own over a database file filled with invented posts at the same daily rate, so that a
larger one is an older one: two brands, an own one and a competitor, half and half; a third of the posts negative, a
fifth with signals, a third with engagement, one in ten a copy. Of what these complain of the own brand has answered a
third, and a ninth says that it was made good; the ledger is then made of all by its own stage, as the service makes it,
so that an older database has a longer one (``ledger``: complaints, and CPU seconds of making it). Measured is
``digest`` as the service does it: load the day, render the page, write it, render the mail and owe it, on a connection
that has read nothing yet.

Prints one JSON object a size: ``seconds`` (median and most over the days made), ``cpu_seconds`` (the same, of
CPU), ``parts`` (median of load, and of page, row and mail), ``peak_mb``, and ``beside``: the median divided by that of
one plain pass over the day's rows of ``v_posts``, read in the same process. Flat means: the same at every size.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from sqlite_utils import Database

from monitor import jobs
from monitor.config import parse
from monitor.digest import local_day
from monitor.jobs import Report
from monitor.model import utc_text
from monitor.schema import BIN_OF
from monitor.store import complaints, coverage, models, reading, service, writing
from monitor.work import digesting
from monitor.work.app import App, Collector, open_app
from tests.standin import Stand

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LAST = date(2026, 11, 19)
SAID = "今天去了{}的門市,店員態度好差,等了一個小時才輪到,退款也拖了兩個禮拜都沒消息"
THEMES = ("service", "waiting", "refund", "quality", "price")


def make_app(folder: Path) -> App:
    document = {
        "brands": [{"name": "澄嵐", "terms": ["澄嵐"]}, {"name": "霽川", "terms": ["霽川"], "role": "competitor"}],
        "smtp": {"host": "127.0.0.1", "port": 9, "security": "none", "from": "qianli@example.test"},
        "alerts": {"to": ["oncall@example.test"]},
        "digest": {"to": ["pr@example.test"]},
    }
    app = open_app(parse(document, "config.toml", folder), keep_going=False)
    app.collectors = tuple(Collector(n, 900, Stand(n, lambda query: [])) for n in ("forum", "board", "news"))
    return app


def fill(app: App, db: Database, number: int, a_day: int, rng: random.Random) -> None:
    """``number`` posts and all that the stages would have made of them."""
    span = number / a_day * DAY.total_seconds()
    start = NOW - timedelta(seconds=span)
    own, rival = app.brands["澄嵐"], app.brands["霽川"]
    with writing(db):
        models.use(db, "bench", start)
        db.conn.executemany(
            """INSERT INTO posts (id, platform, native_id, url, kind, text, author_key, followers, counted_at,
                   arrived_at, published_at, assumed, live, parent, root, page)
               VALUES (:i, :platform, 'p' || :i, 'https://forum.example.test/' || :i, 'post', :text,
                   'a' || (:i % 50000), :followers, :at, :at, :at, 0, 1, '', '', '')""",
            (
                {"i": i, "platform": rng.choice(("forum", "board", "news")), "followers": rng.randrange(10_000),
                 "text": SAID.format("澄嵐" if i % 2 else "霽川") + str(i),
                 "at": utc_text(start + timedelta(seconds=rng.random() * span))}
                for i in range(1, number + 1)
            ),
        )  # fmt: skip
        db.execute("INSERT INTO stories (id) SELECT id FROM posts WHERE id % 10")
        db.execute("INSERT INTO groups (id, story) SELECT id, id FROM posts WHERE id % 10")
        db.execute('INSERT INTO group_members (post, "group") SELECT id, iif(id % 10, id, id - 1) FROM posts')
        db.execute(
            """INSERT INTO mentions (post, brand, via, term, counted_at, label, p_negative, model, opens_voice)
               SELECT id, iif(id % 2, ?, ?), 'term', '', counted_at,
                      CASE WHEN id % 3 = 0 THEN 'negative' WHEN id % 7 = 0 THEN 'positive' WHEN id % 11 = 0
                           THEN 'unsure' ELSE 'neutral' END,
                      0.5, 'bench', id % 3 = 0 AND id % 10 > 0 FROM posts""",
            [own, rival],
        )
        db.execute(
            f"""INSERT INTO counts SELECT m.brand, p.platform, {BIN_OF.format("m.counted_at")}, count(*),
                    sum(m.label = 'negative'), sum(m.opens_voice), sum(m.opens_voice), sum(m.label <> 'negative'), 'm'
                FROM mentions m JOIN posts p ON p.id = m.post GROUP BY 1, 2, 3"""
        )
        db.conn.executemany(
            """INSERT INTO signals SELECT post, brand, :kind, :a, :a + 6, :theme, 'bench', counted_at FROM mentions
               WHERE post % :every = :rest""",
            [
                {"kind": "complaint", "a": 8, "theme": t, "every": 25, "rest": n} for n, t in enumerate(THEMES)
            ] + [
                {"kind": k, "a": 2, "theme": "", "every": 100, "rest": n}
                for n, k in enumerate(("wish", "praise", "leaving", "telling", "disappointment", "exit", "moved"))
            ],
        )  # fmt: skip
        db.execute(
            "INSERT INTO engagement SELECT id, counted_at, id % 500, id % 50, id % 90 FROM posts WHERE id % 3 = 0"
        )
        db.execute("INSERT INTO sightings SELECT id, platform, arrived_at, x'00' FROM posts")
        for name in ("forum", "board", "news"):
            coverage.add_heard_history(db, name, start, NOW)
            coverage.finish_run(db, coverage.start_run(db, name, start), NOW, "ok")
        coverage.refresh_shares(db, own, ["forum", "board", "news"], NOW)
        service.cover_calendar(db, app.config.timezone)
        _talk(db, own, number)
    db.execute("ANALYZE")


def _talk(db: Database, own: int, number: int) -> None:
    """The own brand's answers to complaints, and what their authors say then."""
    asked = "id <= ? AND id % 2 AND id % 25 < 5"
    db.execute(
        f"""INSERT INTO posts (platform, native_id, url, kind, text, author_key, own_brand, counted_at, arrived_at,
                published_at, assumed, live, parent, root, page)
            SELECT platform, 'o' || id, '', 'post', '很抱歉,請私訊我們', 'own', ?,
                   strftime('%Y-%m-%dT%H:%M:%SZ', counted_at, '+3 hours'), counted_at, counted_at, 0, 1,
                   native_id, native_id, '' FROM posts WHERE {asked} AND id % 3 = 0""",
        [own, number],
    )
    db.execute(
        f"""INSERT INTO posts (platform, native_id, url, kind, text, author_key, counted_at, arrived_at, published_at,
                assumed, live, parent, root, page)
            SELECT platform, 's' || id, '', 'post', '退款到了,謝謝客服', author_key,
                   strftime('%Y-%m-%dT%H:%M:%SZ', counted_at, '+9 hours'), counted_at, counted_at, 0, 1,
                   native_id, native_id, '' FROM posts WHERE {asked} AND id % 9 = 0""",
        [number],
    )


def keep_ledger(app: App, db: Database) -> dict[str, float]:
    """The ledger of all that was stored, in the portions of its stage."""
    start = time.process_time()
    while complaints.waiting(db):
        jobs.ledger(app, db, NOW, Report())
    (made,) = db.execute("SELECT count(*) FROM complaints WHERE posts > 0").fetchone()
    return {"complaints": made, "cpu_seconds": round(time.process_time() - start, 1)}


def make(app: App, day: date) -> list[float]:
    """Seconds of loading, and of the page with its row and mail."""
    db = app.open_store()
    brand = app.config.brands[0]
    marks = [time.perf_counter()]
    with reading(db):
        loaded = digesting.load(app, db, brand, app.brands[brand.name], day, NOW)
    marks.append(time.perf_counter())
    digesting.store(app, db, brand, app.brands[brand.name], loaded)
    marks.append(time.perf_counter())
    db.close()
    return [b - a for a, b in itertools.pairwise(marks)]


def plain_pass(app: App, day: date) -> float:
    """Reading the day's rows of the brand from the documented view, once."""
    db = app.open_store()
    begun = time.perf_counter()
    rows = db.execute(
        "SELECT * FROM v_posts WHERE brand = '澄嵐' AND counted_at >= ? AND counted_at < ?",
        [utc_text(at) for at in local_day(day, app.config.timezone.key)],
    ).fetchall()
    took = time.perf_counter() - begun
    assert rows
    db.close()
    return took


def measure(number: int, a_day: int, days: int, folder: Path) -> dict[str, object]:
    app = make_app(folder)
    db = app.open_store()
    fill(app, db, number, a_day, random.Random(7))
    kept = keep_ledger(app, db)
    db.close()
    filled = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made, spent = [], []
    for n in range(days):
        begun = time.process_time()
        made.append(make(app, LAST - n * DAY))
        spent.append(time.process_time() - begun)
    plain = statistics.median(plain_pass(app, LAST - n * DAY) for n in range(days))
    whole = [sum(parts) for parts in made]
    return {
        "posts": number,
        "days_of_age": round(number / a_day),
        "ledger": kept,
        "seconds": {"median": round(statistics.median(whole), 3), "most": round(max(whole), 3)},
        "cpu_seconds": {"median": round(statistics.median(spent), 3), "most": round(max(spent), 3)},
        "parts": [round(statistics.median(part), 3) for part in zip(*made, strict=True)],
        "beside": round(statistics.median(whole) / plain, 2),
        "filled_mb": round(filled / 1024),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _one(number: int, a_day: int, days: int, out: Connection) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out.send(measure(number, a_day, days, Path(folder)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--a-day", type=int, default=2_500)
    parser.add_argument("--days", type=int, default=5)
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for number in args.posts:
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=_one, args=(number, args.a_day, args.days, theirs))
        worker.start()
        theirs.close()
        print(json.dumps(ours.recv()), flush=True)
        worker.join()


if __name__ == "__main__":
    main()
