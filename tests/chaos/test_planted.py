"""Each promise's oracle fails on a bug that breaks it: else a clean verdict would say nothing.

The bugs are those of `tests.chaos.planted`; each is met with the fault that brings it out, on one stack.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.chaos.arena import Arena
from tests.chaos.oracle import Verdict
from tests.chaos.rounds import Fault, play
from tests.chaos.stack import Stack

SEED, SECONDS, RATE = 7, 8.0, 30.0
_KILLS = 2
_HITS_BETWEEN = 60  # two seconds of the load


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(tmp_path_factory.mktemp("planted") / "home") as stack:
        yield stack


def killed(service: str) -> Callable[[Arena], Awaitable[None]]:
    """kill -9 of every worker of a service, again and again."""

    async def inject(arena: Arena) -> None:
        for _ in range(_KILLS):
            enough = arena.load.number + _HITS_BETWEEN
            while arena.load.number < enough:
                await asyncio.sleep(0.05)
            for worker in arena.stack.workers[service]:
                worker.kill()
            await arena.stack.ready()

    return inject


async def verdict_with(stack: Stack, bug: str, service: str, of: str) -> Verdict:
    """What the oracle says of `service` with the bug in it, while `of` is killed."""

    async def start(*launcher: str) -> None:
        for worker in stack.workers[service]:
            await worker.restart(*launcher, f"services.{service}")
        await stack.ready()

    await start("tests.chaos.planted", bug)
    try:
        fault = Fault(f"planted {bug}".replace(" ", "-"), bug, killed(of))
        return (await play(fault, stack, SEED, SECONDS, RATE)).verdict
    finally:
        await start()


def places(verdict: Verdict, kind: str) -> set[str]:
    """Where something of a kind was found."""
    return {finding.where for finding in getattr(verdict, kind)}


async def test_a_commit_before_the_write_loses_what_crm_had_read(stack: Stack) -> None:
    found = await verdict_with(stack, "crm-commits-before-it-writes", "crm", "crm")
    assert places(found, "acked_lost") & {"hit in the archive", "engagement of hit", "send in the feed"}


async def test_a_commit_before_the_publish_loses_what_the_tracker_had_read(stack: Stack) -> None:
    found = await verdict_with(stack, "tracker-commits-before-it-publishes", "tracker", "tracker")
    assert "engagement of hit" in places(found, "acked_lost")


async def test_an_answer_before_the_hit_is_durable_loses_hits(stack: Stack) -> None:
    found = await verdict_with(stack, "ingest-answers-before-it-is-durable", "ingest", "ingest")
    assert places(found, "acked_lost") >= {"hit on Kafka", "hit in the archive"}


async def test_an_archive_without_ids_holds_hits_twice(stack: Stack) -> None:
    found = await verdict_with(stack, "crm-stores-without-ids", "crm", "crm")
    assert places(found, "stored_twice") == {"hit in the archive"}


async def test_a_notifier_that_knows_no_copies_pushes_twice(stack: Stack) -> None:
    found = await verdict_with(stack, "notifier-pushes-copies", "notifier", "tracker")
    assert found.pushed_twice


async def test_without_a_bug_the_same_faults_leave_nothing_to_find(stack: Stack) -> None:
    async def inject(arena: Arena) -> None:
        for service in ("crm", "tracker", "ingest"):
            await killed(service)(arena)

    result = await play(Fault("planted-none", "no bug", inject), stack, SEED, 4.0, RATE)
    assert result.passed, f"{result.verdict} {result.failure}"
