"""Fakes of crm's nouns, in memory, for the pages: what they hold is set by the test."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr

from services.crm.application.oauth import OAuthError
from services.crm.model.accounts import Account, AddressKind, EmailSettings, User
from services.crm.model.accuracy import Accuracy
from services.crm.model.addresses import AddressClaim, AddressRow, AddressState
from services.crm.model.api_tokens import ApiToken, NewApiToken
from services.crm.model.audit import AuditEntry
from services.crm.model.base import Page
from services.crm.model.dry_run import DryRun, OtherSettings
from services.crm.model.failures import DatabaseAway
from services.crm.model.imports import ImportPlan, ImportProgress, PlannedRow, RowOutcome
from services.crm.model.mails import (
    Correspondent,
    ExplainedReason,
    Mail,
    MailAssociations,
    MailBody,
    MailDecision,
    NamedRecord,
    RecipientDecision,
    RecordDecision,
    ThreadMail,
)
from services.crm.model.messages import (
    FeedDetail,
    FeedLink,
    FeedRecipient,
    FeedRow,
    FeedState,
    MessageState,
)
from services.crm.model.never_log import NeverLogEntry
from services.crm.model.notification_policies import MailMute, MutedContact, NotificationPolicy
from services.crm.model.origins import LocatedEngagement
from services.crm.model.records import (
    AnyRecord,
    Association,
    BulkOutcome,
    Company,
    Contact,
    Deal,
    LegalBasis,
    LegalBasisChange,
    LegalBasisResult,
    Record,
    Ticket,
)
from services.crm.model.retention import RetentionCount
from services.crm.model.sign_ins import NewSession, Session
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.model.users import NewPasswordLink, UserRow, UserState
from services.crm.model.webhooks import (
    DeliveryState,
    NewWebhook,
    Webhook,
    WebhookDelivery,
    WebhookType,
)
from services.crm.problems import (
    INVALID_CURSOR,
    LINK_SPENT,
    PRECONDITION_FAILED,
    TOO_MANY_ATTEMPTS,
    UNTRUSTED_CLIENT,
    WRONG_PASSWORD,
)
from services.crm.rules.accuracy import accuracy
from services.crm.rules.never_log import canonical
from services.crm.rules.oauth import Asked
from services.crm.rules.versions import Expected, fits
from shared.auth.scopes import Scope
from shared.auth.tokens import Role, SignedIn
from shared.directory.contract import RecipientField, RecordRef
from shared.events.engagements import EngagementKind, Evidence, Verdict
from shared.events.ids import new_id
from shared.events.log_decisions import LogOutcome, RecordType
from shared.events.log_reasons import Language, log_reason
from shared.http.problems import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND, NOT_SIGNED_IN, Problem

Browser = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
APP = "https://kaifu.example"
NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
COOKIE = "the-cookie"
CSRF = "the-csrf-token"
PASSWORD = "correct horse"


def user(**changes: object) -> User:
    """A rep."""
    fields = {
        "id": new_id(),
        "account_id": new_id(),
        "name": "Mika Ito",
        "address": "mika@example.test",
        "addresses": (),
        "role": Role.REP,
        "created_at": NOW,
    }
    return User.model_validate({**fields, **changes})


def feed_row(**changes: object) -> FeedRow:
    """A mail that was opened twice."""
    fields = {
        "message_id": new_id(),
        "subject": "Your offer",
        "recipients": (recipient(),),
        "state": FeedState.OPENED,
        "possible_open": False,
        "anonymous": False,
        "sent_at": NOW - timedelta(hours=3),
        "first_open_at": NOW - timedelta(hours=2),
        "last_open_at": NOW - timedelta(hours=1),
        "opens": 2,
        "clicks": 0,
        "last_verdict": Verdict.PROXIED_HUMAN,
        "last_evidence": (Evidence(rule="proxies.google"),),
        "links": (),
    }
    return FeedRow.model_validate({**fields, **changes})


def sent_row(**changes: object) -> FeedRow:
    """A mail that nobody has opened."""
    nothing = {
        "state": FeedState.SENT,
        "first_open_at": None,
        "last_open_at": None,
        "opens": 0,
        "last_verdict": None,
        "last_evidence": (),
    }
    return feed_row(**{**nothing, **changes})


def recipient(slot: int = 0, name: str = "Aiko Tanaka", contact_id: UUID | None = None) -> FeedRecipient:
    """A recipient."""
    return FeedRecipient(slot=slot, name=name, address=f"r{slot}@example.test", contact_id=contact_id)


def link(index: int, url: str, clicks: int = 0) -> FeedLink:
    """A link of a mail."""
    return FeedLink(index=index, url=url, clicks=clicks)


def engagement(message_id: UUID, **changes: object) -> LocatedEngagement:
    """An open through Gmail's proxy."""
    fields = {
        "id": new_id(),
        "revision": 0,
        "message_id": message_id,
        "user_id": new_id(),
        "hit_id": new_id(),
        "kind": EngagementKind.OPEN,
        "verdict": Verdict.PROXIED_HUMAN,
        "evidence": (
            Evidence(rule="proxies.google"),
            Evidence(rule="timing.after-send", values={"seconds": 42}),
        ),
        "confidence": 0.9,
        "ruleset_version": "1",
        "session_id": new_id(),
        "occurred_at": NOW - timedelta(hours=2),
        "candidates": (0,),
    }
    return LocatedEngagement.model_validate({**fields, **changes})


