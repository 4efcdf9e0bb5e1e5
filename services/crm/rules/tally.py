"""What the engagements of a message come to (T3). Computed from all of them, so corrections are right."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from services.crm.model.engagements import Engagement
from services.crm.model.messages import Tally
from shared.events.engagements import EngagementKind, Verdict


def tally(engagements: Iterable[Engagement]) -> Tally:
    """The sum. The order of the engagements does not matter.

    An inferred open stands in for one that nobody saw: it sets the times, but it is counted only
    while no open was seen. Behind one that a click proves stands the click, behind a reply's nothing else.
    """
    known = sorted(engagements, key=lambda engagement: (engagement.occurred_at, engagement.id))
    counted = [engagement for engagement in known if engagement.counts]
    opens = [engagement for engagement in counted if engagement.kind is EngagementKind.OPEN]
    clicks = [engagement for engagement in counted if engagement.kind is EngagementKind.CLICK]
    seen = [engagement for engagement in opens if not engagement.inferred]
    last = next((engagement for engagement in reversed(known) if _is_told(engagement)), None)
    return Tally(
        opens=len(seen) or min(1, len(opens)),
        clicks=len(clicks),
        first_open_at=opens[0].occurred_at if opens else None,
        last_open_at=opens[-1].occurred_at if opens else None,
        possible_open_at=_possible_open(known),
        last_verdict=last.verdict if last else None,
        last_evidence=last.evidence if last else (),
        last_hit_at=last.occurred_at if last else None,
        link_clicks=_by_link(clicks),
    )


def _is_told(engagement: Engagement) -> bool:
    return not engagement.inferred or (engagement.by_reply and engagement.counts)


def _possible_open(engagements: list[Engagement]) -> datetime | None:
    """The newest fetch by a privacy proxy: neither an open nor a machine."""
    times = [
        engagement.occurred_at
        for engagement in engagements
        if engagement.verdict is Verdict.PRIVACY_PROXY and engagement.kind is EngagementKind.OPEN
    ]
    return times[-1] if times else None


def _by_link(clicks: list[Engagement]) -> dict[str, int]:
    counts = Counter(str(click.link_index) for click in clicks if click.link_index is not None)
    return dict(sorted(counts.items()))
