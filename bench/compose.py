"""What a compose window waits for while recipients are typed: GET /v1/compose-context, in milliseconds.

The account has 10,000 contacts with an address and a deal each, written by crm's own stores. One address and
ten, drawn from all of them, are asked for in turn.
"""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from bench.database import Fresh, on_quick, quick_name, url_of
from bench.load import milliseconds
from bench.push import a_rep
from bench.results import Figure, figure, percentile
from deploy.local.database_user import DATABASE
from deploy.local.rep import Rep, http_client
from deploy.local.stack import Stack
from services.crm.model.records import Contact, Deal
from services.crm.store.database import Database, Session
from services.crm.store.records import AllRecords
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType

SERVICES = ("crm",)
CONTACTS = 10_000
ROUNDS = 5
ASKED = 200  # a round, of each
MANY = 10  # addresses of a mail to several
_BATCH = 50  # contacts of a transaction

Asked = tuple[list[float], list[float]]  # milliseconds: of one address, of many


async def measure(fresh: Fresh) -> list[Figure]:
    """`compose_context_p50_ms`, `compose_context_p99_ms`."""
    async with on_quick(fresh, SERVICES) as stack, http_client() as http:
        begun = time.perf_counter()
        await _fill(stack)
        print(f"  the contacts are there after {time.perf_counter() - begun:.0f} s")
        rep = await a_rep(http, stack)
        rounds = [await _round(rep) for _ in range(ROUNDS + 1)][1:]  # the first one warms up
    return figures(rounds, quick_name())


async def _round(rep: Rep) -> Asked:
    one, many = [], []
    for _ in range(ASKED):
        one.append(await milliseconds(partial(_ask, rep, 1)))
        many.append(await milliseconds(partial(_ask, rep, MANY)))
    print(f"  compose context p99: {percentile(one, 0.99):.1f} ms, of {MANY} {percentile(many, 0.99):.1f} ms")
    return one, many


async def _ask(rep: Rep, addresses: int) -> None:
    asked = [address(number) for number in random.sample(range(CONTACTS), addresses)]
    context = await rep.get("/v1/compose-context", to=",".join(asked))
    assert all(one["contact_id"] for one in context["recipients"])
    assert len(context["records"]) >= 2 * addresses  # each contact and its deal


def figures(rounds: Sequence[Asked], more: str) -> list[Figure]:
    """Of rounds."""
    note = (
        f"of {MANY} addresses, {len(rounds)} rounds of {ASKED} over HTTP, one at a time; an account of "
        f"{CONTACTS:,} contacts and as many deals; reference: of one address; {more}"
    )
    return [_figure(rounds, share, note) for share in (0.5, 0.99)]


def _figure(rounds: Sequence[Asked], share: float, note: str) -> Figure:
    one, many = ([percentile(asked[at], share) for asked in rounds] for at in (0, 1))
    ratios = [alone / together for alone, together in zip(one, many, strict=True)]
    return figure(f"compose_context_p{share * 100:.0f}_ms", "ms", many, one, ratios, "", note)


def address(number: int) -> str:
    """Of one of the contacts."""
    return f"r{number}@recipient.example"


async def _fill(stack: Stack) -> None:
    database = Database(url_of(stack), DATABASE)
    try:
        records, account_id = AllRecords(database), UUID(stack.sign_ins["account_id"])
        for first in range(0, CONTACTS, _BATCH):
            numbers = range(first, first + _BATCH)
            await database.in_transaction(partial(_add, records, account_id, numbers))
    finally:
        database.close()


async def _add(records: AllRecords, account_id: UUID, numbers: Sequence[int], session: Session) -> None:
    now = datetime.now(UTC)
    for number in numbers:
        addresses = (address(number),)
        contact = Contact(
            id=new_id(), name=f"Recipient {number}", addresses=addresses, created_at=now, updated_at=now
        )
        deal = Deal(id=new_id(), name=f"Offer {number}", created_at=now, updated_at=now)
        await records.contacts.add(account_id, contact, session)
        await records.addresses.claim(account_id, contact.id, addresses, session)
        await records.deals.add(account_id, deal, session)
        await records.associations.add(
            account_id,
            RecordRef(record_type=RecordType.CONTACT, record_id=contact.id),
            RecordRef(record_type=RecordType.DEAL, record_id=deal.id),
            session,
            primary=False,
        )
