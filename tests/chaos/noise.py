"""One account that asks too much, in a process of its own: `python -m tests.chaos.noise`.

Standard input says what (`Noise` as one line of JSON). It asks until SIGTERM, then writes the counts of
answers. With port 0 it asks a server of its own that does nothing: what the asking takes from the machine
is then the same, and only the product's part is left out.
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace

from tests.chaos.wire import NoAnswer, Wire

_AT_ONCE = 5
_NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Noise:
    """Reports of viewing one message and fetches of its pixel, so many a second of each, to these ports."""

    bearer: str
    message_id: str
    pixel: str
    reports_per_s: float
    hits_per_s: float
    api_port: int = 0
    tracking_port: int = 0

    async def make(self, answers: Counter[str]) -> None:
        """Until cancelled. `answers` counts statuses, those of hits apart."""
        async with asyncio.TaskGroup() as connections:
            for _ in range(_AT_ONCE):
                connections.create_task(_repeat(self._report, self.api_port, self.reports_per_s, answers))
                connections.create_task(_repeat(self._fetch, self.tracking_port, self.hits_per_s, answers))

    async def _report(self, wire: Wire) -> str:
        body = {"message_ids": [self.message_id]}
        answer = await wire.post("/v1/viewing", body, authorization=f"Bearer {self.bearer}")
        return str(answer.status)

    async def _fetch(self, wire: Wire) -> str:
        answer = await wire.get(self.pixel, user_agent="noise")
        return f"hit {answer.status}"


@asynccontextmanager
async def making(noise: Noise) -> AsyncIterator[Counter[str]]:
    """Make it meanwhile. The answers are counted when it is over."""
    answers: Counter[str] = Counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.noise"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(noise)).encode() + b"\n")
    try:
        yield answers
    finally:
        process.terminate()
        output, _ = await process.communicate()
    answers.update(json.loads(output))


async def _repeat(
    ask: Callable[[Wire], Awaitable[str]], port: int, per_s: float, answers: Counter[str]
) -> None:
    wire = Wire(port)
    try:
        while True:
            try:
                answers[await ask(wire)] += 1
            except NoAnswer as error:
                answers[str(error)] += 1
            await asyncio.sleep(_AT_ONCE / per_s)
    finally:
        wire.close()


async def _answer_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            _, _, length = head.partition(b"content-length: ")
            await reader.readexactly(int(length.partition(b"\r\n")[0] or 0))
            writer.write(_NOTHING)
    except (EOFError, OSError):
        writer.close()


async def main() -> None:
    """Until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    noise, answers = Noise(**json.loads(sys.stdin.readline())), Counter[str]()
    async with await asyncio.start_server(_answer_nothing, "127.0.0.1", 0) as nobody:
        itself: int = nobody.sockets[0].getsockname()[1]
        noise = replace(noise, api_port=noise.api_port or itself, tracking_port=noise.tracking_port or itself)
        task = asyncio.create_task(noise.make(answers))
        await ended.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
