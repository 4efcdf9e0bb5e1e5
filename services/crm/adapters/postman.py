"""Takes letters to the relay, one after the other."""

import asyncio
from datetime import timedelta
from typing import Protocol

import structlog

from services.crm.adapters.relay import NotTaken
from services.crm.adapters.waiting import any_within
from services.crm.model.failures import DatabaseAway
from services.crm.model.letters import Letter, Outgoing, Trouble, Written
from shared.health.progress import Progress
from shared.telemetry.names import LETTERS_OLDEST_AGE

log = structlog.get_logger(__name__)
LOOP = "letters"
_LOOK_AGAIN_S = 2.0  # what other processes were asked for, and what is to be tried again


class Letters(Protocol):
    """What there is to send. `asked`: set when this process was asked for more."""

    asked: asyncio.Event

    async def take(self) -> Outgoing | None:
        """One, for this process alone. Raises DatabaseAway, as all do."""

    async def sent(self, letter: Letter) -> None:
        """The relay has it."""

    async def failed(self, letter: Letter, trouble: Trouble) -> None:
        """The relay does not have it."""

    async def oldest_age(self) -> timedelta:
        """How long the oldest has waited."""


class Writer(Protocol):
    """Puts letters into words."""

    def write(self, outgoing: Outgoing) -> Written:
        """In the reader's language."""


class Relay(Protocol):
    """Takes letters."""

    async def send(self, outgoing: Outgoing, written: Written) -> None:
        """Raises NotTaken."""


async def deliver_until(
    stopping: asyncio.Event, letters: Letters, writer: Writer, relay: Relay, progress: Progress
) -> None:
    """Letter after letter until `stopping`."""
    progress.expect(LOOP)
    while not stopping.is_set():
        letters.asked.clear()
        try:
            more = await deliver_one(letters, writer, relay)
            LETTERS_OLDEST_AGE.set((await letters.oldest_age()).total_seconds())
        except DatabaseAway as error:
            log.warning("letters wait for the database", error=type(error).__name__)
            more = False
        else:
            progress.ready(LOOP)
        progress.moved(LOOP)
        if not more:
            await any_within(_LOOK_AGAIN_S, stopping, letters.asked)


async def deliver_one(letters: Letters, writer: Writer, relay: Relay) -> bool:
    """Whether there was one. Raises DatabaseAway."""
    outgoing = await letters.take()
    if outgoing is None:
        return False
    try:
        await relay.send(outgoing, writer.write(outgoing))
    except NotTaken as refusal:
        log.warning("a letter was not taken by the relay", trouble=refusal.trouble.value)
        await letters.failed(outgoing.letter, refusal.trouble)
    except Exception as error:  # noqa: BLE001 - one letter stops nobody else's, nor this process
        log.error("a letter could not be written", error=type(error).__name__)
        await letters.failed(outgoing.letter, Trouble.REFUSED)
    else:
        log.info("a letter was taken by the relay", kind=outgoing.letter.kind.value)
        await letters.sent(outgoing.letter)
    return True
