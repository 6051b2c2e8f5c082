from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.answering import Gate, Ignored, Opened, Reason, read_header, reply_address

KEY, ADDRESS = b"k" * 32, "qianli@example.com"
GATE = Gate(KEY, ADDRESS, frozenset({"Ann@pr.example", "bo@pr.example"}))
GOOD = reply_address(KEY, ADDRESS, 12, 3)


def header(*more: str, sender: str = "From: ann@pr.example", to: str = f"To: {GOOD}") -> bytes:
    return "\r\n".join([sender, to, "Message-ID: <1@phone.example>", *more, "", ""]).encode()


def reason(raw: bytes) -> Reason:
    found = read_header(raw, GATE)
    assert isinstance(found, Ignored)
    return found.reason


@pytest.mark.parametrize(
    "sender",
    [
        "From: ann@pr.example",
        "From: ANN@PR.example",
        "From: Ann <ann@pr.example>",
        "from: =?utf-8?b?5a6J?= <ann@pr.example>",
        'From: "bo@pr.example, the other" <ann@pr.example>',
        'From: "Ann \\"A\\" Li" <ann@pr.example>',
        "From: Ann\r\n <ann@pr.example>",
    ],
)
def test_somebody_of_the_list_with_a_good_token(sender: str) -> None:
    assert read_header(header(sender=sender), GATE) == Opened(12, 3, "Ann@pr.example", "<1@phone.example>")


@pytest.mark.parametrize(
    "sender",
    [
        "From: eve@elsewhere.example",
        'From: "ann@pr.example" <eve@elsewhere.example>',
        "Sender: ann@pr.example",
        "From: ann@pr.example <eve@elsewhere.example>",
        "From: eve@elsewhere.example (ann@pr.example)",
        "From: ann@pr.example, eve@elsewhere.example",
        "From: ann@pr.example\r\nFrom: eve@elsewhere.example",
        "From: eve@elsewhere.example\r\nFrom: ann@pr.example",
        "From: ann@pr.example\r\nFrom: ann@pr.example",
        "From: <ann@pr.example> <eve@elsewhere.example>",
        "From: ann@pr.example.elsewhere.example",
        "From: xann@pr.example",
        "From: group: ann@pr.example;",
        "From: ann@pr.example\0",
        "From: \u0430nn@pr.example",
        "From:",
        "Reply-To: ann@pr.example",
    ],
)
def test_anybody_else_even_with_a_good_token(sender: str) -> None:
    assert reason(header(sender=sender)) is Reason.NOT_LISTED


@pytest.mark.parametrize("to", [GOOD.replace("-3-", "-4-"), GOOD.replace("i12", "i13"), GOOD[:-14] + "aa@example.com"])
def test_somebody_of_the_list_with_another_token(to: str) -> None:
    assert reason(header(to=f"To: {to}")) is Reason.UNKNOWN_TOKEN


def test_mail_to_the_same_mailbox_that_answers_nothing() -> None:
    assert reason(header(to=f"To: {ADDRESS}")) is Reason.NO_TOKEN
    assert reason(b"\r\n") is Reason.NO_TOKEN


@pytest.mark.parametrize("field", ["Cc", "Delivered-To", "X-Original-To"])
def test_the_token_may_stand_where_servers_put_it(field: str) -> None:
    assert isinstance(read_header(header(f"{field}: <{GOOD}>", to=f"To: {ADDRESS}"), GATE), Opened)


@pytest.mark.parametrize(
    "more",
    [
        "Auto-Submitted: auto-replied",
        "auto-submitted: Auto-Generated; x=y",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "List-Id: <pr.example>",
        "X-Autorespond: away",
        "X-Loop: here",
        "Content-Type: multipart/report; report-type=disposition-notification",
    ],
)
def test_a_machine_that_answers(more: str) -> None:
    assert reason(header(more)) is Reason.AUTOMATIC


@pytest.mark.parametrize(
    "raw",
    [
        header("Content-Type: multipart/report; report-type=delivery-status; boundary=x"),
        header("Return-Path: <>"),
        header(sender="From: Mail Delivery System <MAILER-DAEMON@pr.example>"),
        header("X-Failed-Recipients: ann@pr.example"),
    ],
)
def test_a_bounce(raw: bytes) -> None:
    assert reason(raw) is Reason.BOUNCE


def test_a_person_who_says_so() -> None:
    more = ("Auto-Submitted: no", "Return-Path: <ann@pr.example>", "Precedence: first-class")
    assert isinstance(read_header(header(*more), GATE), Opened)


def test_a_thousand_fields_are_read_and_a_header_without_end_is_not() -> None:
    assert isinstance(read_header(header(*(f"X-{n}: {n}" for n in range(1000))), GATE), Opened)
    assert reason(header("X: " + "x" * 70_000)[: 64 * 1024]) is Reason.TOO_LARGE


@pytest.mark.parametrize("given", ["", "Message-ID: none", "Message-ID: <a b@c>", "Message-ID: <a@b>\r\n evil@c>"])
def test_a_message_without_an_id_of_use_is_known_by_its_header(given: str) -> None:
    raw = header(given) if given else header()
    raw = raw.replace(b"Message-ID: <1@phone.example>\r\n", b"")
    one, two = read_header(raw, GATE), read_header(raw + b"X: y\r\n\r\n", GATE)
    assert isinstance(one, Opened)
    assert isinstance(two, Opened)
    assert one.message_id.endswith("@none.invalid>")
    assert one == read_header(raw, GATE)


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_any_header_is_read(raw: bytes) -> None:
    assert isinstance(read_header(header().rstrip() + b"\r\n" + raw, GATE), Opened | Ignored)
