"""Who may do what on Kafka, from the catalogue and from the groups that the services join."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.crm.adapters.consumers import ARCHIVE_GROUP, MESSAGES_GROUP
from services.logger.adapters import faust_app
from services.tracker.adapters import loop
from shared.events.catalogue import (
    ENGAGEMENTS,
    HITS,
    LOG_DECISIONS,
    NOTIFICATION_POLICIES,
    NOTIFICATIONS,
    REVOCATIONS,
    SENDS,
    TOPICS,
    Topic,
)

Operation = Literal["Read", "Write", "Describe"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Topics that a service reads in a group; `group` None: every process reads all, and commits nothing."""

    service: str
    group: str | None
    topics: tuple[Topic, ...]


READINGS = (
    Reading("ingest", None, (REVOCATIONS,)),
    Reading("tracker", loop.GROUP, (SENDS, HITS)),
    Reading("tracker", None, (REVOCATIONS,)),
    Reading("tracker", None, (SENDS, HITS, ENGAGEMENTS, REVOCATIONS)),  # `kaifu replay`
    Reading("logger", faust_app.GROUP, (SENDS,)),
    Reading("notifier", None, (NOTIFICATIONS, NOTIFICATION_POLICIES)),
    Reading("crm", MESSAGES_GROUP, (SENDS, ENGAGEMENTS, LOG_DECISIONS)),
    Reading("crm", ARCHIVE_GROUP, (HITS,)),
)
SERVICES = ("crm", "ingest", "logger", "notifier", "tracker")
OPERATOR = "operator"  # people, by `kaifu dlq` and `kaifu topics`
USERS = (*SERVICES, OPERATOR)


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """Operations on one resource. Reading and writing each imply describing.

    No cluster rights: brokers since 2.8 let whoever may write a topic be an idempotent producer, and tell
    everybody the cluster's id.
    """

    resource: Literal["topic", "group"]
    name: str
    operations: tuple[Operation, ...]


def user_name(user: str) -> str:
    """The Kafka user (and the Secret) of a service or of the operator."""
    return f"kaifu-{user}"


def rights_of(user: str) -> tuple[Right, ...]:
    """All that the user may do, in a stable order."""
    wanted: dict[tuple[Literal["topic", "group"], str], set[Operation]] = defaultdict(set)
    for resource, name, operation in _operator() if user == OPERATOR else _service(user):
        wanted[resource, name].add(operation)
    return tuple(sorted(Right(*place, tuple(sorted(operations))) for place, operations in wanted.items()))


_Single = tuple[Literal["topic", "group"], str, Operation]


def _service(service: str) -> Iterator[_Single]:
    for topic in TOPICS:
        if service in topic.producers:
            yield "topic", topic.name, "Write"
    for reading in READINGS:
        if reading.service != service:
            continue
        for topic in reading.topics:
            yield "topic", topic.name, "Read"
            if reading.group is not None:  # who commits sets aside what can't be processed
                yield "topic", topic.dead_letters, "Write"
        if reading.group is not None:
            yield "group", reading.group, "Read"


def _operator() -> Iterator[_Single]:
    """Look at everything's state, read dead letters, publish them again."""
    for topic in TOPICS:
        yield "topic", topic.name, "Describe"
        yield "topic", topic.name, "Write"
        yield "topic", topic.dead_letters, "Read"
    for reading in READINGS:
        if reading.group is not None:
            yield "group", reading.group, "Describe"
