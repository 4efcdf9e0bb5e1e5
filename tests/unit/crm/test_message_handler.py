"""The handler of messages: how much it asks of the database at once."""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID, uuid4

import pytest

from services.crm.handlers import MESSAGES_AT_ONCE, Arrived, MessageHandler
from services.crm.model.failures import DatabaseAway
from services.crm.rules.files import MessageFile, Rewrite
from tests.unit.crm.made import sent


class SlowFiles:
    """Finishes no transaction of more than so many messages in time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.sizes: list[int] = []
        self.written: set[UUID] = set()

    async def rewrite(
        self,
        account_id: UUID,
        message_ids: Collection[UUID],
        rewriter: Callable[[Mapping[UUID, MessageFile]], Rewrite],
    ) -> None:
        """As services.crm.handlers.MessageFiles."""
        self.sizes.append(len(message_ids))
        if len(message_ids) > self.most:
            raise DatabaseAway("too slow")
        rewriter({})
        self.written |= set(message_ids)


def batch(count: int) -> list[Arrived]:
    return [(sent(message_id=uuid4()), ()) for _ in range(count)]


async def test_a_database_that_is_slow_gets_less_at_once_until_it_is_done() -> None:
    files, mails = SlowFiles(most=10), batch(60)
    handler = MessageHandler(files)
    for _ in range(50):  # as the consumer does: the same batch again
        try:
            await handler(mails)
        except DatabaseAway:
            continue
        break
    assert files.written == {event.message_id for event, _ in mails}
    files.most, files.sizes = MESSAGES_AT_ONCE, []
    for _ in range(5):
        await handler(batch(3 * MESSAGES_AT_ONCE))
    assert max(files.sizes) == MESSAGES_AT_ONCE, "with a fast one again it is as much as before"


async def test_a_database_that_is_away_is_asked_for_one_message_at_least() -> None:
    files, mails = SlowFiles(most=0), batch(5)
    handler = MessageHandler(files)
    for _ in range(10):
        with pytest.raises(DatabaseAway):
            await handler(mails)
    assert files.sizes[-1] == 1
