"""Passwords, keys, PKCE."""

import stat
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from services.crm.adapters import passwords
from services.crm.adapters.signing_keys import SigningKeysUnreadable, load_or_create
from services.crm.rules.secrets import hash_of, new_secret, pkce_challenge


async def test_a_password_matches_only_itself() -> None:
    """And nobody's password matches nothing, not even an empty one."""
    stored = await passwords.hashed("correct horse")
    assert stored.startswith("$argon2id$")
    assert await passwords.matches("correct horse", stored)
    assert not await passwords.matches("correct horsf", stored)
    assert not await passwords.matches("", None)
    assert not await passwords.matches("x", "not a hash")


async def test_nobody_s_password_takes_as_long_as_somebody_s() -> None:
    """Its hash is one of today's parameters, and is looked at: who is known can't be told by the time."""
    somebodys = extract_parameters(await passwords.hashed("correct horse"))
    assert extract_parameters(passwords._NOBODYS) == somebodys
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(passwords._NOBODYS, "correct horse")


def test_signing_keys_are_made_once_and_private(tmp_path: Path) -> None:
    """The second start signs with the same key; others can't read it."""
    path = tmp_path / "keys" / "signing.json"
    first, again = load_or_create(path), load_or_create(path)
    assert first.keys[0].kid == again.keys[0].kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "d" not in first.as_dict(private=False)["keys"][0]
    assert [entry.name for entry in path.parent.iterdir()] == ["signing.json"]


@pytest.mark.parametrize("content", ["", "{}", '{"keys": []}', "[]"])
def test_broken_signing_keys_say_what_to_do(tmp_path: Path, content: str) -> None:
    """They are not replaced silently: everybody would be signed out."""
    path = tmp_path / "signing.json"
    path.write_text(content)
    with pytest.raises(SigningKeysUnreadable, match="delete the file"):
        load_or_create(path)
    assert path.read_text() == content


def test_pkce_is_that_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    assert (
        pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_secrets_differ_and_are_not_their_hash() -> None:
    """256 bits each."""
    one, other = new_secret(), new_secret()
    assert one != other
    assert hash_of(one) != one
    assert len(one) >= 43