def contact(name: str = "Aiko Tanaka", **changes: object) -> Contact:
    """A contact."""
    fields = {"id": new_id(), "name": name, "addresses": ("aiko@example.test",), "created_at": NOW}
    return Contact.model_validate({**fields, "updated_at": NOW, **changes})


def timeline_row(ref: RecordRef, **changes: object) -> TimelineRow:
    """A logged mail."""
    fields = {
        "id": new_id(),
        "record_type": ref.record_type,
        "record_id": ref.record_id,
        "type": TimelineType.EMAIL,
        "occurred_at": NOW - timedelta(hours=3),
        "message_id": new_id(),
        "user_id": new_id(),
        "subject": "Your offer",
        "recipients": ("Aiko Tanaka",),
    }
    return TimelineRow.model_validate({**fields, **changes})


def mail(**changes: object) -> Mail:
    """A logged mail of the contact Aiko, with a decision that had something against another recipient."""
    contact_id = new_id()
    fields = {
        "id": new_id(),
        "subject": "Your offer",
        "from_address": "mika@example.test",
        "user_id": new_id(),
        "user_name": "Mika Ito",
        "recipients": (
            Correspondent(
                slot=0,
                name="Aiko Tanaka",
                address="aiko@example.test",
                field=RecipientField.TO,
                contact_id=contact_id,
            ),
            Correspondent(
                slot=1, name="", address="legal@example.test", field=RecipientField.CC, contact_id=None
            ),
        ),
        "state": MessageState.SENT,
        "sent_at": NOW - timedelta(hours=3),
        "provider_thread_id": "t1",
        "logged": True,
        "deletable": True,
        "records": (NamedRecord(record_type=RecordType.CONTACT, record_id=contact_id, name="Aiko Tanaka"),),
        "attachments": (),
        "decision": mail_decision(contact_id),
        "engagements": (),
        "links": ("https://example.test/offer",),
    }
    return Mail.model_validate({**fields, **changes})


def mail_decision(contact_id: UUID) -> MailDecision:
    """Logged on a contact and on a deal that is gone; a recipient is on the never-log list."""

    def because(rule: str, entry_id: UUID | None = None) -> tuple[ExplainedReason, ...]:
        return (ExplainedReason(rule=rule, setting=None, entry_id=entry_id, sentence=log_reason(rule, "en")),)

    logged, ticked = LogOutcome.LOGGED, because("record-ticked")
    return MailDecision(
        outcome=logged,
        decided_at=NOW,
        ruleset_version="3",
        reasons=ticked,
        records=(
            RecordDecision(
                record_type=RecordType.CONTACT,
                record_id=contact_id,
                name="Aiko Tanaka",
                outcome=logged,
                reasons=ticked,
            ),
            RecordDecision(
                record_type=RecordType.DEAL,
                record_id=new_id(),
                name=None,
                outcome=LogOutcome.NOT_LOGGED,
                reasons=because("record-gone"),
            ),
        ),
        recipients=(
            RecipientDecision(
                slot=1,
                name="",
                address="legal@example.test",
                contact_id=None,
                outcome=LogOutcome.NOT_LOGGED,
                reasons=because("never-log-list", UUID(int=7)),
            ),
        ),
    )


@dataclass
class FakeSignIns:
    """One user, one password; `refuse` refuses all, as after too many attempts."""

    who: User
    refuse: bool = False
    disabled: bool = False
    opened: int = 0
    signed_out: list[Session] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)

    def own_session(self) -> Session:
        return Session(
            id=self.who.id,
            account_id=self.who.account_id,
            user_id=self.who.id,
            csrf_token=CSRF,
            created_at=NOW,
            expires_at=NOW + timedelta(hours=12),
        )

    async def identify(self, address: str, password: str, client_address: str) -> User:
        self.clients.append(client_address)
        if self.refuse:
            raise Problem(TOO_MANY_ATTEMPTS, "Wait.", headers={"Retry-After": "900"})
        if (address, password) != (self.who.address, PASSWORD):
            raise Problem(WRONG_PASSWORD, "Check both.")
        return self.who

    async def open_session(self, user: User) -> NewSession:
        self.opened += 1
        return NewSession(session=self.own_session(), cookie=SecretStr(COOKIE))

    async def session(self, cookie: str | None) -> Session | None:
        return self.own_session() if cookie == COOKIE else None

    async def user(self, account_id: UUID, user_id: UUID) -> User:
        if self.disabled:
            raise Problem(NOT_SIGNED_IN, "Gone.")
        return self.who

    async def sign_out(self, session: Session) -> None:
        self.signed_out.append(session)


