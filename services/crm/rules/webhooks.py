"""What endpoints are told of a change of a mail, and when a delivery is tried again (B9). Pure.

Ids are derived from what happened, so an event that comes again says nothing new.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.crm.model.decisions import Decision
from services.crm.model.engagements import Engagement
from services.crm.model.messages import Message, MessageState
from services.crm.model.webhooks import (
    CorrectedMail,
    DecidedMail,
    EngagedMail,
    LoggedMail,
    MailClicked,
    MailEngagementCorrected,
    MailLogged,
    MailNotLogged,
    MailOpened,
    MailPayload,
    MailSent,
    SentMail,
)
from services.crm.model.webhooks import Message as Announcement
from services.crm.rules.times import to_milliseconds
from services.crm.rules.uploads import Fate, fate
from shared.directory.contract import RecordRef
from shared.events.engagements import EngagementKind
from shared.events.ids import derived_id
from shared.events.log_decisions import LogOutcome

MOST = 20  # endpoints of an account
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
OLD_SECRET = timedelta(hours=24)
FAILING = timedelta(days=5)
KEPT = timedelta(days=30)


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts that failed; None: never."""
    return now + PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a mail."""

    message: Message
    engagements: Mapping[UUID, Engagement]
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Transition:
    """A mail before and after a change."""

    before: Known
    after: Known


def joined(transitions: Iterable[Transition]) -> Iterator[Transition]:
    """Each mail's changes as one: the first state before, the last state after."""
    found: dict[UUID, Transition] = {}
    for one in transitions:
        known = found.get(one.after.message.id)
        found[one.after.message.id] = one if known is None else Transition(known.before, one.after)
    yield from found.values()


def announcements(change: Transition, now: datetime) -> Iterator[Announcement]:
    """What a change gives to tell. Of a mail that was called off, deleted or never prepared here: nothing."""
    before, after = change.before, change.after
    if not _spoken_of(after.message):
        return
    if _is_sent(after.message) and not _is_sent(before.message):
        yield _sent(after)
    yield from _engaged(before, after, now)
    if _outcome(after) is not None and _outcome(after) is not _outcome(before):
        yield _decided(after)


def _spoken_of(message: Message) -> bool:
    is_off = message.state is MessageState.CANCELLED or message.deleted_at is not None
    return message.draft is not None and not is_off


def _is_sent(message: Message) -> bool:
    return _spoken_of(message) and message.state is MessageState.SENT


def _outcome(known: Known) -> LogOutcome | None:
    """As far as it can be told."""
    if known.decision is None or not _spoken_of(known.message):
        return None
    return known.decision.decided.outcome


def _hidden(known: Known) -> frozenset[int]:
    """L8: nothing that a listed recipient does is told."""
    recipients = known.message.draft.recipients if known.message.draft else ()
    listed = frozenset(to.slot for to in recipients if to.never_logged_by is not None)
    return listed | (known.decision.never_logged_slots() if known.decision else frozenset())


def _sent(known: Known) -> Announcement:
    message, draft = known.message, known.message.draft
    assert draft is not None
    assert message.sent_at is not None
    hidden = _hidden(known)
    slots = tuple(to.slot for to in draft.recipients if to.slot not in hidden)
    told = SentMail(
        message_id=message.id,
        user_id=message.user_id,
        slots=() if message.anonymous else slots,
        sent_at=message.sent_at,
        tracked=message.tracked,
        anonymous=message.anonymous,
    )
    return _announcement(MailSent(timestamp=message.sent_at, data=told), message.id)


def _engaged(before: Known, after: Known, now: datetime) -> Iterator[Announcement]:
    hidden, was_hidden = _hidden(after), _hidden(before)
    for id_, engagement in after.engagements.items():
        old = before.engagements.get(id_)
        was_told = old is not None and _spoken_of(before.message) and _told(old, was_hidden)
        if not was_told and _told(engagement, hidden):
            yield _opened_or_clicked(after.message, engagement)
        elif was_told and old is not None and _differs(old, engagement) and _tellable(engagement, hidden):
            yield _corrected(after.message, old, engagement, now)


def _told(engagement: Engagement, hidden: frozenset[int]) -> bool:
    return engagement.counts and _tellable(engagement, hidden)


def _tellable(engagement: Engagement, hidden: frozenset[int]) -> bool:
    return hidden.isdisjoint(engagement.candidates)


def _differs(old: Engagement, new: Engagement) -> bool:
    return (old.verdict, old.counts) != (new.verdict, new.counts)


def _opened_or_clicked(message: Message, engagement: Engagement) -> Announcement:
    told = EngagedMail(**_fields(message, engagement))
    kind = MailClicked if engagement.kind is EngagementKind.CLICK else MailOpened
    payload = kind(timestamp=engagement.occurred_at, data=told)
    return _announcement(payload, engagement.id, engagement.revision)


def _corrected(message: Message, old: Engagement, new: Engagement, now: datetime) -> Announcement:
    told = CorrectedMail(**_fields(message, new), counts=new.counts, earlier_verdict=old.verdict)
    payload = MailEngagementCorrected(timestamp=to_milliseconds(now), data=told)
    return _announcement(payload, new.id, new.revision)


def _fields(message: Message, engagement: Engagement) -> dict[str, object]:
    anonymous = message.anonymous or engagement.anonymous
    return {
        "message_id": message.id,
        "user_id": message.user_id,
        "slots": () if anonymous else engagement.candidates,
        "engagement_id": engagement.id,
        "revision": engagement.revision,
        "kind": engagement.kind,
        "verdict": engagement.verdict,
        "rules": tuple(evidence.rule for evidence in engagement.evidence),
        "confidence": engagement.confidence,
        "ruleset_version": engagement.ruleset_version,
        "occurred_at": engagement.occurred_at,
        "first": engagement.first,
        "inferred": engagement.inferred,
        "anonymous": anonymous,
        "link_index": engagement.link_index,
    }


def _decided(known: Known) -> Announcement:
    message, decision = known.message, known.decision
    assert decision is not None
    at = to_milliseconds(decision.decided_at)
    told = {
        "message_id": message.id,
        "user_id": message.user_id,
        "decided_at": at,
        "ruleset_version": decision.decided.ruleset_version,
        "rules": tuple(reason.rule for reason in decision.decided.reasons),
    }
    if fate(message, decision) is not Fate.KEPT:
        return _announcement(MailNotLogged(timestamp=at, data=DecidedMail(**told)), message.id)
    records = tuple(
        RecordRef(record_type=type_, record_id=id_) for type_, id_ in sorted(decision.stands_on(message))
    )
    return _announcement(MailLogged(timestamp=at, data=LoggedMail(**told, records=records)), message.id)


def _announcement(payload: MailPayload, *of: object) -> Announcement:
    return Announcement(id=derived_id("webhook", payload.type, *of), payload=payload)
