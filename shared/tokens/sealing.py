"""Sealing bytes into a URL-safe token and opening it again.

Layout: version (1 byte), key id (1 byte), AES-SIV of the content; base64url without padding.
The purpose is authenticated but not stored, so a token of one kind never opens as another.
AES-SIV (RFC 5297) needs no nonce: the same content gives the same token, which makes a repeated
`prepare` answer the same addresses, and leaks nothing else, since ids inside are unique.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag

from shared.tokens.keyring import KeyRing

VERSION = 1
_PAD = b"=="


class BadToken(ValueError):
    """Forged, truncated, of another purpose, or sealed with a key that is gone."""


def seal(ring: KeyRing, purpose: bytes, content: bytes) -> str:
    """The token, in `[A-Za-z0-9_-]`; its length is 4/3 of 18 bytes plus the content."""
    head = bytes((VERSION, ring.current))
    sealed = ring.keys[ring.current].encrypt(content, [purpose, head])
    return urlsafe_b64encode(head + sealed).rstrip(b"=").decode()


def unseal(ring: KeyRing, purpose: bytes, token: str | bytes) -> bytes:
    """The content, or BadToken."""
    try:
        spelled = token.encode("ascii") if isinstance(token, str) else token
        raw = urlsafe_b64decode(spelled + _PAD)
        head = raw[:2]
        if head[0] != VERSION or urlsafe_b64encode(raw).rstrip(b"=") != spelled:
            raise BadToken  # the decoder skips foreign characters: one token has one spelling
        return ring.keys[head[1]].decrypt(raw[2:], [purpose, head])
    except (binascii.Error, UnicodeEncodeError, IndexError, KeyError, InvalidTag, ValueError):
        raise BadToken("not one of our tokens") from None
