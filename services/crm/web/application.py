"""What the pages ask of crm: the part of `services.crm.collaborators` that they use, so that tests
can put fakes in its place. What the methods mean and raise is said in `services/crm/application/`."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from services.crm.model.accounts import Account, EmailSettings, User
from services.crm.model.accuracy import Accuracy
from services.crm.model.addresses import AddressClaim, AddressRow
from services.crm.model.api_tokens import ApiToken, NewApiToken
from services.crm.model.audit import AuditEntry
from services.crm.model.base import Page
from services.crm.model.dry_run import DryRun, OtherSettings
from services.crm.model.imports import ImportPlan, ImportProgress
from services.crm.model.mails import Mail, MailAssociations, MailBody, ThreadMail
from services.crm.model.messages import FeedDetail, FeedRow
from services.crm.model.never_log import NeverLogEntry
from services.crm.model.notification_policies import MailMute, MutedContact, NotificationPolicy
from services.crm.model.records import (
    AnyRecord,
    Association,
    LegalBasis,
    LegalBasisChange,
    LegalBasisResult,
)
from services.crm.model.retention import RetentionCount
from services.crm.model.sign_ins import NewSession, Session
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.model.users import NewPasswordLink, UserRow
from services.crm.model.webhooks import NewWebhook, Webhook, WebhookDelivery, WebhookType
from services.crm.rules.oauth import Asked
from services.crm.rules.versions import Expected
from shared.auth.scopes import Scope
from shared.auth.tokens import Role, SignedIn
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from shared.events.log_reasons import Language


class SignIns(Protocol):
    """Signing in and out."""

    async def identify(self, address: str, password: str, client_address: str) -> User:
        """Problem 401, 429."""

    async def open_session(self, user: User) -> NewSession:
        """A session for a user whose identity is proven."""

    async def session(self, cookie: str | None) -> Session | None:
        """The session that a cookie opens."""

    async def user(self, account_id: UUID, user_id: UUID) -> User:
        """Problem 401."""

    async def sign_out(self, session: Session) -> None:
        """End the session."""


class OAuth(Protocol):
    """Clients that sign in."""

    def check(self, asked: Asked) -> None:
        """Problem 400, OAuthError."""

    async def grant(self, user: User, asked: Asked) -> str:
        """Where to go with a code."""


class Accounts(Protocol):
    """The account, and names of colleagues."""

    async def get(self, account_id: UUID) -> Account | None:
        """It, with its settings."""

    async def users(self, account_id: UUID) -> list[User]:
        """All of the account."""


class Feed(Protocol):
    """A rep's own feed."""

    async def page(self, account_id: UUID, user_id: UUID, after: str | None, limit: int) -> Page[FeedRow]:
        """Newest first. Problem 422 (cursor)."""

    async def row(self, account_id: UUID, user_id: UUID, message_id: UUID) -> FeedRow:
        """Problem 404."""

    async def detail(self, account_id: UUID, user_id: UUID, message_id: UUID) -> FeedDetail:
        """Problem 404."""


class AccuracyBook(Protocol):
    """Verdicts in numbers."""

    async def of(self, who: SignedIn, first: date, last: date) -> Accuracy:
        """Of one's own mail, for super admins of the account's. Problem 422."""


class Notifications(Protocol):
    """Pop-ups that a page asks for."""

    async def test(self, who: SignedIn) -> object:
        """A test pop-up on all of the rep's screens."""


class NotificationPolicyBook(Protocol):
    """What comes up on the rep's screens."""

    async def get(self, who: SignedIn) -> NotificationPolicy:
        """Everything, for whoever has set nothing."""

    async def change(self, who: SignedIn, wanted: NotificationPolicy) -> NotificationPolicy:
        """Another policy."""


