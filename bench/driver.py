"""Motor, through which crm speaks to its database, beside PyMongo's own asyncio client on the same calls.

CPU µs of a process that makes the calls and milliseconds until each is done, in turns: one call at a time and
several at once. See docs/adr/0009-motor-stays-for-now.md.
"""

import json
from collections.abc import Sequence
from statistics import median

from bench.database import Fresh, on_quick, quick_name, url_of
from bench.load import line_of, reference
from bench.reference.two_drivers import UPSERTS
from bench.results import Figure, figure, percentile
from deploy.local.database_user import DATABASE

ROUNDS = 7
AT_ONCE = 16
ROWS = 1_000
TIMES = {"alone": (40, 1), "at once": (96, AT_ONCE)}  # calls of each kind, how many in flight
CALLS = {
    "find": "a document by its key",
    "page": "51 rows in an index's order",
    "upsert": f"{UPSERTS} upserts in one request",
    "transaction": f"a read and {UPSERTS} upserts, all or nothing",
}

Measured = dict[str, dict[str, tuple[float, list[float]]]]  # as two_drivers tells it


async def measure(fresh: Fresh) -> list[Figure]:
    """`driver_find_us`, `driver_page_us`, `driver_upsert_us`, `driver_transaction_us`."""
    rounds: dict[str, list[Measured]] = {name: [] for name in TIMES}
    async with (
        on_quick(fresh, (), seeded=False) as stack,
        reference("two_drivers", DATABASE, ROWS, BENCH_MONGODB_URL=url_of(stack)) as process,
    ):
        assert process.stdin is not None
        for number in range(-1, ROUNDS):  # the first one warms up
            for name, (times, at_once) in TIMES.items():
                process.stdin.write(f"{times} {at_once}\n".encode())
                found = json.loads(await line_of(process))
                if number >= 0:
                    rounds[name].append(found)
                    print(f"  drivers {name}: {', '.join(_told(call, found) for call in CALLS)}")
    return figures(rounds, quick_name())


def _told(call: str, found: Measured) -> str:
    motor, other = (found[call][of][0] for of in ("motor", "pymongo"))
    return f"{call} {motor:.0f} µs (PyMongo's {other:.0f})"


def figures(rounds: dict[str, list[Measured]], more: str) -> list[Figure]:
    """Of rounds by how the calls were made. `more`: ends the notes."""
    return [_figure(call, rounds, more) for call in CALLS]


def _figure(call: str, rounds: dict[str, list[Measured]], more: str) -> Figure:
    motor, other = _cpu(call, rounds["alone"])
    said = [f"{CALLS[call]}: CPU µs of a call, {len(motor)} rounds of {TIMES['alone'][0]}, one at a time"]
    for name, found in rounds.items():
        said.append(
            f"{name} {_latency(call, 'motor', found)}, the reference {_latency(call, 'pymongo', found)}"
        )
    busy, busy_other = map(median, _cpu(call, rounds["at once"]))
    said += [f"CPU with {AT_ONCE} at once {busy:.0f} µs beside {busy_other:.0f}"]
    said += ["reference: PyMongo's AsyncMongoClient", more]
    ratios = [theirs / own for own, theirs in zip(motor, other, strict=True)]
    return figure(f"driver_{call}_us", "µs", motor, other, ratios, "", "; ".join(said))


def _cpu(call: str, rounds: Sequence[Measured]) -> tuple[list[float], list[float]]:
    motor, other = ([one[call][of][0] for one in rounds] for of in ("motor", "pymongo"))
    return motor, other


def _latency(call: str, driver: str, rounds: Sequence[Measured]) -> str:
    """p50 and p99, the medians over the rounds."""
    p50, p99 = (median([percentile(one[call][driver][1], share) for one in rounds]) for share in (0.5, 0.99))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms"
