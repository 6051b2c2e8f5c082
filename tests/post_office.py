"""A post office of Debian's parts: chasquid takes mail by SMTP, dovecot shows it by IMAP, both with TLS and a login.

Both run without privileges, with all that is theirs in one folder, on ports of this machine only. What comes for one of
their addresses is put into its owner's Maildir by dovecot's own delivery agent; nothing is ever sent elsewhere.
"""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Literal

import trustme

from monitor.work.imap import ImapSettings, folder_name
from reports.mail import SmtpSettings

DOMAIN = "qianli.example"
PASSWORD = "open-sesame"
PATIENCE = 30.0
"""Seconds that a part may take to start, or a mail from its sender to its reader."""

LDA = "/usr/lib/dovecot/dovecot-lda"

_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = yes
mail_location = maildir:{folder}/mail/%n
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
"""

_CHASQUID = """
hostname: "{domain}"
smtp_address: "127.0.0.1:{mx_port}"
submission_address: "127.0.0.1:{smtp_port}"
mail_delivery_agent_bin: "{lda}"
mail_delivery_agent_args: "-c"
mail_delivery_agent_args: "{folder}/dovecot.conf"
mail_delivery_agent_args: "-o"
mail_delivery_agent_args: "mail_location=maildir:{folder}/mail/%to_user%"
mail_delivery_agent_args: "-o"
mail_delivery_agent_args: "log_path={folder}/lda.log"
mail_delivery_agent_args: "-f"
mail_delivery_agent_args: "%from%"
data_dir: "{folder}/chasquid-data"
suffix_separators: "+"
mail_log_path: "{folder}/mail.log"
"""


@dataclass(frozen=True)
class PostOffice:
    """Where the parts listen. ``authority``: the PEM file that their certificate is of."""

    folder: Path
    authority: Path
    ports: dict[str, int]

    def smtp(self, user: str) -> SmtpSettings:
        """The submission port as one of the users: STARTTLS, then a login."""
        return SmtpSettings(
            "localhost", self.ports["smtp_port"], "starttls", user=f"{user}@{DOMAIN}", password=PASSWORD,
            sender=f"{user}@{DOMAIN}", cafile=str(self.authority),
        )  # fmt: skip

    def imap(self, user: str, security: Literal["tls", "starttls"] = "tls", folder: str = "INBOX") -> ImapSettings:
        port = self.ports["imaps_port" if security == "tls" else "imap_port"]
        return ImapSettings(
            "localhost", port, security, f"{user}@{DOMAIN}", PASSWORD, folder=folder, cafile=str(self.authority)
        )

    def deliver(self, user: str, message: bytes, box: str = "") -> None:
        """Put a message into a Maildir as a delivery agent does: whole, or not at all."""
        place = self.folder / "mail" / user / box
        for name in ("tmp", "new", "cur"):
            self._own(place / name)
        draft = place / "tmp" / f"{time.time_ns()}.test"
        draft.write_bytes(message)
        _give(draft, *_worker()[1:])
        draft.rename(place / "new" / draft.name)

    def held(self, user: str, folder: str = "INBOX") -> list[EmailMessage]:
        """What lies in a folder of a user's, in the order of its arrival, read as a mail program does."""
        with imaplib.IMAP4_SSL("localhost", self.ports["imaps_port"], ssl_context=self._context()) as server:
            server.login(f"{user}@{DOMAIN}", PASSWORD)
            server.select(folder_name(folder), readonly=True)
            found = server.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]
        parsed = [message_from_bytes(piece[1], policy=SMTP) for piece in found if isinstance(piece, tuple)]
        return [message for message in parsed if isinstance(message, EmailMessage)]

    def wait_for(self, user: str, n: int) -> list[EmailMessage]:
        """The same, once so many have arrived."""
        deadline = time.monotonic() + PATIENCE
        while len(found := self.held(user)) < n:
            assert time.monotonic() < deadline, f"{len(found)} of {n} mails came\n{logs(self.folder)}"
            time.sleep(0.05)
        return found

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def _own(self, folder: Path) -> None:
        for each in (*reversed(folder.relative_to(self.folder).parents), folder.relative_to(self.folder)):
            if not (self.folder / each).exists():
                (self.folder / each).mkdir()
                _give(self.folder / each, *_worker()[1:])


