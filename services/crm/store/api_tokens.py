"""API tokens, by account and by the hash of their secret."""

from datetime import datetime
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.api_tokens import ApiToken
from services.crm.store.database import AccountDocuments, Database, translated
from services.crm.store.database import Session as Transaction
from services.crm.store.documents import document, value


class ApiTokens:
    """One that is revoked is gone."""

    def __init__(self, database: Database) -> None:
        self._by_secret = database.collection("api_tokens", [IndexModel("token_hash", unique=True)])
        self._tokens = AccountDocuments(database, "api_tokens")

    async def opened_by(self, token_hash: str) -> tuple[UUID, ApiToken] | None:
        """The account and the token that a secret opens, over or not."""
        with translated():
            found = await self._by_secret.find_one({"token_hash": token_hash})
        return None if found is None else (found["account_id"], value(ApiToken, found))

    async def get(
        self, account_id: UUID, token_id: UUID, transaction: Transaction | None = None
    ) -> ApiToken | None:
        """One token."""
        found = await self._tokens.get(account_id, token_id, transaction)
        return None if found is None else value(ApiToken, found)

    async def all(self, account_id: UUID, transaction: Transaction | None = None) -> list[ApiToken]:
        """All of the account."""
        found = await self._tokens.find(account_id, {}, session=transaction)
        return [value(ApiToken, one) for one in found]

    async def add(self, account_id: UUID, token: ApiToken, token_hash: str, transaction: Transaction) -> None:
        """A new token."""
        fields = {**document(token), "token_hash": token_hash}
        await self._tokens.insert(account_id, token.id, fields, transaction)

    async def used(self, account_id: UUID, token_id: UUID, at: datetime) -> None:
        """Somebody has asked with it."""
        await self._tokens.update(account_id, token_id, {"$set": {"last_used_at": at}})

    async def remove(self, account_id: UUID, token_id: UUID, transaction: Transaction) -> None:
        """It opens nothing any more."""
        await self._tokens.delete_all(account_id, [token_id], transaction)
