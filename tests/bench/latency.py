"""How long a stored post takes to become a mail handed over, at 100 brands and a database of growing age.

    python -m tests.bench.latency [--posts 100000 300000 1000000] [--brands 100] [--rounds 20]

Each size is a process of its own over a database file filled with that many invented posts of the last 400 days, of
which the last fourteen were heard. In each round a quarter of an hour passes and 200 posts arrive; thirty are angry
ones about one brand, whose turn it is. Measured is the time from their commit to the moment at which a real SMTP server
on loopback has taken the alert: match, score, group, count, watch and send as the service does them, with the shipped
model. A running service adds the wait for its ticks (15 s and 10 s) and for the end of the bin (15 min at most).

Prints one JSON object a size: ``seconds`` (median, p95 and most of the rounds that mailed), ``watch_seconds``,
``peak_mb``. Flat means: the same at every size.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from sqlite_utils import Database

from monitor import jobs
from monitor.config import parse
from monitor.jobs import Report
from monitor.model import BIN, Author, Post, utc_text
from monitor.schema import BIN_OF
from monitor.store import coverage, models, posts, set_fact, writing
from monitor.work import stages
from monitor.work.app import App, Collector, open_app
from tests.standin import Mailbox, Stand, mail_server

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HEARD, AGE = timedelta(days=14), timedelta(days=400)
NEW, ANGRY = 200, 30
GOOD = ("今天去了{}的門市,買了新的杯子", "想問{}週末開到幾點", "{}推出秋季新品了,顏色很好看", "在{}等朋友,人不多")
BAD = (
    "{}的店員態度好差,氣死了",
    "{}退款拖了兩個禮拜都沒消息,太誇張",
    "{}的東西用三天就壞掉,爛透了",
    "{}客服一直推託,再也不買了",
)
TAIL = "的是我也想說啦真不過那天在公司附近看見同事他們聊起來晚上下雨路滑慢走小心天氣冷多穿一點"


def make_app(folder: Path, brands: int, mail: int) -> App:
    names = [f"澄嵐{chr(0x4E00 + 37 * i)}" for i in range(brands)]
    document = {
        "brands": [{"name": name, "terms": [name]} for name in names],
        "smtp": {"host": "127.0.0.1", "port": mail, "security": "none", "from": "qianli@example.test"},
        "alerts": {"to": ["oncall@example.test"]},
    }
    app = open_app(parse(document, "config.toml", folder), keep_going=False)
    app.collectors = (Collector("forum", 900, Stand("forum", lambda query: [])),)
    return app


def fill(app: App, db: Database, number: int, rng: random.Random) -> None:
    """``number`` posts, most of them old; their mentions, groups and counts as the stages would leave them."""
    names, span = list(app.brands), AGE.total_seconds()
    said = [(rng.choice(names), rng.random() < 0.13) for _ in range(number)]
    with writing(db):
        models.use(db, app.scorer.version, NOW - AGE)
        db.conn.executemany(
            """INSERT INTO posts (id, platform, native_id, url, kind, text, author_key, published_at, counted_at,
                   arrived_at, assumed, live, parent, root, page)
               VALUES (:i, 'forum', 'old' || :i, '', 'post', :text, 'a' || (:i % 5000), :at, :at, :at, 0, 1,
                   '', '', '')""",
            (
                {"i": i, "text": rng.choice(BAD if bad else GOOD).format(name) + str(i),
                 "at": utc_text(NOW - timedelta(seconds=rng.random() * span))}
                for i, (name, bad) in enumerate(said, 1)
            ),
        )  # fmt: skip
        db.execute("INSERT INTO stories (id) SELECT id FROM posts")
        db.execute("INSERT INTO groups (id, story) SELECT id, id FROM posts")
        db.execute('INSERT INTO group_members (post, "group") SELECT id, id FROM posts')
        db.conn.executemany(
            """INSERT INTO mentions (post, brand, via, term, counted_at, label, p_negative, model, opens_voice)
               SELECT id, ?, 'term', ?, counted_at, iif(?, 'negative', 'neutral'), 0.5, ?, ? FROM posts
               WHERE id = ?""",
            ((app.brands[name], name, bad, app.scorer.version, bad, i) for i, (name, bad) in enumerate(said, 1)),
        )
        db.execute(
            f"""INSERT INTO counts SELECT m.brand, 'forum', {BIN_OF.format("m.counted_at")}, count(*),
                    sum(m.label = 'negative'), sum(m.opens_voice), sum(m.opens_voice), sum(m.label <> 'negative'), 'm'
                FROM mentions m GROUP BY 1, 3"""
        )
        db.execute("INSERT INTO sightings SELECT id, 'forum', arrived_at, x'00' FROM posts")
        coverage.add_heard_history(db, "forum", NOW - HEARD, NOW)
        coverage.finish_run(db, coverage.start_run(db, "forum", NOW - HEARD), NOW, "ok")
        # Done by this very version, or the first round would do all of it again.
        set_fact(db, "rules", app.matcher.version)
        set_fact(db, "grouping", stages.GROUPING)
    db.execute("ANALYZE")


def arrive(app: App, db: Database, at: datetime, turn: int, rng: random.Random) -> None:
    """What one quarter brings; the angry posts are the brand's whose turn it is."""
    names = list(app.brands)
    said = [(names[turn % len(names)], BAD)] * ANGRY + [(rng.choice(names), GOOD) for _ in range(NEW - ANGRY)]
    new = [
        Post(
            "forum", f"{turn}-{i}", rng.choice(words).format(name) + "".join(rng.choices(TAIL, k=25)),
            author=Author(f"n{turn}-{i}"), published_at=at - BIN * rng.uniform(0.1, 0.9),
        )
        for i, (name, words) in enumerate(said)
    ]  # fmt: skip
    with writing(db):
        posts.add(db, new, posts.Arrival("forum", at, timedelta(hours=2)), app.author_key)
        coverage.add_heard(db, "forum", at - BIN, at, timedelta(hours=2))


