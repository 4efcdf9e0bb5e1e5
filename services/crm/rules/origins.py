"""Where opens and clicks came from, and when nobody can say."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from uuid import UUID

from services.crm.model.engagements import Engagement
from services.crm.model.origins import LocatedEngagement, Origin, Place, PlaceUnknown, Source
from services.crm.rules.devices import device_of
from shared.events.engagements import Verdict

Locate = Callable[[str], Place | PlaceUnknown]
ARCHIVED_WITHIN = timedelta(minutes=5)  # far longer than the archive is behind; after that, it is gone

_BY_PROXY = frozenset({Verdict.PROXIED_HUMAN, Verdict.PRIVACY_PROXY})


def public_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, an IPv4 one without its IPv6 clothes; None if it is none or not of the public internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    return address if address.is_global else None


def located(
    engagements: Sequence[Engagement],
    sources: Mapping[UUID, Source],
    locate: Locate,
    now: datetime,
    *,
    anonymous: bool,
) -> tuple[LocatedEngagement, ...]:
    """The engagements with their origins. `sources`: by hit, those that the archive still has.

    Several loads of one open that come from different places leave it without any.
    """
    origins = {one.id: _origin(one, sources.get(one.hit_id), locate, now, anonymous) for one in engagements}
    places: defaultdict[UUID, list[Place]] = defaultdict(list)
    for one in engagements:
        if place := origins[one.id].place:
            places[one.folded_into or one.id].append(place)
    for one in engagements:
        if origins[one.id].place and not _agree(places[one.folded_into or one.id]):
            several = {"place": None, "place_unknown": PlaceUnknown.SEVERAL_PLACES}
            origins[one.id] = origins[one.id].model_copy(update=several)
    return tuple(LocatedEngagement(**dict(one), **dict(origins[one.id])) for one in engagements)


def _origin(
    engagement: Engagement, source: Source | None, locate: Locate, now: datetime, anonymous: bool
) -> Origin:
    if anonymous or engagement.anonymous:
        return Origin(place_unknown=PlaceUnknown.ANONYMOUS)
    if engagement.by_reply:
        return Origin(place_unknown=PlaceUnknown.REPLY)
    if engagement.verdict in _BY_PROXY:
        return Origin(place_unknown=PlaceUnknown.PROXY)
    if engagement.verdict is not Verdict.HUMAN:
        return Origin(place_unknown=PlaceUnknown.NOT_A_PERSON)
    if source is None:
        gone = now - engagement.occurred_at > ARCHIVED_WITHIN
        return Origin(place_unknown=PlaceUnknown.NOT_KEPT if gone else PlaceUnknown.NOT_YET)
    device = device_of(source.agent)
    found = locate(source.address) if source.address else PlaceUnknown.NO_ADDRESS
    if isinstance(found, Place):
        return Origin(place=found, device=device)
    return Origin(place_unknown=found, device=device)


def _agree(places: Iterable[Place]) -> bool:
    """Whether no two contradict each other; what one does not know contradicts nothing."""
    known = list(places)
    return all(
        len({said for place in known if (said := getattr(place, field))}) <= 1
        for field in ("country", "region", "city")
    )
