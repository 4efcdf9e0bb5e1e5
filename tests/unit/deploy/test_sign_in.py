"""Signing in through pages: the form is found and filled in, the code is read from the redirect."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from deploy.local.sign_in import CLIENT_ID, REDIRECT_URI, SignInFailed, access_token

APP = "http://app.test"
PAGE = """
<form method="get" action="/search"><input name="q"></form>
<form method="post" action="/sign-in">
  <input type="hidden" name="csrf" value="c-1"><input type="hidden" name="next" value="/n">
  <input type="email" name="address"><input type="password" name="password">
  <button type="submit">Sign in</button>
</form>
"""


class Server:
    """An authorization server of a few lines."""

    def __init__(self, *, page: str = PAGE, state: str | None = None) -> None:
        self.page = page
        self.state = state
        self.posts: list[dict[str, list[str]]] = []
        self.challenge = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = parse_qs(request.content.decode())
        query = parse_qs(request.url.query.decode())
        match request.url.path:
            case "/oauth/authorize":
                self.state = self.state or query["state"][0]
                self.challenge = query["code_challenge"][0]
                assert query["code_challenge_method"] == ["S256"]
                assert query["response_type"] == ["code"]
                assert query["client_id"] == [CLIENT_ID]
                assert query["redirect_uri"] == [REDIRECT_URI]
                return httpx.Response(303, headers={"location": "/sign-in?next=x"})
            case "/sign-in" if request.method == "GET":
                return httpx.Response(200, text=self.page)
            case "/sign-in":
                self.posts.append(body)
                if body["password"] != ["right"]:
                    return httpx.Response(401, text=self.page)
                target = f"{REDIRECT_URI}?code=abc&state={self.state}"
                return httpx.Response(303, headers={"location": target})
            case "/oauth/token":
                known = self._is_right(body)
                return httpx.Response(200 if known else 400, json={"access_token": "token"})
            case path:
                raise AssertionError(path)

    def _is_right(self, body: dict[str, list[str]]) -> bool:
        """RFC 6749 section 4.1.3, RFC 7636 section 4.6."""
        (verifier,) = body.pop("code_verifier")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        return digest.rstrip(b"=").decode() == self.challenge and body == {
            "grant_type": ["authorization_code"],
            "code": ["abc"],
            "redirect_uri": [REDIRECT_URI],
            "client_id": [CLIENT_ID],
        }


async def token_of(server: Server, password: str = "right") -> str:
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as http:
        return await access_token(http, APP, "rep@app.test", password)


async def test_the_form_that_asks_for_a_password_is_filled_in() -> None:
    server = Server()
    assert await token_of(server) == "token"
    assert server.posts == [
        {"csrf": ["c-1"], "next": ["/n"], "address": ["rep@app.test"], "password": ["right"]}
    ]


async def test_a_wrong_password_is_tried_once_and_said() -> None:
    server = Server()
    with pytest.raises(SignInFailed, match="/sign-in answered 401"):
        await token_of(server, password="wrong")
    assert len(server.posts) == 1


async def test_another_state_than_ours_is_refused() -> None:
    with pytest.raises(SignInFailed, match="carries no code"):
        await token_of(Server(state="somebody-else's"))


async def test_a_page_without_a_password_is_no_sign_in() -> None:
    with pytest.raises(SignInFailed, match="no form that asks for a password"):
        await token_of(Server(page="<p>closed</p>"))


def test_the_redirect_is_a_loopback_address() -> None:
    assert urlsplit(REDIRECT_URI).hostname == "127.0.0.1"