class Mutes(Protocol):
    """Of what the rep wants no pop-ups."""

    async def mail(self, who: SignedIn, message_id: UUID) -> MailMute | None:
        """None: no tracked mail of this rep's."""

    async def mute_mail(self, who: SignedIn, message_id: UUID, *, muted: bool) -> None:
        """Problem 404."""

    async def contacts(self, who: SignedIn) -> tuple[MutedContact, ...]:
        """By name."""

    async def contact_is_muted(self, who: SignedIn, contact_id: UUID) -> bool:
        """By this rep."""

    async def mute_contact(self, who: SignedIn, contact_id: UUID, *, muted: bool) -> None:
        """Problem 404, 409 (too many)."""


class RecordBook(Protocol):
    """Records of one kind."""

    async def page(self, account_id: UUID, query: str, after: str | None, limit: int) -> Page[Any]:
        """Newest first. Problem 422 (cursor)."""

    async def get(self, account_id: UUID, id_: UUID) -> AnyRecord:
        """Problem 404."""

    async def associations(self, account_id: UUID, id_: UUID) -> tuple[Association, ...]:
        """What belongs to it."""

    async def create(
        self,
        account_id: UUID,
        fields: Mapping[str, Any],
        associations: Sequence[Association] = (),
        id_: UUID | None = None,
        *,
        by: UUID | None = None,
    ) -> AnyRecord:
        """Problem 409 (address taken), 422 (owner or association not there)."""

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
        """Problem 404, 409, 412 (not of an expected version), 422."""


class RecordBooks(Protocol):
    """The four kinds."""

    def of(self, type_: RecordType) -> RecordBook:
        """One of them."""


class RecycleBin(Protocol):
    """Deleting, and taking it back."""

    async def delete(self, who: SignedIn, ref: RecordRef, expected: Expected = None) -> None:
        """Problem 404, 412."""

    async def restore(self, who: SignedIn, ref: RecordRef) -> AnyRecord:
        """Problem 404, 409 (address taken meanwhile)."""


class LegalBases(Protocol):
    """Legal bases of contacts."""

    async def history(
        self, account_id: UUID, contact_id: UUID, after: str | None = None, limit: int = ...
    ) -> Page[LegalBasisChange]:
        """Newest first. Problem 404, 422 (cursor)."""

    async def change_all(
        self, who: SignedIn, contact_ids: Sequence[UUID], basis: LegalBasis
    ) -> list[LegalBasisResult]:
        """What became of each."""


class ContactFiles(Protocol):
    """Contacts in and out as CSV."""

    async def upload(self, who: SignedIn, content: bytes) -> UUID:
        """Problem 413, 422 (with its `reason`)."""

    async def plan(
        self, who: SignedIn, import_id: UUID, start: int = 0, limit: int = ..., *, left: bool = ...
    ) -> ImportPlan:
        """Problem 404. `left`: without rows that change nothing any more."""

    async def apply(self, who: SignedIn, import_id: UUID, start: int = 0) -> ImportProgress:
        """Problem 404."""

    def exported(self, account_id: UUID) -> AsyncIterator[str]:
        """Parts of the file."""


class Timelines(Protocol):
    """Timelines of records."""

    async def page(
        self, account_id: UUID, record: RecordRef, after: str | None, limit: int, type_: TimelineType | None
    ) -> Page[TimelineRow]:
        """Newest first. Problem 404, 422 (cursor)."""


class EmailSettingsBook(Protocol):
    """The account's e-mail settings. Problem 403 for all but super admins."""

    async def get(self, who: SignedIn) -> EmailSettings:
        """As they are."""

    async def change(self, who: SignedIn, settings: EmailSettings, *, seen: str | None) -> EmailSettings:
        """Problem 409, 412."""


class NeverLogBook(Protocol):
    """The account's never-log list. Problem 403 for all but super admins."""

    async def all(self, who: SignedIn) -> list[NeverLogEntry]:
        """By their patterns."""

    async def add(self, who: SignedIn, typed: Sequence[str]) -> list[NeverLogEntry]:
        """What is new. Problem 409, 422."""

    async def remove(self, who: SignedIn, entry_ids: Collection[UUID]) -> int:
        """How many were on the list. Problem 409."""


