"""score_lines: CSV in, JSON Lines out, every row answered."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from monitor.errors import InputError
from monitor.model import Label, Score
from monitor.sentiment import UNSCORED, files
from monitor.sentiment.files import open_scored_file, score_lines


class ByLength:
    """A scorer whose answer tells which text it was given."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def score_many(self, texts: Sequence[str]) -> list[Score]:
        self.batches.append(len(texts))
        return [Score(1 / len(text), len(text) / 1e9, Label.NEUTRAL) if text else UNSCORED for text in texts]


def lines(data: bytes, column: str = "text") -> list[dict[str, object]]:
    return [json.loads(line) for line in score_lines(io.BytesIO(data), name="a.csv", column=column, scorer=ByLength())]


def test_rows_in_order_with_quotes_line_breaks_and_empty_cells() -> None:
    data = '\ufeffid,text\r\n1,"甲,乙\n丙"\r\n2,\r\n3,丁\r\n4\r\n'.encode()
    assert lines(data) == [
        {"snownlp": 1 / 5, "p_negative": 5e-9, "label": "neutral"},
        {"snownlp": None, "p_negative": None, "label": "unscored"},
        {"snownlp": 1.0, "p_negative": 1e-9, "label": "neutral"},
        {"snownlp": None, "p_negative": None, "label": "unscored"},
    ]


def test_the_line_is_exactly_three_keys_and_ascii() -> None:
    text = next(iter(score_lines(io.BytesIO("正文\n好的\n".encode()), name="a", column="正文", scorer=ByLength())))
    assert text == '{"snownlp": 0.5, "p_negative": 2e-09, "label": "neutral"}'


def test_numbers_survive_to_the_last_bit() -> None:
    assert [line["snownlp"] for line in lines(b"text\nabc\nabcdefg\n")] == [1 / 3, 1 / 7]


def test_a_huge_cell() -> None:
    assert lines(b"text\n" + b"a" * 1_000_000 + b"\nb\n")[0]["snownlp"] == 1e-6


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a.csv: empty, so it has no column 'text'"),
        (b"id,body\n1,x\n", "a.csv: no column 'text'; it has 'id', 'body'"),
        ("text\n好\n".encode() + "差".encode("gbk") + b"\n", "a.csv: not UTF-8 after line"),
    ],
)
def test_a_bad_file_is_one_line(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=r"^[^\n]*$") as error:
        lines(data)
    assert str(error.value).startswith(message)


def test_batches_bound_rows_and_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BATCH_ROWS", 3)
    monkeypatch.setattr(files, "BATCH_CHARS", 10)
    scorer = ByLength()
    data = b"text\n" + b"a\n" * 4 + b"b" * 20 + b"\n" + b"c\n"
    assert len(list(score_lines(io.BytesIO(data), name="a", scorer=scorer))) == 6
    assert scorer.batches == [3, 2, 1]


def test_reading_keeps_pace_with_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BATCH_ROWS", 2)

    class Counted(io.RawIOBase):
        name = mode = ""
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            piece = (b"text\n" if not self.given else b"") + b"abcdefg\n" * 100
            self.given += len(piece)
            buffer[: len(piece)] = piece
            return len(piece)

    stream = Counted()
    out = score_lines(io.BufferedReader(cast(io.RawIOBase, stream), 1000), name="endless", scorer=ByLength())
    for _ in range(10):
        next(out)
    assert stream.given < 20_000


def test_gz_and_plain_and_missing_files(tmp_path: Path) -> None:
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress("text\n好\n".encode()))
    with open_scored_file(str(packed)) as stream:
        assert len(list(score_lines(stream, name="a.csv.gz", scorer=ByLength()))) == 1
    packed.write_bytes(packed.read_bytes()[:-6])
    with (
        open_scored_file(str(packed)) as stream,
        pytest.raises(InputError, match=r"a\.csv\.gz: cannot be unpacked after line"),
    ):
        list(score_lines(stream, name="a.csv.gz", scorer=ByLength()))
    packed.write_bytes(b"text\nx\n")
    with open_scored_file(str(packed)) as stream, pytest.raises(InputError, match="cannot be unpacked"):
        list(score_lines(stream, name="a.csv.gz", scorer=ByLength()))
    with pytest.raises(InputError, match="No such file"), open_scored_file(str(tmp_path / "none.csv")):
        pass
    (tmp_path / "b.csv").write_bytes(b"text\nx\n")
    with open_scored_file(str(tmp_path / "b.csv")) as stream:
        assert len(list(score_lines(stream, name="b.csv", scorer=ByLength()))) == 1


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"text\nx\n")))
    with open_scored_file("-") as stream:
        assert len(list(score_lines(stream, name="-", scorer=ByLength()))) == 1
