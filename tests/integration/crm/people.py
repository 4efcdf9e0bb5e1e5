"""Two accounts for crm's tests."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from services.crm.app import create_app
from services.crm.application.clock import utc_now
from services.crm.collaborators import Collaborators
from services.crm.model.accounts import User
from services.crm.model.records import Association, Company, Contact, Deal
from shared.auth.tokens import LIFETIME, Role, SignedIn
from shared.directory.contract import PreparedMessage, Recipient, RecipientField, RecordRef
from shared.events.base import Event
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.events.sends import Source

PASSWORD = "correct horse battery"
BASIS = {"kind": "freely_given_consent", "source": "test"}


class Clock:
    """Now, until a test moves it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass(frozen=True, slots=True)
class People:
    """An account with a rep and a super admin, and its records; another account with a rep."""

    account_id: UUID
    rep: User
    admin: User
    hanako: Contact
    liam: Contact
    sakura: Company
    deal: Deal
    stranger: User

    def who(self, user: User) -> SignedIn:
        """As the bearer of an access token."""
        return SignedIn(user.id, user.account_id, user.role, new_id(), utc_now() + LIFETIME)


async def make_people(crm: Collaborators) -> People:
    """All of them, fresh."""
    own, other = crm.accounts.account("Own"), crm.accounts.account("Other")
    tail = own.id.hex[-12:]  # sign-in names are unique over all accounts
    rep = crm.accounts.user(own.id, "Rep", f"rep-{tail}@own.example", Role.REP)
    admin = crm.accounts.user(own.id, "Admin", f"admin-{tail}@own.example", Role.SUPER_ADMIN)
    stranger = crm.accounts.user(other.id, "Stranger", f"rep-{tail}@other.example", Role.SUPER_ADMIN)
    await crm.accounts.open(own, [(rep, PASSWORD), (admin, PASSWORD)])
    await crm.accounts.open(other, [(stranger, PASSWORD)])
    sakura = await crm.records.companies.create(own.id, {"name": "さくら商事", "domain": "sakura.example"})
    at_sakura = Association(record_type=RecordType.COMPANY, record_id=sakura.id, name="", primary=True)
    hanako = await crm.records.contacts.create(
        own.id,
        {
            "name": "山田 花子",
            "addresses": ["Hanako@sakura.example"],
            "legal_basis": BASIS,
            "owner_id": rep.id,
        },
        [at_sakura],
    )
    liam = await crm.records.contacts.create(
        own.id, {"name": "Liam Novak", "addresses": ["liam@northwind.example"]}
    )
    deal = await crm.records.deals.create(own.id, {"name": "Renewal"}, [at_sakura])
    return People(own.id, rep, admin, hanako, liam, sakura, deal, stranger)


def asked(people: People, *to: str, **more: Any) -> PreparedMessage:
    """A mail of the rep's, to Hanako if nobody else is named."""
    addresses = to or ("hanako@SAKURA.example",)
    fields: dict[str, Any] = {
        "message_id": new_id(),
        "account_id": people.account_id,
        "user_id": people.rep.id,
        "source": Source.GMAIL,
        "from_address": people.rep.address,
        "subject": "Offer",
        "recipients": tuple(Recipient(address=one, field=RecipientField.TO) for one in addresses),
        "links": ("https://example.com/a", "https://example.com/b"),
        "track": True,
        "log": True,
        "records": (RecordRef(record_type=RecordType.CONTACT, record_id=people.hanako.id),),
        "create_contacts": (),
        "prepared_at": utc_now(),
        "fingerprint": "f" * 64,
    }
    return PreparedMessage(**(fields | more))


@asynccontextmanager
async def client(crm: Collaborators) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to crm's application in this process."""
    transport = httpx.ASGITransport(create_app(crm))
    async with httpx.AsyncClient(transport=transport, base_url="http://crm.example") as http:
        yield http


def as_user(crm: Collaborators, people: People, user: User) -> dict[str, str]:
    """The header of a signed-in user."""
    return {"Authorization": f"Bearer {crm.sign_ins.issue(people.who(user)).access_token}"}


def pkce() -> tuple[str, str]:
    """A verifier and its S256 challenge."""
    verifier = new_id().hex * 2
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def written(crm: Collaborators, account_id: UUID) -> list[Event]:
    """What waits in the outbox for one account, in order."""
    rows = await crm.stores.queue.waiting(10_000)
    return [row.event for row in rows if row.event.account_id == account_id]
