"""What becomes of what was uploaded for a mail: bodies and attachments, whatever comes first."""

from enum import Enum
from uuid import UUID

from services.crm.model.attachments import Attachment, LeftOut
from services.crm.model.decisions import Decision
from services.crm.model.messages import Message, MessageState
from shared.events.log_decisions import LogOutcome


class Fate(Enum):
    """Waiting for the log decision, kept for good, or discarded."""

    PENDING = "pending"
    KEPT = "kept"
    DISCARDED = "discarded"


def fate(message: Message, decision: Decision | None) -> Fate:
    """Of all uploads of the mail, as far as is known now."""
    if message.state is MessageState.CANCELLED or message.deleted_at is not None:
        return Fate.DISCARDED
    if decision is not None:
        return Fate.KEPT if decision.decided.outcome is LogOutcome.LOGGED else Fate.DISCARDED
    return Fate.DISCARDED if message.draft is not None and not message.draft.logged else Fate.PENDING


def with_fate(message: Message, decision: Decision | None) -> Message:
    """The message, without its attachments if it is not logged."""
    if not message.attachments or fate(message, decision) is not Fate.DISCARDED:
        return message
    return message.model_copy(update={"attachments": ()})


def attached(message: Message, decision: Decision | None, new: Attachment) -> tuple[Message, Attachment]:
    """The message with one more attachment in place of the one with its index, and what became of it.

    The same content again keeps the file that is there, so that repeating an upload changes nothing.
    """
    if fate(message, decision) is Fate.DISCARDED:
        return message, new.model_copy(update={"file_id": None, "reason": LeftOut.NOT_LOGGED})
    others = [one for one in message.attachments if one.index != new.index]
    known = next((one for one in message.attachments if one.index == new.index), None)
    if known is not None and known.file_id is not None and known.same_content(new):
        new = new.model_copy(update={"file_id": known.file_id, "reason": None})
    attachments = tuple(sorted((*others, new), key=lambda one: one.index))
    return message.model_copy(update={"attachments": attachments}), new


def without_content(message: Message, file_id: UUID) -> Message:
    """The message without the attachment whose content is gone."""
    left = tuple(one for one in message.attachments if one.file_id != file_id)
    return message.model_copy(update={"attachments": left})


def fates(
    old: Message, old_decision: Decision | None, new: Message, decision: Decision | None
) -> tuple[tuple[UUID, Fate], ...]:
    """Of GridFS files, where a change of the mail changes it."""
    before = {one.file_id for one in old.attachments if one.file_id}
    after = {one.file_id for one in new.attachments if one.file_id}
    now = fate(new, decision)
    changed = after if fate(old, old_decision) is not now else after - before
    gone = before - after
    return (
        *((id_, now) for id_ in sorted(changed)),
        *((id_, Fate.DISCARDED) for id_ in sorted(gone)),
    )
