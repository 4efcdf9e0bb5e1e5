"""Mail: reading and deleting it, and the upload of its body."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked, IfMatch, tagged
from services.crm.application.bodies import MAX_BODY_BYTES
from services.crm.model.mails import Mail, MailAssociations, MailBody, ThreadMail
from services.crm.problems import (
    MAIL_NOT_LOGGED,
    NEVER_LOGGED,
    NO_SUCH_RECORD,
    PRECONDITION_FAILED,
    RECEIPT_EXPIRED,
    RECEIPT_INVALID,
)
from services.crm.rules.hand_edits import MOST_RECORDS
from services.crm.rules.versions import entity_tag, expected_versions
from shared.directory.contract import RecordRef
from shared.events.log_reasons import Language
from shared.http.problems import CONFLICT, FORBIDDEN, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/messages", tags=["messages"])
Part = Annotated[str, Field(max_length=MAX_BODY_BYTES)]
Images = Annotated[bool, Query(description="whether remote images stay in it")]


class UploadedBody(Asked):
    """The body of a sent mail. The whole request may have 8 MiB."""

    receipt: Annotated[str, Field(min_length=1, max_length=4096, description="as prepare gave it")]
    html: Part = ""
    text: Part = ""


class AssociationsAsked(Asked):
    """All the records on which a mail is to stand."""

    records: Annotated[list[RecordRef], Field(min_length=1, max_length=MOST_RECORDS)]


@router.put(
    "/{message_id}/body",
    status_code=204,
    responses=problems(RECEIPT_INVALID, RECEIPT_EXPIRED, NOT_FOUND, INVALID, MALFORMED, TOO_LARGE),
)
async def put_body(crm: Crm, who: Who, message_id: UUID, asked: UploadedBody) -> None:
    """Keep the body until it is decided whether the mail is logged; then keep it for good, or discard it."""
    await crm.bodies.put(who, message_id, asked.receipt, asked.html, asked.text, crm.clock())


@router.get("/{message_id}", responses=problems(NOT_FOUND, INVALID))
async def get_mail(crm: Crm, who: Who, message_id: UUID) -> Mail:
    """A logged mail: where it stands and why, in your language, and what became of it. A mail that is not
    logged is there for its sender alone."""
    user = await crm.sign_ins.user(who.account_id, who.user_id)
    language: Language = "ja" if user.locale.startswith("ja") else "en"
    return await crm.mails.get(who, message_id, language)


@router.get("/{message_id}/body", responses=problems(NOT_FOUND, INVALID))
async def get_body(crm: Crm, who: Who, message_id: UUID, images: Images = False) -> MailBody:
    """The body without anything that runs, and without remote images unless they are asked for. Show it
    in a sandboxed frame all the same."""
    return await crm.mails.body(who, message_id, images=images)


@router.get("/{message_id}/thread", responses=problems(NOT_FOUND, INVALID))
async def get_thread(crm: Crm, who: Who, message_id: UUID) -> tuple[ThreadMail, ...]:
    """The other logged mails of its thread, newest first; at most 50."""
    return await crm.mails.thread(who, message_id)


@router.get(
    "/{message_id}/associations",
    responses={200: tagged("Where it stands."), **problems(NOT_FOUND, MAIL_NOT_LOGGED, INVALID)},
)
async def get_associations(crm: Crm, who: Who, response: Response, message_id: UUID) -> MailAssociations:
    """The records on which a logged mail stands."""
    return _tagged(response, await crm.mail_associations.get(who, message_id))


@router.put(
    "/{message_id}/associations",
    responses={
        200: tagged("Where it stands now."),
        **problems(
            NOT_FOUND,
            MAIL_NOT_LOGGED,
            CONFLICT,
            PRECONDITION_FAILED,
            NO_SUCH_RECORD,
            NEVER_LOGGED,
            INVALID,
            MALFORMED,
            TOO_LARGE,
        ),
    },
)
async def put_associations(
    crm: Crm,
    who: Who,
    response: Response,
    message_id: UUID,
    asked: AssociationsAsked,
    if_match: IfMatch = None,
) -> MailAssociations:
    """Let the logged mail stand on these records alone, at least one: to take it off all, delete it. It comes
    to and goes from their timelines with its opens and clicks."""
    expected = expected_versions(if_match)
    return _tagged(response, await crm.mail_associations.replace(who, message_id, asked.records, expected))


def _tagged(response: Response, found: MailAssociations) -> MailAssociations:
    response.headers["ETag"] = entity_tag(found.version)
    return found


@router.delete("/{message_id}", status_code=204, responses=problems(FORBIDDEN, NOT_FOUND, INVALID))
async def delete_mail(crm: Crm, who: Who, message_id: UUID) -> None:
    """Take the mail off every record for good, its body and attachments too. For its sender and admins;
    repeating it changes nothing."""
    await crm.mails.delete(who, message_id)
