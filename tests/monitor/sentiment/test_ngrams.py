"""Runs and their weights: which runs a text has, whole sums, and the shipped file."""

from __future__ import annotations

import hashlib
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import InputError
from monitor.sentiment import calibration, ngrams

MAX_SHIPPED = 3_000_000


def runs_of(text: str) -> list[int]:
    return sorted(ngrams.buckets([text])[0].tolist())


def test_each_run_of_one_to_four_characters_once() -> None:
    found, counts = ngrams.buckets(["差", "太差了"])
    assert counts.tolist() == [3 + 2 + 1, 5 + 4 + 3 + 2]
    assert len(found) == counts.sum()
    assert 0 <= found.min() <= found.max() < 1 << ngrams.BITS


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=6))
def test_texts_do_not_meet(texts: list[str]) -> None:
    found, counts = ngrams.buckets(texts)
    pieces = np.split(found, np.cumsum(counts)[:-1])
    assert [sorted(piece.tolist()) for piece in pieces] == [runs_of(text) for text in texts]


def test_a_words_whole_run_is_among_its_texts_runs() -> None:
    words = ["差", "客服", "太差了", "踩雷😡", "没有异味"]
    whole = ngrams.whole_runs(words)
    assert all(bucket in runs_of(f"这{word}呢") for bucket, word in zip(whole.tolist(), words, strict=True))
    assert len(set(whole.tolist())) == len(words)
    assert ngrams.whole_runs([]).tolist() == []


def test_digits_count_as_one_and_the_same() -> None:
    assert runs_of("用了3天") == runs_of("用了8天") != runs_of("用了三天")


def test_sums_are_the_same_in_any_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.random.default_rng(1).integers(-127, 128, (1 << ngrams.BITS, ngrams.TARGETS)).astype(np.int8)
    weights = ngrams.Weights(table)
    texts = ["太差", "很好" * 50, "a", "退钱😡", "\ud800"] * 9
    alone = [weights.sums([text])[0] for text in texts]
    assert weights.sums(texts) == alone
    monkeypatch.setattr(ngrams, "CHUNK_CHARS", 7)
    assert weights.sums(texts) == alone
    assert weights.sums([]) == []
    assert alone[0][0] == pytest.approx(table[runs_of("太差"), 0].sum(dtype=int) / np.sqrt(len(runs_of("太差"))))


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.npz: not a file of weights (EOFError)"),
        (b"PK\x03\x04 broken", "x.npz: not a file of weights (BadZipFile)"),
        (b"anything", "x.npz: not a file of weights (ValueError)"),
        (npz(other=np.zeros(2)), "x.npz: not a file of weights (KeyError)"),
        (npz(weights=np.zeros((4, 2), np.int8)), "x.npz: weights of another shape than this version reads"),
        (npz(weights=np.zeros((1 << ngrams.BITS, 2))), "x.npz: weights of another shape than this version reads"),
    ],
)
def test_wrong_weights_are_one_line(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        ngrams.read(data, "x.npz")
    assert str(error.value) == message


def test_the_shipped_weights() -> None:
    shipped = ngrams.shipped_bytes()
    assert len(shipped) < MAX_SHIPPED
    assert hashlib.sha256(shipped).hexdigest() == json.loads(calibration.shipped_bytes())["ngrams"]
    with np.load(io.BytesIO(shipped), allow_pickle=False) as arrays:
        table = arrays["weights"]
    assert (table.dtype, table.shape) == (np.int8, (1 << ngrams.BITS, ngrams.TARGETS))
    assert ngrams.written(table) == shipped
    used = np.count_nonzero(table, axis=0) / len(table)
    assert (used > 0.02).all()
    assert (used < 0.5).all(), "so full a table gives weight to runs it never saw"
