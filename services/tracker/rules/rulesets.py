"""Rule sets by version: which rules speak, in which order. The first that speaks decides.

Old sets stay, so that a new one can be undone and compared (`kaifu replay --ruleset`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.tracker.model import Finding, Hit, Surroundings
from services.tracker.rules import (
    agents,
    apple,
    bursts,
    claims,
    default,
    headers,
    own_views,
    prefetch,
    privacy,
    proxies,
    senders,
    signs,
    threads,
    timing,
)
from services.tracker.rules.rule import Rule
from shared.events.hits import HitRecorded

Alone = Callable[[HitRecorded], Finding | None]
Doubts = Callable[[HitRecorded], Sequence[Rule]]
InContext = Callable[[Hit, Surroundings], Finding | None]


class RuleSet(NamedTuple):
    """`alone`: by agent, address, method, headers. `in_context`: with what is known around the hit.

    `pairs_head`: a HEAD is seen as the GET beside it. `holds`: suspicious hits wait for a burst (B3).
    `says_residual`: names what no report of viewing can rule out. `relates`: hits on different messages are
    looked at together.
    """

    version: str
    alone: tuple[Alone, ...]
    doubts: tuple[Doubts, ...]
    in_context: tuple[InContext, ...]
    pairs_head: bool
    holds: bool
    says_residual: bool
    relates: bool


def _own_views_first(hit: Hit, known: Surroundings) -> Finding | None:
    return own_views.find(hit, known.sent, known.beacons, any_proxy=True) if known.beacons else None


def _own_views(hit: Hit, known: Surroundings) -> Finding | None:
    return own_views.find(hit, known.sent, known.beacons) if known.beacons else None


def _bursts(hit: Hit, known: Surroundings) -> Finding | None:
    found = bursts.find(hit, known.around, was_read=known.was_read)
    if found is not None or not (known.elsewhere or known.related):
        return found
    return bursts.find_over_mails(hit, known.elsewhere, seen=known.related.get(bursts.MANY_MAILS.id, 0))


def _threads(hit: Hit, known: Surroundings) -> Finding | None:
    if not (known.newer or known.related):
        return None
    return threads.find(hit, known.newer, seen=known.related.get(threads.OLDER.id))


def _timing(hit: Hit, known: Surroundings) -> Finding | None:
    return timing.find(hit, known.sent)


def _signs(hit: Hit, known: Surroundings) -> Finding | None:
    return signs.find(hit, known.sent, was_read=known.was_read) if hit.doubts else None


FIRST = RuleSet(
    "2026.11.1",
    (prefetch.find, privacy.find, proxies.find, default.find_first),
    (),
    (_own_views_first,),
    pairs_head=False,
    holds=False,
    says_residual=False,
    relates=False,
)
SECOND = RuleSet(
    "2026.11.2",
    (
        headers.find,
        prefetch.find_certain,
        proxies.find,
        proxies.find_others,
        apple.find,
        senders.find,
        agents.find,
        prefetch.find,
        default.find,
    ),
    (headers.doubts, senders.doubts, agents.doubts),
    (_own_views, _bursts, _timing, _threads, _signs),
    pairs_head=True,
    holds=True,
    says_residual=True,
    relates=True,
)
_AGENTS = SECOND.alone.index(agents.find)
CURRENT = SECOND._replace(
    version="2026.11.3",
    alone=(
        headers.find,
        claims.find,
        *SECOND.alone[1:_AGENTS],
        agents.find_listed,
        *SECOND.alone[_AGENTS:],
    ),
)
RULESETS = {ruleset.version: ruleset for ruleset in (FIRST, SECOND, CURRENT)}
