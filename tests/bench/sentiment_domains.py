"""How the calibration does on a domain it has not seen, beside raw SnowNLP.

``python tests/bench/sentiment_domains.py DIR [--per-set N] [--set NAME=DOMAIN ...]``: DIR as for
``monitor.sentiment.fit``. Sets of one domain leave the training together. Negative against the rest; "precision" is as
if the stream held the prior's share of negatives, "flagged" the share of neutral posts called negative. Raw SnowNLP
calls negative what it puts below .5. The last lines give the calibration error pooled over all sets.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from monitor.sentiment import fit

DOMAINS = {"smp_virus": "weibo", "covid7": "weibo", "weibo8mix": "weibo"}
HEADER = f"{'set':14s}{'model':>7s}{'n':>7s}{'macro-F1':>10s}{'AUC':>7s}{'precision':>11s}{'recall':>8s}{'flagged':>9s}"


def auc(p: fit.Floats, truth: np.ndarray) -> float:
    ranks, positives = rankdata(p), int(truth.sum())
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives)))


def macro_f1(called: np.ndarray, truth: np.ndarray) -> float:
    sides = [(called, truth), (~called, ~truth)]
    return float(np.mean([2 * (a & b).sum() / max(1, a.sum() + b.sum()) for a, b in sides]))


def figures(each: fit.LabelledSet, called: np.ndarray, p: fit.Floats) -> list[float]:
    """macro-F1, AUC, precision at the prior, recall, neutral flagged (nan without neutrals)."""
    truth = np.array([label == "negative" for label in each.labels])
    neutral = np.array([label == "neutral" for label in each.labels])
    rows = fit.row_weights(each.labels)
    precision = rows[called & truth].sum() / max(rows[called].sum(), 1e-12)
    flagged = called[neutral].mean() if neutral.any() else np.nan
    return [macro_f1(called, truth), auc(p, truth), float(precision), float(called[truth].mean()), float(flagged)]


def pooled_error(ps: fit.Floats, truths: np.ndarray, rows: fit.Floats) -> float:
    """Expected calibration error over ten bins of equal width, rows weighing as in the fit."""
    bins = np.minimum((ps * 10).astype(int), 9)
    gaps = [abs((rows[bins == b] * (ps - truths)[bins == b]).sum()) for b in range(10)]
    return float(sum(gaps) / rows.sum())


def held_out(sets: Sequence[fit.LabelledSet], each: fit.LabelledSet, domains: dict[str, str]) -> fit.Floats:
    """P(negative) for one set, by a fit that saw no set of its domain."""
    home = domains.get(each.name, each.name)
    weights = np.array(fit.fit_logistic([s for s in sets if domains.get(s.name, s.name) != home], "negative"))
    p: fit.Floats = 1 / (1 + np.exp(-(weights[0] + each.values @ weights[1:])))
    return p


def report(sets: Sequence[fit.LabelledSet], domains: dict[str, str]) -> None:
    print(HEADER)
    tables: dict[str, list[list[float]]] = {"ours": [], "raw": []}
    pooled = []
    for each in sets:
        p = held_out(sets, each, domains)
        raw = 1 - each.snownlp
        pooled.append((p, np.array([label == "negative" for label in each.labels]), fit.row_weights(each.labels), raw))
        for model, called, ps in (("ours", p >= fit.BANDS["negative"], p), ("raw", raw > 0.5, raw)):
            tables[model].append(figures(each, called, ps))
            show(each.name, model, len(each.labels), tables[model][-1])
    for model, rows in tables.items():
        show("mean", model, sum(len(s.labels) for s in sets), list(np.nanmean(np.array(rows), axis=0)))
    ps, truths, rows_, raws = (np.concatenate(column) for column in zip(*pooled, strict=True))
    errors = pooled_error(ps, truths, rows_), pooled_error(raws, truths, rows_)
    print(f"pooled calibration error: ours {errors[0]:.3f}, raw {errors[1]:.3f}")


def show(name: str, model: str, count: int, row: list[float]) -> None:
    f1, area, precision, recall, flagged = row
    print(f"{name:14s}{model:>7s}{count:7d}{f1:10.3f}{area:7.3f}{precision:11.3f}{recall:8.3f}{flagged:9.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Leave-one-domain-out figures of the calibration, beside raw SnowNLP.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--per-set", type=int, default=2000)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=DOMAIN", help="put a set into a domain")
    chosen = parser.parse_args()
    report(fit.read_sets(chosen.folder, chosen.per_set), DOMAINS | dict(pair.split("=", 1) for pair in chosen.set))


if __name__ == "__main__":
    main()
