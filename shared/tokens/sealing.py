"""Sealing bytes into a URL-safe token and opening it again.

Layout: version (1 byte), key id (1 byte), AES-SIV of the content; base64url without padding.
The purpose is authenticated but not stored, so a token of one kind never opens as another.
AES-SIV (RFC 5297) needs no nonce: the same content gives the same token, which makes a repeated
`prepare` answer the same addresses, and leaks nothing else, since ids inside are unique.
"""

from binascii import Error, a2b_base64, b2a_base64

from cryptography.exceptions import InvalidTag

from shared.tokens.keyring import KeyRing

VERSION = 1
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_STANDARD = bytes.maketrans(b"-_+/", b"+/!!")  # "!" is in no base64: the standard alphabet is refused
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_LAST = (frozenset(_ALPHABET), frozenset(_ALPHABET[::16]), frozenset(_ALPHABET[::4]))
"""What a spelling may end in, by bytes over a whole three: the bits that say nothing are zero."""
_PADDING = (b"", b"!", b"==", b"=")  # by length modulo 4; 1 can't be


class BadToken(ValueError):
    """Forged, truncated, of another purpose, or sealed with a key that is gone."""


def seal(ring: KeyRing, purpose: bytes, content: bytes) -> str:
    """The token, in `[A-Za-z0-9_-]`; its length is 4/3 of 18 bytes plus the content."""
    head = bytes((VERSION, ring.current))
    sealed = ring.keys[ring.current].encrypt(content, [purpose, head])
    return b2a_base64(head + sealed, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()


def unseal(ring: KeyRing, purpose: bytes, token: str | bytes) -> bytes:
    """The content, or BadToken. One token has one spelling: whatever else decodes to it is refused."""
    try:
        raw = _decoded(token.encode("ascii") if isinstance(token, str) else token)
        head = raw[:2]
        if head[0] != VERSION:
            raise BadToken
        return ring.keys[head[1]].decrypt(raw[2:], [purpose, head])
    except (Error, UnicodeEncodeError, IndexError, KeyError, InvalidTag, ValueError):
        raise BadToken("not one of our tokens") from None


def _decoded(spelled: bytes) -> bytes:
    """base64url without padding, read strictly: no foreign characters, no bits that say nothing."""
    standard = spelled.translate(_STANDARD)
    raw = a2b_base64(standard + _PADDING[len(standard) & 3], strict_mode=True)
    if standard[-1] not in _LAST[len(raw) % 3]:
        raise BadToken
    return raw
