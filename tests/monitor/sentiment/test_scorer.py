"""Scorer: SnowNLP's number as it is, P(negative), bands, and texts that hold nothing to score."""

from __future__ import annotations

import hashlib
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snownlp import SnowNLP

from monitor.errors import InputError
from monitor.model import Label, Score
from monitor.sentiment import UNSCORED, Scorer, calibration, lexicon, ngrams
from monitor.sentiment.features import NAMES, feature_values
from monitor.sentiment.model_files import ModelFiles
from monitor.text import for_scoring
from tests.standin import make_app

NO_SUMS = (0.0, 0.0)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


@pytest.mark.parametrize(
    "text",
    [
        "澄岚耳机充电时发烫，客服三天不回，太失望了！",
        "澄嵐的客服態度超好，推推",
        "這間公司是詐騙集團",
        "回复 @某人 :差评[怒] https://t.cn/abc",
        "好",
        "差" * 5000,
        "雨天路滑" * 3000,
    ],
)
def test_snownlp_is_snownlps_own_number(scorer: Scorer, text: str) -> None:
    assert scorer.score(text).snownlp == SnowNLP(for_scoring(text)).sentiments


@pytest.mark.parametrize(
    "text", ["", " \n", "😡😡", "[怒]", "。。。！", "http://a.example/x", "good", "ラーメン", "\x00\ud800", "锟"[:0]]
)
def test_without_han_there_is_no_score(scorer: Scorer, text: str) -> None:
    assert scorer.score(text) == UNSCORED == Score(None, None, Label.UNSCORED)


def test_what_is_added_to_a_repost_is_told_apart_in_a_few_words(scorer: Scorer) -> None:
    angry = scorer.score_many(
        ["爛透了", "太過分了", "氣死", "太誇張了吧", "無言", "這家公司真的很爛", "不要臉", "騙人"]
    )
    amused = scorer.score_many(["笑死", "笑死我了", "哈哈哈哈", "太好笑了吧", "神回覆", "有梗", "轉給你看", "大家看看"])
    assert sum(score.label is Label.NEGATIVE for score in angry) >= len(angry) * 3 / 4
    assert not any(score.label is Label.NEGATIVE for score in amused)


@pytest.mark.parametrize("value", [None, b"\xe5\xb7\xae", 5])
def test_what_is_no_text_is_unscored(scorer: Scorer, value: object) -> None:
    assert scorer.score(value) == UNSCORED  # type: ignore[arg-type]


def test_one_megabyte_of_one_character(scorer: Scorer) -> None:
    assert scorer.score("差" * 1_000_000).label is not Label.UNSCORED
    assert scorer.score("a" * 1_000_000) == UNSCORED


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=40))
def test_any_text_has_a_label(scorer: Scorer, text: str) -> None:
    score = scorer.score(text)
    if score.label is Label.UNSCORED:
        assert score == UNSCORED
    else:
        assert 0 <= score.snownlp <= 1  # type: ignore[operator]
        assert 0 < score.p_negative < 1  # type: ignore[operator]


def test_many_are_scored_as_one_by_one_and_in_order(scorer: Scorer) -> None:
    texts = ["质量太差，退钱", "", "非常满意", "[怒]", "發貨很慢，客服不理人😡"] * 3
    assert scorer.score_many(texts) == [scorer.score(text) for text in texts]
    assert scorer.score_many([]) == []


def test_the_plain_cases_fall_on_their_side(scorer: Scorer) -> None:
    bad = scorer.score("质量太差了，客服态度恶劣，退货还不给退钱，垃圾😡[怒]")
    good = scorer.score("非常好用，质量很棒，客服热情，推荐大家购买👍[赞]")
    assert (bad.label, good.label) == (Label.NEGATIVE, Label.POSITIVE)
    assert bad.p_negative > good.p_negative  # type: ignore[operator]


def test_an_angry_emoji_weighs(scorer: Scorer) -> None:
    with_it, without = scorer.score("你们的手机又重启了😡"), scorer.score("你们的手机又重启了")
    assert with_it.snownlp != without.snownlp or with_it.p_negative != without.p_negative
    assert with_it.p_negative > without.p_negative  # type: ignore[operator]


def test_features() -> None:
    values = dict(
        zip(NAMES, feature_values("太差了[2024某游戏_怒][微笑]？", "太差了？", "太差了?", 0.5, 4), strict=True)
    )
    assert {name: value for name, value in values.items() if value} == {
        "angry": 1.0,
        "wry": 1.0,
        "asks": 1.0,
        "log_length": math.log(4) - 3.3,
        "log_bad": math.log(2),
        "log_scorn": math.log(2),
        "balance": 0.5,
        "bad_density": pytest.approx(1 / 1.5),
    }


