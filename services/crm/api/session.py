"""What our own pages ask by script."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from services.crm.api.dependencies import Crm, own_page
from services.crm.model.sign_ins import AccessToken, Session

router = APIRouter(prefix="/session", include_in_schema=False)


@router.post("/access-token")
async def access_token(
    crm: Crm, session: Annotated[Session, Depends(own_page)], response: Response
) -> AccessToken:
    """A short access token for the page's socket."""
    response.headers["Cache-Control"] = "no-store"
    return await crm.sign_ins.access_token(session)
