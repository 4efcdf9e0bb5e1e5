"""Events as the tracker gets them, with times counted in seconds from the send."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.tracker import handlers
from services.tracker.outputs import events_of
from services.tracker.shard import Shard
from shared.events.base import Event
from shared.events.catalogue import topic_of
from shared.events.codec import decode, encode
from shared.events.engagements import EngagementJudged
from shared.events.hits import (
    AcrossMessages,
    Endpoint,
    HitRecorded,
    HitRelated,
    ReplyReceived,
    ViewingReported,
)
from shared.events.ids import derived_id
from shared.events.notifications import NotificationRaised, NotificationRetracted
from shared.events.sends import MessageCancelled, MessageScheduled, MessageSent, SendEvent, Source

SENT_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ACCOUNT, USER, MESSAGE = (derived_id("made", name) for name in ("account", "user", "message"))
GOOGLE_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
YAHOO_PROXY = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
CHROME = "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GOOGLE_ADDRESS, OTHER_ADDRESS = "66.249.84.10", "198.51.100.7"


def at(seconds: float) -> datetime:
    """That long after the send."""
    return SENT_AT + timedelta(seconds=seconds)


def message(
    state: type[SendEvent] = MessageSent,
    *,
    when: float = 0,
    message_id: UUID = MESSAGE,
    recipients: int = 1,
    **other: object,
) -> SendEvent:
    fields: dict[str, object] = {
        "event_id": derived_id("sends", message_id, state.__name__),
        "occurred_at": at(when),
        "account_id": ACCOUNT,
        "message_id": message_id,
        "user_id": USER,
        "source": Source.GMAIL,
        "tracked": True,
        "logged": False,
        "recipient_count": recipients,
        "link_count": 2,
        "policy_version": 1,
        "prepared_at": at(when - 1),
    }
    return state(**(fields | other))


def hit(
    when: float,
    *,
    agent: str = CHROME,
    address: str | None = OTHER_ADDRESS,
    link: int | None = None,
    name: object = "",
    method: str = "GET",
    slot: int | None = None,
    message_id: UUID = MESSAGE,
) -> HitRecorded:
    """A pixel, or with `link` a click. Its id follows from the arguments."""
    return HitRecorded(
        event_id=derived_id("made-hit", message_id, when, agent, address, link, name, method, slot),
        occurred_at=at(when),
        account_id=ACCOUNT,
        message_id=message_id,
        endpoint=Endpoint.PIXEL if link is None else Endpoint.LINK,
        method=method,
        slot=slot,
        link_index=link,
        client_address=address,
        user_agent=agent,
    )


def viewing(
    when: float,
    *,
    user: UUID = USER,
    agent: str = CHROME,
    address: str | None = OTHER_ADDRESS,
    message_id: UUID = MESSAGE,
) -> ViewingReported:
    return ViewingReported(
        event_id=derived_id("made-beacon", message_id, when, user, agent, address),
        occurred_at=at(when),
        account_id=ACCOUNT,
        message_id=message_id,
        user_id=user,
        client_address=address,
        user_agent=agent,
    )


def reply(
    when: float,
    *,
    slot: int | None = None,
    user: UUID = USER,
    name: object = "",
    told: float | None = None,
) -> ReplyReceived:
    """An answer to the message; `told`: when it was seen, at once if None."""
    return ReplyReceived(
        event_id=derived_id("made-reply", when, slot, user, name),
        occurred_at=at(when if told is None else told),
        account_id=ACCOUNT,
        message_id=MESSAGE,
        user_id=user,
        replied_at=at(when),
        slot=slot,
    )


def related(event: HitRecorded, rule: AcrossMessages = "threads.older-message", value: int = 0) -> HitRelated:
    """What the tracker saw of the hit together with other messages."""
    return HitRelated(
        event_id=derived_id("hit-related", event.event_id, rule, value),
        occurred_at=event.occurred_at,
        account_id=event.account_id,
        message_id=event.message_id,
        hit_id=event.event_id,
        rule=rule,
        value=value,
    )


class Tracked:
    """A shard that remembers all it told."""

    def __init__(self, *events: Event) -> None:
        self.shard = Shard(lambda _: None, timedelta(hours=24), most=1000)
        self.told: list[Event] = []
        self.take(*events)

    def take(self, *events: Event) -> list[Event]:
        """Fold the events; what they made the tracker tell."""
        told = [out for event in events for change in self._fold(event) for out in events_of(change)]
        assert all(encode(decode(topic_of(out).name, encode(out))) == encode(out) for out in told)
        self.told += told
        return told

    def _fold(self, event: Event) -> list[handlers.Change]:
        if isinstance(event, HitRecorded):
            return handlers.hit_recorded(self.shard, event, event.occurred_at, again=False)
        if isinstance(event, ViewingReported):
            return handlers.viewing_reported(self.shard, event, event.occurred_at)
        if isinstance(event, ReplyReceived):
            return handlers.reply_received(self.shard, event, event.occurred_at, again=False)
        if isinstance(event, HitRelated):
            return handlers.hit_related(self.shard, event, event.occurred_at)
        assert isinstance(event, SendEvent)
        return handlers.message_changed(self.shard, event, event.occurred_at, again=False)

    def final(self) -> dict[UUID, EngagementJudged]:
        """Each engagement at its highest revision."""
        best: dict[UUID, EngagementJudged] = {}
        for event in self.told:
            if isinstance(event, EngagementJudged):
                known = best.get(event.engagement_id)
                if known is None or event.revision > known.revision:
                    best[event.engagement_id] = event
        return best

    def judged(self, hit_event: HitRecorded | ReplyReceived, kind: str | None = None) -> EngagementJudged:
        """The last word on a hit."""
        is_click = isinstance(hit_event, HitRecorded) and hit_event.endpoint is Endpoint.LINK
        kind = kind or ("click" if is_click else "open")
        return self.final()[derived_id("engagement", hit_event.event_id, kind)]

    def standing(self) -> set[UUID]:
        """Notifications that were raised and not retracted since."""
        ids: set[UUID] = set()
        for event in self.told:
            if isinstance(event, NotificationRaised):
                ids.add(event.notification_id)
            elif isinstance(event, NotificationRetracted):
                ids.discard(event.notification_id)
        return ids


__all__ = ["MessageCancelled", "MessageScheduled", "MessageSent"]
