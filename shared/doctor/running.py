"""The services by their own word: readiness and metrics of their ops ports."""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from email.utils import parsedate_to_datetime

import httpx
from prometheus_client.parser import text_string_to_metric_families

from shared.doctor.findings import Finding, doubt, fine, wrong

_WITHIN_S = 5.0
_BEHIND = 1000  # messages; a healthy reader has tens
_OLD_S = 300.0
_FULL = 0.8
_SKEW_S = 2.0  # the header's clock has whole seconds

Sums = Mapping[str, float]


async def running_findings(ops: Mapping[str, str]) -> AsyncIterator[Finding]:
    """Of each service (name → base address of its ops port)."""
    async with httpx.AsyncClient(timeout=_WITHIN_S, trust_env=False) as http:
        for service, address in ops.items():
            async for finding in _service(http, service, address):
                yield finding


async def _service(http: httpx.AsyncClient, service: str, address: str) -> AsyncIterator[Finding]:
    try:
        ready = await http.get(f"{address}/health/ready")
        metrics = await http.get(f"{address}/metrics")
        because = ready.json()["because"]
        sums = _sums(metrics.text)
    except (httpx.HTTPError, ValueError, KeyError):
        cure = f"start it; the end of {service}'s log says why it ended"
        yield wrong(service, "does not answer on its ops port", cure)
        return
    if because:
        cure = "if it stays so, docs/operations.md, KaifuNotReady"
        yield wrong(service, "does not serve: " + "; ".join(map(str, because)), cure)
    else:
        yield fine(service, "serves")
    for finding in (*_trouble(service, sums), *_clock(service, metrics.headers.get("date", ""))):
        yield finding


def _sums(text: str) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] += sample.value
    return sums


def _trouble(service: str, sums: Sums) -> Iterator[Finding]:
    if sums["kaifu_consumer_stopped"]:
        said, page = "a consumer stands still: too many dead letters", "KaifuConsumerStopped"
        yield wrong(service, said, f"docs/operations.md, {page}")
    if (behind := sums["kaifu_consumer_lag"]) > _BEHIND:
        yield wrong(service, f"{behind:.0f} messages behind", "docs/operations.md, KaifuBehind")
    if lost := sums["kaifu_hits_lost_total"]:
        yield wrong(service, f"{lost:.0f} hits lost since its start", "docs/operations.md, KaifuHitsLost")
    if (age := sums["kaifu_spool_oldest_age_seconds"]) > _OLD_S:
        said = f"{sums['kaifu_spool_records']:.0f} hits wait in the spool, the oldest for {age:.0f} s"
        yield wrong(service, said, "docs/operations.md, KaifuSpoolNotDraining")
    if sums["kaifu_spool_bytes"] > _FULL * sums["kaifu_spool_limit_bytes"] > 0:
        yield wrong(service, "the spool is nearly full", "docs/operations.md, KaifuSpoolFull")
    if aside := sums["kaifu_dead_letters_total"]:
        said = f"{aside:.0f} messages set aside since its start"
        yield doubt(service, said, "`kaifu dlq list`; docs/operations.md, KaifuDeadLetters")


def _clock(service: str, date: str) -> Iterator[Finding]:
    try:
        skew = parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return
    if abs(skew) > _SKEW_S:
        said = f"its clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
        yield wrong(service, said, "let both machines follow a time server (NTP)")
