"""What is a story-burst: copies against the usual day's largest story; only negative, new and live ones wake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import bursts
from monitor.bursts import Copy, Day, Origin, Remark, Said, Settings, Storm, Usual
from monitor.model import BIN, Finding, Label, Severity, bin_start
from tests.standin import DAY, HOUR, MINUTE, NOW

PLAIN = Settings()
AT = bin_start(NOW)
HEARD = Usual(1.0, 14)


def copies(
    n: int, label: Label | None = Label.NEGATIVE, *, authors: int | None = None, bare: bool = False, group: int = 1
) -> list[Copy]:
    """``n`` posts of one group in the bin ``AT``, each by another of ``authors``."""
    return [
        Copy(AT + i * timedelta(seconds=1), 7, group, f"a{i % (authors or n)}", "forum", label, bare, True)
        for i in range(n)
    ]


def tell(
    rows: Sequence[Copy],
    level: Usual = HEARD,
    *,
    begun: Origin | None = None,
    said: Sequence[Said] = (),
    voices: int = 1,
    remarks: Sequence[Remark] = (),
) -> Finding | None:
    found = bursts.storms(rows, [AT], PLAIN, PLAIN.fewest)
    if not found:
        return None
    origin = begun or Origin(AT, rows[0].label, len(rows))
    groups = {row.group: origin for row in rows}
    return bursts.find(found[0], level, "live", lambda s: groups, said, lambda s: voices, PLAIN, lambda s: remarks)


def added(negative: int, others: int = 0) -> list[Remark]:
    return [Remark(f"a{i}", i < negative) for i in range(negative + others)]


def test_what_a_finding_says() -> None:
    found = tell(copies(41), Usual(2.0, 14), voices=3)
    assert found is not None
    assert (found.kind, found.subject, found.at, found.severity) == ("burst", 7, AT, Severity.WARNING)
    assert (found.observed, found.expected, found.onset) == (40, 2.0, AT)
    assert found.evidence == {
        "kind": "burst", "story": 7, "copies": 40, "usual_max": 2.0, "threshold": 20.0, "total_copies": 40,
        "voices": 3, "first_seen": "2026-11-20T02:00:00Z", "platforms": ["forum"], "hours": 3, "learning": False,
        "negative_share": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(("posts", "told"), [(12, False), (13, True)])
def test_twelve_copies_beyond_the_first_are_the_least(posts: int, told: bool) -> None:
    assert (tell(copies(posts)) is not None) is told


@pytest.mark.parametrize(("posts", "told"), [(30, False), (31, True)])
def test_cold_start_needs_thirty_and_says_so(posts: int, told: bool) -> None:
    found = tell(copies(posts), Usual(0.0, 6))
    assert (found is not None) is told
    assert found is None or found.evidence["learning"] is True


def test_one_author_who_pastes_all_day_is_one_copy() -> None:
    assert tell(copies(500, authors=5)) is None


def test_posts_without_authors_count_each() -> None:
    rows = [Copy(c.at, 7, 1, None, "forum", c.label, False, True) for c in copies(20)]
    assert tell(rows) is not None


def test_a_thread_of_many_texts_holds_no_copies() -> None:
    rows = [copy for i in range(200) for copy in copies(1, group=i)]
    assert bursts.storms(rows, [AT], PLAIN) == []


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        (Label.NEGATIVE, Severity.CRITICAL), (Label.UNSURE, Severity.NOTICE), (Label.POSITIVE, None),
        (Label.NEUTRAL, None), (Label.UNSCORED, None), (None, None),
    ],
)  # fmt: skip
def test_only_negative_stories_wake(label: Label | None, severity: Severity | None) -> None:
    found = tell(copies(500, label))
    assert (found.severity if found else None) is severity


def test_bare_reposts_speak_with_what_they_pass_on() -> None:
    bare = copies(40, Label.NEUTRAL, bare=True)
    assert tell(bare, begun=Origin(AT - HOUR, Label.NEGATIVE, 41)) is not None
    assert tell(bare, begun=Origin(AT - HOUR, Label.POSITIVE, 41)) is None


def test_those_who_ask_below_a_copied_complaint_do_not_make_it_milder() -> None:
    asking = [c for i in range(60) for c in copies(1, Label.NEUTRAL, group=100 + i)]
    found = tell([*copies(40), *asking])
    assert found is not None
    assert (found.severity, found.observed, found.evidence["negative_share"]) == (Severity.WARNING, 39, 1.0)


def test_those_who_complain_below_a_promo_do_not_make_it_a_complaint() -> None:
    angry = [c for i in range(60) for c in copies(1, group=100 + i)]
    assert tell([*copies(40, Label.POSITIVE), *angry]) is None


BUSY = Usual(5.0, 14)
"""With it fifty copies are a burst."""


@pytest.mark.parametrize(
    ("negative", "others", "told"), [(12, 0, True), (11, 0, False), (12, 12, True), (12, 13, False), (0, 19, False)]
)
def test_twelve_who_complain_of_what_they_pass_on_are_enough(negative: int, others: int, told: bool) -> None:
    rows = copies(20, Label.NEUTRAL)
    found = tell(rows, BUSY, remarks=added(negative, others))
    assert (found is not None) is told
    if found is not None:
        assert (found.severity, found.observed, found.evidence["threshold"]) == (Severity.WARNING, 19, 50.0)
        assert (found.evidence["remarks"], found.evidence["negative_remarks"]) == (negative + others, negative)
    assert tell(rows, BUSY) is None


def test_one_author_who_complains_all_day_is_one() -> None:
    again = [Remark("a0", True)] * 50
    assert tell(copies(20), BUSY, remarks=again) is None
    assert tell(copies(20), BUSY, remarks=[*again, *added(11)]) is None
    assert tell(copies(20), BUSY, remarks=[*again, *added(12)]) is not None


def test_remarks_of_unknown_authors_count_each() -> None:
    assert tell(copies(20), BUSY, remarks=[Remark(None, True)] * 12) is not None


def test_with_a_big_brand_twelve_angry_people_are_nothing_new() -> None:
    assert tell(copies(60), Usual(20.0, 14), remarks=added(39)) is None
    assert tell(copies(60), Usual(20.0, 14), remarks=added(40)) is not None


def test_while_it_learns_thirty_must_complain() -> None:
    assert tell(copies(25), Usual(5.0, 2), remarks=added(25)) is None
    assert tell(copies(45), Usual(5.0, 2), remarks=added(30)) is not None


def test_an_old_text_of_which_people_complain_is_a_notice_and_a_promo_of_which_they_do_is_a_warning() -> None:
    old = tell(copies(20), BUSY, begun=Origin(AT - 30 * DAY, Label.NEGATIVE, 90), remarks=added(15))
    assert old is not None
    assert old.severity is Severity.NOTICE
    promo = tell(copies(80, Label.POSITIVE), BUSY, remarks=added(30))
    assert promo is not None
    assert promo.severity is Severity.WARNING


def test_a_burst_by_its_copies_needs_no_remarks() -> None:
    found = tell(copies(60), BUSY, remarks=added(3, 5))
    assert found is not None
    assert "remarks" not in found.evidence


def test_an_old_text_that_comes_back_is_a_notice() -> None:
    found = tell(copies(2000), begun=Origin(AT - 30 * DAY, Label.NEGATIVE, 2400))
    assert found is not None
    assert found.severity is Severity.NOTICE
    assert found.evidence["total_copies"] == 2399


def test_a_new_text_in_an_old_story_is_news() -> None:
    old, new = copies(10, group=1), copies(60, group=2)
    storm = Storm(AT, 7, 68, [*old, *new])
    origins = {1: Origin(AT - 30 * DAY, Label.NEGATIVE, 30), 2: Origin(AT - HOUR, Label.NEGATIVE, 60)}
    found = bursts.find(storm, HEARD, "live", lambda s: origins, (), lambda s: 2, PLAIN)
    assert found is not None
    assert found.severity is Severity.WARNING


def test_a_story_is_told_again_only_when_worse_or_much_later() -> None:
    warned = [Said(AT - HOUR, Severity.WARNING)]
    assert tell(copies(50), said=warned) is None
    worse = tell(copies(200), said=warned)
    assert worse is not None
    assert worse.severity is Severity.CRITICAL
    assert tell(copies(50), said=[Said(AT - 73 * HOUR, Severity.WARNING)]) is not None
    later = [Said(AT + HOUR, Severity.CRITICAL)]  # posts that came late show the burst earlier than it was told
    assert tell(copies(200), said=later) is None


@pytest.mark.parametrize(("posts", "severity"), [(100, Severity.WARNING), (101, Severity.CRITICAL)])
def test_critical_is_a_hundred_copies_and_four_times_the_threshold(posts: int, severity: Severity) -> None:
    found = tell(copies(posts))
    assert found is not None
    assert found.severity is severity
    busy = tell(copies(posts), Usual(3.0, 14))
    assert busy is not None
    assert busy.severity is Severity.WARNING


def test_what_is_usual_skips_unheard_days_and_is_not_lifted_by_one_storm() -> None:
    days = [Day(2000, True), Day(0, False), *[Day(3, True), Day(0, False)] * 20]
    assert bursts.usual(days, PLAIN) == Usual(3.0, 14)
    assert bursts.threshold(Usual(3.0, 14), PLAIN) == 30
    assert bursts.usual([], PLAIN) == Usual(0.0, 0)


def test_a_giveaway_says_nothing_of_complaints() -> None:
    assert bursts.peak(copies(500, Label.POSITIVE), [AT], PLAIN) == 0
    assert bursts.peak(copies(9, Label.NEUTRAL), [AT], PLAIN) == 8


def test_a_window_is_three_hours_that_end_with_the_bin() -> None:
    early = [Copy(AT + BIN - 3 * HOUR - MINUTE, 7, 1, "x", "forum", Label.NEGATIVE, False, True)]
    (storm,) = bursts.storms([*early, *copies(13)], [AT], PLAIN)
    assert storm.copies == 12
    (again,) = bursts.storms([*early, *copies(13)], [AT - 2 * BIN, AT + 11 * BIN], PLAIN)
    assert (again.at, again.copies) == (AT + 11 * BIN, 12)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 3), st.integers(0, 5), st.booleans()), max_size=60))
def test_storms_equal_a_plain_count(rows: list[tuple[int, int, int, bool]]) -> None:
    made = [
        Copy(AT + q * 7 * MINUTE, g % 2, g, f"a{a}" if known else None, "forum", Label.NEGATIVE, False, True)
        for q, g, a, known in rows
    ]
    ends = [AT + i * BIN for i in range(24)]
    found = {(s.at, s.story): s.copies for s in bursts.storms(made, ends, PLAIN)}
    for at in ends:
        for story in (0, 1):
            inside = [c for c in made if at + BIN - PLAIN.window <= c.at < at + BIN and c.story == story]
            groups = {c.group for c in inside}
            n = len({(c.group, c.author) for c in inside if c.author}) + sum(c.author is None for c in inside)
            assert found.get((at, story), 0) == n - len(groups)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5), st.integers(0, 5), st.booleans()), max_size=60))
def test_the_peak_is_the_largest_storm_that_is_no_giveaway(rows: list[tuple[int, int, int, bool]]) -> None:
    made = [
        Copy(AT + q * 7 * MINUTE, g % 2, g, f"a{a}", "forum", Label.POSITIVE if glad else Label.NEUTRAL, False, True)
        for q, g, a, glad in rows
    ]
    ends = [AT + i * BIN for i in range(24)]
    largest = 0
    for storm in bursts.storms(made, ends, PLAIN):
        copied = [row for row in storm.rows if sum(other.group == row.group for other in storm.rows) > 1]
        if 2 * sum(row.label is Label.POSITIVE for row in copied) < len(copied):
            largest = max(largest, storm.copies)
    assert bursts.peak(made, ends, PLAIN) == largest
