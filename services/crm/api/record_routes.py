"""The routes that each kind of record has."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from services.crm.api.dependencies import A_PAGE, PAGE_PROBLEMS, After, Crm, Limit, Who, problems
from services.crm.api.pin_routes import add_pin_routes
from services.crm.application.records import RecordBook
from services.crm.collaborators import Collaborators
from services.crm.model.base import Page
from services.crm.model.records import Association, Record
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.problems import CHANGED_MEANWHILE, NO_SUCH_RECORD, PRECONDITION_FAILED
from services.crm.rules.versions import entity_tag, expected_versions
from shared.auth.tokens import SignedIn
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from shared.http.problems import INVALID, MALFORMED, NOT_FOUND, TOO_LARGE, ProblemType

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

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=1000, description="the `ETag` that was read: 412 if it is stale"),
]


def tagged(description: str) -> dict[str, Any]:
    """The documented answer of a route that sends a record with its version."""
    schema = {"schema": {"type": "string"}, "description": "the record's version; send it as `If-Match`"}
    return {"description": description, "headers": {"ETag": schema}}


def record_routes(
    noun: str,
    book_of: Callable[[Collaborators], RecordBook[Any]],
    kinds: tuple[type[Record], type[Record], type[BaseModel], type[BaseModel]],
    *further: ProblemType,
) -> APIRouter:
    """List, search, create, read, edit, delete, restore and timeline. `kinds`: record, record with
    associations, the bodies of POST and PATCH. `further`: problems of writing this kind."""
    kind, whole, create_body, patch_body = kinds
    router = APIRouter(prefix=f"/v1/{noun}", tags=[noun])
    writing = (INVALID, MALFORMED, NO_SUCH_RECORD, TOO_LARGE, *further)

    @router.get("", response_model=Page[kind], responses=problems(*PAGE_PROBLEMS), name=f"list_{noun}")  # type: ignore[valid-type]
    async def page(crm: Crm, who: Who, q: Query_ = "", after: After = None, limit: Limit = A_PAGE) -> Any:
        """Newest first, all or those that match `q`."""
        return await book_of(crm).page(who.account_id, q, after, limit)

    @router.post(
        "",
        status_code=201,
        response_model=whole,
        responses={201: tagged("The new record."), **problems(*writing)},
        name=f"new_{noun}",
    )
    async def create(crm: Crm, who: Who, response: Response, asked: create_body) -> Any:  # type: ignore[valid-type]
        """Make a new one."""
        fields, associations = read_body(asked)
        record = await book_of(crm).create(who.account_id, fields, associations or (), by=who.user_id)
        return await _whole(crm, who, response, record)

    @router.get(
        "/{id}",
        response_model=whole,
        responses={200: tagged("The record."), **problems(NOT_FOUND, INVALID)},
        name=f"get_{noun}",
    )
    async def get(crm: Crm, who: Who, response: Response, id: UUID) -> Any:  # noqa: A002 - the name in the address
        """One, with what belongs to it."""
        return await _whole(crm, who, response, await book_of(crm).get(who.account_id, id))

    @router.patch(
        "/{id}",
        response_model=whole,
        responses={
            200: tagged("The changed record."),
            **problems(NOT_FOUND, CHANGED_MEANWHILE, PRECONDITION_FAILED, *writing),
        },
        name=f"edit_{noun}",
    )
    async def edit(
        crm: Crm,
        who: Who,
        response: Response,
        id: UUID,  # noqa: A002
        asked: patch_body,  # type: ignore[valid-type]
        if_match: IfMatch = None,
    ) -> Any:
        """Change the fields that are sent. `associations`, if sent, replace all there were."""
        fields, associations = read_body(asked)
        record = await book_of(crm).edit(
            who.account_id,
            id,
            fields,
            associations,
            expected=expected_versions(if_match),
            by=who.user_id,
        )
        return await _whole(crm, who, response, record)

    @router.delete(
        "/{id}",
        status_code=204,
        responses=problems(NOT_FOUND, PRECONDITION_FAILED, INVALID),
        name=f"delete_{noun}",
    )
    async def delete(crm: Crm, who: Who, id: UUID, if_match: IfMatch = None) -> None:  # noqa: A002
        """Delete it: it is found nowhere any more, and can be restored for 30 days."""
        ref = RecordRef(record_type=book_of(crm).type, record_id=id)
        await crm.recycle_bin.delete(who, ref, expected_versions(if_match))

    @router.post(
        "/{id}/restore",
        response_model=whole,
        responses={200: tagged("The record, as it was."), **problems(NOT_FOUND, INVALID, *further)},
        name=f"restore_{noun}",
    )
    async def restore(crm: Crm, who: Who, response: Response, id: UUID) -> Any:  # noqa: A002
        """Take its deletion back. What was not deleted stays as it is."""
        ref = RecordRef(record_type=book_of(crm).type, record_id=id)
        return await _whole(crm, who, response, await crm.recycle_bin.restore(who, ref))

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

    add_pin_routes(router, noun, book_of)

    async def _whole(crm: Collaborators, who: SignedIn, response: Response, record: Record) -> Record:
        response.headers["ETag"] = entity_tag(record.version)
        associations = await book_of(crm).associations(who.account_id, record.id)
        return whole.model_validate({**record.model_dump(), "associations": associations})

    return router


def read_body(asked: BaseModel) -> tuple[dict[str, Any], list[Association] | None]:
    """The fields that a body sends, and the associations if it sends them."""
    fields = asked.model_dump(exclude_unset=True)
    associations = fields.pop("associations", None)
    if associations is None:
        return fields, None
    return fields, [Association(**one, name="") for one in associations]
