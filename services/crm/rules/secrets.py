"""Secrets that are shown once and stored as their hash."""

import hashlib
import secrets
from base64 import b64encode, urlsafe_b64encode


def new_secret() -> str:
    """256 bits, URL-safe."""
    return secrets.token_urlsafe(32)


def new_webhook_secret() -> str:
    """256 bits as Standard Webhooks writes them."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


def hash_of(secret: str) -> str:
    """What to store. A plain hash is enough: nobody guesses 256 bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def pkce_challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    digest = hashlib.sha256(verifier.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
