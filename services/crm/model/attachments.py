"""Attachments of mail: what a timeline names, and where the content is."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from services.crm.model.base import Model


class LeftOut(StrEnum):
    """Why the content of an attachment is not kept (A2, A6, L10)."""

    ATTACHMENTS_OFF = "attachments_off"
    TOO_LARGE = "too_large"
    NOT_LOGGED = "not_logged"
    TOO_OLD = "too_old"


class NamedAttachment(Model):
    """An attachment as a timeline names it."""

    index: int = Field(description="its place in the mail, from 0")
    name: str
    size: int = Field(description="bytes of decoded content")
    stored: bool
    reason: LeftOut | None = Field(default=None, description="why it is not stored")


class Attachment(Model):
    """An attachment as it is kept. `sha256` (hex) None: it was never read to its end.

    `file_id` names the content in GridFS; None: not stored, for `reason`. `type` is safe to answer with.
    """

    index: int
    name: str
    type: str
    size: int
    sha256: str | None
    file_id: UUID | None = None
    reason: LeftOut | None = None

    @property
    def named(self) -> NamedAttachment:
        """Without what only the store needs."""
        return NamedAttachment(
            index=self.index,
            name=self.name,
            size=self.size,
            stored=self.file_id is not None,
            reason=self.reason,
        )

    def same_content(self, other: "Attachment") -> bool:
        """Whether both were read to their end and are alike to the last byte."""
        return self.sha256 is not None and (self.sha256, self.size) == (other.sha256, other.size)
