"""Authors are kept as keyed hashes: enough to tell two voices apart, not enough to find a person.

The key lies in a file of its own, readable by its owner only, outside database, backup and export. A salt beside the
hashes would be no privacy: platform ids can be enumerated.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from monitor.errors import StoreError

KEY_BYTES = 32


def load_key(path: Path) -> bytes:
    """The key, made on the first run with mode 600; StoreError if the file cannot be used."""
    if not path.exists():
        try:
            _make(path)
        except OSError as error:
            raise StoreError(f"{path}: the key of the author hashes cannot be made: {error.strerror}") from None
    return _read(path)


def _make(path: Path) -> None:
    """Put a whole key into place at once: a crash must not leave an empty file, which would be refused ever after."""
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 600
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(KEY_BYTES) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileExistsError):  # a process that started at the same time was first: its key counts
            os.link(draft, path)
    finally:
        os.unlink(draft)


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise StoreError(f"{path}: the key of the author hashes cannot be read: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StoreError(f"{path}: not a key of {KEY_BYTES} bytes in hex; restore it, or authors will count twice")
    return key


def author_key(key: bytes) -> Callable[[str, str], str]:
    """(platform, author id) -> HMAC-SHA-256 of ``platform:id``, in hex."""

    def of(platform: str, author: str) -> str:
        return hmac.new(key, f"{platform}:{author}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    return of


def answer_key(key: bytes, identity: str) -> bytes:
    """The key of the tokens in the addresses of alerts. ``identity``: the database's own name (``service.identity``),
    so that an answer to one installation is none to another that shares the key file."""
    return hmac.new(key, f"answers to alerts:{identity}".encode(), hashlib.sha256).digest()
