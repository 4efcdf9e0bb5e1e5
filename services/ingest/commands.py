"""`kaifu spool`: what runs beside a process of ingest, on its machine."""

import time
from typing import Annotated

import httpx
import typer

from shared.settings import OpsSettings
from shared.telemetry.names import SPOOL_RECORDS

spool = typer.Typer(help="The spool of the ingest that runs here.", no_args_is_help=True)

_LOOK_EVERY_S = 0.5
_ANSWER_WITHIN_S = 2.0


@spool.callback()
def here() -> None:
    """The spool of the ingest that runs here."""


@spool.command()
def drained(
    at_least: Annotated[float, typer.Option(help="seconds; meanwhile others learn not to call")] = 0.0,
    at_most: Annotated[float, typer.Option(help="seconds; then it gives up")] = 60.0,
) -> None:
    """Wait until the broker has every hit of the spool; exit code 1 if some are left.

    For a preStop hook: the process still runs, drains, and answers those who have not heard of its end.
    """
    ops = OpsSettings()
    began = time.monotonic()
    with httpx.Client(base_url=f"http://127.0.0.1:{ops.port}", timeout=_ANSWER_WITHIN_S) as http:
        left = _left(http)
        while (waited := time.monotonic() - began) < at_least or (left != 0 and waited < at_most):
            time.sleep(_LOOK_EVERY_S)
            left = _left(http)
    if left:
        typer.echo(f"{left} hits are still in the spool; they stay on its volume", err=True)
    elif left is None:
        typer.echo("ingest does not answer; what its spool holds stays on its volume", err=True)
    if left != 0:
        raise typer.Exit(1)


def _left(http: httpx.Client) -> int | None:
    """Hits in the spool; None: nobody says."""
    try:
        text = http.get("/metrics").text
    except httpx.HTTPError:
        return None
    name = next(iter(SPOOL_RECORDS.describe())).name
    values = [line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")]
    return int(float(values[0])) if values else None
