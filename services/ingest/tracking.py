"""The tracking origin: what a pixel or link request is answered, and what is recorded of it.

No look-up, no framework: the token says all. A pixel request gets the same GIF whatever its token;
a link that does not open gets a page, never a redirect. Answers are whole HTTP/1.1 messages.
"""

import re
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache

from services.ingest import not_found
from services.ingest.model import Door, Record
from services.ingest.revoked import Revoked
from services.ingest.rules_address import PeerAddresses
from services.ingest.rules_hit import Moments, OpenedToken, hit_record, opened_token
from shared.quota import Quota
from shared.telemetry.names import BAD_TOKENS, HITS_FOLDED, REVOKED_HITS
from shared.telemetry.tracing import Begun, begin
from shared.tokens.keyring import KeyRing
from shared.tokens.sealing import BadToken
from shared.tokens.tracking import unseal_link, unseal_pixel

PIXEL_PATH = b"/o/"
PIXEL_SUFFIX = b".gif"
LINK_PATH = b"/c/"

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""1 x 1 pixel, transparent, 43 bytes."""

_ALWAYS = (
    b"cache-control: no-store, no-cache, max-age=0, private\r\n"
    b"referrer-policy: no-referrer\r\n"
    b"x-content-type-options: nosniff\r\n"
    b"x-robots-tag: noindex, nofollow\r\n"
)
_IMAGE = b"cross-origin-resource-policy: cross-origin\r\n"  # a reader's page may ask for this (COEP)
_NOTHING_RUNS = b"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"
_UNSAFE = re.compile(rb"[\x00-\x20\x7f]")
_NANOSECONDS = 1_000_000_000
_METHODS = frozenset((b"GET", b"HEAD"))
_END_OF_HEAD = b"\r\n\r\n"
_REMEMBERED_PIXELS = 16_384  # 0.4 KB each
_REMEMBERED_LINKS = 16_384  # up to 1.6 KB each: of these there are many
_LONG_LINK = 640  # characters of a token from which its link is a long one
_REMEMBERED_LONG_LINKS = 1024  # up to 11 KB each
_DESTINATION = b"\0"  # where it goes in a redirect that is ready but for it


def response(status: bytes, date: bytes, headers: bytes, body: bytes) -> bytes:
    """An HTTP/1.1 response. `status` as in `200 OK`, `headers` as lines ended by CRLF."""
    return b"HTTP/1.1 %b\r\ndate: %b\r\n%b%bcontent-length: %d\r\n\r\n%b" % (
        status,
        date,
        headers,
        _ALWAYS,
        len(body),
        body,
    )


def without_body(answer: bytes) -> bytes:
    """The same response as HEAD gets it."""
    return answer[: answer.index(_END_OF_HEAD) + 4]


Begin = Callable[[str], Begun | None]


Answer = tuple[bytes, Record | None, Begun | None]
"""What is sent; once the record is durable, if there is one; then the trace ends. A plain tuple: it is
made for every request."""


class TrackingOrigin:
    """Answers requests. `quota`: of recorded hits, per address. `begin`: starts a trace or says None;
    `now_ns`: nanoseconds since the epoch; `monotonic_s`: seconds of a clock that never steps."""

    def __init__(
        self,
        ring: KeyRing,
        revoked: Revoked,
        quota: Quota[bytes],
        begin: Begin = begin,
        now_ns: Callable[[], int] = time.time_ns,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        # Opening costs more than all the rest of an answer, and mail is opened again: by the same reader,
        # by the other recipients, by HEAD before GET, by scanners in bursts. Bad tokens are not kept.
        self._open_pixel = lru_cache(_REMEMBERED_PIXELS)(
            lambda token: opened_token(Door.PIXEL, unseal_pixel(ring, token))
        )
        self._open_link = lru_cache(_REMEMBERED_LINKS)(lambda token: _opened_link(ring, token))
        self._open_long_link = lru_cache(_REMEMBERED_LONG_LINKS)(lambda token: _opened_link(ring, token))
        self._revoked = revoked
        self._begin = begin
        self._quota = quota
        self._now_ns = now_ns
        self._monotonic_s = monotonic_s
        self._moments = Moments()
        self._second = -1
        self._date = self._gif = self._gif_head = self._to_destination = self._from_destination = b""

    def receive(
        self, method: bytes, target: bytes, headers: Mapping[bytes, bytes], peer: PeerAddresses
    ) -> Answer:
        """Answer one request. `headers`: names in lower case, repeated ones joined by commas."""
        now_ns = self._now_ns()
        if now_ns // _NANOSECONDS != self._second:
            self._tick(now_ns // _NANOSECONDS)
        path = _path(target)
        if method not in _METHODS:
            return self._refuse_method()
        if path.startswith(PIXEL_PATH):
            door, token = Door.PIXEL, self._pixel(path)
            message = self._gif if method == b"GET" else self._gif_head
            if token is None:
                return message, None, None
        else:
            door, token = Door.LINK, self._link(path)
            if token is None:
                return self._not_found(method, headers)
            message = self._to_destination + token.destination + self._from_destination
        if self._is_left_out(door, token):
            return message, None, None
        trace = self._begin(door)
        record = hit_record(
            door,
            token,
            self._moments.text(now_ns),
            method,
            peer.of(headers.get(b"x-forwarded-for")),
            headers,
            () if trace is None else trace.kafka_headers,
        )
        return message, record, trace

    def _is_left_out(self, door: Door, token: OpenedToken) -> bool:
        """Whether the hit is served and not recorded."""
        if self._revoked.covers(token.account, token.message):
            REVOKED_HITS.labels(door).inc()
            return True
        if self._quota.wait_s(token.message + token.place, self._monotonic_s()) > 0:
            HITS_FOLDED.labels(door).inc()
            return True
        return False

    def _tick(self, second: int) -> None:
        """What stays the same for a second."""
        self._second = second
        self._date = formatdate(second, usegmt=True).encode()
        self._gif = response(b"200 OK", self._date, b"content-type: image/gif\r\n" + _IMAGE, GIF)
        self._gif_head = without_body(self._gif)
        redirect = response(
            b"302 Found", self._date, b"location: %b\r\n%b" % (_DESTINATION, _NOTHING_RUNS), b""
        )
        self._to_destination, _, self._from_destination = redirect.partition(_DESTINATION)

    def _pixel(self, path: bytes) -> OpenedToken | None:
        try:
            if path.endswith(PIXEL_SUFFIX):
                return self._open_pixel(path[3:-4])
        except BadToken:
            pass
        BAD_TOKENS.labels(Door.PIXEL).inc()
        return None

    def _link(self, path: bytes) -> OpenedToken | None:
        if not path.startswith(LINK_PATH):
            return None
        try:
            token = path[3:]
            return self._open_link(token) if len(token) < _LONG_LINK else self._open_long_link(token)
        except BadToken:
            pass
        BAD_TOKENS.labels(Door.LINK).inc()
        return None

    def _not_found(self, method: bytes, headers: Mapping[bytes, bytes]) -> Answer:
        tongue = not_found.language(headers.get(b"accept-language", b""))
        head = (
            b"content-type: text/html; charset=utf-8\r\ncontent-language: %b\r\nvary: accept-language\r\n"
            b"%b" % (tongue.encode(), _NOTHING_RUNS)
        )
        message = response(b"404 Not Found", self._date, head, not_found.page(tongue))
        return (without_body(message) if method == b"HEAD" else message), None, None

    def _refuse_method(self) -> Answer:
        head = b"allow: GET, HEAD\r\n" + _NOTHING_RUNS
        return response(b"405 Method Not Allowed", self._date, head, b""), None, None


def _opened_link(ring: KeyRing, token: bytes) -> OpenedToken:
    """BadToken also for a destination that would break out of its header."""
    opened = opened_token(Door.LINK, unseal_link(ring, token))
    if _UNSAFE.search(opened.destination):
        raise BadToken
    return opened


def _path(target: bytes) -> bytes:
    """The path of a request target, which a proxy may send in absolute form; the query is not ours."""
    if not target.startswith(b"/"):
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    return target.partition(b"?")[0] if b"?" in target else target
