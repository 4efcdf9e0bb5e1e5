"""Who is asking: sign-in names, sessions, codes, refresh families.

Here alone a query names no account: a secret that only its owner knows (of which the hash is
stored) leads to the account.
"""

import contextlib
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.crm.model.addresses import AddressLink
from services.crm.model.sign_ins import AuthorizationCode, Credentials, RefreshFamily, Session
from services.crm.model.users import PasswordLink
from services.crm.store.database import (
    AccountDocuments,
    Database,
    WriteConflict,
    persistently,
    translated,
)
from services.crm.store.database import Session as Transaction
from services.crm.store.documents import document, value

_REMEMBERED = 500  # spent refresh tokens of a family, to notice that one is used again
_CODE_REMEMBERED = timedelta(hours=1)


def _forgotten_at(field: str) -> IndexModel:
    return IndexModel([(field, 1)], expireAfterSeconds=0)


class SignInNames:
    """The address that a user signs in with, unique over all accounts, and the password's hash."""

    def __init__(self, database: Database) -> None:
        self._names = database.collection("sign_in_names", [])

    async def credentials(self, name: str) -> Credentials | None:
        """By folded address; the one look-up that tells the account."""
        with translated():
            found = await self._names.find_one({"_id": name})
        return None if found is None else Credentials.model_validate({**found, "name": found["_id"]})

    async def add(self, account_id: UUID, credentials: Credentials, transaction: Transaction) -> None:
        """Claim a name. Raises AlreadyThere."""
        fields = {**credentials.model_dump(exclude={"name"}), "account_id": account_id}
        with translated():
            await self._names.insert_one({"_id": credentials.name, **fields}, session=transaction)

    async def set_password(
        self, account_id: UUID, name: str, password_hash: str, transaction: Transaction
    ) -> None:
        """Replace the password's hash."""
        change = {"$set": {"password_hash": password_hash}}
        with translated():
            await self._names.update_one({"_id": name, "account_id": account_id}, change, session=transaction)


class Sessions:
    """Page sign-ins."""

    def __init__(self, database: Database) -> None:
        indexes = [IndexModel("cookie_hash", unique=True), _forgotten_at("expires_at")]
        self._by_secret = database.collection("sessions", indexes)
        self._sessions = AccountDocuments(database, "sessions")

    async def opened_by(self, cookie_hash: str, now: datetime) -> Session | None:
        """The session that the cookie opens, if it is neither over nor revoked."""
        with translated():
            found = await self._by_secret.find_one({"cookie_hash": cookie_hash})
        session = None if found is None else value(Session, found)
        return session if session and session.expires_at > now else None

    async def add(self, account_id: UUID, session: Session, cookie_hash: str) -> None:
        """A new session."""
        fields = {**document(session), "cookie_hash": cookie_hash}
        await self._sessions.insert(account_id, session.id, fields)

    async def revoke(self, account_id: UUID, session_id: UUID, transaction: Transaction) -> bool:
        """Whether it was there; it is gone now."""
        found = await self._sessions.get(account_id, session_id, transaction)
        await self._sessions.delete_all(account_id, [session_id], transaction)
        return found is not None

    async def revoke_all(self, account_id: UUID, user_id: UUID, transaction: Transaction) -> None:
        """End all of a user's sessions."""
        found = await self._sessions.find(account_id, {"user_id": user_id}, session=transaction)
        await self._sessions.delete_all(account_id, [session["_id"] for session in found], transaction)


class Codes:
    """Authorization codes, by hash."""

    def __init__(self, database: Database) -> None:
        self._codes = database.collection("authorization_codes", [_forgotten_at("forget_at")])

    async def add(self, account_id: UUID, code: AuthorizationCode, code_hash: str) -> None:
        """A new code."""
        fields = {**code.model_dump(), "account_id": account_id, "used": False}
        fields["forget_at"] = code.expires_at + _CODE_REMEMBERED
        with translated():
            await self._codes.insert_one({"_id": code_hash, **fields})

    async def take(self, code_hash: str) -> tuple[AuthorizationCode, bool] | None:
        """The code and whether this is its first use; None if there is no such code."""
        with translated():
            first = await self._codes.find_one_and_update(
                {"_id": code_hash, "used": False}, {"$set": {"used": True}}
            )
            found = first or await self._codes.find_one_and_update(
                {"_id": code_hash}, {"$set": {"reused": True}}
            )
        return None if found is None else (AuthorizationCode.model_validate(found), first is not None)

    async def reused(self, code_hash: str) -> bool:
        """Whether the code has come a second time."""
        with translated():
            return await self._codes.find_one({"_id": code_hash, "reused": True}) is not None


class Rotation(Enum):
    """What a refresh token turned out to be."""

    GOOD = "good"
    SPENT = "spent"
    UNKNOWN = "unknown"


Link = TypeVar("Link", PasswordLink, AddressLink)


