"""The held-out families keep the rules that they state."""

from __future__ import annotations

import random
from itertools import combinations

from tests.bench.families import left_out, letters, news, praise, templates
from tests.bench.held.news import EVENTS
from tests.bench.held.praise import BANKS
from tests.bench.held.templates import BRANDS, TEMPLATES


def test_each_family_has_sixty_clusters() -> None:
    assert min(len(TEMPLATES), len(EVENTS), len(BANKS)) >= 60
    assert {len(accounts) for accounts in EVENTS} == {3}
    assert all("{b}" in template and template[0] in "st" for template in TEMPLATES)


def test_accounts_of_an_event_share_no_run_of_twelve() -> None:
    for accounts in EVENTS:
        for one, other in combinations(map(letters, accounts), 2):
            assert not [one[at : at + 12] for at in range(len(one) - 11) if one[at : at + 12] in other]


def test_a_brand_stays_readable_in_its_retellings_and_halves_share_no_cluster() -> None:
    opened = templates(lambda number: number % 2 == 0, random.Random(1))
    kept = templates(lambda number: number % 2 == 1, random.Random(1))
    assert not {post.cluster for post in opened} & {post.cluster for post in kept}
    for post in opened:
        assert any(letters(brand) in letters(post.text) for brand in BRANDS)


def test_true_copies_are_named_alike_and_only_praise_leaves_pairs_out() -> None:
    everyone = lambda number: True  # noqa: E731
    accounts = news(everyone, random.Random(2))
    assert all(len([one for one in accounts if one.truth == post.truth]) == 3 for post in accounts[:30])
    people = [post for post in praise(everyone, random.Random(2)) if post.phrases]
    out = [(one, other) for one, other in combinations(people[:40], 2) if left_out(one, other)]
    assert out
    assert all(one.cluster == other.cluster for one, other in out)
