"""Timelines of records (R2)."""

from uuid import UUID

from services.crm.application.paging import DEFAULT_LIMIT, place_of
from services.crm.model.base import Page
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.store.records import AllRecords
from services.crm.store.timeline import TimelineStore
from shared.directory.contract import RecordRef
from shared.http.problems import NOT_FOUND, Problem


class Timelines:
    """Reads of timelines."""

    def __init__(self, records: AllRecords, timeline: TimelineStore) -> None:
        self._records = records
        self._timeline = timeline

    async def page(
        self,
        account_id: UUID,
        record: RecordRef,
        after: str | None = None,
        limit: int = DEFAULT_LIMIT,
        type_: TimelineType | None = None,
    ) -> Page[TimelineRow]:
        """Rows of one record, newest first. Problem 404 (no such record), 422 (cursor)."""
        place = place_of(after)
        if not await self._records.names(account_id, [record]):
            raise Problem(NOT_FOUND, "No such record.")
        return await self._timeline.page(account_id, record, place, limit, type_)
