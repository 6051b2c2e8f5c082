"""``train``: jargon is learned, chance is not, corrections alone flip nothing, and every refusal says why."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from monitor.errors import InputError
from monitor.model import Label
from monitor.sentiment import calibration, invented, labelled, ngrams
from monitor.sentiment.people import Labelled
from monitor.sentiment.training import Files, train

NEG, NEU, POS = Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE
BASE = (calibration.shipped_bytes(), ngrams.shipped_bytes())

JARGON = ("歪脖了", "又掉蓝了", "直接画圈", "这波属于咕噜", "开始熬粥了")
"""Complaint in words made up for this test: to the base they are nothing."""
PLAIN = ("周四更新", "在台北有活动", "出了新款", "发了公告", "改了名字")
TAILS = (
    "晚上看了一下",
    "群里在说",
    "朋友发来的",
    "路过店里看到",
    "刚刚刷到",
    "第{n}天",
    "版本{n}",
    "记录一下",
    "在地铁上",
    "早上九点",
)
BAD = ("客服太差了，退钱", "质量垃圾，太失望", "又坏了，投诉无门，垃圾", "骗人的，气死")
GOOD = ("真的很好用，推荐", "非常满意，点赞", "音质很棒，喜欢", "太开心了，好评")


def said(heads: tuple[str, ...], label: Label, count: int, seed: str) -> list[Labelled]:
    rng = random.Random(seed)
    found = []
    for n in range(count):
        tail = "，".join(rng.sample(TAILS, 2)).replace("{n}", "一二三四五六七八九"[n % 9])
        found.append(
            Labelled(f"{rng.choice(('澄岚', '澄嵐', '官方'))}{rng.choice(heads)}，{tail}{'。' * (n % 3)}", label)
        )
    return found


def jargon_labels(count: int = 60) -> list[Labelled]:
    """Jargon that the base misses, and beside it what the base gets right."""
    return [
        *said(JARGON, NEG, count, "jargon"),
        *said(PLAIN, NEU, count, "plain"),
        *said(BAD, NEG, count // 2, "bad"),
        *said(GOOD, POS, count // 2, "good"),
    ]


def p_negative(files: Files, texts: list[str]) -> np.ndarray:
    """As ``Scorer`` reckons it from these files."""
    read, weights = calibration.read(files[0]), ngrams.read(files[1])
    assert read.ngrams == hashlib.sha256(files[1]).hexdigest()
    scored = labelled.scored_set("", "", [(text, labelled.for_scoring(text), "") for text in texts])
    sums = weights.sums([labelled.fold_text(labelled.for_scoring(text)) for text in texts])
    return np.array([read.p_negative(values, each) for values, each in zip(scored.values.tolist(), sums, strict=True)])


def share_called(files: Files, texts: list[str]) -> float:
    return float((p_negative(files, texts) >= calibration.read(files[0]).negative).mean())


def texts_of(heads: tuple[str, ...], seed: str = "unseen") -> list[str]:
    return [each.text for each in said(heads, NEG, 80, seed)]


def test_jargon_is_learned_and_the_base_is_kept() -> None:
    made = train(jargon_labels(100), BASE)
    assert made.better, made.reason
    assert made.kind == "refit"
    assert made.gain > made.error > 0
    assert made.reason.startswith("better: the log loss falls by ")
    assert made.files is not None
    assert share_called(BASE, texts_of(JARGON)) < 0.2
    assert share_called(made.files, texts_of(JARGON)) > 0.9
    for heads, most in ((PLAIN, 0.05), (GOOD, 0.0)):
        assert share_called(made.files, texts_of(heads)) <= most
    assert share_called(made.files, texts_of(BAD)) == 1
    far = [text for text, _ in invented.sentences(200)]
    assert np.abs(p_negative(made.files, far) - p_negative(BASE, far)).mean() < 0.05


def test_the_table_shows_before_and_after_twice() -> None:
    made = train(jargon_labels(), BASE)
    assert [(row.name, row.model) for row in made.rows] == [
        (name, model) for name in ("weighed", "as labelled") for model in ("before", "after")
    ]
    before, after, before_raw, after_raw = made.rows
    assert before.log_loss - after.log_loss == pytest.approx(made.gain)
    assert (after.macro_f1, after.recall, after.auc) > (before.macro_f1, before.recall, before.auc)
    assert after_raw.recall > before_raw.recall
    assert (after.negative, after.neutral, after.positive) == tuple(made.labels[each.value] for each in (NEG, NEU, POS))


def test_the_files_say_what_they_came_from() -> None:
    made = train([*jargon_labels(), Labelled("嗯", Label.UNSURE)], BASE)
    assert made.files is not None
    fields, base = json.loads(made.files[0]), json.loads(BASE[0])
    assert fields["kind"] == "refit"
    assert fields["base"] == hashlib.sha256(BASE[0]).hexdigest()
    assert fields["labels"] == dict(made.labels)
    assert fields["left_out"] == dict(made.left_out) != {}
    assert made.left_out["not judged"] == 1
    for kept in ("number", "prior", "bands", "features", "fitted_on"):
        assert fields[kept] == base[kept]
    again = train(jargon_labels(), made.files)
    assert (again.better, again.files) == (False, None)
    assert again.reason == "the base was itself trained from labels: train from the shipped model"


def test_the_same_labels_give_the_same_bytes() -> None:
    assert train(jargon_labels(), BASE) == train(jargon_labels(), BASE)


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_labels_are_refused(seed: int) -> None:
    given = jargon_labels()
    labels = [each.label for each in given]
    random.Random(seed).shuffle(labels)
    made = train([replace(each, label=label) for each, label in zip(given, labels, strict=True)], BASE)
    assert not made.better
    assert made.files is None
    assert made.reason.startswith("refused: ")


def corrections() -> list[Labelled]:
    """Every label says that the model is wrong: jargon that it misses, and praise that it takes for complaint."""
    praise = ("这质量不骂不行，差得离谱才怪", "谁说客服垃圾，退钱的都后悔", "气死别家，坏不了")
    return [*said(JARGON, NEG, 80, "jargon"), *said(praise, POS, 40, "praise")]


def test_corrections_alone_are_refused_and_told_what_is_missing() -> None:
    called = p_negative(BASE, [each.text for each in corrections()]) >= 0.41
    wrong = [each for each, is_called in zip(corrections(), called, strict=True) if is_called != (each.label is NEG)]
    assert {each.label for each in wrong} == {NEG, POS}
    made = train(wrong, BASE)
    assert (made.better, made.kind, made.files, made.rows) == (False, "", None, ())
    assert "correct the model: confirm at least 5 posts that it calls the same and gets right" in made.reason


def test_labels_that_are_mostly_corrections_do_not_move_the_prior() -> None:
    """The share called negative in a stream that no label speaks of stays where it was."""
    given = [*said(JARGON, NEG, 400, "jargon"), *said(PLAIN, NEU, 70, "plain"), *said(BAD, NEG, 10, "bad")]
    made = train(given, BASE)
    assert made.better, made.reason
    assert made.files is not None
    far = [text for text, _ in invented.sentences(300)]
    assert p_negative(made.files, far).mean() == pytest.approx(p_negative(BASE, far).mean(), abs=0.05)
    assert share_called(made.files, texts_of(PLAIN)) < 0.1
    weighed = made.rows[1]
    assert weighed.negative > 5 * weighed.neutral
    assert weighed.calibration_error < 0.15


def test_mostly_corrections_are_no_random_sample() -> None:
    given = [*said(JARGON, NEG, 100, "jargon"), *said(PLAIN, NEU, 70, "plain")]
    made = train(given, BASE, sample=True)
    assert not made.better
    assert "so they are hardly a random sample" in made.reason


def test_a_random_sample_may_move_the_constant() -> None:
    """Posts that the base finds worse than they are, judged as a whole: fewer are called afterwards."""
    heads = ("无人反对", "的抱怨贴被删了", "输了比赛", "说别家垃圾", "讲了坏人的故事")
    given = [*said(heads, NEU, 60, "calm"), *said(BAD, NEG, 60, "bad"), *said(PLAIN, NEU, 60, "plain")]
    made = train(given, BASE, sample=True)
    assert made.better, made.reason
    assert made.files is not None
    assert share_called(made.files, texts_of(heads)) < share_called(BASE, texts_of(heads)) / 2
    assert share_called(made.files, texts_of(BAD)) == 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "0 labels to learn from; at least 40 different posts are needed"),
        (said(JARGON, NEG, 5, "few"), "5 labels to learn from; at least 40 different posts are needed"),
        ([Labelled("澄岚又歪脖了", NEG)] * 100, "1 labels to learn from; at least 40 different posts are needed"),
        (
            [replace(each, group="one") for each in said(JARGON, NEG, 100, "copies")],
            "1 labels to learn from; at least 40 different posts are needed",
        ),
        (said(JARGON, NEG, 50, "one"), "50 of 50 labels are negative; at least 8 must be, and 8 must not"),
        (said(PLAIN, NEU, 50, "one"), "0 of 50 labels are negative; at least 8 must be, and 8 must not"),
        (
            [*said(BAD, NEG, 30, "bad"), *said(GOOD, POS, 30, "good")],
            "the model is right about every label: there is nothing to learn",
        ),
        (
            [*said(JARGON, NEG, 60, "jargon"), *said(PLAIN, NEU, 9, "plain")],
            "68 labels, 59 of them corrections, are worth 11 posts of a stream, not 30: confirm more posts that the "
            "model gets right",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_the_reason(given: list[Labelled], reason: str) -> None:
    made = train(given, BASE)
    assert (made.better, made.kind, made.rows, made.files) == (False, "", (), None)
    assert made.reason == reason


def test_a_label_that_was_changed_counts_as_it_is_now() -> None:
    given = jargon_labels()
    wrong_first = [replace(each, label=POS if each.label is NEG else NEG) for each in given]
    again, once = train([*wrong_first, *given], BASE), train(given, BASE)
    assert again.rows[1].log_loss == once.rows[1].log_loss
    assert again.labels == once.labels
    assert again.files is not None
    assert once.files is not None
    assert again.files[1] == once.files[1]
    assert again.left_out["labelled again"] >= len(given)


def test_copies_labelled_differently_are_borne() -> None:
    given = jargon_labels()
    both = [replace(each, group=f"g{n}", text=each.text + "，真的") for n, each in enumerate(given[:40])]
    other = [replace(each, label=NEU, text=each.text + "，真的吗") for each in both]
    assert train([*given, *both, *other], BASE).reason


def test_hostile_texts_are_borne() -> None:
    hostile = ["", "\x00", "\ud800差", "差" * 200_000, "//@某人:很差", "[怒]", "<script>差</script>", "abc", "\u202e差"]
    given = [Labelled(text, label) for text in hostile for label in Label]
    made = train([*given, *jargon_labels()], BASE)
    assert made.better, made.reason
    assert made.left_out["without Chinese"] == 4 * 3


def test_a_base_that_does_not_fit_together_is_named() -> None:
    other = ngrams.written(np.zeros((1 << ngrams.BITS, 2), np.int8))
    with pytest.raises(InputError, match=r"not the weights that calibration\.json was fitted with"):
        train(jargon_labels(), (BASE[0], other))
    with pytest.raises(InputError, match="not a calibration file"):
        train(jargon_labels(), (b"{", BASE[1]))


def test_no_weight_is_lost_in_rounding() -> None:
    """A run that labels moved farther than any of the base's widens the unit; the rest keeps its sums to a tenth."""
    made = train(jargon_labels(200), BASE)
    assert made.files is not None
    fields, base = json.loads(made.files[0]), json.loads(BASE[0])
    table, before = (ngrams.read(files[1]).table[:, 0].astype(float) for files in (made.files, BASE))
    unit, unit_before = fields["negative_weights"][-1], base["negative_weights"][-1]
    assert np.abs(table).max() == 127
    slope = fields["negative_weights"][8] / base["negative_weights"][8]
    untouched = np.abs(table * unit - before * unit_before * slope) <= unit / 2 + 1e-6
    assert 0.9 < untouched.mean() < 1


