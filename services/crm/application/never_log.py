"""The account's never-log list, for super admins (A6, L8)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.crm.application.audit import Change
from services.crm.application.clock import Clock
from services.crm.application.policy_changes import PolicyChanges
from services.crm.model.never_log import NeverLogEntry
from services.crm.rules.never_log import MAX_ENTRIES, NotAPattern, canonical
from services.crm.store.database import Database, Session
from services.crm.store.never_log import NeverLogEntries
from shared.auth.tokens import SignedIn
from shared.events.ids import derived_id
from shared.http.problems import INVALID, Problem


class NeverLogPage:
    """Reads and changes; every change stands in the audit log and counts from the next mail on."""

    def __init__(
        self, database: Database, policy: PolicyChanges, entries: NeverLogEntries, clock: Clock
    ) -> None:
        self._database = database
        self._policy = policy
        self._entries = entries
        self._clock = clock

    async def all(self, who: SignedIn) -> list[NeverLogEntry]:
        """The entries by their patterns. Problem 403."""
        await self._policy.roles.need_super_admin(who)
        return await self._entries.all(who.account_id)

    async def add(self, who: SignedIn, typed: Sequence[str]) -> list[NeverLogEntry]:
        """Add what is not listed yet, all of it or nothing; returns what is new.

        Problem 403, 409, 422 (what is wrong with the first that is no address and no domain; too many).
        """
        await self._policy.roles.need_super_admin(who)
        wanted = entries_of(who, typed, self._clock())

        async def body(session: Session) -> list[NeverLogEntry]:
            account = await self._policy.account(who.account_id, session)
            known = {entry.id for entry in await self._entries.all(account.id, session)}
            new = [entry for entry in wanted if entry.id not in known]
            if len(known) + len(new) > MAX_ENTRIES:
                raise Problem(INVALID, f"The list takes at most {MAX_ENTRIES} entries.")
            if new:
                await self._entries.add(account.id, new, session)
                change = Change("never_log.added", {}, {"entries": _named(new)})
                await self._policy.made(who, account, account, self._clock(), change, session)
            return new

        return await self._database.in_transaction(body)

    async def remove(self, who: SignedIn, entry_ids: Collection[UUID]) -> int:
        """Take entries off the list; how many were on it. Problem 403, 409."""
        await self._policy.roles.need_super_admin(who)
        wanted = set(entry_ids)

        async def body(session: Session) -> int:
            account = await self._policy.account(who.account_id, session)
            gone = [one for one in await self._entries.all(account.id, session) if one.id in wanted]
            if gone:
                await self._entries.remove(account.id, [one.id for one in gone], session)
                change = Change("never_log.removed", {"entries": _named(gone)}, {})
                await self._policy.made(who, account, account, self._clock(), change, session)
            return len(gone)

        return await self._database.in_transaction(body)


def entries_of(who: SignedIn, typed: Sequence[str], now: datetime) -> list[NeverLogEntry]:
    """One entry for each pattern. Problem 422."""
    if len(typed) > MAX_ENTRIES:
        raise Problem(INVALID, f"The list takes at most {MAX_ENTRIES} entries.")
    try:
        patterns = dict.fromkeys(canonical(one) for one in typed if one.strip())
    except NotAPattern as error:
        raise Problem(INVALID, str(error)) from None
    return [
        NeverLogEntry(
            id=derived_id("never-log", who.account_id, pattern),
            pattern=pattern,
            added_at=now,
            added_by=who.user_id,
        )
        for pattern in patterns
    ]


def _named(entries: Sequence[NeverLogEntry]) -> str:
    return ", ".join(entry.pattern for entry in entries)
