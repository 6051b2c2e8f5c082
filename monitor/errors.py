"""Every error Qianli raises on purpose. The type carries the decision that the caller takes.

QianliError                 one line a person can act on; the command line prints it and exits 1 or 2
 +- ConfigError             config.toml is wrong: names the file and the key                        (exit 2)
 +- UsageError              a command's words or its file are wrong                                  (exit 2)
 +- InputError              a row or a file cannot be read: names the file and the row               (exit 1)
 +- StoreError              the database cannot be used: locked by another run, newer than this code (exit 1)
 +- SourceError             a source could not be heard this time; try again when it is next due
     +- RateLimited         ... not before ``retry_after``
     +- NeedsCredentials    ... not before a person sets what is missing
     +- Blocked             ... the platform refuses us; rest for long, ``retry_after`` at least
     +- Hung                ... it gave no answer within the deadline: a fault of the source's own code
 +- MailError               a message could not be handed over; ``permanent`` says whether to try again
     +- ServerUnreachable   ... nor could any other now: there is no talk with the server at all
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any


class QianliError(Exception):
    """Base of all: its text is one line, without anything taken unescaped from a post."""

    exit_code = 1


class ConfigError(QianliError):
    exit_code = 2


class UsageError(QianliError):
    exit_code = 2


class InputError(QianliError):
    pass


class StoreError(QianliError):
    pass


class SourceError(QianliError):
    """A source could not be heard. ``state`` is the word stored in ``source_runs``."""

    state = "failed"


class RateLimited(SourceError):
    """``retry_after``: the least time to leave the platform alone, None where it did not say."""

    state = "rate_limited"

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NeedsCredentials(SourceError):
    state = "needs_credentials"


class Blocked(SourceError):
    """``retry_after`` as of RateLimited: the least time after which such a platform lets anybody in again."""

    state = "blocked"

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Hung(SourceError):
    pass


class MailError(QianliError):
    """The server's answer to a message or to one recipient. A permanent one is not tried again."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class ServerUnreachable(MailError):
    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False)


Location = tuple[int | str, ...]
"""Where a setting stands: its keys and list positions from the outermost inwards."""


def first_problem(problems: Sequence[Mapping[str, Any]], where: str, known: Callable[[Location], Iterable[str]]) -> str:
    """One line, ``WHERE: key.path: what is wrong``, for the first of pydantic's ``ValidationError.errors()``.

    ``known`` gives the key names that are valid in the table at a location. An unknown key goes first: it is
    usually the reason why another one is missing.
    """
    problem = next((p for p in problems if p["type"] in _UNKNOWN), problems[0])
    path = _without_union_tag(problem)
    if problem["type"] in _UNKNOWN:
        what = "unknown key" + nearest(str(path[-1]), known(path[:-1]))
    elif problem["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
        what = "missing"
    else:
        alike = [p for p in problems if _without_union_tag(p) == path]
        what = " or ".join(dict.fromkeys(_wanted(p) for p in alike))
        if problem["type"] not in ("value_error", "assertion_error"):
            what = f"must be {what}, not {shown(problem['input'])}"
    return f"{where}: {_dotted(path)}: {what}" if path else f"{where}: {what}"


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean "terms"?`` for the known name most like ``name``, or nothing when none is like it."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def shown(value: object, limit: int = 40) -> str:
    """A value as one short piece of a line: text in double quotes, control characters escaped, cut to ``limit``."""
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else repr(value)
    text = one_line(text)
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def one_line(text: str) -> str:
    """``text`` with each character that does not print (line breaks, direction marks) written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)


_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
_UNION_TAGS = ("str", "int", "float", "bool", "none")
_KINDS = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "dict": "a table",
    "dataclass": "a table",
    "model": "a table",
    "mapping": "a table",
}


def _without_union_tag(problem: Mapping[str, Any]) -> Location:
    """Pydantic ends the location of a failed union by the member's type, which is no key of the file."""
    path: Location = tuple(problem["loc"])
    return path[:-1] if len(path) > 1 and path[-1] in _UNION_TAGS else path


def _wanted(problem: Mapping[str, Any]) -> str:
    kind = str(problem["type"])
    message = one_line(str(problem["msg"]))
    if kind in ("value_error", "assertion_error"):
        return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    for ending in ("_type", "_parsing", "_exact_type", "_from_float"):
        if kind.removesuffix(ending) in _KINDS:
            return _KINDS[kind.removesuffix(ending)]
    if kind == "string_too_short" or (kind == "too_short" and isinstance(problem["input"], str)):
        return "some text, not empty"
    if kind == "too_short":
        return "a list of at least one"
    if kind in ("literal_error", "enum"):
        return "one of " + str(problem["ctx"]["expected"]).replace(" or ", ", ").replace("'", '"')
    return message.removeprefix("Input should be ").removeprefix("a valid ")


def _dotted(path: Location) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{one_line(part)}" for part in path)
    return text.removeprefix(".")
