"""The send API: what it answers, and every way in which it refuses."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.adapters.directory import AskedDirectory
from services.ingest.api import MAX_BODY_BYTES, create_api
from services.ingest.durability import Recorder
from services.ingest.handlers import SendApi
from services.ingest.messages import PrepareRequest
from services.ingest.problems import BROKER_UNAVAILABLE
from services.ingest.revoked import Revoked
from services.ingest.rules import is_trackable, to_directory
from services.ingest.rules_address import ClientAddresses
from services.ingest.rules_quota import admit
from shared.auth.tokens import Role, SignedIn
from shared.directory.client import DirectoryRefused, DirectoryUnavailable
from shared.directory.contract import Policy, PreparedMessage
from shared.events.codec import decode, encode
from shared.events.hits import ViewingReported
from shared.events.sends import MessageCancelled, MessageScheduled, MessageSent, SendEvent
from shared.health.progress import Progress
from shared.http.problems import (
    KEY_REUSED,
    NOT_SIGNED_IN,
    SENDER_NOT_OURS,
    SIGN_IN_EXPIRED,
    Problem,
    ProblemBody,
)
from shared.quota import Quota
from shared.telemetry.names import REFUSED
from shared.telemetry.tracing import KafkaHeaders
from shared.tokens.receipt import LIFETIME, Receipt, seal_receipt
from shared.tokens.tracking import open_link, open_pixel
from tests.unit.ingest.builders import ACCOUNT, FakeBroker, FakeSpool, ring

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
USER = UUID(int=1)
SECOND_USER = UUID(int=2)
STRANGER = UUID(int=3)
PLENTIFUL = 100  # requests of one account in one test


class FakeDirectory:
    """Decides as a test says; the first decision on a message stands, as crm's does."""

    def __init__(self) -> None:
        self.asked: list[PreparedMessage] = []
        self.fails: Exception | None = None
        self.tracked = True
        self._first: dict[UUID, PreparedMessage] = {}

    async def prepare(self, message: PreparedMessage) -> Policy:
        self.asked.append(message)
        if self.fails is not None:
            raise self.fails
        first = self._first.setdefault(message.message_id, message)
        if first.fingerprint != message.fingerprint:
            raise DirectoryRefused(_body(KEY_REUSED.urn, 422))
        return Policy(
            tracked=self.tracked and message.track,
            untracked_reason=None if self.tracked and message.track else "no_legal_basis",
            logged=message.log,
            unlogged_reason=None if message.log else "not_asked",
            anonymous=False,
            policy_version=7,
            prepared_at=first.prepared_at,
        )


def _body(urn: str, status: int) -> ProblemBody:
    return ProblemBody(type=urn, title="t", status=status, detail="d")


@dataclass
class FakeSends:
    """Takes events, or is away."""

    published: list[SendEvent] = field(default_factory=list)
    away: bool = False

    async def publish(self, event: SendEvent, headers: KafkaHeaders) -> None:
        if self.away:
            raise Problem(BROKER_UNAVAILABLE, "repeat it", headers={"Retry-After": "2"})
        self.published.append(event)


@dataclass
class Service:
    """The API with its fakes; `now` moves the clock."""

    app: FastAPI
    directory: FakeDirectory
    sends: FakeSends
    broker: FakeBroker
    spool: FakeSpool
    clock: list[datetime]
    folder: Path

    def client(self, who: str = "rep") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=("10.1.1.1", 1))
        headers = {"Authorization": f"Bearer {who}"} if who else {}
        return httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers)


_PEOPLE = {"rep": (ACCOUNT, USER), "colleague": (ACCOUNT, SECOND_USER), "stranger": (STRANGER, USER)}


async def _authenticate(authorization: str | None) -> SignedIn:
    name = (authorization or "").removeprefix("Bearer ")
    if name == "expired":
        raise Problem(SIGN_IN_EXPIRED, "refresh")
    if name not in _PEOPLE:
        raise Problem(NOT_SIGNED_IN, "sign in", headers={"WWW-Authenticate": "Bearer"})
    account, user = _PEOPLE[name]
    return SignedIn(user, account, Role.REP, UUID(int=9), NOW + timedelta(minutes=10))


