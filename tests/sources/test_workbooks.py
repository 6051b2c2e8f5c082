"""Excel workbooks: two made by well-known writers (invented content), and many made wrong on purpose."""

from __future__ import annotations

import io
import os
import random
import tracemalloc
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.errors import InputError, QianliError, UsageError
from monitor.model import Post
from sources import workbooks
from sources.importer import Options, Rejected, preview, read
from sources.sheetxml import Rounded, number_text
from tests.sources.test_feed_fuzz import mutated

DATA = Path(__file__).parents[1] / "data" / "import"
ROUNDS = int(os.environ.get("QIANLI_FUZZ", "2000"))
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = [
    ("w1", "worksheet", "worksheets/sheet1.xml"),
    ("w2", "sharedStrings", "/xl/sharedStrings.xml"),
    ("w3", "styles", "styles.xml"),
]
HEADS = "<row r='1'><c r='A1' t='str'><v>text</v></c><c r='B1' t='str'><v>time</v></c><c t='str'><v>id</v></c></row>"


def options(mapping: Mapping[str, str] | None = None, **given: str) -> Options:
    return Options(zone=ZoneInfo("Asia/Taipei"), mapping=mapping or {}, **given)


def relations(*found: tuple[str, str, str]) -> str:
    inside = (f'<Relationship Id="{i}" Type="{KIND}/{kind}" Target="{target}"/>' for i, kind, target in found)
    return f"<Relationships>{''.join(inside)}</Relationships>"