class RetentionBook(Protocol):
    """How long content is kept. Problem 403 for all but super admins."""

    async def months(self, who: SignedIn) -> int | None:
        """None: for ever."""

    async def count(self, who: SignedIn, months: int) -> RetentionCount:
        """Problem 422."""

    async def change(self, who: SignedIn, months: int | None) -> None:
        """Problem 422."""


class DryRunBook(Protocol):
    """Other settings tried on past decisions."""

    async def of(self, who: SignedIn, other: OtherSettings) -> DryRun:
        """Problem 403, 422."""


class AuditTrail(Protocol):
    """Who changed what."""

    async def page(self, who: SignedIn, after: str | None, limit: int) -> Page[AuditEntry]:
        """Newest first. Problem 403, 422 (cursor)."""


class UserBook(Protocol):
    """The users of the account. Problem 403 for all but super admins."""

    async def all(self, who: SignedIn) -> list[UserRow]:
        """By name, those who have left last."""

    async def invite(self, who: SignedIn, name: str, address: str, role: Role) -> NewPasswordLink:
        """Problem 409."""

    async def new_link(self, who: SignedIn, user_id: UUID) -> NewPasswordLink:
        """Problem 404."""

    async def linked(self, token: str) -> User:
        """Whose password a link lets choose. Problem 410."""

    async def choose_password(self, token: str, password: str, language: Language | None = None) -> User:
        """Problem 409, 410, 422."""

    async def set_role(self, who: SignedIn, user_id: UUID, role: Role) -> None:
        """Problem 404, 409."""

    async def see_off(self, who: SignedIn, user_id: UUID, successor_id: UUID) -> int:
        """Problem 404, 409, 422."""


class Profiles(Protocol):
    """What users change of themselves."""

    async def change(self, who: SignedIn, fields: Mapping[str, str]) -> User:
        """Problem 422."""

    async def change_password(self, who: SignedIn, old: str, new: str, client_address: str) -> None:
        """Problem 401, 422, 429."""


class ApiTokenBook(Protocol):
    """API tokens of the account. Problem 403 for all but super admins."""

    async def all(self, who: SignedIn) -> list[ApiToken]:
        """The newest first."""

    async def make(self, who: SignedIn, name: str, scopes: Collection[Scope], days: int) -> NewApiToken:
        """Problem 422."""

    async def revoke(self, who: SignedIn, token_id: UUID) -> None:
        """Problem 404."""


class WebhookBook(Protocol):
    """Endpoints of integrators. Problem 403 for all but super admins."""

    async def all(self, who: SignedIn) -> list[Webhook]:
        """The oldest first."""

    async def get(self, who: SignedIn, webhook_id: UUID) -> Webhook:
        """Problem 404."""

    async def make(self, who: SignedIn, url: str, types: Collection[WebhookType]) -> NewWebhook:
        """Problem 422."""

    async def change(
        self,
        who: SignedIn,
        webhook_id: UUID,
        *,
        url: str | None = None,
        types: Collection[WebhookType] | None = None,
        active: bool | None = None,
    ) -> Webhook:
        """Problem 404, 422."""

    async def rotate(self, who: SignedIn, webhook_id: UUID) -> NewWebhook:
        """Problem 404."""

    async def remove(self, who: SignedIn, webhook_id: UUID) -> None:
        """Problem 404."""

    async def test(self, who: SignedIn, webhook_id: UUID) -> WebhookDelivery:
        """Problem 404."""

    async def deliveries(
        self, who: SignedIn, webhook_id: UUID, after: str | None, limit: int
    ) -> Page[WebhookDelivery]:
        """Newest first. Problem 404, 422 (cursor)."""

    async def again(self, who: SignedIn, webhook_id: UUID, id_: UUID) -> WebhookDelivery:
        """Problem 404."""


