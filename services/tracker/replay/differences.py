"""What differs between how a message is judged now and what a rule set makes of it, as corrections.

The revision of a correction begins a new generation: the next multiple of GENERATION above what stands.
The live tracker counts from 0, a correction at a time, so nothing that it tells later of an old hit wins
over a replay; a later replay does. Two replays of the same differences give the same events.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.tracker import handlers
from services.tracker.attribution import answered_slots, replier
from services.tracker.model import COUNTED, Change, Judgement
from services.tracker.outputs import engagement_of
from services.tracker.replay.fold import counts, rejudged, remembered
from services.tracker.rules import inferred, timing
from services.tracker.rules.rulesets import RuleSet
from shared.directory.histories import MessageHistory
from shared.events.engagements import EngagementJudged, EngagementKind, Evidence
from shared.events.hits import ReplyReceived

GENERATION = 1000


class Rules(NamedTuple):
    """How to judge. `horizon`: as the live tracker's. Hits at or after `until` are left to it."""

    ruleset: RuleSet
    horizon: timedelta
    until: datetime


class Difference(NamedTuple):
    """`before` None: nothing was told of the hit. `after`: the correction, as it is sent."""

    before: EngagementJudged | None
    after: EngagementJudged


class Compared(NamedTuple):
    """A message. `standing`: its engagements by id. `left`: differences left to the live tracker."""

    standing: Mapping[UUID, EngagementJudged]
    differences: tuple[Difference, ...]
    left: int = 0

    @property
    def after(self) -> dict[UUID, EngagementJudged]:
        """The engagements once the corrections have arrived."""
        return {**self.standing, **{one.after.engagement_id: one.after for one in self.differences}}


def compared(history: MessageHistory, rules: Rules) -> Compared:
    """Differences in the order of their hits. A message that is judged no more keeps what it has."""
    standing = {one.engagement_id: one for one in history.standing}
    if not history.whole or handlers.sent_of(history.send).judged_from is None:
        return Compared(standing, ())
    last = rejudged(history, rules.ruleset, rules.horizon)
    last |= _inferred_no_more(history, standing, last)
    ordered = sorted(last.values(), key=lambda change: (change.hit, change.judgement.kind))
    found = [change for change in ordered if _differs(standing.get(change.judgement.engagement_id), change)]
    due = [change for change in found if change.hit.at < rules.until]
    return Compared(standing, tuple(_differences(standing, due, rules)), len(found) - len(due))


def _differences(
    standing: Mapping[UUID, EngagementJudged], due: Iterable[Change], rules: Rules
) -> Iterator[Difference]:
    for change in due:
        before = standing.get(change.judgement.engagement_id)
        generation = (before.revision if before else 0) // GENERATION + 1
        after = engagement_of(change._replace(revision=generation * GENERATION), rules.ruleset.version)
        if before is not None:  # whom it may have been was said when it was told; a replay names nobody anew
            known = {"candidates": before.candidates, "anonymous": before.anonymous}
            after = after.model_copy(update=known)
        yield Difference(before, after)


def _differs(before: EngagementJudged | None, change: Change) -> bool:
    """Whether a correction is due, as the live run would say so: not for the seconds since the send alone,
    nor for an open that was inferred in vain."""
    judged = change.judgement
    if judged.inferred and not _counts(judged) and (before is None or not counts(before)):
        return False
    if before is None:
        return True
    return _of_event(before) != _of_judgement(judged)


def _counts(judged: Judgement) -> bool:
    return judged.folded_into is None and judged.finding.verdict in COUNTED


def _of_event(one: EngagementJudged) -> tuple[object, ...]:
    said = _timeless(one.evidence)
    return (one.verdict, one.confidence, said, one.session_id, one.folded_into, one.first, one.inferred)


def _of_judgement(one: Judgement) -> tuple[object, ...]:
    verdict, confidence, evidence = one.finding
    said = _timeless(evidence)
    return (verdict, confidence, said, one.session_id, one.folded_into, one.first, one.inferred)


def _timeless(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(spoke for spoke in evidence if spoke.rule != timing.AFTER_SEND.id)


def _inferred_no_more(
    history: MessageHistory, standing: Mapping[UUID, EngagementJudged], last: Mapping[UUID, Change]
) -> dict[UUID, Change]:
    """Opens that were inferred and told, and that these rules do not infer: told as not counted, as the
    live run tells one that it inferred in vain."""
    clicks = {change.hit.hit_id: change for change in last.values() if not change.judgement.inferred}
    replies = {fact.event_id: fact for fact in history.facts if isinstance(fact, ReplyReceived)}
    opened = _opened(history, last.values())
    gone: dict[UUID, Change] = {}
    for id_, one in standing.items():
        if id_ in last or not (one.inferred and counts(one)):
            continue
        if (click := clicks.get(one.hit_id)) is not None:
            gone[id_] = _not_by_click(click, id_, opened)
        elif (reply := replies.get(one.hit_id)) is not None:
            gone[id_] = _not_by_reply(reply, one, history, opened)
    return gone


def _not_by_click(click: Change, id_: UUID, opened: Mapping[int | None, UUID]) -> Change:
    judged = click.judgement._replace(
        engagement_id=id_,
        kind=EngagementKind.OPEN,
        finding=inferred.from_click(click.judgement.finding),
        folded_into=opened.get(click.hit.slot) or click.judgement.folded_into,
        first=False,
        inferred=True,
        raises=False,
    )
    return click._replace(judgement=judged)


def _not_by_reply(
    event: ReplyReceived, told: EngagementJudged, history: MessageHistory, opened: Mapping[int | None, UUID]
) -> Change:
    reply, sent = handlers.reply_of(event), handlers.sent_of(history.send)
    slot = replier(sent, event.slot)
    known = next(iter(opened.values()), None) if slot is None else opened.get(slot)
    judged = Judgement(
        told.engagement_id,
        EngagementKind.OPEN,
        inferred.from_reply(reply, sent),
        told.session_id,
        told.candidates,
        folded_into=known,
        inferred=True,
    )
    return Change(sent, event.message_id, reply, judged, revision=0, previous=None)


def _opened(history: MessageHistory, last: Iterable[Change]) -> dict[int | None, UUID]:
    """The first open of each slot that counts; the first of all stands first."""
    opened: dict[int | None, UUID] = dict(remembered(history).opened or {})
    for change in sorted(last, key=lambda change: change.hit):
        if change.judgement.kind is EngagementKind.OPEN and _counts(change.judgement):
            for slot in _slots(change):
                opened.setdefault(slot, change.judgement.engagement_id)
    return opened


def _slots(change: Change) -> Iterable[int | None]:
    return (change.hit.slot,) if change.hit.told_by is None else answered_slots(change.sent, change.hit.slot)
