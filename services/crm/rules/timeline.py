"""The timeline rows that a message causes, computed from all that is known of it (R2, L2, B6, P3)."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from services.crm.model.decisions import Decision
from services.crm.model.engagements import Engagement
from services.crm.model.messages import Draft, Message, MessageRecipient, MessageState
from services.crm.model.timeline import TimelineRow, TimelineType
from shared.events.engagements import EngagementKind
from shared.events.ids import derived_id
from shared.events.log_decisions import RecordType

_TYPES = {EngagementKind.OPEN: TimelineType.OPEN, EngagementKind.CLICK: TimelineType.CLICK}


def timeline_rows(
    message: Message, engagements: Iterable[Engagement], decision: Decision | None
) -> Iterator[TimelineRow]:
    """All rows: none of a mail that was called off or deleted, none before it was prepared here, since
    nobody's names are known until then."""
    if message.draft is None or message.state is MessageState.CANCELLED or message.deleted_at is not None:
        return
    yield from _logged(message, message.draft, decision)
    on = decision.stands_on(message) if decision else frozenset()
    taken_off = decision.logged_on(message.draft) - on if decision else frozenset()
    hidden = decision.never_logged_slots() if decision else frozenset()
    for engagement in engagements:
        recipient = _attributed(message, message.draft, engagement)
        if recipient is None or recipient.contact_id is None:
            continue
        if recipient.never_logged_by is not None or recipient.slot in hidden:
            continue  # L8: no activity of a listed recipient stands on any timeline
        told = (RecordType.CONTACT, recipient.contact_id) in on
        if (RecordType.CONTACT, recipient.contact_id) in taken_off:
            continue  # R3: it went from this timeline with all that belongs to it
        yield _engaged(message.draft, engagement, recipient, told=told)


def _logged(message: Message, draft: Draft, decision: Decision | None) -> Iterator[TimelineRow]:
    if decision is None:
        return
    for record_type, record_id in sorted(decision.stands_on(message)):
        yield TimelineRow(
            id=email_row_id(record_type, record_id, message.id),
            record_type=record_type,
            record_id=record_id,
            type=TimelineType.EMAIL,
            occurred_at=message.sent_at or draft.prepared_at,
            message_id=message.id,
            user_id=message.user_id,
            subject=draft.subject,
            recipients=tuple(to.name or to.address for to in draft.recipients),
            attachments=tuple(one.named for one in message.attachments),
        )


def email_row_id(record_type: RecordType, record_id: UUID, message_id: UUID) -> UUID:
    """The row of a logged mail on a record."""
    return derived_id("timeline", "email", record_type, record_id, message_id)


def _attributed(message: Message, draft: Draft, engagement: Engagement) -> MessageRecipient | None:
    """The one recipient that it was; None when it counts for nobody, for several, or anonymously."""
    if message.anonymous or engagement.anonymous or not engagement.counts:
        return None
    if len(engagement.candidates) != 1:
        return None
    return next((to for to in draft.recipients if to.slot == engagement.candidates[0]), None)


def _engaged(draft: Draft, engagement: Engagement, to: MessageRecipient, *, told: bool) -> TimelineRow:
    assert to.contact_id is not None
    link = engagement.link_index
    return TimelineRow(
        id=derived_id("timeline", "engagement", RecordType.CONTACT, to.contact_id, engagement.id),
        record_type=RecordType.CONTACT,
        record_id=to.contact_id,
        type=_TYPES[engagement.kind],
        occurred_at=engagement.occurred_at,
        message_id=engagement.message_id,
        user_id=engagement.user_id,
        subject=draft.subject if told else None,
        engagement_id=engagement.id,
        verdict=engagement.verdict,
        evidence=engagement.evidence,
        inferred=engagement.inferred,
        link=draft.links[link] if told and link is not None and link < len(draft.links) else None,
    )
