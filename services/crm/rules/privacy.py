"""Mail that is already sent and the legal bases of its recipients as they are now (P1, P3, P4). Pure."""

from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from uuid import UUID

from services.crm.model.accounts import Account
from services.crm.model.messages import Message
from shared.events.ids import derived_id
from shared.events.revocations import RevocationEvent, RevocationScope, TrackingRestored, TrackingRevoked


def may_be_tracked(account: Account, message: Message, eligible: Set[UUID]) -> bool:
    """Whether hits of a tracked mail may be recorded. `eligible`: contacts with a legal basis.

    A mail to several that was not prepared as anonymous names its readers, so each of them needs a basis.
    """
    if not account.settings.data_privacy or message.draft is None:
        return True
    based = [to.contact_id in eligible for to in message.draft.recipients]
    return any(based) if message.anonymous else bool(based) and all(based)


def revocations(
    account: Account,
    messages: Iterable[Message],
    eligible: Set[UUID],
    last: Mapping[UUID, RevocationEvent],
    cause: tuple[UUID, datetime],
) -> Iterable[RevocationEvent]:
    """What is to be said so that each message is tracked exactly if it may be. `last`: the last word on each;
    one for another reason than a legal basis is not lifted here. `cause`: its id and time."""
    for message in messages:
        said = last.get(message.id)
        revoked = isinstance(said, TrackingRevoked)
        ours = isinstance(said, TrackingRevoked) and said.reason == "legal_basis_withdrawn"
        allowed = may_be_tracked(account, message, eligible)
        if not allowed and not revoked:
            yield _revoked(account.id, message.id, cause)
        elif allowed and ours:
            yield _restored(account.id, message.id, cause)


def _revoked(account_id: UUID, message_id: UUID, cause: tuple[UUID, datetime]) -> TrackingRevoked:
    return TrackingRevoked(
        event_id=derived_id("tracking-revoked", message_id, cause[0]),
        occurred_at=cause[1],
        account_id=account_id,
        scope=RevocationScope.MESSAGE,
        subject_id=message_id,
        reason="legal_basis_withdrawn",
    )


def _restored(account_id: UUID, message_id: UUID, cause: tuple[UUID, datetime]) -> TrackingRestored:
    return TrackingRestored(
        event_id=derived_id("tracking-restored", message_id, cause[0]),
        occurred_at=cause[1],
        account_id=account_id,
        scope=RevocationScope.MESSAGE,
        subject_id=message_id,
    )
