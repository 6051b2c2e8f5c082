"""The fast engine gives SnowNLP's number bit for bit, for SnowNLP's model and for others."""

from __future__ import annotations

import gzip
import logging
import marshal
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snownlp
from hypothesis import given, settings
from hypothesis import strategies as st
from opencc import OpenCC
from snownlp import SnowNLP

from monitor.sentiment import engine, segmenter, words
from monitor.sentiment import fast as fast_module
from monitor.sentiment.building import build
from monitor.sentiment.cache import tables_of
from monitor.sentiment.fast import Fast
from monitor.sentiment.model_files import ModelFiles
from monitor.sentiment.plain import Plain
from monitor.sentiment.tables import FIRST_HAN, LAST_HAN, Tables, UnknownModel, as_lines

PHRASES = re.findall(
    r"\w+",
    "澄岚耳机 充电时发烫 客服三天不回 太失望了 质量很差 退钱 音质很棒 推荐大家购买 物流快 包装精美 性价比高 再也不买了 "
    "今天到货 明天开箱 请问会不会召回 这是什么操作 笑死 绝了 离谱 踩雷 真香 还行吧 一般般 新款发布会 股价上涨 记者报道 "
    "负责人表示 正在调查 门店排队 第一次用 用了半年 电池不耐用 屏幕碎了 维修要钱 态度恶劣 服务周到 五星好评 垃圾东西",
)
MARKS = [
    *"，。！？…、～ \n",
    "!!",
    "[怒]",
    "😡",
    "👍🏽",
    "APP",
    "iPhone 15",
    "http://t.cn/abc",
    "@某人",
    "#新品#",
    "é",
    "ｱ",
    "\u3000",
]
MOJIBAKE = ["锟斤拷", "烫烫烫", "ä½\xa0å¥½", "\ufffd\ufffd", "æ¾„åµ", "\x00", "\ud800", "\x1c"]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return tables_of(ModelFiles.installed())


@pytest.fixture(scope="module")
def quick(tables: Tables) -> Fast:
    return Fast(tables)


def real(text: str) -> float:
    number: float = SnowNLP(text).sentiments
    return number


def differing(quick: Fast, texts: Sequence[str]) -> list[str]:
    return [t for t, (number, _) in zip(texts, quick.score_many(texts), strict=True) if number != real(t)]


def sentence(rng: random.Random) -> str:
    return "".join(rng.choice(PHRASES) + rng.choice(["", *MARKS]) for _ in range(rng.randint(1, 5)))


def han(rng: random.Random) -> str:
    return chr(rng.randint(FIRST_HAN, LAST_HAN))


