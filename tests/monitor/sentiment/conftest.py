"""Fixtures: a cache folder of the session's own, small models trained with SnowNLP's code."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from snownlp.seg.seg import Seg
from snownlp.sentiment import Sentiment

from monitor.sentiment.model_files import ModelFiles

ALPHABET = "澄岚耳机充电发烫客服不回质量差好评推荐退钱音质棒垃圾新款手表包装物流快慢很太了的是"
SHAPES = ("s", "be", "bme", "bmme")


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tables are built once for the session, and the user's own cache is left alone."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield home


def tagged_sentences(rng: random.Random, alphabet: str, *, wild: bool) -> list[list[tuple[str, str]]]:
    """Invented training sentences; wild ones carry tags in any order, so that paths with no count come about."""
    sentences = []
    for _ in range(150):
        shapes = [rng.choice(SHAPES) for _ in range(rng.randint(1, 8))]
        tags = "".join(shapes) if not wild else "".join(rng.choice("bmes") for _ in range(12))
        sentences.append([(rng.choice(alphabet), tag) for tag in tags])
    return sentences


def trained(folder: Path, seed: int, *, wild: bool) -> ModelFiles:
    """A small segmenter and classifier, trained and saved by SnowNLP's own code."""
    rng = random.Random(seed)
    alphabet = ALPHABET[:12] if wild else ALPHABET
    segmenter = Seg()
    segmenter.segger.train(tagged_sentences(rng, alphabet, wild=wild))
    segmenter.save(str(folder / "seg.marshal"))
    classifier = Sentiment()
    sides = ["neg", "pos"] if wild else ["pos", "neg"]  # the classes' order decides ties
    classifier.classifier.train(
        [[["".join(rng.choices(alphabet, k=rng.randint(1, 3))) for _ in range(6)], side] for side in sides * 40]
    )
    classifier.save(str(folder / "sentiment.marshal"))
    if not wild:  # SnowNLP also reads and writes them unpacked
        packed = folder / "sentiment.marshal.3"
        packed.write_bytes(gzip.decompress(packed.read_bytes()))
    return replace(
        ModelFiles.installed(), segmenter=folder / "seg.marshal.3", classifier=folder / "sentiment.marshal.3"
    )


@pytest.fixture(scope="session", params=["tame", "wild"])
def small_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    wild = request.param == "wild"
    return trained(tmp_path_factory.mktemp(request.param), 7 if wild else 3, wild=wild)
