"""The routes that each kind of record has."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from services.crm.api.dependencies import A_PAGE, PAGE_PROBLEMS, After, Crm, Limit, Who, problems
from services.crm.application.records import RecordBook
from services.crm.collaborators import Collaborators
from services.crm.model.base import Page
from services.crm.model.records import Association, Record
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.problems import CHANGED_MEANWHILE, NO_SUCH_RECORD
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from shared.http.problems import CONFLICT, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE, ProblemType

Name = Annotated[str, Field(min_length=1, max_length=256)]
Text = Annotated[str, Field(max_length=256)]
UNCHANGED: Any = None  # the default of a field of a patch; only what is sent is read


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class Asked(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Patch(Asked):
    """Only the fields that are sent change."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class AssociationAsked(Asked):
    """A record that belongs to this one. `primary`: the first among those of its kind."""

    record_type: RecordType
    record_id: UUID
    primary: StrictBool = False


Associations = Annotated[list[AssociationAsked], Field(max_length=200)]
Query_ = Annotated[str, Query(max_length=200, description="words that begin a word of the record")]


def record_routes(
    noun: str,
    book_of: Callable[[Collaborators], RecordBook[Any]],
    kinds: tuple[type[Record], type[Record], type[BaseModel], type[BaseModel]],
    *further: ProblemType,
) -> APIRouter:
    """List, search, create, read, edit and timeline. `kinds`: record, record with associations, the
    bodies of POST and PATCH. `further`: problems of writing this kind."""
    kind, whole, create_body, patch_body = kinds
    router = APIRouter(prefix=f"/v1/{noun}", tags=[noun])
    writing = (INVALID, MALFORMED, NO_SUCH_RECORD, TOO_LARGE, *further)

    @router.get("", response_model=Page[kind], responses=problems(*PAGE_PROBLEMS), name=f"list_{noun}")  # type: ignore[valid-type]
    async def page(crm: Crm, who: Who, q: Query_ = "", after: After = None, limit: Limit = A_PAGE) -> Any:
        """Newest first, all or those that match `q`."""
        return await book_of(crm).page(who.account_id, q, after, limit)

    @router.post("", status_code=201, response_model=whole, responses=problems(*writing), name=f"new_{noun}")
    async def create(crm: Crm, who: Who, asked: create_body) -> Any:  # type: ignore[valid-type]
        """Make a new one."""
        fields, associations = _read(asked)
        record = await book_of(crm).create(who.account_id, fields, associations or ())
        return await _whole(crm, who.account_id, record)

    @router.get("/{id}", response_model=whole, responses=problems(NOT_FOUND, INVALID), name=f"get_{noun}")
    async def get(crm: Crm, who: Who, id: UUID) -> Any:  # noqa: A002 - the name in the address
        """One, with what belongs to it."""
        return await _whole(crm, who.account_id, await book_of(crm).get(who.account_id, id))

    @router.patch(
        "/{id}",
        response_model=whole,
        responses=problems(NOT_FOUND, CHANGED_MEANWHILE, *writing),
        name=f"edit_{noun}",
    )
    async def edit(crm: Crm, who: Who, id: UUID, asked: patch_body) -> Any:  # type: ignore[valid-type]  # noqa: A002
        """Change the fields that are sent. `associations`, if sent, replace all there were."""
        fields, associations = _read(asked)
        record = await book_of(crm).edit(who.account_id, id, fields, associations)
        return await _whole(crm, who.account_id, record)

    @router.get("/{id}/timeline", responses=problems(NOT_FOUND, *PAGE_PROBLEMS), name=f"timeline_of_{noun}")
    async def timeline(
        crm: Crm,
        who: Who,
        id: UUID,  # noqa: A002
        after: After = None,
        limit: Limit = A_PAGE,
        type: Annotated[TimelineType | None, Query()] = None,  # noqa: A002
    ) -> Page[TimelineRow]:
        """What happened with it, newest first; `type` leaves only rows of one type."""
        record = RecordRef(record_type=book_of(crm).type, record_id=id)
        return await crm.timelines.page(who.account_id, record, after, limit, type)

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

    async def _whole(crm: Collaborators, account_id: UUID, record: Record) -> Record:
        associations = await book_of(crm).associations(account_id, record.id)
        return whole.model_validate({**record.model_dump(), "associations": associations})

    return router


def _read(asked: BaseModel) -> tuple[dict[str, Any], list[Association] | None]:
    fields = asked.model_dump(exclude_unset=True)
    associations = fields.pop("associations", None)
    if associations is None:
        return fields, None
    return fields, [Association(**one, name="") for one in associations]
