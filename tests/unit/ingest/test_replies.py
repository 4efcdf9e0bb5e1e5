"""Answers that the rep's own Gmail saw come in: told once, about nobody, and durable as hits are (B7)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.ingest.api import create_api
from services.ingest.durability import Recorder
from services.ingest.handlers import SendApi
from services.ingest.revoked import Revoked
from shared.auth.tokens import Role, SignedIn
from shared.events.codec import decode
from shared.events.hits import ReplyReceived
from shared.events.revocations import RevocationScope, TrackingRestored, TrackingRevoked
from shared.health.progress import Progress
from tests.unit.ingest.builders import ACCOUNT, MESSAGE, FakeBroker, FakeSpool, ring

pytestmark = pytest.mark.requirement("B7")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
USERS = {"Bearer rep": UUID(int=1), "Bearer colleague": UUID(int=2)}
CAME = "2026-11-24T08:30:00.250+00:00"


@dataclass
class Service:
    """The API over fakes. `now` moves its clock."""

    http: httpx.AsyncClient
    broker: FakeBroker
    spool: FakeSpool
    revoked: Revoked
    now: list[datetime] = field(default_factory=lambda: [NOW])

    async def tell(self, *replies: dict[str, Any], who: str = "rep") -> httpx.Response:
        """Post answers."""
        headers = {"Authorization": f"Bearer {who}"}
        return await self.http.post("/v1/replies", json={"replies": replies}, headers=headers)

    def told(self) -> list[ReplyReceived]:
        """What went to the broker."""
        events = [decode("email.hits", record.value) for record in self.broker.taken]
        assert all(record.key == str(MESSAGE).encode() for record in self.broker.taken)
        return [event for event in events if isinstance(event, ReplyReceived)]


async def _authenticate(authorization: str | None) -> SignedIn:
    return SignedIn(USERS[authorization or ""], ACCOUNT, Role.REP, UUID(int=9), NOW + timedelta(minutes=10))


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    keys, broker, spool, revoked = ring(tmp_path), FakeBroker(), FakeSpool(), Revoked()
    recorder = Recorder(broker, spool, Progress(60.0), within_s=1.0)
    nobody: Any = None  # neither the directory nor email.sends is asked for an answer
    clock = [NOW]
    use_cases = SendApi(nobody, nobody, recorder, keys, keys, "https://t.example", revoked, lambda: clock[0])
    transport = httpx.ASGITransport(create_api(use_cases, _authenticate, lambda _: None))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        yield Service(http, broker, spool, revoked, clock)


def reply(**more: Any) -> dict[str, Any]:
    return {"message_id": str(MESSAGE), "reply_id": "1a2b", "occurred_at": CAME} | more


async def test_the_event_says_when_and_which_recipient_and_no_more(service: Service) -> None:
    answer = await service.tell(reply(slot=1, reply_id="<a-b@mail.recipient.example>"))
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    [event] = service.told()
    assert (event.replied_at, event.occurred_at) == (datetime.fromisoformat(CAME), NOW)
    assert (event.slot, event.user_id) == (1, UUID(int=1))
    assert b"recipient.example" not in service.broker.taken[0].value


async def test_the_same_answer_is_the_same_event_whoever_tells_it_and_however_often(service: Service) -> None:
    """Also an answer whose time is ahead of ours. When it was told differs: that is its place."""
    for said in (CAME, "2026-11-24T09:30:00+00:00", "2026-11-24T10:30:00+01:00"):
        await service.tell(reply(occurred_at=said), reply(occurred_at=said))
        service.now[0] += timedelta(hours=1)
        await service.tell(reply(occurred_at=said))
    first, again, *ahead = service.told()
    assert first.event_id == again.event_id
    assert again.occurred_at - first.occurred_at == timedelta(hours=1)
    assert len({event.event_id for event in ahead}) == 1


async def test_what_differs_is_another_event(service: Service) -> None:
    later = reply(occurred_at="2026-11-24T08:31:00Z")
    await service.tell(reply(), reply(slot=0), reply(slot=1), reply(reply_id="other"), later)
    await service.tell(reply(), who="colleague")
    told = service.told()
    assert len({event.event_id for event in told}) == len(told) == 6


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("2026-11-24T09:00:03Z", NOW),
        ("9999-12-31T23:59:59Z", NOW),
        ("2026-11-24T08:30:00.123987Z", datetime(2026, 11, 24, 8, 30, 0, 123000, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
async def test_its_time_is_one_that_can_be_reckoned_with(
    service: Service, said: str, taken: datetime
) -> None:
    assert (await service.tell(reply(occurred_at=said))).status_code == 202
    assert [event.replied_at for event in service.told()] == [taken]


@pytest.mark.requirement("P4", "A4")
@pytest.mark.parametrize("scope", list(RevocationScope))
async def test_of_what_is_no_longer_tracked_nothing_is_recorded(
    service: Service, scope: RevocationScope
) -> None:
    about: dict[str, Any] = {
        "event_id": UUID(int=3),
        "occurred_at": NOW,
        "account_id": ACCOUNT,
        "scope": scope,
        "subject_id": ACCOUNT if scope is RevocationScope.ACCOUNT else MESSAGE,
    }
    service.revoked.apply(TrackingRevoked(**about, reason="legal_basis_withdrawn"))
    assert (await service.tell(reply())).json() == {"accepted": 0}
    assert service.broker.taken == []
    service.revoked.apply(TrackingRestored(**about))
    assert (await service.tell(reply())).json() == {"accepted": 1}


async def test_it_goes_to_the_spool_while_the_broker_is_away(service: Service) -> None:
    service.broker.away = True
    assert (await service.tell(reply())).status_code == 202
    assert len(service.spool.records) == 1
    service.spool.full = True
    assert (await service.tell(reply())).json()["type"] == "urn:kaifu:problem:storage-full"


@pytest.mark.parametrize(
    "wrong",
    [
        {"slot": -1},
        {"slot": 500},
        {"slot": True},
        {"slot": "1"},
        {"reply_id": ""},
        {"reply_id": "x" * 201},
        {"occurred_at": None},
        {"occurred_at": 1_700_000_000},
        {"occurred_at": "2026-11-24T09:00:00"},
        {"message_id": "x"},
        {"address": "ann@recipient.example"},
    ],
)
async def test_bad_input_is_refused_as_a_whole(service: Service, wrong: dict[str, Any]) -> None:
    assert (await service.tell(reply(), reply(**wrong))).status_code == 422
    assert service.broker.taken == []


@pytest.mark.parametrize("count", [0, 201])
async def test_so_many_at_once(service: Service, count: int) -> None:
    assert (await service.tell(*[reply() for _ in range(count)])).status_code == 422