@pytest.fixture
def service(tmp_path: Path) -> Service:
    keys = ring(tmp_path)
    clock = [NOW]
    directory, sends, broker, spool = FakeDirectory(), FakeSends(), FakeBroker(), FakeSpool()
    recorder = Recorder(broker, spool, Progress(60.0), within_s=1.0)
    quota: Quota[UUID] = Quota(per_s=1, burst=PLENTIFUL)
    asked = AskedDirectory(directory)  # type: ignore[arg-type]
    use_cases = SendApi(asked, sends, recorder, keys, keys, "https://t.example/", Revoked(), lambda: clock[0])
    addresses = ClientAddresses([ip_network("10.0.0.0/8")])
    return Service(
        create_api(use_cases, _authenticate, lambda who: admit(quota, who.account_id, 1e6), addresses),
        *(directory, sends, broker, spool, clock, tmp_path),
    )


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with service.client() as client:
        yield client


def _mail(**changes: Any) -> dict[str, Any]:
    return {
        "from": {"address": "rep@own.example", "name": "Rep"},
        "to": [{"address": "a@x.example"}],
        "cc": [{"address": "b@x.example"}],
        "subject": "Offer",
        "links": ["https://example.com/?a=1&amp;b=2", "http://例え.jp/パス"],
        "track": True,
        "log": True,
    } | changes


def _assert_problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:kaifu:problem:{name}"
    assert body["status"] == status
    assert body["detail"]
    return body


