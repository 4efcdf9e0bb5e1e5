"""Legal bases of contacts: their history, and a change of many at once (P4)."""

from collections.abc import Container, Sequence
from uuid import UUID

from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.application.paging import DEFAULT_LIMIT, place_of
from services.crm.application.privacy import PrivacyReviews
from services.crm.application.records import eligibility_changed
from services.crm.model.audit import AuditValue
from services.crm.model.base import Page
from services.crm.model.records import (
    BulkOutcome,
    Contact,
    LegalBasis,
    LegalBasisChange,
    LegalBasisResult,
)
from services.crm.rules.legal_bases import change_of, rebased
from services.crm.store.database import Database, Session
from services.crm.store.records import AllRecords
from shared.auth.tokens import SignedIn
from shared.events.ids import new_id
from shared.http.problems import NOT_FOUND, Problem

AT_ONCE = 100  # contacts of one transaction
MOST = 500  # of one change


class LegalBases:
    """Reads and changes; a single contact's basis is changed by editing it."""

    def __init__(
        self,
        database: Database,
        records: AllRecords,
        auditor: Auditor,
        reviews: PrivacyReviews,
        clock: Clock,
    ) -> None:
        self._reviews = reviews
        self._database = database
        self._records = records
        self._auditor = auditor
        self._clock = clock

    async def history(
        self, account_id: UUID, contact_id: UUID, after: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[LegalBasisChange]:
        """The changes of a contact's basis, newest first. Problem 404, 422 (cursor)."""
        place = place_of(after)
        if await self._records.contacts.get(account_id, contact_id) is None:
            raise Problem(NOT_FOUND, "No such contact.")
        return await self._records.legal_bases.page(account_id, contact_id, place, limit)

    async def change_all(
        self, who: SignedIn, contact_ids: Sequence[UUID], basis: LegalBasis
    ) -> list[LegalBasisResult]:
        """Give these contacts a basis, some at a time; what became of each, in their order.

        A failure leaves some changed and some not: repeating it changes the rest.
        """
        ids = list(dict.fromkeys(contact_ids))
        results: list[LegalBasisResult] = []
        for start in range(0, len(ids), AT_ONCE):
            results += await self._change(who, ids[start : start + AT_ONCE], basis)
        return results

    async def _change(self, who: SignedIn, ids: Sequence[UUID], basis: LegalBasis) -> list[LegalBasisResult]:
        now = self._clock()

        async def body(session: Session) -> list[LegalBasisResult]:
            known = await self._records.contacts.some(who.account_id, ids, session)
            changed: dict[UUID, Contact] = {}
            history: dict[UUID, LegalBasisChange] = {}
            for contact in known.values():
                after = rebased(contact.legal_basis, basis, now)
                change = change_of(contact.legal_basis, after, who.user_id, new_id(), now)
                if change is not None:
                    history[contact.id] = change
                    changed[contact.id] = contact.model_copy(
                        update={"legal_basis": after, "version": contact.version + 1, "updated_at": now}
                    )
            await self._records.contacts.replace_all(who.account_id, changed.values(), session)
            await self._records.legal_bases.add_all(who.account_id, history, session)
            moved = [id_ for id_, now in changed.items() if eligibility_changed(known[id_], now)]
            await self._reviews.bases_changed(who.account_id, moved, session)
            if changed:
                await self._auditor.note(who, _noted(len(changed), basis), session)
            return [LegalBasisResult(id=id_, outcome=_outcome(id_, known, changed)) for id_ in ids]

        results = await self._database.in_transaction(body)
        self._reviews.wake()
        return results


def _outcome(id_: UUID, known: Container[UUID], changed: Container[UUID]) -> BulkOutcome:
    if id_ in changed:
        return BulkOutcome.CHANGED
    return BulkOutcome.UNCHANGED if id_ in known else BulkOutcome.NOT_FOUND


def _noted(contacts: int, basis: LegalBasis) -> Change:
    after: dict[str, AuditValue] = {"contacts": contacts, "kind": basis.kind.value, "source": basis.source}
    return Change("contacts.legal_basis_changed", {}, after)
