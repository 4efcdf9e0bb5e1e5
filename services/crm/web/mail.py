"""One mail: its page, its body in a frame of its own, and deleting it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, Response

from services.crm.model.mails import Mail, MailBody
from services.crm.web import security
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.words import RECORD_PATHS
from shared.http.problems import NOT_FOUND, Problem

router = APIRouter(prefix="/mail/{message_id}")
Images = Annotated[bool, Query()]


@router.get("")
async def mail(visit: SignedInPage, message_id: UUID, images: Images = False) -> Response:
    """The mail with all that is known of it."""
    return await mail_page(visit, message_id, images=images)


async def mail_page(
    visit: SignedInVisit,
    message_id: UUID,
    *,
    images: bool = False,
    status_code: int = 200,
    form: object = None,
) -> Response:
    """The page; `form`: in place of the associations. Problem 404."""
    application, who = visit.desk.application, visit.visitor.as_signed_in()
    found = await application.mails.get(who, message_id, visit.language)
    mute = await application.mutes.mail(who, message_id)
    return visit.page(
        "mail.html",
        status_code=status_code,
        mail=found,
        body=await _body(visit, message_id, images),
        images=images,
        thread=await application.mails.thread(who, message_id),
        names={to.slot: to.name or to.address for to in found.recipients},
        form=form,
        swapped=False,
        muted=None if mute is None else mute.by_hand,
        mute_path=f"/mail/{message_id}/mute",
        mute_fault="",
    )


@router.get("/frame")
async def frame(visit: SignedInPage, message_id: UUID, images: Images = False) -> Response:
    """The frame of the body alone, with word of what it does not load; for a row of a timeline, too."""
    body = await _body(visit, message_id, images)
    return visit.page("_mail_body.html", message_id=message_id, body=body, images=images)


@router.get("/body")
async def body(visit: SignedInPage, message_id: UUID, images: Images = False) -> Response:
    """What the frame shows."""
    found = await visit.desk.application.mails.body(visit.visitor.as_signed_in(), message_id, images=images)
    template = visit.desk.templates[visit.language].get_template("_letter.html")
    return HTMLResponse(template.render(body=found), headers=security.body_headers(images=images))


@router.post("/delete")
async def delete(visit: ChangingPage, message_id: UUID) -> Response:
    """Take it off every record, then go to where it stood."""
    mails, who = visit.desk.application.mails, visit.visitor.as_signed_in()
    found = await mails.get(who, message_id, visit.language)
    await mails.delete(who, message_id)
    return Response(status_code=204, headers={"HX-Redirect": _left_behind(found)})


async def _body(visit: SignedInVisit, message_id: UUID, images: bool) -> MailBody | None:
    """None: nothing of it was kept."""
    try:
        return await visit.desk.application.mails.body(
            visit.visitor.as_signed_in(), message_id, images=images
        )
    except Problem as problem:
        if problem.problem is not NOT_FOUND:
            raise
        return None


def _left_behind(mail: Mail) -> str:
    for record in mail.records:
        if record.name is not None:
            return f"/{RECORD_PATHS[record.record_type]}/{record.record_id}"
    return security.HOME
