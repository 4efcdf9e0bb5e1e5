"""One function per event: what it changes in a shard, answered as what there is to tell."""

from datetime import datetime

from services.tracker.looks import look_of
from services.tracker.model import ALWAYS, Beacon, Change, Hit, Related, SendState, Sent
from services.tracker.revocations import Revocations
from services.tracker.rules.inferred import REPLIED
from services.tracker.rules.networks import client_of, is_ipv6
from services.tracker.rules.rulesets import RuleSet
from services.tracker.shard import Shard
from shared.events.base import Event
from shared.events.engagements import EngagementKind
from shared.events.hits import (
    AnyHitEvent,
    Endpoint,
    HitRecorded,
    HitRelated,
    ReplyReceived,
    ViewingReported,
)
from shared.events.sends import MessageCancelled, MessageScheduled, SendEvent


def handle(
    shard: Shard, revocations: Revocations, event: Event, now: datetime, *, again: bool
) -> list[Change]:
    """What an event of email.sends or email.hits changes. `now`: when it is read, for letting go of memory.

    `again`: it was handled before, and is read again to rebuild the state.
    """
    if isinstance(event, (HitRecorded, ViewingReported, HitRelated, ReplyReceived)):
        if is_revoked(revocations, event, told_already=again):
            return []
        if isinstance(event, HitRecorded):
            return hit_recorded(shard, event, now, again=again)
        if isinstance(event, HitRelated):
            return hit_related(shard, event, now)
        if isinstance(event, ReplyReceived):
            return reply_received(shard, event, now, again=again)
        return viewing_reported(shard, event, now)
    if isinstance(event, SendEvent):
        return message_changed(shard, event, now, again=again)
    raise TypeError(f"{type(event).__name__} is no business of the tracker")


def message_changed(shard: Shard, event: SendEvent, now: datetime, *, again: bool) -> list[Change]:
    """Sent, scheduled or cancelled. Hits that waited for it are judged now."""
    return shard.put_send(event.message_id, sent_of(event), now, again=again)


def hit_recorded(shard: Shard, event: HitRecorded, now: datetime, *, again: bool) -> list[Change]:
    """A pixel or a link was fetched."""
    return shard.put_hit(event.message_id, hit_of(event, shard.rules), now, again=again)


def viewing_reported(shard: Shard, event: ViewingReported, now: datetime) -> list[Change]:
    """A user looks at a message; only its own sender's word counts, which the judging checks."""
    return shard.put_beacon(event.message_id, beacon_of(event), now)


def reply_received(shard: Shard, event: ReplyReceived, now: datetime, *, again: bool) -> list[Change]:
    """The message was answered; only its own sender's word counts, which the judging checks."""
    return shard.put_hit(event.message_id, reply_of(event), now, again=again)


def hit_related(shard: Shard, event: HitRelated, now: datetime) -> list[Change]:
    """A hit belongs to what was fetched from other messages."""
    related = Related(event.occurred_at, event.hit_id, event.rule, event.value)
    return shard.put_related(event.message_id, related, now)


def released(shard: Shard, revocations: Revocations, now: datetime) -> list[Change]:
    """What was held and is due: told now, but for messages revoked meanwhile (P4, A4)."""
    return [
        change
        for change in shard.release(now)
        if revocations.since(change.message_id, change.sent.account_id) is None
    ]


def is_revoked(revocations: Revocations, event: AnyHitEvent, *, told_already: bool) -> bool:
    """Whether nothing may be made of it (P4, A4). `told_already`: it is read again to rebuild the state,
    where what came before the revocation still counts as a first open."""
    since = revocations.since(event.message_id, event.account_id)
    return since is not None and (not told_already or event.occurred_at >= since)


def sent_of(event: SendEvent) -> Sent:
    """A scheduled mail counts as sent from its time on: nobody may be there to confirm it."""
    state, judged_from = SendState.SENT, ALWAYS
    if isinstance(event, MessageScheduled):
        state, judged_from = SendState.SCHEDULED, event.send_at
    elif isinstance(event, MessageCancelled):
        state = SendState.CANCELLED
    is_judged = event.tracked and state is not SendState.CANCELLED
    return Sent(
        event.event_id,
        state,
        event.send_at if isinstance(event, MessageScheduled) else event.occurred_at,
        judged_from if is_judged else None,
        event.account_id,
        event.user_id,
        event.recipient_count,
        event.anonymous,
        event.tracked,
        event.provider_thread_id,
    )


def hit_of(event: HitRecorded, rules: RuleSet) -> Hit:
    """The hit without address and agent."""
    return Hit(
        event.occurred_at,
        event.event_id,
        EngagementKind.OPEN if event.endpoint is Endpoint.PIXEL else EngagementKind.CLICK,
        event.slot,
        event.link_index,
        event.method == "HEAD",
        *look_of(event, rules),
    )


def reply_of(event: ReplyReceived) -> Hit:
    """The reply, in its place among the hits since it was told, of no client."""
    return Hit(
        event.occurred_at,
        event.event_id,
        EngagementKind.OPEN,
        event.slot,
        None,
        is_head=False,
        client=0,
        browser=0,
        address=None,
        finding=REPLIED,
        told_by=(event.account_id, event.user_id),
        replied_at=event.replied_at,
    )


def beacon_of(event: ViewingReported) -> Beacon:
    """The report without address and agent."""
    return Beacon(
        event.occurred_at,
        event.event_id,
        event.account_id,
        event.user_id,
        hash(event.user_agent) if event.user_agent else None,
        None if event.client_address is None else hash(client_of(event.client_address)),
        is_ipv6(event.client_address or ""),
    )
