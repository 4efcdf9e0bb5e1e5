"""`make bench`: start Kaifu on free ports, measure, write bench/results.json and bench/RESULTS.md."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from bench import pixel, push
from bench.load import need
from bench.results import machine, write
from deploy.local.environment import SERVICES
from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.stack import Stack

BENCHES = ("push", "pixel")


async def _run(name: str) -> None:
    services = pixel.SERVICES if name == "pixel" else SERVICES
    with tempfile.TemporaryDirectory(prefix="kaifu-bench-") as folder:
        async with Stack(
            Home(Path(folder)),
            Ports.free(),
            base=os.environ,
            tell=print,
            services=services,
            seeded=name == "push",
        ) as stack:
            print(f"{name} ({machine()})")
            figures = await push.measure(stack) if name == "push" else pixel.measure(stack)
    write(figures)
    for one in figures:
        spread = f"{one.low:.2f} to {one.high:.2f}"
        print(f"  {one.name}: {one.value:.2f} {one.unit}, ratio {one.ratio:.2f} ({spread})")


def main() -> None:
    """All benches, or those named."""
    names = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    need("nginx", "wrk", "taskset")
    for name in names:
        asyncio.run(_run(name))


if __name__ == "__main__":
    main()
