"""What a logging decision says before it becomes an event."""

from dataclasses import dataclass

from shared.events.log_decisions import LogOutcome, Reason, RecipientOutcome, RecordOutcome


@dataclass(frozen=True, slots=True)
class Decision:
    """Over all, per record (by type and id), per recipient (by slot); each with ordered reasons."""

    outcome: LogOutcome
    reasons: tuple[Reason, ...]
    records: tuple[RecordOutcome, ...]
    recipients: tuple[RecipientOutcome, ...]
