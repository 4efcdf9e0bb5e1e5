"""Messages with their engagements and decisions: read together, rewritten together."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.base import Page
from services.crm.model.decisions import Decision
from services.crm.model.engagements import Engagement
from services.crm.model.messages import Message
from services.crm.rules.accuracy import Place
from services.crm.rules.feed import feed_place
from services.crm.rules.files import MessageFile, Newcomers, Rewrite, contact_of, met
from services.crm.rules.places import cursor, place
from services.crm.rules.uploads import Fate, fate
from services.crm.store.accuracy import VerdictCounts, counted_fields, counted_place
from services.crm.store.attachments import AttachmentFiles
from services.crm.store.bodies import Bodies
from services.crm.store.database import AccountDocuments, Database, Document, Session
from services.crm.store.documents import document, value
from services.crm.store.outbox import Outbox
from services.crm.store.records import AllRecords
from services.crm.store.timeline import TimelineStore
from services.crm.store.webhooks import Announcer
from shared.directory.contract import LogInputs
from shared.events.log_decisions import LogDecided
from shared.telemetry.names import ENGAGEMENTS_STORED

_WITH_BODY: Document = {"has_body": True}
_WITH_FILES: Document = {"attachments": {"$elemMatch": {"file_id": {"$ne": None}}}}
Rewriter = Callable[[Mapping[UUID, MessageFile]], Rewrite]
Editor = Callable[[MessageFile | None, Session], Awaitable[Rewrite]]
Also = Callable[[Rewrite, Session], Awaitable[None]]
SHOWN_ENGAGEMENTS = 200
_LONGEST_THREAD = 200
# Below every place, which are digits. Not "": SecantusDB finds nothing above it in a descending index.
_BEFORE_ALL = "0"


class Messages:
    """What reps send, and what became of it."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        timeline: TimelineStore,
        uploads: tuple[Bodies, AttachmentFiles],
        records: AllRecords,
        announcer: Announcer,
    ) -> None:
        self._records = records
        self._announcer = announcer
        self._database = database
        self._outbox = outbox
        self._timeline = timeline
        self._bodies, self._files = uploads
        self._counts = VerdictCounts(database)
        feed = IndexModel([("account_id", 1), ("user_id", 1), ("feed_place", -1)])
        to_contact = IndexModel([("account_id", 1), ("draft.recipients.contact_id", 1), ("_id", 1)])
        thread = IndexModel([("account_id", 1), ("user_id", 1), ("draft.provider_thread_id", 1)])
        self._messages = AccountDocuments(database, "messages", [feed, to_contact, thread])
        by_message = IndexModel([("account_id", 1), ("message_id", 1)])
        self._engagements = AccountDocuments(database, "engagements", [by_message])
        newest = IndexModel([("account_id", 1), ("place", -1)])
        self._decisions = AccountDocuments(database, "decisions", [newest])

    async def get(self, account_id: UUID, message_id: UUID) -> Message | None:
        """One message, prepared or not."""
        found = await self._messages.get(account_id, message_id)
        return None if found is None else value(Message, found)

    async def add(self, account_id: UUID, message: Message) -> None:
        """A newly prepared message. Raises AlreadyThere."""
        await self._messages.insert(account_id, message.id, message_document(message))

    async def feed(self, account_id: UUID, user_id: UUID, after: str | None, limit: int) -> Page[Message]:
        """Sent and tracked messages of one rep, newest first; `after` is a place."""
        where = {"user_id": user_id, "feed_place": {"$lt": after} if after else {"$gt": _BEFORE_ALL}}
        found = await self._messages.find(account_id, where, sort=("feed_place", -1), limit=limit + 1)
        rows = tuple(value(Message, message) for message in found[:limit])
        more = len(found) > limit
        return Page(items=rows, next=cursor(found[limit - 1]["feed_place"]) if more else None)

    async def tracked(
        self,
        account_id: UUID,
        contact_id: UUID | None,
        after: UUID | None,
        limit: int,
        session: Session | None = None,
    ) -> list[Message]:
        """Tracked mail to a contact (None: to anybody) in the order of its ids, after the one given."""
        where: dict[str, Any] = {"tracked": True}
        if contact_id is not None:
            where["draft.recipients.contact_id"] = contact_id
        if after is not None:
            where["_id"] = {"$gt": after}
        found = await self._messages.find(account_id, where, sort=("_id", 1), limit=limit, session=session)
        return [value(Message, message) for message in found]

    async def with_old_content(
        self, account_id: UUID, before: datetime, after: UUID | None, limit: int
    ) -> list[UUID]:
        """Mails from before then that have a body or attachments, in the order of ids after the one given."""
        where: dict[str, Any] = {"$and": [_older(before), {"$or": [_WITH_BODY, _WITH_FILES]}]}
        if after is not None:
            where["_id"] = {"$gt": after}
        found = await self._messages.find(account_id, where, sort=("_id", 1), limit=limit)
        return [one["_id"] for one in found]

    async def old_content_count(self, account_id: UUID, before: datetime) -> tuple[int, int]:
        """How many mails from before then have a body, and how many have attachments."""
        bodies = await self._messages.count(account_id, {"$and": [_older(before), _WITH_BODY]})
        return bodies, await self._messages.count(account_id, {"$and": [_older(before), _WITH_FILES]})

    async def engagements(self, account_id: UUID, message_id: UUID) -> tuple[Engagement, ...]:
        """The newest engagements of a message, newest first."""
        found = await self._engagements.find(account_id, {"message_id": message_id})
        known = [value(Engagement, engagement) for engagement in found]
        known.sort(key=lambda engagement: (engagement.occurred_at, engagement.id), reverse=True)
        return tuple(known[:SHOWN_ENGAGEMENTS])

    async def all_engagements(self, account_id: UUID, message_ids: Sequence[UUID]) -> list[Engagement]:
        """Every engagement of these messages, in no order."""
        found = await self._engagements.find(account_id, {"message_id": {"$in": list(message_ids)}})
        return [value(Engagement, engagement) for engagement in found]

    async def tracked_count(self, account_id: UUID) -> int:
        """How many tracked mails there are."""
        return await self._messages.count(account_id, {"tracked": True})

    async def decision(self, account_id: UUID, message_id: UUID) -> Decision | None:
        """The decision on a message, once there is one."""
        found = await self._decisions.get(account_id, message_id)
        return None if found is None else _decision(found)

    async def decided(
        self, account_id: UUID, after: str | None, limit: int
    ) -> tuple[list[tuple[Message, Decision]], str | None]:
        """Decisions with their messages, the newest first, and the place to go on from."""
        where = {"place": {"$lt": after} if after else {"$gt": _BEFORE_ALL}}
        found = await self._decisions.find(account_id, where, sort=("place", -1), limit=limit)
        ids = [one["_id"] for one in found]
        messages = {
            one["_id"]: value(Message, one)
            for one in await self._messages.find(account_id, {"_id": {"$in": ids}})
        }
        pairs = [(messages[one["_id"]], _decision(one)) for one in found if one["_id"] in messages]
        known = [(message, decision) for message, decision in pairs if decision is not None]
        return known, found[-1]["place"] if len(found) == limit else None

    async def keep_inputs(self, account_id: UUID, inputs: LogInputs) -> None:
        """Keep what the logger was told, until it has decided; a later question changes nothing."""
        decided = await self._decisions.get(account_id, inputs.message_id)
        if decided is None or decided.get("decided") is None:
            change = {"$set": {"inputs": inputs.model_dump_json()}}
            await self._decisions.update(account_id, inputs.message_id, change, upsert=True)

    async def file(self, account_id: UUID, message_id: UUID) -> MessageFile | None:
        """A message with its decision, without its engagements."""
        message = await self.get(account_id, message_id)
        if message is None:
            return None
        return MessageFile(message, decision=await self.decision(account_id, message_id))

    async def thread(self, account_id: UUID, user_id: UUID, thread_id: str) -> list[MessageFile]:
        """The mails of a thread of one rep's mailbox (its mail system numbers them), with their decisions.
        At most 200."""
        where = {"user_id": user_id, "draft.provider_thread_id": thread_id}
        found = await self._messages.find(account_id, where, limit=_LONGEST_THREAD)
        ids = [message["_id"] for message in found]
        decisions = await self._decisions.find(account_id, {"_id": {"$in": ids}})
        decided = {decision["_id"]: _decision(decision) for decision in decisions}
        return [MessageFile(value(Message, one), decision=decided.get(one["_id"])) for one in found]

    async def rewrite(
        self,
        account_id: UUID,
        message_ids: Collection[UUID],
        rewriter: Rewriter,
        also: Also | None = None,
    ) -> None:
        """Read the files, let the rewriter decide, write it all in one transaction, and what `also` writes.

        Both may be called several times. Raises DatabaseAway.
        """

        async def body(session: Session) -> tuple[Rewrite, bool]:
            changes = rewriter(await self._read(account_id, list(message_ids), session))
            for newcomers in changes.newcomers:
                changes += await self._meet(account_id, newcomers, session)
            await self._write(account_id, changes, session)
            if also is not None:
                await also(changes, session)
            return changes, await self._announcer.tell(account_id, changes.transitions, session)

        changes, is_told = await self._database.in_transaction(body)
        for engagement in changes.engagements:
            ENGAGEMENTS_STORED.labels(engagement.kind.value).inc()
        if is_told:
            self._announcer.asked.set()

    async def edit(self, account_id: UUID, message_id: UUID, editor: Editor) -> None:
        """The same for one mail, where deciding takes more reading. The editor may be called several times.
        Raises DatabaseAway."""

        async def body(session: Session) -> None:
            files = await self._read(account_id, [message_id], session)
            changes = await editor(files.get(message_id), session)
            await self._write(account_id, changes, session)
            await self._announcer.tell(account_id, changes.transitions, session)

        await self._database.in_transaction(body)

    async def _meet(self, account_id: UUID, newcomers: Newcomers, session: Session) -> Rewrite:
        """Give recipients their contacts: L5. In the same transaction, so that none is made twice."""
        contacts = {
            to.slot: await self._records.found_or_made(
                account_id, to.address, partial(contact_of, newcomers, to), session
            )
            for to in newcomers.recipients
        }
        return met(account_id, newcomers, contacts)

    async def _read(
        self, account_id: UUID, message_ids: list[UUID], session: Session
    ) -> dict[UUID, MessageFile]:
        keyed, of_these = {"_id": {"$in": message_ids}}, {"message_id": {"$in": message_ids}}
        messages = await self._messages.find(account_id, keyed, session=session)
        engagements = await self._engagements.find(account_id, of_these, session=session)
        decisions = await self._decisions.find(account_id, keyed, session=session)
        by_message: dict[UUID, dict[UUID, Engagement]] = {}
        counted: dict[UUID, dict[UUID, Place]] = {}
        for found in engagements:
            by_message.setdefault(found["message_id"], {})[found["_id"]] = value(Engagement, found)
            if (at := counted_place(found)) is not None:
                counted.setdefault(found["message_id"], {})[found["_id"]] = at
        decided = {found["_id"]: _decision(found) for found in decisions}
        return {
            found["_id"]: MessageFile(
                message=value(Message, found),
                engagements=by_message.get(found["_id"], {}),
                decision=decided.get(found["_id"]),
                counted=counted.get(found["_id"], {}),
            )
            for found in messages
        }

    async def _write(self, account_id: UUID, changes: Rewrite, session: Session) -> None:
        messages = {message.id: message_document(message) for message in changes.messages}
        await self._messages.put_all(account_id, messages, session)
        counted = {one.engagement_id: counted_fields(one.after) for one in changes.recounts}
        engagements = {one.id: {**document(one), **counted.get(one.id, {})} for one in changes.engagements}
        await self._engagements.put_all(account_id, engagements, session)
        await self._counts.add(account_id, changes.recounts, session)
        decided = {decision.message_id: {"$set": _decided_fields(decision)} for decision in changes.decisions}
        await self._decisions.update_all(account_id, decided, session, upsert=True)
        await self._bodies.settle(account_id, changes.bodies, session)
        await self._files.settle(account_id, changes.files, session)
        pending = any(file_fate is Fate.PENDING for _, file_fate in changes.files)
        for message in changes.messages:
            if pending or message.deleted_at is not None or message.hand_edits:
                await self._meet_decision(account_id, message.id, session)
        await self._meet_deletion(account_id, changes, session)
        await self._timeline.put_all(account_id, changes.rows, session)
        await self._timeline.delete_all(account_id, changes.rows_gone, session)
        await self._outbox.add(account_id, changes.events, session)

    async def keep_body(self, account_id: UUID, message_id: UUID, html: str, text: str) -> bool:
        """Keep an uploaded body as long as the decision says; whether the message is known."""

        async def body(session: Session) -> bool:
            known = await self._messages.get(account_id, message_id, session)
            if known is None:
                return False
            decided = await self._decisions.get(account_id, message_id, session)
            settled = fate(value(Message, known), _decision(decided) if decided else None)
            change = {"$set": {"has_body": settled is not Fate.DISCARDED}}
            await self._messages.update(account_id, message_id, change, session=session)
            await self._bodies.put(account_id, message_id, html, text, session)
            await self._bodies.settle(account_id, [(message_id, settled)], session)
            if settled is Fate.PENDING:
                await self._meet_decision(account_id, message_id, session)
            return True

        return await self._database.in_transaction(body)

    async def _meet_decision(self, account_id: UUID, message_id: UUID, session: Session) -> None:
        """Write where a decision is written, so that one made at the same time conflicts with the upload,
        deletion or edit by hand: one of the two is done again and sees the other."""
        counted = {"$inc": {"uploads": 1}}
        await self._decisions.update(account_id, message_id, counted, upsert=True, session=session)

    async def _meet_deletion(self, account_id: UUID, changes: Rewrite, session: Session) -> None:
        """The same for rows: who writes one also writes where a deletion is written."""
        met = {message.id for message in changes.messages}
        met |= {decision.message_id for decision in changes.decisions}
        counted = {row.message_id: {"$inc": {"row_writes": 1}} for row in changes.rows}
        others = {id_: change for id_, change in counted.items() if id_ not in met}
        await self._messages.update_all(account_id, others, session)


def _older(before: datetime) -> Document:
    """By when a mail was sent; one that never was, by when it was prepared."""
    unsent = {"sent_at": None, "draft.prepared_at": {"$lt": before}}
    return {"$or": [{"sent_at": {"$lt": before}}, unsent]}


def message_document(message: Message) -> Document:
    """With the place that it has in its rep's feed."""
    return {**document(message), "feed_place": feed_place(message)}


def _decided_fields(decision: Decision) -> Document:
    at = place(decision.decided_at, decision.message_id)
    return {"decided": decision.decided.model_dump_json(), "place": at}


def _decision(found: Document) -> Decision | None:
    if found.get("decided") is None:
        return None
    inputs = found.get("inputs")
    return Decision(
        message_id=found["_id"],
        decided=LogDecided.model_validate_json(found["decided"]),
        inputs=LogInputs.model_validate_json(inputs) if inputs else None,
    )
