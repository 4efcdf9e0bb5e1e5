"""The Accuracy page and its API when an account has a million engagements, in milliseconds.

The engagements are inserted past crm, a year of them, and counted by crm's own store as two of its processes
would. A super admin, who sees all of them, and a rep, who sees a hundredth, ask in turn.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from statistics import median
from uuid import UUID, uuid4

import httpx

from bench.database import Fresh, on_quick, opened, quick_name, url_of
from bench.load import milliseconds
from bench.results import Figure, figure, percentile
from deploy.local.database_user import DATABASE
from deploy.local.rep import Json, Rep, http_client
from deploy.local.seed import people
from deploy.local.sign_in import access_token
from deploy.local.stack import Stack
from services.crm.model.engagements import Engagement
from services.crm.rules.accuracy import MOST_DAYS, Recount, days, place_of
from services.crm.store.accuracy import VerdictCounts, counted_fields
from services.crm.store.database import AccountDocuments, Database
from services.crm.store.documents import document
from services.tracker.rules import ALL_RULES, RULESET_VERSION
from shared.auth.tokens import Role
from shared.events.engagements import EngagementKind

SERVICES = ("crm",)
ENGAGEMENTS = 1_000_000
USERS = 100  # whose mail they are of; the rep who looks is one
PROCESSES = 2  # of crm: each counts into documents of its own
ROUNDS = 5
ASKED = 40  # a round, by each, of each
PAGE_DAYS = 90  # the most that the page shows; the API is asked for all

Kept = tuple[UUID, Json, Recount]  # an engagement's key and document, and where it is counted


@dataclass(frozen=True, slots=True)
class Asked:
    """Milliseconds per answer in one round: of the whole account, and of the one rep's mail."""

    whole: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Round:
    """What a round asked for."""

    page: Asked = field(default_factory=Asked)
    api: Asked = field(default_factory=Asked)


async def measure(fresh: Fresh) -> list[Figure]:
    """`accuracy_page_p99_ms`, `accuracy_api_p99_ms`, `accuracy_rows`."""
    async with on_quick(fresh, SERVICES) as stack, http_client() as http, http_client() as other:
        begun = time.perf_counter()
        rows = await _fill(stack)
        print(f"  {ENGAGEMENTS:,} engagements are there after {time.perf_counter() - begun:.0f} s")
        admin = await _signed_in(stack, http, Role.SUPER_ADMIN)
        rep = await _signed_in(stack, other, Role.REP)
        rounds = [await _round(admin, rep) for _ in range(ROUNDS + 1)][1:]  # the first one warms up
    return figures(rounds, rows, quick_name())


async def _round(admin: Rep, rep: Rep) -> Round:
    found = Round()
    for _ in range(ASKED):
        for asked, ask in ((found.page, _page), (found.api, _numbers)):
            asked.whole.append(await milliseconds(partial(ask, admin)))
            asked.own.append(await milliseconds(partial(ask, rep)))
    told = (percentile(one.whole, 0.99) for one in (found.page, found.api))
    print("  accuracy p99: page {:.1f} ms, API {:.1f} ms".format(*told))
    return found


async def _page(who: Rep) -> None:
    answer = await who.http.get(f"{who.app_url}/accuracy", params={"days": PAGE_DAYS})
    assert answer.status_code == 200


async def _numbers(who: Rep) -> None:
    last = datetime.now(UTC).date()
    first = last - timedelta(days=MOST_DAYS - 1)
    numbers = await who.get("/v1/accuracy", **{"from": first.isoformat(), "to": last.isoformat()})
    assert numbers["hits"] > 0


async def _signed_in(stack: Stack, http: httpx.AsyncClient, role: Role) -> Rep:
    """On the pages too: the client keeps the cookie."""
    who = people(stack.sign_ins, role)[0]
    token = await access_token(http, stack.addresses["app_url"], who.address, who.password)
    return Rep(http, stack.addresses, token, who.address)