@dataclass
class FakeOAuth:
    """Lets in one client, which asks rightly."""

    granted: list[str] = field(default_factory=list)

    def check(self, asked: Asked) -> None:
        if asked.request.client_id != "kaifu-extension":
            raise Problem(UNTRUSTED_CLIENT, "Not known.")
        if asked.response_type != "code":
            raise OAuthError("unsupported_response_type", "only `code`")

    async def grant(self, user: User, asked: Asked) -> str:
        self.granted.append(user.address)
        return f"{asked.request.redirect_uri}?code=the-code"


@dataclass
class FakeAccounts:
    """Colleagues, and the settings of their account."""

    all: list[User]
    settings: EmailSettings = field(default_factory=EmailSettings)

    async def get(self, account_id: UUID) -> Account | None:
        return Account(id=account_id, name="Test", settings=self.settings, created_at=NOW)

    async def users(self, account_id: UUID) -> list[User]:
        return self.all


@dataclass
class FakeFeed:
    """Rows newest first; a cursor is the number of rows before it."""

    rows: list[FeedRow] = field(default_factory=list)
    engagements: dict[UUID, tuple[LocatedEngagement, ...]] = field(default_factory=dict)
    failure: Exception | None = None

    async def page(self, account_id: UUID, user_id: UUID, after: str | None, limit: int) -> Page[FeedRow]:
        if self.failure is not None:
            raise self.failure
        return cut(self.rows, after, limit)

    async def row(self, account_id: UUID, user_id: UUID, message_id: UUID) -> FeedRow:
        for row in self.rows:
            if row.message_id == message_id:
                return row
        raise Problem(NOT_FOUND, "No such mail in your feed.")

    async def detail(self, account_id: UUID, user_id: UUID, message_id: UUID) -> FeedDetail:
        row = await self.row(account_id, user_id, message_id)
        return FeedDetail(**dict(row), engagements=self.engagements.get(message_id, ()))


@dataclass
class FakeNotifications:
    """Remembers who asked for a test."""

    tested: list[SignedIn] = field(default_factory=list)

    async def test(self, who: SignedIn) -> object:
        self.tested.append(who)
        return None


@dataclass
class FakeNotificationPolicies:
    """One policy."""

    policy: NotificationPolicy = field(default_factory=NotificationPolicy)

    async def get(self, who: SignedIn) -> NotificationPolicy:
        return self.policy

    async def change(self, who: SignedIn, wanted: NotificationPolicy) -> NotificationPolicy:
        self.policy = wanted
        return wanted


@dataclass
class FakeMutes:
    """Mutes rows of the feed, and contacts; `own`: the mails that are the visitor's beside those."""

    feed: FakeFeed
    muted: dict[UUID, str] = field(default_factory=dict)
    own: set[UUID] = field(default_factory=set)
    full: bool = False

    def _row(self, message_id: UUID) -> FeedRow | None:
        return next((row for row in self.feed.rows if row.message_id == message_id), None)

    async def mail(self, who: SignedIn, message_id: UUID) -> MailMute | None:
        row = self._row(message_id)
        if row is None and message_id not in self.own:
            return None
        return MailMute(id=message_id, user_id=who.user_id, by_hand=row is not None and row.muted)

    async def mute_mail(self, who: SignedIn, message_id: UUID, *, muted: bool) -> None:
        row = self._row(message_id)
        if row is None:
            raise Problem(NOT_FOUND, "No such mail in your feed.")
        self.feed.rows[self.feed.rows.index(row)] = row.model_copy(update={"muted": muted})

    async def contacts(self, who: SignedIn) -> tuple[MutedContact, ...]:
        return tuple(MutedContact(contact_id=id_, name=name) for id_, name in self.muted.items())

    async def contact_is_muted(self, who: SignedIn, contact_id: UUID) -> bool:
        return contact_id in self.muted

    async def mute_contact(self, who: SignedIn, contact_id: UUID, *, muted: bool) -> None:
        if self.full and muted:
            raise Problem(CONFLICT, "At most 500.")
        if muted:
            self.muted[contact_id] = "Aiko Tanaka"
        else:
            self.muted.pop(contact_id, None)


