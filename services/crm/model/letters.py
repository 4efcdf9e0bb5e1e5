"""Mail of Kaifu's own: links to confirm an address or to choose a password."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import SecretStr

from services.crm.model.base import Model


class LetterKind(StrEnum):
    """What the link in it does."""

    ADDRESS = "address"
    INVITATION = "invitation"
    PASSWORD = "password"  # noqa: S105 - a kind


class Trouble(StrEnum):
    """Why a letter has not gone out. All but REFUSED are tried again."""

    UNREACHABLE = "unreachable"
    NOT_SECURE = "not_secure"
    SIGN_IN = "sign_in"
    LATER = "later"
    REFUSED = "refused"


class Letter(Model):
    """A letter that waits for the relay. It holds no link: that is made when it is sent.

    `account_id` and `user_id` are None for a forgotten password: nobody has looked yet whose `sign_in_name`
    that is. `next_at` None: given up, because of `trouble`.
    """

    id: UUID
    kind: LetterKind
    account_id: UUID | None = None
    user_id: UUID | None = None
    sign_in_name: str | None = None
    asked_at: datetime
    next_at: datetime | None
    attempts: int = 0
    trouble: Trouble | None = None


class Outgoing(Model):
    """A letter with all that is written in it. `about`: who asks for an address or whose password it is, by
    the address to sign in with; of an invitation the account's name. `hours`: how long its link is good."""

    letter: Letter
    to: str
    locale: str
    about: str
    url: SecretStr
    hours: int


class Written(Model):
    """What people read of a letter."""

    subject: str
    text: str
    html: str
