"""The four kinds of records as pages name them."""

from dataclasses import dataclass

from starlette.requests import Request

from services.crm.web.words import RECORD_PATHS, gettext
from shared.events.log_decisions import RecordType


@dataclass(frozen=True, slots=True)
class Kind:
    """Where a kind's pages are, and texts of the catalogue for them."""

    type: RecordType
    title: str
    search: str
    placeholder: str
    nothing: str
    nothing_found: str
    new: str
    deleted: str

    @property
    def path(self) -> str:
        """The first part of its addresses, e.g. "contacts"."""
        return RECORD_PATHS[self.type]


CONTACTS = Kind(
    type=RecordType.CONTACT,
    title=gettext("Contacts"),
    search=gettext("Search contacts"),
    placeholder=gettext("Name or address"),
    nothing=gettext("No contacts yet"),
    nothing_found=gettext("No contact matches “%(query)s”"),
    new=gettext("New contact"),
    deleted=gettext("The contact is deleted."),
)
COMPANIES = Kind(
    type=RecordType.COMPANY,
    title=gettext("Companies"),
    search=gettext("Search companies"),
    placeholder=gettext("Name or domain"),
    nothing=gettext("No companies yet"),
    nothing_found=gettext("No company matches “%(query)s”"),
    new=gettext("New company"),
    deleted=gettext("The company is deleted."),
)
DEALS = Kind(
    type=RecordType.DEAL,
    title=gettext("Deals"),
    search=gettext("Search deals"),
    placeholder=gettext("Name of the deal"),
    nothing=gettext("No deals yet"),
    nothing_found=gettext("No deal matches “%(query)s”"),
    new=gettext("New deal"),
    deleted=gettext("The deal is deleted."),
)
TICKETS = Kind(
    type=RecordType.TICKET,
    title=gettext("Tickets"),
    search=gettext("Search tickets"),
    placeholder=gettext("Subject of the ticket"),
    nothing=gettext("No tickets yet"),
    nothing_found=gettext("No ticket matches “%(query)s”"),
    new=gettext("New ticket"),
    deleted=gettext("The ticket is deleted."),
)
KINDS = {kind.path: kind for kind in (CONTACTS, COMPANIES, DEALS, TICKETS)}


def kind_of(request: Request) -> Kind:
    """The kind whose page is asked for."""
    return KINDS[request.url.path.split("/")[1]]