@dataclass
class FakeRecordBook:
    """Records of one kind, newest first; a query matches anywhere in the name. `before_edit` happens when
    an edit is about to be written: somebody else's."""

    kind: type[Record]
    records: list[AnyRecord] = field(default_factory=list)
    belonging: tuple[Association, ...] = ()
    refusal: Problem | None = None
    before_edit: Callable[[], None] | None = None
    edits: list[dict[str, Any]] = field(default_factory=list)

    async def page(self, account_id: UUID, query: str, after: str | None, limit: int) -> Page[Any]:
        return cut([one for one in self.records if query in one.name], after, limit)

    async def get(self, account_id: UUID, id_: UUID) -> AnyRecord:
        for record in self.records:
            if record.id == id_:
                return record
        raise Problem(NOT_FOUND, "No such record.")

    async def associations(self, account_id: UUID, id_: UUID) -> tuple[Association, ...]:
        return self.belonging

    async def create(
        self,
        account_id: UUID,
        fields: Mapping[str, Any],
        associations: Sequence[Association] = (),
        id_: UUID | None = None,
        *,
        by: UUID | None = None,
    ) -> AnyRecord:
        if self.refusal is not None:
            raise self.refusal
        dated = {"id": id_ or new_id(), "created_at": NOW, "updated_at": NOW}
        record: AnyRecord = self.kind.model_validate({**fields, **dated})  # type: ignore[assignment]
        self.records.insert(0, record)
        self.belonging = tuple(associations)
        return record

    async def edit(
        self,
        account_id: UUID,
        id_: UUID,
        fields: Mapping[str, Any],
        associations: Sequence[Association] | None = None,
        *,
        expected: Expected = None,
        by: UUID | None = None,
    ) -> AnyRecord:
        if self.before_edit is not None:
            self.before_edit()
        if self.refusal is not None:
            raise self.refusal
        before = await self.get(account_id, id_)
        if not fits(expected, before.version):
            raise Problem(PRECONDITION_FAILED, "Read it again.")
        self.edits.append({**fields, "associations": associations})
        return self.put(id_, **fields)

    def put(self, id_: UUID, **fields: Any) -> AnyRecord:
        """Write fields, whoever does it."""
        at = next(place for place, one in enumerate(self.records) if one.id == id_)
        before = self.records[at]
        changed = {**before.model_dump(), **fields, "version": before.version + 1}
        self.records[at] = type(before).model_validate(changed)
        return self.records[at]


@dataclass
class FakeRecordBooks:
    """The four kinds."""

    contacts: FakeRecordBook = field(default_factory=lambda: FakeRecordBook(Contact))
    companies: FakeRecordBook = field(default_factory=lambda: FakeRecordBook(Company))
    deals: FakeRecordBook = field(default_factory=lambda: FakeRecordBook(Deal))
    tickets: FakeRecordBook = field(default_factory=lambda: FakeRecordBook(Ticket))

    def of(self, type_: RecordType) -> FakeRecordBook:
        return {
            RecordType.CONTACT: self.contacts,
            RecordType.COMPANY: self.companies,
            RecordType.DEAL: self.deals,
            RecordType.TICKET: self.tickets,
        }[type_]


@dataclass
class FakeRecycleBin:
    """Takes records out of their books and puts them back."""

    books: FakeRecordBooks
    deleted: dict[UUID, AnyRecord] = field(default_factory=dict)
    refusal: Problem | None = None

    async def delete(self, who: SignedIn, ref: RecordRef, expected: Expected = None) -> None:
        book = self.books.of(ref.record_type)
        self.deleted[ref.record_id] = await book.get(who.account_id, ref.record_id)
        book.records.remove(self.deleted[ref.record_id])

    async def restore(self, who: SignedIn, ref: RecordRef) -> AnyRecord:
        if self.refusal is not None:
            raise self.refusal
        if ref.record_id not in self.deleted:
            raise Problem(NOT_FOUND, "No such record.")
        record = self.deleted.pop(ref.record_id)
        self.books.of(ref.record_type).records.append(record)
        return record


@dataclass
class FakeLegalBases:
    """One history for every contact; `outcomes` of the first contacts of a change of many."""

    changes: list[LegalBasisChange] = field(default_factory=list)
    asked: list[tuple[list[UUID], LegalBasis]] = field(default_factory=list)
    outcomes: list[BulkOutcome] = field(default_factory=list)

    async def history(
        self, account_id: UUID, contact_id: UUID, after: str | None = None, limit: int = 50
    ) -> Page[LegalBasisChange]:
        return cut(self.changes, after, limit)

    async def change_all(
        self, who: SignedIn, contact_ids: Sequence[UUID], basis: LegalBasis
    ) -> list[LegalBasisResult]:
        self.asked.append((list(contact_ids), basis))
        outcomes = [*self.outcomes, *([BulkOutcome.CHANGED] * len(contact_ids))]
        return [
            LegalBasisResult(id=id_, outcome=outcome)
            for id_, outcome in zip(contact_ids, outcomes, strict=False)
        ]


