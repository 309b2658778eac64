"""Real mail servers for tests: SMTP by aiosmtpd, and as much of IMAP as a reader of one folder needs."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for localhost that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encryption = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))
    return paths


def context_of(cert: Path, key: Path) -> ssl.SSLContext:
    """Return a server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


@dataclass
class SmtpServer:
    """Keeps what it took. ``answers`` are replies to RCPT by address; ``says`` answers the next mails in turn."""

    port: int = 0
    envelopes: list[Any] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    says: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails that were taken, parsed."""
        return [message_from_bytes(e.content, policy=policy.default) for e in self.envelopes]  # type: ignore[misc]

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.says:
            answer = self.says.pop(0)
            if not answer.startswith("250"):
                return answer
        self.envelopes.append(envelope)
        return "250 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        if isinstance(data, LoginPassword):
            self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.logins[-1:] == [("crm", "p4ss wörd")], handled=False)


class _Controller(Controller):
    """Looks whether it answers at the port that the system chose."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        address = self.server.sockets[0].getsockname()  # type: ignore[attr-defined]
        with socket.create_connection(address, 5) as probe:
            probe.recv(100)


@contextlib.contextmanager
def smtp_server(cert: Path | None = None, key: Path | None = None, *, utf8: bool = True) -> Iterator[SmtpServer]:
    """Run a server on a free port; with a certificate it asks for STARTTLS and a log-in."""
    state = SmtpServer()
    secure = cert is not None and key is not None
    more: dict[str, Any] = (
        {
            "tls_context": context_of(cert, key),  # type: ignore[arg-type]
            "require_starttls": True,
            "auth_required": True,
            "authenticator": state.authenticate,
        }
        if secure
        else {}
    )
    controller = _Controller(state, hostname="127.0.0.1", port=0, enable_SMTPUTF8=utf8, **more)
    controller.start()
    assert controller.server is not None
    state.port = controller.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield state
    finally:
        controller.stop()


@dataclass
class ImapServer:
    """One folder. ``mails`` maps UIDs to contents; ``fetched`` lists the UIDs whose content was read."""

    port: int = 0
    validity: int = 1
    mails: dict[int, bytes] = field(default_factory=dict)
    fetched: list[int] = field(default_factory=list)


@contextlib.contextmanager
def imap_server(cert: Path, key: Path, login: tuple[str, str] = ("crm", "secret")) -> Iterator[ImapServer]:
    """Run a server with TLS on a free port."""
    state, context = ImapServer(), context_of(cert, key)

    class Handler(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def handle(self) -> None:
            self._say("* OK ready")
            for raw in self.rfile:
                tag, _, rest = raw.decode().strip().partition(" ")
                word = rest.split(" ")[0].upper()
                if word == "LOGOUT":
                    self._say("* BYE", f"{tag} OK done")
                    return
                known: dict[str, Callable[[str, str], None]] = {
                    "CAPABILITY": self._capability,
                    "LOGIN": self._login,
                    "EXAMINE": self._examine,
                    "UID": self._uid,
                }
                known.get(word, self._unknown)(tag, rest)

        def _say(self, *lines: str) -> None:
            self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

        def _capability(self, tag: str, rest: str) -> None:
            self._say("* CAPABILITY IMAP4rev1", f"{tag} OK done")

        def _login(self, tag: str, rest: str) -> None:
            given = tuple(p.strip('"') for p in rest.split(" ")[1:3])
            self._say(f"{tag} OK in" if given == login else f"{tag} NO wrong password")

        def _examine(self, tag: str, rest: str) -> None:
            if rest.split(" ", 1)[1].strip('"') != "INBOX":
                self._say(f"{tag} NO no such folder")
                return
            told = f"* OK [UIDVALIDITY {state.validity}] valid"
            self._say(f"* {len(state.mails)} EXISTS", "* 0 RECENT", told, f"{tag} OK [READ-ONLY] done")

        def _uid(self, tag: str, rest: str) -> None:
            numbers = [int(n) for n in re.findall(r"\b(\d+)", rest)]
            if "SEARCH" in rest:
                # As the standard says: n:* holds the last mail even when its UID is smaller than n.
                found = [n for n in sorted(state.mails) if n >= numbers[0]] or sorted(state.mails)[-1:]
                self._say(f"* SEARCH {' '.join(map(str, found))}", f"{tag} OK done")
                return
            uid = numbers[0]
            content = state.mails.get(uid)
            if content is not None and "SIZE" in rest:
                self._say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(content)})")
            elif content is not None:
                state.fetched.append(uid)
                self.wfile.write(f"* 1 FETCH (UID {uid} BODY[] {{{len(content)}}}\r\n".encode() + content + b")\r\n")
            self._say(f"{tag} OK done")

        def _unknown(self, tag: str, rest: str) -> None:
            self._say(f"{tag} BAD unknown")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield state
        finally:
            server.shutdown()
