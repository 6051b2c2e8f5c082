from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from opencc import OpenCC

import reports
from monitor.errors import ConfigError
from reports.language import LOCALES, language

FOLDER = Path(reports.__file__).parent
CHINESE = ("zh_Hant", "zh_Hans")
Message = str | tuple[str, ...]


@pytest.fixture(scope="module")
def used() -> set[Message]:
    """Every msgid that a module or template of the package asks for."""
    found = extract_from_dir(
        FOLDER,
        [("**.py", "python"), ("templates/**", "jinja2")],
        {"templates/**": {"extensions": "jinja2.ext.i18n"}},
        keywords={"_": None, "gettext": None, "ngettext": (1, 2)},
    )
    return {message for _file, _line, message, _comments, _context in found}


def catalogue(name: str) -> Catalog:
    with (FOLDER / "locale" / name / "LC_MESSAGES" / "qianli.po").open("rb") as source:
        return read_po(source, locale=name)


def entries(name: str) -> dict[Message, str]:
    """Msgid to translation; Chinese has one form for every number."""
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): message.string
        if isinstance(message.string, str)
        else message.string[0]
        for message in catalogue(name)
        if message.id
    }


@pytest.mark.parametrize("name", CHINESE)
def test_every_text_is_translated_and_no_entry_is_unused(name: str, used: set[Message]) -> None:
    known = entries(name)
    assert used - set(known) == set()
    assert set(known) - used == set()
    assert [i for i, text in known.items() if not text] == []
    assert catalogue(name).num_plurals == 1


@pytest.mark.parametrize("name", CHINESE)
def test_translations_keep_their_placeholders(name: str) -> None:
    for message, text in entries(name).items():
        many = message if isinstance(message, str) else message[-1]
        assert sorted(re.findall(r"%\((\w+)\)s", text)) == sorted(re.findall(r"%\((\w+)\)s", many)), many


@pytest.mark.parametrize("name", CHINESE)
def test_chinese_is_written_with_chinese_punctuation(name: str) -> None:
    for text in entries(name).values():
        assert not re.search(r"[,;:()?!]", re.sub(r"%\(\w+\)s", "", text)), text


def test_each_catalogue_is_in_its_own_script_and_words() -> None:
    hant, hans = entries("zh_Hant"), entries("zh_Hans")
    to_simplified, to_taiwan, to_mainland = OpenCC("t2s"), OpenCC("s2tw"), OpenCC("tw2sp")  # each takes long to load
    assert all(to_simplified.convert(text) == text for text in hans.values())
    usual = str.maketrans("台占", "臺佔")  # 平台 and 占比 are what Taiwan writes
    assert all(to_taiwan.convert(text) == text.translate(usual) for text in hant.values())
    not_converted = sum(to_mainland.convert(hant[i]) != hans[i] for i in hant)
    assert not_converted > len(hant) / 4


def test_english_plurals() -> None:
    words = language("en")
    one, many = "%(n)s copy", "%(n)s copies"
    assert [words.ngettext(one, many, n) for n in (0, 1, 2, 1200)] == ["0 copies", "1 copy", "2 copies", "1,200 copies"]


def test_chinese_plurals() -> None:
    assert language("zh-Hant").ngettext("%(n)s mention", "%(n)s mentions", 1) == "1 則提及"
    assert language("zh-Hans").ngettext("%(n)s mention", "%(n)s mentions", 2) == "2 条提及"


@pytest.mark.parametrize(
    ("code", "day", "short"),
    [
        ("zh-Hant", "2026年11月20日 週五", "11/20（週五）"),
        ("zh-Hans", "2026年11月20日周五", "11/20周五"),
        ("en", "Fri, Nov 20, 2026", "Fri, 11/20"),
    ],
)
def test_dates(code: str, day: str, short: str) -> None:
    words = language(code)
    assert words.day(date(2026, 11, 20)) == day
    assert words.short_day(date(2026, 11, 20)) == short


def test_times_are_of_the_zone_and_carry_their_date_only_on_another_day() -> None:
    words, moment = language("en"), datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    assert words.moment(moment, "Asia/Taipei", date(2026, 11, 21)) == "00:30"
    assert words.moment(moment, "Asia/Taipei", date(2026, 11, 20)) == "11/21 00:30"
    assert words.zone("Asia/Kathmandu", moment) == "Asia/Kathmandu, GMT+05:45"


@pytest.mark.parametrize(("code", "expected"), [("en", "310 million"), ("zh-Hant", "3.1億"), ("zh-Hans", "3.1亿")])
def test_rough_numbers_are_said_as_people_say_them(code: str, expected: str) -> None:
    assert language(code).rough(312_345_678) == expected
    assert language(code).rough(4567) == "4,600"
    assert language(code).rough(37) == "37"


def test_signs() -> None:
    words = language("en")
    assert [words.signed(n) for n in (7, -3, 0)] == ["+7", "−3", "±0"]
    assert words.signed(0.04, 1) == "±0"
    assert words.signed(-12.34, 1) == "−12.3"


def test_an_unknown_language_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r'^language: must be one of zh-Hant, zh-Hans, en, not "zh-Hantt"; did you'):
        language("zh-Hantt")


def test_every_language_loads() -> None:
    assert [language(code).code for code in LOCALES] == list(LOCALES)


def test_what_was_heard_is_never_rounded_up() -> None:
    words = language("en")
    assert [words.heard(share) for share in (1.0, 0.999, 0.7999, 0.29, 0.0)] == ["100%", "99%", "79%", "29%", "0%"]
