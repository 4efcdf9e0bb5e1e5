"""Mails as crm gets to know them: prepared, then the events of each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.crm.model.messages import Draft, Message, MessageRecipient
from shared.directory.contract import RecipientField
from shared.events.base import Event
from shared.events.engagements import EngagementJudged, EngagementKind, Evidence, Verdict
from shared.events.hits import Endpoint, HitRecorded
from shared.events.ids import derived_id, new_id
from shared.events.log_decisions import LogDecided, LogOutcome, Reason, RecordOutcome, RecordType
from shared.events.sends import MessageSent, Source

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EVENTS = {"sends": 1, "decisions": 1, "hits": 4, "engagements": 4}  # of each mail
_VERSION = "2026.11.1"
_ASKED = Reason(rule="message.asked")


def prepared(count: int) -> list[Message]:
    """Mails of one rep to one contact each, tracked and logged, not yet sent."""
    user = new_id()
    return [Message(id=new_id(), user_id=user, draft=_draft(number), tracked=True) for number in range(count)]


def _draft(number: int) -> Draft:
    to = MessageRecipient(
        slot=0, address=f"r{number}@recipient.example", name=f"Recipient {number}",
        field=RecipientField.TO, contact_id=new_id(),
    )  # fmt: skip
    return Draft(
        source=Source.GMAIL, from_address="rep@kaifu.example", subject=f"Offer {number}", recipients=(to,),
        links=("https://example.org/offer",), records=(), create_contacts=(), fingerprint=f"{number:064x}",
        track_asked=True, log_asked=True, tracked=True, untracked_reason=None, logged=True,
        unlogged_reason=None, anonymous=False, policy_version=1, prepared_at=datetime.now(UTC),
    )  # fmt: skip


def events(account_id: UUID, messages: Sequence[Message]) -> list[Event]:
    """All of them, in the order in which they happen: sent, logged, then opened and clicked."""
    hits = [hit for message in messages for hit in _hits(account_id, message)]
    return [
        *(_sent(account_id, message) for message in messages),
        *(_decided(account_id, message) for message in messages),
        *hits,
        *(_judged(hit, message) for hit, message in zip(hits, _each(messages), strict=True)),
    ]


def _each(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages for _ in range(EVENTS["hits"])]


def _sent(account_id: UUID, message: Message) -> MessageSent:
    now = datetime.now(UTC)
    return MessageSent(
        event_id=new_id(), occurred_at=now, account_id=account_id, message_id=message.id,
        user_id=message.user_id, source=Source.GMAIL, tracked=True, logged=True, recipient_count=1,
        link_count=1, policy_version=1, prepared_at=now,
    )  # fmt: skip


def _decided(account_id: UUID, message: Message) -> LogDecided:
    assert message.draft is not None
    contact_id = message.draft.recipients[0].contact_id
    assert contact_id is not None
    on = RecordOutcome(
        record_type=RecordType.CONTACT, record_id=contact_id, outcome=LogOutcome.LOGGED, reasons=(_ASKED,)
    )
    return LogDecided(
        event_id=new_id(), occurred_at=datetime.now(UTC), account_id=account_id, message_id=message.id,
        user_id=message.user_id, outcome=LogOutcome.LOGGED, reasons=(_ASKED,), records=(on,),
        ruleset_version=_VERSION,
    )  # fmt: skip


def _hits(account_id: UUID, message: Message) -> list[HitRecorded]:
    """Opens an hour apart, the last one with a click."""
    count = EVENTS["hits"]
    return [
        HitRecorded(
            event_id=new_id(), occurred_at=datetime.now(UTC) + timedelta(hours=number),
            account_id=account_id, message_id=message.id, method="GET", slot=0, user_agent=AGENT,
            endpoint=Endpoint.LINK if number == count - 1 else Endpoint.PIXEL,
            link_index=0 if number == count - 1 else None, client_address="203.0.113.77",
        )
        for number in range(count)
    ]  # fmt: skip


def _judged(hit: HitRecorded, message: Message) -> EngagementJudged:
    is_open = hit.endpoint is Endpoint.PIXEL
    kind = EngagementKind.OPEN if is_open else EngagementKind.CLICK
    engagement_id = derived_id("engagement", hit.event_id, kind)
    return EngagementJudged(
        event_id=new_id(), occurred_at=hit.occurred_at, account_id=hit.account_id,
        engagement_id=engagement_id, message_id=message.id, user_id=message.user_id, hit_id=hit.event_id,
        kind=kind, verdict=Verdict.HUMAN, confidence=0.6, ruleset_version=_VERSION,
        evidence=(Evidence(rule="default.open" if is_open else "default.click"),
                  Evidence(rule="timing.after-send", values={"seconds": 7})),
        session_id=derived_id("session", engagement_id), first=False, candidates=(0,),
        link_index=hit.link_index,
    )  # fmt: skip
