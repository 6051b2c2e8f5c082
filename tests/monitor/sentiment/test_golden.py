"""What the shipped weights say of invented texts: a change here is another model and needs its number."""

from __future__ import annotations

import pytest

from monitor.sentiment import UNSCORED, Scorer

# The wry praise is one the model gets wrong; it is here to be seen.
GOLDEN = [
    ("澄岚耳机用了三天左耳就没声音，客服不理人，退钱！", 0.000106, 0.955711, "negative"),
    ("澄嵐的售後真的很雷，修了兩次還是壞的", 0.301351, 0.850987, "negative"),
    ("花三萬買這個根本當盤子，離譜", 0.022095, 0.933674, "negative"),
    ("澄岚今日发布新款无线耳机，售价七百九十九元", 0.923738, 0.099403, "neutral"),
    ("請問這間店的營業時間到幾點", 0.015285, 0.182590, "neutral"),
    ("澄岚的耳机会不会召回？", 0.254193, 0.222875, "neutral"),
    ("质量很好，物流也快，推荐给大家", 0.919345, 0.010378, "positive"),
    ("這家真的好吃，下次還會再來", 0.419830, 0.013602, "positive"),
    ("今天大盘低开高走，成交量略有放大", 0.948796, 0.032864, "neutral"),
    ("又跌停了，被套得死死的，垃圾公司[怒]", 0.030223, 0.989817, "negative"),
    ("没有异味，一点都不卡，比上一代好用", 0.957363, 0.087685, "positive"),
    ("呵呵，这就是你们的高端品质🙂", 0.856581, 0.264707, "unsure"),
    ("转发抽奖，抽三位送手表一只", 0.047093, 0.192084, "neutral"),
    ("澄嵐工廠起火，三人受傷送醫", 0.978768, 0.346810, "unsure"),
]


def test_golden_scores() -> None:
    scores = Scorer().score_many([text for text, *_ in GOLDEN])
    for (text, snownlp, p_negative, label), score in zip(GOLDEN, scores, strict=True):
        assert score.snownlp == pytest.approx(snownlp, abs=1e-6), text
        assert score.p_negative == pytest.approx(p_negative, abs=1e-6), text
        assert score.label.value == label, text


HOSTILE = [
    "差\x00评" * 3,
    "差\ud800\udfff评",
    "\u202e差评\u202c",
    "差" + "\u0301" * 500,
    "[" * 5_000 + "差",
    "不" * 20_000,
    "会不会" * 10_000,
    "差[" + "怒" * 25 + "]",
    "9" * 100_000 + "差",  # beyond what is scored: nothing to judge
    "\U0010ffff差\x02\x02",
    "😡" * 20_000 + "差",
]


def test_hostile_texts_have_a_score_of_their_own() -> None:
    scorer = Scorer()
    together = scorer.score_many(HOSTILE)
    assert together == [scorer.score(text) for text in HOSTILE]
    unscored = [text for text, score in zip(HOSTILE, together, strict=True) if score == UNSCORED]
    assert [text[0] for text in unscored] == ["9"]
    assert all(0 < (score.p_negative or 0.5) < 1 for score in together)


@pytest.mark.parametrize("other", ["澄嵐", "嵐澄", "青禾", "Chenglan"])
def test_another_name_hardly_moves_the_score(other: str) -> None:
    """The invented brand for another one: no text moves by more than a fifth, and all together by less than a tenth."""
    texts = [text for text, *_ in GOLDEN if "澄" in text]
    scorer = Scorer()
    before, after = (
        [score.p_negative or 0 for score in scorer.score_many(each)]
        for each in (texts, [text.replace("澄嵐", other).replace("澄岚", other) for text in texts])
    )
    moved = [a - b for a, b in zip(after, before, strict=True)]
    assert max(map(abs, moved)) < 0.2
    assert abs(sum(moved)) / len(moved) < 0.1
