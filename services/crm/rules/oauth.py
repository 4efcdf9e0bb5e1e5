"""Who may ask for a sign-in, and where the answer may go (OAuth 2.1, public clients with PKCE)."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

CLIENT_ID = "kaifu-extension"
_EXTENSION = re.compile(r"([a-p]{32})\.chromiumapp\.org")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_URI = 2000


def redirect_allowed(uri: str, extension_ids: Collection[str]) -> bool:
    """Whether a code may be sent there: an extension's own address, or a loopback port (RFC 8252).

    `extension_ids` empty: any extension that the user has installed.
    """
    if len(uri) > _MAX_URI or not uri.isascii() or any(sign in uri for sign in " \\\t\r\n#"):
        return False
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    if parts.scheme == "http":
        return parts.netloc == f"127.0.0.1:{port}" and port is not None and parts.path.startswith("/")
    extension = _EXTENSION.fullmatch(parts.netloc)
    if parts.scheme != "https" or extension is None:
        return False
    return not extension_ids or extension[1] in extension_ids


def challenge_valid(challenge: str) -> bool:
    """The form of an S256 challenge."""
    return _CHALLENGE.fullmatch(challenge) is not None


def verifier_valid(verifier: str) -> bool:
    """The form of a verifier (RFC 7636, section 4.1)."""
    return _VERIFIER.fullmatch(verifier) is not None
