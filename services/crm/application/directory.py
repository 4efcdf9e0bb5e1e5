"""What ingest and logger ask: may this mail be tracked and logged, and by which inputs."""

import asyncio
from uuid import UUID

from services.crm.application.mutes import Mutes
from services.crm.application.privacy import PrivacyReviews
from services.crm.model.failures import AlreadyThere
from services.crm.model.messages import Draft, Message, MessageRecipient
from services.crm.problems import KEY_REUSED, SENDER_NOT_OURS
from services.crm.rules.addresses import fold
from services.crm.rules.files import MessageFile, Rewrite, difference, prepared
from services.crm.rules.policy import decide, sender_is_ours
from services.crm.rules.privacy import may_be_tracked
from services.crm.rules.times import to_milliseconds
from services.crm.store.accounts import Accounts, Users
from services.crm.store.api_tokens import ApiTokens
from services.crm.store.messages import Messages
from services.crm.store.never_log import NeverLogEntries
from services.crm.store.records import AllRecords
from shared.directory.contract import (
    LogInputs,
    Policy,
    PreparedMessage,
    RecipientInput,
    RecordRef,
    TickedRecord,
)
from shared.http.problems import NOT_FOUND, NOT_SIGNED_IN, Problem


class Directory:
    """Answers to Kaifu's other services."""

    def __init__(
        self,
        accounts: Accounts,
        users: Users,
        records: AllRecords,
        messages: Messages,
        never_log: NeverLogEntries,
        afterwards: tuple[PrivacyReviews, Mutes],
        tokens: ApiTokens,
    ) -> None:
        self._never_log = never_log
        self._reviews, self._mutes = afterwards
        self._tokens = tokens
        self._accounts = accounts
        self._users = users
        self._records = records
        self._messages = messages

    async def prepare(self, asked: PreparedMessage) -> Policy:
        """Decide and record; asking again gives the first answer.

        Problem 401 (its API token was revoked), 403 (not the user's own address), 422 (the id was used for
        another mail).
        """
        await self._need_token(asked)
        known = await self._messages.get(asked.account_id, asked.message_id)
        if known is None:
            known = await self._record(asked, await self._decided(asked))
            await self._look_again(asked.account_id, known)
        if known.draft is None:
            known = await self._adopt(asked, await self._decided(asked))
            await self._look_again(asked.account_id, known)
        draft = known.draft
        assert draft is not None
        if draft.fingerprint != asked.fingerprint or known.user_id != asked.user_id:
            raise Problem(KEY_REUSED, "Use a new Idempotency-Key for another message.")
        await self._mutes.meet(asked.account_id, known)
        return policy_of(draft)

    async def _need_token(self, asked: PreparedMessage) -> None:
        """An access token that was got for an API token ends with it, and not minutes later."""
        if asked.api_token_id is None:
            return
        if await self._tokens.get(asked.account_id, asked.api_token_id) is None:
            raise Problem(NOT_SIGNED_IN, "The API token was revoked.")

    async def log_inputs(self, account_id: UUID, message_id: UUID) -> LogInputs:
        """What the logging rules read, kept beside the decision to come. Problem 404."""
        account = await self._accounts.get(account_id)
        message = await self._messages.get(account_id, message_id)
        if account is None or message is None or message.draft is None:
            raise Problem(NOT_FOUND, "No such message.")
        user = await self._users.get(account_id, message.user_id)
        draft = message.draft
        there = await self._records.names(account_id, draft.records)
        to_create = {fold(address) for address in draft.create_contacts}
        never_log = await self._never_log.of(account.id, account.policy_version)
        inputs = LogInputs(
            message_id=message_id,
            account_id=account_id,
            user_id=message.user_id,
            sender_is_ours=sender_is_ours(user, draft.from_address),
            log_asked=draft.log_asked,
            account_logging=account.settings.logging,
            account_marketing=account.settings.marketing_contacts,
            recipients=tuple(
                RecipientInput(
                    slot=to.slot,
                    contact_id=to.contact_id,
                    never_logged_by=never_log.covering(to.address),
                    create_contact=fold(to.address) in to_create,
                )
                for to in draft.recipients
            ),
            ticked=tuple(_ticked(record, there) for record in draft.records),
        )
        await self._messages.keep_inputs(account_id, inputs)
        return inputs

    async def _decided(self, asked: PreparedMessage) -> Draft:
        addresses = [to.address for to in asked.recipients]
        account, user, found = await asyncio.gather(
            self._accounts.get(asked.account_id),
            self._users.get(asked.account_id, asked.user_id),
            self._records.contacts_at(asked.account_id, addresses),
        )
        if account is None or not sender_is_ours(user, asked.from_address):
            raise Problem(SENDER_NOT_OURS, "Send from one of your own addresses, or add it in your profile.")
        never_log = await self._never_log.of(account.id, account.policy_version)
        never_logged = [never_log.covering(address) for address in addresses]
        policy = decide(
            account, asked, [one.legal_basis.kind if one else None for one in found], never_logged
        )
        recipients = tuple(
            MessageRecipient(
                slot=slot,
                address=to.address,
                name=to.name,
                field=to.field,
                contact_id=contact.id if contact else None,
                never_logged_by=entry,
            )
            for slot, (to, contact, entry) in enumerate(
                zip(asked.recipients, found, never_logged, strict=True)
            )
        )
        return draft_of(asked, policy, recipients)

    async def _record(self, asked: PreparedMessage, draft: Draft) -> Message:
        message = Message(
            id=asked.message_id,
            user_id=asked.user_id,
            draft=draft,
            tracked=draft.tracked,
            anonymous=draft.anonymous,
        )
        try:
            await self._messages.add(asked.account_id, message)
        except AlreadyThere:  # another request was faster, or the id is another account's
            found = await self._messages.get(asked.account_id, asked.message_id)
            if found is None:
                raise Problem(KEY_REUSED, "Use a new Idempotency-Key for another message.") from None
            return found
        return message

    async def _look_again(self, account_id: UUID, message: Message) -> None:
        """What changed between decision and writing has met only the mails that were there."""
        account = await self._accounts.get(account_id) if message.tracked else None
        if account is None or message.draft is None or not account.settings.data_privacy:
            return
        ids = {to.contact_id for to in message.draft.recipients if to.contact_id is not None}
        contacts = await self._records.contacts.some(account_id, ids)
        eligible = {id_ for id_, contact in contacts.items() if contact.legal_basis.kind.eligible}
        if not may_be_tracked(account, message, eligible):
            await self._reviews.compare(account_id, message)

    async def _adopt(self, asked: PreparedMessage, draft: Draft) -> Message:
        """The message was known from its events alone: give it its draft."""
        adopted: list[Message] = []

        def rewrite(files: dict[UUID, MessageFile]) -> Rewrite:
            before = files[asked.message_id]
            after = before if before.message.draft else prepared(before, draft)
            adopted[:] = [after.message]
            return difference(asked.account_id, before, after, ())

        await self._messages.rewrite(asked.account_id, [asked.message_id], rewrite)  # type: ignore[arg-type]
        return adopted[0]


def draft_of(asked: PreparedMessage, policy: Policy, recipients: tuple[MessageRecipient, ...]) -> Draft:
    """What is kept of a prepared mail."""
    return Draft(
        source=asked.source,
        from_address=asked.from_address,
        subject=asked.subject,
        recipients=recipients,
        links=asked.links,
        records=asked.records,
        create_contacts=asked.create_contacts,
        fingerprint=asked.fingerprint,
        track_asked=asked.track,
        log_asked=asked.log,
        tracked=policy.tracked,
        untracked_reason=policy.untracked_reason,
        logged=policy.logged,
        unlogged_reason=policy.unlogged_reason,
        anonymous=policy.anonymous,
        policy_version=policy.policy_version,
        prepared_at=to_milliseconds(policy.prepared_at),
        provider_thread_id=asked.provider_thread_id,
    )


def policy_of(draft: Draft) -> Policy:
    """The answer that was given at first."""
    return Policy.model_validate(draft.model_dump(include=set(Policy.model_fields)))


def _ticked(record: RecordRef, there: dict[RecordRef, str]) -> TickedRecord:
    return TickedRecord(record_type=record.record_type, record_id=record.record_id, exists=record in there)
