"""What the send API does: prepare a mail, report its state, report viewing and replies."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.ingest import rules
from services.ingest.messages import (
    Accepted,
    Prepared,
    PrepareRequest,
    RepliesAccepted,
    RepliesRequest,
    ScheduledRequest,
    SentRequest,
    State,
    TrackedLink,
    ViewingAccepted,
    ViewingRequest,
)
from services.ingest.model import Door, Durability, Record
from services.ingest.problems import RECEIPT_EXPIRED, RECEIPT_INVALID, STORAGE_FULL
from services.ingest.revoked import Revoked
from shared.auth.tokens import SignedIn
from shared.directory.contract import Policy, PreparedMessage
from shared.events.codec import encode
from shared.events.hits import ViewingReported
from shared.events.ids import new_id
from shared.events.sends import MessageCancelled, MessageScheduled, MessageSent, SendEvent
from shared.http.problems import NOT_FOUND, Problem
from shared.telemetry.names import PREPARED
from shared.telemetry.tracing import KafkaHeaders
from shared.tokens.keyring import KeyRing
from shared.tokens.receipt import Receipt, ReceiptExpired, open_receipt, seal_receipt
from shared.tokens.sealing import BadToken
from shared.tokens.tracking import LinkToken, PixelToken, seal_link, seal_pixel

Headers = tuple[tuple[str, bytes], ...]


class Directory(Protocol):
    """crm, which decides and records. Raises Problem."""

    async def prepare(self, message: PreparedMessage) -> Policy:
        """The decision on this message; the first one for its id stands."""


class SendPublisher(Protocol):
    """email.sends. Raises Problem when the broker did not acknowledge."""

    async def publish(self, event: SendEvent, headers: KafkaHeaders) -> None:
        """Return once the broker has it."""


class HitRecorder(Protocol):
    """email.hits, by way of the spool if need be."""

    @property
    def writable(self) -> bool:
        """Whether there is room for what the broker does not take."""

    async def record(self, records: Sequence[Record]) -> Durability:
        """Make them durable together."""


class SendApi:
    """The send API's use cases. `tracking_url`: the origin that stands in the mails."""

    def __init__(
        self,
        directory: Directory,
        publisher: SendPublisher,
        recorder: HitRecorder,
        tracking_ring: KeyRing,
        receipt_ring: KeyRing,
        tracking_url: str,
        revoked: Revoked,
        clock: Callable[[], datetime],
    ) -> None:
        self._directory = directory
        self._publisher = publisher
        self._recorder = recorder
        self._tracking_ring = tracking_ring
        self._receipt_ring = receipt_ring
        self._tracking_url = tracking_url.rstrip("/")
        self._revoked = revoked
        self._clock = clock

    async def prepare(self, who: SignedIn, request: PrepareRequest, idempotency_key: str | None) -> Prepared:
        """Decide, record, seal. Raises Problem."""
        rules.check(request)
        self._need_room()
        message_id = rules.message_id_for(who, idempotency_key)
        message = rules.to_directory(request, who, message_id, self._clock())
        policy = await self._directory.prepare(message)
        PREPARED.labels(str(policy.tracked).lower(), str(policy.logged).lower()).inc()
        receipt = rules.receipt_for(message, policy)
        return Prepared(
            message_id=message_id,
            receipt=seal_receipt(self._receipt_ring, receipt),
            tracked=policy.tracked,
            untracked_reason=policy.untracked_reason,
            logged=policy.logged,
            unlogged_reason=policy.unlogged_reason,
            anonymous=policy.anonymous,
            pixel_url=self._pixel_url(receipt) if policy.tracked else None,
            links=self._tracked_links(receipt, message.links) if policy.tracked else (),
            policy_version=policy.policy_version,
            prepared_at=policy.prepared_at,
        )

    async def sent(
        self, who: SignedIn, message_id: UUID, request: SentRequest, headers: KafkaHeaders
    ) -> Accepted:
        """The mail went out. Raises Problem."""
        receipt = self._receipt(who, message_id, request.receipt)
        event = MessageSent.model_validate(self._state(receipt, request, "sent"))
        return await self._publish(event, "sent", headers)

    async def cancelled(
        self, who: SignedIn, message_id: UUID, request: SentRequest, headers: KafkaHeaders
    ) -> Accepted:
        """The mail will not go out. Raises Problem."""
        receipt = self._receipt(who, message_id, request.receipt)
        event = MessageCancelled.model_validate(self._state(receipt, request, "cancelled"))
        return await self._publish(event, "cancelled", headers)

    async def scheduled(
        self, who: SignedIn, message_id: UUID, request: ScheduledRequest, headers: KafkaHeaders
    ) -> Accepted:
        """The mail goes out later. Raises Problem."""
        receipt = self._receipt(who, message_id, request.receipt)
        state = self._state(receipt, request, "scheduled") | {"send_at": request.send_at}
        return await self._publish(MessageScheduled.model_validate(state), "scheduled", headers)

    async def viewing(
        self,
        who: SignedIn,
        request: ViewingRequest,
        client_address: str | None,
        user_agent: str,
        headers: Headers,
    ) -> ViewingAccepted:
        """The rep sees these messages. Raises Problem."""
        now = self._clock()
        records = []
        for message_id in dict.fromkeys(request.message_ids):
            event = ViewingReported(
                event_id=new_id(),
                occurred_at=now,
                account_id=who.account_id,
                message_id=message_id,
                user_id=who.user_id,
                client_address=client_address,
                user_agent=user_agent,
            )
            records.append(Record(Door.VIEWING, event.key().encode(), encode(event), headers))
        await self._record(records)
        return ViewingAccepted(accepted=len(records))

    async def replies(self, who: SignedIn, request: RepliesRequest, headers: Headers) -> RepliesAccepted:
        """These mails were answered. Of what is no longer tracked nothing is recorded. Raises Problem."""
        now = self._clock()
        events = {
            event.event_id: event
            for event in (rules.reply_received(who, seen, now) for seen in request.replies)
            if not self._revoked.covers(str(who.account_id).encode(), str(event.message_id).encode())
        }
        records = [
            Record(Door.REPLY, event.key().encode(), encode(event), headers) for event in events.values()
        ]
        await self._record(records)
        return RepliesAccepted(accepted=len(records))

    async def _record(self, records: Sequence[Record]) -> None:
        if await self._recorder.record(records) is Durability.LOST:
            raise _no_room()

    def _pixel_url(self, receipt: Receipt) -> str:
        token = seal_pixel(self._tracking_ring, PixelToken(receipt.account_id, receipt.message_id))
        return f"{self._tracking_url}/o/{token}.gif"

    def _tracked_links(self, receipt: Receipt, links: Sequence[str]) -> tuple[TrackedLink, ...]:
        tracked = []
        for index, url in enumerate(links):
            link = LinkToken(receipt.account_id, receipt.message_id, None, index, url.encode())
            token = seal_link(self._tracking_ring, link)
            tracked.append(TrackedLink(url=url, tracked_url=f"{self._tracking_url}/c/{token}"))
        return tuple(tracked)

    def _receipt(self, who: SignedIn, message_id: UUID, sealed: str) -> Receipt:
        try:
            receipt = open_receipt(self._receipt_ring, sealed, self._clock())
        except BadToken:
            raise Problem(RECEIPT_INVALID, "Send the receipt that prepare answered.") from None
        except ReceiptExpired:
            raise Problem(RECEIPT_EXPIRED, "A receipt lasts 30 days.") from None
        if (receipt.account_id, receipt.user_id) != (who.account_id, who.user_id):
            raise Problem(RECEIPT_INVALID, "The receipt was given to somebody else.")
        if receipt.message_id != message_id:
            raise Problem(NOT_FOUND, "The receipt is not for this message.")
        return receipt

    def _state(self, receipt: Receipt, request: SentRequest, state: State) -> dict[str, object]:
        return {
            "event_id": rules.send_event_id(receipt.message_id, state),
            "occurred_at": rules.occurred_at(request, receipt, self._clock()),
            **receipt.model_dump(exclude={"expires_at"}),
            "provider_message_id": request.provider_message_id,
            "provider_thread_id": request.provider_thread_id,
        }

    async def _publish(self, event: SendEvent, state: State, headers: KafkaHeaders) -> Accepted:
        self._need_room()
        await self._publisher.publish(event, headers)
        return Accepted(message_id=event.message_id, state=state)

    def _need_room(self) -> None:
        if not self._recorder.writable:
            raise _no_room()


def _no_room() -> Problem:
    return Problem(STORAGE_FULL, "The operator has been alarmed; try again.", headers={"Retry-After": "30"})