async def _prepared(http: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await http.post("/v1/messages", json=_mail(**changes))
    assert answer.status_code == 201, answer.text
    prepared: dict[str, Any] = answer.json()
    return prepared


# prepare


@pytest.mark.requirement("T2", "T7")
async def test_prepare_answers_pixel_links_and_receipt(service: Service, http: httpx.AsyncClient) -> None:
    prepared = await _prepared(http, source="crm")
    keys = ring(service.folder)
    pixel = open_pixel(keys, prepared["pixel_url"].removeprefix("https://t.example/o/").removesuffix(".gif"))
    assert (pixel.account_id, str(pixel.message_id), pixel.slot) == (ACCOUNT, prepared["message_id"], None)
    for index, (link, url) in enumerate(zip(prepared["links"], _mail()["links"], strict=True)):
        token = open_link(keys, link["tracked_url"].removeprefix("https://t.example/c/"))
        assert link["url"] == url
        assert (token.destination, token.link_index) == (url.encode(), index)
    asked = service.directory.asked[0]
    assert (asked.account_id, asked.user_id, asked.source) == (ACCOUNT, USER, "crm")
    assert [(one.address, one.field) for one in asked.recipients] == [
        ("a@x.example", "to"),
        ("b@x.example", "cc"),
    ]
    assert (prepared["policy_version"], prepared["prepared_at"]) == (7, "2026-11-24T09:00:00Z")


@pytest.mark.requirement("P2", "A4")
async def test_an_untracked_mail_gets_no_addresses_but_the_reason(
    service: Service, http: httpx.AsyncClient
) -> None:
    service.directory.tracked = False
    prepared = await _prepared(http)
    assert (prepared["tracked"], prepared["untracked_reason"]) == (False, "no_legal_basis")
    assert (prepared["pixel_url"], prepared["links"]) == (None, [])


async def test_a_mail_that_is_only_logged_may_hold_any_link(
    service: Service, http: httpx.AsyncClient
) -> None:
    await _prepared(http, track=False, links=["javascript:alert(1)", "mailto:a@x.example"])
    assert service.directory.asked[0].links == ()


@pytest.mark.requirement("E3")
async def test_the_same_key_and_question_give_the_same_bytes(
    service: Service, http: httpx.AsyncClient
) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await http.post("/v1/messages", json=_mail(), headers=key)
    service.clock[0] += timedelta(hours=5)
    second = await http.post("/v1/messages", json=_mail(), headers=key)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    other = await http.post("/v1/messages", json=_mail(), headers={"Idempotency-Key": "k-2"})
    assert other.json()["message_id"] != first.json()["message_id"]
    none = await http.post("/v1/messages", json=_mail())
    assert none.json()["message_id"] not in (first.json()["message_id"], other.json()["message_id"])
    async with service.client("colleague") as colleague:
        theirs = await colleague.post("/v1/messages", json=_mail(), headers=key)
        assert theirs.json()["message_id"] != first.json()["message_id"]


async def test_the_same_key_with_another_question_is_refused(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k-1"}
    await http.post("/v1/messages", json=_mail(), headers=key)
    answer = await http.post("/v1/messages", json=_mail(subject="Other"), headers=key)
    _assert_problem(answer, 422, "idempotency-key-reused")


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_a_length(http: httpx.AsyncClient, key: str) -> None:
    answer = await http.post("/v1/messages", json=_mail(), headers={"Idempotency-Key": key})
    _assert_problem(answer, 422, "invalid-request")


def _many(count: int) -> list[dict[str, str]]:
    return [{"address": f"a{number}@x.example"} for number in range(count)]


@pytest.mark.parametrize(
    ("changes", "problem", "pointer"),
    [
        ({"track": False, "log": False}, "nothing-to-do", None),
        ({"to": _many(1000)}, "too-many-recipients", None),
        ({"to": _many(250), "cc": _many(250), "bcc": _many(1)}, "too-many-recipients", None),
        ({"links": ["https://x.example/" + "a" * 65_536]}, "link-too-long", "/body/links/0"),
        (
            {"links": ["https://x.example/", "https://x.example/" + "例" * 1366]},
            "link-too-long",
            "/body/links/1",
        ),
        ({"links": ["javascript:alert(1)"]}, "link-not-trackable", "/body/links/0"),
        ({"links": ["mailto:a@x.example"]}, "link-not-trackable", "/body/links/0"),
        ({"links": ["//x.example/"]}, "link-not-trackable", "/body/links/0"),
        ({"links": ["https://"]}, "link-not-trackable", "/body/links/0"),
        ({"links": ["https:///path"]}, "link-not-trackable", "/body/links/0"),
        ({"links": ["https://x.example/\r\nSet-Cookie: a=b"]}, "link-not-trackable", "/body/links/0"),
        ({"links": ["https://x.example/a b"]}, "link-not-trackable", "/body/links/0"),
        ({"links": [" https://x.example/"]}, "link-not-trackable", "/body/links/0"),
        ({"links": [""]}, "link-not-trackable", "/body/links/0"),
        ({"links": ["https://x.example/"] * 1001}, "invalid-request", None),
        ({"from": {"address": "nobody"}}, "invalid-request", None),
        ({"track": "yes"}, "invalid-request", None),
        ({"source": "fax"}, "invalid-request", None),
        ({"unknown": 1}, "invalid-request", None),
        ({"subject": "\ud800"}, "invalid-request", None),
        ({"subject": "x" * 2001}, "invalid-request", None),
        ({"records": [{"record_type": "contact", "record_id": "7"}]}, "invalid-request", None),
    ],
)
async def test_what_can_not_be_prepared_is_refused_and_counted(
    service: Service, http: httpx.AsyncClient, changes: dict[str, Any], problem: str, pointer: str | None
) -> None:
    before = REFUSED.labels(problem)._value.get()
    content = json.dumps(_mail(**changes)).encode()
    answer = await http.post("/v1/messages", content=content, headers={"Content-Type": "application/json"})
    body = _assert_problem(answer, 422, problem)
    assert body.get("pointer") == pointer
    assert REFUSED.labels(problem)._value.get() == before + 1
    assert "x.example" not in answer.text, "values of the request are not echoed"
    assert not service.directory.asked


@pytest.mark.requirement("L7")
@pytest.mark.parametrize(
    ("failure", "status", "problem"),
    [
        (DirectoryRefused(_body(SENDER_NOT_OURS.urn, 403)), 403, "sender-not-ours"),
        (DirectoryRefused(_body(NOT_SIGNED_IN.urn, 401)), 401, "not-signed-in"),
        (DirectoryRefused(_body("urn:kaifu:problem:services-only", 401)), 503, "directory-unavailable"),
        (DirectoryUnavailable("TimeoutError"), 503, "directory-unavailable"),
    ],
)
async def test_what_the_directory_says_is_passed_on(
    service: Service, http: httpx.AsyncClient, failure: Exception, status: int, problem: str
) -> None:
    service.directory.fails = failure
    answer = await http.post("/v1/messages", json=_mail())
    _assert_problem(answer, status, problem)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.requirement("A6")
def test_the_directory_is_told_of_the_api_token_that_asks() -> None:
    """A person has none."""
    request = PrepareRequest.model_validate(_mail())
    person = SignedIn(USER, ACCOUNT, Role.REP, UUID(int=9), NOW)
    program = replace(person, scopes=frozenset({"mail.write"}))
    asked = [to_directory(request, who, UUID(int=1), NOW).api_token_id for who in (person, program)]
    assert asked == [None, UUID(int=9)]


@pytest.mark.requirement("T2")
@given(st.text(max_size=60))
def test_a_trackable_link_is_http_without_spaces_or_control_characters(text: str) -> None:
    for scheme in ("http://", "HTTPS://"):
        if is_trackable(scheme + text):
            assert text
            assert not any(char.isspace() or ord(char) < 0x20 or ord(char) == 0x7F for char in text)
    assert not is_trackable(f"javascript:{text}")
    assert not is_trackable(f"file://{text}")


# sent, scheduled, cancelled


@pytest.mark.requirement("T9")
@pytest.mark.parametrize("state", ["sent", "scheduled", "cancelled"])
async def test_a_state_is_published_and_repeating_it_is_one_event(
    service: Service, http: httpx.AsyncClient, state: str
) -> None:
    prepared = await _prepared(http)
    body = {"receipt": prepared["receipt"], "provider_message_id": "m1", "provider_thread_id": "t1"}
    if state == "scheduled":
        body["send_at"] = "2026-12-01T08:00:00+09:00"
    service.clock[0] += timedelta(seconds=3)
    path = f"/v1/messages/{prepared['message_id']}/{state}"
    for _ in range(2):
        answer = await http.post(path, json=body)
        assert answer.status_code == 202
        assert answer.json() == {"message_id": prepared["message_id"], "state": state}
        service.clock[0] += timedelta(days=1)
    first, second = service.sends.published
    assert first.event_id == second.event_id
    assert first.occurred_at == NOW + timedelta(seconds=3)
    assert decode("email.sends", encode(first)) == first
    expected = {"sent": MessageSent, "scheduled": MessageScheduled, "cancelled": MessageCancelled}
    assert type(first) is expected[state]
    assert (first.account_id, first.user_id, str(first.message_id)) == (ACCOUNT, USER, prepared["message_id"])
    assert (first.tracked, first.logged, first.recipient_count, first.link_count) == (True, True, 2, 2)
    assert (first.provider_message_id, first.provider_thread_id) == ("m1", "t1")
    if isinstance(first, MessageScheduled):
        assert first.send_at == datetime(2026, 11, 30, 23, 0, tzinfo=UTC)


async def test_states_of_one_message_are_different_events(service: Service, http: httpx.AsyncClient) -> None:
    prepared = await _prepared(http)
    for state in ("sent", "cancelled"):
        path = f"/v1/messages/{prepared['message_id']}/{state}"
        await http.post(path, json={"receipt": prepared["receipt"]})
    assert len({event.event_id for event in service.sends.published}) == 2


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2026-11-24T09:00:05Z", NOW + timedelta(seconds=5)),
        ("2020-01-01T00:00:00Z", NOW),  # before it was prepared: the client's clock is wrong
        ("2099-01-01T00:00:00+09:00", NOW + timedelta(seconds=10)),
        ("9999-12-31T23:59:59-12:00", NOW + timedelta(seconds=10)),  # no such time in UTC
        ("0001-01-01T00:00:00+12:00", NOW),
    ],
)
async def test_the_time_of_sending_stays_within_what_can_be(
    service: Service, http: httpx.AsyncClient, said: str, kept: datetime
) -> None:
    prepared = await _prepared(http)
    service.clock[0] += timedelta(seconds=10)
    path = f"/v1/messages/{prepared['message_id']}/sent"
    await http.post(path, json={"receipt": prepared["receipt"], "occurred_at": said})
    assert service.sends.published[0].occurred_at == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2026-11-23T18:30:00Z", datetime(2026, 11, 23, 18, 30, tzinfo=UTC)),
        ("2026-09-01T00:00:00Z", NOW - timedelta(days=30)),
        ("2026-11-25T00:00:00Z", NOW),
    ],
)
async def test_a_mail_prepared_for_the_log_afterwards_keeps_its_true_time(
    service: Service, http: httpx.AsyncClient, said: str, kept: datetime
) -> None:
    prepared = await _prepared(http, track=False)
    path = f"/v1/messages/{prepared['message_id']}/sent"
    await http.post(path, json={"receipt": prepared["receipt"], "occurred_at": said})
    assert service.sends.published[0].occurred_at == kept


