"""What a compose window is told of its recipients, before anything is sent."""

from uuid import UUID

from pydantic import Field

from services.crm.model.base import Model
from shared.directory.contract import UnloggedReason, UntrackedReason
from shared.events.log_decisions import RecordType


class Recipient(Model):
    """An address as the account knows it. `reason`: why opens of it alone can't be tracked."""

    address: str
    contact_id: UUID | None = None
    name: str = ""
    trackable: bool
    reason: UntrackedReason | None = None
    never_logged: bool = Field(default=False, description="on the account's never-log list (L8)")


class OfferedRecord(Model):
    """A record that the mail is logged on unless the rep unticks it (L4). `addresses`: a contact's."""

    record_type: RecordType
    record_id: UUID
    name: str
    addresses: tuple[str, ...] = ()


class TrackBox(Model):
    """The *Track* box. Not `enabled`: whatever is asked, the mail goes untracked, for `reason`."""

    enabled: bool
    reason: UntrackedReason | None = None
    start: bool | None = Field(default=None, description="ticked or not; null: the rep's own default (A5)")


class LogBox(Model):
    """The *Log* box. Not `enabled`: whatever is asked, the mail is not logged, for `reason`."""

    enabled: bool
    reason: UnloggedReason | None = None
    start: bool | None = Field(default=None, description="ticked or not; null: the rep's own default (A3)")


class ComposeContext(Model):
    """One window's recipients, in the order that was asked."""

    recipients: tuple[Recipient, ...]
    records: tuple[OfferedRecord, ...] = Field(description="contacts first, then what belongs to them")
    track: TrackBox
    log: LogBox
