"""F9: the clocks of single processes step, minutes or hours, forward and back.

By libfaketime (Debian: faketime), which reads each process's offset from a file of its own. Only the time of
day steps, as a real clock does; monotonic time goes on. A process that is hours ahead is worth a try of its
own: Apache Kafka refuses records from more than an hour in the future.
"""

import asyncio
from pathlib import Path

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault
from tests.chaos.workers import Worker

_STEPS_S = (-7200, -600, -120, -5, 5, 120, 600, 7200)
_EVERY_S = 4.0
_RIGHT = "+0"
_LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"


async def prepare(arena: Arena) -> None:
    """Every process gets a clock that can be set. AssertionError without libfaketime."""
    library = next(Path("/").glob(_LIBRARIES.lstrip("/")), None)
    assert library is not None, "libfaketime is missing (Debian: apt install faketime)"
    for worker in arena.stack.all():
        _set(worker, _RIGHT)
        await worker.restart(
            LD_PRELOAD=str(library),
            FAKETIME_TIMESTAMP_FILE=str(_clock(worker)),
            FAKETIME_CACHE_DURATION="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            DONT_FAKE_MONOTONIC="1",
        )
    await arena.stack.ready()


async def inject(arena: Arena) -> None:
    """One process at a time, by a step that the seed chooses; all are right at the end."""
    steps = 0
    for _ in arena.lasting():
        worker = arena.random.choice(list(arena.stack.all()))
        _set(worker, f"{arena.random.choice(_STEPS_S):+d}")
        steps += 1
        await asyncio.sleep(_EVERY_S)
    for worker in arena.stack.all():
        _set(worker, _RIGHT)
    arena.facts["steps"] = steps


async def after(arena: Arena) -> None:
    """Without the library again."""
    for worker in arena.stack.all():
        for name in [name for name in worker.environment if "FAKE" in name or name == "LD_PRELOAD"]:
            del worker.environment[name]
        await worker.restart()
    await arena.stack.ready()


def _clock(worker: Worker) -> Path:
    return worker.log.with_suffix(".clock")


def _set(worker: Worker, offset: str) -> None:
    """At once or not at all: it is read at any time."""
    draft = _clock(worker).with_suffix(".draft")
    draft.write_text(offset + "\n")
    draft.replace(_clock(worker))


FAULT = Fault("F9", "clocks step", inject, at_least_s=20.0, prepare=prepare, after=after)
