"""How long a replay takes, beside one plain pass of the same posts through the stages.

    python -m tests.bench.replay [--posts 100000] [--days 30] [--texts phrases grammar] [--anew] [--profile FILE]

A database of a file is filled with invented posts of the last days, a third more of them by day than by night, in
storms now and then, each arrived in the quarter of an hour in which it was written. ``grammar`` puts texts together
from lists, as simulators do: millions of them, each near to thousands of others. ``phrases`` are a dozen sentences
with a number: whoever writes one is the copy of all who did. Two brands, the shipped model.

Printed is one JSON object for each kind of texts, in seconds of CPU: ``plain pass`` is what match, score, group and
count take for all posts at once (``jobs.process``, after ``posts.add``); ``replay`` is the command as a user starts it,
which judges every quarter by itself; with ``--anew`` also for a config with other rules, so that posts are matched and
grouped again. ``--profile``: the replay runs in this process, and where its time went is written to FILE.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from monitor import jobs, rehearsing
from monitor.config import load
from monitor.jobs import Report
from monitor.model import BIN, Author, Post, bin_start
from monitor.store import coverage, posts, writing
from monitor.work.app import App, open_app

LIVE = timedelta(hours=2)
CONFIG = """
language = "zh-Hant"
[[brands]]
name = "澄嵐"
terms = [{terms}]
[[brands]]
name = "霽川"
terms = ["霽川"]
[[sources]]
name = "forum"
type = "feed"
url = "https://forum.example.test/feed"
[network]
contact = "oncall@example.test"
"""
OWN = '"澄嵐"'
OTHER = '"澄嵐", "Chenglan"'
"""Another rule, which finds the same."""

PHRASES = (
    "今天去了{b}的門市買了新的杯子,編號{n}", "想問{b}週末開到幾點,第{n}次問了",
    "{b}推出秋季新品了顏色很好看,排隊{n}號",
    "在{b}等朋友人不多,座位{n}", "{b}的咖啡豆放了{n}天還是很香", "{b}這家店離我家{n}公里剛剛好",
    "{b}會員日滿{n}送一大家衝", "{b}的店員態度好差氣死了,等了{n}分鐘", "{b}退款拖了兩個禮拜都沒消息太誇張,單號{n}",
    "{b}的東西用{n}天就壞掉爛透了", "{b}客服一直推託再也不買了,打了{n}通", "{b}漏水漏成這樣賠我{n}塊",
)  # fmt: skip
ANGRY_PHRASES = 7
"""The first of the angry ones."""

OPENINGS = (
    "", "", "", "第一次發文,", "老實講,", "剛剛", "昨天下班後", "上禮拜陪家人去逛的時候", "不是業配,", "更新一下,",
    "朋友推薦我",
    "同事說", "路過看到", "週年慶的時候", "補充樓上,", "我媽", "有人跟我一樣嗎,", "想請教一下,", "趁還記得寫一下:",
    "今天",
)  # fmt: skip
PLACES = (
    "在{b}門市",
    "在{b}官網",
    "跟{b}",
    "去{b}旗艦店",
    "在超市的{b}專櫃",
    "從{b}的直播間",
    "找{b}代購",
    "打電話給{b}",
)
DONE = (
    "買了一台除濕機", "訂了生日蛋糕", "換了新的濾網", "領了集點的杯子", "問保固的事情", "拿到會員卡",
    "試了新款耳機", "排隊等結帳",
    "預約維修時間", "寄回去檢查電池", "看到新的廣告", "登記抽獎活動",
)  # fmt: skip
GOOD = (
    "店員很親切講解得很清楚", "用起來很安靜小孩照睡", "包裝很用心還附了卡片", "當天就處理好了很順",
    "質感比照片上還要好",
    "價錢也算合理", "人不多可以慢慢看", "顏色比想像中漂亮", "會想再來一次", "沒有什麼特別的", "跟去年那款差不多",
    "下禮拜才會到貨",
)  # fmt: skip
BAD = (
    "結果用三天就壞掉爛透了", "客服一直推託再也不買了", "店員態度差到不行氣死", "退款拖了一個月都沒消息",
    "收到的東西有刮傷還不給換",
    "等了兩個小時還說沒有紀錄", "插上去就冒煙差點燒起來", "多收我錢還不承認", "根本就是詐騙", "漏水漏了一整片地板",
)  # fmt: skip
CLOSINGS = (
    "",
    "",
    "",
    ",先這樣",
    ",給大家參考",
    ",有後續再更新",
    ",圖在留言",
    ",晚點補圖",
    "。",
    "!",
    "…",
    "😂",
    ",以上",
    ",求解",
)


def phrase(dice: random.Random, brand: str, *, angry: bool) -> str:
    of = PHRASES[ANGRY_PHRASES:] if angry else PHRASES[:ANGRY_PHRASES]
    return dice.choice(of).format(b=brand, n=dice.randrange(1, 400))


def sentence(dice: random.Random, brand: str, *, angry: bool) -> str:
    said = dice.sample(BAD if angry else GOOD, dice.choice((1, 1, 2)))
    parts = (dice.choice(OPENINGS), dice.choice(PLACES), dice.choice(DONE), ",", ",".join(said), dice.choice(CLOSINGS))
    return "".join(parts).format(b=brand)


TEXTS: dict[str, Callable[..., str]] = {"phrases": phrase, "grammar": sentence}


def world(kind: str, number: int, days: int, end: datetime, dice: random.Random) -> Iterator[tuple[datetime, Post]]:
    """(when it arrived, post), in order: four storms in which a quarter of what is said is angry for six hours."""
    start = end - timedelta(days=days)
    storms = [start + timedelta(days=days * share) for share in (0.35, 0.55, 0.7, 0.9)]
    at = 0
    for moment in sorted(_moments(number, start, days, dice)):
        storm = any(begun <= moment < begun + timedelta(hours=6) for begun in storms)
        for _ in range(3 if storm else 1):
            at += 1
            brand = "澄嵐" if storm or dice.random() < 0.7 else "霽川"
            text = TEXTS[kind](dice, brand, angry=dice.random() < (0.6 if storm else 0.12))
            who = Author(f"a{dice.randrange(number // 4 + 1)}")
            arrived = min(end, bin_start(moment) + BIN)
            yield arrived, Post("forum", f"p{at}", text, author=who, published_at=moment)


def _moments(number: int, start: datetime, days: int, dice: random.Random) -> Iterator[datetime]:
    for _ in range(number):
        moment = start + timedelta(days=dice.random() * days)
        if moment.hour in range(16, 24) and dice.random() < 0.4:  # night in Taipei
            moment = min(moment + timedelta(hours=8), start + timedelta(days=days) - timedelta(seconds=1))
        yield moment


def fill(app: App, db: Database, told: list[tuple[datetime, Post]], end: datetime) -> float:
    """Store the posts as they arrived and let the stages do them; the seconds of CPU that this took."""
    start = told[0][0] - BIN
    began = time.process_time()
    with writing(db):
        coverage.add_heard_history(db, "forum", start, end)
        coverage.finish_run(db, coverage.start_run(db, "forum", start), end, "ok")
    for at in range(0, len(told), 2_000):
        with writing(db):
            for arrived, post in told[at : at + 2_000]:
                posts.add(db, [post], posts.Arrival("forum", arrived, LIVE), app.author_key)
    jobs.process(app, db, end, Report())
    return time.process_time() - began


def measure(kind: str, number: int, days: int, *, anew: bool, profile: Path | None, folder: Path) -> dict[str, object]:
    end = datetime.now(UTC).replace(microsecond=0)
    told = list(world(kind, number, days, end, random.Random(7)))
    (folder / "config.toml").write_text(CONFIG.format(terms=OWN), encoding="utf-8")
    (folder / "other.toml").write_text(CONFIG.format(terms=OTHER), encoding="utf-8")
    app = open_app(load(folder / "config.toml"))
    db = app.open_store()
    plain = fill(app, db, told, end)
    groups = db.execute('SELECT count(DISTINCT "group"), count(*) FROM group_members').fetchone()
    found: dict[str, object] = {
        "texts": kind, "posts": len(told), "days": days, "groups": groups[0], "plain pass": round(plain, 1),
    }  # fmt: skip
    if profile is not None:
        return found | {"alerts": _profiled(app, db, folder / ("other.toml" if anew else "config.toml"), days, profile)}
    db.close()
    found["alerts"], seconds = replayed(folder, days)
    found |= {"replay": seconds, "times": round(seconds / plain, 2)}
    if anew:
        found["alerts, anew"], found["replay, anew"] = replayed(folder, days, "--with", str(folder / "other.toml"))
    return found


def replayed(folder: Path, days: int, *words: str) -> tuple[int, float]:
    """Alerts and seconds of CPU of the command."""
    before = _children()
    command = [sys.executable, "-m", "monitor", "--config", str(folder / "config.toml"), "replay", "--json"]
    said = subprocess.run([*command, "--days", str(days), *words], check=True, capture_output=True)
    return said.stdout.count(b"\n"), round(_children() - before, 1)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _profiled(app: App, db: Database, config: Path, days: int, file: Path) -> int:
    now = datetime.now(UTC)
    profiler = cProfile.Profile(time.process_time)
    found = profiler.runcall(lambda: list(rehearsing.replay(app, db, load(config), now - timedelta(days=days), now)))
    profiler.dump_stats(file)
    return len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--texts", choices=TEXTS, nargs="+", default=list(TEXTS))
    parser.add_argument("--anew", action="store_true", help="replay with other rules, too")
    parser.add_argument("--profile", type=Path, help="write where the replay's time goes")
    args = parser.parse_args()
    for kind in args.texts:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(kind, args.posts, args.days, anew=args.anew, profile=args.profile, folder=Path(folder))
        print(json.dumps(found, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
