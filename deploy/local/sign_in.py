"""Signing in as the extension does: OAuth code with PKCE, through crm's own sign-in page."""

import base64
import hashlib
import secrets
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

CLIENT_ID = "kaifu-extension"
REDIRECT_URI = "http://127.0.0.1:53682/callback"  # nothing listens there: the code is read from the redirect
_PAGES = 6


class SignInFailed(RuntimeError):
    """The server did not let us in; the message says at which page."""


class _Form(HTMLParser):
    """The fields of the first form that asks for a password, or else of the first form that posts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "get").lower() == "post":
            self.found.append((given.get("action", ""), {}, {}))
        elif tag in ("input", "button") and given.get("name") and self.found:
            _, values, types = self.found[-1]
            values[given["name"]] = given.get("value", "")
            types[given["name"]] = given.get("type", "text")

    def asking_for(self, address: str, password: str) -> tuple[str, dict[str, str]]:
        """Action and filled-in fields."""
        for action, values, types in self.found:
            if "password" in types.values():
                filled = dict(values)
                for name, kind in types.items():
                    if kind == "password":
                        filled[name] = password
                    elif kind in ("email", "text"):
                        filled[name] = address
                return action, filled
        raise SignInFailed("the page has no form that asks for a password")


async def access_token(http: httpx.AsyncClient, app_url: str, address: str, password: str) -> str:
    """An access token of the user. Raises SignInFailed, httpx.HTTPError."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    state = secrets.token_urlsafe(16)
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "state": state,
    }
    page = await http.get(f"{app_url}/oauth/authorize", params=asked)
    code = await _code(http, page, address, password, state)
    answer = await http.post(
        f"{app_url}/oauth/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "client_id": CLIENT_ID,
            "code_verifier": verifier,
        },
    )
    if answer.status_code != 200:
        raise SignInFailed(f"the token endpoint answered {answer.status_code}")
    return str(answer.json()["access_token"])


async def _code(
    http: httpx.AsyncClient, page: httpx.Response, address: str, password: str, state: str
) -> str:
    """Follow the pages, filling in the sign-in form once, to the redirect that carries the code."""
    filled_in = False
    for _ in range(_PAGES):
        if page.is_redirect:
            target = urljoin(str(page.url), page.headers["location"])
            if target.startswith(REDIRECT_URI):
                return _read_code(target, state)
            page = await http.get(target)
        elif page.status_code == 200 and not filled_in:
            action, fields = _Form(page.text).asking_for(address, password)
            page = await http.post(urljoin(str(page.url), action), data=fields)
            filled_in = True
        else:
            break
    raise SignInFailed(f"{page.url.path} answered {page.status_code} instead of the code")


def _read_code(target: str, state: str) -> str:
    given = parse_qs(urlsplit(target).query)
    if given.get("state") != [state] or "code" not in given:
        raise SignInFailed(f"the redirect carries no code: {given.get('error', ['?'])[0]}")
    return given["code"][0]