to_traditional = OpenCC("s2twp").convert
MAKERS: dict[str, Callable[[random.Random], str]] = {
    "simplified": sentence,
    "traditional": lambda rng: to_traditional(sentence(rng)),
    "mixed": lambda rng: sentence(rng) + to_traditional(sentence(rng)),
    "english": lambda rng: " ".join(rng.choices(["the", "battery", "is", "bad", "good", "!", "澄岚", "5.0"], k=8)),
    "signs": lambda rng: "".join(rng.choices([*MARKS, "好", "差"], k=12)) + "。",
    "mojibake": lambda rng: "".join(rng.choices([*MOJIBAKE, *PHRASES[:5]], k=5)),
    "repeated": lambda rng: rng.choice([*"哈差好啊的龘", "哈哈呵", "垃圾", "不好"]) * rng.randint(1, 25),
    "any han": lambda rng: "".join(han(rng) for _ in range(rng.randint(1, 12))),
    "any han between known": lambda rng: "".join(rng.choice([han(rng), *"不好的客服"]) for _ in range(12)),
    "one character": han,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_identical_on_seeded_texts(quick: Fast, kind: str) -> None:
    rng = random.Random(kind)
    assert differing(quick, [MAKERS[kind](rng) for _ in range(300)]) == []


def test_identical_on_known_and_unknown_characters(quick: Fast, tables: Tables) -> None:
    rng = random.Random(1)
    unknown = [chr(FIRST_HAN + n) for n, k in enumerate(tables.char) if k == len(tables.single) - 1]
    known = [chr(FIRST_HAN + n) for n, k in enumerate(tables.char) if k < len(tables.single) - 1]
    texts = [
        "".join(rng.choice(unknown if rng.random() < share else known) for _ in range(rng.randint(1, 15)))
        for share in (0.0, 0.2, 0.6, 1.0)
        for _ in range(100)
    ]
    assert differing(quick, texts) == []


def test_identical_on_long_texts(quick: Fast) -> None:
    rng = random.Random(2)
    whole = "".join(sentence(rng) for _ in range(800))[:10_000]
    unbroken = "".join(rng.choice(PHRASES) for _ in range(400))[:1500]
    assert len(whole) == 10_000
    assert differing(quick, [whole, unbroken, to_traditional(unbroken)[:800]]) == []


@settings(max_examples=150, deadline=None)
@given(st.text(st.one_of(st.characters(), st.sampled_from("差好的不了客服 ，。\n")), min_size=1, max_size=30))
def test_identical_on_any_text(quick: Fast, text: str) -> None:
    assert differing(quick, [text]) == []


def test_a_text_scores_alike_in_any_company(quick: Fast, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    texts = [sentence(rng) for _ in range(200)] + ["", " \n"]
    texts += ["".join(sentence(rng) for _ in range(40)) for _ in range(3)] + ["好 " * 400, "差。" * 400]
    together = quick.score_many(texts)
    assert together == [quick.score_many([text])[0] for text in texts]
    monkeypatch.setattr(segmenter, "CHUNK_CHARS", 17)
    for few_alive in (0, 1, 10_000):
        monkeypatch.setattr(fast_module, "FEW_ALIVE", few_alive)
        assert quick.score_many(texts) == together
    assert quick.score_many([]) == []


def test_words_looked_up_one_by_one_are_those_of_the_index(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(6)
    texts = [rng.choice(list(MAKERS.values()))(rng) for _ in range(400)]
    monkeypatch.setattr(words, "FEW_WORDS", 10**9)
    slowly = Fast(tables)
    monkeypatch.setattr(words, "FEW_WORDS", 0)
    assert slowly.score_many(texts) == Fast(tables).score_many(texts)


def test_the_rows_of_words(small_model: ModelFiles, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (tables, build(small_model.segmenter, small_model.classifier, small_model.stop_words)):
        stop = as_lines(each.stop)
        expected = {word: row for row, word in enumerate(as_lines(each.words))} | dict.fromkeys(stop, words.STOP)
        asked = [*expected, "龘龘", "好" * 9, "\x00", "好\x00", "\ud800", "𠮷"]
        rows = [expected.get(word, len(each.word_value)) for word in asked]
        monkeypatch.setattr(words, "FEW_WORDS", 10**9)
        assert words.Words(each).rows(asked) == rows
        monkeypatch.setattr(words, "FEW_WORDS", 0)
        assert words.Words(each).rows(asked) == rows
        han = [word for word in asked if all(FIRST_HAN <= ord(char) <= LAST_HAN for char in word) and word]
        codes = np.frombuffer("".join(han).encode("utf-16-le"), dtype="<u2")
        cut = segmenter.Cut(codes, np.cumsum([0, *map(len, han)]), np.array([len(han)]))
        assert words.Words(each).rows_cut(cut).tolist() == [expected.get(w, len(each.word_value)) for w in han]


def test_words_are_counted_as_snownlp_counts_them(quick: Fast) -> None:
    rng = random.Random(4)
    texts = [sentence(rng) for _ in range(100)]
    assert quick.score_many(texts) == Plain(ModelFiles.installed()).score_many(texts)


@pytest.fixture
def speaks(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModelFiles], None]:
    """Lets SnowNLP itself speak with another model until the test ends."""

    def load(model: ModelFiles) -> None:
        monkeypatch.setattr(snownlp.seg, "segger", snownlp.seg.TnTseg.Seg())
        monkeypatch.setattr(snownlp.sentiment, "classifier", snownlp.sentiment.Sentiment())
        Plain(model)

    return load


def test_identical_with_a_retrained_model(small_model: ModelFiles, speaks: Callable[[ModelFiles], None]) -> None:
    quick = Fast(build(small_model.segmenter, small_model.classifier, small_model.stop_words))
    speaks(small_model)
    rng = random.Random(5)
    letters = "澄岚耳机充电发烫客服不回质量龘好，a "
    texts = ["".join(rng.choices(letters, k=rng.randint(1, 20))) for _ in range(1500)]
    texts += [sentence(rng) for _ in range(200)]
    assert len({real(text) for text in texts}) > 100
    assert differing(quick, texts) == []


# --- models that are not understood


def written(path: Path, model: Any) -> Path:
    path.write_bytes(gzip.compress(marshal.dumps(model)))
    return path


def changed_models(small: ModelFiles) -> list[tuple[str, str, Any]]:
    def read(path: Path) -> Any:
        data = path.read_bytes()
        return marshal.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)

    seg, classes = read(small.segmenter), read(small.classifier)
    third = {**classes, "d": {**classes["d"], "neu": classes["d"]["pos"]}}
    zero = {**classes, "d": {**classes["d"], "pos": {**classes["d"]["pos"], "none": 0}}}
    return [
        ("segmenter", "other tags", {**seg, "status": ("b", "m", "e", "s", "x")}),
        ("segmenter", "unseen characters", {**seg, "uni": {**seg["uni"], "none": 1}}),
        ("segmenter", "weights", {**seg, "l1": "0.1"}),
        ("segmenter", "KeyError", {"num": 3}),
        ("segmenter", "cannot be read", [1, 2]),
        ("classifier", "other classes", third),
        ("classifier", "not above 0", zero),
    ]


def test_a_strange_model_is_refused(small_model: ModelFiles, tmp_path: Path) -> None:
    for place, message, content in changed_models(small_model):
        path = written(tmp_path / "strange.marshal.3", content)
        model = replace(small_model, **{place: path})
        with pytest.raises(UnknownModel, match=message):
            build(model.segmenter, model.classifier, model.stop_words)


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b\x08", b"nonsense"])
def test_an_unreadable_model_is_refused(small_model: ModelFiles, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.marshal.3"
    path.write_bytes(data)
    with pytest.raises(UnknownModel, match="broken"):
        build(path, small_model.classifier, small_model.stop_words)


def test_three_classes_are_left_to_snownlp(
    small_model: ModelFiles, tmp_path: Path, speaks: Callable[[ModelFiles], None], caplog: pytest.LogCaptureFixture
) -> None:
    third = next(content for _, message, content in changed_models(small_model) if message == "other classes")
    model = replace(small_model, classifier=written(tmp_path / "three.marshal.3", third))
    speaks(model)
    with caplog.at_level(logging.WARNING):
        chosen = engine.open_engine(model)
    assert [record.message.count("\n") for record in caplog.records] == [0]
    assert "other classes than neg and pos" in caplog.text
    assert chosen.score_many(["澄岚不好"])[0][0] == real("澄岚不好")


def test_other_code_is_left_to_snownlp(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(engine, "KNOWN_CODE", frozenset({"other"}))
    with caplog.at_level(logging.WARNING):
        chosen = engine.open_engine(ModelFiles.installed())
    assert isinstance(chosen, Plain)
    assert "code is not known to the fast scorer" in caplog.text


def test_the_installed_model_is_scored_fast(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert isinstance(engine.open_engine(ModelFiles.installed()), Fast)
    assert caplog.records == []
