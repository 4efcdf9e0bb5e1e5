"""F13: an upgrade. Every pod is replaced, one after the other of each service, as the manifests say."""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.kubernetes.access import SERVICES
from deploy.local.home import REPOSITORY
from deploy.local.ports import LOOPBACK
from services.notifier.messages import Close
from tests.chaos.arena import Arena
from tests.chaos.front import Front
from tests.chaos.rounds import Fault
from tests.chaos.workers import Worker

_MANIFESTS = REPOSITORY / "deploy" / "kubernetes" / "base"
_HEARD_AFTER_S = 1.0  # so long callers come to a pod that is ending: its endpoint goes while its hook runs
_MAILS = 40
_REPLICAS = 2
_KEYS = ("KAIFU_INGEST_JWKS_URL", "KAIFU_NOTIFIER_JWKS_URL")
_KEPT = ("KAIFU_DIRECTORY_URL", *_KEYS)


@dataclass(frozen=True, slots=True)
class Ending:
    """What a manifest says of a pod's end. `comes_back`: on its own volume, after it ended; else its
    successor is there before. `grace_s`: for its hook and its end together."""

    comes_back: bool
    hook: Mapping[str, Any]
    grace_s: float


def endings() -> dict[str, Ending]:
    """By service, read from the manifests themselves."""
    found = {}
    for path in sorted(_MANIFESTS.glob("*.yaml")):
        for resource in yaml.safe_load_all(path.read_text()):
            name = resource["metadata"]["name"] if "metadata" in resource else ""
            if resource["kind"] in ("Deployment", "StatefulSet") and name in SERVICES:
                pod = resource["spec"]["template"]["spec"]
                hook = pod["containers"][0].get("lifecycle", {}).get("preStop", {})
                grace_s = float(pod["terminationGracePeriodSeconds"])
                found[name] = Ending(resource["kind"] == "StatefulSet", hook, grace_s)
    assert found.keys() == set(SERVICES)
    return found


async def prepare(arena: Arena) -> None:
    """Two replicas of ingest, and in front of it and of crm what a Service is on a cluster."""
    stack = arena.stack
    await stack.scale("ingest", _REPLICAS)
    for variable in _FRONTS:
        stack.fronts[variable] = front = Front()
        await front.open()
    for worker in stack.workers["crm"]:
        _open(arena, "crm", worker)  # the others are not ready without it
    crm = f"http://{LOOPBACK}:{stack.fronts['KAIFU_CRM_PORT'].port}"
    reaching_crm = {"KAIFU_DIRECTORY_URL": crm} | dict.fromkeys(_KEYS, f"{crm}/.well-known/jwks.json")
    for service in ("ingest", "logger", "notifier"):
        await asyncio.gather(*(worker.restart(**reaching_crm) for worker in stack.workers[service]))
    await stack.ready()
    for service, workers in stack.workers.items():
        for worker in workers:
            _open(arena, service, worker)
    arena.load.api_port = stack.fronts["KAIFU_INGEST_API_PORT"].port
    arena.load.tracking_port = stack.fronts["KAIFU_INGEST_TRACKING_PORT"].port


async def inject(arena: Arena) -> None:
    """All services at once, as `kubectl apply` does; meanwhile mails are prepared."""
    closed = [screen.closed.copy() for screen in arena.screens]
    preparing = asyncio.create_task(arena.load.prepare(_MAILS))
    took = await asyncio.gather(*(_rolled(arena, service, end) for service, end in endings().items()))
    await preparing
    arena.facts |= {
        "replaced": sum(map(len, took)),
        "longest_end_s": round(max(seconds for ends in took for seconds in ends), 1),
    }
    refused = [
        answer for answer in arena.load.record.refused if answer.startswith("hit ") and answer[4:].isdigit()
    ]
    assert not refused, f"readers were refused: {refused}"
    for screen, before in zip(arena.screens, closed, strict=True):
        codes = screen.closed - before
        assert Close.RESTARTING in codes, f"{screen.name} was told nothing: {codes}"
        assert codes.keys() <= {Close.RESTARTING, Close.TRY_LATER}, f"{screen.name}: {codes}"


async def _rolled(arena: Arena, service: str, ending: Ending) -> list[float]:
    """How long each pod took to end, its hook included."""
    took = []
    for worker in list(arena.stack.workers[service]):
        if not ending.comes_back:
            kept = {name: worker.environment[name] for name in _KEPT if name in worker.environment}
            successor = await arena.stack.add(service, **kept)
            await successor.ready()
            _open(arena, service, successor)
        took.append(await _ended(arena, service, worker, ending))
        if ending.comes_back:
            await worker.start()
            await worker.ready()
            _open(arena, service, worker)
            arena.stack.workers[service].append(worker)
    return took


async def _ended(arena: Arena, service: str, worker: Worker, ending: Ending) -> float:
    began = time.monotonic()
    hook = asyncio.create_task(_hook(worker, ending.hook))
    await asyncio.sleep(_HEARD_AFTER_S if ending.hook else 0)
    arena.stack.workers[service].remove(worker)
    for variable in _FRONTS:
        arena.stack.fronts[variable].leave_out(worker.environment.get(variable))
    await hook
    async with asyncio.timeout(ending.grace_s - (time.monotonic() - began)):
        code = await worker.terminate()
    assert code == 0, f"{worker.name} ended with {code}"
    return time.monotonic() - began


async def _hook(worker: Worker, hook: Mapping[str, Any]) -> None:
    match hook:
        case {"sleep": {"seconds": seconds}}:
            await asyncio.sleep(seconds)
        case {"exec": {"command": ["kaifu", *arguments]}}:
            kaifu = str(Path(sys.executable).with_name("kaifu"))
            process = await asyncio.create_subprocess_exec(kaifu, *arguments, env=worker.environment)
            assert await process.wait() == 0, f"the hook of {worker.name} failed"
        case _:
            assert not hook, f"no kubelet of a test knows {hook}"


def _open(arena: Arena, service: str, worker: Worker) -> None:
    """Callers come to it from now on."""
    for variable, owner in _FRONTS.items():
        if owner == service:
            arena.stack.fronts[variable].take_in(worker.environment[variable])


_FRONTS = {
    "KAIFU_INGEST_API_PORT": "ingest",
    "KAIFU_INGEST_TRACKING_PORT": "ingest",
    "KAIFU_CRM_PORT": "crm",
}

FAULT = Fault("F13", "every pod replaced as the manifests say", inject, at_least_s=45.0, prepare=prepare)
