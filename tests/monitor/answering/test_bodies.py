from __future__ import annotations

import base64
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.answering import Command, Ignored, Reason, Verb, read_body
from monitor.answering.bodies import LONGEST_READ

ACK = Command(Verb.ACKNOWLEDGE)
NOTHING = Ignored(Reason.NO_COMMAND)
HEAD = b"From: a@b.example\r\nMIME-Version: 1.0\r\n"


def plain(text: str, charset: str = "utf-8") -> bytes:
    message = EmailMessage(policy=SMTP)
    message.set_content(text, charset=charset)
    return message.as_bytes()


def page(markup: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message.set_content(markup, subtype="html")
    return message.as_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "ack",
        "\n\n  \n收到\n",
        "收到\r\n\r\n-- \r\n安\r\n手機：0912",
        "ack\n\nOn Friday Qianli wrote:\n> resolve",
        "\ufeff收到\u3000\n> x",
    ],
)
def test_the_first_line_that_is_not_empty(text: str) -> None:
    assert read_body(plain(text), whole=True) == ACK


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n> ack",
        "> ack\nack",
        "On Friday Qianli wrote:\n> ack",
        "謝謝\nack",
        "-----Original Message-----\nack",
        "-- \nack",
    ],
)
def test_what_is_quoted_or_further_down_does_nothing(text: str) -> None:
    assert read_body(plain(text), whole=True) == NOTHING


@pytest.mark.parametrize("charset", ["utf-8", "gb2312", "gbk", "gb18030", "big5", "hz"])
def test_charsets(charset: str) -> None:
    assert read_body(plain("收到", charset), whole=True) == ACK


@pytest.mark.parametrize("charset", ["gb18030", "big5", "utf-8"])
@pytest.mark.parametrize("named", ["", "; charset=x-unknown", "; charset=rot13", "; charset=punycode", '; charset=""'])
def test_a_charset_that_is_not_named_or_none_of_mail(charset: str, named: str) -> None:
    raw = HEAD + f"Content-Type: text/plain{named}\r\n\r\n".encode() + "已解決\n".encode(charset)
    assert read_body(raw, whole=True) == Command(Verb.RESOLVE)


@pytest.mark.parametrize(
    "markup",
    [
        "<p>收到</p>",
        "<html><head><title>ack?</title><style>p{}</style></head><body><div><br></div><div>ack</div>",
        "<!-- resolve --><div>&nbsp;</div><div dir=auto>&#25910;到</div><blockquote>resolve</blockquote>",
        "<div>ack<br>--<br>Ann</div>",
        "ack",
        "<script>resolve</script><P>a<b>c</b>k</P>",
        "<div\nclass=x>收<span>到</span></div>",
    ],
)
def test_a_page_where_there_is_no_text(markup: str) -> None:
    assert read_body(page(markup), whole=True) == ACK


@pytest.mark.parametrize(
    "markup",
    [
        "<blockquote><div>ack</div></blockquote>",
        "<div><br></div><BLOCKQUOTE type=cite>ack</BLOCKQUOTE>",
        "<!-- ack",
        "<style>ack",
    ],
)
def test_what_a_page_quotes_does_nothing(markup: str) -> None:
    assert read_body(page(markup), whole=True) == NOTHING


def test_the_text_goes_before_the_page_and_a_blank_text_is_none() -> None:
    for text, markup, wanted in (
        ("ack", "<p>resolve</p>", ACK),
        (" \n", "<p>ack</p>", ACK),
        ("no", "<p>ack</p>", NOTHING),
    ):
        message = EmailMessage(policy=SMTP)
        message.set_content(text)
        message.add_alternative(markup, subtype="html")
        assert read_body(message.as_bytes(), whole=True) == wanted


def test_what_is_attached_or_forwarded_is_somebody_elses() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("fyi")
    message.add_attachment("ack", filename="a.txt")
    assert read_body(message.as_bytes(), whole=True) == NOTHING
    inner = EmailMessage(policy=SMTP)
    inner.set_content("ack")
    only_forwarded = HEAD + b"Content-Type: message/rfc822\r\n\r\n" + inner.as_bytes()
    assert read_body(only_forwarded, whole=True) == NOTHING


def test_a_picture_of_5_mb_does_not_matter_but_a_text_of_5_mb_does() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("ack")
    message.add_attachment(b"\0" * 5_000_000, maintype="image", subtype="png", filename="a.png")
    assert read_body(message.as_bytes()[:LONGEST_READ], whole=False) == ACK
    for cut in (plain("ack\n" + "x" * 5_000_000), page("<p>ack</p>" + "x" * 5_000_000)):
        assert read_body(cut[:LONGEST_READ], whole=False) == Ignored(Reason.TOO_LARGE)
    pictures_first = (
        HEAD + b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"A" * LONGEST_READ
    )
    assert read_body(pictures_first[:LONGEST_READ], whole=False) == Ignored(Reason.TOO_LARGE)


def test_parts_nested_by_the_thousand_are_broken_and_no_crash() -> None:
    opening = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(3000))
    found = read_body(HEAD + opening + b"Content-Type: text/plain\r\n\r\nack", whole=True)
    assert found in (Ignored(Reason.BROKEN), NOTHING)


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"Content-Type: multipart/mixed\r\n\r\nack",
        HEAD + b"Content-Type: text/plain; charset=\r\n\r\n\xff\xfe\xfd",
        HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n!!!not base64!!!",
        b"",
        b"\0" * 1000,
        HEAD + b"Content-Type: ////\r\n\r\n",
        HEAD + b'Content-Type: multipart/alternative; boundary="x"\r\n\r\n--x\r\n--x--\r\n',
    ],
)
def test_broken_mail_does_nothing(raw: bytes) -> None:
    assert read_body(raw, whole=True) == NOTHING


def test_broken_encodings_around_the_word_are_forgiven() -> None:
    body = base64.b64encode("收到\n".encode()).rstrip(b"=")
    raw = HEAD + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body
    assert read_body(raw, whole=True) == ACK


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_any_message_is_read(raw: bytes) -> None:
    assert isinstance(read_body(HEAD + raw, whole=True), Command | Ignored)


@pytest.mark.parametrize("piece", ["<!--", "<", "<a", "<script>", "<blockquote", "</", "&#", "<p", "<!", "\"'"])
def test_markup_without_end_takes_no_time(piece: str) -> None:
    """Each of these costs some reader of HTML the square of its length; one pass over a quarter of a megabyte is quick
    enough for this to end well before the suite's patience."""
    markup = piece * (LONGEST_READ // len(piece))
    assert read_body(HEAD + b"Content-Type: text/html\r\n\r\n" + markup.encode(), whole=True) == NOTHING
