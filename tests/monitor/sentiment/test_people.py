"""Labels that people gave: what counts once, and files of them."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import InputError
from monitor.model import Label
from monitor.sentiment.people import Labelled, distinct, read_labelled_csv

NEG, NEU, POS = Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE


def test_what_cannot_be_learned_from_is_left_out_and_counted() -> None:
    found = distinct(
        [
            Labelled("澄岚又坏了", NEG),
            Labelled("澄岚还行吧", Label.UNSURE),
            Labelled("澄岚", Label.UNSCORED),
            Labelled("so bad 😡", NEG),
            Labelled("", NEG),
        ]
    )
    assert found.texts == (("澄岚又坏了", "澄岚又坏了", "negative"),)
    assert found.left_out == {"not judged": 2, "without Chinese": 2}


def test_the_last_label_of_a_text_counts() -> None:
    found = distinct([Labelled("澄嵐 又壞了", NEG), Labelled("好用", POS), Labelled("澄岚  又坏了", NEU)])
    assert [label for _, _, label in found.texts] == ["positive", "neutral"]
    assert found.left_out == {"labelled again": 1}


def test_signs_tell_texts_apart_but_keep_them_in_one_group() -> None:
    found = distinct([Labelled("澄岚真行[怒]", NEG), Labelled("澄岚真行！", POS)])
    assert len(found.texts) == 2
    assert len(set(found.groups)) == 1


def test_copies_count_once_for_each_label() -> None:
    copies = [Labelled(f"澄岚第{n}次坏了，客服不理", NEG, "g1") for n in range(30)]
    found = distinct([*copies, Labelled("澄岚第99次坏了，客服不理", NEU, "g1"), Labelled("澄岚坏了", NEG)])
    assert [text for text, _, _ in found.texts] == ["澄岚第29次坏了，客服不理", "澄岚第99次坏了，客服不理", "澄岚坏了"]
    assert found.groups[0] == found.groups[1] != found.groups[2]
    assert found.left_out == {"copies": 29}


def test_a_group_is_never_taken_for_a_text() -> None:
    assert len(set(distinct([Labelled("澄岚", NEG, "好用"), Labelled("好用", NEG)]).groups)) == 2


HOSTILE = [
    "",
    "\x00",
    "\ud800差",
    "差" * 100_000,
    "//@某人:很差",
    "[怒]差",
    "<script>差</script>",
    '=差\r\n,"',
    "差\u202e",
]


def test_hostile_texts_never_raise() -> None:
    labelled = [Labelled(text, label) for text in HOSTILE for label in Label]
    assert len(distinct([*labelled, Labelled(None, NEG)]).texts) > 0  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.sampled_from(list(Label)), st.sampled_from(["", "a"])), max_size=9))
def test_every_label_is_taken_or_counted(given_labels: list[tuple[str, Label, str]]) -> None:
    found = distinct([Labelled(*each) for each in given_labels])
    assert len(found.texts) + sum(found.left_out.values()) == len(given_labels)
    assert len(found.texts) == len(found.groups)


def test_a_file_with_words_in_either_language(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    head = '\ufefflabel,text,group\r\n负面,"澄岚,坏了\n退钱",g1\r\n'
    rest = "Positive,好用,\r\n,没看,\r\n 中性 ,到货,\r\n不確定,嗯,\r\n"
    path.write_bytes(gzip.compress((head + rest).encode()))
    assert read_labelled_csv(path) == [
        Labelled("澄岚,坏了\n退钱", NEG, "g1"),
        Labelled("好用", POS),
        Labelled("到货", NEU),
        Labelled("嗯", Label.UNSURE),
    ]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("text,label\n好,正面\n".encode())))
    assert read_labelled_csv("-") == [Labelled("好", POS)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no column 'text'; it has none"),
        (b"text,sentiment\n", "no column 'label'; it has 'text', 'sentiment'"),
        ("text,label\n好,正面\n差,bad\n".encode(), 'line 3: unknown label "bad"; it must be one of negative, neutral,'),
        ("text,label\n差,0\n".encode(), 'line 2: the label "0" does not say which side it means: write negative,'),
        ("text,label\n差,-1\n".encode(), 'line 2: the label "-1" does not say which side it means'),
        ("text,label\n差,负\u202e面\n".encode(), 'line 2: unknown label "负\\u202e面"'),
        ("text,label\n差,负面\n".encode("gbk"), "not UTF-8 after line"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"^[^\n]*$") as error:
        read_labelled_csv(path)
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_broken_archive_and_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress("text,label\n好,正面\n".encode())[:-6])
    with pytest.raises(InputError, match=r"a\.csv\.gz: cannot be unpacked after line"):
        read_labelled_csv(path)
    with pytest.raises(InputError, match="No such file"):
        read_labelled_csv(tmp_path / "none.csv")
