"""The words of a first line, in either script, any case and width: ack, silence 4h, not us, resolve."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from monitor.text import fold_text

USUAL_SILENCE = timedelta(hours=4)
"""Of a silence that names no time: half a night."""
LONGEST_SILENCE = timedelta(days=7)
"""One by mail; whoever means to hear nothing for longer changes the config."""
LONGEST_LINE = 200
"""Characters of a line that is looked at: a command with twenty numbers in it is shorter."""
MOST_POSTS = 20
"""Posts that one reply may deny; a mail quotes three."""


class Verb(StrEnum):
    """What a person may want of an incident."""

    ACKNOWLEDGE = "acknowledge"
    SILENCE = "silence"
    NOT_US = "not us"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Command:
    """``lasting``: of a silence. ``posts``: the ids that are not us; none: the posts that the answered mail quotes."""

    verb: Verb
    lasting: timedelta = timedelta()
    posts: tuple[int, ...] = ()

    @property
    def action(self) -> str:
        """The whole wish as one piece of text: what is asked for again in the same words is not done again."""
        more = [f"{int(self.lasting.total_seconds())}s"] if self.lasting else [str(p) for p in sorted(self.posts)]
        return " ".join([self.verb, *more])


_TIME = (
    r"(?:[\s:]*(?P<n>\d{1,4}|[一二两三四五六七八九十半])\s*"
    r"(?P<unit>m|mins?|minutes?|h|hrs?|hours?|d|days?|分钟?|个?小时|天))?"
)
_POSTS = r"(?P<posts>(?:[\s,、#:]+\d{1,12})*)"
# Of folded text: Simplified, lower case, half width.
_PATTERNS = {
    Verb.ACKNOWLEDGE: re.compile(r"ack(?:ed|nowledged?)?|已?收到了?"),
    Verb.SILENCE: re.compile(rf"(?:silence|静音){_TIME}"),
    Verb.NOT_US: re.compile(rf"(?:not[ -]?us|不是我们){_POSTS}"),
    Verb.RESOLVE: re.compile(r"resolved?|已?解决了?"),
}
_AROUND = "\"'“”‘’「」『』()[]{}<>.。．!！,，;；:：~～…、*_ \t\xa0"
_UNITS = {"m": "minutes", "分": "minutes", "h": "hours", "小": "hours", "个": "hours", "d": "days", "天": "days"}
_HAN_NUMBERS = {"半": 0.5, "两": 2.0, **{c: float(n) for n, c in enumerate("一二三四五六七八九十", 1)}}


def read_command(line: str) -> Command | None:
    """What a line asks for; None unless all of it is a command, but for punctuation around it.

    A silence without a time lasts four hours, a longer one than a week a week. A quoted line (``> ack``) is none.
    """
    line = line.strip()
    if len(line) > LONGEST_LINE or line.startswith((">", "＞", "|")):
        return None
    folded = fold_text(line).strip(_AROUND)
    for verb, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(folded):
            return _command(verb, found.groupdict())
    return None


def _command(verb: Verb, words: dict[str, str | None]) -> Command | None:
    if verb == Verb.SILENCE:
        lasting = _lasting(words["n"], words["unit"])
        return Command(verb, lasting=min(lasting, LONGEST_SILENCE)) if lasting else None
    posts = tuple(dict.fromkeys(int(n) for n in re.findall(r"\d+", words.get("posts") or "")))
    return Command(verb, posts=posts) if len(posts) <= MOST_POSTS else None


def _lasting(number: str | None, unit: str | None) -> timedelta:
    if number is None or unit is None:
        return USUAL_SILENCE
    n = _HAN_NUMBERS.get(number) or float(number)
    return timedelta(**{_UNITS[unit[0]]: n})
