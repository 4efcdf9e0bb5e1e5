"""Tickets."""

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
from services.crm.model.records import Association, Ticket


class NewTicket(Asked):
    """A ticket to make."""

    name: Name
    status: Text = "new"
    open: StrictBool = True
    owner_id: UUID | None = None
    associations: Associations = Field(default_factory=list)


class TicketPatch(Patch):
    """What to change of a ticket."""

    name: Name = UNCHANGED
    status: Text = UNCHANGED
    open: StrictBool = UNCHANGED
    owner_id: UUID | None = None
    associations: Associations = UNCHANGED


class WholeTicket(Ticket):
    """A ticket and what belongs to it."""

    associations: tuple[Association, ...]


router = record_routes(
    "tickets", lambda crm: crm.records.tickets, (Ticket, WholeTicket, NewTicket, TicketPatch)
)
