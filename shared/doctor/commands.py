"""`kaifu doctor`: every check that is installed and configured here."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import entry_points
from typing import Annotated

import typer
from pydantic_settings import BaseSettings
from rich.console import Console

from shared.doctor.addresses import address_findings
from shared.doctor.broker import broker_findings
from shared.doctor.findings import Finding, State, read_settings
from shared.doctor.keys import shared_findings
from shared.doctor.running import running_findings
from shared.settings import KafkaSettings, OpsSettings, PublicAddresses, TelemetrySettings

_COLOURS = {State.FINE: "green", State.DOUBT: "yellow", State.WRONG: "bold red"}
_SHARED: tuple[type[BaseSettings], ...] = (KafkaSettings, PublicAddresses, TelemetrySettings, OpsSettings)

Ops = Annotated[
    list[str] | None,
    typer.Option("--ops", help="a service and its ops address, e.g. crm=http://crm:8820; again for each"),
]


def doctor(ops: Ops = None) -> None:
    """Say what is wrong and what to do, a line each. Exit code 1 if anything is wrong.

    Reads the same environment as the service whose place this is; without --ops it asks that one alone.
    """
    findings = asyncio.run(_shown(_services(ops or [])))
    wrongs = sum(finding.state is State.WRONG for finding in findings)
    said = (
        f"{wrongs} of {len(findings)} are wrong" if wrongs else f"nothing is wrong ({len(findings)} checks)"
    )
    typer.echo(said)
    raise typer.Exit(1 if wrongs else 0)


def _services(given: list[str]) -> dict[str, str]:
    if not given:
        ops = OpsSettings()
        host = "127.0.0.1" if ops.host in ("0.0.0.0", "::") else ops.host  # noqa: S104 - asked, not listened on
        return {"this service": f"http://{host}:{ops.port}"}
    pairs = [one.partition("=") for one in given]
    if any(not (name and address) for name, _, address in pairs):
        raise typer.BadParameter("--ops wants <service>=<address>")
    return {name: address.rstrip("/") for name, _, address in pairs}


async def _shown(services: Mapping[str, str]) -> list[Finding]:
    console, found = Console(highlight=False, soft_wrap=True), []
    async for finding in examine(services):
        found.append(finding)
        console.print(f"[{_COLOURS[finding.state]}]{finding.state.value:6}[/]", end="")
        console.print(finding.sentence, markup=False)
    return found


async def examine(services: Mapping[str, str]) -> AsyncIterator[Finding]:
    """All that can be looked at here. `services`: name → base address of its ops port."""
    found = []
    async for finding in _all(services):
        found.append(finding)
        yield finding
    for finding in shared_findings(found):
        yield finding


async def _all(services: Mapping[str, str]) -> AsyncIterator[Finding]:
    broken = [finding for finding in map(_unreadable, _SHARED) if finding is not None]
    for finding in broken:
        yield finding
    if broken:
        return  # what follows would read the same settings
    async for finding in broker_findings():
        yield finding
    for entry in sorted(entry_points(group="kaifu.checks"), key=lambda entry: entry.name):
        try:
            check = entry.load()
        except ModuleNotFoundError as missing:  # an image installs only the extras of its service
            if missing.name is None or missing.name.startswith(("services", "shared")):
                raise
            continue
        async for finding in check():
            yield finding
    async for finding in running_findings(services):
        yield finding
    async for finding in address_findings():
        yield finding


def _unreadable(kind: type[BaseSettings]) -> Finding | None:
    found = read_settings(kind)
    return found if isinstance(found, Finding) else None
