"""Who sees a mail, and what of it (R3, L13, P3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.crm.model.decisions import Decision
from services.crm.model.engagements import Engagement
from services.crm.model.mails import (
    Correspondent,
    ExplainedReason,
    Mail,
    MailDecision,
    NamedRecord,
    RecipientDecision,
    RecordDecision,
)
from services.crm.model.messages import Draft, Message, MessageRecipient
from services.crm.rules.files import MessageFile
from services.crm.rules.uploads import Fate, fate
from shared.auth.tokens import Role, SignedIn
from shared.directory.contract import RecordRef
from shared.events.log_decisions import LogDecided, Reason
from shared.events.log_reasons import Language, log_reason


def is_logged(message: Message, decision: Decision | None) -> bool:
    """Whether it stands in the account's records for everybody to read."""
    return decision is not None and fate(message, decision) is Fate.KEPT


def visible(message: Message, decision: Decision | None, user_id: UUID) -> bool:
    """Whether this user of the account sees the mail: everybody if it is logged, else only its sender."""
    if message.draft is None or message.deleted_at is not None:
        return False
    return message.user_id == user_id or is_logged(message, decision)


def may_delete(message: Message, who: SignedIn) -> bool:
    """Its sender and admins."""
    return who.user_id == message.user_id or who.role in {Role.ADMIN, Role.SUPER_ADMIN}


def refs_of(message: Message, decision: Decision | None) -> frozenset[RecordRef]:
    """All records that a reading of the mail names."""
    if message.draft is None or decision is None:
        return frozenset()
    named = {(one.record_type, one.record_id) for one in decision.decided.records}
    return frozenset(
        RecordRef(record_type=type_, record_id=id_)
        for type_, id_ in named | decision.logged_on(message.draft)
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads a mail, in which language, and the names that are known."""

    who: SignedIn
    language: Language
    user_name: str | None
    names: Mapping[RecordRef, str]


def mail_of(file: MessageFile, engagements: Sequence[Engagement], reading: Reading) -> Mail:
    """The mail of a message with a draft. `engagements`: newest first."""
    message, decision, draft = file.message, file.decision, file.message.draft
    assert draft is not None
    logged = is_logged(message, decision)
    on = sorted(decision.logged_on(draft)) if decision and logged else ()
    return Mail(
        id=message.id,
        subject=draft.subject,
        from_address=draft.from_address,
        user_id=message.user_id,
        user_name=reading.user_name,
        recipients=tuple(_correspondent(to) for to in draft.recipients),
        state=message.state,
        sent_at=message.sent_at,
        provider_thread_id=draft.provider_thread_id,
        logged=logged,
        deletable=may_delete(message, reading.who),
        records=tuple(
            NamedRecord(record_type=ref.record_type, record_id=ref.record_id, name=reading.names.get(ref))
            for ref in (RecordRef(record_type=type_, record_id=id_) for type_, id_ in on)
        ),
        attachments=tuple(one.named for one in message.attachments) if logged else (),
        decision=_explained(draft, decision.decided, reading) if decision else None,
        engagements=tuple(_shown(message, decision, engagements)),
        links=draft.links,
    )


def _correspondent(to: MessageRecipient) -> Correspondent:
    return Correspondent(
        slot=to.slot, name=to.name, address=to.address, field=to.field, contact_id=to.contact_id
    )


def _explained(draft: Draft, decided: LogDecided, reading: Reading) -> MailDecision:
    known = {to.slot: to for to in draft.recipients}
    return MailDecision(
        outcome=decided.outcome,
        decided_at=decided.occurred_at,
        ruleset_version=decided.ruleset_version,
        reasons=_reasons(decided.reasons, reading.language),
        records=tuple(
            RecordDecision(
                record_type=one.record_type,
                record_id=one.record_id,
                name=reading.names.get(RecordRef(record_type=one.record_type, record_id=one.record_id)),
                outcome=one.outcome,
                reasons=_reasons(one.reasons, reading.language),
            )
            for one in decided.records
        ),
        recipients=tuple(
            RecipientDecision(
                slot=one.slot,
                name=known[one.slot].name,
                address=known[one.slot].address,
                contact_id=known[one.slot].contact_id,
                outcome=one.outcome,
                reasons=_reasons(one.reasons, reading.language),
            )
            for one in decided.recipients
            if one.slot in known
        ),
    )


def _reasons(reasons: Iterable[Reason], language: Language) -> tuple[ExplainedReason, ...]:
    return tuple(
        ExplainedReason(
            rule=one.rule,
            setting=one.setting,
            entry_id=one.entry_id,
            sentence=log_reason(one.rule, language),
        )
        for one in reasons
    )


def _shown(
    message: Message, decision: Decision | None, engagements: Iterable[Engagement]
) -> Iterable[Engagement]:
    recipients = message.draft.recipients if message.draft else ()
    hidden = {to.slot for to in recipients if to.never_logged_by is not None}
    hidden |= decision.never_logged_slots() if decision else frozenset()
    for one in engagements:
        if hidden.isdisjoint(one.candidates):
            nobody = message.anonymous or one.anonymous
            yield one.model_copy(update={"candidates": ()}) if nobody else one
