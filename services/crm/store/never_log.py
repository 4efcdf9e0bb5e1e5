"""Never-log lists, read once for each version of an account's policy."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from uuid import UUID

from services.crm.model.never_log import NeverLogEntry
from services.crm.rules.never_log import NeverLogList
from services.crm.store.database import AccountDocuments, Database, Session
from services.crm.store.documents import document, value

_MOST_KEPT = 1000  # lists in memory


class NeverLogEntries:
    """Entries change only together with their account's `policy_version`, so a list that was read for a
    version is right for as long as the account has it."""

    def __init__(self, database: Database) -> None:
        self._entries = AccountDocuments(database, "never_log")
        self._lists: OrderedDict[UUID, tuple[int, NeverLogList]] = OrderedDict()

    async def all(self, account_id: UUID, session: Session | None = None) -> list[NeverLogEntry]:
        """The entries by their patterns."""
        found = await self._entries.find(account_id, {}, session=session)
        return sorted((value(NeverLogEntry, entry) for entry in found), key=lambda entry: entry.pattern)

    async def of(self, account_id: UUID, policy_version: int) -> NeverLogList:
        """The account's list, as of that version or a later one."""
        version, known = self._lists.get(account_id, (0, NeverLogList()))
        if version != policy_version:
            known = NeverLogList(await self.all(account_id))
            self._lists[account_id] = policy_version, known
        self._lists.move_to_end(account_id)
        while len(self._lists) > _MOST_KEPT:
            self._lists.popitem(last=False)
        return known

    async def add(self, account_id: UUID, entries: Sequence[NeverLogEntry], session: Session) -> None:
        """New entries."""
        await self._entries.put_all(account_id, {entry.id: document(entry) for entry in entries}, session)

    async def remove(self, account_id: UUID, ids: Iterable[UUID], session: Session) -> None:
        """Entries that no longer count."""
        await self._entries.delete_all(account_id, ids, session)
