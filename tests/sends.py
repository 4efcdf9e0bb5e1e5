"""A confirmed mail for tests: fresh ids, tracked and logged, one recipient."""

from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from shared.events.sends import MessageSent, SendEvent, Source

AnySend = TypeVar("AnySend", bound=SendEvent)


def sending(kind: type[AnySend], prepared_at: datetime, occurred_at: datetime, **more: object) -> AnySend:
    """An event of email.sends about a message of its own."""
    return kind(
        event_id=uuid4(),
        occurred_at=occurred_at,
        account_id=uuid4(),
        message_id=uuid4(),
        user_id=uuid4(),
        source=Source.GMAIL,
        tracked=True,
        logged=True,
        recipient_count=1,
        link_count=0,
        policy_version=1,
        prepared_at=prepared_at,
        **more,  # type: ignore[arg-type]
    )


def sent(prepared_at: datetime, occurred_at: datetime) -> MessageSent:
    """A confirmed mail."""
    return sending(MessageSent, prepared_at, occurred_at)
