"""The travel index in words: each verdict in each language, and no more than the interval bears."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from monitor.model import Lack, Measure, Travel, TravelMeasure, TravelVerdict
from reports.language import language
from reports.safe import inert
from reports.travel_view import travel_sentence, travel_view

FARTHER = Travel("澄嵐", date(2026, 11, 20), 28, 48, 180, 240, 2.3, 1.4, 3.8, TravelVerdict.FARTHER)
NONE = replace(FARTHER, ratio=1.13, low=0.7, high=1.8, verdict=TravelVerdict.NO_DIFFERENCE)
LITTLE = Travel("澄嵐", date(2026, 11, 20), 90, 48, 12, 1030, None, None, None, TravelVerdict.TOO_LITTLE, Lack.STORIES)


@pytest.mark.parametrize(
    ("travel", "code", "said"),
    [
        (FARTHER, "zh-Hant",
         "壞消息傳得比好消息遠，是 2.3 倍（95% 區間 1.4–3.8，以 28 天內 180 個負面、240 個正面話題計）。"),
        (FARTHER, "zh-Hans",
         "坏消息传得比好消息远，是 2.3 倍（95% 区间 1.4–3.8，以 28 天内 180 个负面、240 个正面话题计）。"),
        (FARTHER, "en", "Bad news went 2.3 times as far as good news (95% interval 1.4–3.8; 180 negative and 240 "
                        "positive stories of 28 days)."),
        (replace(FARTHER, ratio=64.0, high=None), "zh-Hant",
         "壞消息傳得比好消息遠，至少是 1.4 倍（95% 信心，以 28 天內 180 個負面、240 個正面話題計）。"),
        (replace(FARTHER, ratio=0.42, low=0.2, high=0.9, verdict=TravelVerdict.LESS_FAR), "zh-Hant",
         "壞消息傳得沒有好消息遠，只有 0.42 倍（95% 區間 0.2–0.9，以 28 天內 180 個負面、240 個正面話題計）。"),
        (NONE, "zh-Hant",
         "看不出壞消息與好消息誰傳得遠（倍數的 95% 區間 0.7–1.8，以 28 天內 180 個負面、240 個正面話題計）。"
         "若壞消息傳得遠一倍，多半早已看得出來。"),
        (replace(NONE, low=0.3, high=4.1, needed=1987), "zh-Hant",
         "看不出壞消息與好消息誰傳得遠（倍數的 95% 區間 0.3–4.1，以 28 天內 180 個負面、240 個正面話題計）。"
         "就算壞消息傳得遠一倍，也要約 2,000 個話題才看得出來。"),
        (replace(NONE, high=None), "en",
         "No difference shown between how far bad and good news went (95% interval of the factor: 0.7 or more; 180 "
         "negative and 240 positive stories of 28 days). One side hardly travelled at all, so even a large one might "
         "not have shown."),
        (LITTLE, "zh-Hant", "資料太少，無法判斷壞消息是否傳得比好消息遠（90 天內 12 個負面、1,030 個正面話題）："
                            "正負各需至少 20 則。"),
        (replace(LITTLE, lack=Lack.DAYS), "en",
         "Too little data to say whether bad news goes farther than good news (12 negative and 1,030 positive stories "
         "of 90 days): nearly all of them began on a few days, and a few happenings are no habit."),
    ],
)  # fmt: skip
def test_each_finding_is_a_sentence(travel: Travel, code: str, said: str) -> None:
    assert inert(travel_sentence(travel, language(code))) == said


@pytest.mark.parametrize("code", ["zh-Hant", "zh-Hans", "en"])
@pytest.mark.parametrize("lack", list(Lack))
def test_every_lack_has_words_of_its_own(lack: Lack, code: str) -> None:
    words = language(code)
    others = {travel_sentence(replace(LITTLE, lack=other), words) for other in Lack if other is not lack}
    assert travel_sentence(replace(LITTLE, lack=lack), words) not in others


def test_rows_stand_on_an_axis_of_factors() -> None:
    measures = (
        TravelMeasure(Measure.COPIES, 180, 240, 1.2, 0.4, 2.0, 0.5, 4.0),
        TravelMeasure(Measure.REPOSTS, 40, 61, 9.0, 3.0, 30.0, 1.0, None),
        TravelMeasure(Measure.COMMENTS, 0, 0, None, None),
    )
    view = travel_view(replace(FARTHER, measures=measures), language("zh-Hant"))
    whole, copies, reposts, comments = view.measures
    assert tuple(map(inert, (whole.name, whole.ratio, whole.interval))) == ("整體", "×2.3", "1.4–3.8")
    assert (copies.low, copies.at, copies.high) == (0.375, 0.625, 0.75)
    assert (inert(reposts.interval), reposts.low, reposts.at, reposts.high) == ("1 以上", 0.5, 1.0, 1.0)
    assert (comments.ratio, comments.interval, comments.at) == ("", "資料太少", None)
    assert len(view.notes) == 2
