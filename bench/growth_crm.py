"""What a page of crm and a mail cost when the account holds more: CPU of crm and the database together.

The records that come on top are other reps' mails and other contacts' timeline rows; the feed and the
timeline that are looked at stay as long as they are.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID, uuid4

import httpx
from pymongo.database import Database

from bench.database import opened
from bench.load import cpu_seconds
from bench.push import a_rep, prepared, settled
from bench.results import Figure
from bench.steps import Step, grown
from deploy.local.database_user import DATABASE
from deploy.local.rep import Json, Rep, http_client, until
from deploy.local.stack import Stack
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.rules.places import place
from services.crm.store.documents import document
from shared.events.log_decisions import RecordType

SERVICES = ("crm", "ingest")
RECORDS = (1_000, 10_000, 100_000)
ROUNDS = 3
PAGES = 60  # a round
MAILS = 40  # a round
SHOWN = 100  # mails of the rep that looks, rows of the contact that is looked at
_OF_ONE = 50  # mails of another rep, rows of another contact
_BATCH = 500

Cost = Callable[[], Awaitable[float]]


async def measure(stack: Stack) -> list[Figure]:
    """`growth_crm_feed_page`, `growth_crm_timeline_page`, `growth_crm_mail`."""
    steps: dict[str, list[Step]] = {}
    async with http_client() as http, http_client() as other:  # one signs in once
        account = await _Account.begin(stack, http, other)
        for count in RECORDS:
            begun = time.perf_counter()
            await account.grow_to(count)
            print(f"  crm holds {count:,} mails and timeline rows after {time.perf_counter() - begun:.0f} s")
            for name, cost in (await account.costs()).items():
                step = Step(count, tuple([await cost() for _ in range(ROUNDS + 1)][1:]))
                print(f"  {name} at {count:,}: {step.cost:.1f} ms")
                steps.setdefault(name, []).append(step)
    note = (
        f"CPU ms of crm and the database, {ROUNDS} rounds of {PAGES} pages or {MAILS} mails; "
        f"the feed and the timeline that are looked at keep their {SHOWN} rows"
    )
    what = "mails and as many timeline rows of the account"
    return [grown(f"growth_crm_{name}", "ms", found, what, note) for name, found in steps.items()]


class _Account:
    """The demo account, with a database that can be filled past crm."""

    def __init__(
        self, stack: Stack, https: tuple[httpx.AsyncClient, httpx.AsyncClient], sent: Json, contact: UUID
    ) -> None:
        self._stack = stack
        self._http, self._other_http = https
        self._sent = sent  # a mail as crm keeps it
        self._contact = contact
        self._records = 0

    @classmethod
    async def begin(cls, stack: Stack, http: httpx.AsyncClient, other: httpx.AsyncClient) -> "_Account":
        """With SHOWN mails in the rep's feed and SHOWN rows in one contact's timeline."""
        rep = await a_rep(http, stack)
        mail = await prepared(rep, "ann@recipient.example")
        await rep.confirm_sent(mail)

        async def shown() -> Json | None:
            return await rep.feed_row(mail["message_id"])

        await until(shown, "the mail in the feed")
        contact = UUID((await rep.get("/v1/contacts", limit=1))["items"][0]["id"])
        with opened(stack) as client:
            sent = client[DATABASE]["messages"].find_one({"_id": UUID(mail["message_id"])})
            assert sent is not None
            account = cls(stack, (http, other), sent, contact)
            mine = (account._mail(number, sent["user_id"]) for number in range(SHOWN))
            rows = (account._row(number, contact) for number in range(SHOWN))
            client[DATABASE]["messages"].insert_many(list(mine))
            client[DATABASE]["timeline"].insert_many(list(rows))
        return account

    async def grow_to(self, count: int) -> None:
        """So many mails and rows of others in all."""
        with opened(self._stack) as client:
            await asyncio.to_thread(self._fill, client[DATABASE], count - self._records)
        self._records = count

    async def costs(self) -> dict[str, Cost]:
        """What is measured, by its name."""
        rep = await a_rep(self._http, self._stack)  # a token that lasts
        other = await a_rep(self._other_http, self._stack, 1)  # whose mails lengthen another feed
        return {
            "feed_page": lambda: self._pages(rep, "/v1/feed"),
            "timeline_page": lambda: self._pages(rep, f"/v1/contacts/{self._contact}/timeline"),
            "mail": lambda: self._mails(other),
        }

    async def _pages(self, rep: Rep, path: str) -> float:
        before = self._cpu()
        for _ in range(PAGES):
            page = await rep.get(path, limit=25)
            assert len(page["items"]) == 25
        return (self._cpu() - before) / PAGES * 1000

    async def _mails(self, rep: Rep) -> float:
        before = self._cpu()
        for number in range(MAILS):
            await rep.confirm_sent(await prepared(rep, f"r{number}@recipient.example"))
        await settled(self._http, self._stack)
        return (self._cpu() - before) / MAILS * 1000

    def _cpu(self) -> float:
        return cpu_seconds([self._stack.pids[part] for part in ("crm", "database")])

    def _fill(self, database: Database[Json], count: int) -> None:
        mails, rows = self._of_others(self._mail), self._of_others(self._row)
        for begin in range(0, count, _BATCH):
            more = min(_BATCH, count - begin)
            database["messages"].insert_many(list(islice(mails, more)))
            database["timeline"].insert_many(list(islice(rows, more)))

    @staticmethod
    def _of_others(one: Callable[[int, UUID], Json]) -> Iterator[Json]:
        while True:
            owner = uuid4()
            yield from (one(number, owner) for number in range(_OF_ONE))

    def _mail(self, seconds: int, user: UUID) -> Json:
        sent_at, other = self._sent["sent_at"] - timedelta(seconds=seconds + 1), uuid4()
        place_ = f"{int(sent_at.timestamp() * 1000):013d}{other.hex}"
        return {**self._sent, "_id": other, "user_id": user, "sent_at": sent_at, "feed_place": place_}

    def _row(self, seconds: int, contact: UUID) -> Json:
        row = TimelineRow(
            id=uuid4(), record_type=RecordType.CONTACT, record_id=contact, type=TimelineType.EMAIL,
            occurred_at=datetime.now(UTC) - timedelta(seconds=seconds), message_id=uuid4(), user_id=uuid4(),
            subject="Offer", recipients=("Ann",),
        )  # fmt: skip
        kept = {**document(row), "place": place(row.occurred_at, row.id)}
        return {**kept, "_id": row.id, "account_id": self._sent["account_id"]}
