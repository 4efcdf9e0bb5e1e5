"""Serves the stand-in over HTTPS."""

import http.cookies
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.e2e.standin.certificate import server_context
from tests.e2e.standin.gmail import PAGES, GmailStandIn
from tests.e2e.standin.mailbox import Account, File, Mail, Scheduled
from tests.e2e.standin.rooms import NOT_FOUND, Answer, Asked, get, post

__all__ = ["Account", "File", "GmailStandIn", "Mail", "Scheduled", "serving"]

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_OF_ACCOUNT = re.compile(r"/(?P<room>mail|sync|upload)/u/(?P<number>\d+)(?P<rest>/.*)?")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand_in: GmailStandIn

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/standin/") and (file := PAGES / Path(path).name).is_file():
            self._send(Answer(200, _TYPES[file.suffix], file.read_bytes()))
        else:
            self._answer(get, b"")

    def do_POST(self) -> None:
        self._answer(post, self.rfile.read(int(self.headers.get("content-length") or 0)))

    def _answer(self, answer: Callable[[GmailStandIn, Asked], Answer], body: bytes) -> None:
        parts = urlsplit(self.path)
        match = _OF_ACCOUNT.fullmatch(parts.path)
        if match is None or int(match["number"]) >= len(self.stand_in.accounts):
            self._send(NOT_FOUND)
            return
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        cookies = http.cookies.SimpleCookie(self.headers.get("cookie", ""))
        account = self.stand_in.at(int(match["number"]))
        self._send(
            answer(self.stand_in, Asked(match["room"], account, match["rest"] or "", query, cookies, body))
        )

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", f"{answer.kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.cookie is not None:
            self.send_header("Set-Cookie", f"{answer.cookie}; Path=/; Secure; HttpOnly")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def serving(stand_in: GmailStandIn) -> Iterator[GmailStandIn]:
    """Serve it on a free loopback port while the block runs."""
    handler = type("Handler", (_Handler,), {"stand_in": stand_in})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    # The handshake belongs to the connection's own thread: Chromium opens connections that it never uses.
    server.socket = server_context().wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    stand_in.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
