"""Tokens in pixel and link addresses: account, message, slot, and for a link its destination.

Everything that serving needs is inside, so no request looks anything up.
"""

from dataclasses import dataclass
from uuid import UUID

from shared.tokens.keyring import KeyRing
from shared.tokens.sealing import BadToken, seal, unseal

_PIXEL = b"kaifu pixel"
_LINK = b"kaifu link"
_ALL_SLOTS = 0xFFFF
MAX_SLOT = _ALL_SLOTS - 1
_IDS = 34  # account, message, slot


@dataclass(frozen=True, slots=True)
class PixelToken:
    """`slot` None: one pixel serves all recipients of the message."""

    account_id: UUID
    message_id: UUID
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class LinkToken:
    """`destination` is the original address, byte for byte."""

    account_id: UUID
    message_id: UUID
    slot: int | None
    link_index: int
    destination: bytes


def seal_pixel(ring: KeyRing, pixel: PixelToken) -> str:
    """The `{token}` of `/o/{token}.gif`."""
    return seal(ring, _PIXEL, _ids(pixel.account_id, pixel.message_id, pixel.slot))


def open_pixel(ring: KeyRing, token: str | bytes) -> PixelToken:
    """What a pixel address says, or BadToken."""
    return PixelToken(*_read_ids(unseal_pixel(ring, token)))


def unseal_pixel(ring: KeyRing, token: str | bytes) -> bytes:
    """A pixel token's content, unread: account (16 bytes), message (16), slot (2, 0xFFFF: all). BadToken.

    For the hot path: making two UUID objects costs more than opening the token.
    """
    content = unseal(ring, _PIXEL, token)
    if len(content) != _IDS:
        raise BadToken("not one of our tokens")
    return content


def seal_link(ring: KeyRing, link: LinkToken) -> str:
    """The `{token}` of `/c/{token}`."""
    ids = _ids(link.account_id, link.message_id, link.slot)
    return seal(ring, _LINK, ids + link.link_index.to_bytes(2) + link.destination)


def open_link(ring: KeyRing, token: str | bytes) -> LinkToken:
    """What a link address says, or BadToken."""
    content = unseal_link(ring, token)
    return LinkToken(
        *_read_ids(content),
        link_index=int.from_bytes(content[_IDS : _IDS + 2]),
        destination=content[_IDS + 2 :],
    )


def unseal_link(ring: KeyRing, token: str | bytes) -> bytes:
    """A link token's content, unread: as a pixel's, then link index (2 bytes) and destination. BadToken."""
    content = unseal(ring, _LINK, token)
    if len(content) <= _IDS + 2:
        raise BadToken("not one of our tokens")
    return content


def _ids(account_id: UUID, message_id: UUID, slot: int | None) -> bytes:
    if slot is not None and not 0 <= slot <= MAX_SLOT:
        raise ValueError(f"slot {slot} does not fit in a token")
    return account_id.bytes + message_id.bytes + (_ALL_SLOTS if slot is None else slot).to_bytes(2)


def _read_ids(content: bytes) -> tuple[UUID, UUID, int | None]:
    slot = int.from_bytes(content[32:34])
    return UUID(bytes=content[:16]), UUID(bytes=content[16:32]), None if slot == _ALL_SLOTS else slot
