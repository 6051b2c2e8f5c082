"""Where each number of a digest comes from: queries on the documented views that give exactly it.

Qianli itself never runs them. They stand on the page for an analyst, and a test runs them against the database and
holds the page to what they give. Everything that is not ours is inlined as a SQL literal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.model import (
    LEDGER_DAYS,
    LEDGER_FEWEST,
    RIVAL_DAYS,
    RIVAL_FEWEST,
    ComplaintLine,
    Digest,
    Totals,
    utc_text,
)

DAY = timedelta(days=1)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Mn", "Me"})
"""Categories of characters that a page does not show, or not all of."""

Value = int | float | str | None
Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Proof:
    """One query and all that it gives, row by row, when it is run on the database that the page was made from.

    ``key`` names it in links. ``rows`` is None where the query shows what a number was read from, such as stretches
    of time, and not the number.
    """

    key: str
    sql: str
    rows: tuple[tuple[Value, ...], ...] | None


def proofs(digest: Digest) -> tuple[Proof, ...]:
    """The proofs of every number that this digest's page shows, in the order of the page."""
    days = _windows(digest)
    found = [_totals("day", digest.brand, days["day"], digest.today)]
    for key, totals in (("day-before", digest.yesterday), ("week-before", digest.last_week)):
        if totals is not None:
            found.append(_totals(key, digest.brand, days[key], totals))
    if digest.since_midnight is not None:
        found.append(_totals("since-midnight", digest.brand, (digest.end, digest.made_at), digest.since_midnight))
    several = (
        _complaints,
        _incidents,
        _stories,
        _days,
        _platforms,
        _themes,
        _rivals,
        _better,
        _beside,
        _feelings,
        _travel,
    )
    return (*found, *(proof for make in several for proof in make(digest)), *_corrections(digest), _coverage(digest))


def _windows(digest: Digest) -> dict[str, Window]:
    """The local days that the page speaks of, in UTC."""

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(digest.zone)).astimezone(UTC)

    week = digest.day - 7 * DAY
    return {
        "day": (digest.start, digest.end),
        "day-before": (midnight(digest.day - DAY), digest.start),
        "week-before": (midnight(week), midnight(week + DAY)),
        "month": (midnight(digest.day - (RIVAL_DAYS - 1) * DAY), digest.end),
    }


_TONES = "sum(label IN ('positive', 'neutral', 'negative'))"
_COUNTED = """count(*) AS mentions, coalesce(sum(label = 'negative'), 0) AS negative_posts,
       coalesce(sum(opens_voice), 0) AS negative_voices,
       1.0 * sum(label = 'negative') / nullif(sum(label <> 'unscored'), 0) AS negative_share"""


def _counted(totals: Totals) -> tuple[Value, ...]:
    return totals.mentions, totals.negative_posts, totals.negative_voices, totals.negative_share


def _totals(key: str, brand: str, window: Window, totals: Totals) -> Proof:
    sql = f"""SELECT {_COUNTED},
       coalesce(sum(label = 'unsure'), 0) AS unsure, coalesce(sum(label = 'unscored'), 0) AS unscored
FROM v_posts
WHERE brand = {literal(brand)} AND {within(window)}"""
    return Proof(key, sql, ((*_counted(totals), totals.unsure_posts, totals.unscored_posts),))


def _incidents(digest: Digest) -> Iterator[Proof]:
    if not digest.incidents:
        return
    rows = sorted({(i.incident_id, i.observed, i.expected) for i in digest.incidents})
    sql = f"""SELECT incident, observed, expected
FROM v_incidents
WHERE incident IN ({_literals([n for n, *_ in rows])})
ORDER BY incident"""
    yield Proof("incidents", sql, tuple(rows))


def _stories(digest: Digest) -> Iterator[Proof]:
    if not digest.stories:
        return
    rows = sorted((s.story_id, s.voices, s.posts, s.copies) for s in digest.stories)
    sql = f"""SELECT story, sum(opens_voice) AS voices, count(*) AS posts,
       count(*) - count(DISTINCT copy_group) AS copies
FROM v_posts
WHERE brand = {literal(digest.brand)} AND label = 'negative' AND {within(_windows(digest)["day"])}
  AND story IN ({_literals([n for n, *_ in rows])})
GROUP BY story ORDER BY story"""
    yield Proof("stories", sql, tuple(rows))


