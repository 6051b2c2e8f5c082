"""Days of faults, kills and restarts: every owed mail arrives. A slice of ``python -m tests.soak.months``."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from tests.bench.posts.world import World
from tests.soak.months import faults
from tests.soak.months.account import settle
from tests.soak.months.run import Ran, soak
from tests.soak.months.setting import rounds, world

SEED, DAYS = 3, 12
"""Of a world whose twelve days hold an incident, and bad hours of at least three kinds when mail was owed."""

EVERY = timedelta(hours=2)
Lived = tuple[World, Ran, list[faults.MailFault]]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    random, made = Random(SEED), world(SEED, DAYS, (3.0,))
    moments, mail = rounds(made, EVERY), faults.mail_faults(random, made.start, DAYS)
    folder = tmp_path_factory.mktemp("months") / "soak"
    return made, soak(made, folder, moments, mail, faults.blows(random, moments, 3, 2)), mail


def test_every_owed_mail_arrives_whatever_befalls_server_and_process(lived: Lived) -> None:
    made, ran, mail = lived
    account = settle(ran, made, mail)
    assert account.wrong == []
    assert set(account.owed) == {"alert", "digest", "ops"}
    assert account.digests == DAYS + 1
    assert account.flaps == 0


def test_the_faults_were_really_there(lived: Lived) -> None:
    _, ran, _ = lived
    assert ran.restarts == 2
    assert {kind for kind, _ in ran.deaths} == {faults.CLOCK, faults.KEPT}
    assert len(ran.ledger.troubles) >= 2


def test_a_mail_that_was_lost_or_doubled_would_be_seen(lived: Lived) -> None:
    made, ran, mail = lived
    taken = ran.ledger.taken
    sure = next(i for i, t in enumerate(taken) if t.said and sum(u.key == t.key for u in taken) == 1)
    lost, doubled, other = list(taken), list(taken), list(taken)
    del lost[sure]
    doubled.append(taken[sure])
    other.append(replace(taken[sure], said=False, digest="other bytes"))
    for ledger, word in ((lost, "never delivered"), (doubled, "2 times"), (other, "not the same")):
        changed = replace(ran, ledger=replace(ran.ledger, taken=ledger))
        assert any(word in line for line in settle(changed, made, mail).wrong)
