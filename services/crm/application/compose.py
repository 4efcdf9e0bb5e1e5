"""What a compose window is told of its recipients: the same rules as at prepare, before it."""

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID

from services.crm.model.accounts import Account
from services.crm.model.compose import ComposeContext, LogBox, Recipient, TrackBox
from services.crm.model.records import Contact
from services.crm.rules.addresses import fold
from services.crm.rules.compose import Belonging, offered
from services.crm.rules.never_log import NeverLogList
from services.crm.rules.policy import why_unlogged, why_untracked
from services.crm.store.accounts import Accounts
from services.crm.store.never_log import NeverLogEntries
from services.crm.store.records import AllRecords
from shared.events.log_decisions import RecordType
from shared.http.problems import NOT_FOUND, Problem


class ComposeContexts:
    """Reads, in a handful of queries however many recipients there are."""

    def __init__(self, accounts: Accounts, records: AllRecords, never_log: NeverLogEntries) -> None:
        self._accounts = accounts
        self._records = records
        self._never_log = never_log

    async def of(self, account_id: UUID, addresses: Sequence[str]) -> ComposeContext:
        """The context of a mail to these. Problem 404 (the account is gone)."""
        account, found = await asyncio.gather(
            self._accounts.get(account_id), self._records.contacts_at(account_id, addresses)
        )
        if account is None:
            raise Problem(NOT_FOUND, "No such account.")
        contacts = list({one.id: one for one in found if one is not None}.values())
        never_log = await self._never_log.of(account.id, account.policy_version)
        return ComposeContext(
            recipients=tuple(
                _recipient(account, address, contact, never_log)
                for address, contact in zip(addresses, found, strict=True)
            ),
            records=offered(contacts, await self._belonging(account_id, contacts)),
            track=_track_box(account, found),
            log=_log_box(account, [never_log.covering(address) for address in addresses]),
        )

    async def _belonging(self, account_id: UUID, contacts: Iterable[Contact]) -> Belonging:
        pairs = await self._records.associations.of_contacts(account_id, [one.id for one in contacts])

        def ids(type_: RecordType) -> set[UUID]:
            found = (ref for belonging in pairs.values() for ref, _ in belonging)
            return {ref.record_id for ref in found if ref.record_type is type_}

        companies, deals, tickets = await asyncio.gather(
            self._records.companies.some(account_id, ids(RecordType.COMPANY)),
            self._records.deals.some(account_id, ids(RecordType.DEAL)),
            self._records.tickets.some(account_id, ids(RecordType.TICKET)),
        )
        return Belonging(pairs, companies, deals, tickets)


def _track_box(account: Account, found: Sequence[Contact | None]) -> TrackBox:
    reason = why_untracked(account, [one.legal_basis.kind if one else None for one in found])
    if reason == "no_legal_basis" and not found:  # nobody yet: whoever comes may have one
        reason = None
    return TrackBox(enabled=reason is None, reason=reason, start=account.settings.track_start)


def _log_box(account: Account, never_logged: Sequence[UUID | None]) -> LogBox:
    reason = why_unlogged(account, never_logged)
    return LogBox(enabled=reason is None, reason=reason, start=account.settings.log_start)


def _recipient(account: Account, address: str, contact: Contact | None, never_log: NeverLogList) -> Recipient:
    reason = why_untracked(account, [contact.legal_basis.kind if contact else None])
    return Recipient(
        address=fold(address),
        contact_id=contact.id if contact else None,
        name=contact.name if contact else "",
        trackable=reason is None,
        reason=reason,
        never_logged=never_log.covering(address) is not None,
    )
