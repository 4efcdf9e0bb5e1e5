"""What may be asked of the send API, and what follows from the directory's decision."""

import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from services.ingest.messages import (
    MAX_LINK_BYTES,
    MAX_RECIPIENTS,
    PrepareRequest,
    ReplySeen,
    SentRequest,
    State,
)
from services.ingest.problems import LINK_NOT_TRACKABLE, LINK_TOO_LONG, NOTHING_TO_DO, TOO_MANY_RECIPIENTS
from shared.auth.tokens import SignedIn
from shared.directory.contract import Policy, PreparedMessage, Recipient, RecipientField
from shared.events.hits import ReplyReceived
from shared.events.ids import derived_id, new_id
from shared.http.problems import Problem
from shared.tokens.receipt import LIFETIME, Receipt

_BEFORE_ALL_MAIL = datetime(1970, 1, 1, tzinfo=UTC)


def check(request: PrepareRequest) -> None:
    """Raise the Problem of a request that can't be prepared."""
    if not (request.track or request.log):
        raise Problem(NOTHING_TO_DO, "Ask for tracking or logging, or make no request at all.")
    if len(request.to) + len(request.cc) + len(request.bcc) > MAX_RECIPIENTS:
        raise Problem(TOO_MANY_RECIPIENTS, f"To, Cc and Bcc may hold {MAX_RECIPIENTS} addresses together.")
    if request.track:
        for index, link in enumerate(request.links):
            _check_link(link, f"/body/links/{index}")


def _check_link(link: str, pointer: str) -> None:
    if len(link.encode()) > MAX_LINK_BYTES:
        raise Problem(LINK_TOO_LONG, f"Leave out links of more than {MAX_LINK_BYTES} bytes.", pointer=pointer)
    if not is_trackable(link):
        raise Problem(
            LINK_NOT_TRACKABLE,
            "Only http and https addresses without spaces or control characters.",
            pointer=pointer,
        )


def is_trackable(link: str) -> bool:
    """Whether a link may be rewritten: http or https, with a host, nothing that breaks a header."""
    scheme, separator, rest = link.partition("://")
    if not separator or scheme.lower() not in ("http", "https") or not rest or rest[0] in "/?#\\":
        return False
    return not any(char.isspace() or unicodedata.category(char) == "Cc" for char in link)


def message_id_for(who: SignedIn, idempotency_key: str | None) -> UUID:
    """The same key of the same user names the same message; without a key it is a new one."""
    if idempotency_key is None:
        return new_id()
    return derived_id("message", who.account_id, who.user_id, idempotency_key)


def to_directory(request: PrepareRequest, who: SignedIn, message_id: UUID, now: datetime) -> PreparedMessage:
    """The question to crm. Links go along only if they are to be tracked."""
    return PreparedMessage(
        message_id=message_id,
        account_id=who.account_id,
        user_id=who.user_id,
        source=request.source,
        from_address=request.from_.address,
        subject=request.subject,
        recipients=tuple(_recipients(request)),
        links=request.links if request.track else (),
        track=request.track,
        log=request.log,
        records=request.records,
        create_contacts=request.create_contacts,
        provider_thread_id=request.provider_thread_id,
        prepared_at=now,
        fingerprint=hashlib.sha256(request.model_dump_json(by_alias=True).encode()).hexdigest(),
        api_token_id=None if who.scopes is None else who.sign_in_id,
    )


def _recipients(request: PrepareRequest) -> Iterator[Recipient]:
    """Slots are counted over To, Cc, Bcc in this order."""
    lines = (
        (RecipientField.TO, request.to),
        (RecipientField.CC, request.cc),
        (RecipientField.BCC, request.bcc),
    )
    for field, mailboxes in lines:
        for mailbox in mailboxes:
            yield Recipient(address=mailbox.address, name=mailbox.name, field=field)


def receipt_for(message: PreparedMessage, policy: Policy) -> Receipt:
    """What the client gets to prove the decision with; the same for the same decision."""
    return Receipt(
        account_id=message.account_id,
        user_id=message.user_id,
        message_id=message.message_id,
        source=message.source,
        tracked=policy.tracked,
        logged=policy.logged,
        anonymous=policy.anonymous,
        recipient_count=len(message.recipients),
        link_count=len(message.links) if policy.tracked else 0,
        policy_version=policy.policy_version,
        prepared_at=policy.prepared_at,
        expires_at=policy.prepared_at + LIFETIME,
    )


def occurred_at(request: SentRequest, receipt: Receipt, now: datetime) -> datetime:
    """When it happened: as the client says, within what the server's own clock allows.

    A tracked mail can't have gone before it was prepared, since its pixel came of that. An untracked one
    can: written offline, it is prepared for the log when the client is back, within a receipt's lifetime.
    """
    earliest = receipt.prepared_at if receipt.tracked else receipt.prepared_at - LIFETIME
    return min(max(request.occurred_at or now, earliest), max(now, receipt.prepared_at))


def reply_received(who: SignedIn, seen: ReplySeen, now: datetime) -> ReplyReceived:
    """The event; its id follows from all that the client says, so that the same answer has one effect.

    The mail system's clock may be ahead of ours; what is older than any mail is no time to reckon with. Its
    times are kept to the millisecond, as Gmail has them and the archive.
    """
    said = seen.occurred_at.astimezone(UTC)
    came = min(max(said, _BEFORE_ALL_MAIL), now)
    whose = (who.account_id, who.user_id, seen.message_id, seen.slot)
    return ReplyReceived(
        event_id=derived_id("reply", *whose, seen.reply_id, said.isoformat()),
        occurred_at=now,
        replied_at=came.replace(microsecond=came.microsecond // 1000 * 1000),
        account_id=who.account_id,
        message_id=seen.message_id,
        user_id=who.user_id,
        slot=seen.slot,
    )


def send_event_id(message_id: UUID, state: State) -> UUID:
    """Repeating a call gives the same event: one effect."""
    return derived_id("sends", message_id, state)
