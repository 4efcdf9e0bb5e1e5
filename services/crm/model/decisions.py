"""Log decisions, with what they were decided from."""

from datetime import datetime
from uuid import UUID

from services.crm.model.base import Model
from services.crm.model.messages import Draft, Message
from shared.directory.contract import LogInputs
from shared.events.log_decisions import LogDecided, LogOutcome, RecordType
from shared.events.log_reasons import CONTACT_ASKED_FOR_RULE, NEVER_LOG_RULE, NO_MARKETING_STATUS_RULE


class Decision(Model):
    """The decision on a message with its reasons, and its inputs (so that it can be run again).

    The earliest one stands: deciding again after a restored topic changes no timeline.
    """

    message_id: UUID
    decided: LogDecided
    inputs: LogInputs | None = None

    @property
    def decided_at(self) -> datetime:
        """When the logger decided."""
        return self.decided.occurred_at

    def asked_for_slots(self) -> frozenset[int]:
        """The recipients whose contact the mail stands on because it was asked for as a new one (L5)."""
        return frozenset(
            recipient.slot
            for recipient in self.decided.recipients
            if recipient.outcome is LogOutcome.LOGGED
            and any(reason.rule == CONTACT_ASKED_FOR_RULE for reason in recipient.reasons)
        )

    def is_without_marketing_status(self, slot: int) -> bool:
        """Whether a contact that is made of this recipient has no marketing status (L6)."""
        return any(
            reason.rule == NO_MARKETING_STATUS_RULE
            for recipient in self.decided.recipients
            if recipient.slot == slot
            for reason in recipient.reasons
        )

    def never_logged_slots(self) -> frozenset[int]:
        """The recipients that a never-log entry covered when the mail was sent."""
        return frozenset(
            recipient.slot
            for recipient in self.decided.recipients
            if any(reason.rule == NEVER_LOG_RULE for reason in recipient.reasons)
        )

    def logged_on(self, draft: Draft) -> frozenset[tuple[RecordType, UUID]]:
        """The records that it was logged on: those ticked, and contacts that were asked for."""
        if self.decided.outcome is not LogOutcome.LOGGED:
            return frozenset()
        asked_for = self.asked_for_slots()
        return frozenset(
            (RecordType.CONTACT, to.contact_id)
            for to in draft.recipients
            if to.slot in asked_for and to.contact_id is not None
        ) | frozenset(
            (record.record_type, record.record_id)
            for record in self.decided.records
            if record.outcome is LogOutcome.LOGGED
        )

    def stands_on(self, message: Message) -> frozenset[tuple[RecordType, UUID]]:
        """The records that the mail stands on: where it was logged, put right by hand since."""
        if message.draft is None or self.decided.outcome is not LogOutcome.LOGGED:
            return frozenset()
        edits = message.hand_edits
        added = {(one.record_type, one.record_id) for one in edits if one.added}
        removed = {(one.record_type, one.record_id) for one in edits if not one.added}
        return (self.logged_on(message.draft) - removed) | added
