"""``check --send-test`` tells what the server said to each address, and nothing better than that."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.work import checking
from monitor.work.app import App
from tests.standin import NOW, REFUSES_LOGINS, mail_server, make_app

ALERTS = {"to": ["oncall@example.test"], "escalate_to": ["lead@example.test"], "ops_to": ["ops@example.test"]}


def sending_app(folder: Path, port: int, **smtp: Any) -> App:
    app = make_app(folder, mail=port, alerts=ALERTS)
    assert app.config.smtp is not None
    table = app.config.smtp.model_copy(update=smtp)
    return replace(app, config=app.config.model_copy(update={"smtp": table}))


def said(app: App) -> dict[str, tuple[str, bool]]:
    return {recipient: (reply, well) for recipient, reply, well in checking.test_mail(app, NOW)}


def test_everybody_who_would_be_told_gets_one(tmp_path: Path) -> None:
    with mail_server() as box:
        found = said(sending_app(tmp_path, box.port))
    everybody = ["lead@example.test", "oncall@example.test", "ops@example.test", "pr@example.test"]
    assert sorted(found) == sorted(box.recipients) == everybody
    assert set(found.values()) == {("250 kept", True)}


def test_a_server_that_takes_the_address_and_refuses_the_mail(tmp_path: Path) -> None:
    with mail_server() as box:
        box.refuse = "554 5.7.1 not from you"
        found = said(sending_app(tmp_path, box.port))
    assert all(not well and "554 5.7.1 not from you" in reply for reply, well in found.values())
    assert len(found) == 4


def test_one_address_that_is_unknown(tmp_path: Path) -> None:
    with mail_server() as box:
        box.refuse_to = {"lead@example.test": "550 5.1.1 no such user"}
        found = said(sending_app(tmp_path, box.port))
    assert {to: well for to, (_, well) in found.items() if not well} == {"lead@example.test": False}
    assert "550 5.1.1 no such user" in found["lead@example.test"][0]


def test_a_login_that_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIANLI_TEST_PASSWORD", "open-sesame-7")
    with mail_server(**REFUSES_LOGINS) as box:
        found = said(sending_app(tmp_path, box.port, user="qianli", password_env="QIANLI_TEST_PASSWORD"))
    assert all(not well and "535 5.7.8" in reply for reply, well in found.values())
    assert not any("open-sesame-7" in reply for reply, _ in found.values())
    assert box.messages == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_another_name(tmp_path: Path, security: str) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("mail.other.example").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    options: dict[str, Any] = {"tls_context": context, "require_starttls": True}
    if security == "tls":
        options = {"ssl_context": context, "server_hostname": "mail.other.example"}
    with mail_server(**options) as box:
        found = said(sending_app(tmp_path, box.port, security=security, ca_file="ca.pem"))
    assert len(found) == 4
    assert all(not well and "certificate" in reply.lower() for reply, well in found.values())
    assert box.messages == []


def test_nobody_listens(tmp_path: Path) -> None:
    with mail_server() as box:
        port = box.port
    found = said(sending_app(tmp_path, port))
    assert all(not well and "ConnectionRefusedError" in reply for reply, well in found.values())
