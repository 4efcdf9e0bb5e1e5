"""Retention (A6): bodies, attachments and raw hits go when they are older than the account keeps them.

Each step finds what is still there and too old: a stop loses nothing, and doing it twice changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.application.roles import Roles
from services.crm.model.audit import AuditValue
from services.crm.model.retention import Retention, RetentionCount
from services.crm.rules.files import MessageFile, Rewrite
from services.crm.rules.retention import LONGEST_MONTHS, emptied, months_before
from services.crm.store.database import Database, Session
from services.crm.store.hits import HitArchive
from services.crm.store.messages import Messages
from services.crm.store.retention import RetentionQueue, Retentions
from shared.auth.tokens import SignedIn
from shared.http.problems import INVALID, Problem

LOOK_EVERY = timedelta(hours=24)
_TURN = timedelta(seconds=2)  # between two pieces of an account, for others and for who reads
_MAILS_AT_ONCE = 100
_HITS_AT_ONCE = 1000


class RetentionBook:
    """The setting, and what follows from it."""

    def __init__(
        self,
        database: Database,
        stores: tuple[Retentions, RetentionQueue, Messages, HitArchive, Auditor],
        roles: Roles,
        clock: Clock,
    ) -> None:
        self._database = database
        self._retentions, self._queue, self._messages, self._hits, self._auditor = stores
        self._roles = roles
        self._clock = clock

    async def months(self, who: SignedIn) -> int | None:
        """How long the account keeps content; None: for ever. Problem 403."""
        await self._roles.need_super_admin(who)
        found = await self._retentions.get(who.account_id)
        return found.months if found else None

    async def count(self, who: SignedIn, months: int) -> RetentionCount:
        """What that setting would delete now; nothing is changed. Problem 403, 422."""
        await self._roles.need_super_admin(who)
        before = self._before(months)
        bodies, with_attachments = await self._messages.old_content_count(who.account_id, before)
        hits = await self._hits.count_before(who.account_id, before)
        return RetentionCount(
            before=before, bodies=bodies, mails_with_attachments=with_attachments, hits=hits
        )

    async def change(self, who: SignedIn, months: int | None) -> None:
        """Another setting, from now on; what is as it was changes nothing. Problem 403, 422."""
        await self._roles.need_super_admin(who)
        if months is not None:
            self._before(months)
        now = self._clock()

        async def body(session: Session) -> None:
            known = await self._retentions.get(who.account_id, session)
            if (known.months if known else None) == months:
                return
            setting = Retention(id=who.account_id, months=months, due_at=None if months is None else now)
            await self._retentions.put(who.account_id, setting, session)
            before, after = _told(known.months if known else None), _told(months)
            await self._auditor.note(who, Change("retention.changed", before, after), session)

        await self._database.in_transaction(body)

    async def step(self) -> bool:
        """Delete some of one account, in turn; whether one was due. Several processes may at once.

        Raises DatabaseAway.
        """
        due = await self._queue.due(self._clock())
        if due is None or due.months is None:
            return False
        account_id, before, now = due.id, self._before(due.months), self._clock()
        if (last := await self._empty_mails(account_id, before, due.after)) is not None:
            await self._retentions.rest(account_id, due, now + _TURN, last)
        elif await self._hits.forget_before(account_id, before, _HITS_AT_ONCE):
            await self._retentions.rest(account_id, due, now + _TURN, due.after)
        else:
            await self._retentions.rest(account_id, due, now + LOOK_EVERY, None)
        return True

    async def _empty_mails(self, account_id: UUID, before: datetime, after: UUID | None) -> UUID | None:
        """The last of those that were emptied; None: there are no more."""
        ids = await self._messages.with_old_content(account_id, before, after, _MAILS_AT_ONCE)

        def rewriter(files: Mapping[UUID, MessageFile]) -> Rewrite:
            return sum((emptied(account_id, file) for file in files.values()), start=Rewrite())

        if ids:
            await self._messages.rewrite(account_id, ids, rewriter)
        return ids[-1] if ids else None

    def _before(self, months: int) -> datetime:
        if not 1 <= months <= LONGEST_MONTHS:
            raise Problem(INVALID, f"Content is kept for 1 to {LONGEST_MONTHS} months, or for ever.")
        return months_before(self._clock(), months)


def _told(months: int | None) -> dict[str, AuditValue]:
    return {} if months is None else {"months": months}
