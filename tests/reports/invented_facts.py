"""Invented days and incidents of an invented brand, as jobs.py would hand them to the reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from monitor.digest import change, local_day, rank_stories, verdict
from monitor.model import (
    AlertFacts,
    Command,
    DayPoint,
    Digest,
    EventLine,
    Gap,
    IncidentLine,
    Kind,
    NextMail,
    OpsFacts,
    Quote,
    Severity,
    SourceCoverage,
    StoryFacts,
    StoryLine,
    Totals,
)

DAY = date(2026, 11, 20)
ZONE = "Asia/Taipei"
START, END = local_day(DAY, ZONE)


def at(hour: float) -> datetime:
    """A moment of the digest's day by its local hour."""
    return START + timedelta(hours=hour)


QUOTES = (
    Quote(
        11,
        "等了四十分鐘,店員只說「系統壞了我也沒辦法」。\n澄嵐以前不是這樣的。",
        "ptt",
        at(14.3),
        "https://forum.example/bbs/Food/M.1795.html",
        likes=87,
        comments=132,
    ),
    Quote(
        12,
        "退費退了三個禮拜還在「處理中」,客服每次都叫我再等等 🙃",
        "threads",
        at(15.8),
        "https://social.example/@mist/post/9",
        followers=21400,
        likes=1260,
        reposts=214,
        comments=96,
    ),
    Quote(
        13,
        "杯子裡喝到一段封膜,回去店裡連一句對不起都沒有。",
        "dcard",
        at(20.1),
        "https://cards.example/f/drink/p/25",
        likes=45,
    ),
)

UNSURE = (
    Quote(14, "他們家的新品,只能說很「特別」。", "threads", at(11.2), "https://social.example/@fog/post/3", likes=31),
    Quote(15, "又換配方了嗎?喝起來跟上個月不太一樣", "ptt", at(18.7)),
)

STORIES = (
    StoryLine(7, QUOTES[0], 31, 40, 9, ("ptt", "threads", "news-tw"), at(14.25)),
    StoryLine(9, QUOTES[1], 12, 231, 214, ("threads",), at(15.8)),
    StoryLine(8, QUOTES[2], 5, 5, 0, ("dcard",), at(20.1)),
)

INCIDENT = IncidentLine(
    12, "澄嵐", "acknowledged", Severity.CRITICAL, "live", at(14.25), at(14.75), None, "林曉彤", 48, 6.2,
    "等了四十分鐘,店員只說「系統壞了我也沒辦法」",
)  # fmt: skip

COVERAGE = (
    SourceCoverage("ptt-food", 88, 0.875, (Gap(at(2), at(5), "blind", "HTTP 503"),)),
    SourceCoverage("threads", 212, 1.0),
    SourceCoverage("dcard-drink", 34, 1.0),
    SourceCoverage("news-tw", 11, 0.95, (Gap(at(9.5), at(10.7), "partial"),)),
)

VOICES = (4, 6, 3, 5, 9, 12, 5, 4, 3, 6, 7, 5, 11, 48)
MENTIONS = (210, 232, 188, 240, 260, 395, 250, 231, 244, 219, 236, 259, 262, 345)


