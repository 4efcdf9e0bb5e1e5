"""The routes of pinned mail that each kind of record has."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.application.records import RecordBook
from services.crm.collaborators import Collaborators
from services.crm.model.timeline import TimelineRow
from shared.directory.contract import RecordRef
from shared.http.problems import CONFLICT, INVALID, NOT_FOUND


def add_pin_routes(router: APIRouter, noun: str, book_of: Callable[[Collaborators], RecordBook[Any]]) -> None:
    """List, pin and unpin."""

    @router.get("/{id}/pins", responses=problems(NOT_FOUND, INVALID), name=f"pins_of_{noun}")
    async def pins(crm: Crm, who: Who, id: UUID) -> tuple[TimelineRow, ...]:  # noqa: A002
        """The mails that are pinned to the top of its timeline, the newest pin first."""
        return await crm.pins.of(who.account_id, RecordRef(record_type=book_of(crm).type, record_id=id))

    @router.put(
        "/{id}/pins/{message_id}",
        status_code=204,
        responses=problems(NOT_FOUND, CONFLICT, INVALID),
        name=f"pin_to_{noun}",
    )
    async def pin(crm: Crm, who: Who, id: UUID, message_id: UUID) -> None:  # noqa: A002
        """Pin a mail that stands on it to the top of its timeline; at most ten."""
        record = RecordRef(record_type=book_of(crm).type, record_id=id)
        await crm.pins.put(who.account_id, record, message_id)

    @router.delete(
        "/{id}/pins/{message_id}",
        status_code=204,
        responses=problems(NOT_FOUND, INVALID),
        name=f"unpin_from_{noun}",
    )
    async def unpin(crm: Crm, who: Who, id: UUID, message_id: UUID) -> None:  # noqa: A002
        """Take a pin off."""
        record = RecordRef(record_type=book_of(crm).type, record_id=id)
        await crm.pins.remove(who.account_id, record, message_id)
