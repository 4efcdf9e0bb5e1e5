"""Values for crm's tests: a mail to two people and the events of its life."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.crm.model.accounts import Account, AddressKind, EmailSettings, SendingAddress, User
from services.crm.model.messages import Draft, Message, MessageRecipient
from services.crm.rules.files import MessageEvent, MessageFile, difference, folded, unknown
from shared.auth.tokens import Role
from shared.directory.contract import PreparedMessage, Recipient, RecipientField, RecordRef
from shared.events.engagements import EngagementJudged, EngagementKind, Evidence, Verdict
from shared.events.ids import derived_id
from shared.events.log_decisions import LogDecided, LogOutcome, Reason, RecordOutcome, RecordType
from shared.events.sends import MessageCancelled, MessageScheduled, MessageSent, SendEvent, Source
from shared.log_rules.decision import Decision

T0 = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ACCOUNT, OTHER_ACCOUNT = derived_id("test", "account"), derived_id("test", "other account")
REP, OTHER_REP = derived_id("test", "rep"), derived_id("test", "other rep")
MAIL = derived_id("test", "mail")
HANAKO, LIAM, DEAL = (derived_id("test", name) for name in ("hanako", "liam", "deal"))
ON_HANAKO = RecordRef(record_type=RecordType.CONTACT, record_id=HANAKO)
ON_DEAL = RecordRef(record_type=RecordType.DEAL, record_id=DEAL)


def at(seconds: float) -> datetime:
    """So long after the mail was prepared."""
    return T0 + timedelta(seconds=seconds)


def an_account(**settings: bool) -> Account:
    """An account with these settings, the others as at first."""
    return Account(id=ACCOUNT, name="Test", settings=EmailSettings(**settings), created_at=T0)


def a_user(**more: Any) -> User:
    """A rep with an alias."""
    own = (
        SendingAddress(address="Rep@Kaifu.example", kind=AddressKind.PRIMARY),
        SendingAddress(address="sales@kaifu.example", kind=AddressKind.ALIAS),
    )
    fields: dict[str, Any] = {
        "id": REP,
        "account_id": ACCOUNT,
        "name": "Rep",
        "address": "rep@kaifu.example",
        "addresses": own,
        "role": Role.REP,
        "created_at": T0,
    }
    return User(**(fields | more))


def asked(to: Sequence[str] = ("hanako@sakura.example",), **more: Any) -> PreparedMessage:
    """What ingest asks the directory."""
    recipients = tuple(
        Recipient(address=address, name=address.split("@")[0], field=RecipientField.TO) for address in to
    )
    fields: dict[str, Any] = {
        "message_id": MAIL,
        "account_id": ACCOUNT,
        "user_id": REP,
        "source": Source.GMAIL,
        "from_address": "rep@kaifu.example",
        "subject": "Offer",
        "recipients": recipients,
        "links": ("https://example.com/a", "https://example.com/b"),
        "track": True,
        "log": True,
        "records": (ON_HANAKO,),
        "create_contacts": (),
        "prepared_at": T0,
        "fingerprint": "f" * 64,
    }
    return PreparedMessage(**(fields | more))


def a_draft(**more: Any) -> Draft:
    """A prepared mail to Hanako (a contact) and Liam (a contact)."""
    recipients = (
        MessageRecipient(
            slot=0,
            address="hanako@sakura.example",
            name="山田 花子",
            field=RecipientField.TO,
            contact_id=HANAKO,
        ),
        MessageRecipient(slot=1, address="liam@northwind.example", field=RecipientField.CC, contact_id=LIAM),
    )
    fields: dict[str, Any] = {
        "source": Source.GMAIL,
        "from_address": "rep@kaifu.example",
        "subject": "Offer",
        "recipients": recipients,
        "links": ("https://example.com/a", "https://example.com/b"),
        "records": (ON_HANAKO, ON_DEAL),
        "create_contacts": (),
        "fingerprint": "f" * 64,
        "track_asked": True,
        "log_asked": True,
        "tracked": True,
        "untracked_reason": None,
        "logged": True,
        "unlogged_reason": None,
        "anonymous": False,
        "policy_version": 1,
        "prepared_at": T0,
    }
    return Draft(**(fields | more))


def a_message(**more: Any) -> Message:
    """The message of that draft."""
    draft = a_draft(**more)
    return Message(id=MAIL, user_id=REP, draft=draft, tracked=draft.tracked, anonymous=draft.anonymous)


def _send(kind: type[SendEvent], state: str, seconds: float, **more: Any) -> Any:
    message_id = more.get("message_id", MAIL)
    fields: dict[str, Any] = {
        "event_id": derived_id("sends", message_id, state),
        "occurred_at": at(seconds),
        "account_id": ACCOUNT,
        "message_id": message_id,
        "user_id": REP,
        "source": Source.GMAIL,
        "tracked": True,
        "logged": True,
        "recipient_count": 2,
        "link_count": 2,
        "policy_version": 1,
        "prepared_at": T0,
    }
    return kind(**(fields | more))


def sent(seconds: float = 10, **more: Any) -> MessageSent:
    """The mail system took it."""
    event: MessageSent = _send(MessageSent, "sent", seconds, **more)
    return event


def scheduled(seconds: float = 2, **more: Any) -> MessageScheduled:
    """It is to go out later."""
    event: MessageScheduled = _send(MessageScheduled, "scheduled", seconds, send_at=at(8), **more)
    return event


def cancelled(seconds: float = 5, **more: Any) -> MessageCancelled:
    """It is not to go out."""
    event: MessageCancelled = _send(MessageCancelled, "cancelled", seconds, **more)
    return event


def judged(name: str = "hit", seconds: float = 60, **more: Any) -> EngagementJudged:
    """A verdict on the hit of that name: an open by Hanako, unless told otherwise."""
    kind = more.get("kind", EngagementKind.OPEN)
    message_id = more.get("message_id", MAIL)
    hit_id = derived_id("test", "hit", message_id, name)
    fields: dict[str, Any] = {
        "event_id": derived_id("test", "judged", hit_id, kind, more.get("revision", 0), more.get("verdict")),
        "occurred_at": at(seconds),
        "account_id": ACCOUNT,
        "engagement_id": derived_id("engagement", hit_id, kind),
        "message_id": message_id,
        "user_id": REP,
        "hit_id": hit_id,
        "kind": kind,
        "verdict": Verdict.PROXIED_HUMAN,
        "evidence": (Evidence(rule="pixel.google-proxy", values={"seconds": 50.5, "count": 1}),),
        "confidence": 0.9,
        "ruleset_version": "1",
        "session_id": derived_id("test", "session", hit_id),
        "candidates": (0,),
    }
    return EngagementJudged(**(fields | more))


def clicked(name: str = "click", seconds: float = 90, **more: Any) -> EngagementJudged:
    """A click on the second link by Hanako."""
    fields = {"kind": EngagementKind.CLICK, "verdict": Verdict.HUMAN, "link_index": 1, **more}
    return judged(name, seconds, **fields)


def decided(*on: RecordRef, seconds: float = 11, **more: Any) -> LogDecided:
    """The logger's word: logged on these records; on none, not logged."""
    outcome = LogOutcome.LOGGED if on else LogOutcome.NOT_LOGGED
    reason = Reason(rule="record-ticked" if on else "nothing-ticked")
    fields: dict[str, Any] = {
        "event_id": derived_id("log-decided", more.get("message_id", MAIL), "1"),
        "occurred_at": at(seconds),
        "account_id": ACCOUNT,
        "message_id": MAIL,
        "user_id": REP,
        "outcome": outcome,
        "reasons": (reason,),
        "records": tuple(
            RecordOutcome(
                record_type=ref.record_type, record_id=ref.record_id, outcome=outcome, reasons=(reason,)
            )
            for ref in on
        ),
        "ruleset_version": "1",
    }
    return LogDecided(**(fields | more))


def decided_by(decision: Decision, **more: Any) -> LogDecided:
    """The logger's word on a mail, as its rules decided."""
    said: dict[str, Any] = {
        "outcome": decision.outcome,
        "reasons": decision.reasons,
        "records": decision.records,
        "recipients": decision.recipients,
    }
    return decided(**(said | more))


def all_of(events: Sequence[MessageEvent], start: MessageFile | None = None) -> MessageFile:
    """The file after these events."""
    file = start or unknown(events[0])
    for event in events:
        file = folded(file, event)
    return file


def prepared_file(**more: Any) -> MessageFile:
    """The file of a prepared mail that nothing has happened to."""
    return MessageFile(a_message(**more))


def rows_of(file: MessageFile) -> dict[UUID, Any]:
    """The timeline rows that writing the file from nothing writes."""
    return {row.id: row for row in difference(ACCOUNT, None, file, ()).rows}
