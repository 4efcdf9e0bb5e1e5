"""The ways to be refused that only crm has."""

from http import HTTPStatus

from shared.http.problems import KEY_REUSED as KEY_REUSED
from shared.http.problems import RECEIPT_EXPIRED as RECEIPT_EXPIRED
from shared.http.problems import RECEIPT_INVALID as RECEIPT_INVALID
from shared.http.problems import SENDER_NOT_OURS as SENDER_NOT_OURS
from shared.http.problems import ProblemType

INVALID_CURSOR = ProblemType(
    "invalid-cursor", HTTPStatus.UNPROCESSABLE_ENTITY, "`after` is not a cursor of this list"
)
TOO_MANY_ATTEMPTS = ProblemType("too-many-attempts", HTTPStatus.TOO_MANY_REQUESTS, "Too many failed sign-ins")
WRONG_PASSWORD = ProblemType(
    "wrong-password", HTTPStatus.UNAUTHORIZED, "The address or the password is wrong"
)
ADDRESS_TAKEN = ProblemType(
    "address-taken", HTTPStatus.CONFLICT, "Another contact of the account has this address"
)
CHANGED_MEANWHILE = ProblemType(
    "changed-meanwhile", HTTPStatus.CONFLICT, "Somebody else has changed this meanwhile"
)
NAME_TAKEN = ProblemType("name-taken", HTTPStatus.CONFLICT, "Somebody signs in with this address already")
LAST_SUPER_ADMIN = ProblemType(
    "last-super-admin", HTTPStatus.CONFLICT, "The account would be left without a super admin"
)
LINK_SPENT = ProblemType("link-spent", HTTPStatus.GONE, "The link was used, is over, or is none of ours")
PRECONDITION_FAILED = ProblemType(
    "precondition-failed", HTTPStatus.PRECONDITION_FAILED, "It is not of the version in If-Match"
)
NO_SUCH_RECORD = ProblemType(
    "no-such-record", HTTPStatus.UNPROCESSABLE_ENTITY, "A record that the request names does not exist"
)
NEVER_LOGGED = ProblemType(
    "never-logged",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The never-log list covers a contact that the request names",
)
MAIL_NOT_LOGGED = ProblemType("mail-not-logged", HTTPStatus.CONFLICT, "The mail is not logged")
NOT_READABLE = ProblemType(
    "not-readable", HTTPStatus.UNPROCESSABLE_ENTITY, "The file is no table of contacts"
)
CONTENT_DIFFERS = ProblemType(
    "content-differs", HTTPStatus.UNPROCESSABLE_ENTITY, "The content is not what its hash says"
)
CSRF = ProblemType("csrf", HTTPStatus.FORBIDDEN, "The request does not come from one of our pages")
UNTRUSTED_CLIENT = ProblemType(
    "untrusted-client", HTTPStatus.BAD_REQUEST, "The application that asks for a sign-in is not known"
)
SERVICES_ONLY = ProblemType("services-only", HTTPStatus.UNAUTHORIZED, "Only for Kaifu's own services")
MAIL_NOT_SET_UP = ProblemType("mail-not-set-up", HTTPStatus.CONFLICT, "This server has no mail relay")
TOO_MANY_LETTERS = ProblemType(
    "too-many-letters", HTTPStatus.TOO_MANY_REQUESTS, "Too many mails were asked for"
)
ADDRESS_IN_USE = ProblemType("address-in-use", HTTPStatus.CONFLICT, "Another user sends from this address")
