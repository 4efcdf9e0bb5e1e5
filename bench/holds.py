"""Open → push of clear opens while suspicious ones are held (B3): clear ones pass at once all the same.

In turns: as many opens a second that are all clear. A round with suspicious ones begins with these alone, one
hold earlier, so that as many are held, and let go, from the first clear open to the last.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from statistics import median

from bench import database, hop
from bench.fanout import Fresh
from bench.opens import Readers
from bench.push import (
    AGENT,
    CONNECTIONS,
    SECONDS,
    a_rep,
    clear_round,
    opened,
    sent_messages,
    settled,
    tempo,
    told,
)
from bench.results import Figure, figure, percentile
from deploy.local.rep import http_client
from deploy.local.stack import Stack
from services.tracker.settings import TrackerSettings

ROUNDS = {100: 3, 500: 3}  # by hits a second
SUSPICIOUS = 0.2  # of the hits
HOLD_S = TrackerSettings().hold_s
OLD_BROWSER = {  # as scanners name themselves; alone it speaks against a person and decides nothing
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/64.0.3282.140 Safari/537.36"
}


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds: per clear open among suspicious ones, among clear ones alone, and of a bare hop."""

    with_holds: list[float]
    alone: list[float]
    hop: list[float]


async def measure(fresh: Fresh) -> list[Figure]:
    """`push_p99_ms_with_holds` at 500 hits a second, `…_at_100` at 100."""
    found = []
    for rate, rounds in ROUNDS.items():
        async with fresh() as stack:
            # the first round warms up: a broker that has just started compiles itself
            measured = [await _round(stack, rate) for _ in range(rounds + 1)][1:]
        found.append(figure_of(rate, measured))
    return found


async def _round(stack: Stack, rate: int) -> Round:
    alone = await clear_round(stack, rate, SECONDS)
    with_holds = await _with_holds(stack, rate)
    bare = await hop.latencies(tempo(stack), rate, rate * SECONDS)
    p99s = (percentile(one, 0.99) for one in (with_holds, alone, bare))
    print("  p99 with holds {:.1f} ms, without {:.1f} ms, hop {:.1f} ms".format(*p99s))
    return Round(with_holds, alone, bare)


async def _with_holds(stack: Stack, rate: int) -> list[float]:
    held_rate = round(rate * SUSPICIOUS)
    async with http_client() as http:
        rep = await a_rep(http, stack)
        clear = await sent_messages(rep, (rate - held_rate) * SECONDS)
        held = await sent_messages(rep, round(held_rate * (HOLD_S + SECONDS)))
        await settled(http, stack)
        origin = stack.addresses["tracking_url"]
        async with (
            told(stack, rep, clear.keys() | held.keys()) as arrivals,
            Readers(origin, AGENT, CONNECTIONS) as readers,
            Readers(origin, OLD_BROWSER, CONNECTIONS) as scanners,
            asyncio.TaskGroup() as group,
        ):
            addresses = (f"198.18.{number // 250}.{number % 250}" for number in count())  # RFC 2544
            suspicious = group.create_task(
                opened(lambda url: scanners.get(url, next(addresses)), held, held_rate)
            )
            await asyncio.sleep(HOLD_S)
            asked = await opened(readers.get, clear, rate - held_rate)
            arrived = await asyncio.wait_for(arrivals, 60)
    check_held(suspicious.result(), arrived)
    return [(arrived[message] - asked[message]) * 1000 for message in clear]


def check_held(asked: Mapping[str, float], arrived: Mapping[str, float]) -> None:
    """RuntimeError where a suspicious open (message → when it was asked for) was pushed before its hold."""
    soonest = min(arrived[message] - at for message, at in asked.items())
    if soonest < HOLD_S:
        raise RuntimeError(f"an open that was to be held was pushed after {soonest:.1f} s")


def figure_of(rate: int, rounds: Sequence[Round]) -> Figure:
    """Of rounds at so many hits a second."""
    own, alone, bare = (
        [percentile(values, 0.99) for values in of]
        for of in zip(*((one.with_holds, one.alone, one.hop) for one in rounds), strict=True)
    )
    p50 = median([percentile(one.with_holds, 0.5) for one in rounds])
    note = (
        f"open → push of clear opens, {len(rounds)} rounds of {SECONDS} s at {rate} hits/s, {SUSPICIOUS:.0%} "
        f"of them suspicious and held for {HOLD_S:g} s, after one that is left out; p50 {p50:.1f} ms; "
        f"reference: as many opens that are all clear; ratio: how many times that; a bare hop's p99 "
        f"{median(bare):.1f} ms; {database.name()}"
    )
    suffix = "" if rate == max(ROUNDS) else f"_at_{rate}"
    ratios = [mine / theirs for mine, theirs in zip(own, alone, strict=True)]
    return figure(f"push_p99_ms_with_holds{suffix}", "ms", own, alone, ratios, "", note)
