"""Settings of the account, for super admins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response
from pydantic import Field, StrictBool

from services.crm.api.dependencies import A_PAGE, PAGE_PROBLEMS, After, Crm, Limit, Who, problems
from services.crm.api.never_log import Pattern
from services.crm.api.record_routes import Asked
from services.crm.model.accounts import EmailSettings
from services.crm.model.audit import AuditEntry
from services.crm.model.base import Page
from services.crm.model.dry_run import DryRun, OtherSettings
from services.crm.problems import CHANGED_MEANWHILE, PRECONDITION_FAILED
from shared.http.problems import FORBIDDEN, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/settings", tags=["settings"])


class EmailSettingsAsked(Asked):
    """All e-mail settings of the account. How the boxes start, and whether the account uses marketing
    contacts, stays as it is unless it is sent."""

    tracking: StrictBool
    logging: StrictBool
    log_attachments: StrictBool
    data_privacy: StrictBool
    log_default: StrictBool | None = None
    log_ticked: StrictBool | None = None
    track_default: StrictBool | None = None
    track_ticked: StrictBool | None = None
    marketing_contacts: StrictBool | None = None


class OtherSettingsAsked(Asked):
    """Settings to try; what is not sent is as it is. `added`: never-log entries, `removed`: ids of such."""

    logging: StrictBool | None = None
    added: Annotated[list[Pattern], Field(max_length=1000)] = Field(default_factory=list)
    removed: Annotated[list[UUID], Field(max_length=1000)] = Field(default_factory=list)


@router.get("/audit", responses=problems(FORBIDDEN, *PAGE_PROBLEMS))
async def audit_log(crm: Crm, who: Who, after: After = None, limit: Limit = A_PAGE) -> Page[AuditEntry]:
    """Who changed what, newest first."""
    return await crm.audit.page(who, after, limit)


@router.post("/dry-run", responses=problems(FORBIDDEN, NOT_FOUND, INVALID, MALFORMED, TOO_LARGE))
async def dry_run(crm: Crm, who: Who, asked: OtherSettingsAsked) -> DryRun:
    """What these settings would have decided on past mail: the newest 2,000 decisions. It writes nothing."""
    return await crm.dry_runs.of(who, OtherSettings(**asked.model_dump()))


@router.get("/email", responses=problems(FORBIDDEN, NOT_FOUND))
async def email_settings(crm: Crm, who: Who, response: Response) -> EmailSettings:
    """The e-mail settings of the account, with an `ETag` that names them."""
    return _tagged(response, await crm.email_settings.get(who))


@router.put(
    "/email",
    responses=problems(
        FORBIDDEN, NOT_FOUND, CHANGED_MEANWHILE, PRECONDITION_FAILED, INVALID, MALFORMED, TOO_LARGE
    ),
)
async def change_email_settings(
    crm: Crm,
    who: Who,
    response: Response,
    asked: EmailSettingsAsked,
    if_match: Annotated[str | None, Header(max_length=200, description="the `ETag` that was read")] = None,
) -> EmailSettings:
    """Change them at once, also for mail already sent: off means that no hit is recorded any more. With
    `If-Match`, only if nobody has changed them since they were read."""
    known = await crm.email_settings.get(who)
    settings = known.model_copy(update=asked.model_dump(exclude_none=True))
    seen = None if if_match is None or if_match.strip() == "*" else if_match.strip().strip('"')
    return _tagged(response, await crm.email_settings.change(who, settings, seen=seen))


def _tagged(response: Response, settings: EmailSettings) -> EmailSettings:
    response.headers["ETag"] = f'"{settings.tag}"'
    return settings