def _worker() -> tuple[str, int, int]:
    """Who the parts run as: whoever runs the tests, but nobody in place of root: dovecot opens no mail of root's."""
    name = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    found = pwd.getpwnam(name)
    return name, found.pw_uid, found.pw_gid


def _give(path: Path, uid: int, gid: int) -> None:
    if os.getuid() == 0:
        os.chown(path, uid, gid)


@contextmanager
def post_office(*users: str) -> Iterator[PostOffice]:
    """Both parts with these users, from their start to their end."""
    folder = Path(tempfile.mkdtemp(prefix="qianli-post-"))  # not tmp_path: root's is closed to nobody
    try:
        with ExitStack() as running:
            yield _started(folder, users, running)
    finally:
        shutil.rmtree(folder)


def _started(folder: Path, users: tuple[str, ...], running: ExitStack) -> PostOffice:
    name, uid, gid = _worker()
    ports = _free_ports("smtp_port", "mx_port", "imap_port", "imaps_port")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "certificate.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    values = {"folder": folder, "user": name, "group": grp.getgrgid(gid).gr_name, "uid": uid, "gid": gid,
              "domain": DOMAIN, "lda": LDA, **ports}  # fmt: skip
    (folder / "dovecot.conf").write_text(_DOVECOT.format(**values))
    (folder / "users").write_text("".join(f"{u}@{DOMAIN}:{PASSWORD}\n" for u in users))
    conf = folder / "chasquid"
    for each in ("run", "state", "mail", "chasquid-data", f"chasquid/domains/{DOMAIN}", "chasquid/certs/localhost"):
        (folder / each).mkdir(parents=True)
    (conf / "chasquid.conf").write_text(_CHASQUID.format(**values))
    shutil.copy(folder / "certificate.pem", conf / "certs/localhost/fullchain.pem")
    shutil.copy(folder / "key.pem", conf / "certs/localhost/privkey.pem")
    for user in users:
        subprocess.run(
            ["chasquid-util", f"-C={conf}", "user-add", f"{user}@{DOMAIN}", f"--password={PASSWORD}"],
            check=True, capture_output=True,
        )  # fmt: skip
    for path in (folder, *folder.rglob("*")):
        _give(path, uid, gid)
    office = PostOffice(folder, folder / "authority.pem", ports)
    _run(running, folder, ["/usr/sbin/dovecot", "-F", "-c", str(folder / "dovecot.conf")])
    _run(running, folder, ["chasquid", f"--config_dir={conf}"])
    for port in ports.values():
        _wait_for(port, folder)
    return office


def _free_ports(*names: str) -> dict[str, int]:
    """Ports that nobody listens on; all are held until all are found."""
    with ExitStack() as held:
        taken = [held.enter_context(closing(socket.create_server(("127.0.0.1", 0)))) for _ in names]
        return {name: one.getsockname()[1] for name, one in zip(names, taken, strict=True)}


def _run(running: ExitStack, folder: Path, command: list[str]) -> None:
    name, _, gid = _worker()
    drop = {"user": name, "group": gid, "extra_groups": []} if os.getuid() == 0 else {}
    log = running.enter_context((folder / f"{Path(command[0]).name}.out").open("wb"))
    process = subprocess.Popen(
        command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder,
        env={**os.environ, "HOME": str(folder)}, **drop,
    )  # type: ignore[call-overload]  # fmt: skip
    running.callback(_stop, process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(port: int, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise AssertionError(f"nobody listens on {port}\n{logs(folder)}") from None
            time.sleep(0.05)


def logs(folder: Path) -> str:
    """What the parts had to say."""
    files = sorted((*folder.glob("*.out"), *folder.glob("*.log")))
    return "\n".join(f"{file.name}: {file.read_text('utf-8', 'replace')[-2000:]}" for file in files)
