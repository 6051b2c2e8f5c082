"""score_lines: CSV in, JSON Lines out, every row answered."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

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
        ("text\n客服很好\n".encode("gbk"), "a.csv: not UTF-8 in line 2"),
        ("id,text\n1,abc\n2,這間店很差勁\n".encode("big5"), "a.csv: not UTF-8 in line 3"),
        ("text\n好\n".encode("utf-16"), "a.csv: not UTF-8 in line 1"),
        ("text,評\n好,差\n".encode("big5"), "a.csv: not UTF-8 in line 1"),
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
    with open_scored_file(str(packed)) as opened:
        assert len(list(score_lines(opened.stream, name="a.csv.gz", scorer=ByLength()))) == 1
    packed.write_bytes(packed.read_bytes()[:-6])
    with (
        open_scored_file(str(packed)) as opened,
        pytest.raises(InputError, match=r"a\.csv\.gz: cannot be unpacked after line"),
    ):
        list(score_lines(opened.stream, name="a.csv.gz", scorer=ByLength()))
    packed.write_bytes(b"text\nx\n")
    with open_scored_file(str(packed)) as opened, pytest.raises(InputError, match="cannot be unpacked"):
        list(score_lines(opened.stream, name="a.csv.gz", scorer=ByLength()))
    with pytest.raises(InputError, match="No such file"), open_scored_file(str(tmp_path / "none.csv")):
        pass
    (tmp_path / "b.csv").write_bytes(b"text\nx\n")
    with open_scored_file(str(tmp_path / "b.csv")) as opened:
        assert len(list(score_lines(opened.stream, name="b.csv", scorer=ByLength()))) == 1


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"text\nx\n")))
    with open_scored_file("-") as opened:
        assert len(list(score_lines(opened.stream, name="-", scorer=ByLength()))) == 1


def told(data: bytes) -> tuple[list[str], list[str]]:
    """The texts that the scorer is given, and the warnings."""

    class Keeps(ByLength):
        def score_many(self, texts: Sequence[str]) -> list[Score]:
            given.extend(texts)
            return super().score_many(texts)

    given: list[str] = []
    warnings: list[str] = []
    list(score_lines(io.BytesIO(data), name="a.csv", scorer=Keeps(), warn=warnings.append))
    return given, warnings


def test_damaged_bytes_lose_no_row_and_are_told_once() -> None:
    cut = "客服很差".encode()[:-1]
    given, warnings = told("text\n很好\n".encode() + cut + b"\n\xff\xfe\n" + "退钱\n".encode())
    assert [each.encode("utf-8", "replace").decode().replace("?", "") for each in given] == [
        "很好",
        "客服很",
        "",
        "退钱",
    ]
    assert warnings == ["a.csv: 2 rows with bytes that are not UTF-8 scored without these, the first in line 3"]
    given, warnings = told(b"text\n" + cut + b"\n")  # also as the first beyond ASCII: most of it is Chinese in UTF-8
    assert len(given) == len(warnings) == 1


def test_lone_surrogates_and_nul_are_text() -> None:
    given, warnings = told(b"text\n\xed\xa0\x80\n\x00\n" + "差\x00评\n".encode())
    assert len(given) == 3
    assert given[1:] == ["\x00", "差\x00评"]
    assert warnings == []


def test_the_rows_before_an_error_have_their_lines() -> None:
    packed = gzip.compress(b"text\n" + "好\n".encode() * 50_000)
    stream = gzip.GzipFile(fileobj=io.BytesIO(packed[:-4]))
    got: list[str] = []
    lines = score_lines(cast(IO[bytes], stream), name="a.csv.gz", scorer=ByLength())
    with pytest.raises(InputError, match="cannot be unpacked after line") as error:
        got.extend(lines)
    assert len(got) == int(str(error.value).rpartition(" ")[2]) - 1


def test_size_and_position_are_those_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ("text\n" + "".join(f"好{n}\n" for n in range(50_000))).encode()
    for path, content in ((tmp_path / "a.csv", data), (tmp_path / "a.csv.gz", gzip.compress(data))):
        path.write_bytes(content)
        with open_scored_file(str(path)) as opened:
            places = [opened.position() for _ in score_lines(opened.stream, name="a", scorer=ByLength())]
            assert opened.size == len(content)
        assert places == sorted(places)
        assert len(set(places)) > 5
        assert places[-1] == len(content)
    with (tmp_path / "a.csv").open() as text:
        monkeypatch.setattr("sys.stdin", text)
        with open_scored_file("-") as opened:
            assert opened.size == len(data)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    with open_scored_file("-") as opened:
        assert (opened.size, opened.position()) == (None, 0)
