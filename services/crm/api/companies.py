"""Companies."""

from uuid import UUID

from pydantic import Field

from services.crm.api.record_routes import (
    UNCHANGED,
    Asked,
    Associations,
    Name,
    Patch,
    Text,
    record_routes,
)
from services.crm.model.records import Association, Company


class NewCompany(Asked):
    """A company to make."""

    name: Name
    domain: Text = ""
    owner_id: UUID | None = None
    associations: Associations = Field(default_factory=list)


class CompanyPatch(Patch):
    """What to change of a company."""

    name: Name = UNCHANGED
    domain: Text = UNCHANGED
    owner_id: UUID | None = None
    associations: Associations = UNCHANGED


class WholeCompany(Company):
    """A company and what belongs to it."""

    associations: tuple[Association, ...]


router = record_routes(
    "companies", lambda crm: crm.records.companies, (Company, WholeCompany, NewCompany, CompanyPatch)
)
