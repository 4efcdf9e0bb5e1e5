"""Settings of the account, for super admins."""

from fastapi import APIRouter
from pydantic import StrictBool

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked
from services.crm.model.accounts import EmailSettings
from services.crm.problems import CHANGED_MEANWHILE
from shared.http.problems import FORBIDDEN, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/settings", tags=["settings"])


class EmailSettingsAsked(Asked):
    """All e-mail settings of the account."""

    tracking: StrictBool
    logging: StrictBool
    log_attachments: StrictBool
    data_privacy: StrictBool


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
