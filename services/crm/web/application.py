"""What the pages ask of crm: the part of `services.crm.collaborators` that they use, so that tests
can put fakes in its place. What the methods mean and raise is said in `services/crm/application/`."""

from typing import Protocol
from uuid import UUID

from services.crm.model.accounts import User
from services.crm.model.base import Page
from services.crm.model.messages import FeedDetail, FeedRow
from services.crm.model.records import AnyRecord, Association, Contact
from services.crm.model.sign_ins import NewSession, Session
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.rules.oauth import Asked
from shared.auth.tokens import SignedIn
from shared.directory.contract import RecordRef


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
    """Names of colleagues."""

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


class Notifications(Protocol):
    """Pop-ups that a page asks for."""

    async def test(self, who: SignedIn) -> object:
        """A test pop-up on all of the rep's screens."""


class RecordBook(Protocol):
    """Records of one kind."""

    async def get(self, account_id: UUID, id_: UUID) -> AnyRecord:
        """Problem 404."""

    async def associations(self, account_id: UUID, id_: UUID) -> tuple[Association, ...]:
        """What belongs to it."""


class ContactBook(RecordBook, Protocol):
    """Contacts, which have a list, too."""

    async def page(self, account_id: UUID, query: str, after: str | None, limit: int) -> Page[Contact]:
        """Newest first. Problem 422 (cursor)."""


class RecordBooks(Protocol):
    """The four kinds."""

    @property
    def contacts(self) -> ContactBook: ...

    @property
    def companies(self) -> RecordBook: ...

    @property
    def deals(self) -> RecordBook: ...

    @property
    def tickets(self) -> RecordBook: ...


class Timelines(Protocol):
    """Timelines of records."""

    async def page(
        self, account_id: UUID, record: RecordRef, after: str | None, limit: int, type_: TimelineType | None
    ) -> Page[TimelineRow]:
        """Newest first. Problem 404, 422 (cursor)."""


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
    def notifications(self) -> Notifications: ...

    @property
    def records(self) -> RecordBooks: ...

    @property
    def timelines(self) -> Timelines: ...
