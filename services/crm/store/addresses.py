"""Addresses to send from: what is claimed, and whose each is."""

from datetime import datetime
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.addresses import AddressClaim
from services.crm.store.database import AccountDocuments, Database, translated
from services.crm.store.database import Session as Transaction
from services.crm.store.documents import document, value


class AddressClaims:
    """Addresses that are not proven yet."""

    def __init__(self, database: Database) -> None:
        of_user = IndexModel([("account_id", 1), ("user_id", 1)])
        self._claims = AccountDocuments(database, "address_claims", [of_user])

    async def get(
        self, account_id: UUID, claim_id: UUID, transaction: Transaction | None = None
    ) -> AddressClaim | None:
        """One claim."""
        found = await self._claims.get(account_id, claim_id, transaction)
        return None if found is None else value(AddressClaim, found)

    async def of_user(self, account_id: UUID, user_id: UUID) -> list[AddressClaim]:
        """All of a user."""
        found = await self._claims.find(account_id, {"user_id": user_id})
        return [value(AddressClaim, claim) for claim in found]

    async def put(self, account_id: UUID, claim: AddressClaim, transaction: Transaction) -> None:
        """A claim, new or made again."""
        await self._claims.put_all(account_id, {claim.id: document(claim)}, transaction)

    async def mailed(self, account_id: UUID, claim_id: UUID, at: datetime, transaction: Transaction) -> None:
        """Its link has gone out."""
        await self._claims.update(account_id, claim_id, {"$set": {"mailed_at": at}}, session=transaction)

    async def remove(self, account_id: UUID, claim_id: UUID, transaction: Transaction) -> None:
        """It is proven, or not wanted any more."""
        await self._claims.delete_all(account_id, [claim_id], transaction)


class ProvenAddresses:
    """Whose an address is, by its folded form, unique over all accounts as sign-in names are: the From of a
    mail decides whose mail it is, so it can't be two users'."""

    def __init__(self, database: Database) -> None:
        of_user = IndexModel([("account_id", 1), ("user_id", 1)])
        self._proven = database.collection("proven_addresses", [of_user])

    async def add(self, account_id: UUID, user_id: UUID, address: str, transaction: Transaction) -> None:
        """It is the user's now. Raises AlreadyThere (somebody's, or the user's own already)."""
        fields = {"_id": address, "account_id": account_id, "user_id": user_id}
        with translated():
            await self._proven.insert_one(fields, session=transaction)

    async def is_free(self, account_id: UUID, address: str, transaction: Transaction) -> bool:
        """Whether it is nobody's, of no account."""
        with translated():
            return await self._proven.find_one({"_id": address}, session=transaction) is None

    async def remove(self, account_id: UUID, user_id: UUID, address: str, transaction: Transaction) -> None:
        """It is nobody's now, if it was the user's."""
        own = {"_id": address, "account_id": account_id, "user_id": user_id}
        with translated():
            await self._proven.delete_one(own, session=transaction)

    async def remove_all(self, account_id: UUID, user_id: UUID, transaction: Transaction) -> None:
        """All of a user who has left are nobody's now."""
        with translated():
            await self._proven.delete_many(
                {"account_id": account_id, "user_id": user_id}, session=transaction
            )
