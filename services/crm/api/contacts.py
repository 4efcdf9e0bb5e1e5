"""Contacts."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool

from services.crm.api.record_routes import (
    UNCHANGED,
    Asked,
    Associations,
    Name,
    Patch,
    Text,
    record_routes,
)
from services.crm.model.records import Association, Contact, LegalBasisKind
from services.crm.problems import ADDRESS_TAKEN

Address = Annotated[str, Field(min_length=3, max_length=320, pattern=r'^[^\s@<>"]+@[^\s@<>"]+$')]
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


router = record_routes(
    "contacts",
    lambda crm: crm.records.contacts,
    (Contact, WholeContact, NewContact, ContactPatch),
    ADDRESS_TAKEN,
)
