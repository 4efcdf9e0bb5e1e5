"""Kaifu's own mail: asked for in the transaction of its cause, written when it is sent, tried until it went.

A link's secret is made when its letter is sent and stored as its hash: what waits holds none. A crash between
sending and noting sends the letter again, with one more link; each is good, and the first that is used ends
the others.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import SecretStr

from services.crm.application.clock import Clock
from services.crm.model.accounts import User
from services.crm.model.addresses import AddressLink
from services.crm.model.letters import Letter, LetterKind, Outgoing, Trouble
from services.crm.model.users import PasswordLink
from services.crm.problems import MAIL_NOT_SET_UP, TOO_MANY_LETTERS
from services.crm.rules.addresses import fold
from services.crm.rules.letters import forgotten_letter, next_try
from services.crm.rules.secrets import hash_of, new_secret
from services.crm.store.accounts import Accounts, Users
from services.crm.store.addresses import AddressClaims
from services.crm.store.database import Database, Session
from services.crm.store.identities import AddressLinks, Attempts, PasswordLinks, SignInNames
from services.crm.store.letters import LetterQueue, Letters
from shared.http.problems import Problem

ADDRESS_LIFETIME = timedelta(hours=24)
INVITATION_LIFETIME = timedelta(days=7)
RESET_LIFETIME = timedelta(days=1)
WINDOW = timedelta(hours=1)
TO_ONE_ADDRESS = 5  # within the window, for one user
OF_ONE_USER = 20
FORGOTTEN = 3  # of one sign-in name
FROM_ONE_CLIENT = 20
DAY = timedelta(days=1)
FORGOTTEN_A_DAY = 8
FROM_ONE_CLIENT_A_DAY = 100
_LEASE = timedelta(minutes=2)  # far longer than an attempt takes
_LIFETIMES = {
    LetterKind.ADDRESS: ADDRESS_LIFETIME,
    LetterKind.INVITATION: INVITATION_LIFETIME,
    LetterKind.PASSWORD: RESET_LIFETIME,
}
_PATHS = {
    LetterKind.ADDRESS: "/profile/addresses/confirm/",
    LetterKind.INVITATION: "/welcome/",
    LetterKind.PASSWORD: "/welcome/",
}


@dataclass(frozen=True, slots=True)
class LetterStores:
    """What letters are made from."""

    database: Database
    queue: LetterQueue
    letters: Letters
    asked: Attempts
    accounts: Accounts
    users: Users
    names: SignInNames
    claims: AddressClaims
    links: AddressLinks
    password_links: PasswordLinks


class Post:
    """Takes letters, and gives them to whoever sends them. `asked`: set when there is a new one."""

    def __init__(self, stores: LetterStores, app_url: str, clock: Clock, *, set_up: bool) -> None:
        self._stores = stores
        self._app_url = app_url
        self._clock = clock
        self.set_up = set_up
        self.asked = asyncio.Event()

    def need(self) -> None:
        """Problem 409 where there is no relay."""
        if not self.set_up:
            raise Problem(MAIL_NOT_SET_UP, "An operator sets KAIFU_CRM_SMTP_HOST and its neighbours.")

    async def bound(self, user_id: UUID, address: str) -> None:
        """Count a mail that a user asks for. Problem 429."""
        if not await self.may(user_id, address):
            raise _too_many()

    async def may(self, user_id: UUID, address: str) -> bool:
        """Count a mail that a user asks for; whether it may go: there is a relay, and it is not too many."""
        if not self.set_up:
            return False
        to_one = await self._counted(f"{user_id}\n{fold(address)}")
        return to_one <= TO_ONE_ADDRESS and await self._counted(str(user_id)) <= OF_ONE_USER

    async def add(self, letter: Letter, session: Session) -> None:
        """Send it once the transaction is committed; then set `asked`."""
        assert letter.account_id is not None
        await self._stores.letters.add(letter.account_id, letter, session)

    async def forgot(self, address: str, client_address: str) -> None:
        """Mail a link to whoever signs in with the address. What is done and what it takes is the same if
        nobody does: that is looked at when the letter is sent. Problem 409, 429 (by client alone)."""
        self.need()
        if not await self._within(f"client\n{client_address}", FROM_ONE_CLIENT, FROM_ONE_CLIENT_A_DAY):
            raise _too_many()
        name = fold(address)
        if not await self._within(f"forgotten\n{name}", FORGOTTEN, FORGOTTEN_A_DAY):
            return
        letter = self.letter(LetterKind.PASSWORD, forgotten_letter(name))
        await self._stores.queue.add(letter.model_copy(update={"sign_in_name": name}))
        self.asked.set()

    def letter(self, kind: LetterKind, id_: UUID, user: User | None = None) -> Letter:
        """A letter that is due now."""
        now = self._clock()
        account_id, user_id = (user.account_id, user.id) if user else (None, None)
        return Letter(id=id_, kind=kind, account_id=account_id, user_id=user_id, asked_at=now, next_at=now)

    async def take(self) -> Outgoing | None:
        """The next letter that is due, for this process alone, with a fresh link; None: there is none."""
        while (letter := await self._stores.queue.due(self._clock())) is not None:
            until = self._clock() + _LEASE
            if not await self._stores.queue.take(letter, until):
                continue
            taken = letter.model_copy(update={"attempts": letter.attempts + 1, "next_at": until})
            if (outgoing := await self._outgoing(taken)) is not None:
                return outgoing
            await self._stores.queue.done(taken)  # nobody is to have it any more
        return None

    async def sent(self, letter: Letter) -> None:
        """The relay has it."""
        at = self._clock()

        async def body(session: Session) -> None:
            if letter.kind is LetterKind.ADDRESS and letter.account_id is not None:
                await self._stores.claims.mailed(letter.account_id, letter.id, at, session)
            await self._stores.queue.done(letter, session)

        await self._stores.database.in_transaction(body)

    async def failed(self, letter: Letter, trouble: Trouble) -> None:
        """The relay does not have it: later again, or never."""
        next_at = next_try(letter, trouble, self._clock())
        if next_at is None and letter.account_id is None:
            await self._stores.queue.done(letter)  # there is no page that could tell of it
        else:
            await self._stores.queue.put_off(letter, next_at, trouble)

    async def oldest_age(self) -> timedelta:
        """How long the oldest of those that wait has waited; 0: none waits."""
        oldest = await self._stores.queue.oldest()
        return self._clock() - oldest if oldest else timedelta()

    async def _outgoing(self, letter: Letter) -> Outgoing | None:
        user = await self._user(letter)
        if user is None or user.disabled:
            return None
        to, about = user.address, user.address
        if letter.kind is LetterKind.ADDRESS:
            claim = await self._stores.claims.get(user.account_id, letter.id)
            if claim is None:
                return None
            to = claim.address
        elif letter.kind is LetterKind.INVITATION:
            account = await self._stores.accounts.get(user.account_id)
            if account is None or not user.invited:
                return None
            about = account.name
        token, lifetime = new_secret(), _LIFETIMES[letter.kind]
        await self._link(letter, user, token, self._clock() + lifetime)
        return Outgoing(
            letter=letter,
            to=to,
            locale=user.locale,
            about=about,
            url=SecretStr(f"{self._app_url}{_PATHS[letter.kind]}{token}"),
            hours=int(lifetime.total_seconds() // 3600),
        )

    async def _user(self, letter: Letter) -> User | None:
        account_id, user_id = letter.account_id, letter.user_id
        if letter.sign_in_name is not None:
            credentials = await self._stores.names.credentials(letter.sign_in_name)
            if credentials is not None:
                account_id, user_id = credentials.account_id, credentials.user_id
        if account_id is None or user_id is None:
            return None
        return await self._stores.users.get(account_id, user_id)

    async def _link(self, letter: Letter, user: User, token: str, expires_at: datetime) -> None:
        async def body(session: Session) -> None:
            if letter.kind is LetterKind.ADDRESS:
                link = AddressLink(
                    account_id=user.account_id, user_id=user.id, claim_id=letter.id, expires_at=expires_at
                )
                await self._stores.links.add(user.account_id, link, hash_of(token), session)
                return
            choice = PasswordLink(
                account_id=user.account_id,
                user_id=user.id,
                sign_in_name=fold(user.address),
                expires_at=expires_at,
            )
            await self._stores.password_links.add(user.account_id, choice, hash_of(token), session)

        await self._stores.database.in_transaction(body)

    async def _within(self, what: str, in_an_hour: int, in_a_day: int) -> bool:
        """Count it; whether it is not too often. What is refused within the hour counts for no day."""
        if await self._counted(what) > in_an_hour:
            return False
        return await self._counted(f"day\n{what}", DAY) <= in_a_day

    async def _counted(self, what: str, window: timedelta = WINDOW) -> int:
        return await self._stores.asked.add(hash_of(what), self._clock(), window)


def _too_many() -> Problem:
    retry_after = {"Retry-After": str(int(WINDOW.total_seconds()))}
    return Problem(TOO_MANY_LETTERS, "Try again in an hour.", headers=retry_after)
