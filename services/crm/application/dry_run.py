"""Trying other settings on past decisions, for super admins (L13). Reads only."""

from services.crm.application.clock import Clock
from services.crm.application.never_log import entries_of
from services.crm.application.policy_changes import PolicyChanges
from services.crm.model.decisions import Decision
from services.crm.model.dry_run import ChangedMail, DryRun, OtherSettings
from services.crm.rules.dry_run import changed, refs
from services.crm.rules.never_log import NeverLogList
from services.crm.store.messages import Messages
from services.crm.store.never_log import NeverLogEntries
from services.crm.store.records import AllRecords
from shared.auth.tokens import SignedIn
from shared.events.log_decisions import LogOutcome

MOST_EXAMINED = 2_000  # decisions, the newest
MOST_SHOWN = 100
_AT_ONCE = 200  # other requests get their turn in between


class DryRuns:
    """What would have been decided on past mail had the settings been others."""

    def __init__(
        self,
        policy: PolicyChanges,
        entries: NeverLogEntries,
        messages: Messages,
        records: AllRecords,
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._entries = entries
        self._messages = messages
        self._records = records
        self._clock = clock

    async def of(self, who: SignedIn, other: OtherSettings) -> DryRun:
        """The newest decisions run again. Problem 403, 422 (an entry that is neither address nor domain)."""
        await self._policy.roles.need_super_admin(who)
        account = await self._policy.account(who.account_id)
        known = await self._entries.all(account.id)
        listed = [*known, *entries_of(who, other.added, self._clock())]
        removed = set(other.removed)
        never_log = NeverLogList(one for one in listed if one.id not in removed)
        logging = account.settings.logging if other.logging is None else other.logging
        tally = _Tally()
        after: str | None = None
        while tally.read < MOST_EXAMINED:
            pairs, after = await self._messages.decided(account.id, after, _AT_ONCE)
            wanted = {ref for _, decision in pairs for ref in refs(decision)}
            names = await self._records.names(account.id, wanted)
            for message, decision in pairs:
                tally.read += 1
                if decision.inputs is None or message.draft is None:
                    tally.skipped += 1
                    continue
                tally.add(decision, changed(message, decision, never_log, names, logging=logging))
            if after is None:
                break
        return tally.result()


class _Tally:
    def __init__(self) -> None:
        self.read = self.skipped = 0
        self._examined = 0
        self._oldest: Decision | None = None
        self._changed = self._no_more = self._now = 0
        self._mails: list[ChangedMail] = []

    def add(self, decision: Decision, mail: ChangedMail | None) -> None:
        self._examined += 1
        self._oldest = decision
        if mail is None:
            return
        self._changed += 1
        if mail.before is not mail.after:
            self._no_more += mail.after is LogOutcome.NOT_LOGGED
            self._now += mail.after is LogOutcome.LOGGED
        if len(self._mails) < MOST_SHOWN:
            self._mails.append(mail)

    def result(self) -> DryRun:
        return DryRun(
            examined=self._examined,
            skipped=self.skipped,
            since=self._oldest.decided_at if self._oldest else None,
            changed=self._changed,
            logged_no_more=self._no_more,
            logged_now=self._now,
            mails=tuple(self._mails),
        )
