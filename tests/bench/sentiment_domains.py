"""How the model does on a domain it has not seen, beside raw SnowNLP.

``python tests/bench/sentiment_domains.py DIR [--per-set N] [--set NAME=DOMAIN ...] [--traditional]``: DIR as for
``monitor.sentiment.fit``. Sets of one domain leave the training together; the invented sentences stay in it. Negative
against the rest. "precision" is that of the set as it is, "at .25" and "at .10" as if the stream held that share of
negatives, "flagged" the share of neutral posts called negative. Raw SnowNLP calls negative what it puts below .5. Then
the calibration error pooled over all sets; ``--traditional`` also turns each set into Traditional script (OpenCC's
s2twp), with the same weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import expit

from monitor.sentiment import fit, labelled
from monitor.sentiment.judging import auc, macro_f1, pooled_error, precision_at
from monitor.sentiment.labelled import Floats, LabelledSet
from monitor.text import for_scoring

COLUMNS = ("macro-F1", "AUC", "precision", "at .25", "at .10", "recall", "flagged")


def figures(each: LabelledSet, called: np.ndarray, p: Floats) -> list[float]:
    """One number for each of ``COLUMNS``; flagged is nan without neutrals."""
    truth = np.array([label == "negative" for label in each.labels])
    neutral = np.array([label == "neutral" for label in each.labels])
    rows = labelled.row_weights(each.labels)
    precision = float((called & truth).sum() / max(1, called.sum()))
    at = [precision_at(share, called, truth, rows) for share in (0.25, 0.1)]
    flagged = float(called[neutral].mean()) if neutral.any() else np.nan
    return [macro_f1(called, truth), auc(p, truth), precision, *at, float(called[truth].mean()), flagged]


def held_out(sets: Sequence[LabelledSet]) -> dict[str, fit.Linear]:
    """For each domain a fit that saw no set of it."""
    domains = sorted({each.domain for each in sets})
    invented = labelled.invented_set()
    return {home: fit.fit_linear([*(s for s in sets if s.domain != home), invented], "negative") for home in domains}


def report(sets: Sequence[LabelledSet], models: dict[str, fit.Linear]) -> None:
    print(f"{'set':14s}{'model':>7s}{'n':>7s}" + "".join(f"{column:>11s}" for column in COLUMNS))
    tables: dict[str, list[list[float]]] = {"ours": [], "raw": []}
    pooled = []
    for each in sets:
        p, raw = expit(models[each.domain].logits(each)), 1 - each.snownlp
        truth = np.array([label == "negative" for label in each.labels])
        pooled.append((p, truth, labelled.row_weights(each.labels), raw))
        for model, called, ps in (("ours", p >= fit.BANDS["negative"], p), ("raw", raw > 0.5, raw)):
            tables[model].append(figures(each, called, ps))
            show(each.name, model, len(each.labels), tables[model][-1])
    for model, rows in tables.items():
        show("mean", model, sum(len(s.labels) for s in sets), list(np.nanmean(np.array(rows), axis=0)))
    ps, truths, weights, raws = (np.concatenate(column) for column in zip(*pooled, strict=True))
    errors = pooled_error(ps, truths, weights), pooled_error(raws, truths, weights)
    print(f"pooled calibration error: ours {errors[0]:.3f}, raw {errors[1]:.3f}")


def show(name: str, model: str, count: int, row: Sequence[float]) -> None:
    print(f"{name:14s}{model:>7s}{count:7d}" + "".join(f"{value:11.3f}" for value in row), flush=True)


def traditional(folder: Path, per_set: int, domains: dict[str, str]) -> list[LabelledSet]:
    """The same choice of texts, each turned into Traditional script before it is cleaned."""
    from opencc import OpenCC

    convert = OpenCC("s2twp").convert
    sets = []
    for path in sorted(folder.glob("*.csv.gz")):
        name = path.name.removesuffix(".csv.gz")
        turned = [(convert(text), label) for text, _, label in labelled.read_texts(path, per_set)]
        made = [(text, for_scoring(text), label) for text, label in turned]
        sets.append(labelled.scored_set(name, domains.get(name, name), made))
    return sets


def main() -> None:
    parser = argparse.ArgumentParser(description="Leave-one-domain-out figures of the model, beside raw SnowNLP.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--per-set", type=int, default=6000)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=DOMAIN", help="put a set into a domain")
    parser.add_argument("--traditional", action="store_true", help="also judge the texts in Traditional script")
    chosen = parser.parse_args()
    domains = labelled.DOMAINS | dict(pair.split("=", 1) for pair in chosen.set)
    sets = labelled.read_sets(chosen.folder, chosen.per_set, domains)
    models = held_out(sets)
    report(sets, models)
    if chosen.traditional:
        print("the same texts in Traditional script")
        report(traditional(chosen.folder, chosen.per_set, domains), models)


if __name__ == "__main__":
    main()
