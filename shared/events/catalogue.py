"""Every topic, once: who owns it, who writes and reads it, how long it is kept.

Topics are made from here (`kaifu topics create`), AsyncAPI, Strimzi resources and access lists
are generated from here, and no other file spells a topic's name.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, get_args, get_origin

from shared.events.base import Event
from shared.events.engagements import AnyEngagementEvent
from shared.events.hits import AnyHitEvent
from shared.events.log_decisions import AnyLogDecisionEvent
from shared.events.notification_policies import AnyNotificationPolicyEvent
from shared.events.notifications import AnyNotificationEvent
from shared.events.revocations import AnyRevocationEvent
from shared.events.sends import AnySendEvent

DEAD_LETTER_SUFFIX = ".dlq"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `retention` None: kept for ever (compacted by key)."""

    name: str
    owner: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    key: str
    retention: timedelta | None
    events: Any
    description: str

    @property
    def compacted(self) -> bool:
        """Whether Kafka keeps the latest value per key instead of a span of time."""
        return self.retention is None

    @property
    def dead_letters(self) -> str:
        """The topic for what could not be processed."""
        return self.name + DEAD_LETTER_SUFFIX

    def broker_config(self) -> dict[str, str]:
        """Kafka's topic configuration."""
        if self.retention is None:
            return {"cleanup.policy": "compact"}
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(int(self.retention.total_seconds() * 1000)),
        }


def event_types(topic: Topic) -> tuple[type[Event], ...]:
    """The event models of a topic, in the order of their union."""
    union = get_args(topic.events)[0] if get_origin(topic.events) is Annotated else topic.events
    return get_args(union) or (union,)


SENDS = Topic(
    name="email.sends",
    owner="ingest",
    producers=("ingest", "crm"),  # crm only to restore a new or emptied broker
    consumers=("tracker", "logger", "crm"),
    key="message_id",
    retention=None,
    events=AnySendEvent,
    description="The latest state of each message: a hit may come years after it was sent.",
)
HITS = Topic(
    name="email.hits",
    owner="ingest",
    producers=("ingest", "tracker"),  # tracker only what it saw across messages
    consumers=("tracker", "crm"),
    key="message_id",
    retention=timedelta(days=7),
    events=AnyHitEvent,
    description="Raw fetches of pixels and links, the rep's own viewing, answers that came, and what relates "
    "fetches of several messages. Alone holds client addresses.",
)
ENGAGEMENTS = Topic(
    name="email.engagements",
    owner="tracker",
    producers=("tracker",),
    consumers=("crm", "tracker"),  # tracker only for `kaifu replay` without crm
    key="message_id",
    retention=timedelta(days=30),
    events=AnyEngagementEvent,
    description="Explained verdicts on hits, and their corrections.",
)
LOG_DECISIONS = Topic(
    name="email.log-decisions",
    owner="logger",
    producers=("logger",),
    consumers=("crm",),
    key="message_id",
    retention=timedelta(days=30),
    events=AnyLogDecisionEvent,
    description="Where a sent mail is logged, where not, and why.",
)
REVOCATIONS = Topic(
    name="email.revocations",
    owner="crm",
    producers=("crm",),
    consumers=("ingest", "tracker"),
    key="message_id or account_id",
    retention=None,
    events=AnyRevocationEvent,
    description="Messages and accounts that are no longer tracked.",
)
NOTIFICATIONS = Topic(
    name="notifications",
    owner="notifier",
    producers=("tracker", "logger", "crm"),
    consumers=("notifier",),
    key="user_id",
    retention=timedelta(days=3),
    events=AnyNotificationEvent,
    description="What a rep's screens are told; Kafka is their replay log.",
)
NOTIFICATION_POLICIES = Topic(
    name="notification-policies",
    owner="crm",
    producers=("crm",),
    consumers=("notifier",),
    key="user_id or message_id",
    retention=None,
    events=AnyNotificationPolicyEvent,
    description="Which of a rep's notifications come up on the screen, and which are only counted.",
)

TOPICS = (SENDS, HITS, ENGAGEMENTS, LOG_DECISIONS, REVOCATIONS, NOTIFICATIONS, NOTIFICATION_POLICIES)
DEAD_LETTER_RETENTION = timedelta(days=30)
_BY_NAME = {topic.name: topic for topic in TOPICS}
_BY_EVENT = {event: topic for topic in TOPICS for event in event_types(topic)}


def topic_of(event: Event) -> Topic:
    """The one topic that events of this type are written to."""
    return _BY_EVENT[type(event)]


def topic_named(name: str) -> Topic:
    """The topic, or KeyError for a name that the catalogue does not have."""
    return _BY_NAME[name]
