"""All that is known of one message, as a fold of events: any order, any repetition, one end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

from services.crm.model.decisions import Decision
from services.crm.model.engagements import Engagement
from services.crm.model.messages import Draft, Message, MessageRecipient
from services.crm.model.records import Contact
from services.crm.model.timeline import TimelineRow
from services.crm.rules.accuracy import Place, Recount, place_of
from services.crm.rules.addresses import fold
from services.crm.rules.feed import feed_row
from services.crm.rules.sends import newer, with_send
from services.crm.rules.tally import tally
from services.crm.rules.timeline import timeline_rows
from services.crm.rules.times import to_milliseconds
from services.crm.rules.uploads import Fate, fate, fates, with_fate
from services.crm.rules.webhooks import Known, Transition
from shared.events.base import Event
from shared.events.engagements import EngagementJudged, Verdict
from shared.events.ids import derived_id
from shared.events.log_decisions import LogDecided
from shared.events.notifications import FeedChanged
from shared.events.sends import AnySendEvent, SendEvent

_SENDS: TypeAdapter[SendEvent] = TypeAdapter(AnySendEvent)
_FIRST = frozenset({"first_revision", "first_verdict"})
_ENGAGEMENT_FIELDS = frozenset(Engagement.model_fields) - _FIRST - {"id"}


@dataclass(frozen=True, slots=True)
class MessageFile:
    """A message with its engagements (by id) and its decision.

    `counted`: where engagements stand in the counts of verdicts, by id; one that is not there was never
    counted. `overtaken`: an older state was delivered after a newer one, so it may now be the one that the
    compacted topic keeps.
    """

    message: Message
    engagements: dict[UUID, Engagement] = field(default_factory=dict)
    decision: Decision | None = None
    overtaken: bool = False
    counted: Mapping[UUID, Place] = field(default_factory=dict)

    @property
    def known(self) -> Known:
        """As far as others are told of it."""
        return Known(self.message, self.engagements, self.decision)


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Recipients of a logged mail who are to be contacts (L5). They are found by address, or made."""

    file: MessageFile
    recipients: tuple[MessageRecipient, ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What to write so that the store says what the folded files say; all of it or nothing.

    `bodies` (by message) and `files` (of attachments): what is to become of them from now on. `newcomers`:
    who is to be found or made among the contacts first; see `met`. `transitions`: what webhooks may tell.
    """

    messages: tuple[Message, ...] = ()
    engagements: tuple[Engagement, ...] = ()
    decisions: tuple[Decision, ...] = ()
    rows: tuple[TimelineRow, ...] = ()
    rows_gone: tuple[UUID, ...] = ()
    events: tuple[Event, ...] = ()
    bodies: tuple[tuple[UUID, Fate], ...] = ()
    files: tuple[tuple[UUID, Fate], ...] = ()
    newcomers: tuple[Newcomers, ...] = ()
    transitions: tuple[Transition, ...] = ()
    recounts: tuple[Recount, ...] = ()

    def __add__(self, other: "Rewrite") -> "Rewrite":
        return Rewrite(
            self.messages + other.messages,
            self.engagements + other.engagements,
            self.decisions + other.decisions,
            self.rows + other.rows,
            self.rows_gone + other.rows_gone,
            self.events + other.events,
            self.bodies + other.bodies,
            self.files + other.files,
            self.newcomers + other.newcomers,
            self.transitions + other.transitions,
            self.recounts + other.recounts,
        )


MessageEvent = SendEvent | EngagementJudged | LogDecided


def unknown(event: MessageEvent) -> MessageFile:
    """The file of a message that was never prepared here: its events are kept until it is."""
    return MessageFile(Message(id=event.message_id, user_id=event.user_id))


def last_send(message: Message) -> SendEvent | None:
    """The newest send event, as it was published."""
    return None if message.last_send is None else _SENDS.validate_json(message.last_send)


def prepared(file: MessageFile, draft: Draft) -> MessageFile:
    """The file of an orphan whose draft has come."""
    known = {"draft": draft, "tracked": draft.tracked, "anonymous": draft.anonymous}
    return _with_fate(replace(file, message=file.message.model_copy(update=known)))


def deleted(file: MessageFile, at: datetime) -> MessageFile:
    """The file of a mail that is taken off every timeline for good, whatever comes later (R3)."""
    if file.message.deleted_at is not None:
        return file
    gone = {"deleted_at": to_milliseconds(at), "has_body": False}
    return _with_fate(replace(file, message=file.message.model_copy(update=gone)))


def folded(file: MessageFile, *events: MessageEvent) -> MessageFile:
    """The file after these events. What they say of engagements depends on nothing else, so it comes last."""
    for event in events:
        if not isinstance(event, EngagementJudged):
            file = _with_fate(_folded(file, event))
    return _with_engagements(file, [event for event in events if isinstance(event, EngagementJudged)])


def _with_fate(file: MessageFile) -> MessageFile:
    message = with_fate(file.message, file.decision)
    return file if message is file.message else replace(file, message=message)


def _folded(file: MessageFile, event: SendEvent | LogDecided) -> MessageFile:
    if isinstance(event, LogDecided):
        return _with_decision(file, event)
    known = last_send(file.message)
    if newer(event, known):
        return replace(file, message=with_send(file.message, event))
    return replace(file, overtaken=file.overtaken or event != known)


def _with_engagements(file: MessageFile, events: Sequence[EngagementJudged]) -> MessageFile:
    engagements, changed = dict(file.engagements), False
    for event in events:
        judged = _engagement(event)
        known = engagements.get(judged.id)
        standing = judged if known is None else _of_both(known, judged)
        if standing != known:
            engagements[judged.id], changed = standing, True
    if not changed:
        return file
    message = file.message.model_copy(update={"tally": tally(engagements.values())})
    return replace(file, engagements=engagements, message=message)


def _engagement(event: EngagementJudged) -> Engagement:
    fields = {name: getattr(event, name) for name in _ENGAGEMENT_FIELDS}
    own = {"id": event.engagement_id, "occurred_at": to_milliseconds(event.occurred_at)}
    return Engagement(**fields | own, first_revision=event.revision, first_verdict=event.verdict)


def _of_both(known: Engagement, judged: Engagement) -> Engagement:
    """The one that stands, with the first word of both; either way round, the same."""
    revision, verdict = min(_first(known), _first(judged))
    first = {"first_revision": revision, "first_verdict": Verdict(verdict)}
    return max(known, judged, key=_standing).model_copy(update=first)


def _first(engagement: Engagement) -> tuple[int, str]:
    if engagement.first_revision is None or engagement.first_verdict is None:
        return engagement.revision, engagement.verdict.value
    return engagement.first_revision, engagement.first_verdict.value


def _standing(engagement: Engagement) -> tuple[int, str]:
    """The highest revision wins; two verdicts of one revision (which no tracker makes) end alike too."""
    return engagement.revision, engagement.model_dump_json(exclude=set(_FIRST))


def _with_decision(file: MessageFile, event: LogDecided) -> MessageFile:
    known = file.decision
    if known is not None and _earliness(known.decided) <= _earliness(event):
        return file
    inputs = known.inputs if known else None
    return replace(file, decision=Decision(message_id=event.message_id, decided=event, inputs=inputs))


def _earliness(decided: LogDecided) -> tuple[float, str]:
    return decided.occurred_at.timestamp(), decided.model_dump_json()


def difference(
    account_id: UUID, before: MessageFile | None, after: MessageFile, causes: Sequence[MessageEvent]
) -> Rewrite:
    """What changed, and what the rep's screens are told of it (named after the last cause)."""
    old = before or MessageFile(Message(id=after.message.id, user_id=after.message.user_id))
    rows_before = {row.id: row for row in timeline_rows(old.message, old.engagements.values(), old.decision)}
    rows = {row.id: row for row in timeline_rows(after.message, after.engagements.values(), after.decision)}
    engagements = tuple(
        engagement for id_, engagement in after.engagements.items() if old.engagements.get(id_) != engagement
    )
    return Rewrite(
        messages=(after.message,) if before is None or old.message != after.message else (),
        engagements=engagements,
        decisions=(after.decision,) if after.decision and after.decision != old.decision else (),
        rows=tuple(row for id_, row in rows.items() if rows_before.get(id_) != row),
        rows_gone=tuple(id_ for id_ in rows_before if id_ not in rows),
        events=(*_feed_changed(account_id, old, after, causes), *_put_right(after)),
        bodies=_body_fate(old, after),
        files=fates(old.message, old.decision, after.message, after.decision),
        newcomers=_newcomers(after),
        transitions=() if after is before else (Transition(old.known, after.known),),
        recounts=tuple(Recount(one.id, old.counted.get(one.id), place_of(one)) for one in engagements),
    )


def _newcomers(file: MessageFile) -> tuple[Newcomers, ...]:
    draft, decision = file.message.draft, file.decision
    if draft is None or decision is None or fate(file.message, decision) is not Fate.KEPT:
        return ()
    asked_for = decision.asked_for_slots()
    new = tuple(to for to in draft.recipients if to.slot in asked_for and to.contact_id is None)
    return (Newcomers(file, new),) if new else ()


def contact_of(newcomers: Newcomers, to: MessageRecipient, id_: UUID) -> Contact:
    """A contact as it is made by a send (L6): no marketing (or no marketing status, where the account uses no
    marketing contacts), no legal basis, the sender its owner."""
    message, decision = newcomers.file.message, newcomers.file.decision
    assert decision is not None
    at = to_milliseconds(decision.decided_at)
    return Contact(
        id=id_,
        name=to.name or to.address,
        addresses=(fold(to.address),),
        owner_id=message.user_id,
        marketing=None if decision.is_without_marketing_status(to.slot) else False,
        created_at=at,
        updated_at=at,
    )


def met(account_id: UUID, newcomers: Newcomers, contacts: Mapping[int, UUID]) -> Rewrite:
    """What changes once the recipients have their contacts (by slot)."""
    message = newcomers.file.message
    assert message.draft is not None
    recipients = tuple(
        to.model_copy(update={"contact_id": contacts.get(to.slot, to.contact_id)})
        for to in message.draft.recipients
    )
    draft = message.draft.model_copy(update={"recipients": recipients})
    after = replace(newcomers.file, message=message.model_copy(update={"draft": draft}))
    return difference(account_id, newcomers.file, after, ())


def _feed_changed(
    account_id: UUID, old: MessageFile, after: MessageFile, causes: Sequence[MessageEvent]
) -> tuple[Event, ...]:
    row = feed_row(after.message)
    if not causes or row is None:
        return ()
    if row == feed_row(old.message) and old.engagements == after.engagements:
        return ()
    cause = causes[-1]
    return (
        FeedChanged(
            event_id=derived_id("feed-changed", cause.event_id),
            occurred_at=cause.occurred_at,
            account_id=account_id,
            user_id=after.message.user_id,
            message_id=after.message.id,
        ),
    )


def _put_right(after: MessageFile) -> tuple[Event, ...]:
    """Publish the newest state once more when an older one stands behind it in the topic."""
    newest = last_send(after.message)
    return (newest,) if after.overtaken and newest is not None else ()


def _body_fate(old: MessageFile, after: MessageFile) -> tuple[tuple[UUID, Fate], ...]:
    now = fate(after.message, after.decision)
    return () if now is fate(old.message, old.decision) else ((after.message.id, now),)
