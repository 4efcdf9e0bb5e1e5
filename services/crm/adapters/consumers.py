"""crm's consumers: handlers on the bus.

Messages and hits are two groups, so that a long archive never delays a feed. Within the first, one
member gets the same partition of all three topics (range assignment over equally many partitions),
so that two processes rarely write the same message.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from services.crm.handlers import Arrived, HitHandler, MessageHandler
from services.crm.model.failures import DatabaseAway
from services.crm.store.hits import HitArchive
from services.crm.store.messages import Messages
from shared.bus.consumer import Delivered, EventConsumer, Handler, RetryLater
from shared.bus.dead_letters import DeadLetters
from shared.bus.producer import EventPublisher
from shared.events.catalogue import ENGAGEMENTS, HITS, LOG_DECISIONS, SENDS
from shared.health.progress import Progress
from shared.settings import KafkaSettings

MESSAGES_GROUP = "crm"
ARCHIVE_GROUP = "crm-archive"


def on_bus(handle: Callable[[Sequence[Arrived]], Awaitable[None]]) -> Handler:
    """The handler as the bus wants it: an absent database means that the batch comes again."""

    async def handler(batch: Sequence[Delivered]) -> None:
        try:
            await handle([(delivered.event, delivered.headers) for delivered in batch])
        except DatabaseAway as error:
            raise RetryLater(f"the database does not answer: {error}") from error

    return handler


def message_consumer(
    settings: KafkaSettings, messages: Messages, publisher: EventPublisher, progress: Progress
) -> EventConsumer:
    """email.sends, email.engagements and email.log-decisions into messages, feed and timelines."""
    return EventConsumer(
        settings,
        MESSAGES_GROUP,
        [SENDS, ENGAGEMENTS, LOG_DECISIONS],
        on_bus(MessageHandler(messages)),
        DeadLetters(publisher, MESSAGES_GROUP),
        progress,
        batch=200,
        gather_s=0.05,  # a feed that is 50 ms older is no older to a person
    )


def archive_consumer(
    settings: KafkaSettings, hits: HitArchive, kept: timedelta, publisher: EventPublisher, progress: Progress
) -> EventConsumer:
    """email.hits into the archive, by and by: nobody waits for it, and the database has better to do."""
    return EventConsumer(
        settings,
        ARCHIVE_GROUP,
        [HITS],
        on_bus(HitHandler(hits, kept)),
        DeadLetters(publisher, ARCHIVE_GROUP),
        progress,
        gather_s=0.5,
    )