def series(last: Totals, incident: bool) -> tuple[DayPoint, ...]:
    days = [
        Totals(mentions, voices + 3, voices, mentions // 4, 21, 5, heard=0.31 if index == 6 else 1.0)
        for index, (voices, mentions) in enumerate(zip(VOICES, MENTIONS, strict=True))
    ]
    days[-1] = last
    return tuple(
        DayPoint(DAY - timedelta(days=13 - i), t, incident=i == 5 or (i == 13 and incident)) for i, t in enumerate(days)
    )


BUSY = Totals(345, 71, 48, 60, 33, 6, heard=0.97)
EVEN = Totals(262, 14, 11, 70, 24, 5)
EARLIER = Totals(244, 7, 5, 66, 22, 5)


def digest(
    today: Totals = BUSY,
    yesterday: Totals | None = EVEN,
    last_week: Totals | None = EARLIER,
    incidents: tuple[IncidentLine, ...] = (INCIDENT,),
    stories: tuple[StoryLine, ...] = STORIES,
    coverage: tuple[SourceCoverage, ...] = COVERAGE,
    days_of_data: float = 27.4,
) -> Digest:
    """A brand-day; by default one with an open incident."""
    return Digest(
        brand="澄嵐",
        day=DAY,
        start=START,
        end=END,
        made_at=END + timedelta(hours=8.5),
        zone=ZONE,
        verdict=verdict(today, yesterday, last_week, incidents, days_of_data, today.heard),
        today=today,
        yesterday=yesterday,
        last_week=last_week,
        since_midnight=Totals(41, 9, 8, 6, 3, 0),
        incidents=incidents,
        stories=rank_stories(stories),
        unsure=UNSURE[: today.unsure_posts],
        series=series(today, bool(incidents)),
        platforms=(
            ("threads", Totals(212, 30, 17, 40, 20, 2)),
            ("ptt", Totals(88, 35, 26, 9, 9, 2)),
            ("dcard", Totals(34, 6, 5, 9, 4, 1)),
            ("news-tw", Totals(11, 0, 0, 2, 0, 1)),
        ),
        competitors=(("霧青茶", Totals(290, 20, 16, 80, 20, 4)),),
        coverage=coverage,
        days_of_data=days_of_data,
        corrections=3,
        model="snownlp-0.12.3+c4",
        rules="r7-2f9a",
        against_yesterday=change(today, yesterday),
        against_last_week=change(today, last_week),
    )


def incident_day() -> Digest:
    return digest()


def calm_day() -> Digest:
    return digest(today=Totals(251, 12, 9, 71, 20, 4), incidents=(), stories=STORIES[2:], coverage=COVERAGE[1:3])


def raised_day() -> Digest:
    return digest(today=Totals(300, 34, 26, 60, 20, 4), incidents=(), coverage=COVERAGE[1:3])


def learning_day() -> Digest:
    day = digest(
        today=Totals(118, 16, 12, 20, 9, 1),
        yesterday=None,
        last_week=None,
        incidents=(),
        coverage=COVERAGE[1:3],
        days_of_data=1.4,
    )
    return replace(day, competitors=(), series=day.series[-2:])


def blind_day() -> Digest:
    whole = Gap(START, END, "blind", "login required")
    blind = (
        replace(COVERAGE[0], posts=0, heard=0.0, gaps=(whole,)),
        replace(COVERAGE[1], posts=12, heard=0.2),
        *COVERAGE[2:],
    )
    day = digest(today=Totals(46, 3, 3, 8, 4, 1, heard=0.22), incidents=(), stories=STORIES[2:], coverage=blind)
    return replace(day, late=True, made_at=END + timedelta(hours=9, minutes=10), platforms=day.platforms[2:])


def zero_day() -> Digest:
    day = digest(today=Totals(), incidents=(), stories=(), coverage=COVERAGE[1:3])
    return replace(day, platforms=(), competitors=(), since_midnight=Totals(), corrections=0)


def history_day() -> Digest:
    found = replace(
        INCIDENT, origin="history", state="resolved", owner="", resolved_at=at(23.5), severity=Severity.WARNING
    )
    return replace(digest(incidents=(found,)), since_midnight=None, revision=2)


DAYS = {
    "incident": incident_day,
    "calm": calm_day,
    "raised": raised_day,
    "learning": learning_day,
    "unknown": blind_day,
    "empty": zero_day,
    "history": history_day,
}

EVIDENCE = {
    "k": 7.4,
    "f": 4.1,
    "hour": {"observed": 14, "own": 1.2, "expected": 1.6, "low": 0, "high": 5, "ratio": 8.75, "p": 3.2e-9},
    "six_hours": {"observed": 19, "own": 6.8, "expected": 7.1, "low": 2, "high": 14, "ratio": 2.68, "p": 0.0004},
    "since_onset": {"observed": 14, "own": 1.1, "expected": 1.7, "low": 0, "high": 5, "ratio": 8.2, "p": 5.0e-9},
    "onset": "2026-11-20T18:15:00Z",
    "share": {"negative": 0.38, "low": 0.24, "high": 0.54, "usual": 0.11},
    "days_of_data": 27.4,
}
"""As ``monitor.spikes.Measurement.evidence()`` gives it, without what mails do not say."""


BURST_EVIDENCE = {
    "kind": "burst", "story": 7, "copies": 23, "usual_max": 4, "threshold": 12, "total_copies": 31, "voices": 19,
    "first_seen": "2026-11-20T17:20:00Z", "platforms": ["threads", "ptt"], "hours": 3,
}  # fmt: skip
TAKEOFF_EVIDENCE = {
    "kind": "takeoff", "post": 11, "measure": "comments", "per_hour": 120.0, "usual_per_hour": 8.0, "ratio": 15.0,
    "count": 132, "age_minutes": 50, "followers": 21400, "usual_followers": 300, "platform": "ptt",
}  # fmt: skip
FINDINGS: dict[Kind, dict[str, object]] = {
    Kind.SPIKE: EVIDENCE,
    Kind.BURST: BURST_EVIDENCE,
    Kind.TAKEOFF: TAKEOFF_EVIDENCE,
}

BEGAN = datetime(2026, 11, 20, 17, 20, tzinfo=UTC)
STORY = StoryFacts(
    story_id=7, first_seen=BEGAN, last_seen=BEGAN + timedelta(hours=2), posts=40, copies=23, voices=16,
    by_hour=tuple((BEGAN.replace(minute=0) + n * timedelta(hours=1), posts) for n, posts in enumerate((4, 12, 24))),
    doubling=timedelta(minutes=48), platforms=(("threads", BEGAN), ("ptt", BEGAN + timedelta(minutes=45))),
    loudest=("5f" * 32, 21_400), reach=312_400, engagement=1700,
    terms=(("退費", 9.1), ("封膜", 7.4), ("系統壞了", 5.0), ("店員", 3.2)),
)  # fmt: skip

STATES = {
    "escalated": "escalated", "acknowledged": "acknowledged", "continues": "acknowledged", "silenced": "silenced",
    "resolved": "resolved", "not_us": "resolved",
}  # fmt: skip
"""The state after each event; all others leave it open."""

EVENTS = (
    "opened", "raised", "grown", "spread", "escalated", "acknowledged", "silenced", "unsilenced", "reopened",
    "continues", "resolved", "not_us",
)  # fmt: skip

COMMANDS = (
    Command("prepare", "cd /srv/qianli"),
    Command("ack", "qianli ack 12"),
    Command("silence", "qianli silence 12 --for 4h"),
    Command("not_us", "qianli not-us 11 --brand 澄嵐"),
    Command("resolve", "qianli resolve 12"),
    Command("look", "qianli incidents 12"),
)
IDLE = {"acknowledged": ("ack",), "silenced": ("silence",), "resolved": ("ack", "silence", "resolve")}
REPLY_TO = "qianli+i12-1-k4xqabcdefghijkl@pr.example"


def alert(event: str = "opened", kind: Kind = Kind.SPIKE, **changes: object) -> AlertFacts:
    """Facts of a mail written at 03:05 local time on 21 November about an incident that began at 02:15."""
    state, over = STATES.get(event, "open"), event in ("resolved", "not_us")
    onset = datetime(2026, 11, 20, 18, 15, tzinfo=UTC)
    evidence = FINDINGS[kind]
    incident = IncidentLine(
        12, "澄嵐", state, Severity.CRITICAL if event == "raised" else Severity.WARNING, "live", onset,
        onset + timedelta(minutes=45), onset + timedelta(minutes=50) if over else None,
        "林曉彤" if state == "acknowledged" else "", 14, 1.6,
    )  # fmt: skip
    facts = AlertFacts(
        incident=incident,
        event=event,
        at=datetime(2026, 11, 20, 19, 5, tzinfo=UTC),
        zone=ZONE,
        evidence=evidence,
        subject_size={Kind.SPIKE: 14, Kind.BURST: 23, Kind.TAKEOFF: 132}[kind],
        quotes=QUOTES,
        voices=16,
        authors=9,
        stories=4,
        copies=23,
        excess_by_platform=(("ptt", 0.62), ("threads", 0.31), ("dcard", 0.07)),
        coverage=(
            COVERAGE[1],
            SourceCoverage("news-tw", 2, 0.4, (Gap(onset, onset + timedelta(minutes=30), "blind", "timeout"),)),
        ),
        commands=tuple(c for c in COMMANDS if c.does not in IDLE.get(state, ())),
        kind=kind,
        worst=evidence,
        by="林曉彤" if event in ("acknowledged", "silenced", "not_us") else "",
        silenced_until=datetime(2026, 11, 20, 23, 5, tzinfo=UTC) if state == "silenced" else None,
        next_mail=NextMail(reopens_within=timedelta(hours=24))
        if over
        else NextMail(
            28, event != "raised", 0.3, True, onset + timedelta(minutes=80) if state == "open" else None,
            ("lead@pr.example",),
        ),
        events=(EventLine(onset + timedelta(minutes=45), "opened"), EventLine(onset + timedelta(minutes=50), event)),
    )  # fmt: skip
    return replace(facts, **changes)  # type: ignore[arg-type]


def answered(event: str = "opened", kind: Kind = Kind.SPIKE) -> AlertFacts:
    """The same where a mailbox reads answers, a page is served and its story is known."""
    return alert(event, kind, reply_to=REPLY_TO, page="https://pr.example/qianli/incident-12.html", story=STORY)


OPS = OpsFacts(
    "collect", "ptt-food", "SourceError: the page is an HTML error page, not a feed", "0.1.0", "a81f", at(3), ZONE
)

HOSTILE_TEXTS = (
    "<script>alert(1)</script><img src=x onerror=alert(1)><style>*{display:none}</style>",
    "\u202egnp.exe\u2066 \u200b\u200d\ufeff反轉\u2069\x1b[31m\x00\x07",
    "{{ 7*7 }}{% raw %} %(n)s %s ${x} </bdi></blockquote></td></table>",
    "壞" * 10_000,
    "x" * 10_000,
    "Subject: injected\r\nBcc: all@victim.example\r\n\r\nbody\u2028== 已解決 ==",
    "Z\u0351\u0352\u0353\u0354\u0355\u0356\u0357\u0358 \ud800 =1+1|cmd",
)
HOSTILE_URLS = (
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    " https://ok.example/ ",
    "https://bank.example@evil.example/",
    'https://evil.example/"onmouseover="alert(1)',
    "https://evil.example/\r\nX: y",
    "HTTPS:///nohost",
    "https://[evil",
)


def hostile_digest() -> Digest:
    """Every place that a stranger's words can reach, filled with hostile ones."""
    everything = "".join(HOSTILE_TEXTS[:3])
    stories = tuple(
        StoryLine(i, Quote(i, text, everything, at(i), url), 50 - i, 60, 10, (everything, "y" * 500), at(i))
        for i, (text, url) in enumerate(zip(HOSTILE_TEXTS, HOSTILE_URLS, strict=False))
    )
    incident = replace(INCIDENT, brand=HOSTILE_TEXTS[5], owner=everything, headline=HOSTILE_TEXTS[3])
    gap = Gap(at(1), at(2), "blind", HOSTILE_TEXTS[5])
    return replace(
        digest(
            stories=stories, incidents=(incident,) * 30, coverage=(SourceCoverage(everything, 1, 0.5, (gap,) * 9),) * 60
        ),
        brand=HOSTILE_TEXTS[5],
        unsure=tuple(s.quote for s in stories),
        platforms=tuple((f"{i}{everything}", BUSY) for i in range(60)),
        competitors=tuple((f"{i}{'y' * 500}", BUSY) for i in range(60)),
        model=everything,
        rules="r" * 5000,
    )


def hostile_alert(event: str = "opened", kind: Kind = Kind.TAKEOFF) -> AlertFacts:
    """Every place of an alert that a stranger's words can reach."""
    everything, long = "".join(HOSTILE_TEXTS[:3]), "x" * 10_000
    quotes = tuple(replace(QUOTES[0], text=t, url=u) for t, u in zip(HOSTILE_TEXTS[:3], HOSTILE_URLS, strict=False))
    base = alert(event, kind)
    return replace(
        base,
        incident=replace(base.incident, brand=HOSTILE_TEXTS[5], owner=HOSTILE_TEXTS[2]),
        quotes=quotes,
        excess_by_platform=((HOSTILE_TEXTS[0], 0.9), (long, 0.1)),
        evidence={
            **FINDINGS[kind], "platform": HOSTILE_TEXTS[5], "measure": HOSTILE_TEXTS[0], "platforms": HOSTILE_TEXTS * 9,
        },
        worst={**TAKEOFF_EVIDENCE, "platform": long},
        by=HOSTILE_TEXTS[5],
        events=tuple(EventLine(base.at, text, text) for text in HOSTILE_TEXTS) * 30,
        commands=tuple(Command("not_us", f"qianli not-us 11 --brand '{HOSTILE_TEXTS[i]}'") for i in (0, 1, 2, 5)),
        next_mail=replace(base.next_mail, escalates_at=base.at, escalates_to=HOSTILE_TEXTS),
        reply_to=REPLY_TO,
        page=HOSTILE_URLS[0],
        story=replace(
            STORY, by_hour=((base.at, 9),) * 72, platforms=tuple((text, base.at) for text in HOSTILE_TEXTS),
            terms=tuple((text, 9.0) for text in HOSTILE_TEXTS) * 20, loudest=(everything, 9),
        ),
    )  # fmt: skip
