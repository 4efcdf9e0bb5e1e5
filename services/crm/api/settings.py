"""Settings of the account, for super admins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StrictBool

from services.crm.api.dependencies import A_PAGE, PAGE_PROBLEMS, After, Crm, Limit, Who, problems
from services.crm.api.never_log import Pattern
from services.crm.api.record_routes import Asked
from services.crm.model.accounts import EmailSettings
from services.crm.model.audit import AuditEntry
from services.crm.model.base import Page
from services.crm.model.dry_run import DryRun, OtherSettings
from services.crm.problems import CHANGED_MEANWHILE
from shared.http.problems import FORBIDDEN, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/settings", tags=["settings"])


class EmailSettingsAsked(Asked):
    """All e-mail settings of the account."""

    tracking: StrictBool
    logging: StrictBool
    log_attachments: StrictBool
    data_privacy: StrictBool
    log_default: StrictBool = False
    log_ticked: StrictBool = True
    track_default: StrictBool = False
    track_ticked: StrictBool = True


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
async def email_settings(crm: Crm, who: Who) -> EmailSettings:
    """The e-mail settings of the account."""
    return await crm.email_settings.get(who)


@router.put(
    "/email",
    responses=problems(FORBIDDEN, NOT_FOUND, CHANGED_MEANWHILE, INVALID, MALFORMED, TOO_LARGE),
)
async def change_email_settings(crm: Crm, who: Who, asked: EmailSettingsAsked) -> EmailSettings:
    """Change them at once, also for mail already sent: off means that no hit is recorded any more."""
    return await crm.email_settings.change(who, EmailSettings(**asked.model_dump()))
