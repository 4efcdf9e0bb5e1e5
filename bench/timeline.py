"""A timeline's page over HTTP when its record has 10,000, 100,000 and a million rows, in milliseconds.

Three contacts have so many rows each, in one collection, inserted past crm as it would have written them. A
round asks for the first page and one far down of each contact in turn: what else the machine does falls on
all alike. A round lasts for some time and some pages at least: a server that reads all rows of a record for
each of its pages (bench/database.py) needs seconds for one of a million.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from statistics import median
from uuid import UUID, uuid4

import httpx

from bench.database import Fresh, on_quick, opened, quick_name
from bench.load import milliseconds
from bench.push import a_rep
from bench.results import Figure, figure, percentile
from deploy.local.database_user import DATABASE
from deploy.local.rep import Json, Rep, http_client
from deploy.local.stack import Stack
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.rules.places import cursor, place
from services.crm.store.documents import document
from shared.events.engagements import Evidence, Verdict
from shared.events.log_decisions import RecordType

SERVICES = ("crm",)
SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
ROUNDS = 3
ROUND_S = 20.0  # a round goes on for so long
LEAST = 4  # first pages of each contact in a round, and as many far down, however slow they are
ROWS = 50  # of a page, which is what clients get that ask for no number
FAR = 0.9  # of the rows are newer than a page far down
_BATCH = 1_000
_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Pages:
    """Milliseconds per page of one contact in one round."""

    first: list[float]
    far: list[float]

    @property
    def p99(self) -> float:
        """Of both."""
        return percentile([*self.first, *self.far], 0.99)


async def measure(fresh: Fresh) -> list[Figure]:
    """`timeline_p99_ms_10k`, `timeline_p99_ms_100k`, `timeline_p99_ms_1m`, `timeline_flat`."""
    async with on_quick(fresh, SERVICES) as stack, http_client() as http:
        contacts = (await (await a_rep(http, stack)).get("/v1/contacts", limit=len(SIZES)))["items"]
        begun, paths = time.perf_counter(), []
        for contact, size in zip(contacts, SIZES.values(), strict=True):
            after = await asyncio.to_thread(_fill, stack, UUID(contact["id"]), size)
            paths.append((f"/v1/contacts/{contact['id']}/timeline", after))
        print(f"  the timelines are there after {time.perf_counter() - begun:.0f} s")
        http.timeout = httpx.Timeout(_WITHIN_S)
        rep = await a_rep(http, stack)  # signed in anew: that took long
        rounds = [await _round(rep, paths) for _ in range(ROUNDS + 1)][1:]  # the first one warms up
    return figures(rounds, f"{sum(SIZES.values()):,} rows in all; {quick_name()}")


async def _round(rep: Rep, paths: Sequence[tuple[str, str]]) -> list[Pages]:
    found = [Pages([], []) for _ in paths]
    begun, turns = time.perf_counter(), 0
    while turns < LEAST or time.perf_counter() - begun < ROUND_S:
        turns += 1
        for pages, (path, after) in zip(found, paths, strict=True):
            pages.first.append(await milliseconds(partial(_page, rep, path)))
            pages.far.append(await milliseconds(partial(_page, rep, path, after=after)))
    print(f"  timeline p99: {', '.join(f'{pages.p99:.1f} ms' for pages in found)}")
    return found


async def _page(rep: Rep, path: str, **asked: str) -> None:
    page = await rep.get(path, limit=ROWS, **asked)
    assert len(page["items"]) == ROWS


def figures(rounds: Sequence[Sequence[Pages]], more: str) -> list[Figure]:
    """Of rounds with the pages of each size."""
    said = (
        f"{len(rounds)} rounds of {_asked(rounds)} pages of {ROWS} rows over HTTP, one at a time; "
        f"rows inserted past crm, {more}"
    )
    found = [
        _of_size(name, [pages[at] for pages in rounds], said) for at, name in enumerate(SIZES)
    ]  # fmt: skip
    small, large = ([pages[at].p99 for pages in rounds] for at in (0, -1))
    ratios = [after / before for before, after in zip(small, large, strict=True)]
    note = f"p99 with a million rows, first pages and pages far down; reference: with 10,000; {said}"
    flat = figure(
        "timeline_flat", "ms", large, small, ratios, "≤ 1.5", note + "; ratio: how many times it is"
    )
    steps = [
        (float(size), median([pages[at].p99 for pages in rounds])) for at, size in enumerate(SIZES.values())
    ]
    return [*found, replace(flat, steps=tuple(steps))]


def _asked(rounds: Sequence[Sequence[Pages]]) -> str:
    """How many of each contact a round asked for."""
    counts = [len(pages.first) + len(pages.far) for pages in (one[0] for one in rounds)]
    return f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else str(counts[0])


def _of_size(name: str, rounds: Sequence[Pages], said: str) -> Figure:
    first, far = ([percentile(one, 0.99) for one in of] for of in _both(rounds))
    p50 = ", ".join(f"{median([percentile(one, 0.5) for one in of]):.1f} ms" for of in _both(rounds))
    ratios = [before / after for before, after in zip(first, far, strict=True)]
    note = f"p99 of a page {FAR:.0%} down; reference: of the first page; p50 of both {p50}; {said}"
    return figure(f"timeline_p99_ms_{name}", "ms", far, first, ratios, "", note)


def _both(rounds: Sequence[Pages]) -> tuple[list[list[float]], list[list[float]]]:
    return [pages.first for pages in rounds], [pages.far for pages in rounds]


def _fill(stack: Stack, contact: UUID, size: int) -> str:
    """Write so many rows; the cursor of the page far down."""
    rows = timeline_rows(UUID(stack.sign_ins["account_id"]), contact, datetime.now(UTC))
    far = ""
    with opened(stack) as client:
        timeline = client[DATABASE]["timeline"]
        for begin in range(0, size, _BATCH):
            batch = list(islice(rows, min(_BATCH, size - begin)))
            if begin <= size * FAR < begin + _BATCH:
                far = batch[0]["place"]
            timeline.insert_many(batch, ordered=False)
    return cursor(far)


def timeline_rows(account_id: UUID, contact: UUID, now: datetime) -> Iterator[Json]:
    """A contact's timeline as crm keeps it, the newest row first: mails, each with two opens and a click."""
    kinds = (TimelineType.CLICK, TimelineType.OPEN, TimelineType.OPEN, TimelineType.EMAIL)
    kept = [document(_row(kind, contact, now)) for kind in kinds]
    seconds = 0
    while True:
        message = uuid4()
        for one in kept:
            id_, at = uuid4(), now - timedelta(seconds=seconds)
            own = {"_id": id_, "account_id": account_id, "place": place(at, id_)}
            yield {**one, **own, "occurred_at": at, "message_id": message}
            seconds += 1


def _row(kind: TimelineType, contact: UUID, now: datetime) -> TimelineRow:
    mail = TimelineRow(
        id=uuid4(), record_type=RecordType.CONTACT, record_id=contact, type=kind, occurred_at=now,
        message_id=uuid4(), user_id=uuid4(), subject="Offer",
    )  # fmt: skip
    if kind is TimelineType.EMAIL:
        return mail.model_copy(update={"recipients": ("Ann",)})
    evidence = (Evidence(rule="default.open"), Evidence(rule="timing.after-send", values={"seconds": 7}))
    engaged = {"engagement_id": uuid4(), "verdict": Verdict.HUMAN, "evidence": evidence}
    link = "https://example.org/offer" if kind is TimelineType.CLICK else None
    return mail.model_copy(update={**engaged, "link": link})
