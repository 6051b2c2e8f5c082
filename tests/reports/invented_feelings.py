"""What invented customers feel about an invented brand, as jobs.py would hand it to the page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.model import (
    ComplaintLine,
    Digest,
    Feeling,
    FeelingLine,
    FulfilledWish,
    Ledger,
    Measure,
    Quote,
    Recovery,
    Rival,
    ThemeLine,
    Totals,
    Travel,
    TravelMeasure,
    TravelVerdict,
)
from tests.reports import invented_facts as facts
from tests.reports.invented_facts import HOSTILE_TEXTS, HOSTILE_URLS, QUOTES, at


def said(number: int, text: str, platform: str, hour: float, **counts: int) -> Quote:
    return Quote(number, text, platform, at(hour), f"https://{platform}.example/p/{number}", **counts)


NEVER_AGAIN = said(21, "我以後不會再買澄嵐了,真的。", "threads", 16.4, likes=210, comments=31)
TELL = said(22, "有要辦會員的先等等,退費流程會讓你懷疑人生,務必轉給朋友看", "facebook", 19.2, likes=88, reposts=41)
QUIET = said(23, "喝了四年,這週開始換別家了。", "dcard", 21.7, likes=19)
POLITE = said(24, "可能是我期待太高,這次的桂花有點普通。", "ptt", 13.1)
WISH = said(25, "要是有半糖以下的選項就好了,霧青茶早就可以選了", "threads", 12.5, likes=54)
WISH_SIZE = said(26, "拜託出小杯,一個人真的喝不完", "plurk", 10.2, likes=12)
PRAISE = said(
    27, "大雨天店員特地跑出來幫我把外帶袋套好,謝謝信義店那位綁馬尾的女生", "threads", 18.3, likes=640, reposts=58
)
MOVED = said(28, "我只是問問有沒有過敏原,店長居然手寫了一整張卡片給我。", "dcard", 17.6, likes=402)
RIVAL_PRAISE = said(29, "霧青茶三分糖剛剛好,終於不用跟店員討價還價", "threads", 9.4, likes=77)
ANSWER = said(30, "您好,已私訊您訂單編號,今天下班前會完成退費。", "threads", 17.9)
POINTS = said(32, "會員點數又歸零,打三次客服三種說法", "ptt", 9.9)
SATISFIED = said(31, "更新:錢收到了,也有打電話來道歉,給推。", "threads", 22.4, likes=33)


def complaint(number: int, quote: Quote, themes: tuple[str, ...], hours: float, **changes: object) -> ComplaintLine:
    """One that waits since ``hours`` before the end of the day."""
    first = facts.END - timedelta(hours=hours)
    line = ComplaintLine(
        number, number, themes, 2, Recovery.NEW, first, facts.END - timedelta(hours=1), 3, 2, 800, 1.5,
        2 if hours >= 24 else None, 700 if hours >= 24 else None, quote,
    )  # fmt: skip
    return replace(line, **changes)  # type: ignore[arg-type]


TO_ANSWER = (
    complaint(41, QUOTES[1], ("refund", "service"), 8.2, posts=231, voices=12, reach=42_310, velocity=96.4),
    complaint(42, QUOTES[0], ("waiting", "app"), 33.7, posts=40, voices=31, reach=18_204, velocity=12.25,
              posts_before=9, reach_before=2_950),
    complaint(43, TELL, ("refund",), 4.8, posts=6, voices=5, reach=5_120, velocity=8.0),
    complaint(44, QUOTES[2], ("hygiene",), 3.9, posts=5, voices=5, reach=930, velocity=2.7),
    complaint(45, POLITE, ("taste",), 130.0, posts=3, voices=2, reach=240, velocity=0.0, posts_before=3,
              reach_before=240),
    complaint(46, POINTS, ("app",), 61.0, posts=2, voices=2, reach=118,
              velocity=0.1, posts_before=1, reach_before=90),
    complaint(47, said(33, "外送少一杯,平台叫我找店家,店家叫我找平台。", "facebook", 20.6), ("delivery",), 3.4),
)  # fmt: skip

MADE_GOOD = (
    complaint(39, SATISFIED, ("refund",), 52.0, state=Recovery.RECOVERED, posts=4, voices=3, reach=2_210,
              answered_at=facts.END - timedelta(hours=30), recovered_at=facts.END - timedelta(hours=2), answer=ANSWER),
)  # fmt: skip

LEDGER = Ledger(
    arrived=6, answered=5, recovered=2, lost=1, waiting=9, unrecovered=7, time_to_answer=timedelta(hours=5.4),
    time_to_recovery=timedelta(hours=51), to_answer=TO_ANSWER, made_good=MADE_GOOD,
)  # fmt: skip

THEMES = (
    ThemeLine("waiting", 34, 26, 4, True, (2, 3, 1, 2, 3, 4, 2, 4, 1, 2, 3, 2, 5, 26), QUOTES[0]),
    ThemeLine("refund", 22, 14, 2, True, (1, 0, 2, 1, 1, 5, 3, 2, 2, 1, 3, 2, 4, 14), QUOTES[1]),
    ThemeLine("hygiene", 5, 5, 3, False, (0, 1, 0, 0, 2, 1, 0, 3, 1, 0, 0, 1, 2, 5), QUOTES[2]),
    ThemeLine("taste", 4, 3, 6, False, (3, 4, 2, 5, 3, 4, 6, 6, 3, 4, 2, 3, 4, 3), POLITE),
    ThemeLine("price", 6, 0, None, None, (0,) * 14),
)

FEELINGS = (
    FeelingLine(Feeling.COMPLAINT, 61, 14, (("waiting", QUOTES[0]),)),
    FeelingLine(Feeling.DISAPPOINTMENT, 7, 4, (("", POLITE),)),
    FeelingLine(Feeling.LEAVING, 9, 1, (("", NEVER_AGAIN),)),
    FeelingLine(Feeling.TELLING, 4, 0, (("", TELL),)),
    FeelingLine(Feeling.EXIT, 2, 1, (("", QUIET),)),
    FeelingLine(Feeling.WISH, 11, 8, (("rival", WISH), ("", WISH_SIZE))),
    FeelingLine(Feeling.PRAISE, 38, 35, (("staff", PRAISE), ("taste", said(34, "桂花烏龍還是第一名", "ptt", 15.0)))),
    FeelingLine(Feeling.MOVED, 3, None, (("staff", MOVED),)),
)

RIVALS = (
    Rival("澄嵐", Totals(7_141, 640, 410, 1_930, 580, 120), 7_141 / 16_381, 1_290 / 6_441),
    Rival("霧青茶", Totals(8_120, 402, 310, 2_480, 610, 96), 8_120 / 16_381, 2_078 / 7_414,
          (("waiting", 0.011, 0.043), ("refund", 0.002, 0.019))),
    Rival("晚汀", Totals(1_120, 12, 9, 3, 1_101, 2), 1_120 / 16_381, None),
)  # fmt: skip

FULFILLED = (FulfilledWish(WISH, "霧青茶", RIVAL_PRAISE), FulfilledWish(WISH_SIZE, "晚汀", None))


TRAVEL = Travel(
    "澄嵐", facts.DAY, 28, 48, 180, 240, 2.3, 1.4, 3.8, TravelVerdict.FARTHER,
    measures=(
        TravelMeasure(Measure.COPIES, 180, 240, 1.9, 0.7, 2.6, 1.3, 5.2),
        TravelMeasure(Measure.REPOSTS, 44, 61, 31.0, 14.0, 2.1, 1.1, None),
        TravelMeasure(Measure.COMMENTS, 180, 240, 8.2, 4.4, 1.9, 1.2, 3.1),
        TravelMeasure(Measure.PLATFORMS, 180, 240, 0.3, 0.2, 1.4, 0.8, 2.4),
        TravelMeasure(Measure.SPEED, 9, 7, 3.5, 5.0),
    ),
)  # fmt: skip


def rich_day() -> Digest:
    """A day of which everything is known."""
    return replace(
        facts.incident_day(), themes=THEMES, feelings=FEELINGS, ledger=LEDGER, rivals=RIVALS, fulfilled=FULFILLED,
        travel=TRAVEL,
    )  # fmt: skip


def quiet_day() -> Digest:
    """A calm day on which nobody waits."""
    ledger = replace(LEDGER, arrived=0, answered=1, recovered=0, lost=0, waiting=0, unrecovered=3, to_answer=(),
                     made_good=(), time_to_recovery=None)  # fmt: skip
    return replace(facts.calm_day(), themes=THEMES[2:4], feelings=FEELINGS[5:7], ledger=ledger, rivals=RIVALS[:2])


def nothing() -> Ledger:
    return Ledger(0, 0, 0, 0, 0, 0, None, None, ())


def silent_day() -> Digest:
    """Nobody spoke, and all was heard."""
    return replace(facts.zero_day(), ledger=nothing())


def deaf_day() -> Digest:
    """Little was heard, and in it one complaint from before."""
    ledger = replace(nothing(), waiting=1, to_answer=TO_ANSWER[4:5])
    return replace(facts.blind_day(), ledger=ledger, themes=(replace(THEMES[2], beyond_noise=None),))


FELT = {"rich": rich_day, "quiet": quiet_day, "silent": silent_day, "deaf": deaf_day}


def hostile_feelings() -> Digest:
    """Every place of the page that a stranger's words, or a name of the user's, can reach."""
    quotes = tuple(
        Quote(60 + i, text, HOSTILE_TEXTS[i % 3], at(i), HOSTILE_URLS[i % len(HOSTILE_URLS)])
        for i, text in enumerate(HOSTILE_TEXTS)
    )
    long = "x" * 10_000
    waiting = tuple(
        complaint(60 + i, quote, (HOSTILE_TEXTS[0], long, "refund"), 30.0, reach=10**12, velocity=1e9, answer=quote)
        for i, quote in enumerate(quotes)
    )
    return replace(
        facts.hostile_digest(),
        ledger=replace(LEDGER, to_answer=waiting * 9, made_good=waiting, waiting=10**7),
        themes=tuple(ThemeLine(text, 10**9, 10**9, 3, True, (10**9,) * 14, quotes[i % len(quotes)])
                     for i, text in enumerate((*HOSTILE_TEXTS, long))),
        feelings=tuple(FeelingLine(kind, 10**9, 9, tuple((q.text, q) for q in quotes)) for kind in Feeling),
        rivals=tuple(Rival(text, Totals(10**9), 1.0, -1.0, ((text, 0.1, 0.2),) * 9) for text in HOSTILE_TEXTS),
        fulfilled=tuple(FulfilledWish(q, q.text, q) for q in quotes),
    )  # fmt: skip
