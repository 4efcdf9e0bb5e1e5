"""One event of email.sends in, its effects out."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.logger.handlers import SendHandler
from shared.bus.consumer import RetryLater
from shared.directory.contract import LogInputs, RecipientInput, TickedRecord
from shared.events.base import Event
from shared.events.log_decisions import LogDecided, LogOutcome, RecordType
from shared.events.notifications import NotificationKind, NotificationRaised
from shared.events.sends import MessageCancelled, MessageScheduled, MessageSent, SendEvent
from tests import sends

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def sending(kind: type[SendEvent], **more: object) -> SendEvent:
    return sends.sending(kind, NOW, NOW, **more)


class Directory:
    """crm with one answer; counts the questions."""

    def __init__(self, *, log_asked: bool = True, account_logging: bool = True, away: bool = False) -> None:
        self.asked: list[tuple[UUID, UUID]] = []
        self.away = away
        self._switches = {"log_asked": log_asked, "account_logging": account_logging}
        self._contact = uuid4()

    async def log_inputs(self, account_id: UUID, message_id: UUID) -> LogInputs:
        self.asked.append((account_id, message_id))
        if self.away:
            raise RetryLater("directory: away")
        return LogInputs(
            message_id=message_id,
            account_id=account_id,
            user_id=uuid4(),
            sender_is_ours=True,
            recipients=(RecipientInput(slot=0, contact_id=self._contact, never_logged_by=None),),
            ticked=(TickedRecord(record_type=RecordType.CONTACT, record_id=self._contact, exists=True),),
            **self._switches,
        )


class Published(list[Event]):
    async def __call__(self, events: Iterable[Event]) -> None:
        self.extend(events)


@pytest.mark.requirement("L13")
async def test_a_sent_mail_is_decided_on_under_an_id_that_a_repetition_shares() -> None:
    published, sent = Published(), sending(MessageSent)
    first = SendHandler(Directory(), published, lambda: NOW)
    second = SendHandler(Directory(), published, lambda: NOW + timedelta(seconds=9))
    await first(sent)
    await second(sent)
    assert [type(event) for event in published] == [LogDecided, LogDecided]
    assert published[0].event_id == published[1].event_id
    assert isinstance(published[0], LogDecided)
    assert (published[0].outcome, published[0].message_id) == (LogOutcome.LOGGED, sent.message_id)
    await first(sending(MessageSent))
    assert published[2].event_id != published[0].event_id


@pytest.mark.requirement("L13")
async def test_a_refusal_tells_the_rep_once_with_the_first_reason() -> None:
    published, sent = Published(), sending(MessageSent)
    handler = SendHandler(Directory(account_logging=False), published, lambda: NOW)
    await handler(sent)
    await handler(sent)
    decided, raised, _, again = published
    assert isinstance(raised, NotificationRaised)
    assert isinstance(decided, LogDecided)
    assert (raised.kind, raised.reason) == (NotificationKind.LOG_REFUSED, "account-logging-off")
    assert (raised.user_id, raised.message_id) == (sent.user_id, sent.message_id)
    assert (raised.event_id, decided.outcome) == (again.event_id, LogOutcome.NOT_LOGGED)


async def test_what_the_rep_did_not_ask_for_is_decided_silently() -> None:
    published = Published()
    await SendHandler(Directory(log_asked=False), published, lambda: NOW)(sending(MessageSent))
    assert [type(event) for event in published] == [LogDecided]


async def test_a_restored_old_mail_is_decided_on_and_raises_no_pop_up() -> None:
    published = Published()
    later = NOW + timedelta(days=400)
    await SendHandler(Directory(account_logging=False), published, lambda: later)(sending(MessageSent))
    assert [type(event) for event in published] == [LogDecided]


async def test_scheduled_and_cancelled_mails_are_no_matter_of_logging() -> None:
    published, directory = Published(), Directory()
    handler = SendHandler(directory, published, lambda: NOW)
    await handler(sending(MessageScheduled, send_at=NOW))
    await handler(sending(MessageCancelled))
    assert not published
    assert not directory.asked


async def test_while_crm_is_away_nothing_is_published() -> None:
    published = Published()
    with pytest.raises(RetryLater):
        await SendHandler(Directory(away=True), published, lambda: NOW)(sending(MessageSent))
    assert not published
