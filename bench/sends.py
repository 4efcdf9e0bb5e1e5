"""The send API, prepare and sent, beside a bare FastAPI route that publishes one event of the same body.

CPU µs of ingest and of the bare route per request, and how long a request takes, in turns. A prepare waits
for crm, which records it in its database; ingest's CPU does not.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import uuid4

import httpx

from bench.fanout import Fresh
from bench.load import cpu_seconds, reference
from bench.reference import bare_sends
from bench.results import Figure, figure, percentile
from bench.tracker import done, kafka_settings, make_topic
from deploy.local.rep import Json, http_client
from deploy.local.sign_in import access_token
from deploy.local.stack import Stack
from services.crm.adapters.consumers import MESSAGES_GROUP
from shared.events.catalogue import SENDS

SERVICES = ("crm", "ingest")
ROUNDS = 5
MAILS = 400
AT_ONCE = 4
_LINKS = ["https://example.org/offer", "https://example.org/prices?for=you"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Some requests: what each took in ms, CPU of the server in µs per request, requests per second."""

    took_ms: list[float]
    cpu_us: float
    per_second: float
    answers: list[Json]

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return percentile(self.took_ms, 0.99)


Request = tuple[str, Json]  # path, body


async def measure(fresh: Fresh) -> list[Figure]:
    """`send_prepare_us`, `send_prepare_ms`, `send_sent_us`, `send_sent_ms`."""
    async with fresh(SERVICES) as stack, http_client() as http:
        settings = kafka_settings(stack, "ingest")
        await make_topic(settings, bare_sends.OUT)
        http.headers["Authorization"] = f"Bearer {await _signed_in(http, stack)}"
        port = stack.ports["notifier"]  # which does not run here
        async with reference("bare_sends", port, settings.bootstrap) as bare:
            own = _asker(http, stack.addresses["api_url"], stack.pids["ingest"])
            other = _asker(http, f"http://127.0.0.1:{port}", bare.pid)
            rounds: dict[str, list[tuple[Asked, Asked]]] = {"prepare": [], "sent": []}
            for number in range(-1, ROUNDS):  # the first one warms up
                mails = _mails(stack.sign_ins)
                prepared = await own(mails), await other(mails)
                reports = [_sent(answer) for answer in prepared[0].answers]
                sent = await own(reports), await other(reports)
                await done(settings, MESSAGES_GROUP, SENDS)
                if number >= 0:
                    rounds["prepare"].append(prepared)
                    rounds["sent"].append(sent)
                    print(f"  sends round {number + 1}: {_told(*prepared)}; {_told(*sent)}")
    return [one for name, asked in rounds.items() for one in _figures(name, asked)]


def _asker(http: httpx.AsyncClient, origin: str, pid: int) -> Callable[[Sequence[Request]], Any]:
    async def ask(requests: Sequence[Request]) -> Asked:
        """All of them, AT_ONCE in flight. Raises httpx.HTTPStatusError."""
        left, took, answers = iter(requests), [], []

        async def client() -> None:
            for path, body in left:
                began = time.perf_counter()
                answer = await http.post(origin + path, json=body, headers={"Idempotency-Key": str(uuid4())})
                took.append((time.perf_counter() - began) * 1000)
                answers.append(answer.raise_for_status().json())

        before, began = cpu_seconds([pid]), time.perf_counter()
        await asyncio.gather(*(client() for _ in range(AT_ONCE)))
        cpu_s, wall_s = cpu_seconds([pid]) - before, time.perf_counter() - began
        return Asked(took, cpu_s / len(requests) * 1e6, len(requests) / wall_s, answers)

    return ask


async def _signed_in(http: httpx.AsyncClient, stack: Stack) -> str:
    user = _rep(stack.sign_ins)
    return await access_token(http, stack.addresses["app_url"], user["address"], user["password"])


def _rep(sign_ins: Json) -> Json:
    found: Json = next(user for user in sign_ins["users"] if user["role"] == "rep")
    return found


def _mails(sign_ins: Json) -> list[Request]:
    sender = {"address": _rep(sign_ins)["address"]}
    return [
        (
            "/v1/messages",
            {"from": sender, "to": [{"address": f"r{number}@recipient.example"}], "links": _LINKS,
             "subject": f"Offer {number}", "track": True, "log": False, "records": [], "create_contacts": []},
        )
        for number in range(MAILS)
    ]  # fmt: skip


def _sent(prepared: Json) -> Request:
    return f"/v1/messages/{prepared['message_id']}/sent", {"receipt": prepared["receipt"]}


def _told(own: Asked, bare: Asked) -> str:
    return f"{own.cpu_us:.0f} µs, p99 {own.p99:.1f} ms (bare {bare.cpu_us:.0f} µs, {bare.p99:.1f} ms)"


def _figures(name: str, rounds: Sequence[tuple[Asked, Asked]]) -> list[Figure]:
    own, bare = [one for one, _ in rounds], [one for _, one in rounds]
    p50 = median([percentile(one.took_ms, 0.5) for one in own])
    note = (
        f"{len(rounds)} rounds of {MAILS} requests, {AT_ONCE} in flight; p50 {p50:.1f} ms, "
        f"{median([one.per_second for one in own]):.0f}/s; reference: a bare FastAPI route that publishes "
        f"one event of the same body, {median([one.per_second for one in bare]):.0f}/s"
    )
    cpu = [one.cpu_us for one in own], [one.cpu_us for one in bare]
    p99 = [one.p99 for one in own], [one.p99 for one in bare]
    return [
        figure(f"send_{name}_us", "µs", *cpu, [b / a for a, b in zip(*cpu, strict=True)], "",
               f"CPU of ingest per request; {note}"),
        figure(f"send_{name}_ms", "ms", *p99, [b / a for a, b in zip(*p99, strict=True)], "", f"p99; {note}"),
    ]  # fmt: skip
