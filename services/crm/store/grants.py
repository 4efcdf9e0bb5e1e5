"""Which clients a user has let sign in, and where to."""

from uuid import UUID

from pymongo import IndexModel

from services.crm.store.database import AccountDocuments, Database, Session
from shared.events.ids import derived_id


class Grants:
    """One per user, client and redirect address; a user without sign-ins has none."""

    def __init__(self, database: Database) -> None:
        by_user = IndexModel([("account_id", 1), ("user_id", 1)])
        self._grants = AccountDocuments(database, "grants", [by_user])

    async def given(self, account_id: UUID, user_id: UUID, client_id: str, redirect_uri: str) -> bool:
        """Whether the user has said yes to this client before."""
        id_ = derived_id("grant", user_id, client_id, redirect_uri)
        return await self._grants.get(account_id, id_) is not None

    async def give(self, account_id: UUID, user_id: UUID, client_id: str, redirect_uri: str) -> None:
        """The user said yes."""
        id_ = derived_id("grant", user_id, client_id, redirect_uri)
        fields = {"user_id": user_id, "client_id": client_id, "redirect_uri": redirect_uri}
        await self._grants.put_all(account_id, {id_: fields})

    async def forget_all(self, account_id: UUID, user_id: UUID, transaction: Session) -> None:
        """The user is asked again."""
        found = await self._grants.find(account_id, {"user_id": user_id}, session=transaction)
        await self._grants.delete_all(account_id, [grant["_id"] for grant in found], transaction)
