"""Where a code may be sent."""

import pytest

from services.crm.rules.oauth import Asked, Step, asked_by, next_step, redirect_allowed, with_prompt
from tests.unit.crm.made import a_user

EXTENSION = "abcdefghijklmnopabcdefghijklmnop"


@pytest.mark.requirement("E3")
@pytest.mark.parametrize(
    "uri",
    [
        f"https://{EXTENSION}.chromiumapp.org/",
        f"https://{EXTENSION}.chromiumapp.org/oauth?x=1",
        "http://127.0.0.1:53682/callback",
    ],
)
def test_own_addresses_are_allowed(uri: str) -> None:
    """An extension's own origin, and a loopback port."""
    assert redirect_allowed(uri, ())


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://evil.example/",
        f"http://{EXTENSION}.chromiumapp.org/",
        f"https://{EXTENSION}.chromiumapp.org.evil.example/",
        f"https://evil.example/{EXTENSION}.chromiumapp.org/",
        f"https://x{EXTENSION}.chromiumapp.org/",
        f"https://{EXTENSION[:-1]}z.chromiumapp.org/",
        f"https://{EXTENSION}.chromiumapp.org:8443/",
        f"https://user@{EXTENSION}.chromiumapp.org/",
        f"https://{EXTENSION}.chromiumapp.org/#fragment",
        "https://127.0.0.1:1/",
        "http://127.0.0.1/",
        "http://127.0.0.1:1",
        "http://localhost:1/",
        "http://127.0.0.1:1@evil.example/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:1\\@evil.example/",
        "http://127.0.0.1:1/ x",
        "http://127.0.0.1:1/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "http://[::1",
        "http://127.0.0.1:1/" + "x" * 2000,
    ],
)
def test_foreign_addresses_are_not(uri: str) -> None:
    """Nothing that looks similar."""
    assert not redirect_allowed(uri, ())


def test_only_the_operator_s_extensions_where_they_are_named() -> None:
    """KAIFU_CRM_EXTENSION_IDS."""
    assert redirect_allowed(f"https://{EXTENSION}.chromiumapp.org/", (EXTENSION,))
    assert not redirect_allowed(f"https://{EXTENSION[::-1]}.chromiumapp.org/", (EXTENSION,))
    assert redirect_allowed("http://127.0.0.1:1/", (EXTENSION,))


@pytest.mark.requirement("E3")
@pytest.mark.parametrize(
    ("signed_in", "hint", "prompt", "granted", "step"),
    [
        (False, "", "", False, Step.SIGN_IN),
        (False, "rep@kaifu.example", "select_account", False, Step.SIGN_IN),
        (True, "rep@kaifu.example", "", False, Step.ASK),
        (True, "REP@kaifu.example", "", True, Step.GRANT),
        (True, "sales@kaifu.example", "", True, Step.GRANT),
        (True, "other@kaifu.example", "", False, Step.ASK),
        (True, "other@kaifu.example", "", True, Step.ASK),
        (True, "", "", False, Step.ASK),
        (True, "", "", True, Step.GRANT),
        (True, "rep@kaifu.example", "login", True, Step.SIGN_IN),
        (True, "rep@kaifu.example", "select_account", True, Step.ASK),
    ],
)
def test_a_code_without_a_question_only_where_it_is_clear(
    signed_in: bool, hint: str, prompt: str, granted: bool, step: Step
) -> None:
    """The user has let the client in before, and the mail account, where one is named, is the user's own."""
    asked = asked_by(f"/oauth/authorize?login_hint={hint}&prompt={prompt}")
    assert isinstance(asked, Asked)
    assert next_step(asked, a_user() if signed_in else None, granted=granted) is step


def test_another_prompt_changes_nothing_else() -> None:
    """Spaces and signs of the state come through."""
    target = "/oauth/authorize?state=a+b%26c&prompt=select_account&login_hint=a%2Bb%40x.example"
    asked, before = asked_by(with_prompt(target, "login")), asked_by(target)
    assert asked is not None
    assert before is not None
    assert (asked.prompt, asked.request, asked.login_hint) == ("login", before.request, "a+b@x.example")
    assert asked.request.state == "a b&c"
    assert asked_by("/feed") is None
