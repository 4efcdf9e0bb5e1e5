"""Contacts, companies, deals, tickets, and what belongs together."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from services.crm.model.base import Model
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType


class LegalBasisKind(StrEnum):
    """The contact property *legal basis for processing* (P4)."""

    NONE = "none"
    LEGITIMATE_INTEREST_PROSPECT = "legitimate_interest_prospect"
    LEGITIMATE_INTEREST_CUSTOMER = "legitimate_interest_customer"
    LEGITIMATE_INTEREST_OTHER = "legitimate_interest_other"
    PERFORMANCE_OF_CONTRACT = "performance_of_contract"
    FREELY_GIVEN_CONSENT = "freely_given_consent"
    NOT_APPLICABLE = "not_applicable"

    @property
    def eligible(self) -> bool:
        """Whether a contact with it may be tracked while data privacy is on."""
        return self is not LegalBasisKind.NONE


class LegalBasis(Model):
    """The basis with its date and source, e.g. "web form"."""

    kind: LegalBasisKind = LegalBasisKind.NONE
    since: datetime | None = None
    source: str = ""


class LegalBasisChange(Model):
    """One entry of a contact's history. `user_id` None: no user's doing."""

    id: UUID
    kind: LegalBasisKind
    since: datetime
    source: str = ""
    user_id: UUID | None = None


class BulkOutcome(StrEnum):
    """What became of one of many. `NOT_FOUND`: no contact of the account, or a deleted one."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    NOT_FOUND = "not_found"


class LegalBasisResult(Model):
    """One contact of a change of many."""

    id: UUID
    outcome: BulkOutcome


class Record(Model):
    """What every record has. `version` rises with each change."""

    id: UUID
    name: str
    owner_id: UUID | None = None
    version: int = 1
    created_at: datetime
    updated_at: datetime


class Contact(Record):
    """A person. The first of `addresses` is the main one."""

    addresses: tuple[str, ...] = ()
    job_title: str = ""
    phone: str = ""
    marketing: bool | None = Field(
        default=False, description="counts as a marketing contact; null: it has no marketing status"
    )
    legal_basis: LegalBasis = LegalBasis()


class Company(Record):
    """An organisation."""

    domain: str = ""


class Deal(Record):
    """A sale in the making."""

    stage: str = "new"
    amount: int | None = Field(default=None, description="in the smallest unit of the currency")
    currency: str = ""
    open: bool = True


class Ticket(Record):
    """A request for help."""

    status: str = "new"
    open: bool = True


AnyRecord = Contact | Company | Deal | Ticket


class Association(Model):
    """A record that belongs to another one; `name` is how it is shown."""

    record_type: RecordType
    record_id: UUID
    name: str
    primary: bool = False

    @property
    def ref(self) -> RecordRef:
        """Which record that is."""
        return RecordRef(record_type=self.record_type, record_id=self.record_id)


class ContactDetail(Model):
    """A contact with all that belongs to it: companies (primary first), deals, tickets."""

    contact: Contact
    owner_name: str | None
    associations: tuple[Association, ...]
