"""On which records a logged mail stands, put right by hand (R3)."""

from collections.abc import Callable, Collection
from uuid import UUID

from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.model.mails import MailAssociations, NamedRecord
from services.crm.problems import MAIL_NOT_LOGGED, NEVER_LOGGED, NO_SUCH_RECORD, PRECONDITION_FAILED
from services.crm.rules.files import MessageFile, Rewrite, difference
from services.crm.rules.hand_edits import MOST_EDITS, MOST_RECORDS, put_right, version_of
from services.crm.rules.mails import is_logged, never_listed, stands_on, visible
from services.crm.rules.never_log import NeverLogList
from services.crm.rules.versions import Expected, fits
from services.crm.store.accounts import Accounts
from services.crm.store.database import Session
from services.crm.store.messages import Messages
from services.crm.store.never_log import NeverLogEntries
from services.crm.store.pins import PinStore
from services.crm.store.records import AllRecords
from shared.auth.tokens import SignedIn
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from shared.http.problems import CONFLICT, INVALID, NOT_FOUND, Problem

Refs = frozenset[RecordRef]


class MailAssociationsBook:
    """Any user of the account may put them right: a logged mail is everybody's to see.

    What is changed by hand holds, whatever is delivered again or decided again, and counts for one mail. A
    deleted record keeps its mail, unseen, as it keeps its own associations. The last record can't be taken
    off: a mail that stands nowhere would be found by nobody, and taking it off everything is deleting it,
    which asks first and takes its body too.
    """

    def __init__(
        self,
        messages: Messages,
        stores: tuple[AllRecords, PinStore, Auditor],
        policy: tuple[Accounts, NeverLogEntries],
        clock: Clock,
    ) -> None:
        self._messages = messages
        self._records, self._pins, self._auditor = stores
        self._accounts, self._never_log = policy
        self._clock = clock

    async def get(self, who: SignedIn, message_id: UUID) -> MailAssociations:
        """Where it stands. Problem 404, 409 (not logged)."""
        file = _logged(await self._messages.file(who.account_id, message_id), who)
        names = await self._records.names(who.account_id, stands_on(file))
        records = tuple(
            NamedRecord(record_type=ref.record_type, record_id=ref.record_id, name=names[ref])
            for ref in sorted(names, key=lambda ref: (ref.record_type, names[ref], ref.record_id))
        )
        return MailAssociations(records=records, version=version_of(names))

    async def replace(
        self, who: SignedIn, message_id: UUID, asked: Collection[RecordRef], expected: Expected = None
    ) -> MailAssociations:
        """Let it stand on these records alone.

        Problem 404, 409 (not logged; edited too often), 412 (not of an expected version), 422 (none or too
        many; a record that is not there; a contact that the never-log list covers, now or when the mail was
        sent: its `record_ids`).
        """
        return await self._edit(who, message_id, lambda _: frozenset(asked), expected)

    async def change(
        self, who: SignedIn, message_id: UUID, added: Collection[RecordRef], removed: Collection[RecordRef]
    ) -> MailAssociations:
        """Add and remove, whatever others do at the same time. Problem as of `replace`, but for 412."""
        return await self._edit(who, message_id, lambda now: (now | frozenset(added)) - frozenset(removed))

    async def _edit(
        self, who: SignedIn, message_id: UUID, wanted: Callable[[Refs], Refs], expected: Expected = None
    ) -> MailAssociations:
        account = await self._accounts.get(who.account_id)
        listed = await self._never_log.of(who.account_id, account.policy_version if account else 0)

        async def editor(found: MessageFile | None, session: Session) -> Rewrite:
            before, now = _logged(found, who), self._clock()
            seen = frozenset(await self._records.names(who.account_id, stands_on(before), session))
            if not fits(expected, version_of(seen)):
                raise Problem(PRECONDITION_FAILED, "Read the associations again, then repeat the change.")
            asked = wanted(seen)
            added, removed = asked - seen, seen - asked
            if not added and not removed:
                return Rewrite()
            after = put_right(before, added, removed, who.user_id, now)
            _check_bounds(asked, after)
            await self._check(who.account_id, before, added, listed, session)
            await self._unpin(who.account_id, removed, message_id, session)
            await self._auditor.note(who, _noted(message_id, added, removed), session)
            return difference(who.account_id, before, after, ())

        await self._messages.edit(who.account_id, message_id, editor)
        return await self.get(who, message_id)

    async def _check(
        self, account_id: UUID, file: MessageFile, added: Refs, listed: NeverLogList, session: Session
    ) -> None:
        """Whatever it is put on must be in the account, and no contact that is never logged (L8). Companies
        may be of a listed domain, as they may be ticked in the compose window."""
        if len(await self._records.names(account_id, added, session)) != len(added):
            raise Problem(NO_SUCH_RECORD, "A record to associate does not exist.")
        ids = [ref.record_id for ref in added if ref.record_type is RecordType.CONTACT]
        contacts = await self._records.contacts.some(account_id, ids, session)
        covered = never_listed(file) & contacts.keys()
        covered |= {id_ for id_, one in contacts.items() if any(map(listed.covering, one.addresses))}
        if covered:
            raise Problem(
                NEVER_LOGGED,
                "Leave out the contacts of `record_ids`: no mail is logged on them.",
                record_ids=sorted(map(str, covered)),
            )

    async def _unpin(self, account_id: UUID, removed: Refs, message_id: UUID, session: Session) -> None:
        for ref in removed:
            known = await self._pins.of(account_id, ref, session)
            if message_id in known:
                left = [one for one in known if one != message_id]
                await self._pins.put(account_id, ref, left, session)


def _logged(file: MessageFile | None, who: SignedIn) -> MessageFile:
    if file is None or not visible(file.message, file.decision, who.user_id):
        raise Problem(NOT_FOUND, "No such mail.")
    if not is_logged(file.message, file.decision):
        raise Problem(MAIL_NOT_LOGGED, "Only a logged mail stands on records.")
    return file


def _check_bounds(asked: Refs, after: MessageFile) -> None:
    if not asked:
        raise Problem(INVALID, "A logged mail stands on at least one record: delete it instead.")
    if len(asked) > MOST_RECORDS:
        raise Problem(INVALID, f"A mail stands on at most {MOST_RECORDS} records.")
    if len(after.message.hand_edits) > MOST_EDITS:
        raise Problem(CONFLICT, f"At most {MOST_EDITS} records of a mail are edited by hand.")


def _noted(message_id: UUID, added: Refs, removed: Refs) -> Change:
    before = {"removed": _named(removed)} if removed else {}
    after = {"message_id": str(message_id)} | ({"added": _named(added)} if added else {})
    return Change("mail.associations_changed", before, after)


def _named(refs: Refs) -> str:
    return ", ".join(sorted(f"{ref.record_type.value} {ref.record_id}" for ref in refs))
