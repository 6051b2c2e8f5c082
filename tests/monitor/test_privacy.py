"""The key of the author hashes: whole or not there, readable by its owner only, the same ever after."""

from __future__ import annotations

import hashlib
import hmac
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from monitor.errors import StoreError
from monitor.privacy import author_key, load_key


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "qianli.key"
    key = load_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path) == key
    assert [p.name for p in tmp_path.iterdir()] == ["qianli.key"]


def test_two_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_key(tmp_path / "qianli.key"), range(8)))
    assert len(keys) == 1


@pytest.mark.parametrize("content", ["", "zz", "00" * 31])
def test_a_damaged_key_is_refused_and_not_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "qianli.key"
    path.write_text(content)
    with pytest.raises(StoreError, match=r"qianli\.key: not a key of 32 bytes"):
        load_key(path)
    assert path.read_text() == content


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made: No such file"):
        load_key(tmp_path / "nowhere" / "qianli.key")


def test_the_hash_is_keyed_and_knows_the_platform() -> None:
    of = author_key(b"k" * 32)
    assert of("weibo", "1") == hmac.new(b"k" * 32, b"weibo:1", hashlib.sha256).hexdigest()
    assert of("weibo", "1") != of("ptt", "1") != author_key(b"x" * 32)("ptt", "1")


def test_a_key_that_cannot_be_read_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "qianli.key").mkdir()  # who runs the tests as root may read any file
    with pytest.raises(StoreError, match="the key of the author hashes cannot be read: Is a directory"):
        load_key(tmp_path / "qianli.key")
