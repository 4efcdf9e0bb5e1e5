"""Ctrl-C while `kaifu replay` sends, as a process of its own, with a crm that a test plays."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from deploy.local.brokers import PARTITIONS
from services.tracker.adapters.whole_topics import reading, records
from services.tracker.replay.bookmark import Bookmark
from services.tracker.rules.rulesets import FIRST
from shared.directory.histories import HistoryExtent, MessageHistory, PageEnd
from shared.events.catalogue import ENGAGEMENTS
from shared.events.codec import decode
from shared.events.engagements import EngagementJudged
from tests.integration.own_broker import OwnBroker, own_broker
from tests.loopback import Asked, Loopback, loopback, response
from tests.unit.tracker.made import SENT_AT, hit, message
from tests.unit.tracker.replayed import Live, history, kept

pytestmark = [pytest.mark.integration, pytest.mark.requirement("B2")]
MAILS = [UUID(int=number) for number in (1, 2, 3)]


def _scanned(mail: UUID) -> MessageHistory:
    events = [message(message_id=mail), *(hit(60 + n / 5, link=n, message_id=mail) for n in range(3))]
    found = history(events, kept(Live(FIRST).take(events).end()))
    return found.model_copy(update={"message_id": mail})


class Crm:
    """A page is one mail. `interrupt_at`: which of its questions for a page Ctrl-C comes at."""

    def __init__(self) -> None:
        self.pages = [_scanned(mail) for mail in MAILS]
        self.asked_for: list[int] = []
        self.interrupt_at = -1
        self.process: asyncio.subprocess.Process | None = None

    async def answer(self, asked: Asked) -> list[bytes | float]:
        """Pages in order; Ctrl-C comes while one is waited for."""
        path = asked.line.split()[1]
        if path.startswith("/internal/v1/histories/extent"):
            extent = HistoryExtent(messages=len(self.pages), since=SENT_AT)
            return response(200, extent.model_dump_json().encode())
        number = next((n + 1 for n, page in enumerate(self.pages) if page.place.split(":")[1] in path), 0)
        self.asked_for.append(number)
        if len(self.asked_for) == self.interrupt_at and self.process is not None:
            self.process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.2)  # the answer comes after it, as from a crm that is slow
        if number == len(self.pages):
            lines: Sequence[str] = [PageEnd(next=None, looked_at=0).model_dump_json()]
        else:
            page = self.pages[number]
            lines = [page.model_dump_json(), PageEnd(next=page.place, looked_at=1).model_dump_json()]
        return response(200, "\n".join(lines).encode(), "application/x-ndjson")


async def _run(crm: Crm, served: Loopback, broker: OwnBroker, folder: Path, *options: str) -> tuple[int, str]:
    """Exit code and standard error."""
    code = "import typer; from services.tracker.replay_commands import replay; typer.run(replay)"
    environment = {"KAIFU_DIRECTORY_URL": served.address, "KAIFU_DIRECTORY_TOKEN": "token"}
    crm.process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *options),
        cwd=folder,
        env={**os.environ, **broker.environment(), **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(crm.process.communicate(), 60)
    assert crm.process.returncode is not None
    return crm.process.returncode, said.decode()


async def _corrected(broker: OwnBroker) -> list[UUID]:
    """Of which mail each correction is that was sent."""
    async with reading(broker.settings) as client:
        events = [
            decode(ENGAGEMENTS.name, one.value) async for one in records(client, ENGAGEMENTS, PARTITIONS)
        ]
    return sorted(event.message_id for event in events if isinstance(event, EngagementJudged))


async def test_ctrl_c_while_it_sends_and_then_resume(tmp_path: Path) -> None:
    begin = ("--since", "2026-11-01", "--yes", "--source", "archive")
    crm, state = Crm(), tmp_path / "var" / "replay.json"
    async with own_broker() as broker, loopback(crm.answer) as served:
        crm.interrupt_at = 2  # while it compares: nothing is sent, nothing is to be resumed
        code, said = await _run(crm, served, broker, tmp_path, *begin)
        assert (code, "Nothing was sent" in said, state.exists()) == (130, True, False), said
        assert await _corrected(broker) == []

        crm.asked_for.clear()
        crm.interrupt_at = 4 + 2  # it has compared all, and sent what differs in the first
        code, said = await _run(crm, served, broker, tmp_path, *begin)
        assert (code, "--resume` goes on" in said) == (130, True), said
        first = await _corrected(broker)
        assert set(first) == {MAILS[0]}
        assert Bookmark.read(state).after == crm.pages[0].place

        crm.asked_for.clear()
        crm.interrupt_at = -1
        code, said = await _run(crm, served, broker, tmp_path, "--resume")
        assert (code, state.exists()) == (0, False), said
        assert crm.asked_for == [1, 2, 3]
        assert await _corrected(broker) == sorted(mail for mail in MAILS for _ in first)
