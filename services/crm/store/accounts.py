"""Accounts and their users."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.crm.model.accounts import Account, EmailSettings, User
from services.crm.store.database import AccountDocuments, Database, Session
from services.crm.store.documents import document, value


class Accounts:
    """Accounts; an account is a document of its own."""

    def __init__(self, database: Database) -> None:
        self._accounts = AccountDocuments(database, "accounts")

    async def get(self, account_id: UUID, session: Session | None = None) -> Account | None:
        """The account."""
        found = await self._accounts.get(account_id, account_id, session)
        return None if found is None else value(Account, found)

    async def add(self, account_id: UUID, account: Account, session: Session | None = None) -> None:
        """A new account. Raises AlreadyThere."""
        await self._accounts.insert(account_id, account_id, document(account), session)

    async def change_settings(
        self, account_id: UUID, settings: EmailSettings, from_version: int, session: Session
    ) -> bool:
        """Whether the settings were still of that version; then they are new and of the next one."""
        change = {"$set": {"settings": settings.model_dump()}, "$inc": {"policy_version": 1}}
        where = {"policy_version": from_version}
        return await self._accounts.update(account_id, account_id, change, where=where, session=session)


class Users:
    """The users of accounts."""

    def __init__(self, database: Database) -> None:
        self._users = AccountDocuments(database, "users")

    async def get(self, account_id: UUID, user_id: UUID, session: Session | None = None) -> User | None:
        """The user, disabled or not."""
        found = await self._users.get(account_id, user_id, session)
        return None if found is None else value(User, found)

    async def all(self, account_id: UUID, session: Session | None = None) -> list[User]:
        """All users of the account."""
        return [value(User, found) for found in await self._users.find(account_id, {}, session=session)]

    async def add(self, account_id: UUID, user: User, session: Session) -> None:
        """A new user. Raises AlreadyThere."""
        await self._users.insert(account_id, user.id, document(user), session)

    async def change(
        self, account_id: UUID, user_id: UUID, fields: Mapping[str, Any], session: Session
    ) -> bool:
        """Whether there is such a user; these fields of it are new."""
        return await self._users.update(account_id, user_id, {"$set": dict(fields)}, session=session)

    async def disable(self, account_id: UUID, user_id: UUID, session: Session) -> bool:
        """Whether there is such a user; it can't sign in any more."""
        change = {"$set": {"disabled": True}}
        return await self._users.update(account_id, user_id, change, session=session)
