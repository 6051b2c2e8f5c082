"""How much faster than SnowNLP: ``python tests/bench/sentiment_speed.py DIR... [--runs]``.

Ratios of CPU time on the same texts in the same run, single process, warm, median of three rounds that alternate:
the fast engine alone on the very strings SnowNLP gets, and the whole ``Scorer`` (cleaning, OpenCC, calibration) on
the posts. Then, each in a process of its own: from start to the first score, against importing SnowNLP; and peak
memory of scoring 100,000 rows (read from /proc, so on Linux). ``--runs`` prints instead what SnowNLP needs per
character in unbroken runs.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
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

START = "import time; {}; print(time.process_time())"
FIRST_SCORE = "from monitor.sentiment import Scorer; Scorer().score('客服太差了，退钱')"
MEMORY = r"""
import io, re
from monitor.sentiment import Scorer
from monitor.sentiment.files import score_lines
rows = ("第%d次买，客服态度很差，发货慢，不过音质还可以，价格也合适\n" % n for n in range(100_000))
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
    print(f"{name:34s}{len(fed):6d}{chars:7.0f}{len(fed) / base:9.0f}{ratios[0]:8.0f}x{ratios[1]:8.0f}x", flush=True)


def in_own_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def start_up() -> None:
    in_own_process(FIRST_SCORE)  # the tables are in the cache from here on
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(float(in_own_process(START.format(FIRST_SCORE))))
        theirs.append(float(in_own_process(START.format("import snownlp"))))
    first, imported = statistics.median(ours), statistics.median(theirs)
    print(f"start to first score {first:.2f} s of CPU; importing SnowNLP {imported:.2f} s: {imported / first:.1f}x")


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
    parser.add_argument("--runs", action="store_true")
    chosen = parser.parse_args()
    if chosen.runs:
        return han_runs()
    print(f"{'corpus':34s}{'texts':>6s}{'chars':>7s}{'SnowNLP/s':>9s}{'fast':>9s}{'whole':>9s}")
    for name, posts in corpora(chosen.folders, chosen.each):
        compare(name, posts)
    long = [text for _, posts in corpora(chosen.folders, 10_000) for text in posts if len(text) > LONG][:150]
    if long:
        compare(f"over {LONG} characters", long)
    start_up()
    rows, peak = in_own_process(MEMORY).split()
    print(f"peak memory of scoring {rows} rows: {float(peak):.0f} MB")


if __name__ == "__main__":
    main()
