"""What the tracking origin answers, and what it records."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest import tracking
from services.ingest.model import Record
from services.ingest.revoked import Revoked
from services.ingest.rules import is_trackable
from services.ingest.rules_address import ClientAddresses
from services.ingest.tracking import GIF, Answer, TrackingOrigin
from shared.events.codec import decode
from shared.events.hits import HitRecorded
from shared.events.ids import new_id
from shared.events.revocations import RevocationScope, TrackingRevoked
from shared.quota import Quota
from shared.telemetry.names import BAD_TOKENS, HITS_FOLDED, REVOKED_HITS
from shared.tokens.keyring import KeyRing
from shared.tokens.sealing import seal
from shared.tokens.tracking import LinkToken, PixelToken, seal_link, seal_pixel, unseal_link
from tests.unit.ingest.builders import ACCOUNT, MESSAGE, PLENTY, ring

NOW_NS = 1_795_000_000_123_456_789
PIXEL = PixelToken(ACCOUNT, MESSAGE)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return ring(tmp_path_factory.mktemp("keys"), 1, 2)


@pytest.fixture
def revoked() -> Revoked:
    return Revoked()


@pytest.fixture
def origin(keys: KeyRing, revoked: Revoked) -> TrackingOrigin:
    return TrackingOrigin(keys, revoked, PLENTY, begin=lambda _: None, now_ns=lambda: NOW_NS)


def _ask(
    origin: TrackingOrigin, target: bytes, method: bytes = b"GET", headers: dict[bytes, bytes] | None = None
) -> Answer:
    return origin.receive(method, target, headers or {}, ClientAddresses().of_peer("127.0.0.1"))


def _pixel(token: str, suffix: str = ".gif") -> bytes:
    return f"/o/{token}{suffix}".encode()


def _link(keys: KeyRing, destination: bytes) -> bytes:
    return b"/c/" + seal_link(keys, LinkToken(ACCOUNT, MESSAGE, None, 3, destination)).encode()


def _hit(record: Record | None) -> HitRecorded:
    assert record is not None
    event = decode("email.hits", record.value)
    assert isinstance(event, HitRecorded)
    return event


def _bad_pixels(keys: KeyRing, folder: Path) -> Iterator[tuple[str, bytes]]:
    good = seal_pixel(keys, PIXEL)
    raw = base64.urlsafe_b64decode(good + "==")
    yield "forged", _pixel(base64.urlsafe_b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode().rstrip("="))
    yield "truncated", _pixel(good[:-5])
    yield "truncated by one", _pixel(good[:-1])
    yield "empty", _pixel("")
    yield "retired key", _pixel(seal_pixel(ring(folder, 9), PIXEL))
    yield (
        "other key of the same id",
        _pixel(base64.urlsafe_b64encode(b"\x01\x01" + raw[2:]).decode().rstrip("=")),
    )
    yield "a link's token", _pixel(seal_link(keys, LinkToken(ACCOUNT, MESSAGE, None, 0, b"https://x/")))
    yield "another purpose", _pixel(seal(keys, b"kaifu receipt", bytes(34)))
    yield "too much content", _pixel(seal(keys, b"kaifu pixel", bytes(35)))
    yield "no suffix", _pixel(good, "")
    yield "another suffix", _pixel(good, ".png")
    yield "trailing junk", _pixel(good, ".gif/x")
    yield "padding", _pixel(good + "=")
    yield "percent-encoded", b"/o/%" + b"%02X" % ord(good[0]) + good[1:].encode() + b".gif"
    yield "another spelling", _pixel(good[:-1] + chr(ord(good[-1]) + 1))
    yield "not ASCII", b"/o/\xff\xfe.gif"
    yield "very long", _pixel("A" * 60_000)


@pytest.mark.requirement("T2")
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_pixel_request_gets_the_same_bytes_whatever_its_token(
    origin: TrackingOrigin, keys: KeyRing, tmp_path: Path, method: bytes
) -> None:
    good, record, _ = _ask(origin, _pixel(seal_pixel(keys, PIXEL)), method)
    assert record is not None
    for name, target in _bad_pixels(keys, tmp_path):
        before = BAD_TOKENS.labels("pixel")._value.get()
        answer, recorded, _ = _ask(origin, target, method)
        assert answer == good, name
        assert recorded is None, name
        assert BAD_TOKENS.labels("pixel")._value.get() == before + 1, name


def test_the_gif_is_43_bytes_never_cached_and_of_fixed_length(origin: TrackingOrigin) -> None:
    head, body = _ask(origin, b"/o/x.gif")[0].split(b"\r\n\r\n", 1)
    assert body == GIF
    assert len(body) == 43
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    for line in (
        b"content-type: image/gif",
        b"content-length: 43",
        b"cache-control: no-store, no-cache, max-age=0, private",
        b"date: Wed, 18 Nov 2026 11:06:40 GMT",
        b"x-content-type-options: nosniff",
    ):
        assert line in head.split(b"\r\n"), line
    assert _ask(origin, b"/o/x.gif", b"HEAD")[0] == head + b"\r\n\r\n"


@pytest.mark.requirement("T2")
def test_a_pixel_is_recorded_with_its_evidence(origin: TrackingOrigin, keys: KeyRing) -> None:
    target = _pixel(seal_pixel(keys, PixelToken(ACCOUNT, MESSAGE, 4))) + b"?utm=1"
    headers = {b"user-agent": b"YahooMailProxy", b"sec-purpose": b"prefetch", b"x-forwarded-for": b"1.2.3.4"}
    hit = _hit(_ask(origin, target, b"HEAD", headers)[1])
    assert (hit.account_id, hit.message_id, hit.slot, hit.link_index) == (ACCOUNT, MESSAGE, 4, None)
    assert (hit.endpoint, hit.method, hit.user_agent) == ("pixel", "HEAD", "YahooMailProxy")
    assert hit.headers == {"sec-purpose": "prefetch"}
    assert hit.client_address is None, "no proxy is trusted here"
    assert hit.occurred_at == datetime.fromtimestamp(NOW_NS // 1000 / 1e6, UTC)


def test_older_keys_open_and_the_current_one_seals(keys: KeyRing, tmp_path: Path) -> None:
    origin = TrackingOrigin(keys, Revoked(), PLENTY, begin=lambda _: None)
    older = seal_pixel(ring(tmp_path, 1), PIXEL)
    assert base64.urlsafe_b64decode(seal_pixel(keys, PIXEL) + "==")[1] == 2
    assert _hit(_ask(origin, _pixel(older))[1]).message_id == MESSAGE


@pytest.mark.requirement("T2")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(st.characters(min_codepoint=0x21, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300),
        st.text("/?#&=%;:@!$'()*+,~[]{}|\\^`<>\"amp", min_size=1, max_size=300),
    ).map(lambda rest: "https://h" + rest)
)
def test_a_link_reaches_its_destination_byte_for_byte(
    origin: TrackingOrigin, keys: KeyRing, destination: str
) -> None:
    if not is_trackable(destination):  # other kinds of space
        return
    answer, record, _ = _ask(origin, _link(keys, destination.encode()))
    assert answer.startswith(b"HTTP/1.1 302 Found\r\n")
    locations = [line for line in answer.split(b"\r\n") if line.startswith(b"location: ")]
    assert locations == [b"location: " + destination.encode()]
    hit = _hit(record)
    assert (hit.endpoint, hit.link_index, hit.message_id) == ("link", 3, MESSAGE)


@pytest.mark.parametrize(
    "destination", [b"https://x/\r\nset-cookie: a=b", b"https://x/ y", b"https://x/\x00", b"https://x/\x7f"]
)
def test_a_destination_that_would_break_the_header_is_no_redirect(
    origin: TrackingOrigin, keys: KeyRing, destination: bytes
) -> None:
    answer, record, _ = _ask(origin, _link(keys, destination))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert record is None


def test_a_link_that_was_opened_is_not_opened_again(
    origin: TrackingOrigin, keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []

    def unseal(ring: KeyRing, token: bytes) -> bytes:
        opened.append(token)
        return unseal_link(ring, token)

    monkeypatch.setattr(tracking, "unseal_link", unseal)
    links = [_link(keys, b"https://x/%d" % number) for number in range(3000)]
    links += [_link(keys, b"https://x/%d?" % number + b"q" * 2000) for number in range(300)]
    for link in links * 2:
        _ask(origin, link)
    assert len(opened) == len(links)


@pytest.mark.requirement("T2")
def test_a_bad_link_is_a_page_and_never_a_redirect(
    origin: TrackingOrigin, keys: KeyRing, tmp_path: Path
) -> None:
    good = _link(keys, b"https://example.com/")
    retired = (
        b"/c/" + seal_link(ring(tmp_path, 9), LinkToken(ACCOUNT, MESSAGE, None, 0, b"https://x/")).encode()
    )
    pixel = b"/c/" + seal_pixel(keys, PIXEL).encode()
    for target in (
        good[:-1],
        good[:-9],
        good + b"x",
        good + b"/",
        retired,
        pixel,
        b"/c/",
        b"/c/https://evil.example",
    ):
        before = BAD_TOKENS.labels("link")._value.get()
        answer, record, _ = _ask(origin, target)
        assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n"), target
        assert b"location" not in answer.lower(), target
        assert b"evil" not in answer, "nothing of the request is echoed"
        assert record is None
        assert BAD_TOKENS.labels("link")._value.get() == before + 1
    japanese = _ask(origin, b"/c/x", headers={b"accept-language": b"ja"})[0]
    assert "このリンクは開けません".encode() in japanese
    assert _ask(origin, b"/c/x", b"HEAD")[0].endswith(b"\r\n\r\n")


@pytest.mark.requirement("P4", "A4")
@pytest.mark.parametrize("scope", list(RevocationScope))
def test_revoked_mail_is_served_as_before_and_recorded_nowhere(
    origin: TrackingOrigin, keys: KeyRing, revoked: Revoked, scope: RevocationScope
) -> None:
    pixel, link = _pixel(seal_pixel(keys, PIXEL)), _link(keys, b"https://example.com/?a&amp;b")
    before = [_ask(origin, pixel)[0], _ask(origin, link)[0]]
    revoked.apply(
        TrackingRevoked(
            event_id=new_id(),
            occurred_at=datetime.now(UTC),
            account_id=ACCOUNT,
            scope=scope,
            subject_id=MESSAGE if scope is RevocationScope.MESSAGE else ACCOUNT,
            reason="account_tracking_off",
        )
    )
    counted = REVOKED_HITS.labels("link")._value.get()
    after = [_ask(origin, pixel), _ask(origin, link)]
    assert [answer for answer, *_ in after] == before
    assert [record for _, record, _ in after] == [None, None]
    assert REVOKED_HITS.labels("link")._value.get() == counted + 1


@pytest.mark.parametrize(
    "target", [b"/", b"/o", b"/c", b"/favicon.ico", b"/v1/messages", b"*", b"", b"/O/x.gif"]
)
def test_nothing_else_is_served(origin: TrackingOrigin, target: bytes) -> None:
    answer, record, _ = _ask(origin, target)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert record is None


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE"])
def test_only_get_and_head(origin: TrackingOrigin, keys: KeyRing, method: bytes) -> None:
    answer, record, _ = _ask(origin, _pixel(seal_pixel(keys, PIXEL)), method)
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"allow: GET, HEAD" in answer
    assert record is None


def test_a_target_in_absolute_form_is_the_same(origin: TrackingOrigin, keys: KeyRing) -> None:
    target = b"http://track.example" + _pixel(seal_pixel(keys, PIXEL))
    assert _hit(_ask(origin, target)[1]).message_id == MESSAGE


def test_the_date_moves_with_the_clock(keys: KeyRing) -> None:
    now = [NOW_NS]
    origin = TrackingOrigin(keys, Revoked(), PLENTY, begin=lambda _: None, now_ns=lambda: now[0])
    first = _ask(origin, b"/o/x.gif")[0]
    now[0] += 1_000_000_000
    second = _ask(origin, b"/o/x.gif")[0]
    assert first.replace(b"11:06:40", b"11:06:41") == second


def test_hits_beyond_the_quota_of_an_address_are_served_and_only_counted(keys: KeyRing) -> None:
    """Each address by itself: a busy one costs the others nothing."""
    now = [50.0]
    origin = TrackingOrigin(
        keys, Revoked(), Quota(per_s=1, burst=3), begin=lambda _: None, monotonic_s=lambda: now[0]
    )
    pixel, link = _pixel(seal_pixel(keys, PIXEL)), _link(keys, b"https://example.com/")
    counted = HITS_FOLDED.labels("pixel")._value.get()
    answers = [_ask(origin, pixel) for _ in range(5)]
    assert [record is not None for _, record, _ in answers] == [True, True, True, False, False]
    assert {answer for answer, _, _ in answers} == {answers[0][0]}
    assert HITS_FOLDED.labels("pixel")._value.get() == counted + 2
    assert _ask(origin, link)[1] is not None
    now[0] += 1
    assert _ask(origin, pixel)[1] is not None
    assert _ask(origin, pixel)[1] is None
