"""API tokens: how programs of an account ask (A6)."""

from datetime import datetime
from uuid import UUID

from pydantic import SecretStr

from services.crm.model.base import Model
from shared.auth.scopes import Scope


class ApiToken(Model):
    """A token as it is kept and shown: its secret is stored as a hash alone. It acts as its maker, `user_id`,
    within its scopes. `hint`: the secret's last characters, to tell tokens apart."""

    id: UUID
    user_id: UUID
    name: str
    scopes: tuple[Scope, ...]
    hint: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None


class NewApiToken(Model):
    """A token and its secret, shown this once."""

    token: ApiToken
    secret: SecretStr


class ApiAccess(Model):
    """A short access token for an API token, for every service; `expires_in` seconds."""

    access_token: str
    expires_in: int
    scope: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme
