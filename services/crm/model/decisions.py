"""Log decisions, with what they were decided from."""

from datetime import datetime
from uuid import UUID

from services.crm.model.base import Model
from shared.directory.contract import LogInputs
from shared.events.log_decisions import LogDecided, LogOutcome, RecordType


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

    def logged_on(self) -> frozenset[tuple[RecordType, UUID]]:
        """The records that the mail stands on."""
        if self.decided.outcome is not LogOutcome.LOGGED:
            return frozenset()
        return frozenset(
            (record.record_type, record.record_id)
            for record in self.decided.records
            if record.outcome is LogOutcome.LOGGED
        )
