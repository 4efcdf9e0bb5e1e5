"""The users of an account, for super admins (A6): invited, given a role, seen off with a hand-over."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from services.crm.adapters import passwords
from services.crm.application.accounts import AccountBook
from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.application.letters import INVITATION_LIFETIME, RESET_LIFETIME, Post
from services.crm.application.roles import Roles
from services.crm.application.sign_ins import SignIns
from services.crm.model.accounts import User
from services.crm.model.audit import AuditValue
from services.crm.model.failures import AlreadyThere
from services.crm.model.letters import Letter, LetterKind
from services.crm.model.sign_ins import Credentials
from services.crm.model.users import NewPasswordLink, PasswordLink, UserRow, UserState
from services.crm.problems import ADDRESS_IN_USE, LAST_SUPER_ADMIN, LINK_SPENT, NAME_TAKEN
from services.crm.rules.addresses import fold
from services.crm.rules.passwords import SHORTEST, acceptable
from services.crm.rules.secrets import hash_of, new_secret
from services.crm.store.accounts import Users
from services.crm.store.addresses import ProvenAddresses
from services.crm.store.api_tokens import ApiTokens
from services.crm.store.database import Database, Session
from services.crm.store.identities import PasswordLinks, SignInNames
from services.crm.store.letters import Letters
from services.crm.store.records import AllRecords
from shared.auth.tokens import Role, SignedIn
from shared.events.ids import derived_id
from shared.events.log_reasons import Language
from shared.http.problems import INVALID, NOT_FOUND, Problem


@dataclass(frozen=True, slots=True)
class UserStores:
    """Where users are kept."""

    database: Database
    users: Users
    names: SignInNames
    proven: ProvenAddresses
    links: PasswordLinks
    letters: Letters
    records: AllRecords
    tokens: ApiTokens
    auditor: Auditor


class UserBook:
    """Every change stands in the audit log."""

    def __init__(
        self,
        stores: UserStores,
        accounts: AccountBook,
        sign_ins: SignIns,
        rights: tuple[Roles, Post],
        clock: Clock,
    ) -> None:
        self._roles, self._post = rights
        self._stores = stores
        self._accounts = accounts
        self._sign_ins = sign_ins
        self._clock = clock

    async def all(self, who: SignedIn) -> list[UserRow]:
        """By name, those who have left last. Problem 403."""
        await self._roles.need_super_admin(who)
        users = await self._stores.users.all(who.account_id)
        letters = await self._stores.letters.some(who.account_id, [_letter_id(user.id) for user in users])
        rows = [row_of(user, letters.get(_letter_id(user.id))) for user in users]
        return sorted(rows, key=lambda row: (row.state is UserState.LEFT, row.name.casefold(), row.id))

    async def invite(self, who: SignedIn, name: str, address: str, role: Role) -> NewPasswordLink:
        """A new user, and the link to pass on, which is also mailed where there is a relay, within bounds.
        The address is the user's once the invitation is accepted: it may be a stranger's. Language and time
        zone are the inviter's at first.

        Problem 403, 409 (somebody signs in with the address, or sends from it).
        """
        await self._roles.need_super_admin(who)
        inviter = await self._user(who.account_id, who.user_id)
        alike = {"locale": inviter.locale, "time_zone": inviter.time_zone}
        user = self._accounts.user(who.account_id, name.strip(), address.strip(), role)
        user = user.model_copy(update={"invited": True, **alike})
        mailed = await self._post.may(who.user_id, user.address)

        async def body(session: Session) -> NewPasswordLink:
            await self._stores.users.add(who.account_id, user, session)
            credentials = Credentials(
                name=fold(user.address), account_id=who.account_id, user_id=user.id, password_hash=""
            )
            await self._stores.names.add(who.account_id, credentials, session)
            if not await self._stores.proven.is_free(who.account_id, fold(user.address), session):
                raise AlreadyThere("another user has proven the address")
            await self._stores.auditor.note(
                who, Change("user.invited", {}, {"user": user.address, "role": role.value}), session
            )
            return await self._link(user, INVITATION_LIFETIME, mailed, session)

        try:
            made = await self._stores.database.in_transaction(body)
        except AlreadyThere:
            raise Problem(NAME_TAKEN, "Somebody signs in with this address already.") from None
        self._post.asked.set()
        return made

    async def new_link(self, who: SignedIn, user_id: UUID) -> NewPasswordLink:
        """A link to choose a password anew; earlier links of the user end. Problem 403, 404."""
        await self._roles.need_super_admin(who)
        user = await self._user(who.account_id, user_id)
        mailed = await self._post.may(who.user_id, user.address)
        lifetime = INVITATION_LIFETIME if user.invited else RESET_LIFETIME

        async def body(session: Session) -> NewPasswordLink:
            await self._stores.auditor.note(
                who, Change("user.password_link", {}, {"user": user.address}), session
            )
            return await self._link(user, lifetime, mailed, session)

        made = await self._stores.database.in_transaction(body)
        self._post.asked.set()
        return made

    async def linked(self, token: str) -> User:
        """Whose password the link lets choose. Problem 410."""
        link = await self._stores.links.find(hash_of(token), self._clock())
        user = await self._stores.users.get(link.account_id, link.user_id) if link else None
        if user is None or user.disabled:
            raise Problem(LINK_SPENT, "Ask for another link.")
        return user

    async def choose_password(self, token: str, password: str, language: Language | None = None) -> User:
        """Set the password and spend the link; all sign-ins of the user end, and the API tokens that the user
        has made: whoever lost control of the password may have lost that of them.

        The address of an invitation counts from now on, and so does the `language` of the browser in
        which it was accepted (B10); None: the inviter's stays. Problem 409 (another user has proven it
        meanwhile), 410, 422.
        """
        if not acceptable(password):
            raise Problem(INVALID, f"A password has at least {SHORTEST} characters.")
        user = await self.linked(token)
        stored = await passwords.hashed(password)

        async def body(session: Session) -> None:
            if not await self._stores.links.spend(user.account_id, hash_of(token), session):
                raise Problem(LINK_SPENT, "Ask for another link.")
            await self._stores.links.forget_all(user.account_id, user.id, session)
            await self._stores.letters.remove(user.account_id, _letter_id(user.id), session)
            if user.invited:
                await self._prove(user, session)
                newcomer: dict[str, Any] = {"invited": False} | ({"locale": language} if language else {})
                await self._stores.users.change(user.account_id, user.id, newcomer, session)
            await self._sign_ins.put_password(user.account_id, user.id, fold(user.address), stored, session)
            await self._revoke_tokens(user, session)

        try:
            await self._stores.database.in_transaction(body)
        except AlreadyThere:
            raise Problem(
                ADDRESS_IN_USE, "It must be removed there before you can sign in with it."
            ) from None
        return user

    async def _prove(self, user: User, session: Session) -> None:
        """An invitation of an earlier release has proven it already."""
        name = fold(user.address)
        await self._stores.proven.remove(user.account_id, user.id, name, session)
        await self._stores.proven.add(user.account_id, user.id, name, session)

    async def _revoke_tokens(self, user: User, session: Session) -> None:
        for token in await self._stores.tokens.all(user.account_id, session):
            if token.user_id == user.id:
                await self._stores.tokens.remove(user.account_id, token.id, session)
                change = Change("api_token.revoked", {"token": token.name})
                await self._stores.auditor.note_of(user.account_id, user.id, change, session)

    async def set_role(self, who: SignedIn, user_id: UUID, role: Role) -> None:
        """Another role; the user's sign-ins end. Problem 403, 404, 409 (the last super admin)."""
        await self._roles.need_super_admin(who)

        async def body(session: Session) -> None:
            user = await self._user(who.account_id, user_id, session)
            if user.role is role:
                return
            await self._keep_one_super_admin(user, session)
            await self._stores.users.change(user.account_id, user.id, {"role": role.value}, session)
            before, after = {"user": user.address, "role": user.role.value}, {"role": role.value}
            change = Change("user.role_changed", before, {"user": user.address, **after})
            await self._stores.auditor.note(who, change, session)
            await self._sign_ins.end_all(user.account_id, user.id, session)

        await self._stores.database.in_transaction(body)

    async def see_off(self, who: SignedIn, user_id: UUID, successor_id: UUID) -> int:
        """The user leaves, and the successor owns what the user owned; how many records.

        Records first: a stop in between leaves a user who can still be seen off.
        Problem 403, 404, 409 (the last super admin), 422 (the successor has left, or is the one who leaves).
        """
        await self._roles.need_super_admin(who)
        user = await self._user(who.account_id, user_id)
        successor = await self._user(who.account_id, successor_id)
        if successor.disabled or successor.id == user.id:
            raise Problem(INVALID, "Name somebody who stays.")
        await self._stores.database.in_transaction(lambda session: self._keep_one_super_admin(user, session))
        handed_over = await self._stores.records.hand_over(who.account_id, user.id, successor.id)

        async def body(session: Session) -> None:
            await self._keep_one_super_admin(user, session)
            await self._stores.users.disable(user.account_id, user.id, session)
            await self._stores.links.forget_all(user.account_id, user.id, session)
            await self._stores.letters.remove(user.account_id, _letter_id(user.id), session)
            await self._stores.proven.remove_all(user.account_id, user.id, session)
            after: dict[str, AuditValue] = {"successor": successor.address, "records": handed_over}
            await self._stores.auditor.note(who, Change("user.left", {"user": user.address}, after), session)
            await self._sign_ins.end_all(user.account_id, user.id, session)

        await self._stores.database.in_transaction(body)
        return handed_over

    async def _user(self, account_id: UUID, user_id: UUID, session: Session | None = None) -> User:
        user = await self._stores.users.get(account_id, user_id, session)
        if user is None or user.disabled:
            raise Problem(NOT_FOUND, "No such user.")
        return user

    async def _keep_one_super_admin(self, leaving: User, session: Session) -> None:
        """In the transaction of the change: it reads and writes a user that the other change reads too."""
        if leaving.role is not Role.SUPER_ADMIN:
            return
        others = [
            user
            for user in await self._stores.users.all(leaving.account_id, session)
            if user.role is Role.SUPER_ADMIN and not user.disabled and not user.invited
            if user.id != leaving.id
        ]
        if not others:
            raise Problem(LAST_SUPER_ADMIN, "Make somebody else a super admin first.")
        await self._stores.users.change(
            leaving.account_id, others[0].id, {"counted_at": self._clock()}, session
        )

    async def _link(self, user: User, lifetime: timedelta, mailed: bool, session: Session) -> NewPasswordLink:
        token, expires_at = new_secret(), self._clock() + lifetime
        link = PasswordLink(
            account_id=user.account_id,
            user_id=user.id,
            sign_in_name=fold(user.address),
            expires_at=expires_at,
        )
        await self._stores.links.forget_all(user.account_id, user.id, session)
        await self._stores.links.add(user.account_id, link, hash_of(token), session)
        if mailed:
            kind = LetterKind.INVITATION if user.invited else LetterKind.PASSWORD
            await self._post.add(self._post.letter(kind, _letter_id(user.id), user), session)
        return NewPasswordLink(user_id=user.id, token=SecretStr(token), expires_at=expires_at, mailed=mailed)


def _letter_id(user_id: UUID) -> UUID:
    """Of the letter with a user's password link: one waits at most."""
    return derived_id("password-letter", user_id)


def row_of(user: User, letter: Letter | None = None) -> UserRow:
    """The user as a row. `letter`: the mail with the link, while it has not gone out."""
    state = UserState.LEFT if user.disabled else UserState.INVITED if user.invited else UserState.ACTIVE
    return UserRow(
        id=user.id,
        name=user.name,
        address=user.address,
        role=user.role,
        state=state,
        created_at=user.created_at,
        mail_trouble=letter.trouble if letter else None,
        mail_waits=letter is not None and letter.next_at is not None,
    )
