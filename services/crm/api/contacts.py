"""Contacts."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool

from services.crm.api.dependencies import A_PAGE, PAGE_PROBLEMS, After, Crm, Limit, Who, problems
from services.crm.api.record_routes import (
    UNCHANGED,
    Asked,
    Associations,
    Name,
    Patch,
    Text,
    record_routes,
)
from services.crm.application.legal_bases import MOST
from services.crm.model.base import Page
from services.crm.model.records import (
    Association,
    Contact,
    LegalBasis,
    LegalBasisChange,
    LegalBasisKind,
    LegalBasisResult,
)
from services.crm.problems import ADDRESS_TAKEN
from services.crm.rules.addresses import LONGEST, PATTERN, SHORTEST
from shared.http.problems import INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

Address = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST, pattern=PATTERN)]
Addresses = Annotated[list[Address], Field(max_length=20)]


class LegalBasisAsked(Asked):
    """The basis for processing; its date is that of the change."""

    kind: LegalBasisKind
    source: Text = ""


class NewContact(Asked):
    """A contact to make."""

    name: Name
    addresses: Addresses = Field(default_factory=list)
    job_title: Text = ""
    phone: Text = ""
    owner_id: UUID | None = None
    marketing: StrictBool = False
    legal_basis: LegalBasisAsked = LegalBasisAsked(kind=LegalBasisKind.NONE)
    associations: Associations = Field(default_factory=list)


class ContactPatch(Patch):
    """What to change of a contact."""

    name: Name = UNCHANGED
    addresses: Addresses = UNCHANGED
    job_title: Text = UNCHANGED
    phone: Text = UNCHANGED
    owner_id: UUID | None = None
    marketing: StrictBool = UNCHANGED
    legal_basis: LegalBasisAsked = UNCHANGED
    associations: Associations = UNCHANGED


class WholeContact(Contact):
    """A contact and what belongs to it."""

    associations: tuple[Association, ...]


class LegalBasisForMany(Asked):
    """A basis for many contacts at once."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST)]
    legal_basis: LegalBasisAsked


class LegalBasisResults(BaseModel):
    """What became of each, in the order that was asked; an id that was sent twice stands there once."""

    results: list[LegalBasisResult]


router = record_routes(
    "contacts",
    lambda crm: crm.records.contacts,
    (Contact, WholeContact, NewContact, ContactPatch),
    ADDRESS_TAKEN,
)


@router.get("/{id}/legal-basis", responses=problems(NOT_FOUND, *PAGE_PROBLEMS))
async def legal_basis_history(
    crm: Crm,
    who: Who,
    id: UUID,  # noqa: A002 - the name in the address
    after: After = None,
    limit: Limit = A_PAGE,
) -> Page[LegalBasisChange]:
    """Each change of the contact's legal basis, newest first."""
    return await crm.legal_bases.history(who.account_id, id, after, limit)


@router.post("/legal-basis", responses=problems(INVALID, MALFORMED, TOO_LARGE))
async def change_legal_bases(crm: Crm, who: Who, asked: LegalBasisForMany) -> LegalBasisResults:
    """Give many contacts a basis. Repeating it changes nothing more."""
    basis = LegalBasis(kind=asked.legal_basis.kind, source=asked.legal_basis.source)
    return LegalBasisResults(results=await crm.legal_bases.change_all(who, asked.ids, basis))