@pytest.mark.parametrize(
    "said", ["yesterday", 1_700_000_000, "2026-11-24", "2026-11-24T09:00:00", "1700000000"]
)
async def test_a_time_that_is_none_is_refused(http: httpx.AsyncClient, said: object) -> None:
    prepared = await _prepared(http)
    path = f"/v1/messages/{prepared['message_id']}/sent"
    answer = await http.post(path, json={"receipt": prepared["receipt"], "occurred_at": said})
    _assert_problem(answer, 422, "invalid-request")


async def test_202_only_when_the_broker_has_it(service: Service, http: httpx.AsyncClient) -> None:
    prepared = await _prepared(http)
    service.sends.away = True
    path = f"/v1/messages/{prepared['message_id']}/sent"
    answer = await http.post(path, json={"receipt": prepared["receipt"]})
    _assert_problem(answer, 503, "broker-unavailable")
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("who", ["colleague", "stranger"])
async def test_somebody_elses_receipt_is_refused(service: Service, http: httpx.AsyncClient, who: str) -> None:
    prepared = await _prepared(http)
    async with service.client(who) as other:
        path = f"/v1/messages/{prepared['message_id']}/sent"
        answer = await other.post(path, json={"receipt": prepared["receipt"]})
    _assert_problem(answer, 403, "receipt-invalid")
    assert not service.sends.published


