"""The bytes of a hit are those of its event."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.model import EVIDENCE_HEADERS, Door
from services.ingest.rules_hit import Moments, hit_record, opened_token
from shared.events.codec import decode, encode
from shared.events.hits import MAX_HEADER, MAX_USER_AGENT, Endpoint, HitRecorded

_NAMES = st.sampled_from([name.encode() for name in (*EVIDENCE_HEADERS, "user-agent", "cookie")])
_HEADERS = st.dictionaries(_NAMES, st.binary(max_size=600))


@pytest.mark.requirement("T2")
@given(
    account=st.uuids(),
    message=st.uuids(),
    slot=st.none() | st.integers(0, 0xFFFE),
    link=st.none() | st.integers(0, 0xFFFF),
    method=st.sampled_from(["GET", "HEAD"]),
    address=st.none() | st.ip_addresses().map(str),
    headers=_HEADERS,
    now_ns=st.integers(1_600_000_000_000_000_000, 4_000_000_000_000_000_000),
)
def test_the_model_reads_the_same_event_and_writes_the_same_bytes(
    account: UUID,
    message: UUID,
    slot: int | None,
    link: int | None,
    method: str,
    address: str | None,
    headers: dict[bytes, bytes],
    now_ns: int,
) -> None:
    door = Door.PIXEL if link is None else Door.LINK
    content = account.bytes + message.bytes + (0xFFFF if slot is None else slot).to_bytes(2)
    if link is not None:
        content += link.to_bytes(2) + b"https://example.com/"
    record = hit_record(
        door, opened_token(door, content), Moments().text(now_ns), method.encode(), address, headers
    )

    event = decode("email.hits", record.value)
    assert isinstance(event, HitRecorded)
    assert HitRecorded.model_validate_json(record.value) == event, "no field too many"
    assert (event.account_id, event.message_id, event.slot, event.link_index) == (
        account,
        message,
        slot,
        link,
    )
    assert event.endpoint is (Endpoint.PIXEL if link is None else Endpoint.LINK)
    assert (event.method, event.client_address) == (method, address)
    assert event.occurred_at.timestamp() == pytest.approx(now_ns / 1e9, abs=2e-6)
    assert event.user_agent == headers.get(b"user-agent", b"").decode("utf-8", "replace")[:MAX_USER_AGENT]
    kept = {name: value for name, value in headers.items() if name not in (b"user-agent", b"cookie")}
    assert event.headers == {
        name.decode(): value.decode("utf-8", "replace")[:MAX_HEADER] for name, value in kept.items()
    }
    assert record.key.decode() == event.key()
    if now_ns // 1000 % 1_000_000:  # pydantic leaves out a fraction of zero
        assert encode(event) == record.value


def test_every_hit_has_an_id_of_its_own() -> None:
    token = opened_token(Door.PIXEL, bytes(34))
    records = [hit_record(Door.PIXEL, token, Moments().text(0), b"GET", None, {}) for _ in range(100)]
    ids = {decode("email.hits", record.value).event_id for record in records}
    assert len(ids) == 100
    assert {event_id.version for event_id in ids} == {7}
