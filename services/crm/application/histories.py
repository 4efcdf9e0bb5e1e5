"""What is archived of messages beside how they are judged: the source of `kaifu replay`."""

from collections.abc import Sequence
from uuid import UUID

from services.crm.model.engagements import Engagement
from services.crm.model.messages import Message
from services.crm.problems import INVALID_CURSOR
from services.crm.rules.files import last_send
from services.crm.store.hits import HitArchive
from services.crm.store.messages import Messages
from services.crm.store.upkeep import Upkeep
from shared.directory.histories import (
    MOST_HITS,
    HistoriesAsked,
    HistoryExtent,
    MessageHistory,
    PageEnd,
    parted,
    place_of,
)
from shared.events.engagements import EngagementJudged
from shared.events.hits import AnyHitEvent, HitRecorded, ReplyReceived
from shared.events.ids import derived_id
from shared.http.problems import Problem

_MESSAGES_AT_ONCE = 100


class Histories:
    """Reads, and writes nothing."""

    def __init__(self, messages: Messages, hits: HitArchive, upkeep: Upkeep) -> None:
        self._messages = messages
        self._hits = hits
        self._upkeep = upkeep

    async def extent(self, asked: HistoriesAsked) -> HistoryExtent:
        """How much there is to look at. Raises DatabaseAway."""
        count, oldest, account_id = 0, None, await self._first_account(asked)
        while account_id is not None:
            count += 1 if asked.message_id else await self._messages.tracked_count(account_id)
            first = await self._hits.oldest(account_id)
            oldest = min((one for one in (oldest, first) if one is not None), default=None)
            account_id = await self._account_after(asked, account_id)
        return HistoryExtent(messages=count, since=oldest)

    async def page(self, asked: HistoriesAsked, after: str | None) -> tuple[list[MessageHistory], PageEnd]:
        """Some messages behind a place, of one account. Problem 422 if it is none. Raises DatabaseAway."""
        account_id, last = await self._begin(asked, after)
        if account_id is None:
            return [], PageEnd(next=None, looked_at=0)
        messages = await self._some(account_id, asked.message_id, last)
        messages, hits = await self._with_hits(account_id, messages)
        found = await self._histories(account_id, asked, messages, hits)
        if messages and asked.message_id is None:
            following: str | None = place_of(account_id, messages[-1].id)
        else:
            another = await self._account_after(asked, account_id)
            following = place_of(another, None) if another else None
        return found, PageEnd(next=following, looked_at=len(messages))

    async def _begin(self, asked: HistoriesAsked, after: str | None) -> tuple[UUID | None, UUID | None]:
        if after is None:
            return await self._first_account(asked), None
        try:
            return parted(after)
        except ValueError:
            raise Problem(INVALID_CURSOR, "Begin again without `after`.") from None

    async def _first_account(self, asked: HistoriesAsked) -> UUID | None:
        return asked.account_id or await self._upkeep.account_after(None)

    async def _account_after(self, asked: HistoriesAsked, account_id: UUID) -> UUID | None:
        return None if asked.account_id else await self._upkeep.account_after(account_id)

    async def _some(self, account_id: UUID, message_id: UUID | None, last: UUID | None) -> list[Message]:
        if message_id is None:
            return await self._messages.tracked(account_id, None, last, _MESSAGES_AT_ONCE)
        found = await self._messages.get(account_id, message_id) if last != message_id else None
        return [found] if found is not None and found.tracked else []

    async def _with_hits(
        self, account_id: UUID, messages: list[Message]
    ) -> tuple[list[Message], list[AnyHitEvent] | None]:
        """As many of the messages as have no more than MOST_HITS together; None: one alone has more."""
        while True:
            ids = [message.id for message in messages]
            hits = await self._hits.of_messages(account_id, ids, MOST_HITS + 1)
            if len(hits) <= MOST_HITS:
                return messages, hits
            if len(messages) == 1:
                return messages, None
            messages = messages[: len(messages) // 2]

    async def _histories(
        self, account_id: UUID, asked: HistoriesAsked, messages: list[Message], hits: list[AnyHitEvent] | None
    ) -> list[MessageHistory]:
        facts: dict[UUID, list[AnyHitEvent]] = {}
        for hit in hits or ():
            facts.setdefault(hit.message_id, []).append(hit)
        wanted = [one for one in messages if hits is None or _is_wanted(asked, facts.get(one.id, ()))]
        standing: dict[UUID, list[EngagementJudged]] = {}
        for one in await self._messages.all_engagements(account_id, [message.id for message in wanted]):
            standing.setdefault(one.message_id, []).append(_judged(account_id, one))
        return [
            MessageHistory(
                account_id=account_id,
                message_id=message.id,
                send=send,
                facts=tuple(facts.get(message.id, ())),
                standing=tuple(standing.get(message.id, ())),
                whole=hits is not None,
            )
            for message in wanted
            if (send := last_send(message)) is not None
        ]


def _is_wanted(asked: HistoriesAsked, facts: Sequence[AnyHitEvent]) -> bool:
    return asked.message_id is not None or any(
        isinstance(fact, HitRecorded | ReplyReceived) and asked.since <= fact.occurred_at < asked.until
        for fact in facts
    )


def _judged(account_id: UUID, engagement: Engagement) -> EngagementJudged:
    told = Engagement.model_fields.keys() & EngagementJudged.model_fields.keys()
    fields = {name: getattr(engagement, name) for name in told}
    return EngagementJudged(
        event_id=derived_id("standing", engagement.id, engagement.revision),
        account_id=account_id,
        engagement_id=engagement.id,
        **fields,
    )