def _days(digest: Digest) -> Iterator[Proof]:
    if not digest.series:
        return
    rows = [(p.day.isoformat(), p.totals.mentions, p.totals.negative_voices) for p in digest.series]
    sql = f"""SELECT local_day, sum(mentions) AS mentions, sum(negative_voices) AS negative_voices
FROM v_daily
WHERE brand = {literal(digest.brand)} AND local_day BETWEEN {literal(rows[0][0])} AND {literal(rows[-1][0])}
GROUP BY local_day ORDER BY local_day"""
    yield Proof("days", sql, tuple(row for row in rows if row[1]))


def _platforms(digest: Digest) -> Iterator[Proof]:
    if digest.platforms:
        sql = f"""SELECT platform, {_COUNTED}
FROM v_posts
WHERE brand = {literal(digest.brand)} AND {within(_windows(digest)["day"])}
GROUP BY platform ORDER BY platform"""
        yield Proof("platforms", sql, _named(digest.platforms))


def _beside(digest: Digest) -> Iterator[Proof]:
    if digest.competitors:
        named = ((digest.brand, digest.today), *digest.competitors)
        sql = f"""SELECT brand, {_COUNTED}
FROM v_posts
WHERE brand IN ({_literals([name for name, _ in named])}) AND {within(_windows(digest)["day"])}
GROUP BY brand ORDER BY brand"""
        yield Proof("competitors", sql, _named(named))


def _named(named: Iterable[tuple[str, Totals]]) -> tuple[tuple[Value, ...], ...]:
    """A row for each that has anything, in the order of SQLite: by code points."""
    return tuple((name, *_counted(totals)) for name, totals in sorted(named, key=lambda n: n[0]) if totals.mentions)


def _themes(digest: Digest) -> Iterator[Proof]:
    if not digest.themes:
        return
    days = _windows(digest)
    rows = sorted((t.theme, t.posts, t.voices, t.before or 0) for t in digest.themes)
    sql = f"""SELECT theme, {_posts_of("posts", days["day"])},
       {_posts_of("voices", days["day"], "opens_voice")},
       {_posts_of("week_before", days["week-before"], "opens_voice")}
FROM v_signals
WHERE brand = {literal(digest.brand)} AND kind = 'complaint' AND theme IN ({_literals([t for t, *_ in rows])})
  AND {within((days["week-before"][0], digest.end))}
GROUP BY theme HAVING posts + week_before > 0 ORDER BY theme"""
    yield Proof("themes", sql, tuple(row for row in rows if row[1] + row[3] > 0))


def _feelings(digest: Digest) -> Iterator[Proof]:
    if not digest.feelings:
        return
    days = _windows(digest)
    rows = sorted((str(f.kind), f.posts, f.before or 0) for f in digest.feelings)
    sql = f"""SELECT kind, {_posts_of("posts", days["day"])},
       {_posts_of("day_before", days["day-before"])}
FROM v_signals
WHERE brand = {literal(digest.brand)} AND kind IN ({_literals([kind for kind, *_ in rows])})
  AND {within((days["day-before"][0], digest.end))}
GROUP BY kind HAVING posts + day_before > 0 ORDER BY kind"""
    yield Proof("feelings", sql, tuple(row for row in rows if row[1] + row[2] > 0))


def _posts_of(name: str, window: Window, which: str = "") -> str:
    condition = f"{which} AND {within(window)}" if which else within(window)
    return f"count(DISTINCT iif({condition}, post, NULL)) AS {name}"


def _rivals(digest: Digest) -> Iterator[Proof]:
    if not digest.rivals:
        return
    found = sorted((r.brand, r.totals.mentions, r.share_of_voice, r.net) for r in digest.rivals)
    sql = f"""SELECT brand, count(*) AS mentions, 1.0 * count(*) / sum(count(*)) OVER () AS share_of_voice,
       iif({_TONES} >= {RIVAL_FEWEST},
           1.0 * (sum(label = 'positive') - sum(label = 'negative')) / {_TONES}, NULL) AS net
FROM v_posts
WHERE brand IN ({_literals([name for name, *_ in found])}) AND {within(_windows(digest)["month"])}
GROUP BY brand ORDER BY brand"""
    yield Proof("rivals", sql, tuple(row for row in found if row[1]))


