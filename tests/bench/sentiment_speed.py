"""How much faster than SnowNLP: ``python tests/bench/sentiment_speed.py DIR... [--runs]``.

Ratios of CPU time on the same texts in the same run, single process, warm, median of three rounds that alternate:
the fast engine alone on the very strings SnowNLP gets, and the whole ``Scorer`` (cleaning, OpenCC, calibration) on
the posts; the last column is the engine's share of the whole. Then, each in a process of its own: from start to the
first score, against importing SnowNLP (CPU of the whole process, least of five); and peak memory of scoring rows, with
the tables in the cache and without (read from /proc, so on Linux). ``--rows`` says how many. ``--runs`` prints instead
what SnowNLP needs per character in unbroken runs.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sentiment_texts import corpora
from snownlp import SnowNLP

from monitor.sentiment import Scorer
from monitor.sentiment.engine import open_engine
from monitor.sentiment.model_files import ModelFiles
from monitor.text import for_scoring

ROUNDS = 3
LONG = 500

STARTS = 5
FIRST_SCORE = "from monitor.sentiment import Scorer; Scorer().score('客服太差了，退钱')"
MEMORY = r"""
import io, re, sys
from monitor.sentiment import Scorer
from monitor.sentiment.files import score_lines
rows = ("第%d次买，客服态度很差，发货慢，不过音质还可以，价格也合适\n" % n for n in range(int(sys.argv[1])))
class Rows(io.RawIOBase):
    left = b"text\n"
    def readable(self):
        return True
    def readinto(self, buffer):
        while len(self.left) < len(buffer) and (row := next(rows, None)):
            self.left += row.encode()
        piece, self.left = self.left[:len(buffer)], self.left[len(buffer):]
        buffer[:len(piece)] = piece
        return len(piece)
count = sum(1 for _ in score_lines(io.BufferedReader(Rows()), name="rows", scorer=Scorer()))
peak = re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1]  # ru_maxrss would count the parent's
print(count, int(peak) / 1024)
"""


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(name: str, posts: list[str]) -> None:
    engine, scorer = open_engine(ModelFiles.installed()), Scorer()
    fed = [text for post in posts if (text := for_scoring(post))]
    plain, fast, whole = [], [], []
    for _ in range(ROUNDS):
        plain.append(cpu(lambda: [SnowNLP(text).sentiments for text in fed]))
        fast.append(cpu(lambda: engine.score_many(fed)))
        whole.append(cpu(lambda: scorer.score_many(posts)))
    base = statistics.median(plain)
    chars = sum(map(len, fed)) / max(1, len(fed))
    ratios = [base / statistics.median(each) for each in (fast, whole)]
    share = statistics.median(fast) / statistics.median(whole)
    print(
        f"{name:34s}{len(fed):6d}{chars:7.0f}{len(fed) / base:9.0f}{ratios[0]:8.0f}x{ratios[1]:8.0f}x{share:8.0%}",
        flush=True,
    )


def child_cpu(*words: str) -> float:
    """User and system time of a process, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def start_up() -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.csv"
        one.write_text("text\n客服太差了，退钱\n", encoding="utf-8")
        starts = {
            "importing SnowNLP": ["-c", "import snownlp"],
            "Scorer().score": ["-c", FIRST_SCORE],
            "qianli score one.csv": ["-m", "monitor", "score", str(one)],
        }
        for words in starts.values():  # the tables are in the cache from here on
            child_cpu(*words)
        spent: dict[str, list[float]] = {name: [] for name in starts}
        for _ in range(STARTS):
            for name, words in starts.items():
                spent[name].append(child_cpu(*words))
    least = {name: min(each) for name, each in spent.items()}
    for name, seconds in least.items():
        print(f"start: {name:24s}{seconds:6.2f} s of CPU {least['importing SnowNLP'] / seconds:6.1f}x")


def memory(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for cache, home in (("with the cache", None), ("without", folder)):
            env = {**os.environ, **({"XDG_CACHE_HOME": home} if home else {})}
            done = subprocess.run(
                [sys.executable, "-c", MEMORY, str(rows)], capture_output=True, text=True, check=True, env=env
            )
            count, peak = done.stdout.split()
            print(f"peak memory of scoring {count} rows {cache}: {float(peak):.0f} MB")


def han_runs() -> None:
    text = "".join(chr(0x4E00 + n * 7 % 5000) for n in range(6400))
    for size in (25, 50, 100, 200, 400, 800, 1600, 3200, 6400):
        pieces = [text[n : n + size] for n in range(0, len(text), size)]
        spent = cpu(lambda pieces=pieces: [SnowNLP(piece).sentiments for piece in pieces])  # type: ignore[misc]
        print(f"runs of {size:5d} Han characters: {spent / len(text) * 1e6:6.0f} microseconds a character")


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of scoring against SnowNLP on the same texts.")
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR")
    parser.add_argument("--each", type=int, default=1000, help="texts of each corpus (default 1000)")
    parser.add_argument("--rows", type=int, default=100_000, help="of the measurement of memory (default 100,000)")
    parser.add_argument("--runs", action="store_true")
    chosen = parser.parse_args()
    if chosen.runs:
        return han_runs()
    print(f"{'corpus':34s}{'texts':>6s}{'chars':>7s}{'SnowNLP/s':>9s}{'fast':>9s}{'whole':>9s}{'share':>8s}")
    for name, posts in corpora(chosen.folders, chosen.each):
        compare(name, posts)
    long = [text for _, posts in corpora(chosen.folders, 10_000) for text in posts if len(text) > LONG][:150]
    if long:
        compare(f"over {LONG} characters", long)
    start_up()
    memory(chosen.rows)


if __name__ == "__main__":
    main()
