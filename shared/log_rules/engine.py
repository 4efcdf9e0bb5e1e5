"""Where a sent mail is logged, where not, and why (L2, L5, L7, L8, L13). Pure: no clock, no driver.

The logger decides with it, crm shows with it what a changed setting would have decided (ADR 0008).
Order of the reasons is the order of the checks. Every rule id has its sentences in
`shared.events.log_reasons`. Changing what a rule decides changes `RULESET_VERSION`.
"""

from collections.abc import Iterable
from uuid import UUID

from shared.directory.contract import LogInputs, RecipientInput
from shared.events.log_decisions import (
    LogOutcome,
    Reason,
    RecipientOutcome,
    RecordOutcome,
    RecordType,
)
from shared.events.log_reasons import (
    CONTACT_ASKED_FOR_RULE,
    NEVER_LOG_RULE,
    NO_MARKETING_STATUS_RULE,
    NON_MARKETING_RULE,
)
from shared.log_rules.decision import Decision

RULESET_VERSION = "3"
LOGGING_SETTING = "email.logging"  # the account-wide switch (A3)
MARKETING_SETTING = "email.marketing_contacts"  # the account-wide switch (L6)

_TICKED = Reason(rule="record-ticked")
_ASKED_FOR = Reason(rule=CONTACT_ASKED_FOR_RULE)
_NON_MARKETING = Reason(rule=NON_MARKETING_RULE, setting=MARKETING_SETTING)
_NO_MARKETING_STATUS = Reason(rule=NO_MARKETING_STATUS_RULE, setting=MARKETING_SETTING)
_RecordKey = tuple[RecordType, UUID]


def decide(inputs: LogInputs) -> Decision:
    """The decision on one mail. The order of recipients and of ticks changes nothing."""
    gates = _gates(inputs)
    never_logged = _never_logged_contacts(inputs)
    no_records = gates or _all_never_logged(inputs)
    records = tuple(_record(key, exists, no_records, never_logged) for key, exists in _ticked(inputs).items())
    standing = {record.record_id: record for record in records if record.record_type is RecordType.CONTACT}
    recipients = tuple(
        _recipient(recipient, gates, never_logged, standing, _as_contact(inputs))
        for recipient in sorted(inputs.recipients, key=lambda recipient: recipient.slot)
    )
    why = _why_somewhere(records, recipients)
    if why:
        return Decision(LogOutcome.LOGGED, why, records, recipients)
    return Decision(LogOutcome.NOT_LOGGED, _why_nowhere(no_records, records), records, recipients)


def _gates(inputs: LogInputs) -> tuple[Reason, ...]:
    """What forbids logging the mail at all."""
    reasons = []
    if not inputs.sender_is_ours:
        reasons.append(Reason(rule="sender-not-ours"))
    if not inputs.log_asked:
        reasons.append(Reason(rule="log-not-asked"))
    if not inputs.account_logging:
        reasons.append(Reason(rule="account-logging-off", setting=LOGGING_SETTING))
    return tuple(reasons)


def _never_logged_contacts(inputs: LogInputs) -> dict[UUID, Reason]:
    """Contacts that a never-log entry covers, by any of their addresses in this mail."""
    return {
        recipient.contact_id: _never_log(recipient.never_logged_by)
        for recipient in sorted(inputs.recipients, key=lambda recipient: recipient.slot, reverse=True)
        if recipient.contact_id is not None and recipient.never_logged_by is not None
    }


def _all_never_logged(inputs: LogInputs) -> tuple[Reason, ...]:
    """A mail to listed people alone stands on no company or deal either (L8: nothing is logged)."""
    entries = {recipient.never_logged_by for recipient in inputs.recipients}
    if not entries or None in entries:
        return ()
    only = entries.pop() if len(entries) == 1 else None
    return (Reason(rule="all-recipients-never-logged", entry_id=only),)


def _ticked(inputs: LogInputs) -> dict[_RecordKey, bool]:
    """Each ticked record once, and whether it exists, by type and id."""
    exists: dict[_RecordKey, bool] = {}
    for ticked in inputs.ticked:
        key = (ticked.record_type, ticked.record_id)
        exists[key] = exists.get(key, True) and ticked.exists
    return dict(sorted(exists.items()))


def _record(
    key: _RecordKey, exists: bool, forbidden: tuple[Reason, ...], never_logged: dict[UUID, Reason]
) -> RecordOutcome:
    record_type, record_id = key
    reasons = list(forbidden)
    if record_type is RecordType.CONTACT and record_id in never_logged:
        reasons.append(never_logged[record_id])
    if not exists:
        reasons.append(Reason(rule="record-gone"))
    return RecordOutcome(
        record_type=record_type,
        record_id=record_id,
        outcome=LogOutcome.NOT_LOGGED if reasons else LogOutcome.LOGGED,
        reasons=tuple(reasons) or (_TICKED,),
    )


def _recipient(
    recipient: RecipientInput,
    gates: tuple[Reason, ...],
    never_logged: dict[UUID, Reason],
    standing: dict[UUID, RecordOutcome],
    as_contact: Reason,
) -> RecipientOutcome:
    reasons = [*gates, *_against(recipient, never_logged, standing)]
    asked_for = (_ASKED_FOR, as_contact) if recipient.contact_id is None else (_ASKED_FOR,)
    why = (_TICKED,) if recipient.contact_id in standing else asked_for
    return RecipientOutcome(
        slot=recipient.slot,
        contact_id=recipient.contact_id,
        outcome=LogOutcome.NOT_LOGGED if reasons else LogOutcome.LOGGED,
        reasons=tuple(reasons) or why,
    )


def _as_contact(inputs: LogInputs) -> Reason:
    """What a contact that is made for a recipient is marked as; it is no reason to log."""
    return _NON_MARKETING if inputs.account_marketing else _NO_MARKETING_STATUS


def _against(
    recipient: RecipientInput, never_logged: dict[UUID, Reason], standing: dict[UUID, RecordOutcome]
) -> Iterable[Reason]:
    """What speaks against logging on this recipient's contact, beside the gates."""
    contact = recipient.contact_id
    if recipient.never_logged_by is not None:
        return [_never_log(recipient.never_logged_by)]
    if contact is None:
        return [] if recipient.create_contact else [Reason(rule="no-contact")]
    if contact in never_logged:
        return [never_logged[contact]]
    if contact not in standing:  # one that was made meanwhile is what was asked for
        return [] if recipient.create_contact else [Reason(rule="record-not-ticked")]
    return [reason for reason in standing[contact].reasons if reason.rule == "record-gone"]


def _never_log(entry_id: UUID | None) -> Reason:
    return Reason(rule=NEVER_LOG_RULE, entry_id=entry_id)


def _why_somewhere(
    records: tuple[RecordOutcome, ...], recipients: tuple[RecipientOutcome, ...]
) -> tuple[Reason, ...]:
    """What it was logged for; nothing when it is logged nowhere."""
    every: list[RecordOutcome | RecipientOutcome] = [*records, *recipients]
    logged = [one for one in every if one.outcome is LogOutcome.LOGGED]
    reasons = dict.fromkeys(reason for one in logged for reason in one.reasons)
    return tuple(reason for reason in reasons if reason not in {_NON_MARKETING, _NO_MARKETING_STATUS})


def _why_nowhere(forbidden: tuple[Reason, ...], records: tuple[RecordOutcome, ...]) -> tuple[Reason, ...]:
    if forbidden:
        return forbidden
    reasons = dict.fromkeys(reason for record in records for reason in record.reasons)
    return tuple(reasons) or (Reason(rule="nothing-ticked"),)