def figures(rounds: Sequence[Round], rows: int, more: str) -> list[Figure]:
    """Of rounds; `rows`: documents of the read model."""
    said = (
        f"an account of {ENGAGEMENTS:,} engagements of {USERS} users within {MOST_DAYS} days; {len(rounds)} "
        f"rounds of {ASKED} over HTTP, one at a time; reference: a rep with one in {USERS} of them; "
        f"ratio: how many times that; {more}"
    )
    note = (
        f"documents of verdict_counts for {ENGAGEMENTS:,} engagements of {USERS} users within {MOST_DAYS} "
        f"days, counted by {PROCESSES} processes: one for each day, process and user, and the account; "
        f"counted once; reference: the engagements; ratio: rows for each; {more}"
    )
    page, api = f"p99 of the page, {PAGE_DAYS} days", f"p99 of /v1/accuracy, {MOST_DAYS} days"
    return [
        _of("accuracy_page_p99_ms", [one.page for one in rounds], page, said),
        _of("accuracy_api_p99_ms", [one.api for one in rounds], api, said),
        figure("accuracy_rows", "", [rows], [ENGAGEMENTS], [rows / ENGAGEMENTS], "", note),
    ]


def _of(name: str, rounds: Sequence[Asked], what: str, said: str) -> Figure:
    whole, own = ([percentile(values, 0.99) for values in of] for of in _both(rounds))
    p50 = ", ".join(f"{median([percentile(one, 0.5) for one in of]):.1f} ms" for of in _both(rounds))
    ratios = [all_ / part for all_, part in zip(whole, own, strict=True)]
    return figure(name, "ms", whole, own, ratios, "", f"{what}, p50 of both {p50}; {said}")


def _both(rounds: Sequence[Asked]) -> tuple[list[list[float]], list[list[float]]]:
    return [one.whole for one in rounds], [one.own for one in rounds]


async def _fill(stack: Stack) -> int:
    """All engagements, counted; how many documents the counts are."""
    account_id, users = UUID(stack.sign_ins["account_id"]), await _users(stack)
    last = datetime.now(UTC).date()
    span = days(last - timedelta(days=MOST_DAYS - 1), last)
    database = Database(url_of(stack), DATABASE)
    try:
        engagements = AccountDocuments(database, "engagements")
        counts = [VerdictCounts(database) for _ in range(PROCESSES)]
        for number, day in enumerate(span):
            count = ENGAGEMENTS * (number + 1) // len(span) - ENGAGEMENTS * number // len(span)
            kept = list(engagements_of(day, users, count))
            await engagements.add_new(account_id, {id_: one for id_, one, _ in kept})
            for process, own in enumerate(counts):
                part = kept[count * process // PROCESSES : count * (process + 1) // PROCESSES]
                recounts = [recount for *_, recount in part]
                await database.in_transaction(partial(own.add, account_id, recounts))
    finally:
        database.close()
    with opened(stack) as client:
        return client[DATABASE]["verdict_counts"].count_documents({})


async def _users(stack: Stack) -> list[UUID]:
    """Those whose mail it is, the rep who looks first."""
    async with http_client() as http:
        me = await (await _signed_in(stack, http, Role.REP)).get("/v1/me")
    return [UUID(me["user_id"]), *(uuid4() for _ in range(USERS - 1))]


def engagements_of(day: date, users: Sequence[UUID], count: int) -> Iterator[Kept]:
    """So many of a day as crm keeps them: of the users in turn, each by a rule that is drawn."""
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    kinds = [(document(one), place_of(one)) for one in _kinds(at)]
    for number, (kind, place) in enumerate(random.choices(kinds, k=count)):
        id_, user = uuid4(), users[number % len(users)]
        own = place._replace(user_id=user)
        new = {"user_id": user, "message_id": uuid4(), "hit_id": uuid4(), "session_id": uuid4()}
        yield id_, {**kind, **new, **counted_fields(own)}, Recount(id_, None, own)


def _kinds(at: datetime) -> list[Engagement]:
    """One by each rule that gives a verdict: more kinds than a mailbox sees in a day."""
    return [
        Engagement(
            id=uuid4(), revision=0, message_id=uuid4(), user_id=uuid4(), hit_id=uuid4(),
            kind=EngagementKind.OPEN, verdict=rule.verdict, evidence=(rule.evidence(),),
            confidence=rule.confidence, ruleset_version=RULESET_VERSION, session_id=uuid4(), occurred_at=at,
            candidates=(0,),
        )
        for rule in ALL_RULES
        if rule.verdict is not None
    ]  # fmt: skip