def test_a_text_without_a_judging_word_or_sign_is_plain() -> None:
    values = dict(zip(NAMES, feature_values("门", "门", "门", 1.0, 4), strict=True))
    assert values["plain"] == 1
    assert values["logit_if_plain"] == values["logit_per_root_word"] == pytest.approx(math.log((1 - 1e-9) / 1e-9) / 2)


def bands(**changes: object) -> calibration.Calibration:
    fields = json.loads(calibration.shipped_bytes())
    weights = [0.0, 1.0] + [0.0] * len(NAMES)
    fields |= {"negative_weights": [-w for w in weights], "positive_weights": weights}
    fields["bands"] = {"negative": 0.6, "unsure": 0.5, "positive": 0.7}
    return calibration.read(json.dumps(fields | changes).encode())


@pytest.mark.parametrize(
    ("logit", "label"),
    [(-5.0, Label.NEGATIVE), (-0.2, Label.UNSURE), (0.0, Label.UNSURE), (0.2, Label.NEUTRAL), (5.0, Label.POSITIVE)],
)
def test_bands(logit: float, label: Label) -> None:
    values = [logit] + [0.0] * (len(NAMES) - 1)
    chosen = bands()
    assert chosen.label(chosen.p_negative(values, NO_SUMS), values, NO_SUMS) is label


def test_no_text_is_certain() -> None:
    sure, unsure = ([logit] + [0.0] * (len(NAMES) - 1) for logit in (-1e6, 1e6))
    assert 0 < bands().p_negative(unsure, NO_SUMS) < 1e-5
    assert 1 - 1e-5 < bands().p_negative(sure, NO_SUMS) < 1


def test_the_sum_of_runs_weighs() -> None:
    weights = [0.0] * (len(NAMES) + 1)
    chosen = bands(negative_weights=[*weights, 2.0], positive_weights=[*weights, 3.0])
    values = [0.0] * len(NAMES)
    assert chosen.p_negative(values, (0.5, 9.0)) == pytest.approx(1 / (1 + math.exp(-1)))
    assert chosen.label(0.1, values, (9.0, 1.0)) is Label.POSITIVE
    assert chosen.label(0.1, values, (9.0, -1.0)) is Label.NEUTRAL


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "x.json: not a calibration file (JSONDecodeError)"),
        (b"{}", "x.json: not a calibration file (KeyError)"),
        (
            json.dumps(json.loads(calibration.shipped_bytes()) | {"positive_weights": [1.0]}).encode(),
            "x.json: not as many weights as there are features",
        ),
        (b'{"features": ["other"]}', "x.json: fitted on other features than this version computes"),
    ],
)
def test_a_wrong_calibration_is_one_line(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        calibration.read(data, "x.json")
    assert str(error.value) == message


def test_version_follows_the_numbers(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scorer.version.startswith("snownlp-0.12.3+cal-3+")
    assert Scorer().version == scorer.version
    changed = calibration.shipped_bytes().replace(b'"prior"', b' "prior"')
    monkeypatch.setattr(calibration, "shipped_bytes", lambda: changed)
    assert Scorer().version != scorer.version


def test_other_weights_are_another_version(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    with np.load(io.BytesIO(ngrams.shipped_bytes()), allow_pickle=False) as arrays:
        table = arrays["weights"]
    table[0] += 1
    other = ngrams.written(table)
    monkeypatch.setattr(ngrams, "shipped_bytes", lambda: other)
    with pytest.raises(InputError, match=r"not the weights that calibration\.json was fitted with"):
        Scorer()
    fields = json.loads(calibration.shipped_bytes()) | {"ngrams": hashlib.sha256(other).hexdigest()}
    monkeypatch.setattr(calibration, "shipped_bytes", lambda: json.dumps(fields).encode())
    assert Scorer().version != scorer.version


def test_other_words_are_another_version(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = lexicon.lexicon_bytes() + b"bad: x\n"
    monkeypatch.setattr(lexicon, "lexicon_bytes", lambda: changed)
    assert Scorer().version != scorer.version


def test_import_is_light() -> None:
    code = "import sys, monitor.sentiment; print({'numpy', 'scipy', 'snownlp', 'opencc'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_config_may_name_a_model_of_ones_own(small_model: ModelFiles, tmp_path: Path) -> None:
    tables = {"segmenter": str(small_model.segmenter), "classifier": str(small_model.classifier)}
    app = make_app(tmp_path, sentiment=tables)
    app.__dict__.pop("scorer")
    text = "服务很差"
    assert app.scorer.version != Scorer().version
    assert app.scorer.score(text).snownlp == Scorer(small_model).score(text).snownlp
