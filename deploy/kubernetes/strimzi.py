"""Strimzi's `KafkaTopic` and `KafkaUser` resources (API kafka.strimzi.io/v1) of the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from deploy.kubernetes.access import USERS, Right, rights_of, user_name
from shared.events.catalogue import DEAD_LETTER_RETENTION, TOPICS, Topic

CLUSTER = "kaifu"
_API = "kafka.strimzi.io/v1"
_OF_CLUSTER = {"strimzi.io/cluster": CLUSTER}
_HEAD = "# Generated from shared/events/catalogue.py by `make manifests`.\n"

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Overlay:
    """How an overlay keeps topics."""

    partitions: int
    replicas: int
    min_insync_replicas: int


OVERLAYS = {"single-node": Overlay(4, 1, 1), "production": Overlay(12, 3, 2)}


def documents() -> dict[PurePosixPath, str]:
    """All generated files by their path below deploy/kubernetes/."""
    found = {PurePosixPath("base", "kafka-users.yaml"): _text([_user(user) for user in USERS])}
    for name, overlay in OVERLAYS.items():
        found[PurePosixPath("overlays", name, "kafka-topics.yaml")] = _text(list(_topics(overlay)))
    return found


def _topics(overlay: Overlay) -> Iterator[Resource]:
    dead = {
        "cleanup.policy": "delete",
        "retention.ms": str(int(DEAD_LETTER_RETENTION.total_seconds() * 1000)),
    }
    for topic in TOPICS:
        yield _topic(topic, topic.name, overlay.partitions, overlay, topic.broker_config())
        yield _topic(topic, topic.dead_letters, 1, overlay, dead)


def _topic(topic: Topic, name: str, partitions: int, overlay: Overlay, config: dict[str, str]) -> Resource:
    return {
        "apiVersion": _API,
        "kind": "KafkaTopic",
        "metadata": {
            "name": name.replace(".", "-"),
            "labels": {**_OF_CLUSTER, "app.kubernetes.io/component": topic.owner},
        },
        "spec": {
            "topicName": name,
            "partitions": partitions,
            "replicas": overlay.replicas,
            "config": {**config, "min.insync.replicas": str(overlay.min_insync_replicas)},
        },
    }


def _user(user: str) -> Resource:
    return {
        "apiVersion": _API,
        "kind": "KafkaUser",
        "metadata": {
            "name": user_name(user),
            "labels": {**_OF_CLUSTER, "app.kubernetes.io/component": user},
        },
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {"type": "simple", "acls": [_acl(right) for right in rights_of(user)]},
        },
    }


def _acl(right: Right) -> Resource:
    return {
        "resource": {"type": right.resource, "name": right.name, "patternType": "literal"},
        "operations": list(right.operations),
    }


def _text(resources: list[Resource]) -> str:
    text: str = yaml.safe_dump_all(resources, sort_keys=False, explicit_start=True, width=110)
    return _HEAD + text
