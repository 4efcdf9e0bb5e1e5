"""Sealed tokens: unreadable, unforgeable, bound to their purpose, and open for as long as their key."""

import base64
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from shared.events.sends import Source
from shared.tokens import keyring
from shared.tokens.commands import keys as keys_command
from shared.tokens.keyring import KeyRing, KeyRingUnreadable
from shared.tokens.receipt import LIFETIME, Receipt, ReceiptExpired, open_receipt, seal_receipt
from shared.tokens.sealing import BadToken, seal, unseal
from shared.tokens.tracking import (
    MAX_SLOT,
    LinkToken,
    PixelToken,
    open_link,
    open_pixel,
    seal_link,
    seal_pixel,
)

pytestmark = pytest.mark.requirement("T2")
ACCOUNT = UUID("0190f3c4-7c00-7000-8000-00000000000a")
MESSAGE = UUID("0190f3c4-7c00-7000-8000-00000000000b")
PIXEL = PixelToken(ACCOUNT, MESSAGE)
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "keys" / "tracking.json"
    keyring.create(file)
    return file


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    file = tmp_path_factory.mktemp("ring") / "ring.json"
    keyring.create(file)
    return KeyRing.load(file)


def _receipt(expires_at: datetime = NOW + LIFETIME) -> Receipt:
    return Receipt(
        account_id=ACCOUNT,
        user_id=UUID("0190f3c4-7c00-7000-8000-00000000000c"),
        message_id=MESSAGE,
        source=Source.GMAIL,
        tracked=True,
        logged=False,
        anonymous=False,
        recipient_count=1,
        link_count=2,
        policy_version=3,
        prepared_at=NOW,
        expires_at=expires_at,
    )


def test_every_changed_character_is_found(ring: KeyRing) -> None:
    token = seal_pixel(ring, PIXEL)
    for place, was in enumerate(token):
        for other in "AQf_-9!=.é":
            if other != was:
                with pytest.raises(BadToken):
                    open_pixel(ring, token[:place] + other + token[place + 1 :])


def test_every_flipped_bit_is_found(ring: KeyRing) -> None:
    raw = base64.urlsafe_b64decode(seal_pixel(ring, PIXEL) + "==")
    for bit in range(len(raw) * 8):
        forged = bytearray(raw)
        forged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadToken):
            open_pixel(ring, base64.urlsafe_b64encode(bytes(forged)).rstrip(b"="))


def test_every_truncation_and_addition_is_found(ring: KeyRing) -> None:
    token = seal_pixel(ring, PIXEL)
    for length in range(len(token)):
        with pytest.raises(BadToken):
            open_pixel(ring, token[:length])
    for spelled in (token + "A", token + "=", token + "\n", " " + token, token[:9] + "%" + token[9:]):
        with pytest.raises(BadToken):
            open_pixel(ring, spelled)
        with pytest.raises(BadToken):
            open_pixel(ring, spelled.encode())


@given(junk=st.one_of(st.text(max_size=120), st.binary(max_size=120)))
def test_junk_is_a_bad_token_and_nothing_worse(ring: KeyRing, junk: str | bytes) -> None:
    for opener in (open_pixel, open_link):
        with pytest.raises(BadToken):
            opener(ring, junk)


def test_a_token_of_one_purpose_does_not_open_as_another(ring: KeyRing) -> None:
    pixel = seal_pixel(ring, PIXEL)
    link = seal_link(ring, LinkToken(ACCOUNT, MESSAGE, None, 0, b"https://kaifu.example/"))
    receipt = seal_receipt(ring, _receipt())
    for opener, strangers in (
        (open_pixel, (link, receipt)),
        (open_link, (pixel, receipt)),
        (open_receipt, (pixel, link)),
    ):
        for stranger in strangers:
            with pytest.raises(BadToken):
                opener(ring, stranger)


def test_a_right_seal_around_wrong_content_is_refused(ring: KeyRing) -> None:
    for opener, purpose, content in (
        (open_pixel, b"kaifu pixel", bytes(33)),
        (open_link, b"kaifu link", bytes(36)),
        (open_receipt, b"kaifu receipt", b"{}"),
    ):
        with pytest.raises(BadToken):
            opener(ring, seal(ring, purpose, content))


@given(
    slot=st.none() | st.integers(0, MAX_SLOT),
    index=st.integers(0, 999),
    destination=st.binary(min_size=1, max_size=4096),
)
def test_a_link_keeps_its_destination_byte_for_byte(
    ring: KeyRing, slot: int | None, index: int, destination: bytes
) -> None:
    link = LinkToken(ACCOUNT, MESSAGE, slot, index, destination)
    token = seal_link(ring, link)
    assert open_link(ring, token) == link
    assert token == seal_link(ring, link), "a repeated prepare answers the same addresses"