@dataclass
class FakeContactFiles:
    """One upload with its rows; `refusal` refuses the next."""

    rows: list[PlannedRow] = field(default_factory=list)
    uploads: list[bytes] = field(default_factory=list)
    refusal: Problem | None = None
    at_once: int = 2

    async def upload(self, who: SignedIn, content: bytes) -> UUID:
        if self.refusal is not None:
            raise self.refusal
        self.uploads.append(content)
        return UUID(int=len(self.uploads))

    async def plan(
        self, who: SignedIn, import_id: UUID, start: int = 0, limit: int = 100, *, left: bool = False
    ) -> ImportPlan:
        if import_id.int > len(self.uploads):
            raise Problem(NOT_FOUND, "No such upload.")
        rows = [row for row in self.rows if not (left and row.outcome is RowOutcome.SAME)]
        return ImportPlan(
            id=import_id,
            total=len(rows),
            counts=Counter(row.outcome for row in rows),
            columns=("address",),
            unknown_columns=("Twitter <b>",),
            rows=tuple(rows[start : start + limit]),
        )

    async def apply(self, who: SignedIn, import_id: UUID, start: int = 0) -> ImportProgress:
        done = self.rows[start : start + self.at_once]
        end = start + len(done)
        return ImportProgress(
            total=len(self.rows),
            next=end if end < len(self.rows) else None,
            counts=Counter(row.outcome for row in done),
            wrong=(),
        )

    async def exported(self, account_id: UUID) -> AsyncIterator[str]:
        yield "name,email\r\n"
        yield "Aiko,aiko@example.test\r\n"


@dataclass
class FakeTimelines:
    """One list of rows for every record."""

    rows: list[TimelineRow] = field(default_factory=list)

    async def page(
        self, account_id: UUID, record: RecordRef, after: str | None, limit: int, type_: TimelineType | None
    ) -> Page[TimelineRow]:
        return cut([row for row in self.rows if type_ in {None, row.type}], after, limit)


@dataclass
class FakeEmailSettings:
    """The settings."""

    settings: EmailSettings = field(default_factory=EmailSettings)

    async def get(self, who: SignedIn) -> EmailSettings:
        only_super_admins(who)
        return self.settings

    async def change(self, who: SignedIn, settings: EmailSettings, *, seen: str | None) -> EmailSettings:
        only_super_admins(who)
        if seen not in {None, self.settings.tag}:
            raise Problem(PRECONDITION_FAILED, "Read them again.")
        self.settings = settings
        return settings


@dataclass
class FakeNeverLog:
    """A list without duplicates; `most` entries at most."""

    entries: dict[UUID, NeverLogEntry] = field(default_factory=dict)
    most: int = 10

    async def all(self, who: SignedIn) -> list[NeverLogEntry]:
        only_super_admins(who)
        return list(self.entries.values())

    async def add(self, who: SignedIn, typed: Sequence[str]) -> list[NeverLogEntry]:
        only_super_admins(who)
        known = {entry.pattern for entry in self.entries.values()}
        new = [never_log_entry(one, who.user_id) for one in typed if canonical(one) not in known]
        if len(new) + len(known) > self.most:
            raise Problem(INVALID, "Too many.")
        self.entries |= {entry.id: entry for entry in new}
        return new

    async def remove(self, who: SignedIn, entry_ids: Collection[UUID]) -> int:
        only_super_admins(who)
        gone = [self.entries.pop(one) for one in entry_ids if one in self.entries]
        return len(gone)


@dataclass
class FakeDryRuns:
    """Remembers what was tried; always finds the same."""

    found: DryRun
    tried: list[OtherSettings] = field(default_factory=list)

    async def of(self, who: SignedIn, other: OtherSettings) -> DryRun:
        only_super_admins(who)
        self.tried.append(other)
        return self.found


@dataclass
class FakeAudit:
    """Entries of the audit log."""

    entries: list[AuditEntry] = field(default_factory=list)

    async def page(self, who: SignedIn, after: str | None, limit: int) -> Page[AuditEntry]:
        only_super_admins(who)
        return cut(self.entries, after, limit)


@dataclass
class FakeProfiles:
    """Remembers what was changed; the password is the fakes' own."""

    changed: list[dict[str, str]] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)

    async def change(self, who: SignedIn, fields: Mapping[str, str]) -> User:
        self.changed.append(dict(fields))
        return user()

    async def change_password(self, who: SignedIn, old: str, new: str, client_address: str) -> None:
        if len(new) < 10:
            raise Problem(INVALID, "Too short.")
        if old != PASSWORD:
            raise Problem(WRONG_PASSWORD, "Check it.")
        self.passwords.append(new)


@dataclass
class FakeAddresses:
    """One that the user signs in with; a link proves the newest."""

    rows: list[AddressRow] = field(default_factory=lambda: [own_address()])
    mail_set_up: bool = True
    refuse: Problem | None = None
    link: str = "the-proof"
    asked: list[str] = field(default_factory=list)

    async def all(self, who: SignedIn) -> list[AddressRow]:
        return self.rows

    async def ask(self, who: SignedIn, typed: str) -> AddressRow:
        if self.refuse is not None:
            raise self.refuse
        row = own_address(address=typed, state=AddressState.QUEUED, kind=None)
        self.rows.append(row)
        self.asked.append(typed)
        return row

    async def again(self, who: SignedIn, id_: UUID) -> AddressRow:
        row = next((one for one in self.rows if one.id == id_), None)
        if row is None:
            raise Problem(NOT_FOUND, "No such address.")
        self.asked.append(row.address)
        return row

    async def linked(self, who: SignedIn, token: str) -> AddressClaim:
        if token != self.link:
            raise Problem(LINK_SPENT, "Ask for another link.")
        row = self.rows[-1]
        return AddressClaim(id=row.id, user_id=who.user_id, address=row.address, asked_at=NOW)

    async def confirm(self, who: SignedIn, token: str) -> AddressRow:
        await self.linked(who, token)
        if self.refuse is not None:
            raise self.refuse
        self.link = ""
        return self.rows[-1]

    async def remove(self, who: SignedIn, id_: UUID) -> None:
        self.rows = [one for one in self.rows if one.id != id_]


