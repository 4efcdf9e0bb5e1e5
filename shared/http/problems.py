"""Problem bodies (RFC 9457): each refusal has a type, a status and a sentence that says what to do."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"


class ProblemBody(BaseModel):
    """The body of every error answer. Further members are named by the problem type."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="urn:kaifu:problem:<name>, stable; match on this")
    title: str
    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One documented way to be refused."""

    name: str
    status: HTTPStatus
    title: str

    @property
    def urn(self) -> str:
        """The stable identifier that clients match on."""
        return f"urn:kaifu:problem:{self.name}"


class Problem(Exception):
    """Raised anywhere below a route; answered as the problem's status and body.

    `detail` and `members` reach the client and the log: no secret, address or subject.
    """

    def __init__(
        self,
        problem: ProblemType,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{problem.name}: {detail}")
        self.problem = problem
        self.detail = detail
        self.headers = headers or {}
        self.members = members

    def body(self) -> dict[str, Any]:
        """The JSON object to send."""
        return {
            "type": self.problem.urn,
            "title": self.problem.title,
            "status": int(self.problem.status),
            "detail": self.detail,
            **self.members,
        }


MALFORMED = ProblemType("malformed-request", HTTPStatus.BAD_REQUEST, "The request can't be read")
INVALID = ProblemType(
    "invalid-request", HTTPStatus.UNPROCESSABLE_ENTITY, "A field of the request is not valid"
)
TOO_LARGE = ProblemType("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request body is too large")
NOT_SIGNED_IN = ProblemType("not-signed-in", HTTPStatus.UNAUTHORIZED, "Sign in first")
SIGN_IN_EXPIRED = ProblemType("sign-in-expired", HTTPStatus.UNAUTHORIZED, "The sign-in has expired")
FORBIDDEN = ProblemType("forbidden", HTTPStatus.FORBIDDEN, "Your role does not allow this")
NOT_FOUND = ProblemType("not-found", HTTPStatus.NOT_FOUND, "There is nothing here")
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "Not with this method")
CONFLICT = ProblemType("conflict", HTTPStatus.CONFLICT, "The state does not allow this")
UNAVAILABLE = ProblemType("unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "Not at the moment; try again")
INTERNAL = ProblemType("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side")
SCOPE_MISSING = ProblemType("scope-missing", HTTPStatus.FORBIDDEN, "The API token does not allow this")
TOO_MANY_REQUESTS = ProblemType(
    "too-many-requests", HTTPStatus.TOO_MANY_REQUESTS, "The account has used up its share"
)
SENDER_NOT_OURS = ProblemType(
    "sender-not-ours", HTTPStatus.FORBIDDEN, "The sender is none of the account's addresses"
)
KEY_REUSED = ProblemType(
    "idempotency-key-reused",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The Idempotency-Key belongs to another request",
)
RECEIPT_INVALID = ProblemType("receipt-invalid", HTTPStatus.FORBIDDEN, "The receipt is not valid for this")
RECEIPT_EXPIRED = ProblemType("receipt-expired", HTTPStatus.GONE, "The receipt has expired")
