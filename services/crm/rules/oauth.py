"""Who may ask for a sign-in, and where the answer may go (OAuth 2.1, public clients with PKCE)."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qsl, urlencode, urlsplit

from services.crm.model.accounts import User
from services.crm.model.sign_ins import AuthorizationRequest
from services.crm.rules.addresses import fold

CLIENT_ID = "kaifu-extension"
AUTHORIZE = "/oauth/authorize"
PROMPTS = frozenset({"", "login", "select_account"})
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


def is_program(redirect_uri: str) -> bool:
    """Whether the answer goes to a program on the user's computer instead of an extension."""
    return redirect_uri.startswith("http://127.0.0.1:")


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a client asks of the authorization endpoint.

    `login_hint`: the mail account that the sign-in is for (OpenID Connect's name); `prompt`: "login" for
    the password in any case, "select_account" for the question in any case.
    """

    request: AuthorizationRequest
    response_type: str
    challenge_method: str
    login_hint: str = ""
    prompt: str = ""


def asked_by(target: str) -> Asked | None:
    """What a path of ours asks; None: it is not the authorization endpoint's."""
    parts = urlsplit(target)
    if parts.path != AUTHORIZE:
        return None
    given = dict(parse_qsl(parts.query))
    return Asked(
        AuthorizationRequest(
            client_id=given.get("client_id", ""),
            redirect_uri=given.get("redirect_uri", ""),
            code_challenge=given.get("code_challenge", ""),
            state=given.get("state"),
        ),
        given.get("response_type", ""),
        given.get("code_challenge_method", ""),
        given.get("login_hint", ""),
        given.get("prompt", ""),
    )


def with_prompt(target: str, prompt: str) -> str:
    """The same request with another prompt."""
    parts = urlsplit(target)
    given = [(name, value) for name, value in parse_qsl(parts.query) if name != "prompt"]
    return f"{parts.path}?{urlencode([*given, ('prompt', prompt)])}"


class Step(Enum):
    """What a request for a code leads to."""

    SIGN_IN = "sign_in"
    ASK = "ask"
    GRANT = "grant"


def next_step(asked: Asked, user: User | None, *, granted: bool) -> Step:
    """A code without a question only for a client that the user has let in before, and never for a mail
    account that is not the user's. `user`: whose session the browser has."""
    if user is None or asked.prompt == "login":
        return Step.SIGN_IN
    if asked.prompt == "select_account":
        return Step.ASK
    silent = granted and (not asked.login_hint or owns(user, asked.login_hint))
    return Step.GRANT if silent else Step.ASK


def owns(user: User, address: str) -> bool:
    """Whether the address is one of the user's."""
    return fold(address) in {fold(user.address), *(fold(own.address) for own in user.addresses)}


def challenge_valid(challenge: str) -> bool:
    """The form of an S256 challenge."""
    return _CHALLENGE.fullmatch(challenge) is not None


def verifier_valid(verifier: str) -> bool:
    """The form of a verifier (RFC 7636, section 4.1)."""
    return _VERIFIER.fullmatch(verifier) is not None