def measure(number: int, brands: int, rounds: int, box: Mailbox, folder: Path) -> dict[str, object]:
    rng = random.Random(7)
    app = make_app(folder, brands, box.port)
    db = app.open_store()
    fill(app, db, number, rng)
    jobs.process(app, db, NOW, Report())
    jobs.watch(app, db, NOW)
    (kept,) = db.execute("SELECT count(*) FROM mentions").fetchone()
    assert kept == number, f"{kept} of {number} mentions are left"
    taken, watched = [], []
    for turn in range(rounds):
        at = NOW + BIN * (turn + 1)
        arrive(app, db, at, turn, rng)
        before, start = len(box.messages), time.perf_counter()
        jobs.process(app, db, at, Report())
        middle = time.perf_counter()
        jobs.watch(app, db, at)
        watched.append(time.perf_counter() - middle)
        jobs.send(app, db, at, Report())
        if len(box.messages) > before:
            taken.append(time.perf_counter() - start)
    db.close()
    return {
        "posts": number,
        "brands": brands,
        "rounds": rounds,
        "rounds_that_mailed": len(taken),
        "seconds": {"median": _3(statistics.median(taken)), "p95": _3(_p95(taken)), "most": _3(max(taken))},
        "watch_seconds": _3(statistics.median(watched)),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def _3(value: float) -> float:
    return float(f"{value:.3g}")


def _one(number: int, brands: int, rounds: int, answer: Connection) -> None:
    with tempfile.TemporaryDirectory() as folder, mail_server() as box:
        answer.send(measure(number, brands, rounds, box, Path(folder)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--brands", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    for number in args.posts:
        mine, theirs = multiprocessing.Pipe()
        worker = multiprocessing.get_context("spawn").Process(
            target=_one, args=(number, args.brands, args.rounds, theirs)
        )
        worker.start()
        print(json.dumps(mine.recv()), flush=True)
        worker.join()


if __name__ == "__main__":
    main()
