"""`make bench`: start Kaifu on free ports, measure, write bench/results.json and bench/RESULTS.md."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench import (
    accuracy,
    attachment,
    compose,
    crm,
    database,
    decisions,
    driver,
    extension,
    fanout,
    growth,
    holds,
    live,
    logger,
    pixel,
    push,
    sends,
    timeline,
    tracker,
    verdicts,
)
from bench.load import need
from bench.results import Figure, machine, write
from deploy.local.environment import SERVICES
from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.stack import Stack

BENCHES = (
    "push", "holds", "pixel", "tracker", "crm", "logger", "sends", "fanout", "growth", "live", "decisions",
    "extension", "timeline", "accuracy", "compose", "attachment", "driver", "verdicts",
)  # fmt: skip
_ON_QUICK = {"timeline", "accuracy", "compose", "driver"}  # for which a further program is needed

_WITH_STACKS = {  # each makes stacks as it needs them
    "push": push.measure,
    "holds": holds.measure,
    "fanout": fanout.measure,
    "growth": growth.measure,
    "live": live.measure,
    "sends": sends.measure,
    "timeline": timeline.measure,
    "accuracy": accuracy.measure,
    "compose": compose.measure,
    "attachment": attachment.measure,
    "driver": driver.measure,
}
_WITH_SERVICES = {  # each on a stack of some services
    "tracker": (tracker.SERVICES, tracker.measure),
    "crm": (crm.SERVICES, crm.measure),
    "logger": (logger.SERVICES, logger.measure),
}

_NO_QUOTA = {  # one account's share is not what is measured
    "KAIFU_INGEST_ACCOUNT_REQUESTS_PER_S": "1000000",
    "KAIFU_INGEST_ACCOUNT_REQUESTS_BURST": "1000000",
}


@asynccontextmanager
async def _stack(
    services: Sequence[str] = SERVICES, *, seeded: bool = True, variables: Mapping[str, str] | None = None
) -> AsyncIterator[Stack]:
    """A stack of its own, on free ports, with nothing in it. `variables`: for its services."""
    base = {**os.environ, **_NO_QUOTA, **(variables or {})}
    with tempfile.TemporaryDirectory(prefix="kaifu-bench-") as folder:
        stack = Stack(
            Home(Path(folder)), Ports.free(), base=base, tell=_silent, services=services, seeded=seeded
        )
        async with stack:
            yield stack


def _silent(_: str) -> None:
    """What a stack says of its start is no figure."""


async def _measured(name: str) -> list[Figure]:
    if name in _WITH_STACKS:
        return await _WITH_STACKS[name](_stack)
    if name == "extension":
        return await extension.measure(_stack())
    if name == "decisions":
        return decisions.measure()
    if name == "verdicts":
        verdicts.write()
        return []
    if name in _WITH_SERVICES:
        services, measure = _WITH_SERVICES[name]
        async with _stack(services, seeded=False) as stack:
            return await measure(stack)
    async with _stack(pixel.SERVICES, seeded=False) as stack:
        return pixel.measure(stack)


async def _run(name: str) -> None:
    print(f"{name} ({machine()})")
    figures = await _measured(name)
    write(figures)
    for one in figures:
        spread = f"{one.low:.2f} to {one.high:.2f}"
        print(f"  {one.name}: {one.value:.2f} {one.unit}, ratio {one.ratio:.2f} ({spread})")


def main() -> None:
    """All benches, or those named. Of all, those are left out for which a server is missing."""
    names = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    need("nginx", "wrk", "taskset")
    without = [name for name in names if name in _ON_QUICK and database.quick() is None]
    if without and sys.argv[1:]:
        sys.exit(f"bench {', '.join(without)} {database.INSTALL}")
    if without:
        print(f"left out: {', '.join(without)}, which {database.INSTALL}")
    for name in names:
        if name not in without:
            asyncio.run(_run(name))


if __name__ == "__main__":
    main()
