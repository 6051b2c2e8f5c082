"""What a digest says of customers' feelings, from signals in a real database; each number beside the view's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.digest import local_day
from monitor.jobs import Report
from monitor.model import Engagement, Feeling, Totals, utc_text
from monitor.store import facts, posts, writing
from monitor.work import digesting, feeling
from monitor.work.app import App
from tests.standin import HOUR, make_app, post

TODAY = date(2026, 11, 19)
DAY = timedelta(days=1)
START, END = local_day(TODAY, "Asia/Taipei")


@dataclass
class World:
    app: App
    db: Database
    number: int = 0

    @property
    def brand(self) -> int:
        return self.app.brands["澄嵐"]

    def say(self, text: str, at: datetime, *signals: tuple[str, str, str], **more: Any) -> int:
        """A post, through the stages; ``signals``: (kind, theme, words of the text)."""
        self.number += 1
        new = post(self.number, text, at, **more)
        with writing(self.db):
            posts.add(self.db, [new], posts.Arrival("forum", at, 2 * HOUR), self.app.author_key)
        jobs.process(self.app, self.db, END + HOUR, Report())
        (i,) = self.db.execute("SELECT id FROM posts WHERE native_id = ?", [str(self.number)]).fetchone()
        with writing(self.db):
            self.db.execute("DELETE FROM signals WHERE post = ?", [i])
            for kind, theme, words in signals:
                for (brand,) in self.db.execute("SELECT brand FROM mentions WHERE post = ?", [i]).fetchall():
                    a = text.index(words)
                    self.db["signals"].insert(
                        {"post": i, "brand": brand, "kind": kind, "start": a, "end": a + len(words), "theme": theme,
                         "rule": "test", "counted_at": utc_text(at)}
                    )  # fmt: skip
        return int(i)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    app = make_app(tmp_path)
    db = app.open_store()
    yield World(app, db)
    db.close()


def test_themes_count_mentions_and_voices_beside_last_week_and_quote_the_sentence(world: World) -> None:
    refund = ("complaint", "refund", "退款拖了一個月")
    world.say("澄嵐退款拖了一個月，爛", START + HOUR, refund, engagement=Engagement(likes=3))
    world.say("前面都還好。" * 60 + "澄嵐退款拖了一個月，真的爛透", START + 2 * HOUR, refund,
              engagement=Engagement(likes=9))  # fmt: skip
    world.say("聽說澄嵐退款拖了一個月？", START + 3 * HOUR, refund)
    world.say("上週澄嵐退款拖了一個月，爛爆", START - 7 * DAY + HOUR, refund)
    world.say("澄嵐送來都壞了，爛", START - 7 * DAY + HOUR, ("complaint", "quality", "送來都壞了"))
    heard = Totals(mentions=3)
    first, second = feeling.themes(world.app, world.db, world.brand, TODAY, heard, heard)
    assert (first.theme, first.posts, first.voices, first.before, first.beyond_noise) == ("refund", 3, 2, 1, False)
    assert first.series == (0,) * 6 + (1,) + (0,) * 6 + (2,)
    assert first.quote is not None
    assert first.quote.likes == 9
    assert "退款拖了一個月" in first.quote.text
    assert len(first.quote.text) <= feeling.WIDTH + 2
    assert (second.theme, second.posts, second.voices, second.before) == ("quality", 0, 0, 1)
    [(posts_in_view, voices)] = world.db.execute(
        """SELECT count(DISTINCT post), count(DISTINCT iif(opens_voice, post, NULL)) FROM v_signals
           WHERE brand = '澄嵐' AND kind = 'complaint' AND theme = 'refund' AND counted_at >= ? AND counted_at < ?""",
        [utc_text(START), utc_text(END)],
    )
    assert (posts_in_view, voices) == (first.posts, first.voices)


def test_without_last_week_nothing_is_compared_and_a_storm_is_beyond_noise(world: World) -> None:
    for n in range(12):
        world.say(f"澄嵐態度差到極點，第{n * n}次遇到這樣爛的事", START + n * HOUR, ("complaint", "service", "態度差"))
    heard = Totals(mentions=12)
    [line] = feeling.themes(world.app, world.db, world.brand, TODAY, heard, None)
    assert (line.voices, line.before, line.beyond_noise) == (12, None, None)
    [line] = feeling.themes(world.app, world.db, world.brand, TODAY, heard, heard)
    assert (line.before, line.beyond_noise) == (0, True)
    [line] = feeling.themes(world.app, world.db, world.brand, TODAY, heard, Totals(heard=0.3))
    assert line.beyond_noise is None


def test_other_feelings_have_counts_and_quotes_and_a_copied_text_is_quoted_once(world: World) -> None:
    wish = ("wish", "", "希望能開到十點")
    for n in range(3):
        world.say("希望能開到十點啊澄嵐，下班都來不及了真的", START + n * HOUR, wish)
    world.say("要是澄嵐有外送就好了", START + 5 * HOUR, ("wish", "", "要是澄嵐有外送就好了"))
    world.say("澄嵐有點失望", START - HOUR, ("disappointment", "", "有點失望"))
    [line] = feeling.feelings(world.app, world.db, world.brand, TODAY, Totals())
    assert (line.kind, line.posts, line.before) == (Feeling.WISH, 4, 0)
    assert [q.text for _, q in line.quotes] == ["要是澄嵐有外送就好了", "希望能開到十點啊澄嵐，下班都來不及了真的"]
    assert feeling.feelings(world.app, world.db, world.brand, TODAY, None)[0].before is None


@pytest.mark.parametrize(("keep", "told"), [(False, "服務超親切"), (True, "澄嵐信義店的林小禾服務超親切，謝謝她")])
def test_praise_of_staff_is_told_without_the_name_unless_it_may_be_kept(tmp_path: Path, keep: bool, told: str) -> None:
    app = make_app(tmp_path, privacy={"keep_names": keep})
    db = app.open_store()
    world = World(app, db)
    world.say("澄嵐信義店的林小禾服務超親切，謝謝她", START + HOUR, ("praise", "staff", "服務超親切"))
    [line] = feeling.feelings(app, db, world.brand, TODAY, None)
    assert [quote.text for _, quote in line.quotes] == [told]
    db.close()


def test_rivals_share_the_voice_and_fulfil_wishes(world: World) -> None:
    for n in range(24):
        world.say(f"澄嵐{'爛' * (n % 3 == 0)}{n}", START + timedelta(minutes=n))
    for n in range(8):
        world.say(f"霽川還行{n}", START + timedelta(minutes=n))
    world.say("希望澄嵐門口有充電座", START, ("wish", "", "希望澄嵐門口有充電座"))
    world.say("霽川的充電座好多，讚", START - 9 * DAY, ("praise", "service", "充電座好多"))
    world.say("霽川就可以線上退貨，澄嵐為什麼不行", START + HOUR, ("wish", "rival", "霽川就可以線上退貨"))
    brand = world.app.config.brands[0]
    ours, theirs = feeling.rivals(world.app, world.db, brand, world.brand, TODAY)
    assert (ours.brand, ours.totals.mentions, theirs.brand, theirs.totals.mentions) == ("澄嵐", 26, "霽川", 10)
    assert ours.share_of_voice == pytest.approx(26 / 36)
    assert ours.net == pytest.approx(-8 / 26)
    assert theirs.net is None
    whole = local_day(TODAY - 27 * DAY, "Asia/Taipei")[0], END
    assert ours.totals == facts.totals(world.db, world.brand, *whole)
    found = feeling.wishes_fulfilled(world.app, world.db, brand, world.brand, TODAY)
    assert {(f.rival, f.praise is not None, f.word in ("充電", "電座")) for f in found} == {
        ("霽川", False, False), ("霽川", True, True),
    }  # fmt: skip


def test_alone_there_are_no_rivals(tmp_path: Path) -> None:
    app = make_app(tmp_path, brands=[{"name": "澄嵐", "terms": ["澄嵐"]}])
    db = app.open_store()
    brand = app.config.brands[0]
    assert feeling.rivals(app, db, brand, 1, TODAY) == ()
    assert feeling.wishes_fulfilled(app, db, brand, 1, TODAY) == ()
    db.close()


def test_the_digest_tells_them(world: World) -> None:
    world.say("澄嵐退款拖了一個月，爛", START + HOUR, ("complaint", "refund", "退款拖了一個月"))
    loaded = digesting.load(world.app, world.db, world.app.config.brands[0], world.brand, TODAY, END + HOUR)
    assert [t.theme for t in loaded.themes] == ["refund"]
    assert [r.brand for r in loaded.rivals] == ["澄嵐", "霽川"]
