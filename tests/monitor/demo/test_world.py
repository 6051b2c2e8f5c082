from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from monitor.demo.dice import Dice
from monitor.demo.world import (
    BACKGROUND,
    DAYS,
    FIRST_DAY,
    FORUM,
    INCIDENT,
    INCIDENT_START,
    MICROBLOG,
    NEWS,
    NOISE,
    OWN_ACCOUNT,
    PROMO_DAY,
    SERVICE,
    SERVICE_ACCOUNT,
    ZONE,
    Item,
    local,
    world,
)
from monitor.demo.writer import HANS, HANT, NEGATIVE, OWN, RIVAL, phrases, product_in
from monitor.matching import Matcher, Rule
from monitor.text import identity


@pytest.fixture(scope="module")
def items() -> tuple[Item, ...]:
    return world()


def test_the_same_seed_gives_the_same_posts_and_another_gives_others(items: tuple[Item, ...]) -> None:
    def mark(posts: tuple[Item, ...]) -> str:
        return hashlib.sha256("\n".join(map(repr, posts)).encode()).hexdigest()

    assert mark(world()) == mark(items)
    assert mark(world(seed=1)) != mark(items)


def test_dice_do_not_depend_on_the_python_version() -> None:
    """Numbers of the Mersenne Twister for this seed, which Python promises to keep."""
    dice = Dice(20)
    assert [dice.number(1, 1000) for _ in range(5)] == [906, 687, 767, 905, 260]


def test_poisson_has_its_mean_and_variance() -> None:
    dice = Dice(3)
    counts = [dice.poisson(4.0) for _ in range(20_000)]
    mean = sum(counts) / len(counts)
    variance = sum((c - mean) ** 2 for c in counts) / len(counts)
    assert mean == pytest.approx(4.0, abs=0.06)
    assert variance == pytest.approx(4.0, abs=0.2)


def test_size_order_and_ids(items: tuple[Item, ...]) -> None:
    assert 4_000 <= len(items) <= 6_000
    assert all(a.at <= b.at for a, b in pairwise(items))
    assert len({(i.platform, i.id) for i in items}) == len(items)
    assert items[0].at >= local(FIRST_DAY)
    assert items[-1].at < local(FIRST_DAY + timedelta(days=DAYS))
    assert {i.platform for i in items} == {NEWS, FORUM, MICROBLOG}


def test_replies_and_copies_come_after_what_they_take_up(items: tuple[Item, ...]) -> None:
    known = {(i.platform, i.id): i for i in items}
    replies, copies = [i for i in items if i.reply_to], [i for i in items if i.copy_of]
    assert len(replies) > 500
    assert len(copies) > 100
    assert all(known[i.platform, i.reply_to].at <= i.at for i in replies)
    assert all(known[i.platform, i.copy_of].at <= i.at for i in copies)
    assert all(identity(known[i.platform, i.copy_of].text) == identity(i.text) for i in copies)


def test_only_reposts_are_long_copies(items: tuple[Item, ...]) -> None:
    """But for a handful of short questions and the agency texts that news sites share."""
    own_words = Counter(identity(i.text) for i in items if not i.copy_of and not i.reply_to)
    assert sum(n - 1 for n in own_words.values()) < 0.01 * len(items)


def test_both_scripts_name_both_brands_and_noise_names_none(items: tuple[Item, ...]) -> None:
    matcher = Matcher([Rule(1, ("澄嵐", "Chenglan"), exclude=("澄嵐山",)), Rule(2, ("霽川",))])
    found = {(i.platform, i.id): {hit.brand for hit in matcher.find(f"{i.title}\n{i.text}")} for i in items}
    for item in items:
        brands = found[item.platform, item.id]
        if item.cause == NOISE:
            assert not brands
        elif item.about:
            assert {OWN: 1, RIVAL: 2}[item.about] in brands
    assert any("澄嵐山" in i.text for i in items if i.cause == NOISE)
    for about in (OWN, RIVAL):
        assert {i.script for i in items if i.about == about} == {HANT, HANS}


def test_ordinary_days_are_negative_to_a_tenth_or_an_eighth(items: tuple[Item, ...]) -> None:
    ordinary = [i for i in items if i.cause == BACKGROUND and i.about == OWN]
    share = sum(i.tone == NEGATIVE for i in ordinary) / len(ordinary)
    assert 0.10 <= share <= 0.15


def test_the_promo_day_is_five_times_as_loud_and_no_more_negative(items: tuple[Item, ...]) -> None:
    by_day: dict[object, list[Item]] = {}
    for item in items:
        if item.about == OWN and item.cause != INCIDENT:
            by_day.setdefault(item.at.astimezone(ZONE).date(), []).append(item)
    promo = by_day.pop(PROMO_DAY)
    usual = sum(map(len, by_day.values())) / len(by_day)
    assert 4 <= len(promo) / usual <= 6.5
    assert sum(i.tone == NEGATIVE for i in promo) / len(promo) <= 0.15


def test_the_incident_starts_small_on_the_forum_and_spreads(items: tuple[Item, ...]) -> None:
    bad = [i for i in items if i.cause == INCIDENT and i.tone == NEGATIVE]
    assert bad[0].at == INCIDENT_START
    assert {i.platform for i in bad if i.at < INCIDENT_START + timedelta(hours=1)} == {FORUM}
    assert {i.platform for i in bad} == {FORUM, MICROBLOG, NEWS}
    voices = [i for i in bad if not i.copy_of and i.at < INCIDENT_START + timedelta(hours=10)]
    assert 120 <= len(voices) <= 200
    assert len([i for i in voices if i.at < INCIDENT_START + timedelta(hours=1)]) <= 8
    assert len({i.author for i in bad}) > 0.8 * len(bad)


def test_the_brand_answers_from_its_own_account(items: tuple[Item, ...]) -> None:
    answers = [i for i in items if i.author == OWN_ACCOUNT]
    assert {i.cause for i in answers} >= {INCIDENT}
    assert {i.platform for i in answers} == {MICROBLOG}


def test_a_thread_stays_with_its_product(items: tuple[Item, ...]) -> None:
    for item in items:
        named = product_in(item.text, item.script)
        if item.platform == FORUM and item.cause == BACKGROUND and item.title and not item.reply_to and named:
            assert product_in(item.title, item.script) in (named, None)


def test_products_of_both_scripts_are_parallel() -> None:
    assert len(phrases()[HANT]["products"]) == len(phrases()[HANS]["products"])


def test_two_customers_are_answered_and_one_of_them_is_content(items: tuple[Item, ...]) -> None:
    from monitor.complaints import addressed, says_recovered

    service = [i for i in items if i.cause == SERVICE]
    complaints = [i for i in service if i.tone == NEGATIVE]
    assert len(complaints) == 2
    for one in complaints:
        thread = [i for i in service if i.reply_to == one.id]
        assert [i.author for i in thread][:1] == [SERVICE_ACCOUNT]
        assert addressed(thread[0].text) == (one.author,)
        assert {i.author for i in thread[1:]} <= {one.author}
        assert all(says_recovered(i.text) for i in thread[1:])
        assert {i.author for i in items if i not in service}.isdisjoint({one.author, SERVICE_ACCOUNT})
    assert len(service) == 5
