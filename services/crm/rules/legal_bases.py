"""The legal basis for processing and what a change of it leaves behind (P4)."""

from datetime import datetime
from uuid import UUID

from services.crm.model.records import LegalBasis, LegalBasisChange


def rebased(before: LegalBasis, asked: LegalBasis, now: datetime) -> LegalBasis:
    """The basis as it is from now on: dated by its change. The same kind and source again are no change."""
    if (asked.kind, asked.source) == (before.kind, before.source):
        return before
    return asked.model_copy(update={"since": now})


def change_of(
    before: LegalBasis, after: LegalBasis, by: UUID | None, id_: UUID, now: datetime
) -> LegalBasisChange | None:
    """What the history keeps of it; None where nothing changed."""
    if after == before:
        return None
    return LegalBasisChange(
        id=id_, kind=after.kind, source=after.source, since=after.since or now, user_id=by
    )
