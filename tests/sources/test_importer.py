from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.errors import InputError, QianliError, UsageError
from monitor.model import Post
from sources.importer import Options, Rejected, preview, read, write_rejected

DATA = Path(__file__).parents[1] / "data" / "import"
TAIPEI = ZoneInfo("Asia/Taipei")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def options(mapping: Mapping[str, str] | None = None, **given: str) -> Options:
    return Options(zone=TAIPEI, mapping=mapping or {}, **given)


def written(folder: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def split(path: Path, chosen: Options | None = None) -> tuple[list[Post], list[Rejected]]:
    rows = list(read(path, chosen or options()))
    return [r for r in rows if isinstance(r, Post)], [r for r in rows if isinstance(r, Rejected)]


def texts(folder: Path, content: str | bytes, chosen: Options | None = None, name: str = "a.csv") -> list[str]:
    found, rejected = split(written(folder, content, name), chosen)
    assert not rejected
    return [post.text for post in found]


def refusal(path: Path, chosen: Options | None = None) -> str:
    with pytest.raises(QianliError) as caught:
        list(read(path, chosen or options()))
    assert isinstance(caught.value, InputError | UsageError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_google_forms_survey() -> None:
    found, rejected = split(DATA / "survey_utf8_bom.csv")
    assert not rejected
    assert [post.text for post in found] == ["外觀好看\n客服電話打不通,\n等了 40 分鐘", "好用", '"噪音" 很大']
    assert found[0].published_at == datetime(2026, 11, 20, 6, 3, 22, tzinfo=UTC)
    assert found[2].published_at == datetime(2026, 11, 20, 7, 20, tzinfo=UTC)
    assert {post.platform for post in found} == {"import"}


def test_wenjuanxing_survey_in_gbk() -> None:
    found, rejected = split(DATA / "survey_gbk.csv")
    assert [post.text for post in found] == ["退款太慢"]
    assert [(row.line, row.reason) for row in rejected] == [(3, "no text")]
    seen = preview(DATA / "survey_gbk.csv", options())
    assert seen.encoding == "gb18030"
    assert seen.encoding_is_guess
    assert "a guess" in seen.notes[0]
    assert seen.mapping["text"] == ("2、意见建议",)


def test_big5_export_and_forced_charset() -> None:
    assert split(DATA / "export_big5.csv")[0][0].text == "客服態度很差"
    forced = preview(DATA / "export_big5.csv", options(encoding="big5"))
    assert not forced.encoding_is_guess
    assert forced.rows[0].text == "客服態度很差"  # type: ignore[union-attr]
    assert forced.delimiter == ","


def test_json_lines_sample() -> None:
    found, rejected = split(DATA / "mentions.jsonl")
    (post,) = found
    assert (post.platform, post.native_id, post.text, post.engagement.likes) == ("小红书", "a1", "冒烟", 12)
    assert post.published_at == datetime(2026, 11, 20, 13, 8, tzinfo=UTC)
    assert [(row.line, row.reason) for row in rejected] == [(2, "published_at: no year"), (3, "broken JSON")]
    assert rejected[1].raw == '{"id":"a3","text": broken'


def test_all_fields(folder: Path) -> None:
    row = {
        "source": "ptt", "id": 7, "thread": "t1", "parent": "p1", "page": "v1", "author": "安柏", "followers": "1.3万",
        "text": "拒買\n了", "published_at": 1795177200, "likes": "--", "reposts": 3, "comments": "1,204",
        "url": "https://a.example.test/1?utm_source=x",
    }  # fmt: skip
    (post,), _ = split(written(folder, json.dumps(row), "a.jsonl"), options(brand="澄嵐"))
    assert (post.platform, post.native_id, post.kind, post.brands) == ("ptt", "7", "comment", ("澄嵐",))
    assert (post.root, post.parent, post.page) == ("t1", "p1", "v1")
    assert post.author
    assert (post.author.id, post.author.followers) == ("安柏", 13_000)
    assert (post.engagement.likes, post.engagement.reposts, post.engagement.comments) == (None, 3, 1204)
    assert post.published_at == datetime(2026, 11, 20, 12, 20, tzinfo=UTC)
    assert post.url == "https://a.example.test/1"
    assert split(folder / "a.jsonl", options(platform="mine"))[0][0].platform == "mine"


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "no-ending"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_dialects(folder: Path, name: str, delimiter: str, charset: str, end: str) -> None:
    lines = [
        ["id", "內容", "時間"],
        ["1", f'"一,二;三\t四{end}五 ""六"""', "2026/11/20"],
        [],
        ["2", "七", "2026/11/21"],
    ]
    content = "".join(delimiter.join(line) + end for line in lines).encode(charset)
    assert texts(folder, content, name=name) == ['一,二;三\t四\n五 "六"', "七"]


def test_line_that_names_the_delimiter(folder: Path) -> None:
    assert texts(folder, "sep=;\r\ntext;a,b,c\r\n好;1\r\n") == ["好"]


@pytest.mark.parametrize("charset", ["gb18030", "big5"])
def test_longer_files_are_told_apart(folder: Path, charset: str) -> None:
    lines = [f"{n},客服態度很差電話打不通等了四十分鐘才有人接" for n in range(40)]
    content = "\n".join(["編號,內容", *lines]).encode(charset)
    assert set(texts(folder, content)) == {"客服態度很差電話打不通等了四十分鐘才有人接"}


def test_one_bad_byte_does_not_change_the_charset(folder: Path) -> None:
    rows = [f"{n},客服態度很差".encode() for n in range(30)]
    rows[10] = b"10,\xe6\xbe"
    found, rejected = split(written(folder, b"id,text\n" + b"\n".join(rows)))
    assert len(found) == 29
    assert [(row.line, row.reason) for row in rejected] == [(12, "bytes that are not of the file's charset")]


def test_line_numbers_are_those_of_the_file(folder: Path) -> None:
    content = 'id,text,published_at\n1,"一\n二\n三",2026-11-20\n\n2,四,when?\n'
    content += "3,五,2026-11-20,extra\n4,六,2026-11-20,,\n5,\x00,\n"
    found, rejected = split(written(folder, content))
    assert [post.native_id for post in found] == ["1", "4"]
    assert [(row.line, row.reason) for row in rejected] == [
        (6, "published_at: no year"),
        (7, "4 cells in 3 columns"),
        (9, "a NUL character"),
    ]
    assert rejected[1].raw == "3,五,2026-11-20,extra"


def test_a_stray_quote_costs_one_row(folder: Path) -> None:
    rows = "".join(f"{n},好{n}\n" for n in range(2, 50))
    found, rejected = split(written(folder, f'id,text\n0,好\n1,"半\n{rows}'))
    assert len(found) == 49
    assert [(row.line, row.reason, row.raw) for row in rejected] == [(3, "a quote is opened and never closed", '1,"半')]
    found, rejected = split(written(folder, f'id,text\n0,"他說"好"啊"\n{rows}'))
    assert len(found) == 48
    assert [(row.line, row.reason) for row in rejected] == [(2, "a quote within a cell")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1]", "not a JSON object"),
        ("3", "not a JSON object"),
        ('{"text": ', "broken JSON"),
        ("[" * 50_000, "broken JSON"),
        ('{"likes": 1}', "no text"),
        ('{"text": null}', "no text"),
        ('{"text": "(跳过)"}', "no text"),
        ('{"text": "（空）"}', "no text"),
        ('{"text": ["a"]}', "text is not text"),
        ('{"text": true}', "text is not text"),
        ('{"text": "a", "time": "03/04/2026"}', "published_at: day or month first?"),
        ('{"text": "a", "time": "soon"}', "published_at: no year"),
        ('{"text": "a", "time": "2026 sometime"}', "published_at: not a time"),
        ('{"text": "a", "time": {}}', "published_at is not text"),
        ('{"id": 1e999, "text": "a", "likes": ' + "9" * 5000 + "}", "broken JSON"),
    ],
)
def test_bad_json_rows_are_rejected_and_the_rest_kept(folder: Path, line: str, reason: str) -> None:
    good = '{"text": "好", "time": "2026-11-20"}\n'
    found, rejected = split(written(folder, f"{good}{line}\n{good}", "a.jsonl"))
    assert len(found) == 2
    assert [(row.line, row.reason, row.raw) for row in rejected] == [(2, reason, line.strip())]