def parts(sheet: str, *, strings: str = "", formats: str = "", namespace: str = MAIN) -> dict[str, str]:
    """The parts of a workbook whose one sheet holds these rows; ``formats``: the number formats of styles 0, 1, ..."""
    codes = {200 + n: code for n, code in enumerate(formats.split("|"))}
    own = "".join(f'<numFmt numFmtId="{n}" formatCode="{code}"/>' for n, code in codes.items() if not code.isdecimal())
    styles = "".join(f'<xf numFmtId="{code if code.isdecimal() else n}"/>' for n, code in codes.items())
    sheets = f'<sheets><sheet name="頁1" r:id="w1" xmlns:r="{KIND}"/></sheets>'
    return {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations(("r", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{namespace}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": relations(*RELATIONS),
        "xl/sharedStrings.xml": f'<sst xmlns="{namespace}">{strings}</sst>',
        "xl/styles.xml": f'<s xmlns="{namespace}"><numFmts>{own}</numFmts><cellXfs>{styles}</cellXfs></s>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{namespace}"><sheetData>{sheet}</sheetData></worksheet>',
    }


def packed(path: Path, content: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


def book(folder: Path, sheet: str, *, strings: str = "", formats: str = "", namespace: str = MAIN) -> Path:
    return packed(folder / "a.xlsx", parts(HEADS + sheet, strings=strings, formats=formats, namespace=namespace))


def split(path: Path, chosen: Options | None = None) -> tuple[list[Post], list[Rejected]]:
    rows = list(read(path, chosen or options()))
    return [r for r in rows if isinstance(r, Post)], [r for r in rows if isinstance(r, Rejected)]


def refusal(path: Path, chosen: Options | None = None) -> str:
    with pytest.raises(QianliError) as caught:
        list(read(path, chosen or options()))
    assert isinstance(caught.value, InputError | UsageError)
    line = str(caught.value)
    assert "\n" not in line
    return line.removeprefix(f"{path}: ")


def test_a_vendors_export() -> None:
    """Written by XlsxWriter: a title above the heads, a merged platform, Chinese dates, rich text, formulas."""
    found, rejected = split(DATA / "vendor_xlsxwriter.xlsx")
    assert not rejected
    assert [post.text for post in found] == ["买了不到一个月就冒烟\n客服不理 😡", "=退款", "退錢"]
    assert [post.platform for post in found] == ["小红书", "小红书", "微博"]
    assert [post.native_id for post in found[:2]] == ["a1", "1234567"]
    assert found[2].native_id.endswith(".1"), "Excel rounded 1234567890123456789, so the content tells rows apart"
    assert [post.published_at for post in found] == [
        datetime(2026, 11, 20, 6, 3, 22, tzinfo=UTC),
        datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC),
        datetime(2026, 11, 20, 16, tzinfo=UTC),
    ]
    assert [post.engagement.likes for post in found] == [12, 3, None]
    seen = preview(DATA / "vendor_xlsxwriter.xlsx", options())
    assert (seen.form, seen.columns[-1]) == ("xlsx", "占比")
    assert seen.notes == (
        'only the sheet "帖子" is read; the workbook has "说明", "其他" too: see --sheet',
        "the heads of the columns are in row 3; what stands above is left out",
    )
    other, _ = split(DATA / "vendor_xlsxwriter.xlsx", options(sheet="其他"))
    assert [post.text for post in other] == ["另一頁"]


def test_a_survey() -> None:
    """Written by openpyxl: a date without time, an empty row, a time as text."""
    found, rejected = split(DATA / "survey_openpyxl.xlsx")
    assert not rejected
    assert [post.text for post in found] == ["等了 40 分鐘\n沒人接", "好用", '"噪音" 很大']
    assert [post.published_at for post in found] == [
        datetime(2026, 11, 20, 6, 3, 22, tzinfo=UTC),
        datetime(2026, 11, 19, 16, tzinfo=UTC),
        datetime(2026, 11, 20, 7, 20, tzinfo=UTC),
    ]
    again, _ = split(DATA / "survey_openpyxl.xlsx")
    assert [post.native_id for post in again] == [post.native_id for post in found]


@pytest.mark.parametrize("namespace", [MAIN, STRICT])
def test_texts_of_every_kind(tmp_path: Path, namespace: str) -> None:
    strings = (
        "<si><t>共用</t></si><si><r><t>分</t></r><r><t xml:space='preserve'> 段</t></r><rPh><t>ㄈㄣ</t></rPh></si>"
    )
    sheet = """<row r='2'><c r='A2' t='s'><v>0</v></c></row><row r='3'><c r='A3' t='s'><v>1</v></c></row>
      <row r='4'><c r='A4' t='inlineStr'><is><r><t>在</t></r><r><t>內</t></r><rPh><t>x</t></rPh></is></c></row>
      <row r='5'><c r='A5' t='str'><f>A1&amp;"x"</f><v>算出</v></c></row><row r='6'><c r='A6' t='b'><v>1</v></c></row>
      <row r='7'><c r='A7' t='e'><v>#N/A</v></c><c r='C7'><v>7</v></c></row>
      <row r='8'><c r='A8' t='str'><v>一行_x000D_
二行 _x005F_x0041_</v></c></row>
      <row><c t='str'><v>沒有位置</v></c></row>"""
    found, rejected = split(book(tmp_path, sheet, strings=strings, namespace=namespace))
    assert [post.text for post in found] == ["共用", "分 段", "在內", "算出", "TRUE", "一行\n二行 _x0041_", "沒有位置"]
    assert [(row.line, row.reason) for row in rejected] == [(7, "no text")], "an error is no answer"


def test_dates_by_style(tmp_path: Path) -> None:
    shown = ["14", "31", "58", "yyyy\\-mm\\-dd;@", '[$-404]AM/PM hh"時"mm', "0", "0.00", '0"days"', "[h]:mm", "0_d"]
    rows = "".join(f"<row><c t='str'><v>x</v></c><c s='{n}'><v>46346.5</v></c></row>" for n in range(len(shown)))
    found, rejected = split(book(tmp_path, rows, formats="|".join(shown).replace('"', "&quot;")))
    assert [post.published_at for post in found] == [datetime(2026, 11, 20, 4, tzinfo=UTC)] * 5
    assert {row.reason for row in rejected} == {"published_at: a number that is neither Unix seconds nor milliseconds"}
    assert len(rejected) == 5


@pytest.mark.parametrize(
    ("written", "epoch", "text"),
    [
        ("3", 0, "3"),
        ("3.0", 0, "3"),
        ("1.5E+3", 0, "1500"),
        ("0.30000000000000004", 0, "0.3"),
        ("-2", 0, "-2"),
        ("1E-7", 0, "1e-07"),
        ("1E+25", 0, "1e+25"),
        ("1E+999999", 0, "1E+999999"),
        ("NaN", 0, "NaN"),
        ("好", 0, "好"),
        ("", 0, ""),
        ("9" * 500, 0, "9" * 500),
        ("115900000000000002", 0, "115900000000000002"),
        ("46346.58567129629", 1900, "2026-11-20 14:03:22"),
        ("46346", 1900, "2026-11-20 00:00:00"),
        ("44884", 1904, "2026-11-20 00:00:00"),
        ("61", 1900, "1900-03-01 00:00:00"),
        ("59", 1900, "1900-02-28 00:00:00"),
        ("0.5", 1900, "0.5"),
        ("-3", 1900, "-3"),
        ("3000000", 1900, "3000000"),
        ("1E+200", 1900, "1e+200"),
        ("好", 1900, "好"),
    ],
)
def test_numbers(written: str, epoch: int, text: str) -> None:
    start = {0: None, 1900: datetime(1899, 12, 30), 1904: datetime(1904, 1, 1)}[epoch]  # noqa: DTZ001
    assert number_text(written, start) == text


@pytest.mark.parametrize(
    ("written", "rounded"),
    [
        ("1234567890123450000", True),
        ("1.2345678901234568E+18", True),
        ("5012345678901230", True),
        ("123456789012340", False),
        ("1159000000000000021", False),
    ],
)
def test_ids_that_excel_rounded_are_none(tmp_path: Path, written: str, rounded: bool) -> None:
    assert isinstance(number_text(written, None), Rounded) == rounded
    row = f"<row><c t='str'><v>好</v></c><c/><c><v>{written}</v></c></row>"
    found, rejected = split(book(tmp_path, row * 2))
    assert not rejected
    ids = {post.native_id for post in found}
    assert len(ids) == (2 if rounded else 1), "two posts are never taken for one"


def test_dates_of_old_workbooks_for_the_mac(tmp_path: Path) -> None:
    content = parts(HEADS + "<row><c t='str'><v>x</v></c><c s='0'><v>44884.5</v></c></row>", formats="14")
    content["xl/workbook.xml"] = content["xl/workbook.xml"].replace("<sheets>", "<workbookPr date1904='1'/><sheets>")
    (post,) = split(packed(tmp_path / "a.xlsx", content))[0]
    assert post.published_at == datetime(2026, 11, 20, 4, tzinfo=UTC)


def test_merged_cells_stand_in_each_row_they_cover(tmp_path: Path) -> None:
    time = {2: "<c r='B2' t='str'><v>2026-11-20</v></c>"}
    rows = [f"<row r='{r}'><c r='A{r}' t='str'><v>文{r}</v></c>{time.get(r, '')}</row>" for r in (2, 3, 9)]
    content = parts(HEADS + "".join(rows))
    sheet = content["xl/worksheets/sheet1.xml"]
    merged = "</sheetData><mergeCells count='1'><mergeCell ref=\"B2:C3\"/></mergeCells>"
    content["xl/worksheets/sheet1.xml"] = sheet.replace("</sheetData>", merged)
    found, _ = split(packed(tmp_path / "a.xlsx", content))
    assert [post.published_at is not None for post in found] == [True, True, False]
    assert [post.text for post in found] == ["文2", "文3", "文9"]


def test_one_bad_row_costs_no_other(tmp_path: Path) -> None:
    good = "<row><c t='str'><v>好</v></c></row>"
    bad = [
        "<row r='3'><c r='A3' t='s'><v>999</v></c></row>",
        "<row r='4'><c r='A4' t='s'><v>x</v></c></row>",
        "<row r='5'><c r='A5' t='str'><v>x</v></c><c r='Z5'><v>9</v></c></row>",
        "<row r='6'><c r='A6' t='str'><v>x</v></c><c r='XFE6'><v>9</v></c></row>",
        f"<row r='7'><c r='A7' t='str'><v>{'x' * 1_000_001}</v></c></row>",
    ]
    found, rejected = split(book(tmp_path, good + "".join(bad) + good))
    assert [post.text for post in found] == ["好", "好"]
    assert [(row.line, row.reason) for row in rejected] == [
        (3, "a cell names a text that the workbook does not hold"),
        (4, "a cell names a text that the workbook does not hold"),
        (5, "26 cells in 3 columns"),
        (6, "more than 16384 columns"),
        (7, "a cell of more than 1000000 characters"),
    ]


def test_a_sheet_of_one_column_and_rows_that_lie_about_their_place(tmp_path: Path) -> None:
    rows = "<row r='1'><c t='str'><v>意见</v></c></row><row r='1048576'><c t='str'><v>a</v></c></row>"
    rows += "<row r='9999999999'><c t='str'><v>b</v></c></row><row r='5'><c t='str'><v>c</v></c></row>"
    found, _ = split(packed(tmp_path / "a.xlsx", parts(rows)))
    assert [post.text for post in found] == ["a", "b", "c"]


def test_sheets(tmp_path: Path) -> None:
    content = parts(HEADS + "<row><c t='str'><v>一</v></c></row>")
    content["xl/worksheets/sheet2.xml"] = content["xl/worksheets/sheet1.xml"].replace("一", "二")
    content["xl/_rels/workbook.xml.rels"] = relations(*RELATIONS, ("x", "worksheet", "worksheets/sheet2.xml"))
    two = f'<sheet name="頁2" state="hidden" r:id="x" xmlns:r="{KIND}"/>'
    plain = content["xl/workbook.xml"]
    content["xl/workbook.xml"] = plain.replace("<sheets>", f"<sheets>{two}")
    path = packed(tmp_path / "a.xlsx", content)
    assert split(path)[0][0].text == "一", "the first that is not hidden"
    assert split(path, options(sheet="頁2"))[0][0].text == "二"
    assert refusal(path, options(sheet="頁")) == '--sheet 頁: no such sheet; did you mean "頁2"?'
    assert refusal(path, options(sheet="zzz\n")) == '--sheet zzz\\n: no such sheet; the workbook has "頁2", "頁1"'
    assert "a workbook is always UTF-8" in refusal(path, options(encoding="big5"))
    csv = tmp_path / "a.csv"
    csv.write_text("text\nx\n")
    assert "is not an Excel workbook" in refusal(csv, options(sheet="頁1"))
    empty = packed(tmp_path / "e.xlsx", parts(""))
    assert refusal(empty) == 'the sheet "頁1" has no rows'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("_rels/.rels", "<Relationships/>", "a ZIP archive, but not an Excel workbook"),
        ("_rels/.rels", "<html>", "damaged or cut short"),
        ("xl/workbook.xml", "<document/>", "a ZIP archive, but not an Excel workbook"),
        ("xl/workbook.xml", f"<workbook xmlns='{MAIN}'/>", "the workbook has no sheets"),
        ("xl/workbook.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><workbook/>", "not as Excel writes workbooks"),
        ("xl/workbook.xml", " " * 17_000_000, "not as Excel writes workbooks"),
        ("xl/worksheets/sheet1.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "damaged or cut short"),
        ("xl/worksheets/sheet1.xml", "<a>" * 100_000, "damaged or cut short"),
        ("xl/worksheets/sheet1.xml", "<a b='" + "x" * 9_000_000 + "'/>", "damaged or cut short"),
        ("xl/worksheets/sheet1.xml", "", "damaged or cut short"),
        ("xl/sharedStrings.xml", "<sst><si>", "damaged or cut short"),
    ],
)
def test_what_no_excel_wrote(tmp_path: Path, name: str, content: str, words: str) -> None:
    path = packed(tmp_path / "a.xlsx", {**parts(HEADS), name: content})
    assert words in refusal(path)


def test_parts_that_are_not_there(tmp_path: Path) -> None:
    whole = parts(HEADS + "<row><c t='str'><v>x</v></c></row>")
    for name in ("_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"):
        path = packed(tmp_path / "a.xlsx", {n: text for n, text in whole.items() if n != name})
        assert refusal(path) == "a part of the workbook is missing"


def test_ways_of_packing_that_excel_does_not_use(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_BZIP2) as archive:
        for name, text in parts(HEADS).items():
            archive.writestr(name, text)
    assert refusal(tmp_path / "a.xlsx") == "the workbook is encrypted or packed in an unknown way"


def test_a_cut_workbook_gives_what_it_can_and_then_the_error(tmp_path: Path) -> None:
    rows = "".join(f"<row><c t='str'><v>好{n * 7919}</v></c></row>" for n in range(20_000))
    content = parts(HEADS + rows)
    content["xl/worksheets/sheet1.xml"] = content["xl/worksheets/sheet1.xml"].removesuffix("</sheetData></worksheet>")
    found: list[Post | Rejected] = []
    with pytest.raises(InputError, match="damaged or cut short; what came before was read"):
        found.extend(read(packed(tmp_path / "a.xlsx", content), options()))
    assert len(found) == 20_000
    whole = packed(tmp_path / "b.xlsx", parts(HEADS + rows))
    whole.write_bytes(whole.read_bytes()[:-500])
    assert "damaged or cut short" in refusal(whole)


def test_progress_ends_at_the_files_size(tmp_path: Path) -> None:
    path = book(tmp_path, "".join(f"<row><c t='str'><v>好{n}</v></c></row>" for n in range(5000)))
    told: list[int] = []
    assert len(list(read(path, options(), told.append))) == 5000
    assert told[-1] == path.stat().st_size
    assert max(told) == told[-1]


def peak(path: Path) -> int:
    tracemalloc.start()
    try:
        list(read(path, options()))
    except InputError:
        pass
    finally:
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return top


def test_memory_does_not_grow_with_the_sheet_nor_with_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(count: int) -> Path:
        row = "<row><c t='str'><v>{}</v></c><c t='str'><v>2026-11-20</v></c><c><v>{}</v></c></row>"
        sheet = "".join(row.format("客服態度很差" * 20, n) for n in range(count))
        return book(tmp_path, sheet)

    def consumed(path: Path) -> int:
        tracemalloc.start()
        count = sum(1 for _ in read(path, options()))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count
        return top

    consumed(rows(10))
    assert consumed(rows(1_600)) < consumed(rows(400)) * 1.5
    one_row = peak(book(tmp_path, "<row>" + "<c><v>1</v></c>" * 60_000 + "</row>"))
    assert one_row < 8_000_000, "more cells in one row than a sheet has columns"
    sparse = "<row r='2'><c r='A2' t='str'><v>x</v></c></row><row r='1048576'><c r='XFD1048576'><v>2</v></c></row>"
    assert peak(book(tmp_path, sparse)) < 8_000_000, "the grid has 17,179,869,184 cells"
    monkeypatch.setattr(workbooks, "_LARGEST_PART", 1_000_000)
    assert "a sheet of more than 1000000 bytes" in refusal(book(tmp_path, " " * 2_000_000))
    monkeypatch.setattr(workbooks, "_MOST_SHARED", 1_000)
    assert "more text than can be read at once" in refusal(book(tmp_path, "", strings="<si/>" * 2_000))


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["vendor_xlsxwriter.xlsx", "survey_openpyxl.xlsx"])
def test_mutated_workbooks_raise_nothing_but_input_errors(tmp_path: Path, name: str) -> None:
    """Damage to the archive, and to the XML within a whole archive."""
    chance = random.Random(f"xlsx {name}")
    whole = (DATA / name).read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        inside = {part: archive.read(part) for part in archive.namelist()}
    path, got, chosen = tmp_path / "a.xlsx", 0, options()
    for turn in range(max(ROUNDS // 4, 1)):
        if turn % 2:
            path.write_bytes(b"PK\x03\x04" + mutated(whole, chance)[4:])
        else:
            part = chance.choice(sorted(inside))
            packed(path, {**inside, part: mutated(inside[part], chance)})
        try:
            got += sum(isinstance(row, Post) for row in read(path, chosen))
        except (InputError, UsageError) as error:
            _ = str(error)
    assert got
