"""Kinds of settings that several sources share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from monitor.errors import NeedsCredentials, one_line
from sources.links import host_of


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")) or not host_of(url) or "{" in host_of(url):
        raise ValueError("must be an http or https address")
    return url


def _base(url: str) -> str:
    if set("?#{}") & set(url):
        raise ValueError("must be an address without query and placeholders")
    return _web_address(url).rstrip("/")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a time zone such as Asia/Taipei") from error
    return name


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""An http or https address whose host is fixed."""

BaseUrl = Annotated[str, AfterValidator(_base)]
"""Where a platform, or a mirror of it, is reached: an http or https address, without a slash at its end."""

ZoneName = Annotated[str, AfterValidator(_zone)]

UserAgent = Annotated[str, Field(pattern="^[ -~]*$")]
"""What is said instead of Qianli's own name; empty: that one."""

Pages = Annotated[int, Field(ge=1, le=50)]
"""Pages of one list that are read in one run at most."""

Count = Annotated[int, Field(ge=0, le=1000)]


def secret(variable: str, key: str, host: str) -> str:
    """The value of the environment variable that the setting ``key`` names; ``""`` where it names none.

    Raises NeedsCredentials with a line that names the variable, never its value, if it is not set or cannot be sent.
    """
    if not variable:
        return ""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise NeedsCredentials(f"{host}: the environment variable {one_line(variable)} ({key}) is not set")
    if not (value.isascii() and value.isprintable()):
        raise NeedsCredentials(f"{host}: the environment variable {one_line(variable)} ({key}) cannot be sent")
    return value


def spelled(pattern: str, what: str) -> Callable[[str], str]:
    """A check that a whole text is spelled as ``pattern``; ``what`` says in words what it must be."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {what}")
        return text

    return check


Variable = Annotated[
    str, AfterValidator(spelled("([A-Za-z_][A-Za-z0-9_]*)?", "the name of an environment variable, not what it holds"))
]
"""Where a secret is; whoever writes the secret itself here must not find it in a log."""

Board = Annotated[str, AfterValidator(spelled("[A-Za-z0-9_-][A-Za-z0-9_.-]{0,39}", "a board's name such as Gossiping"))]
"""A board of PTT as its address names it."""