def own_address(**changes: object) -> AddressRow:
    """The one to sign in with."""
    fields = {
        "id": new_id(),
        "address": "mika@example.test",
        "state": AddressState.PROVEN,
        "kind": AddressKind.PRIMARY,
    }
    return AddressRow.model_validate({**fields, **changes})


@dataclass
class FakePost:
    """Remembers who has forgotten a password."""

    forgotten: list[tuple[str, str]] = field(default_factory=list)
    refuse: Problem | None = None

    async def forgot(self, address: str, client_address: str) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.forgotten.append((address, client_address))


@dataclass
class FakeAccuracy:
    """Has counts of one day before today."""

    cells: dict[str, int] = field(default_factory=dict)
    away: bool = False

    async def of(self, who: SignedIn, first: date, last: date) -> Accuracy:
        if self.away:
            raise DatabaseAway("test")
        counted = [(last - timedelta(days=1), self.cells)]
        return accuracy(counted, first, last, whole_account=who.role is Role.SUPER_ADMIN)


@dataclass
class FakeRetention:
    """Has three mails."""

    kept: int | None = None

    async def months(self, who: SignedIn) -> int | None:
        only_super_admins(who)
        return self.kept

    async def count(self, who: SignedIn, months: int) -> RetentionCount:
        only_super_admins(who)
        before = NOW - timedelta(days=30 * months)
        return RetentionCount(before=before, bodies=3, mails_with_attachments=1, hits=0)

    async def change(self, who: SignedIn, months: int | None) -> None:
        only_super_admins(who)
        self.kept = months


@dataclass
class FakeApiTokens:
    """Tokens whose secret is known."""

    tokens: list[ApiToken] = field(default_factory=list)
    days: int = 0

    async def all(self, who: SignedIn) -> list[ApiToken]:
        only_super_admins(who)
        return self.tokens

    async def make(self, who: SignedIn, name: str, scopes: Collection[Scope], days: int) -> NewApiToken:
        only_super_admins(who)
        if not scopes:
            raise Problem(INVALID, "A scope is needed.")
        self.days = days
        ends = NOW + timedelta(days=days)
        token = ApiToken(
            id=new_id(),
            user_id=who.user_id,
            name=name,
            scopes=tuple(scopes),
            hint="cret",
            created_at=NOW,
            expires_at=ends,
        )
        self.tokens.append(token)
        return NewApiToken(token=token, secret=SecretStr("kaifu_the-secret"))

    async def revoke(self, who: SignedIn, token_id: UUID) -> None:
        only_super_admins(who)
        self.tokens = [token for token in self.tokens if token.id != token_id]


@dataclass
class FakeWebhooks:
    """Endpoints whose secret is known."""

    rows: list[Webhook] = field(default_factory=list)
    sent: list[WebhookDelivery] = field(default_factory=list)

    async def all(self, who: SignedIn) -> list[Webhook]:
        only_super_admins(who)
        return self.rows

    async def get(self, who: SignedIn, webhook_id: UUID) -> Webhook:
        only_super_admins(who)
        found = next((one for one in self.rows if one.id == webhook_id), None)
        if found is None:
            raise Problem(NOT_FOUND, "No such webhook.")
        return found

    async def make(self, who: SignedIn, url: str, types: Collection[WebhookType]) -> NewWebhook:
        only_super_admins(who)
        if not types or not url.startswith("https://"):
            raise Problem(INVALID, "No.")
        row = Webhook(id=new_id(), url=url, types=tuple(types), created_at=NOW, secret_changed_at=NOW)
        self.rows.append(row)
        return NewWebhook(webhook=row, secret=SecretStr("whsec_first"))

    async def change(self, who: SignedIn, webhook_id: UUID, **fields: Any) -> Webhook:
        known = await self.get(who, webhook_id)
        if not fields["types"]:
            raise Problem(INVALID, "No.")
        return self._put(known.model_copy(update=fields | {"types": tuple(fields["types"])}))

    async def rotate(self, who: SignedIn, webhook_id: UUID) -> NewWebhook:
        known = await self.get(who, webhook_id)
        row = self._put(known.model_copy(update={"old_secret_until": NOW + timedelta(hours=24)}))
        return NewWebhook(webhook=row, secret=SecretStr("whsec_second"))

    async def remove(self, who: SignedIn, webhook_id: UUID) -> None:
        self.rows.remove(await self.get(who, webhook_id))

    async def test(self, who: SignedIn, webhook_id: UUID) -> WebhookDelivery:
        await self.get(who, webhook_id)
        self.sent.insert(0, webhook_delivery(webhook_id))
        return self.sent[0]

    async def deliveries(
        self, who: SignedIn, webhook_id: UUID, after: str | None, limit: int
    ) -> Page[WebhookDelivery]:
        await self.get(who, webhook_id)
        return cut(self.sent, after, limit)

    async def again(self, who: SignedIn, webhook_id: UUID, id_: UUID) -> WebhookDelivery:
        fresh = {"state": DeliveryState.WAITING, "next_at": NOW, "attempts": 0}
        self.sent = [one.model_copy(update=fresh) if one.id == id_ else one for one in self.sent]
        return self.sent[0]

    def _put(self, row: Webhook) -> Webhook:
        self.rows = [row if one.id == row.id else one for one in self.rows]
        return row


