"""Making accounts and users (command line, demo)."""

from collections.abc import Sequence
from uuid import UUID

from services.crm.adapters import passwords
from services.crm.application.clock import Clock
from services.crm.model.accounts import Account, AddressKind, SendingAddress, User
from services.crm.model.sign_ins import Credentials
from services.crm.rules.addresses import fold
from services.crm.store.accounts import Accounts, Users
from services.crm.store.addresses import ProvenAddresses
from services.crm.store.database import Database, Session
from services.crm.store.identities import SignInNames
from shared.auth.tokens import Role
from shared.events.ids import new_id


class AccountBook:
    """New accounts, new users."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        users: Users,
        names: SignInNames,
        proven: ProvenAddresses,
        clock: Clock,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._users = users
        self._names = names
        self._proven = proven
        self._clock = clock

    async def get(self, account_id: UUID) -> Account | None:
        """The account."""
        return await self._accounts.get(account_id)

    async def users(self, account_id: UUID) -> list[User]:
        """Its users."""
        return await self._users.all(account_id)

    async def credentials(self, address: str) -> Credentials | None:
        """Of the user who signs in with this address."""
        return await self._names.credentials(fold(address))

    def account(self, name: str, account_id: UUID | None = None) -> Account:
        """A new account, not yet stored."""
        return Account(id=account_id or new_id(), name=name, created_at=self._clock())

    def user(
        self,
        account_id: UUID,
        name: str,
        address: str,
        role: Role,
        *,
        locale: str = "en",
        time_zone: str = "UTC",
        aliases: Sequence[str] = (),
        user_id: UUID | None = None,
    ) -> User:
        """A new user, not yet stored."""
        own = [SendingAddress(address=address, kind=AddressKind.PRIMARY)]
        own += [SendingAddress(address=alias, kind=AddressKind.ALIAS) for alias in aliases]
        return User(
            id=user_id or new_id(),
            account_id=account_id,
            name=name,
            address=address,
            addresses=tuple(own),
            role=role,
            locale=locale,
            time_zone=time_zone,
            created_at=self._clock(),
        )

    async def open(self, account: Account, users: Sequence[tuple[User, str]]) -> None:
        """Store an account with its users and their passwords. Raises AlreadyThere (an address is taken)."""
        hashes = [await passwords.hashed(password) for _, password in users]

        async def body(session: Session) -> None:
            await self._accounts.add(account.id, account, session)
            for (user, _), password_hash in zip(users, hashes, strict=True):
                await self._users.add(account.id, user, session)
                credentials = Credentials(
                    name=fold(user.address),
                    account_id=account.id,
                    user_id=user.id,
                    password_hash=password_hash,
                )
                await self._names.add(account.id, credentials, session)
                for own in user.addresses:
                    await self._proven.add(account.id, user.id, fold(own.address), session)

        await self._database.in_transaction(body)
