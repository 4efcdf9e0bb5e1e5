"""The last word of a rule set on each hit of a message: the live run's own fold, over all hits in order."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from services.tracker import handlers
from services.tracker.model import COUNTED, Change, Lasting
from services.tracker.revocations import Revocations
from services.tracker.rules.rulesets import RuleSet
from services.tracker.shard import Record, Shard
from shared.directory.histories import MessageHistory
from shared.events.engagements import EngagementJudged, EngagementKind

_NONE_REVOKED = Revocations()  # who asks leaves out what is


def rejudged(history: MessageHistory, rules: RuleSet, horizon: timedelta) -> dict[UUID, Change]:
    """By engagement. The ids are those of the live run, since they follow from the hits."""
    facts = sorted(history.facts, key=lambda fact: (fact.occurred_at, fact.event_id))
    record = Record(handlers.sent_of(history.send), remembered(history))
    shard = Shard({history.message_id: record}.get, horizon, most=1, rules=rules)
    last: dict[UUID, Change] = {}
    for fact in facts:
        changes = handlers.handle(shard, _NONE_REVOKED, fact, fact.occurred_at, again=False)
        last |= {change.judgement.engagement_id: change for change in changes}
    return last


def remembered(history: MessageHistory) -> Lasting:
    """What is known from hits that are kept no longer: their engagements stand as they were judged."""
    kept = {fact.event_id for fact in history.facts}
    begins = min((fact.occurred_at for fact in history.facts), default=None)
    counted = [
        one
        for one in sorted(history.standing, key=lambda one: (one.occurred_at, one.hit_id))
        if one.hit_id not in kept and (begins is None or one.occurred_at < begins) and counts(one)
    ]
    opens = [one for one in counted if one.kind is EngagementKind.OPEN]
    clicks = [one for one in counted if one.kind is EngagementKind.CLICK]
    opened: dict[int | None, UUID] = {}
    for one in opens:
        for slot in _slots(one, history.send.recipient_count):
            opened.setdefault(slot, one.engagement_id)
    return Lasting(_first(opens), _first(clicks), opened or None)


def counts(engagement: EngagementJudged) -> bool:
    """Whether it stands for a person's own act, once (T3)."""
    return engagement.folded_into is None and engagement.verdict in COUNTED


def _first(engagements: Iterable[EngagementJudged]) -> UUID | None:
    return next((one.engagement_id for one in engagements), None)


def _slots(engagement: EngagementJudged, recipients: int) -> Iterable[int | None]:
    """Of which addresses it may have been: an engagement names recipients, not whose address was fetched."""
    if len(engagement.candidates) != 1:
        return (None,)
    return (engagement.candidates[0], None) if recipients == 1 else engagement.candidates
