"""F11: one account asks for ten times its quota. It is refused and folded; nobody else is, or waits longer.

Quiet and noisy rounds take turns; what the others' hits took in each is a fact of the results. It is not
asserted: on a machine whose load comes and goes such a bound would say more about the machine.
"""

import asyncio
import re
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.rep import Rep, http_client
from deploy.local.sign_in import access_token
from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault
from tests.chaos.wire import NoAnswer, Wire

_REQUESTS_PER_S, _HITS_PER_S = 10, 5
_HITS_BURST = 40  # more than the load has on one of its first mails
_AT_ONCE = 5
_QUOTA = {
    "KAIFU_INGEST_ACCOUNT_REQUESTS_PER_S": str(_REQUESTS_PER_S),
    "KAIFU_INGEST_ACCOUNT_REQUESTS_BURST": str(_REQUESTS_PER_S * 2),
    "KAIFU_INGEST_TOKEN_HITS_PER_S": str(_HITS_PER_S),
    "KAIFU_INGEST_TOKEN_HITS_BURST": str(_HITS_BURST),
}
_USUAL = {
    "KAIFU_INGEST_ACCOUNT_REQUESTS_PER_S": "100",
    "KAIFU_INGEST_ACCOUNT_REQUESTS_BURST": "1000",
    "KAIFU_INGEST_TOKEN_HITS_PER_S": "1",
    "KAIFU_INGEST_TOKEN_HITS_BURST": "1000",
}
_TIMES = 10
_ROUNDS = 6  # of each kind
_FOLDED = "kaifu_hits_folded_total"
_ADDRESS = "noisy@noisy.example"


async def prepare(arena: Arena) -> None:
    """A small quota, so that ten times of it is no test of the machine, and more than the others send."""
    await arena.stack.ingest.restart(**_QUOTA)
    await arena.stack.ready()


async def inject(arena: Arena) -> None:
    """Quiet, noisy, quiet, noisy, …"""
    noise = await _noisy_account(arena)
    spans: dict[str, list[float]] = {"quiet": [], "noisy": []}
    length_s = arena.seconds / (2 * _ROUNDS)
    others = len(arena.load.record.latencies)
    for _ in range(_ROUNDS):
        for kind in spans:
            noisy = asyncio.create_task(noise.make()) if kind == "noisy" else None
            await asyncio.sleep(length_s)
            if noisy is not None:
                noisy.cancel()
                await asyncio.gather(noisy, return_exceptions=True)
            spans[kind] += arena.load.record.latencies[others:]
            others = len(arena.load.record.latencies)
    quiet, noisy = (round(sorted(found)[int(len(found) * 0.99)] * 1000, 1) for found in spans.values())
    folded = await arena.stack.ingest.metric(_FOLDED) or 0
    arena.facts |= {
        "noisy_answers": dict(sorted(noise.answers.items())),
        "folded": int(folded),
        "others_p99_quiet_ms": quiet,
        "others_p99_noisy_ms": noisy,
        "others_p99_ratio": round(noisy / quiet, 2),
    }
    assert noise.answers["429"] > 0, f"the noisy account got {noise.answers}"
    assert folded > 0, "no hit was folded"
    assert not any("429" in what for what in arena.load.record.refused), "another account was refused"


async def after(arena: Arena) -> None:
    """The usual quota."""
    await arena.stack.ingest.restart(**_USUAL)
    await arena.stack.ready()


class Noise:
    """Reports of viewing and fetches of one pixel, ten times as many as the quota lets through."""

    def __init__(self, rep: Rep, message_id: str, pixel: str, arena: Arena) -> None:
        self.answers: Counter[str] = Counter()
        self._bearer = f"Bearer {rep.token}"
        self._viewed = {"message_ids": [message_id]}
        self._pixel = pixel
        self._ports = arena.stack.ports

    async def make(self) -> None:
        """Until cancelled."""
        api = [Wire(self._ports["ingest"]) for _ in range(_AT_ONCE)]
        tracking = [Wire(self._ports["tracking"]) for _ in range(_AT_ONCE)]
        try:
            async with asyncio.TaskGroup() as both:
                for wire in api:
                    both.create_task(self._ask(wire))
                for wire in tracking:
                    both.create_task(self._fetch(wire))
        finally:
            for wire in (*api, *tracking):
                wire.close()

    async def _ask(self, wire: Wire) -> None:
        while True:
            try:
                answer = await wire.post("/v1/viewing", self._viewed, authorization=self._bearer)
                self.answers[str(answer.status)] += 1
            except NoAnswer as error:
                self.answers[str(error)] += 1
            await asyncio.sleep(_AT_ONCE / (_REQUESTS_PER_S * _TIMES))

    async def _fetch(self, wire: Wire) -> None:
        while True:
            answer = await wire.get(self._pixel, user_agent="noise")
            assert answer.status == 200
            await asyncio.sleep(_AT_ONCE / (_HITS_PER_S * _TIMES))


async def _noisy_account(arena: Arena) -> Noise:
    """An account of its own, with one mail."""
    password = await _made(arena)
    async with http_client() as http:
        token = await access_token(http, arena.stack.addresses["app_url"], _ADDRESS, password)
        rep = Rep(http, arena.stack.addresses, token, _ADDRESS)
        prepared = await rep.prepare([{"address": "somebody@else.example"}], [])
    return Noise(rep, prepared["message_id"], urlsplit(prepared["pixel_url"]).path, arena)


async def _made(arena: Arena) -> str:
    """Its password."""
    crm = arena.stack.workers["crm"][0]
    command = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("kaifu")), "crm", "create-account"),
        *("Noisy", _ADDRESS, "--person", "Noisy"),
        env=crm.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await command.communicate()
    found = re.search(r"password: (\S+)", output.decode())
    assert found is not None, output.decode()
    return found[1]


FAULT = Fault("F11", "one account at ten times its quota", inject, 12.0, prepare=prepare, after=after)