def _better(digest: Digest) -> Iterator[Proof]:
    """Shares of mentions that complain of a theme, of the rivals who do better and of the own brand."""
    pairs = {(r.brand, theme): share for r in digest.rivals for theme, share, _ in r.better}
    pairs |= {(digest.brand, theme): ours for r in digest.rivals for theme, _, ours in r.better}
    if not pairs:
        return
    month = within(_windows(digest)["month"])
    wanted = ", ".join(f"({_literals(pair)})" for pair in sorted(pairs))
    sql = f"""SELECT brand, theme, 1.0 * count(DISTINCT post) /
       (SELECT count(*) FROM v_posts p WHERE p.brand = s.brand AND {month}) AS share
FROM v_signals s
WHERE kind = 'complaint' AND (brand, theme) IN (VALUES {wanted})
  AND {month}
GROUP BY brand, theme ORDER BY brand, theme"""
    yield Proof("better", sql, tuple((*pair, share) for pair, share in sorted(pairs.items()) if share))


def _travel(digest: Digest) -> Iterator[Proof]:
    travel = digest.travel
    if travel is None:
        return
    day = literal(travel.day.isoformat())
    made = f"WHERE brand = {literal(digest.brand)} AND local_day = {day} AND days = {travel.days}"
    sql = f"""SELECT days, negatives, positives, ratio, low, high, needed
FROM v_travel
{made}"""
    row = travel.days, travel.negatives, travel.positives, travel.ratio, travel.low, travel.high, travel.needed
    yield Proof("travel", sql, (row,))
    rows = [(str(m.measure), m.negatives, m.positives, m.ratio, m.low, m.high) for m in travel.measures]
    if rows:
        sql = f"""SELECT measure, negatives, positives, ratio, low, high
FROM v_travel_measures
{made} ORDER BY measure"""
        yield Proof("travel-measures", sql, tuple(sorted(rows)))


def _complaints(digest: Digest) -> Iterator[Proof]:
    """As of the end of the day, or of now where the day is not over."""
    ledger = digest.ledger
    if ledger is None:
        return
    as_of = min(digest.end, digest.made_at)
    brand, start, until = literal(digest.brand), literal(utc_text(digest.start)), literal(utc_text(as_of))
    since = literal(utc_text(as_of - LEDGER_DAYS * DAY))

    def happened(column: str) -> str:
        return f"count(*) FILTER (WHERE {column} >= {start} AND {column} < {until})"

    sql = f"""SELECT {happened("first_seen")} AS arrived,
       {happened("answered_at")} AS answered,
       {happened("recovered_at")} AS recovered,
       {happened("lost_at")} AS lost,
       count(*) FILTER (WHERE stands AND NOT replied) AS waiting,
       count(*) FILTER (WHERE stands AND replied) AS unrecovered
FROM (SELECT *, coalesce(answered_at < {until}, 0) AS replied,
             since < {until} AND NOT coalesce(recovered_at < {until} OR lost_at < {until}, 0) AS stands
      FROM v_complaints WHERE brand = {brand})"""
    counts = (ledger.arrived, ledger.answered, ledger.recovered, ledger.lost, ledger.waiting, ledger.unrecovered)
    yield Proof("ledger", sql, (counts,))
    shown = {c.complaint_id: c for c in (*ledger.to_answer, *ledger.made_good)}
    if shown:
        yield _lines([shown[n] for n in sorted(shown)], as_of)
    took = {"answered": ledger.time_to_answer, "recovered": ledger.time_to_recovery}
    sql = "\nUNION ALL\n".join(_median(brand, what, since, until) for what in took)
    rows = tuple((what, time.total_seconds() if time is not None else None) for what, time in took.items())
    yield Proof("answer-times", sql, rows)


