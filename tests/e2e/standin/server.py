"""Serves the stand-in over HTTPS with a throw-away certificate, and takes what its page sends."""

import asyncio
import datetime
import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = Path(__file__).parent
HOST = "mail.google.com"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


@dataclass(frozen=True)
class Mail:
    """A mail as it left the page. `to`: addresses of To, Cc and Bcc."""

    id: str
    to: tuple[str, ...]
    subject: str
    html: str


@dataclass
class GmailStandIn:
    """What the page was served with and what it sent."""

    account: str
    language: str = "en"
    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    failing: bool = False
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    async def sent(self, count: int, within_s: float = 10.0) -> Mail:
        """Wait for that many mails; the newest of them."""
        return await asyncio.to_thread(self._wait, count, within_s)

    def _wait(self, count: int, within_s: float) -> Mail:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.mails) >= count, within_s), "no mail was sent"
            return self.mails[count - 1]

    def page(self) -> bytes:
        """The page, for this account."""
        html = (HERE / "gmail.html").read_text()
        html = html.replace("STAND_IN_ACCOUNT", self.account)
        return html.replace("STAND_IN_LANGUAGE", self.language).encode()

    def take(self, body: bytes) -> bytes:
        """A request to `/sync/…/i/s`; the answer carries Gmail's ids of message and thread."""
        thread_id, inner = json.loads(body)[1][0][0][1]
        message = inner[13][0]
        sends = "^pfg" in message[10]
        number = len(self.mails) + 1
        if sends:
            to = tuple(one[1] for line in message[2:5] for one in line or [])
            with self._arrived:
                self.mails.append(Mail(message[0], to, message[7], message[8][1][0][1]))
                self._arrived.notify_all()
        answered: list[Any] = [None] * 56
        answered[0], answered[55] = message[0], f"18c0ffee{number:08x}"
        answered[2], answered[3], answered[4] = message[2], message[3], message[4]
        answered[7], answered[10] = message[7], message[10]
        ti: list[Any] = [None] * 20
        ti[4], ti[19] = [answered], f"18c0ffee{number:08x}"
        return json.dumps(
            [None, [0, None, None, None, None, [[[thread_id, None, [None] * 6 + [[ti]]]]]]]
        ).encode()


@contextmanager
def serving(stand_in: GmailStandIn) -> Iterator[GmailStandIn]:
    """Serve it on a free loopback port while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/standin/") and (file := HERE / Path(path).name).is_file():
                self._answer(200, _TYPES[file.suffix], file.read_bytes())
            elif path.startswith("/mail/"):
                self._answer(200, "text/html", stand_in.page())
            else:
                self._answer(404, "text/plain", b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if stand_in.failing:
                self._answer(500, "text/plain", b"")
            elif self.path.startswith("/sync/") and "/i/s" in self.path:
                self._answer(200, "application/json", stand_in.take(body))
            else:
                self._answer(404, "text/plain", b"")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    # The handshake belongs to the connection's own thread: Chromium opens connections that it never uses.
    server.socket = _context().wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    stand_in.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()


def _context() -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        file.flush()
        context.load_cert_chain(file.name)
    return context
