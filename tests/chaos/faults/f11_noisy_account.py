"""F11: one account asks for ten times its quota. It is refused and folded; nobody else is, or waits longer.

Quiet and noisy rounds take turns; what the others' hits took in each is a fact of the results. In a quiet
round the account asks as much of a server that does nothing. It is not asserted: on a machine whose load
comes and goes such a bound would say more about the machine. A p99 takes some minutes (`--seconds 240`).
"""

import asyncio
import re
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.rep import Rep, http_client
from deploy.local.sign_in import access_token
from tests.chaos.arena import Arena
from tests.chaos.noise import Noise, making
from tests.chaos.rounds import Fault

_REQUESTS_PER_S, _HITS_PER_S = 10, 5
_HITS_BURST = 40  # more than the load has on one of its first mails
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
_ROUND_S = 3.0
_LEAST_ROUNDS = 2  # of each kind
_FOLDED = "kaifu_hits_folded_total"
_ADDRESS = "noisy@noisy.example"


async def prepare(arena: Arena) -> None:
    """A small quota, so that ten times of it is no test of the machine, and more than the others send."""
    await arena.stack.ingest.restart(**_QUOTA)
    await arena.stack.ready()


async def inject(arena: Arena) -> None:
    """Quiet, noisy, quiet, noisy, …"""
    noise = await _noisy_account(arena)
    ports = arena.stack.ports
    rounds = {
        "quiet": noise,
        "noisy": replace(noise, api_port=ports["ingest"], tracking_port=ports["tracking"]),
    }
    answers: dict[str, Counter[str]] = {kind: Counter() for kind in rounds}
    took: dict[str, list[float]] = {kind: [] for kind in rounds}
    for _ in range(max(_LEAST_ROUNDS, int(arena.seconds / (2 * _ROUND_S)))):
        for kind, made in rounds.items():
            others = len(arena.load.record.latencies)
            async with making(made) as counted:
                await asyncio.sleep(_ROUND_S)
                took[kind] += arena.load.record.latencies[others:]
            answers[kind] += counted
    quiet, noisy = (round(sorted(found)[int(len(found) * 0.99)] * 1000, 1) for found in took.values())
    folded = await arena.stack.ingest.metric(_FOLDED) or 0
    arena.facts |= {
        "noisy_answers": dict(sorted(answers["noisy"].items())),
        "folded": int(folded),
        "others_p99_quiet_ms": quiet,
        "others_p99_noisy_ms": noisy,
        "others_p99_ratio": round(noisy / quiet, 2),
    }
    assert answers["noisy"]["429"] > 0, f"the noisy account got {answers['noisy']}"
    served = {answer for answer in answers["noisy"] if answer.startswith("hit ")}
    assert served == {"hit 200"}, f"the noisy account's readers got {served}"
    assert folded > 0, "no hit was folded"
    assert not any("429" in what for what in arena.load.record.refused), "another account was refused"


async def after(arena: Arena) -> None:
    """The usual quota."""
    await arena.stack.ingest.restart(**_USUAL)
    await arena.stack.ready()


async def _noisy_account(arena: Arena) -> Noise:
    """An account of its own, with one mail; it asks itself."""
    password = await _made(arena)
    async with http_client() as http:
        token = await access_token(http, arena.stack.addresses["app_url"], _ADDRESS, password)
        rep = Rep(http, arena.stack.addresses, token, _ADDRESS)
        prepared = await rep.prepare([{"address": "somebody@else.example"}], [])
    return Noise(
        token,
        prepared["message_id"],
        urlsplit(prepared["pixel_url"]).path,
        reports_per_s=_REQUESTS_PER_S * _TIMES,
        hits_per_s=_HITS_PER_S * _TIMES,
    )


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
