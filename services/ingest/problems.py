"""How the send API refuses. Problem types that other services share are in shared.http.problems."""

from http import HTTPStatus

from shared.http.problems import ProblemType

_NOT_VALID = HTTPStatus.UNPROCESSABLE_ENTITY

NOTHING_TO_DO = ProblemType("nothing-to-do", _NOT_VALID, "Neither tracking nor logging is asked for")
TOO_MANY_RECIPIENTS = ProblemType("too-many-recipients", _NOT_VALID, "The mail has too many recipients")
LINK_TOO_LONG = ProblemType("link-too-long", _NOT_VALID, "A link is too long")
LINK_NOT_TRACKABLE = ProblemType("link-not-trackable", _NOT_VALID, "A link can't be tracked")
KEY_REUSED = ProblemType(
    "idempotency-key-reused", _NOT_VALID, "The Idempotency-Key belongs to another request"
)
SENDER_NOT_OURS = ProblemType("sender-not-ours", HTTPStatus.FORBIDDEN, "The sender is none of the account's")
RECEIPT_INVALID = ProblemType("receipt-invalid", HTTPStatus.FORBIDDEN, "The receipt is not valid for you")
RECEIPT_EXPIRED = ProblemType("receipt-expired", HTTPStatus.GONE, "The receipt has expired")
DIRECTORY_UNAVAILABLE = ProblemType(
    "directory-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The directory does not answer"
)
BROKER_UNAVAILABLE = ProblemType(
    "broker-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The event could not be stored"
)
STORAGE_FULL = ProblemType("storage-full", HTTPStatus.SERVICE_UNAVAILABLE, "There is no room for events")