def test_a_nul_is_taken_out_and_the_post_kept(folder: Path) -> None:
    assert texts(folder, '{"text": "客服\\u0000很差"}', name="a.jsonl") == ["客服很差"]


def test_half_an_emoji_is_kept_as_a_mark(folder: Path) -> None:
    assert texts(folder, '{"text": "怒\\ud83d"}', name="a.jsonl") == ["怒\ufffd"]


def test_words_for_dates(folder: Path) -> None:
    found, _ = split(written(folder, 'text,time\na,"November 20, 2026 5:00 PM"\nb,20 Nov 2026\n'))
    assert [post.published_at for post in found] == [
        datetime(2026, 11, 20, 9, tzinfo=UTC),
        datetime(2026, 11, 19, 16, tzinfo=UTC),
    ]


def test_a_row_without_time_is_kept(folder: Path) -> None:
    assert split(written(folder, "text,time\n好,\n"))[0][0].published_at is None


def test_equal_rows_are_two_posts_and_a_second_reading_adds_none(folder: Path) -> None:
    path = written(folder, "內容,時間\n好,2026-11-20\n差,2026-11-20\n好,2026-11-20\n好,2026-11-21\n")
    first = [post.native_id for post in split(path)[0]]
    assert len(set(first)) == 4
    assert [post.native_id for post in split(path)[0]] == first
    written(folder, "內容,時間,別的\n好,2026-11-20,x\n")
    assert [post.native_id for post in split(path)[0]] == first[:1], "columns that are not mapped do not count"


