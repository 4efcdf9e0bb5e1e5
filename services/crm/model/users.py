"""The users of an account as an admin sees them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import SecretStr

from services.crm.model.base import Model
from services.crm.model.letters import Trouble
from shared.auth.tokens import Role


class UserState(StrEnum):
    """Invited: has not chosen a password yet. Left: can't sign in any more."""

    INVITED = "invited"
    ACTIVE = "active"
    LEFT = "left"


class UserRow(Model):
    """One user. `mail_trouble`: why the mail with the link to choose a password has not gone out;
    `mail_waits`: it is tried again."""

    id: UUID
    name: str
    address: str
    role: Role
    state: UserState
    created_at: datetime
    mail_trouble: Trouble | None = None
    mail_waits: bool = False


class PasswordLink(Model):
    """A link with which a user chooses a password, once: an invitation or a reset."""

    account_id: UUID
    user_id: UUID
    sign_in_name: str
    expires_at: datetime


class NewPasswordLink(Model):
    """The link's secret, shown once, to whoever made it. `mailed`: another one goes to the user by mail."""

    user_id: UUID
    token: SecretStr
    expires_at: datetime
    mailed: bool = False
