"""Sign-ins: page sessions, authorization codes and refresh families."""

from datetime import datetime
from uuid import UUID

from pydantic import SecretStr

from services.crm.model.base import Model


class Credentials(Model):
    """A sign-in name (a folded address) and the hash of its password."""

    name: str
    account_id: UUID
    user_id: UUID
    password_hash: str


class Session(Model):
    """A page sign-in. `id` is the sign-in id (`sid`); the cookie's secret is stored only as its hash."""

    id: UUID
    account_id: UUID
    user_id: UUID
    csrf_token: str
    created_at: datetime
    expires_at: datetime


class NewSession(Model):
    """A session and the cookie value that opens it, shown once."""

    session: Session
    cookie: SecretStr


class AccessToken(Model):
    """A signed access token; `expires_in` seconds."""

    access_token: str
    expires_in: int


class AuthorizationRequest(Model):
    """A checked request for an authorization code (OAuth 2.1, public client, PKCE S256)."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    state: str | None = None


class AuthorizationCode(Model):
    """A code as stored: by its hash, for 60 s, for one use. `family_id`: the sign-in made from it."""

    account_id: UUID
    user_id: UUID
    client_id: str
    redirect_uri: str
    code_challenge: str
    family_id: UUID
    expires_at: datetime


class RefreshFamily(Model):
    """All refresh tokens that descend from one sign-in; only the newest is good. `id` is the `sid`."""

    id: UUID
    account_id: UUID
    user_id: UUID
    client_id: str
    expires_at: datetime


class TokenPair(Model):
    """The answer of the token endpoint."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme
