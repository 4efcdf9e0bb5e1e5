"""`python -m tests.chaos [F1 F4 …] [--short] [--seed N]`: play faults, print verdicts.

The exit code is 1 when something was lost or doubled, or did not recover. The long form writes
bench/chaos.json.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.home import REPOSITORY
from tests.chaos.faults import BY_ID, FAULTS
from tests.chaos.rounds import Fault, Result, play
from tests.chaos.stack import Stack

_RESULTS = REPOSITORY / "bench" / "chaos.json"
_SHOWN = 10  # findings
_LONG, _SHORT = (60.0, 150.0), (8.0, 60.0)  # seconds per fault, hits per second


def main() -> None:
    """Play what is asked for."""
    asked = _asked()
    print(f"SEED={asked.seed}", flush=True)
    results = asyncio.run(_all(asked))
    lost = [result for result in results if not result.passed]
    events = sum(result.events for result in results)
    print(f"{events} events, {len(results) - len(lost)} of {len(results)} faults passed")
    sys.exit(1 if lost else 0)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"of {', '.join(BY_ID)}; all by default")
    parser.add_argument("--short", action="store_true", help="some seconds of each, on one stack")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or random.randrange(1 << 32)))
    parser.add_argument("--write", action="store_true", help="write the results of a short run too")
    parser.add_argument("--seconds", type=float, help="of each fault")
    parser.add_argument("--rate", type=float, help="hits per second")
    asked = parser.parse_args()
    if unknown := set(asked.faults) - set(BY_ID):
        parser.error(f"no fault {', '.join(sorted(unknown))}")
    return asked


async def _all(asked: argparse.Namespace) -> list[Result]:
    faults = [fault for fault in FAULTS if not asked.faults or fault.id in asked.faults]
    seconds, rate = _SHORT if asked.short else _LONG
    pace = (asked.seconds or seconds, asked.rate or rate)
    results: list[Result] = []
    if asked.short:
        async with _stack(results) as stack:
            for fault in faults:
                results.append(await _said(fault, stack, asked.seed, *pace))  # noqa: PERF401 - kept if one fails
        if asked.write:
            _write(results)
        return results
    for fault in faults:
        async with _stack(results) as stack:
            results.append(await _said(fault, stack, asked.seed, *pace))
        _write(results)
    return results


@asynccontextmanager
async def _stack(results: list[Result]) -> AsyncIterator[Stack]:
    """In a folder that stays when something goes wrong. `results`: grow while it runs."""
    before = len(results)
    folder = Path(tempfile.mkdtemp(prefix="kaifu-chaos-"))
    print(f"a stack in {folder}", flush=True)
    async with Stack(folder / "home") as stack:
        yield stack
    if all(result.passed for result in results[before:]):
        shutil.rmtree(folder)


async def _said(fault: Fault, stack: Stack, seed: int, seconds: float, rate: float) -> Result:
    print(f"{fault.id} {fault.words}", flush=True)
    result = await play(fault, stack, seed, seconds, rate)
    outcome = "passed" if result.passed else f"FAILED {result.failure}"
    print(f"   {outcome}: {result.verdict}; {json.dumps(result.row())}", flush=True)
    for finding in result.verdict.findings[:_SHOWN]:
        print(f"   {finding.where}: {finding.what}", flush=True)
    return result


def _write(results: list[Result]) -> None:
    known = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {}
    rows = known | {result.fault.id: result.row() for result in results}
    ordered = {fault.id: rows[fault.id] for fault in FAULTS if fault.id in rows}
    _RESULTS.write_text(json.dumps(ordered, indent=2) + "\n")


if __name__ == "__main__":
    main()
