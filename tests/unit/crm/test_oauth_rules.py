"""Where a code may be sent."""

import pytest

from services.crm.rules.oauth import redirect_allowed

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