def test_numbers_of_rows_are_no_ids(folder: Path) -> None:
    assert "id" not in preview(DATA / "survey_gbk.csv", options()).mapping
    assert "id" not in preview(DATA / "survey_utf8_bom.csv", options()).mapping


def test_title_and_body_are_joined(folder: Path) -> None:
    assert texts(folder, "标题,正文\n冒煙了,昨天買的\n只有標題,\n,只有正文\n") == [
        "冒煙了\n昨天買的",
        "只有標題",
        "只有正文",
    ]


def test_map(folder: Path) -> None:
    content = "q1,q2,a+b,when\n好,,x,2026-11-20\n好,差,y,2026-11-20\n"
    assert texts(folder, content, options({"text": "q1+q2"})) == ["好", "好\n差"]
    assert texts(folder, content, options({"text": "a+b"})) == ["x", "y"]
    found, _ = split(folder / "a.csv", options({"text": "q2+q1", "published_at": "when"}))
    assert found[0].published_at == datetime(2026, 11, 19, 16, tzinfo=UTC)
    dropped, _ = split(written(folder, "id,text\n1,好\n"), options({"id": ""}))
    assert dropped[0].native_id != "1"


def test_map_leads_into_objects(folder: Path) -> None:
    row = '{"body": {"full": "好"}, "user": {"id": 9, "name": "x"}}'
    path = written(folder, row, "a.jsonl")
    found, _ = split(path, options({"text": "body.full"}))
    assert found[0].text == "好"
    assert found[0].author
    assert found[0].author.id == "9"


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"txt": "q1"}, '--map txt=...: unknown field; did you mean "text"?'),
        ({"text": "q3"}, '--map text=q3: no column "q3"; the file has "q1", "q2"'),
        ({"text": "q1+grade"}, 'no column "grade"; did you mean "grades"?'),
    ],
)
def test_wrong_map(folder: Path, mapping: dict[str, str], words: str) -> None:
    assert words in refusal(written(folder, "q1,q2,grades\n好,差,1\n"), options(mapping))