def _lines(shown: Sequence[ComplaintLine], as_of: datetime) -> Proof:
    """What each complaint had come to by then and a day before, of what had been written and seen by then."""
    until = literal(utc_text(as_of))
    sql = f"""WITH moments (what, at) AS (VALUES ('now', {until}), ('before', {literal(utc_text(as_of - DAY))})),
authors AS (
  SELECT what, complaint, coalesce(author_key, p.post) AS author, count(*) AS posts, sum(opens_voice) AS voices,
         max(followers) AS followers,
         sum(coalesce(likes, 0) + coalesce(reposts, 0) + coalesce(comments, 0)) AS engagement,
         count(coalesce(followers, likes, reposts, comments)) AS seen
  FROM moments JOIN v_complaint_posts p ON p.counted_at < at LEFT JOIN v_engagement e ON e.post = p.post
       AND e.seen_at = (SELECT max(seen_at) FROM v_engagement WHERE post = p.post AND seen_at < at)
  WHERE complaint IN ({_literals([c.complaint_id for c in shown])})
  GROUP BY what, complaint, author),
come_to AS (
  SELECT what, complaint, sum(posts) AS posts, max(1, sum(voices)) AS voices, sum(engagement) AS engagement,
         iif(sum(seen), sum(coalesce(followers, 0)) + sum(engagement), NULL) AS reach
  FROM authors GROUP BY what, complaint),
lines AS (
  SELECT *, strftime('%s', {until}) - strftime('%s', first_seen) AS waited,
         strftime('%s', iif(answered_at < {until}, answered_at, NULL)) - strftime('%s', first_seen) AS answered_after,
         strftime('%s', iif(recovered_at < {until}, recovered_at, NULL)) - strftime('%s', first_seen) AS recovered_after
  FROM v_complaints)
SELECT n.complaint, n.posts, n.voices, n.reach, b.posts AS posts_before, b.reach AS reach_before,
       max(0, n.posts + n.engagement - coalesce(b.posts + b.engagement, 0))
           / (min(86400, max(3600, waited)) / 3600.0) AS an_hour,
       waited, answered_after, recovered_after
FROM come_to n JOIN lines USING (complaint) LEFT JOIN come_to b ON b.complaint = n.complaint AND b.what = 'before'
WHERE n.what = 'now' ORDER BY n.complaint"""
    return Proof("complaints", sql, tuple(_line(c, as_of) for c in shown))


def _line(c: ComplaintLine, as_of: datetime) -> tuple[Value, ...]:
    waited, answered, recovered = (
        int((moment - c.first_seen).total_seconds()) if moment is not None else None
        for moment in (as_of.replace(microsecond=0), c.answered_at, c.recovered_at)
    )
    return (
        c.complaint_id, c.posts, c.voices, c.reach, c.posts_before, c.reach_before, c.velocity, waited, answered,
        recovered,
    )  # fmt: skip


def _median(brand: str, what: str, since: str, until: str) -> str:
    """The middle of the measured times to what happened, in seconds; nothing of too few."""
    took = {"answered": "time_to_answer", "recovered": "time_to_recovery"}[what]
    return f"""SELECT '{what}' AS what, iif(max(measured) >= {LEDGER_FEWEST}, avg({took}), NULL) AS median_seconds
FROM (SELECT {took}, row_number() OVER (ORDER BY {took}) AS place, count(*) OVER () AS measured
      FROM v_complaints
      WHERE brand = {brand} AND {took} IS NOT NULL AND {what}_at >= {since} AND {what}_at < {until})
WHERE place IN ((measured + 1) / 2, (measured + 2) / 2)"""


def _corrections(digest: Digest) -> Iterator[Proof]:
    if digest.corrections:
        sql = f"""SELECT count(corrected_by) AS corrections
FROM v_posts
WHERE brand = {literal(digest.brand)} AND {within(_windows(digest)["day"])}"""
        yield Proof("corrections", sql, ((digest.corrections,),))


def _coverage(digest: Digest) -> Proof:
    start, end = literal(utc_text(digest.start)), literal(utc_text(digest.end))
    sql = f"""SELECT source, "from", "to", state, reason
FROM v_coverage
WHERE "to" > {start} AND "from" < {end}
ORDER BY source, "from\""""
    return Proof("coverage", sql, None)


def within(window: Window) -> str:
    return f"counted_at >= {literal(utc_text(window[0]))} AND counted_at < {literal(utc_text(window[1]))}"


def _literals(values: Sequence[int | str]) -> str:
    return ", ".join(str(v) if isinstance(v, int) else literal(v) for v in values)


def literal(text: str) -> str:
    """A SQL literal of a text. What cannot be seen is written by its number: the query is read before it is run, and
    pages show no invisible characters."""
    parts: list[str] = []
    for char in text:
        if unicodedata.category(char) in _UNSEEN:
            parts.append(f"char({ord(char)})")
        elif parts and parts[-1].startswith("'"):
            parts[-1] = parts[-1][:-1] + char.replace("'", "''") + "'"
        else:
            parts.append("'" + char.replace("'", "''") + "'")
    return " || ".join(parts) or "''"
