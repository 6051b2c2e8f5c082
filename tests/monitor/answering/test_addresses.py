from __future__ import annotations

import hashlib
import hmac
import string
from base64 import b32encode
from email.utils import parseaddr

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.answering import read_address, reply_address
from monitor.answering.addresses import has_shape
from monitor.config import LONGEST_USER
from monitor.privacy import answer_key

KEY = answer_key(bytes(32), "a1b2c3")
ADDRESS = "qianli@example.com"


def test_the_address_names_incident_and_mail_and_proves_itself() -> None:
    token = b32encode(hmac.new(KEY, b"12:3", hashlib.sha256).digest()[:10]).decode().lower()
    assert reply_address(KEY, ADDRESS, 12, 3) == f"qianli+i12-3-{token}@example.com"
    assert len(token) * 5 == 80


@settings(deadline=None)
@given(st.integers(1, 10**8), st.integers(1, 10**5))
def test_there_and_back_however_servers_write_it(incident: int, mail: int) -> None:
    made = reply_address(KEY, ADDRESS, incident, mail)
    for text in (made, made.upper(), f"千里 <{made}>", f"someone@pr.example,\n <{made}>; x"):
        assert read_address(KEY, ADDRESS, text) == (incident, mail)


@settings(deadline=None)
@given(st.integers(1, 999), st.integers(1, 99), st.integers(0, 15), st.sampled_from(string.ascii_lowercase + "234567"))
def test_a_token_with_one_other_character_is_none(incident: int, mail: int, place: int, other: str) -> None:
    made = reply_address(KEY, ADDRESS, incident, mail)
    at = made.index("@") - 16 + place
    forged = made[:at] + other + made[at + 1 :]
    assert (read_address(KEY, ADDRESS, forged) is None) == (forged != made)
    assert has_shape(ADDRESS, forged)


def test_a_token_opens_nothing_else() -> None:
    made = reply_address(KEY, ADDRESS, 12, 3)
    for old, new in (("i12-", "i13-"), ("-3-", "-4-"), ("i12-", "i012-")):
        assert read_address(KEY, ADDRESS, made.replace(old, new)) is None
    assert read_address(KEY, ADDRESS, made.replace("@example.com", "@example.com.evil.example")) is None
    assert read_address(KEY, ADDRESS, "x" + made) is None
    assert read_address(answer_key(bytes(32), "another"), ADDRESS, made) is None
    assert read_address(answer_key(b"\1" * 32, "a1b2c3"), ADDRESS, made) is None


def test_two_incidents_at_once_are_none_and_a_forged_one_beside_takes_nothing_away() -> None:
    one, two = (reply_address(KEY, ADDRESS, n, 1) for n in (1, 2))
    assert read_address(KEY, ADDRESS, f"{one}, {one}") == (1, 1)
    assert read_address(KEY, ADDRESS, f"{one}, {two}") is None
    assert read_address(KEY, ADDRESS, f"{one}, qianli+i9-1-aaaaaaaaaaaaaaaa@example.com") == (1, 1)


def test_it_fits_the_64_characters_before_the_at() -> None:
    made = reply_address(KEY, "q" * LONGEST_USER + "@example.com", 99_999_999, 9_999)
    assert len(made.split("@")[0]) <= 64
    assert parseaddr(made)[1] == made
    assert read_address(KEY, "q" * LONGEST_USER + "@example.com", made) == (99_999_999, 9_999)
