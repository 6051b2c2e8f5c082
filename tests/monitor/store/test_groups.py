"""Copy groups and stories as they are stored: found again after a restart, bounded, the same in any order."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.demo.world import INCIDENT_START, world
from monitor.model import Author, Engagement, Post
from monitor.store import brand_ids, groups, likeness, mentions, open_store, posts, purges, writing
from monitor.store.alike import COPIES
from monitor.store.likeness import Window
from monitor.store.story_facts import story_facts
from monitor.work.grouping import group_posts

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEXT = "昨天在澄嵐門市買的氣炸鍋，用了不到一個月就開始冒煙，打客服電話沒人接，最後叫我自己寄回去，運費還要我出。"
OTHER = "今早搭霽川的巴士，司機一路講電話還闖紅燈，到站也不停，跟客服反映只說會轉達，真的很誇張。"


def store(db: Database, found: list[Post], now: datetime = NOW) -> None:
    with writing(db):
        posts.add(db, found, posts.Arrival("s", now, 2 * HOUR), lambda p, a: a)
        batch = posts.take(db, "match", 5000)
        posts.done(db, "match", batch)
        groups.assign(db, {p.id: posts.keys_of(p) for p in batch}, now)


def told(number: int | str, text: str, at: datetime = NOW, **more: object) -> Post:
    return Post("forum", str(number), text, published_at=at, **more)  # type: ignore[arg-type]


def of(db: Database, number: int | str) -> tuple[int, int]:
    ((post,),) = db.execute("SELECT id FROM posts WHERE native_id = ?", [str(number)])
    return groups.of_posts(db, [post])[post]


def test_a_copy_is_known_after_a_restart_and_in_another_batch(tmp_path: Path) -> None:
    db = open_store(tmp_path / "a.db")
    store(db, [told(1, TEXT), told(2, OTHER)])
    db.close()
    db = open_store(tmp_path / "a.db")
    store(db, [told(3, f"轉發//@甲:{TEXT[:30]}…"), told(4, TEXT.replace("澄嵐", "海鹽社"))], NOW + HOUR)
    assert of(db, 3) == of(db, 1)
    assert len({of(db, n)[0] for n in (1, 2, 4)}) == 3
    db.close()


def test_a_text_that_holds_two_groups_makes_them_one_and_their_ids_stay_valid(db: Database) -> None:
    store(db, [told(1, TEXT[:24]), told(2, TEXT[30:])])
    assert of(db, 1)[0] != of(db, 2)[0]
    store(db, [told(3, TEXT)])
    assert of(db, 1) == of(db, 2) == of(db, 3)
    assert db.execute("SELECT id, merged_into FROM groups").fetchall() == [(1, None), (2, 1)]
    assert db.execute("SELECT id, merged_into FROM stories").fetchall() == [(1, None), (2, 1)]


def test_an_edited_post_leaves_its_copies_and_is_not_found_by_its_old_text(db: Database) -> None:
    store(db, [told(1, TEXT)])
    with writing(db):
        posts.add(db, [told(1, OTHER)], posts.Arrival("s", NOW, 2 * HOUR), lambda p, a: a)
        batch = posts.take(db, "group", 10)
        groups.assign(db, {p.id: posts.keys_of(p) for p in batch}, NOW)
    store(db, [told(2, TEXT[:40]), told(3, OTHER[:30])])
    assert of(db, 3)[0] == of(db, 1)[0] != of(db, 2)[0]


def test_marks_are_forgotten_after_their_time_and_beyond_their_number(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr("monitor.store.alike.COPIES", Window("copy", COPIES.keep, 50))
    rng = random.Random(3)
    many = [told(n, "".join(rng.choices("澄嵐門市買的氣炸鍋不到一個月就開始冒煙打客服電話", k=40))) for n in range(300)]
    for at in range(0, 300, 50):
        store(db, many[at : at + 50], NOW + at * timedelta(minutes=1))
        assert db.execute("SELECT count(*) FROM copy_texts").fetchone()[0] <= 50
    assert db.execute("SELECT count(*) FROM copy_marks").fetchone()[0] <= 50 * 24
    store(db, [told("late", OTHER)], NOW + COPIES.keep + 6 * HOUR)
    assert db.execute("SELECT count(*) FROM copy_texts").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM copy_marks WHERE post NOT IN (SELECT post FROM copy_texts)").fetchone() == (
        0,
    )


def test_a_flood_of_changed_copies_fills_no_table(db: Database) -> None:
    rng = random.Random(4)
    flood = []
    for n in range(1500):
        at = rng.randrange(len(TEXT))
        flood.append(told(n, f"{TEXT[:at]}{rng.choice('的了呢啊哦')}{TEXT[at:]}#{rng.randrange(99)}"))
    for at in range(0, 1500, 500):
        store(db, flood[at : at + 500])
    assert len({of(db, n)[0] for n in range(1500)}) == 1
    most = max(n for (n,) in db.execute("SELECT count(*) FROM copy_marks GROUP BY mark"))
    assert most <= likeness.MOST_HOLDERS


def test_a_purged_text_leads_nobody_to_it(db: Database) -> None:
    store(db, [told(1, TEXT)])
    with writing(db):
        purges.empty(db, [1], NOW)
    assert db.execute("SELECT count(*) FROM copy_marks").fetchone() == (0,)
    store(db, [told(2, TEXT[:40])])
    assert of(db, 1)[0] != of(db, 2)[0]


def test_any_order_gives_nearly_the_same_groups() -> None:
    rng = random.Random(5)
    base = [
        "".join(
            rng.choices(
                "昨天在門市買了東西不到一個月就壞掉打電話沒人接最後叫我自己寄回去運費還要出真誇張",
                k=rng.randint(30, 70),
            )
        )
        for _ in range(60)
    ]
    found = [told(f"{n}.{i}", change(text, i, rng)) for n, text in enumerate(base) for i in range(4)]
    partitions = []
    for seed in range(3):
        order = random.Random(seed).sample(found, len(found))
        grouped = {post.native_id: group for post, (group, _) in zip(order, group_posts(order, NOW), strict=True)}
        partitions.append([grouped[p.native_id] for p in found])
    truth = [p.native_id.split(".")[0] for p in found]
    for one in partitions:
        both, wanted = pairs(zip(truth, one, strict=True)), pairs(truth)
        assert both / wanted >= 0.97
        assert both / pairs(one) >= 0.97
        for other in partitions:
            shared = pairs(zip(one, other, strict=True))
            assert shared / (pairs(one) + pairs(other) - shared) >= 0.95


def change(text: str, how: int, rng: random.Random) -> str:
    cut = text[: max(20, int(len(text) * rng.uniform(0.5, 0.8)))]
    return [text, f"轉發//@甲:{text}", f"{cut}…全文", f"【轉】{text} #熱議# 😡"][how]


def pairs(labels: object) -> int:
    return sum(n * (n - 1) // 2 for n in Counter(labels).values())  # type: ignore[call-overload]


LINK = "https://news.example.com/story/77"


def test_a_new_link_ties_stories_and_a_standing_one_does_not(db: Database) -> None:
    store(db, [told(1, f"看看 {LINK}?utm_source=a"), told(2, "太扯 http://m.news.example.com/story/77/", NOW + HOUR),
               told(3, "新品開箱 https://example.com/", NOW),
               told(4, "退錢 https://example.com/?from=app", NOW)])  # fmt: skip
    assert of(db, 1)[1] == of(db, 2)[1]
    assert len({of(db, n)[1] for n in (1, 3, 4)}) == 3
    store(db, [told(5, f"又看到 {LINK}", NOW + 4 * 24 * HOUR)], NOW + 4 * 24 * HOUR)
    assert of(db, 5)[1] != of(db, 1)[1]


def test_a_list_of_links_ties_no_two_happenings(db: Database) -> None:
    store(db, [told(1, "甲 https://a.example/x/1"), told(2, "乙 https://b.example/y/2")])
    store(db, [told(3, "本日新聞 https://a.example/x/1 https://b.example/y/2")])
    assert of(db, 1)[1] != of(db, 2)[1]


def test_a_post_is_tied_to_who_links_to_it(db: Database) -> None:
    store(
        db, [told(1, "推這篇 https://board.example/M.77.html"), told(2, OTHER, url="https://board.example/M.77.html")]
    )
    assert of(db, 1)[1] == of(db, 2)[1]
    assert of(db, 1)[0] != of(db, 2)[0]


TELLINGS = (
    "台中一名陳姓婦人昨晚使用澄嵐氣炸鍋時突然冒煙，消防局獲報派員前往，所幸無人受傷",
    "澄嵐氣炸鍋冒煙，台中婦人險釀火災，消防局派員到場",
)


def test_tellings_of_one_event_are_one_story_and_no_copies_while_they_are_close(db: Database) -> None:
    store(db, [told(n, text) for n, text in enumerate(TELLINGS)])
    assert of(db, 0)[1] == of(db, 1)[1]
    assert of(db, 0)[0] != of(db, 1)[0]
    store(db, [told(9, TELLINGS[0].replace("昨晚", "昨夜凌晨時分").replace("一名", "有位"), NOW + 72 * HOUR)])
    store(
        db,
        [
            told(7, "澄嵐宣布電鍋下月調漲兩成，消基會要求說明成本結構"),
            told(8, TELLINGS[1][2:], NOW + 72 * HOUR, page="v1", root="8"),
        ],
    )
    assert of(db, 7)[1] != of(db, 0)[1]


NEWS = (
    "藍鯨快遞觀音倉惡火 二十萬件包裹付之一炬",
    "桃園觀音的藍鯨快遞倉庫凌晨大火，20萬件包裹沒了，檢方勘驗堆高機充電區",
    "檢方：觀音倉惡火起自堆高機充電區",
)


def test_a_telling_is_tied_after_a_restart_in_whatever_order_the_tellings_come(tmp_path: Path) -> None:
    for number, order in enumerate(permutations(range(3))):
        for at in order:
            db = open_store(tmp_path / f"{number}.db")
            store(db, [told(at, NEWS[at], NOW + at * HOUR)], NOW + 3 * HOUR)
            found = {of(db, n) for n in order[: order.index(at) + 1]}
            db.close()
        assert len({story for _, story in found}) == 1
        assert len({group for group, _ in found}) == 3


def test_what_is_told_of_another_watched_brand_is_another_story(db: Database) -> None:
    brands = brand_ids(db, {"藍鯨": "own", "霽川": "own"})
    with writing(db):
        found = [told(n, text, NOW + n * HOUR) for n, text in enumerate(NEWS[:2])]
        posts.add(db, found, posts.Arrival("s", NOW, 2 * HOUR), lambda p, a: a)
        batch = posts.take(db, "match", 5)
        named = {p.id: [mentions.Mention(brand, "term", "")] for p, brand in zip(batch, brands.values(), strict=True)}
        mentions.replace(db, named, {})
        groups.assign(db, {p.id: posts.keys_of(p) for p in batch}, NOW)
    assert of(db, 0)[1] != of(db, 1)[1]


def test_a_round_up_joins_one_happening_and_makes_no_two_of_them_one(db: Database) -> None:
    store(db, [told(1, NEWS[0]), told(2, "翼捷司機疲勞駕駛撞上護欄 廣州三名乘客骨折送醫", NOW + HOUR)])
    store(
        db, [told(3, f"今日要聞：一、{NEWS[0][:12]}，二十萬件包裹。二、翼捷司機疲勞駕駛，廣州乘客骨折", NOW + 2 * HOUR)]
    )
    assert of(db, 1)[1] != of(db, 2)[1]


def test_fillings_of_one_template_are_no_story(db: Database) -> None:
    text = "求助！有沒有人知道{}會員怎麼退訂啊？找了半天都沒有找到入口，已經被扣了三個月的錢"
    store(db, [told(n, text.format(b), NOW + n * HOUR) for n, b in enumerate(("澄嵐", "霽川", "沐禾", "海鹽社"))])
    assert len({of(db, n)[1] for n in range(4)}) == 4


def test_a_flood_of_tellings_fills_no_place_of_a_term(db: Database) -> None:
    store(
        db, [told(n, f"{NEWS[n % 3]}，{'甲乙丙丁戊己庚辛'[n % 8]}記者第{n}報", NOW + n * HOUR / 60) for n in range(60)]
    )
    most = max(n for (n,) in db.execute("SELECT count(*) FROM topic_marks GROUP BY mark"))
    assert most <= likeness.MOST_HOLDERS


def test_the_facts_of_a_story(db: Database) -> None:
    brand = brand_ids(db, {"澄嵐": "own"})["澄嵐"]
    usual = [told(f"u{n}", f"澄嵐氣炸鍋{what}，第{n}次", NOW - (n + 30) * HOUR)
             for n, what in enumerate(["很好用", "有點吵", "清洗麻煩", "外觀漂亮"] * 10)]  # fmt: skip
    found = [
        told(n, text, NOW + n * HOUR, author=Author("a" if n < 2 else f"b{n}", followers=10 * n + 5),
             engagement=Engagement(likes=n), url=LINK)
        for n, text in enumerate([*(f"氣炸鍋冒煙第{n}台，消防局來了" for n in range(6)), TEXT, f"轉//@甲:{TEXT}"])
    ]  # fmt: skip
    found.append(Post("board", "1", f"冒煙 {LINK}", published_at=NOW + 2 * HOUR, author=Author("c", followers=7)))
    store(db, [*usual, *found], NOW + 9 * HOUR)
    with writing(db):
        rows = db.execute("SELECT id FROM posts").fetchall()
        mentions.replace(db, {i: [mentions.Mention(brand, "term", "澄嵐")] for (i,) in rows}, {})
    story = of(db, 0)[1]
    facts = story_facts(db, brand, story, NOW + 9 * HOUR)
    assert facts is not None
    assert (facts.first_seen, facts.last_seen, facts.posts, facts.copies) == (NOW, NOW + 7 * HOUR, 9, 1)
    assert facts.platforms == (("forum", NOW), ("board", NOW + 2 * HOUR))
    assert facts.by_hour[2] == (NOW + 2 * HOUR, 2)
    assert (facts.loudest, facts.reach) == (("b7", 75), 15 + 25 + 35 + 45 + 55 + 65 + 75 + 7)
    assert facts.engagement == sum(range(8))
    assert facts.doubling == 4 * HOUR
    assert "冒煙" in facts.terms[0][0]
    assert story_facts(db, brand, 10**6, NOW) is None
    early = story_facts(db, brand, story, NOW + HOUR)
    assert early is not None
    assert early.posts == 2
    (row,) = db.execute(
        "SELECT posts, copies, texts, platforms, most_followers FROM v_stories WHERE story = ?", [story]
    )
    assert row == (9, 1, 8, row[3], 75)
    assert set(row[3].split(",")) == {"forum", "board"}


def test_which_source_answered_first_decides_nothing(tmp_path: Path) -> None:
    """Two days of the demo around its incident, hour by hour, as the sources gave them and shuffled within the hour."""
    first = INCIDENT_START - timedelta(days=1)
    items = [i for i in world() if first <= i.at < INCIDENT_START + timedelta(days=1)]

    def partition(rng: random.Random | None) -> Counter[frozenset[str]]:
        db = open_store(tmp_path / f"{rng is None}.db")
        for hour in range(48):
            start = first + hour * HOUR
            came = [
                Post(i.platform, i.id, "\n".join(filter(None, (i.title, i.text))), published_at=i.at)
                for i in items
                if start <= i.at < start + HOUR
            ]
            if rng is not None:
                rng.shuffle(came)
            store(db, came, start + HOUR)
        together: dict[int, set[str]] = {}
        for story, name in db.execute(
            """SELECT g.story, p.platform || p.native_id FROM posts p JOIN group_members m ON m.post = p.id
               JOIN groups g ON g.id = m."group" """
        ).fetchall():
            together.setdefault(story, set()).add(name)
        db.close()
        return Counter(map(frozenset, together.values()))

    orderly = partition(None)
    assert max(map(len, orderly)) > 5
    assert partition(random.Random(4)) == orderly
