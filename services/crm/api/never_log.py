"""The account's never-log list, for super admins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked
from services.crm.model.never_log import NeverLogEntry
from services.crm.problems import CHANGED_MEANWHILE
from shared.http.problems import FORBIDDEN, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE, Problem

router = APIRouter(prefix="/v1/settings/never-log", tags=["settings"])
Pattern = Annotated[str, Field(min_length=1, max_length=320)]


class NeverLogAsked(Asked):
    """Addresses and domains: `name@example.com`, `example.com`, `*.example.com`."""

    entries: Annotated[list[Pattern], Field(min_length=1, max_length=1000)]


class NeverLog(BaseModel):
    """Entries of the list."""

    entries: list[NeverLogEntry]


@router.get("", responses=problems(FORBIDDEN))
async def never_log_list(crm: Crm, who: Who) -> NeverLog:
    """The whole list."""
    return NeverLog(entries=await crm.never_log.all(who))


@router.post("", responses=problems(FORBIDDEN, NOT_FOUND, CHANGED_MEANWHILE, INVALID, MALFORMED, TOO_LARGE))
async def add_to_never_log(crm: Crm, who: Who, asked: NeverLogAsked) -> NeverLog:
    """Add entries, all or none; the answer names those that were not listed before. They count for mail
    that is sent from now on."""
    return NeverLog(entries=await crm.never_log.add(who, asked.entries))


@router.delete("/{id}", status_code=204, responses=problems(FORBIDDEN, NOT_FOUND, CHANGED_MEANWHILE, INVALID))
async def remove_from_never_log(crm: Crm, who: Who, id: UUID) -> None:  # noqa: A002 - the name in the address
    """Take an entry off the list."""
    if not await crm.never_log.remove(who, [id]):
        raise Problem(NOT_FOUND, "No such entry.")
