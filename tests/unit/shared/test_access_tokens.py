"""Access tokens: only crm's, only for us, only as long as they last."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from shared.auth.bearer import signed_in
from shared.auth.jwks import REFETCH_AFTER_S, RETRY_AFTER_S, AccessTokenVerifier, KeysUnavailable
from shared.auth.scopes import Scope
from shared.auth.tokens import ExpiredAccessToken, InvalidAccessToken, Role, SignedIn, issue, verify
from shared.http.problems import Problem
from tests.loopback import Asked, loopback, response

ISSUER = "https://kaifu.example"
KEYS = KeySet([ECKey.generate_key("P-256", {"kid": "2026-11"})])
PUBLIC = KeySet.import_key_set(KEYS.as_dict(private=False))
WHO = SignedIn(
    user_id=UUID("0190f3c4-7c00-7000-8000-00000000000a"),
    account_id=UUID("0190f3c4-7c00-7000-8000-00000000000b"),
    role=Role.REP,
    sign_in_id=UUID("0190f3c4-7c00-7000-8000-00000000000c"),
    expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10),
)


def _b64(value: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def _claims(**changed: Any) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": "kaifu",
        "sub": str(WHO.user_id),
        "acc": str(WHO.account_id),
        "role": "rep",
        "sid": str(WHO.sign_in_id),
        "iat": int(datetime.now(UTC).timestamp()),
        "exp": int(WHO.expires_at.timestamp()),
    } | changed


def _signed(claims: dict[str, Any], key: ECKey = KEYS.keys[0], kid: str | None = "2026-11") -> str:  # type: ignore[assignment]
    header: dict[str, Any] = {"alg": "ES256"} | ({"kid": kid} if kid else {})
    return jwt.encode(header, claims, key)


def _unsigned(algorithm: str) -> str:
    return (_b64({"alg": algorithm, "kid": "2026-11"}) + b"." + _b64(_claims()) + b".").decode()


def _signed_with_the_public_key() -> str:
    """The classic confusion: HS256 with the public key, which everybody has, as the secret."""
    content = _b64({"alg": "HS256", "kid": "2026-11"}) + b"." + _b64(_claims())
    secret = PUBLIC.keys[0].as_pem(private=False)  # type: ignore[union-attr]
    seal = hmac.new(secret, content, hashlib.sha256).digest()
    return (content + b"." + base64.urlsafe_b64encode(seal).rstrip(b"=")).decode()


def test_the_bearer_is_known_from_the_public_key_alone() -> None:
    bearer = verify(PUBLIC, ISSUER, issue(KEYS, ISSUER, WHO))
    assert (bearer.user_id, bearer.account_id, bearer.role) == (WHO.user_id, WHO.account_id, Role.REP)
    assert (bearer.sign_in_id, bearer.expires_at) == (WHO.sign_in_id, WHO.expires_at)


def test_expired_is_said_apart_since_the_client_can_refresh() -> None:
    token = issue(KEYS, ISSUER, WHO)
    assert verify(PUBLIC, ISSUER, token, WHO.expires_at - timedelta(seconds=1)).user_id == WHO.user_id
    with pytest.raises(ExpiredAccessToken):
        verify(PUBLIC, ISSUER, token, WHO.expires_at + timedelta(seconds=1))


FOREIGN = ECKey.generate_key("P-256", {"kid": "2026-11"})
FORGED = {
    "another issuer": _signed(_claims(iss="https://evil.example")),
    "another audience": _signed(_claims(aud="other")),
    "no audience": _signed({name: value for name, value in _claims().items() if name != "aud"}),
    "no expiry": _signed({name: value for name, value in _claims().items() if name != "exp"}),
    "no user": _signed({name: value for name, value in _claims().items() if name != "sub"}),
    "a role that is none": _signed(_claims(role="root")),
    "a user that is no id": _signed(_claims(sub="rep")),
    "a foreign key under our id": _signed(_claims(), FOREIGN),
    "a foreign key without an id": _signed(_claims(), FOREIGN, kid=None),
    "an unknown key id": _signed(_claims(), FOREIGN, kid="2031-01"),
    "alg none": _unsigned("none"),
    "alg None": _unsigned("None"),
    "HS256 with the public key": _signed_with_the_public_key(),
    "changed claims": ".".join(
        (_signed(_claims()).split(".")[0], _b64(_claims(role="super_admin")).decode(), "AAAA")
    ),
    "nothing": "",
    "one dot": ".",
    "no base64": "!.?.*",
    "no ASCII": "ö.ä.ü",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_what_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidAccessToken) as caught:
        verify(PUBLIC, ISSUER, token)
    assert not isinstance(caught.value, ExpiredAccessToken)


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def _keys(_: Asked) -> list[bytes | float]:
    return response(200, json.dumps(PUBLIC.as_dict(private=False)).encode())


def _rotating(new: KeySet) -> Any:
    """Serves the old keys at first, the new ones from the second request on."""
    served = iter([PUBLIC])

    async def answer(_: Asked) -> list[bytes | float]:
        return response(200, json.dumps(next(served, new).as_dict(private=False)).encode())

    return answer


async def test_a_key_that_is_new_at_crm_is_fetched_once_and_then_known() -> None:
    new = KeySet([ECKey.generate_key("P-256", {"kid": "2026-12"})])
    clock = _Clock()
    async with loopback(_rotating(new)) as crm, httpx.AsyncClient() as http:
        verifier = AccessTokenVerifier(http, crm.address, ISSUER, clock)
        await verifier.verify(issue(KEYS, ISSUER, WHO))
        clock.now += REFETCH_AFTER_S
        for _ in range(3):
            assert (await verifier.verify(issue(new, ISSUER, WHO))).user_id == WHO.user_id
        assert len(crm.asked) == 2


async def test_a_token_that_was_verified_ends_when_it_says() -> None:
    now = [datetime.now(UTC)]
    async with loopback(_keys) as crm, httpx.AsyncClient() as http:
        verifier = AccessTokenVerifier(http, crm.address, ISSUER, now=lambda: now[0])
        token = issue(KEYS, ISSUER, WHO)
        assert await verifier.verify(token) is await verifier.verify(token)
        now[0] = WHO.expires_at - timedelta(seconds=1)
        await verifier.verify(token)
        now[0] = WHO.expires_at
        with pytest.raises(ExpiredAccessToken):
            await verifier.verify(token)


async def test_a_token_that_was_verified_does_not_outlive_its_key() -> None:
    new = KeySet([ECKey.generate_key("P-256", {"kid": "2026-12"})])
    clock = _Clock()
    async with loopback(_rotating(new)) as crm, httpx.AsyncClient() as http:
        verifier = AccessTokenVerifier(http, crm.address, ISSUER, clock)
        token = issue(KEYS, ISSUER, WHO)
        await verifier.verify(token)
        clock.now += REFETCH_AFTER_S
        await verifier.verify(issue(new, ISSUER, WHO))
        with pytest.raises(InvalidAccessToken):
            await verifier.verify(token)


async def test_a_flood_of_unknown_key_ids_is_no_flood_of_fetches() -> None:
    clock = _Clock()
    async with loopback(_keys) as crm, httpx.AsyncClient() as http:
        verifier = AccessTokenVerifier(http, crm.address, ISSUER, clock)
        for _ in range(50):
            with pytest.raises(InvalidAccessToken):
                await verifier.verify(FORGED["an unknown key id"])
        assert len(crm.asked) == 1
        clock.now += REFETCH_AFTER_S
        for _ in range(50):
            with pytest.raises(InvalidAccessToken):
                await verifier.verify(FORGED["an unknown key id"])
        assert len(crm.asked) == 2


async def test_forged_tokens_under_a_known_key_id_fetch_nothing() -> None:
    clock = _Clock()
    async with loopback(_keys) as crm, httpx.AsyncClient() as http:
        verifier = AccessTokenVerifier(http, crm.address, ISSUER, clock)
        await verifier.verify(issue(KEYS, ISSUER, WHO))
        clock.now += REFETCH_AFTER_S
        for token in ("a foreign key under our id", "alg none", "nothing", "no base64"):
            with pytest.raises(InvalidAccessToken):
                await verifier.verify(FORGED[token])
        assert len(crm.asked) == 1


async def _garbage(_: Asked) -> list[bytes | float]:
    return response(200, b"[]")


async def test_keys_that_can_not_be_had_are_asked_for_once_a_second() -> None:
    clock = _Clock()
    async with loopback(_garbage) as crm, httpx.AsyncClient() as http:
        verifier = AccessTokenVerifier(http, crm.address, ISSUER, clock)
        for _ in range(20):
            with pytest.raises(KeysUnavailable):
                await verifier.verify(issue(KEYS, ISSUER, WHO))
        assert (len(crm.asked), verifier.ready) == (1, False)
        clock.now += RETRY_AFTER_S
        with pytest.raises(KeysUnavailable):
            await verifier.fetch()
        assert len(crm.asked) == 2


async def test_sign_ins_work_on_while_crm_is_away() -> None:
    clock = _Clock()
    async with httpx.AsyncClient() as http:
        async with loopback(_keys) as crm:
            verifier = AccessTokenVerifier(http, crm.address, ISSUER, clock)
            await verifier.fetch()
        clock.now += REFETCH_AFTER_S
        assert (await verifier.verify(issue(KEYS, ISSUER, WHO))).user_id == WHO.user_id
        with pytest.raises(InvalidAccessToken):
            await verifier.verify(FORGED["an unknown key id"])


@pytest.mark.parametrize(
    ("header", "name", "challenge"),
    [
        (None, "not-signed-in", "Bearer"),
        ("", "not-signed-in", "Bearer"),
        ("Basic cmVwOnJlcA==", "not-signed-in", "Bearer"),
        ("Bearer", "not-signed-in", "Bearer"),
        ("Bearer   ", "not-signed-in", "Bearer"),
        (f"Bearer {FORGED['alg none']}", "not-signed-in", 'Bearer error="invalid_token"'),
        (
            "Bearer " + _signed(_claims(exp=int(datetime.now(UTC).timestamp()) - 60)),
            "sign-in-expired",
            'Bearer error="invalid_token"',
        ),
    ],
    ids=["none", "empty", "another scheme", "no token", "blanks", "unsigned", "expired"],
)
async def test_a_header_without_a_sign_in_is_a_problem(header: str | None, name: str, challenge: str) -> None:
    async with loopback(_keys) as crm, httpx.AsyncClient() as http:
        with pytest.raises(Problem) as caught:
            await signed_in(AccessTokenVerifier(http, crm.address, ISSUER), header)
    assert (caught.value.problem.name, int(caught.value.problem.status)) == (name, 401)
    assert caught.value.headers["WWW-Authenticate"] == challenge


async def test_without_keys_the_answer_is_to_try_again() -> None:
    async with loopback(_garbage) as crm, httpx.AsyncClient() as http:
        verifier = AccessTokenVerifier(http, crm.address, ISSUER)
        with pytest.raises(Problem) as caught:
            await signed_in(verifier, f"bearer {issue(KEYS, ISSUER, WHO)}")
    assert (int(caught.value.problem.status), caught.value.headers["Retry-After"]) == (503, "2")


@pytest.mark.requirement("A6")
def test_a_token_for_an_api_token_says_what_it_may_and_is_none_of_a_person() -> None:
    """By another audience, so that what knows of no scopes refuses it; one without scopes is none at all."""
    scoped = replace(WHO, scopes=frozenset({"mail.write", "records.read"}))
    token = issue(KEYS, ISSUER, scoped)
    assert verify(PUBLIC, ISSUER, token).scopes == scoped.scopes
    assert jwt.decode(token, PUBLIC).claims["aud"] == "kaifu-api"
    assert verify(PUBLIC, ISSUER, issue(KEYS, ISSUER, WHO)).scopes is None
    assert verify(PUBLIC, ISSUER, issue(KEYS, ISSUER, replace(WHO, scopes=frozenset()))).scopes == frozenset()
    with pytest.raises(InvalidAccessToken):
        verify(PUBLIC, ISSUER, _signed(_claims(aud="kaifu-api")))
    with pytest.raises(InvalidAccessToken):
        verify(PUBLIC, ISSUER, _signed(_claims(aud="somebody-else", scope="mail.write")))


@pytest.mark.requirement("A6")
@pytest.mark.parametrize(
    ("held", "let_in_by", "refused"),
    [
        (None, (), False),
        (None, (Scope.MAIL_WRITE,), False),
        ({"mail.write"}, (Scope.MAIL_WRITE,), False),
        ({"mail.write"}, (Scope.MAIL_READ, Scope.MAIL_WRITE), False),
        ({"mail.read"}, (Scope.MAIL_WRITE,), True),
        (set(Scope), (), True),
        (set(), (Scope.MAIL_WRITE,), True),
    ],
)
async def test_a_door_asks_for_its_scope(
    held: set[str] | None, let_in_by: tuple[Scope, ...], refused: bool
) -> None:
    """A door that names none is for persons alone."""

    class Known:
        async def verify(self, token: str) -> SignedIn:
            return replace(WHO, scopes=None if held is None else frozenset(held))

    if not refused:
        assert (await signed_in(Known(), "Bearer x", let_in_by)).user_id == WHO.user_id
        return
    with pytest.raises(Problem) as refusal:
        await signed_in(Known(), "Bearer x", let_in_by)
    assert refusal.value.problem.name == "scope-missing"
    assert 'error="insufficient_scope"' in refusal.value.headers["WWW-Authenticate"]