def test_no_text_column_says_what_to_write(folder: Path) -> None:
    line = refusal(written(folder, "分數,您想說的是\n1,差\n"))
    assert line.endswith(
        'no column is known to hold the text; it has "分數", "您想說的是": '
        "name one (or several) with --map text=您想說的是"
    )


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "a.csv", "the file is empty"),
        (b"\n\n", "a.csv", "the file is empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", "an Excel workbook of the old kind"),
        (b'[{"text": "x"}]', "a.json", "one JSON array"),
        (b"broken\nbroken\n", "a.jsonl", "no line of it is a JSON object"),
        (b'id,"text\n1,a\n', "a.csv", "line 1: the heads of the columns: a quote is opened"),
        (b"id,text\n\x80\xff\x80\xff\xfe\n", "a.csv", "--encoding"),
    ],
)
def test_files_that_are_refused(folder: Path, content: bytes, name: str, words: str) -> None:
    path = written(folder, content, name)
    line = refusal(path)
    assert line.startswith(str(path))
    assert words in line


def test_files_that_are_not_there(folder: Path) -> None:
    assert refusal(folder / "gone.csv") == f"{folder / 'gone.csv'}: No such file or directory"
    assert "directory" in refusal(folder)
    assert "--encoding" in refusal(written(folder, "text\nx\n"), options(encoding="klingon"))
    assert "--encoding" in refusal(written(folder, "text\nx\n"), options(encoding="zlib"))


@pytest.mark.parametrize("rows", [2_000, 60_000])
@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.csv.gz"])
def test_a_cut_archive_gives_its_rows_and_then_the_error(folder: Path, name: str, rows: int) -> None:
    cells = [(f"{n}", f"好{n * 7919}") for n in range(rows)]
    if "csv" in name:
        content = "id,text\n" + "".join(f"{n},{text}\n" for n, text in cells)
    else:
        content = "".join(json.dumps({"id": n, "text": text}, ensure_ascii=False) + "\n" for n, text in cells)
    path = folder / name
    path.write_bytes(gzip.compress(content.encode())[:-2000])
    found: list[Post | Rejected] = []
    with pytest.raises(InputError, match="damaged or cut short"):
        found.extend(read(path, options()))
    assert len(found) > rows // 2


def test_progress_ends_at_the_files_size(folder: Path) -> None:
    path = written(folder, "text\n" + "好\n" * 2500)
    told: list[int] = []
    list(read(path, options(), told.append))
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


def test_memory_does_not_grow_with_the_file(folder: Path) -> None:
    def peak(rows: int) -> int:
        body = "".join(f"{n},{'客服態度很差電話打不通' * 50},2026-11-20 10:00\n" for n in range(rows))
        path = written(folder, "id,text,time\n" + body)
        tracemalloc.start()
        count = sum(1 for _ in read(path, options()))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == rows
        return top

    peak(10)
    assert peak(4_000) < peak(1_000) * 1.5


def test_rejected_rows_are_written_harmless(folder: Path) -> None:
    path = folder / "a.csv.rejected"
    rows = [
        Rejected(2, "no text", '=HYPERLINK("http://x")'),
        Rejected(3, "-x", "+1,2"),
        Rejected(4, "r", "@a\nb"),
        Rejected(5, "r", "\tx"),
        Rejected(6, "r", "plain, 'x'"),
        Rejected(7, "r", "bytes \udce6"),
    ]
    assert write_rejected(path, rows) == 6
    back = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    assert back[0] == ["line", "reason", "row"]
    assert [row[2][0] for row in back[1:5]] == ["'"] * 4
    assert back[2][1] == "'-x"
    assert back[5] == ["6", "r", "plain, 'x'"]
    assert back[6][2] == "bytes \\udce6"


def test_nothing_rejected_writes_nothing(folder: Path) -> None:
    assert write_rejected(folder / "r", []) == 0
    assert not (folder / "r").exists()
    with pytest.raises(InputError):
        write_rejected(folder / "no" / "r", [Rejected(1, "r", "x")])
