"""What ``train`` makes of labels, chosen well or badly, judged on posts that nobody labelled.

``python tests/bench/sentiment_training.py DIR NAME [--per-set N]``: DIR as for ``monitor.sentiment.fit``. The base is
fitted without the domain of the set NAME. Labels are drawn from that set: at random, or the base's mistakes 5 or 50
times as readily as what it got right. Two thousand others of its texts judge, weighed to a quarter negative: "P" is the
mean P(negative) there, "called" the share called negative. A line without figures: refused, and why.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.special import expit

from monitor.model import Label
from monitor.sentiment import calibration, fit, labelled, ngrams
from monitor.sentiment.judging import row
from monitor.sentiment.labelled import Floats, LabelledSet
from monitor.sentiment.people import Labelled
from monitor.sentiment.training import Files, train

COUNTS = (60, 200, 600, 2000)
ODDS = {"random": 1.0, "mistakes x5": 5.0, "mistakes x50": 50.0}
JUDGES = 2000


def p_negative(files: Files, each: LabelledSet) -> Floats:
    """As ``Scorer`` reckons it from these files."""
    weights = np.array(calibration.read(files[0]).negative_weights)
    sums = each.runs @ ngrams.read(files[1]).table[:, 0].astype(float)
    found: Floats = expit(weights[0] + each.values @ weights[1:-1] + weights[-1] * sums)
    return found


def figures(files: Files, judges: LabelledSet) -> str:
    p, rows = p_negative(files, judges), labelled.row_weights(judges.labels)
    called = p >= calibration.read(files[0]).negative
    found = row("", "", judges.labels, p, called, rows)
    return (f"macro-F1 {found.macro_f1:.3f}  AUC {found.auc:.3f}  precision {found.precision:.3f}  "
            f"recall {found.recall:.3f}  flagged {found.flagged:.3f}  cal. error {found.calibration_error:.3f}  "
            f"log loss {found.log_loss:.4f}  P {rows @ p:.3f}  called {rows[called].sum():.3f}")  # fmt: skip


def report(base: Files, texts: list[tuple[str, str, str]]) -> None:
    judges, pool = labelled.scored_set("judges", "", texts[-JUDGES:]), texts[:-JUDGES]
    called = p_negative(base, labelled.scored_set("pool", "", pool)) >= calibration.read(base[0]).negative
    wrong = called != np.array([label == "negative" for _, _, label in pool])
    print(f"base: {figures(base, judges)}", flush=True)
    rng = np.random.default_rng(1)
    for count in COUNTS:
        for how, odds in ODDS.items():
            chances = np.where(wrong, odds, 1.0)
            drawn = rng.choice(len(pool), count, replace=False, p=chances / chances.sum())
            labels = [Labelled(pool[place][0], Label(pool[place][2])) for place in drawn]
            for sample in (False, True):
                made = train(labels, base, sample=sample)
                found = figures(made.files, judges) if made.files else made.reason
                print(f"{count} {how}, {wrong[drawn].mean():.0%} mistakes{', as a sample' * sample}: "
                      f"{made.kind} {found}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Train on labels of an unseen domain; judge on other posts of it.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("name", metavar="NAME", help="the set whose domain the base has not seen")
    parser.add_argument("--per-set", type=int, default=6000)
    chosen = parser.parse_args()
    sets = labelled.read_sets(chosen.folder, chosen.per_set)
    domain = labelled.DOMAINS.get(chosen.name, chosen.name)
    base = fit.fit([*(each for each in sets if each.domain != domain), *labelled.own_sets(sets)])
    report(base, labelled.read_texts(chosen.folder / f"{chosen.name}.csv.gz", chosen.per_set))


if __name__ == "__main__":
    main()
