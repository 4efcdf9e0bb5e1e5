"""What each topic does to crm. Effects are keyed by ids, so a repeated or reordered event adds nothing."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from opentelemetry.trace import SpanKind

from services.crm.model.failures import DatabaseAway
from services.crm.rules.files import MessageEvent, MessageFile, Rewrite, difference, folded, unknown
from shared.events.base import Event
from shared.events.engagements import EngagementJudged
from shared.events.hits import AnyHitEvent, HitRecorded, HitRelated, ReplyReceived, ViewingReported
from shared.events.log_decisions import LogDecided
from shared.events.sends import SendEvent
from shared.telemetry.tracing import KafkaHeaders, context_from_kafka, is_sampled, span

MESSAGES_AT_ONCE = 100  # in one transaction at most: a few hundred writes, well under a second
Arrived = tuple[Event, KafkaHeaders]


class MessageFiles(Protocol):
    """The store of messages."""

    async def rewrite(
        self,
        account_id: UUID,
        message_ids: Collection[UUID],
        rewriter: Callable[[Mapping[UUID, MessageFile]], Rewrite],
    ) -> None:
        """Read, decide, write in one transaction. Raises DatabaseAway."""


class Archive(Protocol):
    """The store of raw hits."""

    async def archive(self, account_id: UUID, hits: Sequence[tuple[AnyHitEvent, timedelta]]) -> None:
        """Keep each for so long after it happened. Raises DatabaseAway."""


class MessageHandler:
    """email.sends, email.engagements, email.log-decisions: the life of messages.

    A database that is slow but there may never finish a large transaction in time, however often it is tried:
    after each failure half as many messages go into one, and after a whole batch twice as many again.
    """

    def __init__(self, files: MessageFiles) -> None:
        self._files = files
        self._at_once = MESSAGES_AT_ONCE

    async def __call__(self, batch: Sequence[Arrived]) -> None:
        """Fold a batch into the messages that it is about. Raises DatabaseAway."""
        with _in_their_traces(batch):
            for account_id, by_message in _by_account(batch).items():
                waiting = list(by_message)
                while waiting:
                    part = {id_: by_message[id_] for id_ in waiting[: self._at_once]}
                    await self._rewritten(account_id, part)
                    del waiting[: len(part)]
        self._at_once = min(MESSAGES_AT_ONCE, 2 * self._at_once)

    async def _rewritten(self, account_id: UUID, part: Mapping[UUID, Sequence[MessageEvent]]) -> None:
        try:
            await self._files.rewrite(account_id, part.keys(), _fold(account_id, part))
        except DatabaseAway:
            self._at_once = max(1, min(self._at_once, len(part)) // 2)
            raise


class HitHandler:
    """email.hits: the archive that replays read."""

    def __init__(self, archive: Archive, kept: timedelta) -> None:
        self._archive = archive
        self._kept = kept

    async def __call__(self, batch: Sequence[Arrived]) -> None:
        """Keep the raw hits. Raises DatabaseAway."""
        by_account: dict[UUID, list[tuple[AnyHitEvent, timedelta]]] = {}
        for event, _ in batch:
            if isinstance(event, HitRecorded | ViewingReported | HitRelated | ReplyReceived):
                by_account.setdefault(event.account_id, []).append((event, self._kept))
        for account_id, hits in by_account.items():
            await self._archive.archive(account_id, hits)


def _fold(
    account_id: UUID, events: Mapping[UUID, Sequence[MessageEvent]]
) -> Callable[[Mapping[UUID, MessageFile]], Rewrite]:
    def rewriter(files: Mapping[UUID, MessageFile]) -> Rewrite:
        changes = Rewrite()
        for message_id, causes in events.items():
            before = files.get(message_id)
            after = folded(before or unknown(causes[0]), *causes)
            changes += difference(account_id, before, after, causes)
        return changes

    return rewriter


def _by_account(batch: Sequence[Arrived]) -> dict[UUID, dict[UUID, list[MessageEvent]]]:
    accounts: dict[UUID, dict[UUID, list[MessageEvent]]] = {}
    for event, _ in batch:
        if isinstance(event, SendEvent | EngagementJudged | LogDecided):
            messages = accounts.setdefault(event.account_id, {})
            messages.setdefault(event.message_id, []).append(event)
    return accounts


@contextmanager
def _in_their_traces(batch: Sequence[Arrived]) -> Iterator[None]:
    """A span in each trace that the batch belongs to: it has many, and a span has one parent."""
    with ExitStack() as spans:
        for headers in dict.fromkeys(tuple(headers) for _, headers in batch if is_sampled(headers)):
            parent = context_from_kafka(headers)
            spans.enter_context(
                span("store engagements", kind=SpanKind.CONSUMER, parent=parent, events=len(batch))
            )
        yield
