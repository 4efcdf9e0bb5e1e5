"""When a service is ready: its own `/health/ready` says so."""

import asyncio
import time
from collections.abc import Mapping

import httpx

from deploy.local.embedded import PartNotReady

_LOOK_EVERY_S = 0.1


async def not_ready_because(http: httpx.AsyncClient, ops_url: str) -> str:
    """ "" when ready, else why not, in the service's own words."""
    try:
        answer = await http.get(f"{ops_url}/health/ready", timeout=2.0)
        body = answer.json()
    except (httpx.HTTPError, ValueError):
        return "does not answer yet"
    if answer.status_code == 200:
        return ""
    because = body.get("because") if isinstance(body, dict) else None
    return "; ".join(map(str, because or [])) or f"answers {answer.status_code}"


async def all_ready(
    ops_urls: Mapping[str, str], within_s: float, look_every_s: float = _LOOK_EVERY_S
) -> None:
    """Wait until every service (name → ops address) is ready at the same look. Raises PartNotReady."""
    deadline = time.monotonic() + within_s
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            answers = await asyncio.gather(*(not_ready_because(http, url) for url in ops_urls.values()))
            waiting = {name: why for name, why in zip(ops_urls, answers, strict=True) if why}
            if not waiting:
                return
            if time.monotonic() > deadline:
                reasons = ", ".join(f"{name}: {why}" for name, why in waiting.items())
                raise PartNotReady(f"not ready within {within_s:.0f} s ({reasons})")
            await asyncio.sleep(look_every_s)
