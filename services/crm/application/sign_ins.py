"""Signing in and out with a password; page sessions and their access tokens."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from joserfc.jwk import KeySet
from pydantic import SecretStr

from services.crm.adapters import passwords
from services.crm.application.clock import Clock
from services.crm.model.accounts import User
from services.crm.model.sign_ins import AccessToken, Credentials, NewSession, Session
from services.crm.problems import TOO_MANY_ATTEMPTS, WRONG_PASSWORD
from services.crm.rules.addresses import fold
from services.crm.rules.letters import forgotten_letter
from services.crm.rules.secrets import hash_of, new_secret
from services.crm.store.accounts import Users
from services.crm.store.addresses import ProvenAddresses
from services.crm.store.database import Database
from services.crm.store.database import Session as Transaction
from services.crm.store.grants import Grants
from services.crm.store.identities import Attempts, Families, PasswordLinks, Sessions, SignInNames
from services.crm.store.letters import LetterQueue
from services.crm.store.outbox import Outbox
from shared.auth.tokens import LIFETIME, SignedIn, issue
from shared.events.ids import derived_id, new_id
from shared.events.notifications import SignInRevoked
from shared.http.problems import NOT_SIGNED_IN, Problem
from shared.telemetry.names import SIGN_INS

SESSION_LIFETIME = timedelta(hours=12)
MAX_FAILURES = 5
FAILURE_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SignInStores:
    """Where sign-ins are kept."""

    database: Database
    users: Users
    names: SignInNames
    proven: ProvenAddresses
    sessions: Sessions
    families: Families
    grants: Grants
    failures: Attempts
    links: PasswordLinks
    letters: LetterQueue
    outbox: Outbox


class SignIns:
    """Password sign-ins and what follows from them."""

    def __init__(self, stores: SignInStores, keys: KeySet, issuer: str, clock: Clock) -> None:
        self._stores = stores
        self._keys = keys
        self._issuer = issuer
        self._clock = clock

    async def sign_in(self, address: str, password: str, client_address: str) -> NewSession:
        """A new session. Problem 401, 429."""
        return await self.open_session(await self.identify(address, password, client_address))

    async def identify(self, address: str, password: str, client_address: str) -> User:
        """Whose password that is. Problem 401 (one answer for every reason), 429 (with Retry-After)."""
        now, name = self._clock(), fold(address)
        key = hash_of(f"{name}\n{client_address}")
        if await self._stores.failures.add(key, now, FAILURE_WINDOW) > MAX_FAILURES:
            SIGN_INS.labels("refused").inc()
            retry_after = {"Retry-After": str(int(FAILURE_WINDOW.total_seconds()))}
            raise Problem(TOO_MANY_ATTEMPTS, "Try again in a quarter of an hour.", headers=retry_after)
        user = await self._user_with(name, password)
        if user is None:
            SIGN_INS.labels("failed").inc()
            raise Problem(WRONG_PASSWORD, "Check both and try again.")
        await self._stores.failures.clear(key)
        SIGN_INS.labels("signed_in").inc()
        return user

    async def _user_with(self, name: str, password: str) -> User | None:
        credentials = await self._stores.names.credentials(name)
        stored = credentials.password_hash if credentials else None
        if not await passwords.matches(password, stored) or credentials is None:
            return None
        user = await self._stores.users.get(credentials.account_id, credentials.user_id)
        return None if user is None or user.disabled else user

    async def open_session(self, user: User) -> NewSession:
        """A session for a user whose identity is proven."""
        now, cookie = self._clock(), new_secret()
        session = Session(
            id=new_id(),
            account_id=user.account_id,
            user_id=user.id,
            csrf_token=new_secret(),
            created_at=now,
            expires_at=now + SESSION_LIFETIME,
        )
        await self._stores.sessions.add(user.account_id, session, hash_of(cookie))
        return NewSession(session=session, cookie=SecretStr(cookie))

    async def session(self, cookie: str | None) -> Session | None:
        """The session that a cookie opens; None if it is over, revoked or none of ours."""
        if not cookie:
            return None
        return await self._stores.sessions.opened_by(hash_of(cookie), self._clock())

    async def user(self, account_id: UUID, user_id: UUID) -> User:
        """A user of the account who may still act, or Problem 401."""
        user = await self._stores.users.get(account_id, user_id)
        if user is None or user.disabled:
            raise Problem(NOT_SIGNED_IN, "This user can't sign in any more.")
        return user

    async def user_of(self, session: Session | None) -> User | None:
        """The user of a session who may still act; None: nobody."""
        if session is None:
            return None
        user = await self._stores.users.get(session.account_id, session.user_id)
        return None if user is None or user.disabled else user

    async def access_token(self, session: Session) -> AccessToken:
        """A short access token for the page's own requests and its socket. Problem 401."""
        user = await self.user(session.account_id, session.user_id)
        expires_at = min(self._clock() + LIFETIME, session.expires_at)
        return self.issue(SignedIn(user.id, user.account_id, user.role, session.id, expires_at))

    def issue(self, who: SignedIn) -> AccessToken:
        """Sign a token."""
        seconds = int((who.expires_at - self._clock()).total_seconds())
        return AccessToken(access_token=issue(self._keys, self._issuer, who), expires_in=seconds)

    async def sign_out(self, session: Session) -> None:
        """End a session; its sockets close. Ending it again changes nothing."""

        async def body(transaction: Transaction) -> None:
            if await self._stores.sessions.revoke(session.account_id, session.id, transaction):
                await self._tell(session.account_id, session.user_id, session.id, transaction)

        await self._stores.database.in_transaction(body)

    async def revoke_family(self, account_id: UUID, user_id: UUID, family_id: UUID) -> None:
        """End a sign-in of the extension or the command line."""

        async def body(transaction: Transaction) -> None:
            if await self._stores.families.revoke(account_id, family_id, transaction):
                await self._tell(account_id, user_id, family_id, transaction)

        await self._stores.database.in_transaction(body)

    async def disable(self, account_id: UUID, user_id: UUID) -> bool:
        """Whether there is such a user; all sign-ins end and none can begin."""

        async def body(transaction: Transaction) -> bool:
            found = await self._stores.users.disable(account_id, user_id, transaction)
            await self._stores.proven.remove_all(account_id, user_id, transaction)
            await self.end_all(account_id, user_id, transaction)
            return found

        return await self._stores.database.in_transaction(body)

    async def set_password(self, credentials: Credentials, password: str) -> None:
        """Replace the password; all sign-ins of the user end, and links to choose another."""
        stored = await passwords.hashed(password)
        account_id, user_id = credentials.account_id, credentials.user_id

        async def body(transaction: Transaction) -> None:
            await self.put_password(account_id, user_id, credentials.name, stored, transaction)

        await self._stores.database.in_transaction(body)

    async def put_password(
        self, account_id: UUID, user_id: UUID, name: str, stored: str, transaction: Transaction
    ) -> None:
        """Another password, by its hash: sign-ins end, and links to choose one, also one that still waits to
        be mailed."""
        await self._stores.names.set_password(account_id, name, stored, transaction)
        await self._stores.links.forget_all(account_id, user_id, transaction)
        await self._stores.letters.withdraw(forgotten_letter(name), transaction)
        await self.end_all(account_id, user_id, transaction)

    async def end_all(self, account_id: UUID, user_id: UUID, transaction: Transaction) -> None:
        """End all sign-ins of a user, as part of a change."""
        await self._stores.sessions.revoke_all(account_id, user_id, transaction)
        await self._stores.families.revoke_all(account_id, user_id, transaction)
        await self._stores.grants.forget_all(account_id, user_id, transaction)
        await self._tell(account_id, user_id, None, transaction)

    async def _tell(
        self, account_id: UUID, user_id: UUID, sign_in_id: UUID | None, transaction: Transaction
    ) -> None:
        event = SignInRevoked(
            event_id=derived_id("sign-in-revoked", sign_in_id) if sign_in_id else new_id(),
            occurred_at=self._clock(),
            account_id=account_id,
            user_id=user_id,
            sign_in_id=sign_in_id,
        )
        await self._stores.outbox.add(account_id, [event], transaction)