def webhook_delivery(webhook_id: UUID, **more: Any) -> WebhookDelivery:
    """One that waits for its first attempt."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "webhook_id": webhook_id,
        "message_id": new_id(),
        "type": "webhook.test",
        "created_at": NOW,
        "next_at": NOW,
    }
    return WebhookDelivery(**(fields | more))


@dataclass
class FakeUsers:
    """Users of the account; one link, which anybody who knows it may use once."""

    rows: list[UserRow] = field(default_factory=list)
    refuse: Problem | None = None
    link: str = "the-link"
    done: list[tuple[object, ...]] = field(default_factory=list)
    owner: User = field(default_factory=user)

    async def all(self, who: SignedIn) -> list[UserRow]:
        only_super_admins(who)
        return self.rows

    async def invite(self, who: SignedIn, name: str, address: str, role: Role) -> NewPasswordLink:
        self._may(who)
        row = user_row(name=name, address=address, role=role, state=UserState.INVITED)
        self.rows.append(row)
        return self._made(row.id)

    async def new_link(self, who: SignedIn, user_id: UUID) -> NewPasswordLink:
        self._may(who)
        return self._made(user_id)

    async def linked(self, token: str) -> User:
        if token != self.link:
            raise Problem(LINK_SPENT, "Ask for another link.")
        return self.owner

    async def choose_password(self, token: str, password: str, language: Language | None = None) -> User:
        if len(password) < 10:
            raise Problem(INVALID, "Too short.")
        owner = await self.linked(token)
        self.link = ""
        self.done.append(("password", password, language))
        return owner

    async def set_role(self, who: SignedIn, user_id: UUID, role: Role) -> None:
        self._may(who)
        self.done.append(("role", user_id, role))

    async def see_off(self, who: SignedIn, user_id: UUID, successor_id: UUID) -> int:
        self._may(who)
        self.done.append(("left", user_id, successor_id))
        return 3

    def _may(self, who: SignedIn) -> None:
        only_super_admins(who)
        if self.refuse is not None:
            raise self.refuse

    def _made(self, user_id: UUID) -> NewPasswordLink:
        expires_at = NOW + timedelta(days=7)
        return NewPasswordLink(user_id=user_id, token=SecretStr(self.link), expires_at=expires_at)


def user_row(**changes: object) -> UserRow:
    """An active rep."""
    fields = {
        "id": new_id(),
        "name": "Mika Ito",
        "address": "mika@example.test",
        "role": Role.REP,
        "state": UserState.ACTIVE,
        "created_at": NOW,
    }
    return UserRow.model_validate({**fields, **changes})


def only_super_admins(who: SignedIn) -> None:
    if who.role is not Role.SUPER_ADMIN:
        raise Problem(FORBIDDEN, "Only a super admin.")


def never_log_entry(typed: str, by: UUID | None = None) -> NeverLogEntry:
    """An entry of a never-log list."""
    return NeverLogEntry(id=new_id(), pattern=canonical(typed), added_at=NOW, added_by=by or new_id())


NOTHING_TRIED = DryRun(examined=0, skipped=0, since=None, changed=0, logged_no_more=0, logged_now=0, mails=())


@dataclass
class FakeMails:
    """Mails with their bodies; of one with images, `held_back` is nothing."""

    mails: dict[UUID, Mail] = field(default_factory=dict)
    bodies: dict[UUID, MailBody] = field(default_factory=dict)
    others: tuple[ThreadMail, ...] = ()
    refusal: Problem | None = None
    languages: list[Language] = field(default_factory=list)

    def add(self, mail: Mail, body: MailBody | None = None) -> Mail:
        self.mails[mail.id] = mail
        if body is not None:
            self.bodies[mail.id] = body
        return mail

    async def get(self, who: SignedIn, message_id: UUID, language: Language) -> Mail:
        self.languages.append(language)
        if message_id not in self.mails:
            raise Problem(NOT_FOUND, "No such mail.")
        return self.mails[message_id]

    async def body(self, who: SignedIn, message_id: UUID, *, images: bool) -> MailBody:
        if message_id not in self.bodies:
            raise Problem(NOT_FOUND, "No body was kept.")
        body = self.bodies[message_id]
        return body.model_copy(update={"held_back": 0}) if images else body

    async def thread(self, who: SignedIn, message_id: UUID) -> tuple[ThreadMail, ...]:
        return self.others

    async def delete(self, who: SignedIn, message_id: UUID) -> None:
        if self.refusal is not None:
            raise self.refusal
        del self.mails[message_id]


@dataclass
class FakeMailAssociations:
    """Where the mails of the fake stand; `refusal` of every change."""

    mails: FakeMails
    changes: list[tuple[set[RecordRef], set[RecordRef]]] = field(default_factory=list)
    refusal: Problem | None = None

    async def get(self, who: SignedIn, message_id: UUID) -> MailAssociations:
        mail = await self.mails.get(who, message_id, "en")
        return MailAssociations(records=tuple(one for one in mail.records if one.name), version=1)

    async def change(
        self, who: SignedIn, message_id: UUID, added: Collection[RecordRef], removed: Collection[RecordRef]
    ) -> MailAssociations:
        if self.refusal is not None:
            raise self.refusal
        self.changes.append((set(added), set(removed)))
        return await self.get(who, message_id)


@dataclass
class FakePins:
    """The rows on top of every timeline; `full` takes no more."""

    timelines: "FakeTimelines"
    pinned: list[UUID] = field(default_factory=list)
    full: bool = False

    async def of(self, account_id: UUID, record: RecordRef) -> tuple[TimelineRow, ...]:
        return tuple(row for row in self.timelines.rows if row.message_id in self.pinned)

    async def put(self, account_id: UUID, record: RecordRef, message_id: UUID) -> None:
        if self.full:
            raise Problem(CONFLICT, "At most 10.")
        if message_id not in {row.message_id for row in self.timelines.rows}:
            raise Problem(NOT_FOUND, "Not on this record.")
        self.pinned.append(message_id)

    async def remove(self, account_id: UUID, record: RecordRef, message_id: UUID) -> None:
        self.pinned.remove(message_id)


@dataclass
class FakeCrm:
    """All that the pages ask."""

    sign_ins: FakeSignIns
    accounts: FakeAccounts
    oauth: FakeOAuth = field(default_factory=FakeOAuth)
    feed: FakeFeed = field(default_factory=FakeFeed)
    notifications: FakeNotifications = field(default_factory=FakeNotifications)
    notification_policies: FakeNotificationPolicies = field(default_factory=FakeNotificationPolicies)
    mutes: FakeMutes = field(init=False)
    records: FakeRecordBooks = field(default_factory=FakeRecordBooks)
    legal_bases: FakeLegalBases = field(default_factory=FakeLegalBases)
    contact_files: FakeContactFiles = field(default_factory=FakeContactFiles)
    timelines: FakeTimelines = field(default_factory=FakeTimelines)
    email_settings: FakeEmailSettings = field(default_factory=FakeEmailSettings)
    never_log: FakeNeverLog = field(default_factory=FakeNeverLog)
    dry_runs: FakeDryRuns = field(default_factory=lambda: FakeDryRuns(NOTHING_TRIED))
    audit: FakeAudit = field(default_factory=FakeAudit)
    users: FakeUsers = field(default_factory=FakeUsers)
    profiles: FakeProfiles = field(default_factory=FakeProfiles)
    accuracy: FakeAccuracy = field(default_factory=FakeAccuracy)
    retention: FakeRetention = field(default_factory=FakeRetention)
    api_tokens: FakeApiTokens = field(default_factory=FakeApiTokens)
    webhooks: FakeWebhooks = field(default_factory=FakeWebhooks)
    addresses: FakeAddresses = field(default_factory=FakeAddresses)
    post: FakePost = field(default_factory=FakePost)
    mails: FakeMails = field(default_factory=FakeMails)
    mail_associations: FakeMailAssociations = field(init=False)
    pins: FakePins = field(init=False)
    recycle_bin: FakeRecycleBin = field(init=False)

    def __post_init__(self) -> None:
        self.mutes = FakeMutes(self.feed)
        self.mail_associations = FakeMailAssociations(self.mails)
        self.pins = FakePins(self.timelines)
        self.recycle_bin = FakeRecycleBin(self.records)


def fake_crm(who: User | None = None) -> FakeCrm:
    """One account with one user and nothing else."""
    rep = who or user()
    return FakeCrm(FakeSignIns(rep), FakeAccounts([rep]))


def cut(rows: list, after: str | None, limit: int) -> Page:  # type: ignore[type-arg]
    """A page of the rows."""
    if after is not None and not after.isdigit():
        raise Problem(INVALID_CURSOR, "Begin without `after`.")
    start = int(after or 0)
    more = len(rows) > start + limit
    return Page(items=tuple(rows[start : start + limit]), next=str(start + limit) if more else None)
