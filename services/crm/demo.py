"""The demo account: people, companies, deals and tickets, in English and Japanese."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.crm.application.records import RecordBook
from services.crm.collaborators import Collaborators
from services.crm.model.accounts import User
from services.crm.model.records import Association, LegalBasisKind
from services.crm.problems import ADDRESS_TAKEN
from shared.auth.tokens import Role
from shared.events.ids import derived_id
from shared.events.log_decisions import RecordType
from shared.http.problems import Problem

ACCOUNT_ID = derived_id("demo", "account")
_DOMAIN = "kaifu.example"
_USERS = (
    ("Mika Sato", "admin", Role.SUPER_ADMIN, "ja", "Asia/Tokyo"),
    ("Haruto Tanaka", "haruto", Role.REP, "ja", "Asia/Tokyo"),
    ("Emma Clark", "emma", Role.REP, "en", "Europe/London"),
    ("Noah Fischer", "noah", Role.SUPER_ADMIN, "en", "Europe/Berlin"),
)
_COMPANIES = (
    ("sakura", "さくら商事株式会社", "sakura.example"),
    ("northwind", "Northwind Traders", "northwind.example"),
    ("minato", "港精機株式会社", "minato.example"),
)
_CONTACTS = (
    ("yamada", "山田 花子", "sakura", LegalBasisKind.LEGITIMATE_INTEREST_CUSTOMER, "購買部長", "haruto"),
    ("suzuki", "鈴木 一郎", "sakura", LegalBasisKind.NONE, "営業", "haruto"),
    ("kobayashi", "小林 さくら", "minato", LegalBasisKind.FREELY_GIVEN_CONSENT, "代表取締役", "haruto"),
    ("olivia", "Olivia Martin", "northwind", LegalBasisKind.PERFORMANCE_OF_CONTRACT, "Head of IT", "emma"),
    ("liam", "Liam Novak", "northwind", LegalBasisKind.NONE, "Engineer", "emma"),
    ("zoe", "Zoë Müller", "northwind", LegalBasisKind.LEGITIMATE_INTEREST_PROSPECT, "CFO", "emma"),
)
_DEALS = (
    ("line", "新ライン導入", "sakura", "yamada", "proposal", 4_800_000, "JPY", True),
    ("renewal", "Renewal 2027", "northwind", "olivia", "negotiation", 1_250_000, "EUR", True),
    ("pilot", "Pilot", "northwind", "zoe", "won", 90_000, "EUR", False),
)
_TICKETS = (
    ("invoice", "請求書の宛名変更", "sakura", "yamada", "open", True),
    ("sso", "Single sign-on fails for two people", "northwind", "liam", "open", True),
    ("training", "Training slides", "northwind", "olivia", "closed", False),
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """The users and, where they were made just now, their passwords by address."""

    users: Sequence[User]
    passwords: Mapping[str, str]

    def printable(self) -> dict[str, Any]:
        """What the runner keeps."""
        return {
            "account_id": str(ACCOUNT_ID),
            "users": [
                {
                    "name": user.name,
                    "address": user.address,
                    "role": user.role.value,
                    "locale": user.locale,
                    "password": self.passwords.get(user.address),
                }
                for user in self.users
            ],
        }


async def seed(crm: Collaborators) -> Seeded:
    """Make what is missing. Raises DatabaseAway."""
    passwords: dict[str, str] = {}
    if await crm.accounts.get(ACCOUNT_ID) is None:
        users = [_user(crm, *user) for user in _USERS]
        passwords = {user.address: secrets.token_urlsafe(12) for user in users}
        account = crm.accounts.account("Kaifu Demo", ACCOUNT_ID)
        await crm.accounts.open(account, [(user, passwords[user.address]) for user in users])
    await _records(crm)
    order = {f"{local}@{_DOMAIN}": place for place, (_, local, *_) in enumerate(_USERS)}
    users = await crm.accounts.users(ACCOUNT_ID)
    return Seeded(sorted(users, key=lambda user: order.get(user.address, len(order))), passwords)


def _user(crm: Collaborators, name: str, local: str, role: Role, locale: str, time_zone: str) -> User:
    return crm.accounts.user(
        ACCOUNT_ID,
        name,
        f"{local}@{_DOMAIN}",
        role,
        locale=locale,
        time_zone=time_zone,
        aliases=[f"{local}.sales@{_DOMAIN}"],
        user_id=_id("user", local),
    )


async def _records(crm: Collaborators) -> None:
    books = crm.records
    for key, name, domain in _COMPANIES:
        await _make(books.companies, _id("company", key), {"name": name, "domain": domain})
    for key, name, company, basis, title, owner in _CONTACTS:
        fields = {
            "name": name,
            "addresses": [f"{key}@{company}.example"],
            "job_title": title,
            "owner_id": _id("user", owner),
            "legal_basis": {"kind": basis, "source": "demo" if basis.eligible else ""},
        }
        await _make(books.contacts, _id("contact", key), fields, [_to("company", company, primary=True)])
    for key, name, company, contact, stage, amount, currency, is_open in _DEALS:
        fields = {"name": name, "stage": stage, "amount": amount, "currency": currency, "open": is_open}
        belongs = [_to("company", company), _to("contact", contact)]
        await _make(books.deals, _id("deal", key), fields, belongs)
    for key, name, company, contact, status, is_open in _TICKETS:
        fields = {"name": name, "status": status, "open": is_open}
        belongs = [_to("company", company), _to("contact", contact)]
        await _make(books.tickets, _id("ticket", key), fields, belongs)


async def _make(
    book: RecordBook[Any], id_: UUID, fields: dict[str, Any], associations: Sequence[Association] = ()
) -> None:
    try:
        await book.create(ACCOUNT_ID, fields, associations, id_=id_)
    except Problem as problem:
        if problem.problem is not ADDRESS_TAKEN:  # it is there from last time
            raise


def _to(kind: str, key: str, *, primary: bool = False) -> Association:
    return Association(record_type=RecordType(kind), record_id=_id(kind, key), name="", primary=primary)


def _id(kind: str, key: str) -> UUID:
    return derived_id("demo", kind, key)
