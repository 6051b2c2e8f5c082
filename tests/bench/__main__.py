"""``make bench``: every benchmark that needs no outside data, each in a process of its own, one after the other.

Speed is never asserted; each prints a ratio to a named alternative measured in the same run. Those on labelled data
take a folder: ``python tests/bench/sentiment_speed.py DIR``; so do ``sentiment_identity.py``,
``sentiment_domains.py``, ``sentiment_training.py``, ``python -m tests.bench.blame DIR``,
``python -m tests.bench.signals DIR`` and ``python -m tests.bench.stories DIR``.
"""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

from monitor.demo.world import SEED, world

HERE = Path(__file__).parent


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        invented = Path(folder) / "demo.csv.gz"
        with gzip.open(invented, "wt", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["text", "label"])
            writer.writerows([item.text, ""] for item in world(SEED))
        worst = 0
        for title, words in {
            "spike detector against a rolling mean + 3 sd": ["-m", "tests.bench.spikes_step"],
            "story-bursts on simulated storms of copies": ["-m", "tests.bench.bursts"],
            "early warnings on simulated engagement": ["-m", "tests.bench.takeoff"],
            "matching against an Aho-Corasick library alone": ["-m", "tests.bench.matching"],
            "a round of 100 slow sources against one after the other": ["-m", "tests.bench.cycle_sources"],
            "posts parsed a second, by source": ["-m", "tests.bench.parsers"],
            "replay of 20,000 posts against one plain pass": ["-m", "tests.bench.replay", "--posts", "20000"],
            "sentiment against SnowNLP": [str(HERE / "sentiment_speed.py"), folder],
        }.items():
            print(f"== {title}", flush=True)
            worst = max(worst, subprocess.run([sys.executable, *words], check=False).returncode)
    return worst


sys.exit(main())
