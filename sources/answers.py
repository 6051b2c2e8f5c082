"""Answers read without trusting their shape: what is missing or of another type is simply not there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from monitor.errors import Blocked, NeedsCredentials, SourceError
from sources.dates import believable

_ID = re.compile(r"[\w.:=@/-]{1,200}")
_NOTHING: Mapping[str, Any] = {}
_CHECKS = ("just a moment...", "cf-challenge", "captcha", "geetest", "验证码", "驗證碼")
_LOGINS = ("login.sina.com.cn", "passport.weibo", "sina visitor system", "login.php", "signin.php")
_LOOKED_THROUGH = 200_000


def read_object(body: bytes, host: str) -> Mapping[str, Any]:
    """The JSON object that ``body`` is. Raises as ``read_json``."""
    found = read_json(body, host)
    if not isinstance(found, dict):
        raise SourceError(f"{host}: JSON, but not an object")
    return found


def read_json(body: bytes | str, host: str) -> Any:
    """What the JSON in ``body`` says. Raises SourceError or one of its kinds that names ``host`` and what came instead.

    Control characters in texts pass, as many platforms send them; numbers that are none (NaN) become None.
    """
    text = (body if isinstance(body, str) else body.decode("utf-8", "replace")).lstrip("\ufeff").strip()
    if not text:
        raise SourceError(f"{host}: an empty answer, not JSON")
    try:
        return json.loads(text, strict=False, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        if text[0] in "{[":
            raise SourceError(f"{host}: JSON that cannot be read") from error
        raise what_came(text, host, "JSON") from error


def is_html(text: str) -> bool:
    lowered = text[:_LOOKED_THROUGH].lower()
    return "<html" in lowered or "<!doctype html" in lowered


def what_came(text: str, host: str, wanted: str) -> SourceError:
    """The error for an answer that is not ``wanted`` (a noun: JSON, a board).

    Blocked for a page that wants a human to prove itself, NeedsCredentials for a login.
    """
    if not is_html(text):
        return SourceError(f"{host}: an answer that is not {wanted}")
    lowered = text[:_LOOKED_THROUGH].lower()
    if any(word in lowered for word in _CHECKS):
        return Blocked(f"{host}: a page that asks for proof of being human, not {wanted}")
    if any(word in lowered for word in _LOGINS):
        return NeedsCredentials(f"{host}: a login page, not {wanted}")
    return SourceError(f"{host}: an HTML page, not {wanted}")


def table(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under ``key``, empty if there is none."""
    found = parent.get(key)
    return found if isinstance(found, dict) else _NOTHING


def rows(parent: Mapping[str, Any], key: str) -> list[Any]:
    """The list under ``key``, empty if there is none; its items may be anything."""
    found = parent.get(key)
    return found if isinstance(found, list) else []


def text(parent: Mapping[str, Any], key: str) -> str:
    found = parent.get(key)
    return found if isinstance(found, str) else ""


def identity(value: object) -> str:
    """An id as text: platforms write one and the same as a number here and as text there. ``""`` if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    if isinstance(value, int):
        return str(value) if 0 < value < 10**30 else ""
    return value if _ID.fullmatch(value) and value != "0" else ""


def number(value: object) -> str:
    """An id that is a number, as text; ``""`` if it is none."""
    found = identity(value)
    return found if found.isascii() and found.isdigit() else ""


def unix_time(value: object) -> datetime | None:
    """Unix seconds as an aware UTC datetime, None for what cannot be the time of a post."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return believable(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        return None