async def test_a_receipt_of_another_message_is_not_found(service: Service, http: httpx.AsyncClient) -> None:
    prepared = await _prepared(http)
    answer = await http.post(f"/v1/messages/{UUID(int=5)}/sent", json={"receipt": prepared["receipt"]})
    _assert_problem(answer, 404, "not-found")
    assert not service.sends.published


def _foreign_receipts(service: Service, receipt: str, pixel_url: str) -> Iterator[str]:
    yield receipt[:-1]
    yield receipt[:40] + ("A" if receipt[40] != "A" else "B") + receipt[41:]
    yield pixel_url.rsplit("/", 1)[1].removesuffix(".gif")  # the same ring, another purpose
    yield "x"
    yield ""
    foreign = Receipt(
        account_id=ACCOUNT,
        user_id=USER,
        message_id=UUID(int=5),
        source="gmail",
        tracked=True,
        logged=True,
        anonymous=False,
        recipient_count=1,
        link_count=0,
        policy_version=1,
        prepared_at=NOW,
        expires_at=NOW + LIFETIME,
    )
    yield seal_receipt(ring(service.folder, 9), foreign)


async def test_a_receipt_that_is_none_of_ours_is_refused(service: Service, http: httpx.AsyncClient) -> None:
    prepared = await _prepared(http)
    path = f"/v1/messages/{prepared['message_id']}/sent"
    for receipt in _foreign_receipts(service, prepared["receipt"], prepared["pixel_url"]):
        _assert_problem(await http.post(path, json={"receipt": receipt}), 403, "receipt-invalid")
    assert not service.sends.published


async def test_a_receipt_lasts_thirty_days(service: Service, http: httpx.AsyncClient) -> None:
    prepared = await _prepared(http)
    path = f"/v1/messages/{prepared['message_id']}/sent"
    service.clock[0] += timedelta(days=30) - timedelta(seconds=1)
    assert (await http.post(path, json={"receipt": prepared["receipt"]})).status_code == 202
    service.clock[0] += timedelta(seconds=1)
    _assert_problem(await http.post(path, json={"receipt": prepared["receipt"]}), 410, "receipt-expired")


# viewing


@pytest.mark.requirement("B4")
async def test_viewing_is_recorded_per_message_with_the_reps_address(
    service: Service, http: httpx.AsyncClient
) -> None:
    ids = [str(UUID(int=number)) for number in (1, 2, 2)]
    headers = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "Chrome/1"}
    answer = await http.post("/v1/viewing", json={"message_ids": ids}, headers=headers)
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2}
    events = [decode("email.hits", one.value) for one in service.broker.taken]
    assert all(isinstance(event, ViewingReported) for event in events)
    dumped = [event.model_dump() for event in events]
    assert [event["message_id"] for event in dumped] == [UUID(int=1), UUID(int=2)]
    assert {(event["user_id"], event["client_address"], event["user_agent"]) for event in dumped} == {
        (USER, "203.0.113.9", "Chrome/1")
    }


@pytest.mark.requirement("B4")
async def test_viewing_goes_to_the_spool_while_the_broker_is_away(
    service: Service, http: httpx.AsyncClient
) -> None:
    service.broker.away = True
    answer = await http.post("/v1/viewing", json={"message_ids": [str(UUID(int=1))]})
    assert answer.status_code == 202
    assert len(service.spool.records) == 1


