from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.answering import Command, Verb, read_command
from monitor.answering.commands import LONGEST_SILENCE

H = timedelta(hours=1)
ACK, NOT_US, RESOLVE = Command(Verb.ACKNOWLEDGE), Command(Verb.NOT_US), Command(Verb.RESOLVE)


def silence(hours: float) -> Command:
    return Command(Verb.SILENCE, lasting=hours * H)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("ack", ACK),
        ("ACK", ACK),
        ("Ack.", ACK),
        ("acknowledged!", ACK),
        ("  acknowledge  ", ACK),
        ("ａｃｋ", ACK),
        ("收到", ACK),
        ("已收到。", ACK),
        ("收到了！", ACK),
        ("「收到」", ACK),
        ("*收到*", ACK),
        ("收\u200b到", ACK),
        ("resolve", RESOLVE),
        ("Resolved", RESOLVE),
        ("已解決", RESOLVE),
        ("已解决。", RESOLVE),
        ("解決了", RESOLVE),
        ("silence 4h", silence(4)),
        ("Silence 4 hours", silence(4)),
        ("silence", silence(4)),
        ("靜音", silence(4)),
        ("靜音 4h", silence(4)),
        ("静音4小时", silence(4)),
        ("靜音４小時", silence(4)),
        ("靜音 兩個小時", silence(2)),
        ("靜音半小時", silence(0.5)),
        ("静音 30 分钟", silence(0.5)),
        ("silence 30m", silence(0.5)),
        ("silence: 2d", silence(48)),
        ("靜音 三天", silence(72)),
        ("silence 9999d", silence(168)),
        ("not us", NOT_US),
        ("Not-us", NOT_US),
        ("不是我們", NOT_US),
        ("不是我们！", NOT_US),
        ("not us 4711", Command(Verb.NOT_US, posts=(4711,))),
        ("不是我們 4711、4712", Command(Verb.NOT_US, posts=(4711, 4712))),
        ("not us #4711, #4711", Command(Verb.NOT_US, posts=(4711,))),
    ],
)
def test_the_words(line: str, wanted: Command) -> None:
    assert read_command(line) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "",
        "> ack",
        "＞ 收到",
        "| ack",
        "acknowledge that you lie",
        "I ack",
        "ack?",
        "ack ack",
        "back",
        "收到嗎",
        "沒收到",
        "未解決",
        "not resolved",
        "resolve? not yet",
        "不是我們的錯",
        "not us 47x",
        "silence 0h",
        "silence 4",
        "silence -4h",
        "silence 4y",
        "silence 4h later",
        "silence 99999h",
        "On Friday, Qianli wrote:",
        "-----Original Message-----",
        "x" * 100_000,
        "not us" + "".join(f" {n}" for n in range(21)),
    ],
)
def test_nothing_else_is_a_command(line: str) -> None:
    assert read_command(line) is None


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_line_is_read(line: str) -> None:
    found = read_command(line)
    assert found is None or found.verb in Verb


@settings(deadline=None)
@given(st.integers(1, 9999), st.sampled_from(["m", "h", "d", " minutes", "小時", "天"]))
def test_no_silence_lasts_longer_than_a_week(n: int, unit: str) -> None:
    found = read_command(f"silence {n}{unit}")
    assert found is not None
    assert timedelta() < found.lasting <= LONGEST_SILENCE


def test_one_wish_has_one_name() -> None:
    same = [read_command(words) for words in ("silence 4h", "靜音", "静音240分钟")]
    assert {wish.action for wish in same if wish} == {"silence 14400s"}
    two = [read_command(words) for words in ("not us 2 1", "不是我們 1、2")]
    assert {wish.action for wish in two if wish} == {"not us 1 2"}
