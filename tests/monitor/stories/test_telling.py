"""What a story is about and how fast it grows."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from monitor.stories.telling import doubling_time, log_odds, telling_words

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
USUAL = [
    f"澄嵐氣炸鍋{what}，客服{how}"
    for what in ("很好用", "有點吵", "清洗麻煩", "外觀漂亮")
    for how in ("回得慢", "還可以", "很親切")
] * 5
STORY = [
    "澄嵐氣炸鍋突然冒煙了",
    "我家的氣炸鍋也冒煙，消防局都來了",
    "冒煙還不召回？客服裝死",
    "消防局說是線路短路冒煙",
] * 3


def test_the_words_that_set_a_story_apart_come_first_as_written() -> None:
    words = telling_words(STORY, USUAL, own=["澄嵐"])
    assert [word for word, _ in words][:2] == ["冒煙", "消防局"]
    assert all(z >= 2 for _, z in words)
    assert not {"澄嵐", "客服", "氣炸鍋"} & {word for word, _ in words}


def test_raw_counts_would_say_another_word() -> None:
    counted = Counter(word for text in STORY for word in ("氣炸鍋", "冒煙", "消防局") if word in text)
    usual = Counter(word for text in USUAL for word in ("氣炸鍋", "冒煙", "消防局") if word in text)
    scored = log_odds(counted, usual, counted)
    assert max(scored, key=scored.__getitem__) == "冒煙"
    assert usual.most_common(1)[0][0] == "氣炸鍋"
    assert scored["氣炸鍋"] < 0 < scored["消防局"]


def test_nothing_said_and_nothing_usual_is_no_error() -> None:
    assert telling_words([], USUAL) == []
    assert telling_words(["@某人 https://example.test [怒]"], []) == []


@pytest.mark.parametrize(
    ("minutes", "doubled"),
    [([0, 1, 2], None), ([0, 0, 0, 0], None), ([0, 10, 20, 30], 20), ([0, 60, 90, 100, 105, 110], 20)],
)
def test_the_doubling_time_is_that_of_the_newer_half(minutes: list[int], doubled: int | None) -> None:
    times = [NOW + timedelta(minutes=n) for n in reversed(minutes)]
    assert doubling_time(times) == (timedelta(minutes=doubled) if doubled else None)


def test_what_marks_a_reply_is_no_word() -> None:
    story = [f"{mark}氣炸鍋冒煙{i}次" for i in range(10) for mark in ("Re: [抱怨] ", "RE：", "Fw:")]
    said = [word for word, _ in telling_words(story, [f"電鍋煮了{i}碗飯" for i in range(60)])]
    assert "氣炸鍋冒煙" in "".join(said)
    assert {"re", "fw"}.isdisjoint(word.lower() for word in said)
