"""Who sees a mail, and what of it (R3, L13, P3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from services.crm.rules.hand_edits import edit_of, told
from services.crm.rules.uploads import Fate, fate
from shared.auth.tokens import Role, SignedIn
from shared.directory.contract import RecordRef
from shared.events.log_decisions import LogOutcome, Reason, RecordType
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
    named |= {(one.record_type, one.record_id) for one in message.hand_edits}
    return frozenset(
        RecordRef(record_type=type_, record_id=id_) for type_, id_ in named | decision.stands_on(message)
    )


def stands_on(file: MessageFile) -> frozenset[RecordRef]:
    """The records on which it stands, whether or not they are deleted."""
    on = file.decision.stands_on(file.message) if file.decision else frozenset()
    return frozenset(RecordRef(record_type=type_, record_id=id_) for type_, id_ in on)


def never_listed(file: MessageFile) -> frozenset[UUID]:
    """The contacts among its recipients that a never-log entry covered when it was sent (L8)."""
    slots = _never_listed_slots(file.message, file.decision)
    recipients = file.message.draft.recipients if file.message.draft else ()
    return frozenset(to.contact_id for to in recipients if to.slot in slots and to.contact_id)


def _never_listed_slots(message: Message, decision: Decision | None) -> frozenset[int]:
    recipients = message.draft.recipients if message.draft else ()
    listed = frozenset(to.slot for to in recipients if to.never_logged_by is not None)
    return listed | (decision.never_logged_slots() if decision else frozenset())


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads a mail, in which language, and the names that are known: of records, of who edited it."""

    who: SignedIn
    language: Language
    user_name: str | None
    names: Mapping[RecordRef, str]
    colleagues: Mapping[UUID, str] = field(default_factory=dict)


def mail_of(file: MessageFile, engagements: Sequence[Engagement], reading: Reading) -> Mail:
    """The mail of a message with a draft. `engagements`: newest first."""
    message, decision, draft = file.message, file.decision, file.message.draft
    assert draft is not None
    logged = is_logged(message, decision)
    on = sorted(decision.stands_on(message)) if decision and logged else ()
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
        decision=_explained(message, draft, decision, reading) if decision else None,
        engagements=tuple(_shown(message, decision, engagements)),
        links=draft.links,
    )


def _correspondent(to: MessageRecipient) -> Correspondent:
    return Correspondent(
        slot=to.slot, name=to.name, address=to.address, field=to.field, contact_id=to.contact_id
    )


def _explained(message: Message, draft: Draft, decision: Decision, reading: Reading) -> MailDecision:
    known, decided = {to.slot: to for to in draft.recipients}, decision.decided
    hand = _Hand(message, decision, reading)
    listed = [(one.record_type, one.record_id, one.outcome, one.reasons) for one in decided.records]
    there = {(type_, id_) for type_, id_, _, _ in listed}
    listed += [
        (one.record_type, one.record_id, LogOutcome.NOT_LOGGED, ())
        for one in message.hand_edits
        if (one.record_type, one.record_id) not in there
    ]
    return MailDecision(
        outcome=decided.outcome,
        decided_at=decided.occurred_at,
        ruleset_version=decided.ruleset_version,
        reasons=_reasons(decided.reasons, reading.language),
        records=tuple(
            RecordDecision(
                record_type=type_,
                record_id=id_,
                name=reading.names.get(RecordRef(record_type=type_, record_id=id_)),
                outcome=hand.outcome(type_, id_, outcome),
                reasons=(*hand.reasons(type_, id_), *_reasons(reasons, reading.language)),
            )
            for type_, id_, outcome, reasons in listed
        ),
        recipients=tuple(
            RecipientDecision(
                slot=one.slot,
                name=known[one.slot].name,
                address=known[one.slot].address,
                contact_id=(contact := known[one.slot].contact_id),
                outcome=hand.outcome(RecordType.CONTACT, contact, one.outcome),
                reasons=(
                    *hand.reasons(RecordType.CONTACT, contact),
                    *_reasons(one.reasons, reading.language),
                ),
            )
            for one in decided.recipients
            if one.slot in known
        ),
    )


@dataclass(frozen=True, slots=True)
class _Hand:
    """What people have put right of a decision."""

    message: Message
    decision: Decision
    reading: Reading

    def outcome(self, type_: RecordType, id_: UUID | None, decided: LogOutcome) -> LogOutcome:
        if edit_of(self.message, type_, id_) is None:
            return decided
        on = (type_, id_) in self.decision.stands_on(self.message)
        return LogOutcome.LOGGED if on else LogOutcome.NOT_LOGGED

    def reasons(self, type_: RecordType, id_: UUID | None) -> tuple[ExplainedReason, ...]:
        edit = edit_of(self.message, type_, id_)
        if edit is None:
            return ()
        rule, sentence = told(edit, self.reading.colleagues.get(edit.user_id), self.reading.language)
        by_hand = ExplainedReason(
            rule=rule, setting=None, entry_id=None, sentence=sentence, user_id=edit.user_id, at=edit.at
        )
        return (by_hand,)


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
    hidden = _never_listed_slots(message, decision)
    for one in engagements:
        if hidden.isdisjoint(one.candidates):
            nobody = message.anonymous or one.anonymous
            yield one.model_copy(update={"candidates": ()}) if nobody else one
