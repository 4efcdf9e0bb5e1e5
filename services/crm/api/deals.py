"""Deals."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt

from services.crm.api.record_routes import (
    UNCHANGED,
    Asked,
    Associations,
    Name,
    Patch,
    Text,
    record_routes,
)
from services.crm.model.records import Association, Deal

Amount = Annotated[StrictInt, Field(ge=0, le=10**15, description="in the smallest unit of the currency")]
Currency = Annotated[str, Field(pattern=r"^([A-Z]{3})?$", max_length=3, description="ISO 4217")]


class NewDeal(Asked):
    """A deal to make."""

    name: Name
    stage: Text = "new"
    amount: Amount | None = None
    currency: Currency = ""
    open: StrictBool = True
    owner_id: UUID | None = None
    associations: Associations = Field(default_factory=list)


class DealPatch(Patch):
    """What to change of a deal."""

    name: Name = UNCHANGED
    stage: Text = UNCHANGED
    amount: Amount | None = None
    currency: Currency = UNCHANGED
    open: StrictBool = UNCHANGED
    owner_id: UUID | None = None
    associations: Associations = UNCHANGED


class WholeDeal(Deal):
    """A deal and what belongs to it."""

    associations: tuple[Association, ...]


router = record_routes("deals", lambda crm: crm.records.deals, (Deal, WholeDeal, NewDeal, DealPatch))