class OwnAddresses(Protocol):
    """Addresses that the user sends from."""

    @property
    def mail_set_up(self) -> bool:
        """Whether links can be mailed at all."""

    async def all(self, who: SignedIn) -> list[AddressRow]:
        """The proven ones first."""

    async def ask(self, who: SignedIn, typed: str) -> AddressRow:
        """Problem 409, 422, 429."""

    async def again(self, who: SignedIn, id_: UUID) -> AddressRow:
        """Problem 404, 409, 429."""

    async def linked(self, who: SignedIn, token: str) -> AddressClaim:
        """Problem 410."""

    async def confirm(self, who: SignedIn, token: str) -> AddressRow:
        """Problem 409, 410."""

    async def remove(self, who: SignedIn, id_: UUID) -> None:
        """Problem 404, 422."""


class Post(Protocol):
    """Kaifu's own mail."""

    async def forgot(self, address: str, client_address: str) -> None:
        """Problem 409, 429."""


class Mails(Protocol):
    """One mail at a time."""

    async def get(self, who: SignedIn, message_id: UUID, language: Language) -> Mail:
        """Problem 404."""

    async def body(self, who: SignedIn, message_id: UUID, *, images: bool) -> MailBody:
        """Problem 404."""

    async def thread(self, who: SignedIn, message_id: UUID) -> tuple[ThreadMail, ...]:
        """Newest first. Problem 404."""

    async def delete(self, who: SignedIn, message_id: UUID) -> None:
        """Problem 403, 404."""


class MailAssociationsBook(Protocol):
    """On which records a mail stands."""

    async def get(self, who: SignedIn, message_id: UUID) -> MailAssociations:
        """Problem 404, 409 (not logged)."""

    async def change(
        self, who: SignedIn, message_id: UUID, added: Collection[RecordRef], removed: Collection[RecordRef]
    ) -> MailAssociations:
        """Problem 404, 409, 422 (none or too many left, not there, never logged)."""


class Pins(Protocol):
    """Mails on top of timelines."""

    async def of(self, account_id: UUID, record: RecordRef) -> tuple[TimelineRow, ...]:
        """The newest pin first. Problem 404."""

    async def put(self, account_id: UUID, record: RecordRef, message_id: UUID) -> None:
        """Problem 404, 409 (too many)."""

    async def remove(self, account_id: UUID, record: RecordRef, message_id: UUID) -> None:
        """Problem 404."""


class PagesApplication(Protocol):
    """crm's nouns, as far as pages need them."""

    @property
    def sign_ins(self) -> SignIns: ...

    @property
    def oauth(self) -> OAuth: ...

    @property
    def accounts(self) -> Accounts: ...

    @property
    def feed(self) -> Feed: ...

    @property
    def accuracy(self) -> AccuracyBook: ...

    @property
    def notifications(self) -> Notifications: ...

    @property
    def notification_policies(self) -> NotificationPolicyBook: ...

    @property
    def mutes(self) -> Mutes: ...

    @property
    def records(self) -> RecordBooks: ...

    @property
    def recycle_bin(self) -> RecycleBin: ...

    @property
    def legal_bases(self) -> LegalBases: ...

    @property
    def contact_files(self) -> ContactFiles: ...

    @property
    def timelines(self) -> Timelines: ...

    @property
    def email_settings(self) -> EmailSettingsBook: ...

    @property
    def never_log(self) -> NeverLogBook: ...

    @property
    def retention(self) -> RetentionBook: ...

    @property
    def dry_runs(self) -> DryRunBook: ...

    @property
    def audit(self) -> AuditTrail: ...

    @property
    def users(self) -> UserBook: ...

    @property
    def profiles(self) -> Profiles: ...

    @property
    def api_tokens(self) -> ApiTokenBook: ...

    @property
    def webhooks(self) -> WebhookBook: ...

    @property
    def addresses(self) -> OwnAddresses: ...

    @property
    def post(self) -> Post: ...

    @property
    def mails(self) -> Mails: ...

    @property
    def mail_associations(self) -> MailAssociationsBook: ...

    @property
    def pins(self) -> Pins: ...
