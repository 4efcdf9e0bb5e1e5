"""A live run, what crm keeps of it, and replays of that."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from services.tracker import handlers
from services.tracker.handlers import sent_of
from services.tracker.outputs import events_of
from services.tracker.replay.differences import Compared, Difference, Rules, compared
from services.tracker.revocations import Revocations
from services.tracker.rules.rulesets import RuleSet
from services.tracker.shard import Shard
from shared.directory.histories import MessageHistory
from shared.events.base import Event
from shared.events.catalogue import topic_of
from shared.events.codec import decode, encode
from shared.events.engagements import EngagementJudged
from shared.events.hits import HitRecorded, HitRelated, ReplyReceived, ViewingReported
from shared.events.sends import SendEvent
from tests.unit.tracker.made import ACCOUNT, MESSAGE, at

HORIZON = timedelta(hours=24)
LONG_AFTER = at(10_000_000)
Standing = dict[UUID, EngagementJudged]


class Live:
    """The tracker's loop without Kafka: folds events, holds, tells; a new one is a restart."""

    def __init__(self, rules: RuleSet, hold: timedelta = timedelta()) -> None:
        self._shard = Shard(lambda _: None, HORIZON, most=1000, hold=hold, rules=rules)
        self._revocations = Revocations()
        self.told: list[EngagementJudged] = []

    def take(self, events: Iterable[Event], *, again: bool = False) -> "Live":
        """`again`: read to rebuild the state, without a word."""
        for event in events:
            self._tell(handlers.handle(self._shard, self._revocations, event, event.occurred_at, again=again))
        if again:
            self.told.clear()
        return self

    def end(self) -> list[EngagementJudged]:
        """All that was told, once every hold has ended."""
        self._tell(handlers.released(self._shard, self._revocations, LONG_AFTER))
        return self.told

    def _tell(self, changes: Iterable[handlers.Change]) -> None:
        for change in changes:
            for event in events_of(change, self._shard.rules.version):
                if isinstance(event, EngagementJudged):
                    self.told.append(event)


def kept(told: Iterable[EngagementJudged], standing: Standing | None = None) -> Standing:
    """What crm keeps: of each engagement the highest revision, whatever the order."""
    best = dict(standing or {})
    for event in told:
        known = best.get(event.engagement_id)
        if known is None or event.revision > known.revision:
            through = decode(topic_of(event).name, encode(event))
            assert isinstance(through, EngagementJudged)
            best[event.engagement_id] = through
    return best


def history(events: Sequence[Event], standing: Standing) -> MessageHistory:
    """What crm archives of these events."""
    sends = [event for event in events if isinstance(event, SendEvent)]
    kinds = HitRecorded | ViewingReported | HitRelated | ReplyReceived
    facts = {e.event_id: e for e in events if isinstance(e, kinds)}
    return MessageHistory.model_validate(
        {
            "account_id": ACCOUNT,
            "message_id": MESSAGE,
            "send": max(sends, key=lambda send: sent_of(send).order),
            "facts": tuple(facts.values()),
            "standing": tuple(standing.values()),
        }
    )


def replayed(events: Sequence[Event], standing: Standing, rules: RuleSet, until: object = None) -> Compared:
    """What a replay finds."""
    end = LONG_AFTER if until is None else until
    return compared(history(events, standing), Rules(rules, HORIZON, end))  # type: ignore[arg-type]


def corrected(standing: Standing, differences: Iterable[Difference]) -> Standing:
    """What stands once crm has the corrections."""
    return kept([difference.after for difference in differences], standing)


def outcome(standing: Standing) -> dict[UUID, tuple[object, ...]]:
    """What people see of each engagement; an open inferred in vain is none."""
    return {
        id_: (
            one.hit_id,
            one.kind,
            one.verdict,
            one.confidence,
            tuple(spoke for spoke in one.evidence if spoke.rule != "timing.after-send"),
            one.session_id,
            one.folded_into,
            one.first,
            one.inferred,
            one.candidates,
        )
        for id_, one in standing.items()
        if not one.inferred or (one.folded_into is None and one.verdict in ("human", "proxied_human"))
    }