def test_a_slot_that_does_not_fit_is_refused_not_misread(ring: KeyRing) -> None:
    for slot in (MAX_SLOT + 1, -1):
        with pytest.raises(ValueError, match="does not fit"):
            seal_pixel(ring, PixelToken(ACCOUNT, MESSAGE, slot))


def test_a_token_shows_nothing_of_what_it_holds(ring: KeyRing) -> None:
    token = seal_link(ring, LinkToken(ACCOUNT, MESSAGE, 1, 0, b"https://kaifu.example/offer"))
    raw = base64.urlsafe_b64decode(token + "==")
    for hidden in (ACCOUNT.bytes, MESSAGE.bytes, b"kaifu.example"):
        assert hidden not in raw


def test_rotation_seals_anew_and_opens_the_old(path: Path) -> None:
    before = KeyRing.load(path)
    old = seal_pixel(before, PIXEL)
    assert keyring.rotate(path) == 2
    after = KeyRing.load(path)
    new = seal_pixel(after, PIXEL)
    assert new != old
    assert open_pixel(after, old) == open_pixel(after, new) == PIXEL
    with pytest.raises(BadToken):
        open_pixel(before, new)


def test_a_key_taken_out_of_the_ring_retires_its_tokens(path: Path) -> None:
    old = seal_pixel(KeyRing.load(path), PIXEL)
    keyring.rotate(path)
    content = json.loads(path.read_text())
    del content["keys"]["1"]
    path.write_text(json.dumps(content))
    with pytest.raises(BadToken):
        open_pixel(KeyRing.load(path), old)


def test_a_key_of_another_ring_opens_nothing(path: Path, ring: KeyRing) -> None:
    with pytest.raises(BadToken):
        unseal(KeyRing.load(path), b"kaifu pixel", seal(ring, b"kaifu pixel", b"content"))


def test_a_ring_is_for_its_owner_alone_and_never_replaced(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    was = path.read_text()
    with pytest.raises(FileExistsError):
        keyring.create(path)
    assert path.read_text() == was
    keyring.rotate(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name], "no draft is left"


def _ring(current: object = 1, **keys: str) -> str:
    return json.dumps({"current": current, "keys": keys})


KEY = base64.b64encode(bytes(range(64))).decode()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "broken"),
        ("[]", "broken"),
        ('{"keys": {}}', "broken"),
        (_ring(**{"1": "no base64!"}), "broken"),
        (_ring(**{"1": base64.b64encode(bytes(32)).decode()}), "broken"),
        (_ring(**{"one": KEY}), "broken"),
        (_ring(256, **{"256": KEY}), "broken"),
        (_ring(None, **{"1": KEY}), "broken"),
        (_ring(2, **{"1": KEY}), "does not hold its current key 2"),
    ],
)
def test_a_broken_ring_is_said_without_its_keys(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "ring.json"
    file.write_text(content)
    with pytest.raises(KeyRingUnreadable, match=says) as caught:
        KeyRing.load(file)
    assert KEY not in str(caught.value)


def test_a_missing_ring_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyRingUnreadable, match="kaifu keys new"):
        KeyRing.load(tmp_path / "none.json")


def test_a_full_ring_takes_no_key(tmp_path: Path) -> None:
    file = tmp_path / "ring.json"
    file.write_text(_ring(255, **{"255": KEY}))
    with pytest.raises(KeyRingUnreadable, match="full"):
        keyring.rotate(file)


def test_the_command_line_makes_and_rotates(tmp_path: Path) -> None:
    run, file = CliRunner(), tmp_path / "ring.json"
    assert run.invoke(keys_command, ["new", str(file)]).exit_code == 0
    again = run.invoke(keys_command, ["new", str(file)])
    assert (again.exit_code, "rotate" in again.output) == (2, True)
    assert "key 2" in run.invoke(keys_command, ["rotate", str(file)]).output
    assert KeyRing.load(file).current == 2


def test_a_receipt_lasts_thirty_days_and_not_a_second_more(ring: KeyRing) -> None:
    receipt = _receipt()
    token = seal_receipt(ring, receipt)
    assert timedelta(days=30) == LIFETIME
    assert open_receipt(ring, token, receipt.expires_at - timedelta(seconds=1)) == receipt
    with pytest.raises(ReceiptExpired):
        open_receipt(ring, token, receipt.expires_at)
