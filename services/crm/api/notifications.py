"""Notifications that a rep asks for."""

from uuid import UUID

from fastapi import APIRouter

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.model.base import Model

router = APIRouter(prefix="/v1/notifications", tags=["notifications"])


class Raised(Model):
    """The notification that your screens will show."""

    notification_id: UUID


@router.post("/test", status_code=202, responses=problems())
async def test(crm: Crm, who: Who) -> Raised:
    """Show a test notification on all of your screens."""
    raised = await crm.notifications.test(who)
    return Raised(notification_id=raised.notification_id)