class SecretLinks(Generic[Link]):
    """Links of one kind, by the hash of their secret. `of`: the field that says what a link is for."""

    def __init__(self, database: Database, collection: str, kind: type[Link], of: str) -> None:
        self._kind: type[Link] = kind
        self._of = of
        self._by_secret = database.collection(collection, [_forgotten_at("expires_at")])

    async def add(self, account_id: UUID, link: Link, token_hash: str, transaction: Transaction) -> None:
        """A new link; earlier ones stay good."""
        fields = {**link.model_dump(), "account_id": account_id}
        with translated():
            await self._by_secret.insert_one({"_id": token_hash, **fields}, session=transaction)

    async def find(self, token_hash: str, now: datetime) -> Link | None:
        """The link, if it is neither over nor spent."""
        with translated():
            found = await self._by_secret.find_one({"_id": token_hash})
        link = None if found is None else self._kind.model_validate(found)
        return link if link and link.expires_at > now else None

    async def spend(self, account_id: UUID, token_hash: str, transaction: Transaction) -> bool:
        """Whether it was there; it is gone now."""
        key = {"_id": token_hash, "account_id": account_id}
        with translated():
            done = await self._by_secret.delete_one(key, session=transaction)
        return bool(done.deleted_count)

    async def forget_all(self, account_id: UUID, of: UUID, transaction: Transaction) -> None:
        """End all links for the same."""
        with translated():
            await self._by_secret.delete_many({"account_id": account_id, self._of: of}, session=transaction)


PasswordLinks = SecretLinks[PasswordLink]
AddressLinks = SecretLinks[AddressLink]


class Families:
    """Refresh families: one per sign-in of the extension or the command line."""

    def __init__(self, database: Database) -> None:
        self._by_secret = database.collection("refresh_families", [_forgotten_at("expires_at")])
        self._families = AccountDocuments(database, "refresh_families")

    async def add(self, account_id: UUID, family: RefreshFamily, token_hash: str) -> None:
        """A new family with its first token."""
        fields = {**document(family), "current": token_hash, "spent": [], "revoked": False}
        await self._families.insert(account_id, family.id, fields)

    async def rotate(
        self, family_id: UUID, token_hash: str, next_hash: str, now: datetime, until: datetime
    ) -> tuple[Rotation, RefreshFamily | None]:
        """Spend the token for the next one, in one step: of two who use it, one wins."""
        good = {"_id": family_id, "current": token_hash, "revoked": False, "expires_at": {"$gt": now}}
        change: dict[str, Any] = {
            "$set": {"current": next_hash, "expires_at": until},
            "$push": {"spent": {"$each": [token_hash], "$slice": -_REMEMBERED}},
        }

        async def step() -> Any:
            with translated():
                return await self._by_secret.find_one_and_update(
                    good, change, return_document=ReturnDocument.AFTER
                )

        rotated = await persistently(step)
        if rotated is not None:
            return Rotation.GOOD, value(RefreshFamily, rotated)
        with translated():
            found = await self._by_secret.find_one({"_id": family_id, "spent": token_hash})
        if found is None:
            return Rotation.UNKNOWN, None
        return Rotation.SPENT, value(RefreshFamily, found)

    async def holding(self, family_id: UUID, token_hash: str) -> RefreshFamily | None:
        """The family that the token, spent or not, belongs to."""
        either = [{"current": token_hash}, {"spent": token_hash}]
        with translated():
            found = await self._by_secret.find_one({"_id": family_id, "$or": either})
        return None if found is None else value(RefreshFamily, found)

    async def revoke(self, account_id: UUID, family_id: UUID, transaction: Transaction) -> bool:
        """Whether it was good until now."""
        where = {"revoked": False}
        change = {"$set": {"revoked": True}}
        return await self._families.update(account_id, family_id, change, where=where, session=transaction)

    async def revoke_all(self, account_id: UUID, user_id: UUID, transaction: Transaction) -> None:
        """End all of a user's families."""
        await self._families.update_where(
            account_id, {"user_id": user_id}, {"$set": {"revoked": True}}, transaction
        )


class Attempts:
    """What may be tried only so often, counted by key within a window: sign-ins that have not succeeded,
    mails that are asked for.

    An attempt is counted before it is looked at, so that many at once gain nothing.
    """

    def __init__(self, database: Database, collection: str) -> None:
        self._attempts = database.collection(collection, [_forgotten_at("forget_at")])

    async def add(self, key: str, now: datetime, window: timedelta) -> int:
        """Count one more, the first one opening the window; how many there are now."""

        async def step() -> int:
            with translated():
                await self._attempts.delete_one({"_id": key, "forget_at": {"$lte": now}})
                with contextlib.suppress(DuplicateKeyError):  # the window is open
                    await self._attempts.insert_one({"_id": key, "count": 0, "forget_at": now + window})
                counted = await self._attempts.find_one_and_update(
                    {"_id": key}, {"$inc": {"count": 1}}, return_document=ReturnDocument.AFTER
                )
            if counted is None:
                raise WriteConflict("the window was closed meanwhile")
            return int(counted["count"])

        return await persistently(step)

    async def clear(self, key: str) -> None:
        """Forget them: one has succeeded."""
        with translated():
            await self._attempts.delete_one({"_id": key})
