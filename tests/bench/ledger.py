"""What the ledger of complaints costs a cycle, in a database of growing size.

    python -m tests.bench.ledger [--posts 100000 1000000] [--brands 100] [--rounds 12]

The database is that of ``tests.bench.latency``; its negative mentions get a signal of complaint, and the ledger is
first made of all of them (``made``: CPU seconds, and seconds of a portion, for which other writers wait). In each round
200 posts arrive, 30 of them complaints, with ten answers of the brand and ten sayings of authors; then two thousand
copies of one text come, 200 a round. Prints one JSON object a size with CPU seconds of the ledger (``round``,
``copies``: median and most; ``day``: reading a day of the brand with most), beside those of the stages that the same
posts pass (``stages``).
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import BIN, Author, Post
from monitor.store import posts, writing
from monitor.work import complaining
from monitor.work.app import App
from monitor.work.ledger import ledger
from tests.bench.latency import HEARD, NOW, arrive, fill, make_app

COPIED = "買了{}的氣炸鍋用不到一個月就冒煙，客服叫我自己付運費寄回去檢測，拖了三個禮拜退款也沒有下文"
SIGNAL = """INSERT INTO signals SELECT m.post, m.brand, 'complaint', 0, 4, 'refund', 'bench', m.counted_at
    FROM mentions m WHERE m.label = 'negative' AND m.post > ? ON CONFLICT DO NOTHING"""


def measure(number: int, brands: int, rounds: int, folder: Path) -> dict[str, object]:
    rng = random.Random(7)
    app = make_app(folder, brands, 9)
    db = app.open_store()
    fill(app, db, number, rng)
    with writing(db):
        db.execute(SIGNAL, [0])
    made = _make(app, db)
    jobs.process(app, db, NOW, Report())
    usual = [_round(app, db, NOW + BIN * (i + 1), i, rng, copies=False) for i in range(rounds)]
    copied = [_round(app, db, NOW + BIN * (rounds + i + 1), i, rng, copies=True) for i in range(10)]
    (most,) = db.execute("SELECT brand FROM complaints GROUP BY brand ORDER BY count(*) DESC LIMIT 1").fetchone()
    start = time.process_time()
    found = ledger(db, most, NOW - HEARD / 14, NOW, NOW)
    day = time.process_time() - start
    db.close()
    return {
        "posts": number, "made": made, "round": _told([ledger for ledger, _ in usual]),
        "copies": _told([ledger for ledger, _ in copied]), "stages": _told([stages for _, stages in usual]),
        "day": _3(day), "waiting": found.waiting, "to_answer": len(found.to_answer),
    }  # fmt: skip


def _make(app: App, db: Database) -> dict[str, object]:
    """Of all that is stored, in the portions that the stage makes of it; ``portion``: seconds that others wait."""
    portions, start = [], time.process_time()
    begun = time.perf_counter()
    while complaining.keep(app, db, NOW):
        portions.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"complaints": _count(db), "seconds": _3(seconds), "portion": _told(portions), "peak_mb": round(peak)}


def _round(app: App, db: Database, at: datetime, turn: int, rng: random.Random, *, copies: bool) -> tuple[float, float]:
    """CPU seconds of the ledger and of the other stages, for what one quarter brings."""
    name = list(app.brands)[turn % len(app.brands)]
    (before,) = db.execute("SELECT max(id) FROM posts").fetchone()
    if copies:
        text = COPIED.format(next(iter(app.brands)))
        _store(app, db, at, [Post("forum", f"c{at}-{i}", text, author=Author(f"c{at}-{i}"), published_at=at - BIN / 2)
                             for i in range(200)])  # fmt: skip
    else:
        arrive(app, db, at, turn, rng)
        _store(app, db, at, _talk(db, at, name))
    start = time.process_time()
    jobs.process(app, db, at, Report())
    middle = time.process_time()
    with writing(db):
        db.execute(SIGNAL, [before])
        db.execute("UPDATE posts SET own_brand = (SELECT brand FROM complaints ORDER BY id DESC LIMIT 1) "
                   "WHERE id > ? AND native_id LIKE 'own%'", [before])  # fmt: skip
    begin = time.process_time()
    jobs.ledger(app, db, at, Report())
    return time.process_time() - begin, middle - start


def _talk(db: Database, at: datetime, name: str) -> list[Post]:
    """Answers to the newest complaints, and what their authors say then."""
    rows = db.execute(
        """SELECT p.native_id FROM complaints c JOIN posts p ON p.id = c.post ORDER BY c.id DESC LIMIT 10"""
    ).fetchall()
    answers = [Post("forum", f"own{at}-{i}", "很抱歉，請私訊我們", author=Author("own"), parent=to, root=to,
                    published_at=at - BIN / 3) for i, (to,) in enumerate(rows)]  # fmt: skip
    said = [Post("forum", f"said{at}-{i}", f"{name}退款到了，謝謝客服", author=Author(f"n{i}"), parent=to, root=to,
                 published_at=at - BIN / 4) for i, (to,) in enumerate(rows)]  # fmt: skip
    return answers + said


def _store(app: App, db: Database, at: datetime, said: list[Post]) -> None:
    with writing(db):
        posts.add(db, said, posts.Arrival("forum", at, timedelta(hours=2)), app.author_key)


def _count(db: Database) -> int:
    return int(db.execute("SELECT count(*) FROM complaints").fetchone()[0])


def _told(values: list[float]) -> dict[str, float]:
    return {"median": _3(statistics.median(values)), "most": _3(max(values))}


def _3(value: float) -> float:
    return float(f"{value:.3g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--brands", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=12)
    args = parser.parse_args()
    for number in args.posts:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(number, args.brands, args.rounds, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
