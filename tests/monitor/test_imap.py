"""Reading a folder from servers that are dead, slow, wrong or malicious: one line, in time, and never a crash."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from monitor.errors import ConfigError, MailError, ServerUnreachable
from monitor.work.imap import ImapSettings, folder_name, opened
from tests.imap_server import Line, imap_server, polite

PASSWORD = "open-sesame"


def settings(port: int, **more: object) -> ImapSettings:
    made = ImapSettings("127.0.0.1", port, "none", "qianli", PASSWORD, timeout=1, deadline=20)
    return replace(made, **more)  # type: ignore[arg-type]


def fetching(*lines: str | bytes, end: str = "OK done") -> Callable[[Line], None]:
    def then(line: Line, tag: str) -> None:
        line.say(*lines, f"{tag} {end}")
        line.wait()

    return lambda line: polite(line, until="UID FETCH", then=then)


def trouble(talk: Callable[[Line], None], **more: object) -> str:
    def visit(port: int) -> None:
        with opened(settings(port, **more)) as folder:
            for uid in folder.after(0):
                folder.header(uid, 1000)

    with imap_server(talk) as port, pytest.raises(ServerUnreachable) as caught:
        visit(port)
    said = str(caught.value)
    assert said.startswith(f"127.0.0.1:{port}: ")
    assert "\n" not in said
    assert PASSWORD not in said
    return said


def test_a_message_comes_with_its_size_wherever_the_server_says_it() -> None:
    for lines in (
        ("* 1 FETCH (UID 1 RFC822.SIZE 5000 BODY[HEADER]<0> {6}", "From: )"),
        ("* 1 FETCH (FLAGS (\\Seen))", "* 1 FETCH (BODY[HEADER]<0> {6}", "From:  UID 1 RFC822.SIZE 5000)"),
    ):
        with imap_server(fetching(*lines)) as port, opened(settings(port)) as folder:
            message = folder.header(1, 1000)
        assert message is not None
        assert (message.start, message.size) == (b"From: ", 5000)


def test_a_message_that_is_gone() -> None:
    for lines in ((), ("* 1 FETCH (UID 1 RFC822.SIZE 0 BODY[HEADER] NIL)",)):
        with imap_server(fetching(*lines)) as port, opened(settings(port)) as folder:
            assert folder.header(1, 1000) is None


def test_a_message_that_the_server_refuses_is_no_trouble_of_the_others() -> None:
    with imap_server(fetching(end="NO [SERVERBUG] corrupted\x07")) as port, opened(settings(port)) as folder:
        with pytest.raises(MailError, match=r"UID FETCH: \[SERVERBUG\] corrupted") as caught:
            folder.header(1, 1000)
        assert not isinstance(caught.value, ServerUnreachable)


def test_only_new_ones_are_found_though_a_star_always_finds_one() -> None:
    with imap_server(polite) as port, opened(settings(port)) as folder:
        assert list(folder.after(0)) == [1]
        assert list(folder.after(1)) == []
        assert list(folder.after(50)) == []
        assert folder.since(date(2026, 11, 1)) == [1]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServerUnreachable, match=f"127.0.0.1:{port}: ConnectionRefusedError"), opened(settings(port)):
        pass


def test_a_wrong_password_is_told_in_the_servers_words() -> None:
    def then(line: Line, tag: str) -> None:
        line.say(f"{tag} NO [AUTHENTICATIONFAILED] who are you?")
        line.wait()

    assert "AUTHENTICATIONFAILED" in trouble(lambda line: polite(line, until="LOGIN", then=then))


def test_a_folder_that_is_not_there() -> None:
    def then(line: Line, tag: str) -> None:
        line.say(f"{tag} NO no such mailbox")
        line.wait()

    said = trouble(lambda line: polite(line, until="EXAMINE", then=then), folder="回覆")
    assert 'folder "回覆": no such mailbox' in said


def test_a_server_that_numbers_nothing_cannot_be_read() -> None:
    def then(line: Line, tag: str) -> None:
        line.say("* 1 EXISTS", f"{tag} OK done")
        line.wait()

    assert "UIDVALIDITY" in trouble(lambda line: polite(line, until="EXAMINE", then=then))


def test_silence_ends_with_the_timeout() -> None:
    assert "imed out" in trouble(lambda line: line.wait(), timeout=0.2)


def test_a_byte_at_a_time_ends_with_the_deadline() -> None:
    """Each step is in time, so only the deadline of the whole visit ends it."""
    from threading import Event

    def drip(line: Line) -> None:
        while True:
            line._handler.wfile.write(b"*")
            Event().wait(0.05)

    trouble(drip, deadline=0.5)


def test_a_server_that_hangs_up() -> None:
    trouble(lambda line: None)
    trouble(lambda line: polite(line, until="UID SEARCH", then=lambda line, tag: None))
    trouble(lambda line: line.say("* BYE too many connections"))


def test_a_piece_larger_than_asked_for_is_not_read() -> None:
    said = trouble(fetching("* 1 FETCH (UID 1 BODY[HEADER]<0> {99999999999}"))
    assert "99999999999 bytes" in said


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0\1\2\3",
        b"HTTP/1.1 400 Bad Request",
        b"* SEARCH \xff\xfe",
        b"+ go on",
        b"* 1 FETCH (UID",
        b"x" * 2_000_000,
        b"A OK",
        b"",
    ],
)
@pytest.mark.parametrize("at", ["", "LOGIN", "EXAMINE", "UID SEARCH", "UID FETCH"])
def test_nonsense(garbage: bytes, at: str) -> None:
    """What comes before the hang-up may pass for an answer that holds nothing; then the hang-up itself is trouble."""

    def talk(line: Line) -> None:
        if at:
            polite(line, until=at, then=lambda line, tag: line.say(garbage))
        else:
            line.say(garbage)

    trouble(talk)


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("INBOX", '"INBOX"'),
        ("收件匣/回覆", '"&ZTZO9lMj-/&Vt6Jhg-"'),
        ("A&B", '"A&-B"'),
        ('a "b" \\c', '"a \\"b\\" \\\\c"'),
        ("😀", '"&2D3eAA-"'),
    ],
)
def test_folder_names(name: str, wire: str) -> None:
    assert folder_name(name) == wire


def test_plaintext_only_to_this_machine() -> None:
    with pytest.raises(ConfigError, match=r'^mailbox\.security: "none" would send the password in the clear'):
        settings(143, host="mail.example")
    settings(143, host="mail.example", allow_plaintext=True)


def test_a_login_that_cannot_be_sent() -> None:
    for word in ("密碼", "a\r\nA1 DELETE INBOX"):
        with pytest.raises(ConfigError, match="printable ASCII") as caught:
            settings(143, password=word)
        assert word not in str(caught.value)


def test_the_password_is_not_shown() -> None:
    assert PASSWORD not in repr(settings(143))
