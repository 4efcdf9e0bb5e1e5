"""How the send API refuses. Problem types that other services share are in shared.http.problems."""

from http import HTTPStatus

from shared.http.problems import KEY_REUSED as KEY_REUSED
from shared.http.problems import RECEIPT_EXPIRED as RECEIPT_EXPIRED
from shared.http.problems import RECEIPT_INVALID as RECEIPT_INVALID
from shared.http.problems import SENDER_NOT_OURS as SENDER_NOT_OURS
from shared.http.problems import TOO_MANY_REQUESTS as TOO_MANY_REQUESTS
from shared.http.problems import ProblemType

_NOT_VALID = HTTPStatus.UNPROCESSABLE_ENTITY

NOTHING_TO_DO = ProblemType("nothing-to-do", _NOT_VALID, "Neither tracking nor logging is asked for")
TOO_MANY_RECIPIENTS = ProblemType("too-many-recipients", _NOT_VALID, "The mail has too many recipients")
LINK_TOO_LONG = ProblemType("link-too-long", _NOT_VALID, "A link is too long")
LINK_NOT_TRACKABLE = ProblemType("link-not-trackable", _NOT_VALID, "A link can't be tracked")
DIRECTORY_UNAVAILABLE = ProblemType(
    "directory-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The directory does not answer"
)
BROKER_UNAVAILABLE = ProblemType(
    "broker-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The event could not be stored"
)
STORAGE_FULL = ProblemType("storage-full", HTTPStatus.SERVICE_UNAVAILABLE, "There is no room for events")
