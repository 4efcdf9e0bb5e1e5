"""The activity feed: each rep's own, nobody else's (T3)."""

import asyncio
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.application.paging import DEFAULT_LIMIT, place_of
from services.crm.model.base import Page
from services.crm.model.engagements import Engagement
from services.crm.model.messages import FeedDetail, FeedRow, Message
from services.crm.model.notification_policies import MailMute
from services.crm.model.origins import LocatedEngagement
from services.crm.rules.feed import feed_row
from services.crm.rules.origins import Locate, located
from services.crm.store.hits import HitArchive
from services.crm.store.messages import Messages
from services.crm.store.notification_policies import MuteStore
from shared.http.problems import NOT_FOUND, Problem


class Feed:
    """Reads of the feed."""

    def __init__(
        self, messages: Messages, mutes: MuteStore, hits: HitArchive, locate: Locate, clock: Clock
    ) -> None:
        self._messages = messages
        self._mutes = mutes
        self._hits = hits
        self._locate = locate
        self._clock = clock

    async def page(
        self, account_id: UUID, user_id: UUID, after: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[FeedRow]:
        """Rows of one rep, newest mail first. `after`: `next` of the page before. Problem 422."""
        found = await self._messages.feed(account_id, user_id, place_of(after), limit)
        mutes = await self._mutes.mails(account_id, [message.id for message in found.items])
        return found.map(lambda message: _row(message, mutes.get(message.id)))

    async def row(self, account_id: UUID, user_id: UUID, message_id: UUID) -> FeedRow:
        """One row. Problem 404, also for another rep's mail."""
        message = await self._messages.get(account_id, message_id)
        if message is None or message.user_id != user_id or feed_row(message) is None:
            raise Problem(NOT_FOUND, "No such mail in your feed.")
        return _row(message, (await self._mutes.mails(account_id, [message_id])).get(message_id))

    async def detail(self, account_id: UUID, user_id: UUID, message_id: UUID) -> FeedDetail:
        """One row and each of its engagements. Problem 404."""
        row = await self.row(account_id, user_id, message_id)
        engagements = await self._messages.engagements(account_id, message_id)
        engagements = tuple(
            one.model_copy(update={"candidates": ()}) if row.anonymous or one.anonymous else one
            for one in engagements
        )
        return FeedDetail(**dict(row), engagements=await self._located(account_id, engagements, row))

    async def _located(
        self, account_id: UUID, engagements: tuple[Engagement, ...], row: FeedRow
    ) -> tuple[LocatedEngagement, ...]:
        """In a thread: agents that are long on purpose take milliseconds each."""
        sources = {}
        if not row.anonymous:
            sources = await self._hits.sources(account_id, {one.hit_id for one in engagements})
        return await asyncio.to_thread(
            located, engagements, sources, self._locate, self._clock(), anonymous=row.anonymous
        )


def _row(message: Message, mute: MailMute | None) -> FeedRow:
    row = feed_row(message)
    assert row is not None  # the feed's index holds only messages that have one
    if mute is None:
        return row
    return row.model_copy(update={"muted": mute.by_hand, "muted_slots": mute.slots})