def alone_labels() -> list[Labelled]:
    return [
        *said(JARGON, NEG, 200, "jargon"),
        *said(PLAIN, NEU, 100, "plain"),
        *said(BAD, NEG, 60, "bad"),
        *said(GOOD, POS, 200, "good"),
    ]


def test_from_labels_alone() -> None:
    made = train(alone_labels(), BASE, alone=True)
    assert made.better, made.reason
    assert made.kind == "alone"
    assert made.files is not None
    fields = json.loads(made.files[0])
    assert (fields["kind"], fields["base"]) == ("alone", "")
    assert fields["fitted_on"] == {"labels": dict(made.labels)}
    assert share_called(made.files, texts_of(JARGON)) > 0.9
    assert share_called(made.files, texts_of(PLAIN)) < 0.1
    far = ngrams.buckets(["从来没有人写过的一句话"])[0]
    assert np.count_nonzero(ngrams.read(made.files[1]).table[far]) < len(far) / 2
    assert train(alone_labels(), BASE, alone=True) == made


def test_alone_needs_more() -> None:
    made = train(jargon_labels(), BASE, alone=True)
    assert (made.better, made.files) == (False, None)
    assert made.reason.endswith(
        "a model from labels alone needs 400, 80 of each of these two: a run of characters counts only from 8 texts on"
    )


def test_two_thousand_labels_in_less_than_a_gigabyte() -> None:
    """In a process of its own. Not by ru_maxrss: a child begins with its parent's."""
    code = (
        "from pathlib import Path\n"
        "from tests.monitor.sentiment.test_training import BASE, jargon_labels\n"
        "from monitor.sentiment.training import train\n"
        "assert train(jargon_labels(700), BASE).better\n"
        "peak, = [row for row in Path('/proc/self/status').read_text().splitlines() if row.startswith('VmHWM')]\n"
        "print(int(peak.split()[1]) // 1024)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 1000
