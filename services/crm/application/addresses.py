"""The addresses that users send from: named, proven by a mailed link, removed (E4, L7).

An address is one user's at a time, over all accounts. Whether somebody has it already is told only to who has
shown to read its mail: asking for the link is answered the same either way.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.application.letters import ADDRESS_LIFETIME, Post
from services.crm.model.accounts import AddressKind, SendingAddress, User
from services.crm.model.addresses import AddressClaim, AddressRow, AddressState
from services.crm.model.failures import AlreadyThere
from services.crm.model.letters import Letter, LetterKind
from services.crm.problems import ADDRESS_IN_USE, LINK_SPENT
from services.crm.rules.addresses import fold
from services.crm.rules.letters import mailable
from services.crm.rules.secrets import hash_of
from services.crm.store.accounts import Users
from services.crm.store.addresses import AddressClaims, ProvenAddresses
from services.crm.store.database import Database, Session
from services.crm.store.identities import AddressLinks, SignInNames
from services.crm.store.letters import Letters
from shared.auth.tokens import SignedIn
from shared.events.ids import derived_id
from shared.http.problems import INVALID, NOT_FOUND, NOT_SIGNED_IN, Problem

MOST = 50  # of one user, proven or not


@dataclass(frozen=True, slots=True)
class AddressStores:
    """Where addresses are kept."""

    database: Database
    users: Users
    names: SignInNames
    claims: AddressClaims
    links: AddressLinks
    proven: ProvenAddresses
    letters: Letters
    auditor: Auditor


class OwnAddresses:
    """Each user's own."""

    def __init__(self, stores: AddressStores, post: Post, clock: Clock) -> None:
        self._stores = stores
        self._post = post
        self._clock = clock

    @property
    def mail_set_up(self) -> bool:
        """Whether links can be mailed at all."""
        return self._post.set_up

    async def all(self, who: SignedIn) -> list[AddressRow]:
        """The proven ones first, the sign-in address before all. Problem 401."""
        user = await self._user(who)
        claims = await self._stores.claims.of_user(who.account_id, who.user_id)
        letters = await self._stores.letters.some(who.account_id, [claim.id for claim in claims])
        waiting = [_claimed(claim, letters.get(claim.id), self._clock()) for claim in claims]
        return [*_proven(user), *sorted(waiting, key=lambda row: row.address)]

    async def ask(self, who: SignedIn, typed: str) -> AddressRow:
        """Mail a link that proves the address; earlier links stay good.

        Problem 401, 409 (no relay), 422 (no address, or too many), 429.
        """
        self._post.need()
        address = mailable(typed)
        if address is None:
            raise Problem(INVALID, "Write an address that mail can be sent to, e.g. name@example.com.")
        user, id_ = await self._user(who), _id(who.user_id, address)
        if (own := next((row for row in _proven(user) if row.id == id_), None)) is not None:
            return own
        claims = {claim.id: claim for claim in await self._stores.claims.of_user(user.account_id, user.id)}
        if id_ not in claims and len(claims) + len(user.addresses) >= MOST:
            raise Problem(INVALID, f"A user has at most {MOST} addresses; remove one first.")
        await self._post.bound(user.id, address)
        mailed_at = claims[id_].mailed_at if id_ in claims else None
        claim = AddressClaim(
            id=id_, user_id=user.id, address=address, asked_at=self._clock(), mailed_at=mailed_at
        )
        letter = self._post.letter(LetterKind.ADDRESS, id_, user)

        async def body(session: Session) -> None:
            await self._stores.claims.put(who.account_id, claim, session)
            await self._post.add(letter, session)

        await self._stores.database.in_transaction(body)
        self._post.asked.set()
        return _claimed(claim, letter, self._clock())

    async def again(self, who: SignedIn, id_: UUID) -> AddressRow:
        """Another link for an address that is not proven yet. Problem 404, 409, 429."""
        claim = await self._stores.claims.get(who.account_id, id_)
        if claim is None or claim.user_id != who.user_id:
            raise Problem(NOT_FOUND, "No such address of yours waits for its proof.")
        return await self.ask(who, claim.address)

    async def linked(self, who: SignedIn, token: str) -> AddressClaim:
        """What the link proves; it is good for the user alone who asked for it. Problem 410."""
        link = await self._stores.links.find(hash_of(token), self._clock())
        if link is None or (link.account_id, link.user_id) != (who.account_id, who.user_id):
            raise Problem(LINK_SPENT, "Ask for another link, signed in as who is to send from the address.")
        claim = await self._stores.claims.get(who.account_id, link.claim_id)
        if claim is None:
            raise Problem(LINK_SPENT, "Ask for another link.")
        return claim

    async def confirm(self, who: SignedIn, token: str) -> AddressRow:
        """The address is proven, and counts from now on. Problem 401, 409 (another user has it), 410."""
        claim = await self.linked(who, token)
        await self._not_signed_in_with(claim)
        proven = SendingAddress(address=claim.address, kind=AddressKind.ALIAS)

        async def body(session: Session) -> None:
            if not await self._stores.links.spend(who.account_id, hash_of(token), session):
                raise Problem(LINK_SPENT, "Ask for another link.")
            user = await self._user(who, session)
            await self._stores.proven.add(user.account_id, user.id, fold(claim.address), session)
            await self._set(user, [*user.addresses, proven], session)
            await self._forget(who, claim.id, session)
            await self._stores.auditor.note(
                who, Change("address.proven", {}, {"address": claim.address}), session
            )

        try:
            await self._stores.database.in_transaction(body)
        except AlreadyThere:
            raise _in_use() from None
        return AddressRow(id=claim.id, address=claim.address, state=AddressState.PROVEN, kind=proven.kind)

    async def remove(self, who: SignedIn, id_: UUID) -> None:
        """It counts no more, or is waited for no more. Problem 401, 404, 422 (the sign-in address)."""
        user = await self._user(who)
        claim = await self._stores.claims.get(who.account_id, id_)
        own = next((row for row in _proven(user) if row.id == id_), None)
        if own is not None and own.kind is AddressKind.PRIMARY:
            raise Problem(INVALID, "The address that you sign in with stays.")
        if own is None and (claim is None or claim.user_id != who.user_id):
            raise Problem(NOT_FOUND, "No such address of yours.")

        async def body(session: Session) -> None:
            await self._forget(who, id_, session)
            if own is None:
                return
            found = await self._user(who, session)
            left = [one for one in found.addresses if _id(found.id, one.address) != id_]
            await self._set(found, left, session)
            await self._stores.proven.remove(found.account_id, found.id, fold(own.address), session)
            await self._stores.auditor.note(who, Change("address.removed", {"address": own.address}), session)

        await self._stores.database.in_transaction(body)

    async def _user(self, who: SignedIn, session: Session | None = None) -> User:
        user = await self._stores.users.get(who.account_id, who.user_id, session)
        if user is None or user.disabled:
            raise Problem(NOT_SIGNED_IN, "This user can't sign in any more.")
        return user

    async def _not_signed_in_with(self, claim: AddressClaim) -> None:
        """Problem 409 where another user signs in with the address; who has left sends no more, and who has
        not accepted an invitation does not yet."""
        credentials = await self._stores.names.credentials(fold(claim.address))
        if credentials is None or credentials.user_id == claim.user_id:
            return
        other = await self._stores.users.get(credentials.account_id, credentials.user_id)
        if other is not None and not other.disabled and not other.invited:
            raise _in_use()

    async def _set(self, user: User, addresses: list[SendingAddress], session: Session) -> None:
        fields = {"addresses": [one.model_dump() for one in addresses]}
        await self._stores.users.change(user.account_id, user.id, fields, session)

    async def _forget(self, who: SignedIn, claim_id: UUID, session: Session) -> None:
        await self._stores.claims.remove(who.account_id, claim_id, session)
        await self._stores.links.forget_all(who.account_id, claim_id, session)
        await self._stores.letters.remove(who.account_id, claim_id, session)


def _in_use() -> Problem:
    return Problem(ADDRESS_IN_USE, "It must be removed there before you can send from it.")


def _id(user_id: UUID, address: str) -> UUID:
    """Of an address of a user, proven or not."""
    return derived_id("own-address", user_id, fold(address))


def _proven(user: User) -> list[AddressRow]:
    return [
        AddressRow(
            id=_id(user.id, own.address), address=own.address, state=AddressState.PROVEN, kind=own.kind
        )
        for own in user.addresses
    ]


def _claimed(claim: AddressClaim, letter: Letter | None, now: datetime) -> AddressRow:
    state = AddressState.MAILED
    if letter is not None:
        state = AddressState.FAILED if letter.next_at is None else AddressState.QUEUED
    elif claim.mailed_at is not None and claim.mailed_at + ADDRESS_LIFETIME <= now:
        state = AddressState.EXPIRED
    return AddressRow(
        id=claim.id,
        address=claim.address,
        state=state,
        mailed_at=claim.mailed_at,
        trouble=letter.trouble if letter else None,
    )