@pytest.mark.parametrize("ids", [[], [str(UUID(int=number)) for number in range(201)], ["x"], None])
async def test_viewing_has_its_limits(http: httpx.AsyncClient, ids: object) -> None:
    _assert_problem(await http.post("/v1/viewing", json={"message_ids": ids}), 422, "invalid-request")


async def test_while_nothing_can_be_stored_the_api_says_so(service: Service, http: httpx.AsyncClient) -> None:
    prepared = await _prepared(http)
    service.broker.away = service.spool.full = True
    viewing = {"message_ids": [str(UUID(int=1))]}
    _assert_problem(await http.post("/v1/viewing", json=viewing), 503, "storage-full")
    _assert_problem(await http.post("/v1/messages", json=_mail()), 503, "storage-full")
    path = f"/v1/messages/{prepared['message_id']}/sent"
    answer = await http.post(path, json={"receipt": prepared["receipt"]})
    _assert_problem(answer, 503, "storage-full")
    assert answer.headers["retry-after"]


# every route

_ROUTES = [
    "/v1/messages",
    f"/v1/messages/{UUID(int=1)}/sent",
    f"/v1/messages/{UUID(int=1)}/scheduled",
    f"/v1/messages/{UUID(int=1)}/cancelled",
    "/v1/viewing",
    "/v1/replies",
]


async def test_what_is_over_the_quota_is_refused_before_anything_else_is_done(service: Service) -> None:
    async with service.client() as http, service.client("stranger") as other, service.client("") as nobody:
        for _ in range(PLENTIFUL):
            assert (await http.get("/v1/nothing")).status_code == 404
        refused = await http.post("/v1/messages", content=b"{" * (MAX_BODY_BYTES + 1))
        _assert_problem(refused, 429, "too-many-requests")
        assert refused.headers["retry-after"] == "2"
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert (await other.post("/v1/messages", json=_mail())).status_code == 201
        for _ in range(PLENTIFUL + 1):
            assert (await nobody.post("/v1/messages", json=_mail())).status_code == 401
    assert len(service.directory.asked) == 1


@pytest.mark.parametrize("path", _ROUTES)
async def test_nobody_unknown_gets_in(service: Service, path: str) -> None:
    for who, problem in (
        ("", "not-signed-in"),
        ("nonsense", "not-signed-in"),
        ("expired", "sign-in-expired"),
    ):
        async with service.client(who) as client:
            _assert_problem(await client.post(path, json={}), 401, problem)


@pytest.mark.parametrize("path", _ROUTES)
@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"a": nul}', b"[" * 100_000])
async def test_malformed_json_is_a_problem(http: httpx.AsyncClient, path: str, content: bytes) -> None:
    answer = await http.post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["type"] in (
        "urn:kaifu:problem:malformed-request",
        "urn:kaifu:problem:invalid-request",
    )


@pytest.mark.parametrize("path", _ROUTES)
async def test_an_oversized_body_is_refused_also_in_chunks(http: httpx.AsyncClient, path: str) -> None:
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b" " * (MAX_BODY_BYTES // 8)

    _assert_problem(await http.post(path, content=chunks()), 413, "too-large")
    assert read < 12, "no more is read than the limit"
    _assert_problem(await http.post(path, content=b" " * (MAX_BODY_BYTES + 1)), 413, "too-large")
    at_the_limit = await http.post(path, content=b" " * MAX_BODY_BYTES)
    assert at_the_limit.status_code in (400, 422)


async def test_every_answer_has_the_security_headers(http: httpx.AsyncClient) -> None:
    answers = [
        await http.post("/v1/messages", json=_mail()),
        await http.post("/v1/messages", content=b" " * (MAX_BODY_BYTES + 1)),
        await http.get("/nothing"),
        await http.get("/v1/messages"),
    ]
    assert [answer.status_code for answer in answers] == [201, 413, 404, 405]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers
    for answer in answers[1:]:
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_document_names_every_problem(service: Service) -> None:
    text = json.dumps(service.app.openapi())
    names = (
        "malformed-request not-signed-in sign-in-expired too-large invalid-request unavailable nothing-to-do "
        "too-many-recipients link-too-long link-not-trackable idempotency-key-reused sender-not-ours "
        "directory-unavailable storage-full receipt-invalid receipt-expired not-found broker-unavailable"
    )
    for name in names.split():
        assert f"urn:kaifu:problem:{name}" in text, name
