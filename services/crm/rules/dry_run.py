"""Past decisions run again on other settings, and what differs (L13). Pure."""

from collections.abc import Iterable, Mapping

from services.crm.model.decisions import Decision
from services.crm.model.dry_run import Change, ChangedMail
from services.crm.model.messages import Draft, Message
from services.crm.rules.never_log import NeverLogList
from shared.directory.contract import LogInputs, RecordRef
from shared.events.log_decisions import LogDecided, LogOutcome, Reason, RecipientOutcome, RecordOutcome
from shared.log_rules.decision import Decision as Outcome
from shared.log_rules.engine import decide

_Whys = tuple[LogOutcome, tuple[Reason, ...]]


def with_settings(inputs: LogInputs, draft: Draft, never_log: NeverLogList, *, logging: bool) -> LogInputs:
    """The inputs as these settings would have made them. Everything else stays as it was."""
    addresses = {to.slot: to.address for to in draft.recipients}
    recipients = tuple(
        to.model_copy(update={"never_logged_by": never_log.covering(addresses.get(to.slot, ""))})
        for to in inputs.recipients
    )
    return inputs.model_copy(update={"account_logging": logging, "recipients": recipients})


def changed(
    message: Message,
    decision: Decision,
    never_log: NeverLogList,
    names: Mapping[RecordRef, str],
    *,
    logging: bool,
) -> ChangedMail | None:
    """The mail as it would have been decided; None when nothing differs in outcome. The decision has inputs,
    the message a draft."""
    assert decision.inputs is not None
    assert message.draft is not None
    again = decide(with_settings(decision.inputs, message.draft, never_log, logging=logging))
    changes = (
        *_records(decision.decided, again, names),
        *_recipients(decision.decided, again, message.draft),
    )
    if not changes and again.outcome is decision.decided.outcome:
        return None
    return ChangedMail(
        message_id=message.id,
        subject=message.draft.subject,
        sent_at=message.sent_at or message.draft.prepared_at,
        user_id=message.user_id,
        before=decision.decided.outcome,
        after=again.outcome,
        changes=changes,
    )


def _records(decided: LogDecided, again: Outcome, names: Mapping[RecordRef, str]) -> Iterable[Change]:
    before = {(one.record_type, one.record_id): _why(one) for one in decided.records}
    for one in again.records:
        was, why_before = before.get((one.record_type, one.record_id), (None, ()))
        if was is not one.outcome:
            ref = RecordRef(record_type=one.record_type, record_id=one.record_id)
            yield Change(
                record_type=one.record_type,
                record_id=one.record_id,
                name=names.get(ref, ""),
                before=was,
                after=one.outcome,
                why_before=why_before,
                why_after=one.reasons,
            )


def _recipients(decided: LogDecided, again: Outcome, draft: Draft) -> Iterable[Change]:
    before: dict[int, _Whys] = {one.slot: _why(one) for one in decided.recipients}
    addresses = {to.slot: to.address for to in draft.recipients}
    for one in again.recipients:
        was, why_before = before.get(one.slot, (None, ()))
        if was is not one.outcome:
            yield Change(
                record_type=None,
                record_id=None,
                name=addresses.get(one.slot, ""),
                before=was,
                after=one.outcome,
                why_before=why_before,
                why_after=one.reasons,
            )


def _why(one: RecordOutcome | RecipientOutcome) -> _Whys:
    return one.outcome, one.reasons


def refs(decision: Decision) -> set[RecordRef]:
    """The records whose names a changed mail shows."""
    ticked = decision.inputs.ticked if decision.inputs else ()
    return {RecordRef(record_type=one.record_type, record_id=one.record_id) for one in ticked}
